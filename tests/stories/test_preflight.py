"""Stories of what is told, asked and refused before a script is written or run."""

import json
import subprocess
import sys

import pytest
import sqlalchemy as sa

from stories.terminal import Terminal
from stories.test_questions import talk
from whimbrel.commands.preflight import SHOWN


SCRIPT = """
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {before!r}


def upgrade():
    {upgrade}


def downgrade():
    pass
"""
MODELS = """
import sqlalchemy as sa
from sqlalchemy.orm import declarative_base
Base = declarative_base()
class Owner(Base):
    __tablename__ = "owner"
    id = sa.Column(sa.Integer, primary_key=True)
class Pet(Base):
    __tablename__ = "pet"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String(20))
    owner_id = sa.Column(sa.Integer)
"""
ROWS = (
    "INSERT INTO owner (id) VALUES (1)",
    "INSERT INTO pet (id, name, owner_id) VALUES"
    " (1, 'Rex', 1), (2, 'Rex', 7), (3, NULL, NULL)",
)
TABLE = "with op.batch_alter_table('pet') as batch_op:\n        batch_op."
FORBIDDEN = {
    "duplicates": (
        f"{TABLE}create_unique_constraint('uq', ['name'])",
        "1 value of name in pet stands in several rows",
    ),
    "duplicates behind what is committed": (
        "with op.get_context().autocommit_block():\n        op.execute('SELECT 1')\n"
        f"    {TABLE}create_unique_constraint('uq', ['name'])",
        "1 value of name in pet stands in several rows",
    ),
    "nulls": (
        f"{TABLE}alter_column('name', existing_type=sa.String(20), nullable=False)",
        "1 row of pet has no name",
    ),
    "orphans": (
        f"{TABLE}create_foreign_key('fk', 'owner', ['owner_id'], ['id'])",
        "1 row of pet refers to a row of owner that is not there",
    ),
}
DROP = f"{TABLE}drop_column('name')"
LOST = "2 rows of pet have a value in name, which is lost"


