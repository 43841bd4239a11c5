"""Models that only the scripts of a history import are models all the same."""

import sys
import textwrap
from io import StringIO

import pytest

from whimbrel.commands.database import upgrade
from whimbrel.commands.scripts import check
from whimbrel.config import Config


FILES = {
    "reached_base.py": """
        from sqlalchemy.orm import DeclarativeBase

        class Base(DeclarativeBase):
            pass
        """,
    "reached_models.py": """
        from sqlalchemy.orm import Mapped, mapped_column
        from reached_base import Base

        class Item(Base):
            __tablename__ = "item"
            id: Mapped[int] = mapped_column(primary_key=True)
        """,
    "migrations/env.py": """
        from alembic import context
        from sqlalchemy import create_engine
        from reached_base import Base

        engine = create_engine(context.config.get_main_option("sqlalchemy.url"))
        with engine.connect() as connection:
            context.configure(connection=connection, target_metadata=Base.metadata)
            with context.begin_transaction():
                context.run_migrations()
        """,
    "migrations/versions/a1_.py": """
        import sqlalchemy as sa
        from alembic import op
        import reached_models

        revision = "a1"
        down_revision = None

        def upgrade():
            op.create_table("item", sa.Column("id", sa.Integer(), primary_key=True))

        def downgrade():
            op.drop_table("item")
        """,
}


@pytest.fixture
def config(tmp_path, monkeypatch):
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    monkeypatch.syspath_prepend(tmp_path)
    config = Config(stdout=StringIO())
    config.set_main_option("script_location", str(tmp_path / "migrations"))
    config.set_main_option("sqlalchemy.url", f"sqlite:///{tmp_path}/app.db")
    yield config
    forget()


def forget():
    for name in ("reached_base", "reached_models"):
        sys.modules.pop(name, None)


def test_models_that_only_a_script_imports_are_compared(config):
    """In a fresh process too, where no script has run, their tables stay."""
    upgrade(config, "head")
    forget()
    report = check(config)
    assert (report.exit_code, report.changes) == (0, ())
