"""Partitions on MariaDB, beside models: made with a new table, then left alone."""

import sqlalchemy as sa

from generated_scripts import differences, generated
from mysql_cases import models
from mysql_runs import plain, tables
from whimbrel.catalog.models import read_models
from whimbrel.catalog.mysql_partitions import partitioning
from whimbrel.catalog.read import read_state
from whimbrel.schema.scope import Scope
from whimbrel.schema.unsaid import told_otherwise


BY_YEAR = {
    "mysql_partition_by": "RANGE (y) (PARTITION p VALUES LESS THAN (9))",
    "mariadb_partition_by": "RANGE (y) (PARTITION p VALUES LESS THAN (9))",
}
SHARED = {
    f"{name}_{key}": value
    for key, value in (("partition_by", "HASH (mod(y, 4))"), ("partitions", "4"))
    for name in ("mysql", "mariadb")
}


def years(*columns, **options):
    def made(metadata):
        key = sa.Column("y", sa.Integer, primary_key=True, autoincrement=False)
        sa.Table("years", metadata, key, *(c() for c in columns), **options)

    return models(made)


def told(connection, metadata):
    wanted = read_models([metadata], connection, Scope())
    return [*told_otherwise(wanted, read_state(connection, Scope()))]


def test_a_new_table_has_the_partitions_of_its_models(mariadb):
    """The script makes what create_all() makes; nothing is said of it afterwards."""
    for options in (BY_YEAR, SHARED):
        metadata = years(**options)
        metadata.create_all(mariadb)
        wanted = tables(mariadb)
        metadata.drop_all(mariadb)
        mariadb.commit()
        script = generated(mariadb, metadata)
        mariadb.commit()

        with plain(mariadb):
            script.module.upgrade()

        assert "PARTITION BY" in str(wanted)
        assert tables(mariadb) == wanted
        assert differences(mariadb, script.wanted) == ()
        assert told(mariadb, metadata) == []
        metadata.drop_all(mariadb)
        mariadb.commit()


def test_partitions_that_are_there_stay(mariadb):
    """Partitions that somebody added stay while the table gets a column."""
    years(**BY_YEAR).create_all(mariadb)
    more = "ADD PARTITION (PARTITION q VALUES LESS THAN (20))"
    mariadb.exec_driver_sql(f"ALTER TABLE years {more}")
    mariadb.commit()

    for options in ({}, BY_YEAR):
        column = sa.Column(f"a{len(options)}", sa.Integer)
        script = generated(mariadb, years(lambda c=column: c, **options))
        mariadb.commit()
        assert "partition" not in script.source.lower()
        with plain(mariadb):
            script.module.upgrade()
        assert "VALUES LESS THAN (20)" in str(tables(mariadb))


def test_partitions_that_are_otherwise_are_told(mariadb):
    """What models say of partitions and the database has not is told in a sentence."""
    years().create_all(mariadb)
    mariadb.commit()

    assert told(mariadb, years()) == []
    assert told(mariadb, years(**SHARED)) == [
        "years: the models say partition_by HASH (mod(y, 4)) PARTITIONS 4, the database"
        " has none. It is left alone: write a script with ALTER TABLE."
    ]
    assert generated(mariadb, years(**SHARED)).changes == ()
    mariadb.exec_driver_sql("ALTER TABLE years PARTITION BY KEY (y)")
    assert "database has KEY (y)." in told(mariadb, years(**SHARED))[0].replace("`", "")


def test_what_mysql_tells_of_partitions_is_read():
    """MySQL tells partitions in a comment of its own."""
    written = (
        "CREATE TABLE `t` (\n  `a` int DEFAULT ')'\n) ENGINE=InnoDB COMMENT='PARTITION BY x'"
        "\n/*!50100 PARTITION BY RANGE (`a`)\n(PARTITION p0 VALUES LESS THAN (10) ENGINE = InnoDB,"
        "\n PARTITION p1 VALUES LESS THAN MAXVALUE COMMENT = 'ENGINE = x' ENGINE = InnoDB) */"
    )
    assert partitioning(written) == (
        "RANGE (`a`) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN"
        " MAXVALUE COMMENT = 'ENGINE = x')"
    )
    assert (
        partitioning("CREATE TABLE `t` (\n `a` int\n) COMMENT='PARTITION BY'") is None
    )
