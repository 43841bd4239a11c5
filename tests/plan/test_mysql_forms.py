"""Each change on MariaDB: the script leads there and back, under plain Alembic too."""

import pytest
import sqlalchemy as sa

from generated_scripts import differences, generated
from mysql_cases import CASES, FOR_ALL, INT, A, S, col, item, later, models
from mysql_runs import emptied, ours, plain, tables
from whimbrel.schema.scope import Scope


@pytest.mark.parametrize("case", FOR_ALL)
def test_there_and_back(mariadb, case):
    """The upgrade leads to the tables of create_all(), the downgrade back; with plain Alembic too."""
    before, after = (models(*each) for each in CASES[case])
    after.create_all(mariadb)
    mariadb.commit()
    wanted = tables(mariadb)
    emptied(mariadb)
    before.create_all(mariadb)
    mariadb.commit()
    script = generated(mariadb, after)
    mariadb.commit()
    assert script.changes
    for runtime in (ours, plain):
        with runtime(mariadb):
            script.module.upgrade()
        assert differences(mariadb, script.wanted) == ()
        assert tables(mariadb) == wanted
        with runtime(mariadb):
            script.module.downgrade()
        assert differences(mariadb, script.current) == ()
        mariadb.commit()


UNNAMED = later(sa.UniqueConstraint, "a"), later(sa.UniqueConstraint, "a", "z")


@pytest.mark.parametrize("runtime", [ours, plain])
@pytest.mark.parametrize(
    ("before", "index"),
    [((), ()), (UNNAMED[1:], ()), ((), (later(sa.Index, "a", "a", "z"),))],
)
def test_unnamed_keys_on_one_column(mariadb, before, index, runtime):
    """The server numbers them, behind an index that has the name; each is found again."""
    models(item(A, col("z", INT), *before)).create_all(mariadb)
    mariadb.commit()
    first = tables(mariadb)
    script = generated(mariadb, models(item(A, col("z", INT), *index, *UNNAMED)))
    mariadb.commit()

    with runtime(mariadb):
        script.module.upgrade()

    assert differences(mariadb, script.wanted) == ()
    mariadb.commit()
    with runtime(mariadb):
        script.module.downgrade()
    assert tables(mariadb) == first


HIDDEN = (
    "ALTER TABLE item ADD INDEX ix_a (a) COMMENT 'it''s', ADD INDEX ix_z (z) {hidden},"
    " ADD UNIQUE INDEX uq (s(5)) COMMENT 'c', ADD UNIQUE INDEX uz (z) COMMENT 'd'"
)


@pytest.mark.parametrize(
    ("hidden", "shown"),
    [
        pytest.param("IGNORED", " IGNORED", marks=pytest.mark.only_on("mariadb")),
        pytest.param(
            "INVISIBLE", " /*!80000 INVISIBLE */", marks=pytest.mark.only_on("mysql")
        ),
    ],
)
def test_what_models_cannot_say_of_an_index_stays(mariadb, hidden, shown):
    """Comments and IGNORED stay while the columns of the index become others."""

    short = {key: {"s": 5} for key in ("mysql_length", "mariadb_length")}

    def wanted(*columns):
        return models(
            item(
                A,
                col("z", INT),
                col("s", S),
                later(sa.Index, "ix_a", *columns),
                later(sa.Index, "ix_z", *reversed(columns)),
                later(sa.Index, "uq", "s", *columns, unique=True, **short),
                later(sa.UniqueConstraint, *columns, name="uz"),
            )
        )

    models(item(A, col("z", INT), col("s", S))).create_all(mariadb)
    mariadb.exec_driver_sql(HIDDEN.format(hidden=hidden))
    mariadb.commit()
    first = tables(mariadb)
    script = generated(mariadb, wanted("a", "z"))
    mariadb.commit()

    with plain(mariadb):
        script.module.upgrade()

    assert differences(mariadb, script.wanted) == ()
    told = " ".join(tables(mariadb)["item"])
    assert "KEY `ix_a` (`a`,`z`) COMMENT 'it''s'" in told
    assert f"KEY `ix_z` (`z`,`a`){shown}" in told
    assert "UNIQUE KEY `uq` (`s`(5),`a`,`z`) COMMENT 'c'" in told
    assert "UNIQUE KEY `uz` (`a`,`z`) COMMENT 'd'" in told
    with plain(mariadb):
        script.module.downgrade()
    assert differences(mariadb, script.current) == ()
    assert tables(mariadb) == first


@pytest.mark.parametrize("schema", [None, "beside"])
def test_a_table_gets_the_collation_of_its_database_back(mariadb, schema):
    """It need not be the usual one of its character set."""
    schema = schema and f"{mariadb.engine.url.database}_{schema}"
    place, scope = schema or mariadb.engine.url.database, Scope(schemas={schema})
    try:
        if schema:
            mariadb.exec_driver_sql(f"CREATE DATABASE {schema}")
        mariadb.exec_driver_sql(f"ALTER DATABASE {place} COLLATE utf8mb4_unicode_ci")
        before = models(item(A, mysql_collate="latin1_bin", schema=schema))
        before.create_all(mariadb)
        mariadb.commit()
        script = generated(mariadb, models(item(A, schema=schema)), scope=scope)
        assert script.changes
        mariadb.commit()
        for runtime in (ours, plain):
            with runtime(mariadb):
                script.module.upgrade()
            assert differences(mariadb, script.wanted, scope) == ()
            with runtime(mariadb):
                script.module.downgrade()
            assert differences(mariadb, script.current, scope) == ()
            mariadb.commit()
    finally:
        if schema:
            mariadb.exec_driver_sql(f"DROP DATABASE IF EXISTS {schema}")
