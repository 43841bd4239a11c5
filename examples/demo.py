"""The whole way of a migration, on a small blog, with the commands a user would type.

Copies examples/blog to a temporary folder and takes it from its first script to
an upgrade and back.  Ends with 1 if anything on the way is not as it should be.
"""

import difflib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path


HERE = Path(__file__).parent
FLASK = Path(sys.executable).with_name("flask")
IS_TERMINAL = sys.stdout.isatty()


def bold(text):
    return f"\033[1m{text}\033[0m" if IS_TERMINAL else text


def heading(text):
    print(f"\n{bold(text)}\n{'-' * len(text)}")


def say(text):
    print(text)


def show(text):
    print("".join(f"    {line}\n" for line in text.rstrip().splitlines()), flush=True)


class Wrong(Exception):
    """Something on the way is not as it should be."""


def expect(is_so, what):
    if not is_so:
        raise Wrong(what)


class Blog:
    """A copy of the blog in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.database = folder / "instance" / "blog.db"
        shutil.copytree(HERE / "blog" / "blog", folder / "blog")

    def flask(self, *words):
        """Type `flask ...`, show what it says, and return that."""
        print(bold(f"  $ flask {' '.join(words)}"), flush=True)
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("FLASK_")}
        done = subprocess.run(
            [FLASK, *words],
            cwd=self.folder,
            env=inherited | {"FLASK_APP": "blog.app", "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        show(done.stdout)
        expect(done.returncode == 0, f"`flask {' '.join(words)}` ended with an error.")
        return done.stdout

    def scripts(self):
        return set((self.folder / "migrations" / "versions").glob("**/*.py"))

    def new_script(self, *words):
        """Let the command write a script; return its path."""
        before = self.scripts()
        self.flask("db", "migrate", *words)
        new = self.scripts() - before
        expect(len(new) == 1, f"One new script should be there, not {len(new)}.")
        return new.pop()

    def query(self, sql):
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute(sql).fetchall()

    def rows(self):
        """Return the columns that the models had from the beginning."""
        wanted = {
            "user": "id, username",
            "address": "id, email_address, user_id",
            "post": "id, title, body, status, author_id",
        }
        return {
            table: self.query(f'SELECT {columns} FROM "{table}" ORDER BY id')
            for table, columns in wanted.items()
        }

    def schema(self):
        """Return what SQLite itself says of every table, without asking Whimbrel."""
        tables = self.query("SELECT name, sql FROM sqlite_schema WHERE type = 'table'")
        facts = {}
        for name, sql in tables:
            if name.startswith(("sqlite_", "alembic_")):
                continue
            facts[name] = {
                "columns": self.query(f"PRAGMA table_xinfo('{name}')"),
                "foreign keys": self.query(f"PRAGMA foreign_key_list('{name}')"),
                "indexes": [
                    (unique, origin, self.query(f"PRAGMA index_info('{index}')"))
                    for _, index, unique, origin, _ in self.query(
                        f"PRAGMA index_list('{name}')"
                    )
                ],
                "checks": sql.upper().count("CHECK"),
            }
        return facts


def first_script(blog):
    heading("1. The first script")
    say("# Once in the life of a project: a folder for the migrations.\n")
    blog.flask("db", "init")
    say("# Compare the models with the database, which is empty yet.\n")
    blog.new_script("-m", "first tables")
    say("# Run it. The database is at the newest script now.\n")
    blog.flask("db", "upgrade")
    blog.flask("db", "current")


def write_rows(blog):
    heading("2. People use the blog")
    blog.flask("write")
    blog.flask("posts")


def change_models(blog):
    heading("3. The models change")
    say("# A longer user name that must be unique, a new column, a column of a type of")
    say("# the blog's own, a check, a foreign key, another default. And nobody")
    say("# thought of names for the constraints.\n")
    after = HERE / "blog" / "stages" / "after"
    models = blog.folder / "blog" / "models.py"
    diff = difflib.unified_diff(
        models.read_text().splitlines(),
        (after / "models.py").read_text().splitlines(),
        "models.py, before",
        "models.py, after",
        lineterm="",
        n=1,
    )
    show("\n".join(diff))
    shutil.copytree(after, blog.folder / "blog", dirs_exist_ok=True)


def second_script(blog):
    heading("4. The next script")
    say("# What is different? The script is tried on a scratch database before you")
    say("# get it: the way up must lead exactly to the models, the way down back.\n")
    script = blog.new_script()
    say("# This is the script. It is plain Alembic, and yours to edit.\n")
    text = script.read_text()
    show(text)
    for part in (
        'blog.types.Tags(separator=" ")',
        "uq_user_username",
        "fk_post_author_id_user",
        "is_active",
        "published",
    ):
        expect(part in text, f"The script should mention {part}.")


def go_up(blog, rows):
    heading("5. Upgrade")
    blog.flask("db", "upgrade")
    say("# Every row is still there, and the new column has its default.\n")
    blog.flask("posts")
    expect(blog.rows() == rows, "The rows should be as they were.")
    active = blog.query('SELECT is_active FROM "user"')
    expect(active == [(1,), (1,)], "Every user should be active.")
    schema = blog.schema()
    expect(len(schema["post"]["foreign keys"]) == 1, "post should have a foreign key.")
    defaults = {column[1]: column[4] for column in schema["post"]["columns"]}
    expect(defaults["status"] == "'published'", "post.status has another default.")
    expect(schema["post"]["checks"] == 1, "post should have a check.")
    expect(schema["user"]["indexes"] != [], "user should have a unique constraint.")
    expect(blog.query("PRAGMA foreign_key_check") == [], "No row should be an orphan.")
    say("# Is there anything left to do?\n")
    blog.flask("db", "check")
    count = len(blog.scripts())
    blog.flask("db", "migrate")
    expect(len(blog.scripts()) == count, "Nothing should be left to do.")


def go_down(blog, rows, schema):
    heading("6. And back")
    blog.flask("db", "downgrade")
    expect(blog.schema() == schema, "The schema should be the one of step 2.")
    expect(blog.rows() == rows, "The rows should be as they were.")
    say("# The schema is what it was in step 2, and no row was lost:\n")
    show("\n".join(f"{table}: {len(each)} rows" for table, each in rows.items()))


def main():
    with tempfile.TemporaryDirectory(prefix="whimbrel-demo-") as folder:
        blog = Blog(Path(folder))
        first_script(blog)
        write_rows(blog)
        rows, schema = blog.rows(), blog.schema()
        change_models(blog)
        second_script(blog)
        go_up(blog, rows)
        go_down(blog, rows, schema)
    heading("That is all")
    say("In your own project: `flask db init` once, then `flask db migrate` and")
    say("`flask db upgrade` whenever your models change.")


if __name__ == "__main__":
    try:
        main()
    except Wrong as wrong:
        print(f"\nThe demo failed: {wrong}", file=sys.stderr)
        sys.exit(1)
