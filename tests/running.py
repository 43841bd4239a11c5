"""What the tests of running share: databases that are files, scripts, a project."""

import sqlite3
import textwrap
from contextlib import contextmanager

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from whimbrel.run.execute import downgrade_fn, upgrade_fn
from whimbrel.run.runtime import Operations, owned_context, run_environment


ENV = """
from alembic import context

def run():
    connectable = config.attributes["engine"]
    with connectable.connect() as connection:
        context.configure(connection=connection, **config.attributes.get("options", {}))
        with context.begin_transaction():
            context.run_migrations()

config = context.config
run()
"""


class Database:
    """A SQLite file, looked at past SQLAlchemy."""

    def __init__(self, path):
        self.path = path
        self.url = f"sqlite:///{path}"

    def connect(self):
        return sqlite3.connect(self.path)

    def run(self, *statements):
        with sqlite3.connect(self.path) as connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()

    def rows(self, sql):
        connection = sqlite3.connect(self.path)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def sql(self, name):
        rows = self.rows(f"SELECT sql FROM sqlite_master WHERE name = '{name}'")
        return rows[0][0] if rows else None

    def everything(self):
        """All that the file says: schema and rows."""
        connection = sqlite3.connect(self.path)
        try:
            return list(connection.iterdump())
        finally:
            connection.close()


@contextmanager
def operations(url, *, foreign_keys=False, **options):
    """Give the operations of one script, in the transaction that a run has."""
    engine = sa.create_engine(url)
    if foreign_keys:
        sa.event.listen(
            engine, "connect", lambda dbapi, _: dbapi.execute("PRAGMA foreign_keys=ON")
        )
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"transactional_ddl": True, **options}
        )
        with owned_context(context).begin_transaction():
            yield Operations(context)
    engine.dispose()


class Project:
    """A folder of scripts with an env.py."""

    def __init__(self, path, env=ENV):
        self.path = path
        (path / "versions").mkdir(parents=True)
        (path / "env.py").write_text(env)
        self.config = Config()
        self.config.set_main_option("script_location", str(path))
        self.last = None
        self.events = []

    def script(self, revision, upgrade, downgrade="pass"):
        file = self.path / "versions" / f"{revision}.py"
        file.write_text(
            "import sqlalchemy as sa\nfrom alembic import op\n"
            f"revision = {revision!r}\ndown_revision = {self.last!r}\n\n"
            f"def upgrade():\n{textwrap.indent(textwrap.dedent(upgrade), '    ')}\n\n"
            f"def downgrade():\n{textwrap.indent(textwrap.dedent(downgrade), '    ')}\n"
        )
        self.last = revision
        return file

    def upgrade(self, engine, revision="head", **options):
        self._run(engine, upgrade_fn, revision, options)

    def downgrade(self, engine, revision="base", **options):
        self._run(engine, downgrade_fn, revision, options)

    def _run(self, engine, fn, revision, options):
        conduct = options.pop("conduct", None)
        self.config.attributes["engine"] = engine
        self.config.attributes["options"] = options
        history = ScriptDirectory.from_config(self.config)
        run_environment(
            self.config,
            history,
            fn(history, revision, self.events.append),
            destination_rev=revision,
            conduct=conduct,
        )
