"""Each change on MariaDB: the script leads there and back, under plain Alembic too."""

import pytest

from generated_scripts import differences, generated
from mysql_cases import CASES, models
from mysql_runs import emptied, ours, plain, tables


@pytest.mark.parametrize("case", CASES)
def test_there_and_back(mariadb, case):
    """The upgrade leads to the models, the downgrade back; with plain Alembic too."""
    before, after = (models(*each) for each in CASES[case])
    before.create_all(mariadb)
    mariadb.commit()
    script = generated(mariadb, after)
    mariadb.commit()
    assert script.changes
    for runtime in (ours, plain):
        with runtime(mariadb):
            script.module.upgrade()
        assert differences(mariadb, script.wanted) == ()
        mariadb.commit()
        with runtime(mariadb):
            script.module.downgrade()
        assert differences(mariadb, script.current) == ()
        mariadb.commit()


@pytest.mark.parametrize("runtime", [ours, plain])
@pytest.mark.parametrize("case", CASES)
def test_tables_are_those_of_create_all(mariadb, case, runtime):
    """What the server tells of the tables is what it tells after create_all()."""
    before, after = (models(*each) for each in CASES[case])
    after.create_all(mariadb)
    mariadb.commit()
    wanted = tables(mariadb)
    emptied(mariadb)
    before.create_all(mariadb)
    mariadb.commit()
    script = generated(mariadb, after)
    mariadb.commit()

    with runtime(mariadb):
        script.module.upgrade()

    assert tables(mariadb) == wanted
