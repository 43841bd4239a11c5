"""Sequences on MariaDB: made before what asks them, altered, dropped after it."""

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles, deregister
from sqlalchemy.schema import CreateSequence

from generated_scripts import differences, generated
from mysql_cases import INT, OWNER, A, item, models
from mysql_runs import ours, plain, tables


pytestmark = pytest.mark.only_on("mariadb")


def counted(**options):
    """Models whose rows are counted by a sequence, in Python and by the server."""

    def made(metadata):
        inside = sa.Sequence("by_python")
        asked = sa.Sequence("by server", metadata=metadata, **options)
        sa.Table(
            "item",
            metadata,
            sa.Column("id", sa.Integer, inside, primary_key=True),
            sa.Column("a", INT, server_default=asked.next_value()),
        )

    return models(made)


def standing(connection):
    """Return the sequences as the server tells them."""
    kind = (
        "SELECT table_name FROM information_schema.tables WHERE table_type='SEQUENCE'"
    )
    names = connection.exec_driver_sql(f"{kind} AND table_schema = DATABASE()")
    return {
        name: connection.exec_driver_sql(f"SHOW CREATE SEQUENCE `{name}`").one()[1]
        for name in names.scalars()
    }


CASES = {
    "comes": (models(OWNER), counted(start=5, increment=2, cache=3)),
    "falls": (models(item(A)), counted(increment=-1, minvalue=-9, cycle=True)),
    "becomes another": (counted(start=5, cache=3), counted(increment=3, maxvalue=99)),
    "goes": (counted(start=7), models(item(A))),
}


@pytest.mark.parametrize("runtime", [ours, plain])
@pytest.mark.parametrize("case", CASES)
def test_there_and_back(mariadb, case, runtime):
    """The upgrade makes what create_all() makes, the downgrade leads back."""
    before, after = CASES[case]
    after.create_all(mariadb)
    wanted = standing(mariadb), tables(mariadb)
    after.drop_all(mariadb)
    before.create_all(mariadb)
    mariadb.commit()
    first = standing(mariadb), tables(mariadb)
    script = generated(mariadb, after)
    mariadb.commit()
    assert script.changes

    with runtime(mariadb):
        script.module.upgrade()

    assert differences(mariadb, script.wanted) == ()
    assert (standing(mariadb), tables(mariadb)) == wanted
    with runtime(mariadb):
        script.module.downgrade()
    assert differences(mariadb, script.current) == ()
    assert (standing(mariadb), tables(mariadb)) == first


def test_what_create_all_made_is_no_difference(mariadb):
    """Sequences and the defaults that ask them are read as the models tell them."""
    metadata = counted(start=5, increment=2, minvalue=3, cache=0, cycle=True)
    metadata.create_all(mariadb)
    mariadb.commit()
    assert generated(mariadb, metadata).changes == ()


@pytest.mark.parametrize("name", ["cycle", "nocache", "no cache", "start 7"])
def test_a_sequence_called_by_a_word_of_create_sequence(mariadb, name):
    """Its name says nothing of how it counts."""
    metadata = sa.MetaData()
    sa.Sequence(name, metadata=metadata, start=2)
    metadata.create_all(mariadb)
    mariadb.commit()
    assert generated(mariadb, metadata).changes == ()


@pytest.fixture
def in_its_own_words():
    """An app that words the CREATE SEQUENCE of MariaDB itself, for a cluster."""

    @compiles(CreateSequence, "mysql")
    @compiles(CreateSequence, "mariadb")
    def worded(element, compiler, **_options):
        name = compiler.preparer.format_sequence(element.element)
        return f"CREATE SEQUENCE {name} START = 7 INCREMENT BY 0 NOCACHE"

    yield
    deregister(CreateSequence)


def test_an_app_that_words_its_sequences_itself(mariadb, in_its_own_words):
    """What its create_all() and its scripts make is what its models say."""
    wanted = counted()
    wanted.create_all(mariadb)
    mariadb.commit()
    script = generated(mariadb, wanted)
    assert script.changes == ()
    wanted.drop_all(mariadb)
    mariadb.commit()
    script = generated(mariadb, wanted)
    with plain(mariadb):
        script.module.upgrade()
    assert differences(mariadb, script.wanted) == ()
    assert all("increment by 0" in each for each in standing(mariadb).values())
