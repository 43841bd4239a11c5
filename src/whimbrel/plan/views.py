"""Views in the way of a change: dropped before it, made again after it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from alembic.operations import ops

from whimbrel.errors import ViewInTheWay
from whimbrel.plan.generic import changes_type
from whimbrel.plan.items import text
from whimbrel.plan.step import Step
from whimbrel.schema.changes import Change, ColumnChange, TableChange
from whimbrel.schema.state import TableName, Use, View


def views_in_the_way(
    views: Iterable[View], changes: Iterable[Change]
) -> tuple[View, ...]:
    """Return the views that read what changes, and those that read them.

    Raises:
        ViewInTheWay: a view needs what there will be no more.
    """
    views, changes = tuple(views), tuple(changes)
    if not views:
        return ()
    touched = set(_touched(changes, views))
    found: dict[TableName, View] = {}
    for view in views:
        read = {use.table for use in view.uses}
        if not view.uses.isdisjoint(touched) or not read.isdisjoint(found):
            found[view.name] = view
    return tuple(found.values())


def _touched(changes: Iterable[Change], views: Iterable[View]) -> Iterator[Use]:
    """Yield the columns that no view may read while they change."""
    for change in changes:
        match change:
            case TableChange(before=table, after=None) if table is not None:
                for view in views:
                    read = {use for use in view.uses if use.table == table.name}
                    if read and not read.isdisjoint(_needs(view)):
                        raise _refused(view, str(table.name))
                    yield from read
            case ColumnChange(before=column, after=after) if column is not None:
                use = Use(change.table, column.name)
                if after is None:
                    _refuse(views, use)
                    yield use
                elif changes_type(column, after) or column.computed != after.computed:
                    yield use
            case _:
                continue


def _needs(view: View) -> frozenset[Use]:
    return view.uses if view.needs is None else view.needs


def _refuse(views: Iterable[View], use: Use) -> None:
    for view in views:
        if use in view.uses and use in _needs(view):
            raise _refused(view, f"{use.table}.{use.column}")


def _refused(view: View, what: str) -> ViewInTheWay:
    return ViewInTheWay(
        f"The view {view.name} reads {what}, which the models have no more.",
        f"Write a script that drops the view, or makes it anew without {what}, and"
        " upgrade the database; then generate this one again.",
        view=str(view.name),
        used=what,
    )


def dropped_views(views: tuple[View, ...], changes: tuple[Change, ...]) -> list[Step]:
    """Return the steps that drop *views*, those first that read others."""
    return [
        _statement(f"DROP {_kind(view)} {view.written}", changes)
        for view in reversed(views)
    ]


def restored_views(views: tuple[View, ...], changes: tuple[Change, ...]) -> list[Step]:
    """Return the steps that make *views* again, with all that hangs on them."""
    return [_statement(sql, changes) for view in views for sql in view.made]


def _kind(view: View) -> str:
    return "MATERIALIZED VIEW" if view.is_materialized else "VIEW"


def _statement(sql: str, changes: tuple[Change, ...]) -> Step:
    return Step(operation=ops.ExecuteSQLOp(text(sql).text), changes=changes)
