"""A type by which a table is partitioned gets values, and keeps them on the way back."""

import pytest

from postgresql_pairs import connected, execute, wipe


MODELS = """
kind = sa.Enum({}, name="kind")
class Deed(Base):
    __tablename__ = "deed"
    __table_args__ = {{"postgresql_partition_by": "LIST (kind)"}}
    id = sa.Column(sa.Integer, primary_key=True)
    kind = sa.Column(kind, primary_key=True)
    {}
"""
VALUES = "SELECT string_agg(v::text, ' ') FROM unnest(enum_range(NULL::kind)) v"
LEFT = "The downgrade cannot undo, and leaves as it is: ~ enum kind: "


def asked(url, sql):
    with connected(url) as connection:
        return connection.exec_driver_sql(sql).scalar()


@pytest.fixture
def program(project, postgresql_url):
    """Return the command, for a database in which the first models stand."""
    with connected(postgresql_url) as connection:
        wipe(connection)
    program = f"whimbrel --metadata models:Base --url {postgresql_url}"
    project.models(MODELS.format("'gift', 'sale'", ""))
    project.terminal.does(f"{program} migrate --init")
    project.terminal.does(f"{program} upgrade")
    return program


def test_a_key_gets_a_value_by_models(project, program, postgresql_url):
    """The downgrade undoes all else, and says what it leaves; the proof knows."""
    with connected(postgresql_url) as connection:
        execute(
            connection,
            "CREATE TABLE gifts PARTITION OF deed FOR VALUES IN ('gift');"
            " INSERT INTO deed VALUES (1, 'gift')",
        )
    project.models(MODELS.format("'gift', 'loan', 'sale'", "note = sa.Column(sa.Text)"))

    told = project.terminal.does(f"{program} migrate").text
    assert f"{LEFT}('gift', 'loan', 'sale') -> ('gift', 'sale')" in told
    assert "the downgrade leads back" in told
    for verb, note in (("upgrade", 1), ("downgrade", 0), ("upgrade", 1)):
        project.terminal.does(f"{program} {verb}")
        assert asked(postgresql_url, VALUES) == "gift loan sale"
        notes = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'deed'::regclass"
        assert asked(postgresql_url, f"{notes} AND attname = 'note'") == note
    assert asked(postgresql_url, "SELECT kind::text FROM deed") == "gift"
    project.terminal.does(f"{program} check")


def test_a_key_that_loses_a_value_is_refused(project, program):
    """On the way up nothing is left undone in silence."""
    project.models(MODELS.format("'gift'", ""))

    project.terminal.refuses(
        f"{program} migrate", "cannot change the type of deed.kind", status=1
    )
