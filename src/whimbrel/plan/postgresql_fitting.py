"""A function of PostgreSQL's that tells whether the value of a row fits a type.

No query can ask that, for a cast that fails ends it.  The function is made for a
question, in a transaction that is undone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from whimbrel.plan.postgresql_words import quoted, table_sql
from whimbrel.schema.state import TableName


FUNCTION = "pg_temp.whimbrel_fits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitting:
    """Whether an expression over a row can be assigned to a type.

    Args:
        table: the table as it is now.
        called: what it is called in the expression.
        columns: its columns by the names that the expression has for them.
        expression: gives the value.
        type: the spelling of the type.
    """

    table: TableName
    called: str
    columns: Mapping[str, str]
    expression: str
    type: str

    @property
    def statement(self) -> str:
        """The statement that makes the function."""
        seen = ", ".join(
            f"($1).{quoted(live)} AS {quoted(name)}"
            for name, live in self.columns.items()
        )
        return (
            f"CREATE OR REPLACE FUNCTION {FUNCTION}({table_sql(self.table)})"
            " RETURNS boolean LANGUAGE plpgsql AS $fits$"
            f" #variable_conflict use_column DECLARE whimbrel_value {self.type};"
            f" BEGIN SELECT {self.expression} INTO whimbrel_value"
            f" FROM (SELECT {seen}) AS {quoted(self.called)}; RETURN true;"
            " EXCEPTION WHEN data_exception THEN RETURN false; END $fits$"
        )

    @property
    def condition(self) -> str:
        """What is true of a row whose value does not fit."""
        return f"NOT {FUNCTION}({quoted(self.table.name)})"
