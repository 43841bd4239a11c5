"""Law: who is told that a script failed, and that it need not be mended, is told why."""

import pytest
import sqlalchemy as sa

from whimbrel.errors import MigrationFailed


@pytest.mark.only_on("mariadb")
def test_statistics_of_an_index_that_had_the_name_before(mariadb_url, project):
    """The server writes them beside all statements, and then refuses the name."""
    engine = sa.create_engine(mariadb_url)
    project.script("a1", "op.execute('CREATE TABLE t (a INT, KEY one (a))')")
    project.script("a2", "op.execute('ALTER TABLE t RENAME INDEX one TO two')")
    project.upgrade(engine, "a1")
    kept = (
        "INSERT INTO mysql.innodb_index_stats VALUES (DATABASE(), 't', 'two', now(),"
        " 'n_diff_pfx01', 0, 1, 'a'), (DATABASE(), 't', 'two', now(), 'size', 1, 1, 'a')"
    )
    with engine.begin() as connection:
        connection.exec_driver_sql(kept)
    with pytest.raises(MigrationFailed) as failed:
        project.upgrade(engine)
    remedy = failed.value.remedy
    sql = remedy[remedy.index("DELETE") : remedy.index(", then")].replace("...", "t")
    with engine.begin() as connection:
        connection.exec_driver_sql(sql)
    project.upgrade(engine)
    with engine.connect() as connection:
        assert "KEY `two`" in connection.exec_driver_sql("SHOW CREATE TABLE t").one()[1]
    engine.dispose()
