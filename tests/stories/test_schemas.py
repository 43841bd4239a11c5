"""Stories of apps whose tables stand in several schemas of a PostgreSQL database."""

import textwrap

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from whimbrel.cli import whimbrel


FIRST = """
import sqlalchemy as sa
from sqlalchemy.orm import declarative_base
Base = declarative_base()
class Item(Base):
    __tablename__ = "item"
    id = sa.Column(sa.Integer, primary_key=True)
"""
BILLED = f"""{FIRST}
class Invoice(Base):
    __tablename__ = "invoice"
    __table_args__ = {{"schema": "billing"}}
    id = sa.Column(sa.Integer, primary_key=True)
    kind = sa.Column(sa.Enum("a", "b", name="kind", schema="billing"))
"""
OTHERS = (
    "CREATE TYPE mood AS ENUM ('a')", "CREATE SCHEMA tenant",
    "CREATE TYPE billing.mood AS ENUM ('a')", "CREATE SEQUENCE billing.numbers",
    "CREATE TABLE billing.note (id integer, mood billing.mood)",
    "CREATE TABLE tenant.item (id integer)", "CREATE TABLE tenant.invoice (id integer)",
)  # fmt: skip
TYPED = f"{FIRST}    a = sa.Column(sa.{{}})\n    n = sa.Column(sa.Integer)\n"
OTHERWISE = """
import sqlalchemy as sa
from alembic import op
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
def upgrade():
    ${upgrades}
    op.drop_constraint("ck_theirs", "item")
    op.create_check_constraint("ck_theirs", "item", "a <> 'z' AND NOW")
def downgrade():
    ${downgrades}
"""


@pytest.fixture
def run(postgresql_url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    known = []

    def run(models, *words):
        known.append(models)
        name = f"schemas_{tmp_path.name}_{len(known)}".replace("-", "_")
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(models))
        said = ["--metadata", f"{name}:Base", "--url", postgresql_url, *words]
        return CliRunner().invoke(whimbrel, said)

    engine = sa.create_engine(postgresql_url)
    assert run(BILLED, "migrate", "--init", "-m", "first").exit_code == 0
    assert run(BILLED, "upgrade").exit_code == 0
    with engine.begin() as connection:
        for statement in OTHERS:
            connection.exec_driver_sql(statement)
    yield run
    engine.dispose()


@pytest.fixture
def retyped(run, postgresql_url):
    """The database of models that are about to get another type."""
    first = TYPED.format("String(20)")
    assert run(first, "migrate", "-m", "second", "--drop", "invoice").exit_code == 0
    assert run(first, "upgrade").exit_code == 0
    engine = sa.create_engine(postgresql_url)
    yield engine
    engine.dispose()


def test_a_domain_that_is_otherwise_is_said(run):
    """No change of ours alters a domain, and nobody is left to believe it."""
    column = """
    price = sa.Column(DOMAIN("price", sa.Integer, check="VALUE > 0"))
"""
    priced = f"from sqlalchemy.dialects.postgresql import DOMAIN\n{FIRST}{column}"
    assert run(priced, "migrate", "-m", "second", "--drop", "invoice").exit_code == 0
    assert run(priced, "upgrade").exit_code == 0
    assert "domain" not in run(priced, "check").output

    dearer = priced.replace("VALUE > 0", "VALUE > 5")
    for words in (("check",), ("migrate", "-m", "third")):
        told = run(dearer, *words)
        assert told.exit_code == 0, told.output
        assert "integer CHECK ((VALUE > 5)) in the models" in " ".join(
            told.output.split()
        )


def test_a_schema_that_the_models_lose_is_seen(run):
    """What the scripts made there goes; what others made, there or elsewhere, stays."""
    assert run(BILLED, "check").exit_code == 0
    assert run(FIRST, "check").exit_code == 1

    written = run(FIRST, "migrate", "-m", "second")

    assert written.exit_code == 0, written.output
    assert "- table billing.invoice" in written.output
    assert "- enum billing.kind" in written.output
    for left in (
        "enum mood",
        "enum billing.mood",
        "table billing.note",
        "billing.numbers",
    ):
        assert f"Left alone, no script here made it: {left}" in written.output.replace(
            "sequence ", ""
        )
    assert "tenant" not in written.output
    assert "Proof" in written.output
    assert run(FIRST, "upgrade").exit_code == 0
    assert run(FIRST, "check").exit_code == 0
    assert run(FIRST, "downgrade").exit_code == 0
    assert run(FIRST, "upgrade").exit_code == 0


def test_tables_of_one_name_in_two_schemas(run):
    """Each is told by its schema, in a reference from one to the other too."""
    both = f"""{BILLED}
    item_id = sa.Column(sa.ForeignKey("billing.item.id"))
class Billed(Base):
    __tablename__ = "item"
    __table_args__ = {{"schema": "billing"}}
    id = sa.Column(sa.Integer, primary_key=True)
    item_id = sa.Column(sa.ForeignKey("item.id"))
"""
    written = run(both, "migrate", "-m", "second")

    assert written.exit_code == 0, written.output
    assert "+ table billing.item" in written.output
    for words in (("upgrade",), ("check",), ("downgrade",), ("upgrade",)):
        assert run(both, *words).exit_code == 0
    wider = both.replace("sa.Integer, primary", "sa.BigInteger, primary")
    assert run(wider, "migrate", "-m", "third").exit_code == 0
    for words in (("upgrade",), ("check",)):
        told = run(wider, *words)
        assert told.exit_code == 0, told.output


