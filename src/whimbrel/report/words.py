"""A change in plain words: a mark, a thing by its full name, what becomes of it.

+ table tag (id, name)
~ column user.email: VARCHAR(64) -> VARCHAR(256), NOT NULL
+ unique user(email) as uq_user_email
- index ix_user_name on user(name)
> column user.mail -> user.email
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from whimbrel.schema.changes import (
    Change,
    ColumnChange,
    ConstraintChange,
    EnumChange,
    FactsChange,
    FootingChange,
    IndexChange,
    SequenceChange,
    TableChange,
    ValueChange,
    ValueRename,
)
from whimbrel.schema.state import (
    Check,
    Column,
    Computed,
    Constraint,
    Enum,
    Exclusion,
    ExclusionPart,
    ForeignKey,
    Identity,
    Index,
    IndexPart,
    Naming,
    Options,
    PrimaryKey,
    Sequence,
    Table,
    TableName,
    Unique,
)


def describe_change(change: Change) -> str:  # noqa: PLR0911  # one for each kind
    """Return *change* as one line that begins with ``+``, ``-``, ``~`` or ``>``."""
    match change:
        case TableChange(before=before, after=after):
            return _line(_whole_table(before), _whole_table(after), "table", ())
        case FactsChange(table=table, before=old, after=new):
            facts = [*_options(old.options, new.options)]
            facts += _become("COMMENT", _quoted(old.comment), _quoted(new.comment))
            return f"~ table {table}: {_told(facts)}"
        case ColumnChange():
            return _column_change(change)
        case ConstraintChange():
            return _constraint_change(change)
        case IndexChange():
            return _index_change(change)
        case EnumChange() | SequenceChange() | FootingChange():
            return _standing_alone(change)
        case ValueChange(table=table, column=column, before=value, after=new_value):
            return f"> value of {table}.{column}: '{value}' -> '{new_value}'"


def sort_key(change: Change) -> tuple[str, ...]:  # noqa: PLR0911  # one for each kind
    """Return by what *change* is put among others: its table, its kind, its name."""
    match change:
        case EnumChange() | SequenceChange() | FootingChange():
            thing = change.after or change.before
            assert thing is not None
            return ("0", thing.schema or "", thing.name)
        case TableChange(before=old, after=new):
            table = new or old
            assert table is not None
            return (*_place(table.name), "0")
        case FactsChange(table=name):
            return (*_place(name), "1")
        case ColumnChange(table=name, before=first, after=second):
            return (*_place(name), "2", "", _name(second or first))
        case ConstraintChange(table=name, before=one, after=other):
            return (*_place(name), "3", _kind(other or one), _name(other or one))
        case IndexChange(table=name, before=start, after=end):
            return (*_place(name), "4", "", _name(end or start))
        case ValueChange(table=name, column=column, before=value):
            return (*_place(name), "5", column, value)


def _place(name: TableName) -> tuple[str, str, str]:
    return ("1", name.schema or "", name.name)


def _name(thing: Column | Constraint | Index | None) -> str:
    return thing.name if thing else ""


def _line(
    before: tuple[str, str] | None,
    after: tuple[str, str] | None,
    kind: str,
    facts: Iterable[str],
) -> str:
    """Return a line about a thing.

    Args:
        before: the thing's name, and what else it is told by when it comes or goes.
        after: the same of the thing afterwards.
        kind: what it is.
        facts: what of it becomes something else.
    """
    if before is None and after is not None:
        return f"+ {kind} {after[0]}{after[1]}"
    if after is None and before is not None:
        return f"- {kind} {before[0]}{before[1]}"
    assert before is not None
    assert after is not None
    told = _told(facts)
    if before[0] != after[0]:
        also = f": {told}" if told != _CHANGED else ""
        return f"> {kind} {before[0]} -> {after[0]}{also}"
    return f"~ {kind} {before[0]}: {told}"


_CHANGED = "changed"


def _told(facts: Iterable[str]) -> str:
    return ", ".join(facts) or _CHANGED


def _become(label: str, before: object, after: object) -> Iterator[str]:
    """Yield what is said of a fact that is another one afterwards."""
    if before == after:
        return
    start = f"{label} " if label else ""
    if after is None:
        yield f"no {label}"
    elif before is None:
        yield f"{start}{after}"
    else:
        yield f"{start}{before} -> {after}"


def _options(before: Options, after: Options) -> Iterator[str]:
    old = {option.name: option.value for option in before}
    new = {option.name: option.value for option in after}
    for name in sorted(old | new):
        yield from _become(name, old.get(name), new.get(name))


def _quoted(text: str | None) -> str | None:
    return None if text is None else f"'{text}'"


def _whole_table(table: Table | None) -> tuple[str, str] | None:
    if table is None:
        return None
    columns = ", ".join(column.name for column in table.ordered_columns)
    return str(table.name), f" ({columns})"


def _column_change(change: ColumnChange) -> str:
    before, after = change.before, change.after
    facts = _column_facts(before, after) if before and after else []
    is_default_alone = facts and all(fact.endswith(_OF_DEFAULT) for fact in facts)
    if before and after and is_default_alone and before.name == after.name:
        return (
            f"~ default of {change.table}.{after.name}: "
            f"{before.default or 'none'} -> {after.default or 'none'}"
        )
    shown = [fact.removesuffix(_OF_DEFAULT) for fact in facts]
    return _line(
        _whole_column(change.table, before),
        _whole_column(change.table, after),
        "column",
        shown,
    )


_OF_DEFAULT = "\0"
"""Marks the fact that a line of its own can tell in better words."""


def _whole_column(table: TableName, column: Column | None) -> tuple[str, str] | None:
    if column is None:
        return None
    nothing = Column(name=column.name, type=column.type)
    facts = [str(column.type), *_column_facts(nothing, column)]
    told = ", ".join(fact.removesuffix(_OF_DEFAULT) for fact in facts if fact)
    return f"{table}.{column.name}", f": {told}" if told else ""


def _column_facts(before: Column, after: Column) -> list[str]:
    facts = [*_become("", before.type, after.type)]
    if before.nullable != after.nullable:
        facts.append("NULL" if after.nullable else "NOT NULL")
    facts += [
        f"{fact}{_OF_DEFAULT}"
        for fact in _become("DEFAULT", before.default, after.default)
    ]
    facts += _become("COLLATE", before.collation, after.collation)
    facts += _become(
        "GENERATED AS", _computed(before.computed), _computed(after.computed)
    )
    facts += _become("IDENTITY", _identity(before.identity), _identity(after.identity))
    facts += _become("COMMENT", _quoted(before.comment), _quoted(after.comment))
    facts += _options(before.options, after.options)
    return facts


def _computed(computed: Computed | None) -> str | None:
    if computed is None:
        return None
    return f"({computed.expression}) {'STORED' if computed.is_stored else 'VIRTUAL'}"


def _identity(identity: Identity | None) -> str | None:
    if identity is None:
        return None
    words = ["ALWAYS" if identity.is_always else "BY DEFAULT"]
    words += [f"{each.name} {each.value}" for each in sorted(identity.options)]
    return " ".join(words)


def _constraint_change(change: ConstraintChange) -> str:
    before, after = change.before, change.after
    facts: list[str] = []
    kind = _kind(after or before)
    if before and after:
        facts = _constraint_facts(before, after)
        if before.name != after.name and not facts:
            what = _content(change.table, before)
            return f"> {kind} {what}: {before.name} -> {after.name}"
        facts = [*_naming(before, after), *facts]
    return _line(
        _whole_constraint(change.table, before),
        _whole_constraint(change.table, before if before and after else after),
        kind,
        facts,
    )


def _kind(constraint: Constraint | None) -> str:
    match constraint:
        case PrimaryKey():
            return "primary key"
        case Unique():
            return "unique"
        case ForeignKey():
            return "foreign key"
        case Check():
            return "check"
        case Exclusion():
            return "exclusion"
        case None:
            return ""


def _given(constraint: Constraint) -> str | None:
    """Return the name of *constraint*, None when nobody gave it one."""
    return None if constraint.naming is Naming.NONE else constraint.name


def _naming(before: Constraint, after: Constraint) -> Iterator[str]:
    if _given(before) and _given(after) is None:
        yield "unnamed"
    else:
        yield from _become("named", _given(before), _given(after))


def _whole_constraint(
    table: TableName, constraint: Constraint | None
) -> tuple[str, str] | None:
    if constraint is None:
        return None
    name = _given(constraint)
    told = f" as {name}" if name else ""
    extra: list[str] = [*_options(frozenset(), constraint.options)]
    if isinstance(constraint, ForeignKey):
        extra = [*_actions(_without_actions(constraint), constraint), *extra]
    if isinstance(constraint, Exclusion) and constraint.where is not None:
        extra = [f"WHERE {constraint.where}", *extra]
    told += f": {', '.join(extra)}" if extra else ""
    return _content(table, constraint), told


def _content(table: TableName, constraint: Constraint) -> str:
    """Return what *constraint* is, whatever it is called."""
    content = f"{table}({_body(constraint)})"
    if isinstance(constraint, ForeignKey):
        content += f" -> {_target(constraint)}"
    return content


def _body(constraint: Constraint) -> str:
    if isinstance(constraint, Check):
        return str(constraint.expression)
    if isinstance(constraint, Exclusion):
        return ", ".join(_excluded(part) for part in constraint.parts)
    return ", ".join(constraint.columns)


def _excluded(part: ExclusionPart) -> str:
    words = [str(part.expression) if part.column is None else part.column]
    words += ["DESC"] if part.descending else []
    words += [f"{option.name} {option.value}" for option in sorted(part.options)]
    return " ".join([*words, "WITH", part.operator])


def _target(key: ForeignKey) -> str:
    return f"{key.target}({', '.join(key.target_columns)})"


def _constraint_facts(before: Constraint, after: Constraint) -> list[str]:
    facts: list[str] = []
    if isinstance(before, Check) and isinstance(after, Check):
        facts += _become("", before.expression, after.expression)
    else:
        facts += _become("", f"({_body(before)})", f"({_body(after)})")
    if isinstance(before, ForeignKey) and isinstance(after, ForeignKey):
        facts += _become("REFERENCES", _target(before), _target(after))
        facts += _actions(before, after)
    if isinstance(before, Exclusion) and isinstance(after, Exclusion):
        facts += _become("USING", before.using, after.using)
        facts += _become("WHERE", before.where, after.where)
    facts += _options(before.options, after.options)
    return facts


def _actions(before: ForeignKey, after: ForeignKey) -> Iterator[str]:
    yield from _become("ON DELETE", before.on_delete, after.on_delete)
    yield from _become("ON UPDATE", before.on_update, after.on_update)
    yield from _become("MATCH", before.match, after.match)
    if before.deferrable != after.deferrable:
        yield "DEFERRABLE" if after.deferrable else "NOT DEFERRABLE"
    if before.initially_deferred != after.initially_deferred:
        yield f"INITIALLY {'DEFERRED' if after.initially_deferred else 'IMMEDIATE'}"


def _without_actions(key: ForeignKey) -> ForeignKey:
    return ForeignKey(
        name=key.name,
        columns=key.columns,
        target=key.target,
        target_columns=key.target_columns,
    )


def _index_change(change: IndexChange) -> str:
    before, after = change.before, change.after
    facts = _index_facts(before, after) if before and after else []
    either = after or before
    kind = "unique index" if either and either.unique else "index"
    return _line(
        _whole_index(change.table, before),
        _whole_index(change.table, after),
        kind,
        facts,
    )


def _whole_index(table: TableName, index: Index | None) -> tuple[str, str] | None:
    if index is None:
        return None
    where = f" WHERE {index.where}" if index.where else ""
    options = ", ".join(_options(frozenset(), index.options))
    told = f" on {table}({_parts(index)}){where}"
    return index.name, f"{told}: {options}" if options else told


def _index_facts(before: Index, after: Index) -> list[str]:
    facts = [*_become("", f"({_parts(before)})", f"({_parts(after)})")]
    if before.unique != after.unique:
        facts.append("UNIQUE" if after.unique else "not UNIQUE")
    facts += _become("WHERE", before.where, after.where)
    facts += _options(before.options, after.options)
    return facts


def _parts(index: Index) -> str:
    return ", ".join(_part(part) for part in index.parts)


def _part(part: IndexPart) -> str:
    words = [str(part.expression) if part.column is None else part.column]
    words += [f"{option.name} {option.value}" for option in sorted(part.options)]
    if part.descending:
        words.append("DESC")
    return " ".join(words)


def _standing_alone(change: EnumChange | SequenceChange | FootingChange) -> str:
    """Return the line about what stands in a database beside its tables."""
    if isinstance(change, EnumChange):
        return _enum_change(change.before, change.after, change.renamed)
    if isinstance(change, SequenceChange):
        return _sequence_change(change.before, change.after)
    old, new = change.before, change.after
    facts = _options(old.says, new.says) if old and new else ()
    one, other = (
        (str(TableName(each.name, each.schema)), "") if each else None
        for each in (old, new)
    )
    return _line(one, other, change.kind, facts)


def _enum_change(
    before: Enum | None, after: Enum | None, renamed: tuple[ValueRename, ...]
) -> str:
    if before and after and renamed:
        told = ", ".join(f"'{each.before}' -> '{each.after}'" for each in renamed)
        return f"> value of enum {TableName(after.name, after.schema)}: {told}"
    facts = _become("", _values(before), _values(after)) if before and after else ()
    return _line(_whole_enum(before), _whole_enum(after), "enum", facts)


def _whole_enum(enum: Enum | None) -> tuple[str, str] | None:
    if enum is None:
        return None
    return str(TableName(enum.name, enum.schema)), f" {_values(enum)}"


def _sequence_change(before: Sequence | None, after: Sequence | None) -> str:
    facts: list[str] = []
    if before and after:
        facts += _become("", before.type or "default", after.type or "default")
        facts += _options(before.options, after.options)
    return _line(_whole_sequence(before), _whole_sequence(after), "sequence", facts)


def _whole_sequence(sequence: Sequence | None) -> tuple[str, str] | None:
    if sequence is None:
        return None
    facts = [sequence.type] if sequence.type else []
    facts += _options(frozenset(), sequence.options)
    told = f": {', '.join(facts)}" if facts else ""
    return str(TableName(sequence.name, sequence.schema)), told


def _values(enum: Enum | None) -> str:
    values = ", ".join(f"'{value}'" for value in enum.values) if enum else ""
    return f"({values})"
