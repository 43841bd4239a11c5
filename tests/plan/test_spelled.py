"""A type is written as the database spells it."""

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import types
from sqlalchemy.dialects import sqlite

from whimbrel.plan.spelled import (
    Spelled,
    column_type,
    existing_type,
    without_check,
)
from whimbrel.schema.dialect import Dialect
from whimbrel.schema.state import Column, Type


SQLITE = Dialect("sqlite")
DDL = sqlite.dialect()
SPELLINGS = sorted(
    {
        *DDL.ischema_names,
        *(name for name in dir(types) if name.isupper()),
        "", "ANY", "DOUBLE PRECISION", "UNSIGNED BIG INT", "Foo(3, 4)", "FLOAT(53)",
        "NATIVE CHARACTER(70)", "VARCHAR(MAX)", "TEXT(10)", "INT(11)", "VARYING CHARACTER(255)",
        "CHAR(32)", "VARCHAR(20)", "NVARCHAR(20)", "NUMERIC(10, 2)", "DECIMAL(10)",
    }
)  # fmt: skip


def ddl(type_):
    return type_.compile(dialect=DDL)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_type_of_a_database_is_written_as_it_is_spelled(spelling):
    """Whatever the spelling, the DDL of the type is just that."""
    assert ddl(column_type(Column(name="a", type=Type(spelling)), SQLITE)) == spelling


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12))
def test_any_text_can_be_a_type(spelling):
    """SQLite takes nearly every text as a type, and so do we."""
    found = ddl(column_type(Column(name="a", type=Type(spelling)), SQLITE))

    assert found.replace(" ", "") == spelling.replace(" ", "")


@pytest.mark.parametrize(
    ("spelling", "kind"),
    [
        ("VARCHAR(20)", types.VARCHAR),
        ("DATETIME", types.DATETIME),
        ("DOUBLE PRECISION", types.DOUBLE_PRECISION),
        ("JSON", types.JSON),
        ("JSONB", getattr(sqlite, "JSONB", Spelled)),  # since SQLAlchemy 2.1
        ("INT", Spelled),
    ],
)
def test_sqlalchemys_types_are_used_where_they_fit(spelling, kind):
    """A script reads as people write it."""
    assert type(column_type(Column(name="a", type=Type(spelling)), SQLITE)) is kind


@pytest.mark.parametrize("spelling", ["VARCHAR(20)", "INTEGER", "ODD"])
def test_a_collation_is_told_by_the_type(spelling):
    """A column has no collation of its own in SQLAlchemy, so its type tells it."""
    column = Column(name="a", type=Type(spelling), collation="NOCASE")

    found = ddl(column_type(column, SQLITE)).replace('"', "")

    assert found == f"{spelling} COLLATE NOCASE"


def test_the_models_own_type_is_kept():
    """A script writes the type as the models do."""
    form = sa.String(20)

    column = Column(name="a", type=Type("VARCHAR(20)", form))
    assert column_type(column, SQLITE) is form


@pytest.mark.parametrize(
    "form",
    [
        sa.Boolean(create_constraint=True),
        sa.Enum("x", "y", create_constraint=True, name="letter"),
        sa.Text().with_variant(sa.Boolean(create_constraint=True), "sqlite"),
    ],
    ids=repr,
)
def test_a_boolean_or_enum_makes_no_check(form):
    """Checks are written as constraints of their own; the models' type is untouched."""
    before = repr(form), form._variant_mapping
    plain = sa.Table("t", sa.MetaData(), sa.Column("a", without_check(form)))
    whole = sa.Table("t", sa.MetaData(), sa.Column("a", form))

    def sql(table):
        return str(sa.schema.CreateTable(table).compile(dialect=DDL))

    assert "CHECK" not in sql(plain)
    assert "CHECK" in sql(whole)
    assert (repr(form), form._variant_mapping) == before


class Odd(types.UserDefinedType):
    """A type of an app that SQLAlchemy has no name for."""

    cache_ok = True

    def get_col_spec(self, **_):
        return "ODD"


def test_what_was_there_is_told_without_the_apps_types():
    """Only where SQLAlchemy has no type of that spelling is the app's one needed."""
    known = Column(name="a", type=Type("BLOB", sa.PickleType()))
    odd = Column(name="a", type=Type("ODD", Odd()))

    assert repr(existing_type(known, SQLITE)) == "BLOB()"
    assert isinstance(existing_type(odd, SQLITE), Odd)