def test_what_stands_on_a_column_of_a_new_type_and_is_not_ours(run, retyped):
    """The server words it anew, with other casts; it is left alone, and the proof holds."""
    with retyped.begin() as connection:
        connection.exec_driver_sql(
            "CREATE INDEX ix_theirs ON item (lower(a)) WHERE a <> 'x';"
            "CREATE INDEX ix_words ON item USING gin (to_tsvector('english', a));"
            " ALTER TABLE item ADD CONSTRAINT ck_theirs CHECK (a IN ('z', '%%s'))"
        )

    written = run(TYPED.format("Text"), "migrate", "-m", "third")

    assert written.exit_code == 0, written.output
    assert "the upgrade reaches the models, the downgrade leads back" in written.output
    for words in (("upgrade",), ("check",), ("downgrade",), ("upgrade",)):
        told = run(TYPED.format("Text"), *words)
        assert told.exit_code == 0, told.output


def test_a_database_that_lacks_what_is_not_ours(run, retyped):
    """It runs the script, too, for that does not speak of it."""
    with retyped.begin() as connection:
        connection.exec_driver_sql(
            "CREATE UNIQUE INDEX ix_theirs ON item (lower(a), n) WHERE a <> 'x';"
            " ALTER TABLE item ADD CONSTRAINT ck_theirs CHECK (a IN ('z', 'y'))"
        )
    models = TYPED.format("Text")
    written = run(models, "migrate", "-m", "third")
    assert "leads back" in written.output, written.output

    with retyped.begin() as connection:
        connection.exec_driver_sql("DROP INDEX ix_theirs")
        connection.exec_driver_sql("ALTER TABLE item DROP CONSTRAINT ck_theirs")
    for words in (("upgrade",), ("check",), ("downgrade",), ("upgrade",)):
        told = run(models, *words)
        assert told.exit_code == 0, told.output


def test_what_is_not_ours_on_a_column_that_goes(run, retyped):
    """It goes with the column, which is told, and comes with it again."""
    with retyped.begin() as connection:
        connection.exec_driver_sql(
            "CREATE INDEX ix_theirs ON item (lower(a), n);"
            " CREATE INDEX ix_a ON item (a) WHERE a <> 'n';"
            " ALTER TABLE item ADD CONSTRAINT ck_theirs CHECK (a <> 'z' OR n > 3)"
        )
    models = TYPED.format("Text").replace("    n = sa.Column(sa.Integer)\n", "")

    written = run(models, "migrate", "-m", "third")

    assert "leads back" in written.output, written.output
    for told in (
        "- index ix_theirs",
        "- check item",
        "Left alone, no script here made it: index ix_a",
    ):
        assert told in written.output
    for words in (("upgrade",), ("check",), ("downgrade",), ("upgrade",)):
        told = run(models, *words)
        assert told.exit_code == 0, told.output


def test_what_stands_on_two_columns_of_new_types_and_is_not_ours(run, retyped):
    """The server makes it again after each of them, and a database may lack it."""
    theirs = (
        "CREATE INDEX ix_theirs ON item (lower(a), (n % 7)) WHERE a <> 'x'",
        "CREATE INDEX ix_sum ON item ((n + id))",
        "ALTER TABLE item ADD CONSTRAINT ck_theirs CHECK (n < id * 2)",
    )
    with retyped.begin() as connection:
        for each in theirs:
            connection.exec_driver_sql(each.replace("%", "%%"))
    models = TYPED.format("Text").replace("Integer", "BigInteger")

    written = run(models, "migrate", "-m", "third")

    assert "leads back" in written.output, written.output
    for words in (("upgrade",), ("check",), ("downgrade",)):
        told = run(models, *words)
        assert told.exit_code == 0, told.output
    with retyped.begin() as connection:
        connection.exec_driver_sql("DROP INDEX ix_theirs")
        connection.exec_driver_sql("DROP INDEX ix_sum")
        connection.exec_driver_sql("ALTER TABLE item DROP CONSTRAINT ck_theirs")
    for words in (("upgrade",), ("check",), ("downgrade",), ("upgrade",)):
        told = run(models, *words)
        assert told.exit_code == 0, told.output


def test_what_says_something_of_two_columns_that_change_beyond_their_kind(run, retyped):
    """It must go for a while, for it cannot be between the one and the other."""
    with retyped.begin() as connection:
        connection.exec_driver_sql("CREATE INDEX ix_theirs ON item ((n = id))")
    models = TYPED.format("Text").replace("Integer", "Text")

    written = run(models, "migrate", "-m", "third")

    assert "leads back" in written.output, written.output
    for words in (("upgrade",), ("check",), ("downgrade",), ("upgrade",)):
        told = run(models, *words)
        assert told.exit_code == 0, told.output


@pytest.mark.parametrize("now", ["n + 1 * 2 > 0", "(n::boolean::integer + 1) * 2 > 0"])
def test_what_becomes_otherwise_beside_a_new_type(run, retyped, tmp_path, now):
    """A parenthesis or a cast that counts is no other wording: the proof fails."""
    with retyped.begin() as connection:
        connection.exec_driver_sql(
            "ALTER TABLE item"
            " ADD CONSTRAINT ck_theirs CHECK (a <> 'z' AND (n + 1) * 2 > 0)"
        )
    template = tmp_path / "migrations" / "script.py.mako"
    template.write_text(OTHERWISE.replace("NOW", now))

    written = run(TYPED.format("Text"), "migrate", "-m", "third")

    assert "Proof failed" in written.output
