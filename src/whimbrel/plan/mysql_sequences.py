"""Sequences as MariaDB wants them told: https://mariadb.com/kb/en/sequences/."""

from __future__ import annotations

from alembic.operations import ops

from whimbrel.plan.mysql_text import execute, table_in_sql, values
from whimbrel.schema.changes import SequenceChange
from whimbrel.schema.state import Sequence, TableName


WORDS = {
    "minvalue": ("MINVALUE {}", "NOMINVALUE"),
    "maxvalue": ("MAXVALUE {}", "NOMAXVALUE"),
    "start": ("START WITH {}", "START WITH {first}"),
    "increment": ("INCREMENT BY {}", "INCREMENT BY 1"),
    "cache": ("CACHE {}", "CACHE 1000"),
    "cycle": ("CYCLE", "NOCYCLE"),
}
"""What is said of an option, and what is said when it is no more."""


def sequence_operation(change: SequenceChange) -> ops.ExecuteSQLOp:
    """Return what makes, alters or drops a sequence."""
    match change.before, change.after:
        case None, Sequence() as after:
            said = values(after.options)
            words = [
                WORDS[each][0].format(said[each]) for each in WORDS if each in said
            ]
            return execute(" ".join([f"CREATE SEQUENCE {_name(after)}", *words]))
        case Sequence() as before, Sequence() as after:
            words = _changed(values(before.options), values(after.options))
            return execute(" ".join([f"ALTER SEQUENCE {_name(after)}", *words]))
        case before, _:
            assert before is not None
            return execute(f"DROP SEQUENCE {_name(before)}")


def _changed(before: dict[str, str], after: dict[str, str]) -> list[str]:
    is_falling = int(after.get("increment", "1")) < 0
    end = ("maxvalue", "-1") if is_falling else ("minvalue", "1")
    first = after.get(*end)
    return [
        said.format(after[name]) if name in after else unsaid.format(first=first)
        for name, (said, unsaid) in WORDS.items()
        if before.get(name) != after.get(name)
    ]


def _name(sequence: Sequence) -> str:
    return table_in_sql(TableName(sequence.name, sequence.schema))
