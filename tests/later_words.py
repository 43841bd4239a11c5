"""What models and scripts can say by the SQLAlchemy that is installed, and what not."""

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql


def _table(**options):
    return sa.Table("t", sa.MetaData(), sa.Column("a", sa.Integer), **options)


def _ddl(column, dialect, *items):
    made = sa.Table("t", sa.MetaData(), column, *items)
    return str(sa.schema.CreateTable(made).compile(dialect=dialect))


def _deleting(words):
    key = sa.ForeignKeyConstraint(["a"], ["t.a"], ondelete=words)
    return _ddl(sa.Column("a", sa.Integer), postgresql.dialect(), key)


def _calling():
    column = sa.Column("a", sa.String(9), server_default=sa.text("upper('x')"))
    dialect = mysql.dialect()
    dialect.server_version_info = (9, 0, 0)
    return "(upper" in _ddl(column, dialect)


def _escaping():
    return "%%" in _ddl(sa.Column("a", mysql.ENUM("5%")), mysql.dialect())


WORDS = {
    "sqlite_strict": lambda: _table(sqlite_strict=True),
    "postgresql_using of tables": lambda: _table(postgresql_using="heap"),
    "postgresql_include of keys": lambda: sa.UniqueConstraint(postgresql_include=[]),
    "postgresql_nulls_not_distinct": lambda: sa.UniqueConstraint(
        postgresql_nulls_not_distinct=True
    ),
    "SET NULL (column)": lambda: _deleting("SET NULL (a)"),
    "two spaces in an action": lambda: _deleting("SET  DEFAULT"),
    "calls as defaults on MySQL": _calling,
    "percent signs in enums on MySQL": _escaping,
}
"""By each word, what fails or is false where SQLAlchemy lacks it."""


def _is_known(said):
    try:
        return said() is not False
    except (sa.exc.ArgumentError, sa.exc.CompileError):
        return False


KNOWN = frozenset(word for word, said in WORDS.items() if _is_known(said))


def needs(*words):
    """Skip a test where SQLAlchemy lacks one of *words*."""
    lacking = ", ".join(word for word in words if word not in KNOWN)
    reason = f"SQLAlchemy {sa.__version__} does not know: {lacking}"
    return pytest.mark.skipif(bool(lacking), reason=reason)


def cases(names, **needing):
    """Return *names* for a parametrized test, each with the words that it needs.

    Args:
        names: the names of all cases.
        needing: the cases that need words, by their names with underscores.
    """
    marks = {name.replace("_", " "): words for name, words in needing.items()}
    assert marks.keys() <= set(names)
    return [
        pytest.param(name, marks=needs(*marks[name]) if name in marks else ())
        for name in names
    ]
