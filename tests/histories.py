"""Histories that tests draw: folders of scripts, from nothing but who follows whom."""

from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from alembic.config import Config


@dataclass(frozen=True)
class Drawn:
    """One script of a drawn history."""

    revision: str
    down: str | tuple[str, ...] | None = None
    labels: str | tuple[str, ...] | None = None
    depends: str | tuple[str, ...] | None = None
    doc: str = "what it does\n\nmore of it"
    folder: str = "versions"

    @property
    def source(self):
        return f'''"""{self.doc}

Revision ID: {self.revision}
"""
from typing import Sequence, Union

from alembic import op


# revision identifiers, used by Alembic.
revision: str = {self.revision!r}
down_revision: Union[str, Sequence[str], None] = {self.down!r}
branch_labels = {self.labels!r}
depends_on = {self.depends!r}


def upgrade() -> None:
    op.execute("SELECT 1")


def downgrade() -> None:
    op.execute("SELECT 2")
'''


LINEAR = (Drawn("aaaa"), Drawn("bbbb", "aaaa"), Drawn("cccc", "bbbb"))
HISTORIES = {
    "empty": (),
    "linear": LINEAR,
    "branched": (*LINEAR, Drawn("dddd", "bbbb", labels="side"), Drawn("eeee", "dddd")),
    "merged": (
        *LINEAR,
        Drawn("dddd", "bbbb"),
        Drawn("eeee", ("cccc", "dddd"), doc="Merge"),
        Drawn("ffff", "eeee"),
    ),
    "several bases": (
        *LINEAR,
        Drawn("1111", None, labels=("other", "alias")),
        Drawn("2222", "1111"),
    ),
    "depending": (
        *LINEAR,
        Drawn("1111", None, labels="other"),
        Drawn("2222", "1111", depends="bbbb"),
        Drawn("3333", "2222", depends=("cccc",)),
    ),
    "ids that are not hex": (
        Drawn("alembic_start"),
        Drawn("v3.0.0.d", "alembic_start"),
        Drawn("0.36.0", "v3.0.0.d", doc=""),
    ),
}

ENV = """
from alembic import context
from sqlalchemy import create_engine

engine = create_engine(context.config.get_main_option("sqlalchemy.url"))
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""


def write_history(folder, drawn):
    """Write the scripts of *drawn* below *folder* and return the folder."""
    folder = Path(folder)
    (folder / "versions").mkdir(parents=True, exist_ok=True)
    for script in drawn:
        (folder / script.folder).mkdir(parents=True, exist_ok=True)
        path = folder / script.folder / f"{script.revision}_.py"
        path.write_text(script.source)
    (folder / "env.py").write_text(ENV)
    return folder


def config_of(folder, **options):
    """Return a configuration for the scripts in *folder*, with a database beside it."""
    config = Config(stdout=StringIO())
    config.set_main_option("script_location", str(folder))
    config.set_main_option("sqlalchemy.url", f"sqlite:///{Path(folder).parent}/app.db")
    for name, value in options.items():
        config.set_main_option(name, value)
    return config