class Place:
    """A project in a folder whose tables have rows, and further scripts."""

    def __init__(self, folder, url):
        self.folder, self.url, self.last = folder, url, None
        self.engine = sa.create_engine(url, poolclass=sa.pool.NullPool)

    def __call__(self, line):
        return Terminal(self.folder).type(
            f"whimbrel --url {self.url} --metadata models:Base {line}"
        )

    def script(self, revision, upgrade):
        """Write a script that follows the last one."""
        text = SCRIPT.format(revision=revision, before=self.last, upgrade=upgrade)
        path = self.folder / "migrations" / "versions" / f"{revision}_.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self.last = revision
        return path

    def everything(self):
        """The columns and keys of the table, its rows, and the version."""
        with self.engine.connect() as connection:
            seen = sa.inspect(connection)
            told = [
                [(each["name"], each["nullable"]) for each in seen.get_columns("pet")],
                seen.get_unique_constraints("pet"),
                seen.get_foreign_keys("pet"),
            ]
            for table in ("pet", "alembic_version"):
                rows = connection.exec_driver_sql(f"SELECT * FROM {table}")
                told.append([tuple(row) for row in rows])
            return told


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with models and a migrations folder; the tables are made by hand."""
    folder = tmp_path_factory.mktemp("preflight")
    (folder / "models.py").write_text(MODELS)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Terminal(folder).does("whimbrel init migrations")
    return folder


def begun(folder, url, here, monkeypatch):
    """Copy the project to *here*, and let its first script make the tables."""
    for path in folder.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            target = here / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    monkeypatch.chdir(here)
    place = Place(here, url)
    place.script(
        "a1",
        "op.create_table('owner', sa.Column('id', sa.Integer, primary_key=True))\n"
        "    op.create_table('pet', sa.Column('id', sa.Integer, primary_key=True),"
        " sa.Column('name', sa.String(20)), sa.Column('owner_id', sa.Integer))",
    )
    done = place("upgrade")
    assert done.status == 0, done.text
    with place.engine.begin() as connection:
        for statement in ROWS:
            connection.exec_driver_sql(statement)
    return place


@pytest.fixture(params=["sqlite", "postgresql", "mariadb", "mysql"])
def everywhere(request, folder, tmp_path, monkeypatch):
    """A project on each kind of database."""
    url = f"sqlite:///{tmp_path}/app.db"
    if request.param != "sqlite":
        url = request.getfixturevalue(f"{request.param}_url")
    place = begun(folder, url, tmp_path, monkeypatch)
    yield place
    place.engine.dispose()


@pytest.fixture
def postgresql_place(folder, postgresql_url, tmp_path, monkeypatch):
    """A project on PostgreSQL."""
    place = begun(folder, postgresql_url, tmp_path, monkeypatch)
    yield place
    place.engine.dispose()


@pytest.fixture
def place(folder, tmp_path, monkeypatch):
    """A project on SQLite."""
    place = begun(folder, "sqlite:///app.db", tmp_path, monkeypatch)
    yield place
    place.engine.dispose()


@pytest.mark.parametrize(("upgrade", "sentence"), FORBIDDEN.values(), ids=FORBIDDEN)
def test_what_rows_forbid_stops_an_upgrade(everywhere, upgrade, sentence):
    """The sentence names the thing, the first rows, a remedy, and a query."""
    everywhere.script("b2", upgrade)
    before = everywhere.everything()

    done = everywhere("upgrade")

    assert done.status == 1, done.text
    assert sentence in done.text
    assert "The first: " in done.text
    assert "All of them: SELECT" in done.text
    assert "nothing was changed" in done.text
    assert before == everywhere.everything()


def test_a_loss_is_told_and_can_be_refused(everywhere):
    """Without a terminal it is said and done, unless somebody says otherwise."""
    everywhere.script("b2", DROP)
    before = everywhere.everything()

    refused = everywhere("upgrade --refuse-loss")
    assert refused.status == 1, refused.text
    assert LOST in refused.text
    assert "# accepted: W102" in refused.text
    assert before == everywhere.everything()

    done = everywhere("upgrade")
    assert done.status == 0, done.text
    assert LOST in done.text


def test_the_rows_are_not_asked(place):
    """--no-preflight: the database itself refuses."""
    place.script("b2", FORBIDDEN["duplicates"][0])

    done = place("upgrade --no-preflight")

    assert done.status == 1, done.text
    assert "stands in several rows; a unique key would fail" not in done.text


def test_a_plan_is_shown_and_not_done(place):
    """--plan tells all there is; as JSON, a program reads it."""
    path = place.script("b2", DROP)
    before = place.everything()

    told = place("upgrade --plan")
    data = json.loads(place("upgrade --plan --json").stdout)

    assert told.status == 0, told.text
    assert "pending: " in told.text
    assert LOST in told.text
    assert data["pending"] == ["b2"]
    [script] = data["plan"]
    assert [each["told"] for each in script["operations"]] == ["- column pet.name"]
    assert script["unforeseen"] == ""
    [finding] = data["findings"]
    line = path.read_text().splitlines().index(f"        {DROP.split()[-1]}") + 1
    assert (finding["code"], finding["object"]) == ("W102", "pet.name")
    assert (finding["count"], finding["line"]) == (2, line)
    assert before == place.everything()


def test_a_plan_of_nothing_says_so(place):
    """There is nothing to show."""
    assert "Nothing to do" in place("upgrade --plan").text
    assert "pending" not in json.loads(place("upgrade --plan --json").stdout)


def test_the_settings_say_what_a_loss_is(place):
    """`loss` in pyproject.toml; an option is stronger."""
    place.script("b2", DROP)
    settings = place.folder / "pyproject.toml"
    settings.write_text('[tool.whimbrel]\nloss = "perhaps"\n')
    unknown = place("upgrade")
    settings.write_text('[tool.whimbrel]\nloss = "refuse"\n')
    refused = place("upgrade")
    allowed = place("upgrade --allow-loss")

    assert unknown.status == 2, unknown.text
    assert "'perhaps'" in unknown.text
    assert refused.status == 1, refused.text
    assert "would lose values" in refused.text
    assert allowed.status == 0, allowed.text


def test_two_opposites_are_no_wish(place):
    """Both options at once make no sense."""
    done = place("upgrade --allow-loss --refuse-loss")

    assert done.status == 2, done.text
    assert "contradict" in done.text


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("n", 1), ("", 1)])
def test_who_sits_at_a_terminal_is_asked(place, answer, status):
    """Yes goes on, no changes nothing."""
    place.script("b2", DROP)
    before = place.everything()

    ended, shown = talk(place, "upgrade", answer)

    assert ended == status, shown
    assert LOST in shown
    assert (before == place.everything()) == bool(status)


def test_nobody_is_asked_about_values_that_are_kept(place):
    """A script that copies them first loses nothing that it knows of."""
    place.script(
        "b2",
        "op.add_column('pet', sa.Column('called', sa.String(20)))\n"
        "    op.execute('UPDATE pet SET called = name')\n"
        f"    {DROP}",
    )

    status, shown = talk(place, "upgrade")

    assert status == 0, shown
    assert "is lost" not in shown


@pytest.mark.parametrize(
    "writes",
    [
        "open('log', 'a').write('x')",
        "pathlib.Path('log').open('a').write('x')",
        "run(['sh', '-c', 'echo x >> log'])",
    ],
)
def test_what_is_not_undone_is_not_done_twice(place, writes):
    """A script that writes a file is foreseen up to there; the file is written once."""
    place.script(
        "b2",
        "import pathlib\n    op.add_column('pet', sa.Column('age', sa.Integer))\n"
        f"    {writes}",
    )
    if "run" in writes:
        path = next(place.folder.glob("**/*b2*.py"))
        path.write_text(f"from subprocess import run\n{path.read_text()}")

    done = place("upgrade")

    assert done.status == 0, done.text
    assert "the rest cannot be foreseen: it " in done.text
    assert (place.folder / "log").read_text().split() == ["x"]


@pytest.mark.parametrize(
    "does",
    ["mkdir()", "touch(exist_ok=False)", "with_name('there').unlink()",
     "with_name('there').rename('new')", "symlink_to('there')"],
)  # fmt: skip
def test_a_path_is_not_changed_twice(place, does):
    """What a script does to a file, and cannot do again, is done by the run alone."""
    (place.folder / "there").touch()
    place.script("b2", f"import pathlib\n    pathlib.Path('new').absolute().{does}")

    done = place("upgrade")

    assert done.status == 0, done.text
    assert "the rest cannot be foreseen: it changes files" in done.text


@pytest.mark.parametrize(
    "asks",
    [
        "op.get_bind().scalar(sa.text('SELECT count(*) FROM pet'))",
        "len(sa.inspect(op.get_bind()).get_columns('pet'))",
        "op.get_bind().execute(sa.text('SELECT 1')).scalar()",
    ],
)
def test_what_cannot_be_foreseen_is_said(place, asks):
    """A script that asks the database is foreseen up to there, and runs."""
    place.script(
        "b2",
        "op.add_column('pet', sa.Column('age', sa.Integer))\n"
        f"    count = {asks}\n"
        "    op.add_column('pet', sa.Column('n', sa.Integer, server_default=str(count)))",
    )

    done = place("upgrade")

    assert done.status == 0, done.text
    assert "the rest cannot be foreseen: it asks the database itself" in done.text
    assert [each[0] for each in place.everything()[0]][-2:] == ["age", "n"]


def without_name(place):
    """Let the models have no name for a pet any more."""
    models = place.folder / "models.py"
    models.write_text(MODELS.replace("    name = sa.Column(sa.String(20))\n", ""))


def written(place):
    """The script that migrate wrote."""
    paths = sorted((place.folder / "migrations" / "versions").glob("*.py"))
    [path] = [each for each in paths if each.name != "a1_.py"]
    return path


def test_migrate_tells_what_the_rows_here_say(everywhere):
    """With how many, once, and whether it is written or not is not in question."""
    without_name(everywhere)

    done = everywhere("migrate --no-proof")

    assert done.status == 0, done.text
    assert done.text.count(LOST) == 1
    assert "Loss: pet.name" not in done.text
    assert "# accepted" not in written(everywhere).read_text()


def test_migrate_tells_of_duplicates(place):
    """The script is written; what it will meet here is known before it is run."""
    models = place.folder / "models.py"
    models.write_text(
        MODELS.replace("sa.Column(sa.String(20))", "sa.Column(sa.Text, unique=True)")
    )

    done = place("migrate")

    assert done.status == 0, done.text
    assert FORBIDDEN["duplicates"][1] in done.text


def test_a_loss_that_is_meant_stands_in_the_script(everywhere):
    """Such a script passes where losses are refused, as formatters leave it, too."""
    without_name(everywhere)
    assert everywhere("migrate --allow-loss --no-proof").status == 0
    path = written(everywhere)
    text = path.read_text()
    subprocess.run(
        [sys.executable, "-m", "ruff", "format", "-q", path], check=True, timeout=60
    )
    assert text == path.read_text()
    [line] = [each for each in text.splitlines() if "# accepted: W102" in each]
    lines = text.splitlines()
    assert "op.drop_column('pet', 'name')" in lines[lines.index(line) + 1].replace(
        '"', "'"
    )

    done = everywhere("upgrade --refuse-loss")

    assert done.status == 0, done.text


def test_a_yes_at_migrate_is_one_for_the_upgrade(place):
    """Who accepted a loss when the script was written is not asked again."""
    without_name(place)

    status, shown = talk(place, "migrate", "y")
    assert status == 0, shown
    assert "# accepted: W102" in written(place).read_text()

    status, shown = talk(place, "upgrade")
    assert status == 0, shown


def test_an_index_that_is_built_beside_the_traffic_is_foreseen(postgresql_place):
    """What stands in an autocommit block is asked about too."""
    place = postgresql_place
    place.script(
        "b2",
        "with op.get_context().autocommit_block():\n"
        "        op.create_index('ix', 'pet', ['name'], unique=True,"
        " postgresql_concurrently=True)",
    )
    before = place.everything()

    done = place("upgrade")

    assert done.status == 1, done.text
    assert FORBIDDEN["duplicates"][1] in done.text
    assert before == place.everything()


def test_many_scripts_for_a_database_with_rows(place):
    """They are not shown one by one; what the rows forbid is found among them."""
    for number in range(SHOWN):
        place.script(f"c{number}", "pass")
    place.script("last", FORBIDDEN["duplicates"][0])

    done = place("upgrade")

    assert done.status == 1, done.text
    assert f"{SHOWN + 1} scripts are pending." in done.text
    assert FORBIDDEN["duplicates"][1] in done.text


@pytest.mark.parametrize("count", [1, SHOWN + 1])
def test_scripts_for_an_empty_database(place, count):
    """There is nobody to ask; the plan tells all there is, however many they are."""
    for number in range(count):
        id_ = "sa.Column('id', sa.Integer)"
        place.script(f"c{number}", f"op.create_table('t{number}', {id_})")
    place.url = f"sqlite:///{place.folder}/empty.db"

    shown = place("upgrade --plan")
    data = json.loads(place("upgrade --plan --json").stdout)
    done = place("upgrade")

    assert shown.text.count("pending: ") == count + 1
    assert shown.text.count("table t") == count
    assert data["pending"] == ["a1", *(f"c{number}" for number in range(count))]
    assert done.status == 0, done.text
    assert (f"{count + 1} scripts are pending." in done.text) == (count >= SHOWN)
