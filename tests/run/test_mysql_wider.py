"""A mentioned type is a change only where it holds all that there is, and more."""

import pytest

from whimbrel.run.mysql_wider import is_wider


WIDER = [
    ("ENUM('a','b','c')", "enum('a','b')"),
    ("ENUM('b','a','it''s')", "enum('a','b')"),
    ("SET('a','b')", "set('b')"),
    ("VARCHAR(255)", "varchar(36)"),
    ("DATETIME(6)", "datetime"),
    ("INTEGER", "tinyint(1)"),
    ("BIGINT", "int(10) unsigned"),
    ("MEDIUMTEXT", "text"),
    ("TEXT", "varchar(255)"),
    ("LONGTEXT", "enum('a')"),
    ("VARCHAR(36)", "int(11)"),
    ("DOUBLE", "float"),
]
OTHERS = [
    ("ENUM('a','b')", "enum('a','b')"),
    ("ENUM('a','c')", "enum('a','b')"),
    ("ENUM('a')", "enum('a','b')"),
    ("VARCHAR(36)", "varchar(36)"),
    ("INTEGER", "int(10) unsigned zerofill"),
    ("TIMESTAMP", "timestamp(3)"),
    ("TEXT", "longtext"),
    ("TINYTEXT", "varchar(255)"),
    ("VARCHAR(10)", "int(11)"),
    ("INTEGER", "varchar(36)"),
    ("DATE", "datetime"),
    ("", "int"),
    ("VARCHAR(9)", ""),
]


@pytest.mark.parametrize(("mentioned", "own"), WIDER)
def test_what_holds_more_is_wider_and_not_the_other_way(mentioned, own):
    """Whoever mentions it takes the column for what it shall be."""
    assert is_wider(mentioned, own)
    assert not is_wider(own, mentioned)


@pytest.mark.parametrize(("mentioned", "own"), OTHERS)
def test_what_is_the_same_or_would_lose_something_is_not_wider(mentioned, own):
    """A slip of the pen, or fewer words than the server's, changes nothing."""
    assert not is_wider(mentioned, own)
