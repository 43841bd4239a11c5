"""Operations in, the text of a script's two functions out.

Alembic's own renderers write single operations, so that what a project or
another package registers with it goes on working; types, defaults, blocks and
the shape of it all are ours.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import StringIO
from itertools import groupby
from typing import Any, cast

from alembic.autogenerate import render as alembic_render
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from alembic.util import Dispatcher, to_list
from mako.pygen import PythonPrinter
from sqlalchemy.schema import DefaultClause, PrimaryKeyConstraint
from sqlalchemy.sql.elements import ClauseElement, TextClause
from sqlalchemy.types import TypeEngine

from whimbrel.plan.items import text
from whimbrel.plan.step import Autocommitted, BatchOptions, TableOps, accepted
from whimbrel.schema.dialect import described
from whimbrel.script import calls
from whimbrel.script.format import formatted, indented
from whimbrel.script.references import Prefixes
from whimbrel.script.values import Types


WIDTH = 84
"""What is left of 88 columns within a function."""


@dataclass(frozen=True, kw_only=True)
class ScriptBody:
    """What a script does to one database.

    Args:
        upgrades: the statements of the upgrade, ``pass`` if there are none.
        downgrades: those of the downgrade.
        imports: the lines that must stand at the top of the script.
        preamble: small classes that the script must carry, below its imports.
        notes: what the user should be told about it.
    """

    upgrades: str
    downgrades: str
    imports: frozenset[str] = frozenset()
    preamble: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def render(
    upgrade: ops.OpContainer, downgrade: ops.OpContainer, context: AutogenContext
) -> ScriptBody:
    """Return what *upgrade* and *downgrade* are in Python.

    Args:
        upgrade: the operations that lead to the wanted state.
        downgrade: those that lead back.
        context: Alembic's context, with the options of the project's env.py.

    Raises:
        UnrenderableType: a column has a type that no script can make.
    """
    renderer = Renderer(context)
    upgrades, downgrades = renderer.body(upgrade), renderer.body(downgrade)
    context.imports.update(renderer.imports)
    return ScriptBody(
        upgrades=upgrades,
        downgrades=downgrades,
        imports=frozenset(renderer.imports),
        preamble=tuple(sorted(renderer.classes)),
        notes=tuple(dict.fromkeys(renderer.notes)),
    )


@dataclass(frozen=True, slots=True)
class Place:
    """The table and the column that are being written."""

    table: str | None = None
    column: str | None = None

    def __str__(self) -> str:
        """Return them as messages name them."""
        return ".".join(filter(None, (self.table, self.column))) or "a column"


class Renderer:
    """Writes operations, and remembers what they need at the top of the script.

    Args:
        given: Alembic's context, with the options of the project's env.py.
    """

    def __init__(self, given: AutogenContext) -> None:
        options = given.opts
        self.users_hook = options.get("render_item")
        self.prefix: str = options.get("alembic_module_prefix") or ""
        self.in_batches = bool(options.get("render_as_batch", False))
        prefixes = Prefixes(
            sqlalchemy=options.get("sqlalchemy_module_prefix") or "",
            user=options.get("user_module_prefix"),
        )
        context = given.migration_context
        self.dialect = described(context.dialect)
        self.types = Types(context.dialect, prefixes)
        self.own_types = context.impl
        self.context = copy.copy(given)
        self.context.imports = set(given.imports)
        self.context.opts = {**options, "render_item": self._item}
        around = _Around(context, impl=_Around(context.impl, **_expressions(context)))
        self.context.migration_context = cast("MigrationContext", around)
        self.renderers = self._renderers()
        self.classes: set[str] = set()
        self.notes: list[str] = []
        self.place = Place()

    @property
    def imports(self) -> set[str]:
        """The lines that must stand at the top of the script."""
        return self.context.imports

    def body(self, container: ops.OpContainer) -> str:
        """Return the statements that *container* holds, formatted."""
        chunks: list[str] = []
        for is_committed, group in groupby(container.ops, _is_committed):
            if is_committed:
                chunks.append(self._committed(group))
            else:
                chunks += [self.operation(each) for each in group]
        return formatted("\n".join(filter(None, chunks)) or "pass", WIDTH)

    def operation(self, operation: ops.MigrateOperation) -> str:
        """Return the statements that are *operation*, not yet formatted."""
        renderer = self.renderers.dispatch(operation)
        if isinstance(operation, ops.ModifyTableOps) and _is_known(renderer):
            with self._in(operation):
                return self._table(operation)
        with self._in(operation):
            lines = to_list(renderer(self.context, operation))
        written = "\n".join(lines) if _is_known(renderer) else _with_blocks(lines)
        return f"{_comment(operation)}{written}"

    def _renderers(self) -> Dispatcher:
        """Return what writes operations: ours where Alembic's falls short."""
        renderers: Dispatcher = alembic_render.renderers.branch()
        ours: dict[type, Callable[[AutogenContext, Any], str]] = {
            ops.CreateTableOp: self._create_table,
            ops.AlterColumnOp: self._alter_column,
            ops.CreateCheckConstraintOp: calls.create_check,
            ops.CreatePrimaryKeyOp: calls.create_primary_key,
        }
        for kind, write in ours.items():
            if _is_known(renderers.dispatch(kind)):
                renderers.dispatch_for(kind, replace=True)(write)
        with suppress(ValueError):  # Alembic has none, the project may have one
            renderers.dispatch_for(ops.RenameTableOp)(calls.rename_table)
        return renderers

    def _create_table(self, context: AutogenContext, op: ops.CreateTableOp) -> str:
        """Write a table, each thing of it on its own line."""
        op = copy.copy(op)
        op.kw = {name: calls.as_code(context, value) for name, value in op.kw.items()}
        written: str = alembic_render._add_table(context, op)
        if not op.columns:  # it has those that it inherits, or none
            written = re.sub(r",\n+(?=[,)])", "", written, count=1)
        return f"{written.removesuffix(')').rstrip()},\n)"

    def _alter_column(self, context: AutogenContext, op: ops.AlterColumnOp) -> str:
        """Write an altered column with the options that one dialect knows."""
        written: str = alembic_render._alter_column(context, op)
        options = {key: op.kw[key] for key in op.kw if key != "autoincrement"}
        said = "".join(f", {key}={value!r}" for key, value in options.items())
        return f"{written.removesuffix(')')}{said})"

    def _committed(self, group: Iterable[ops.MigrateOperation]) -> str:
        """Write statements in a block that commits what it holds."""
        inner = "\n".join(self.operation(each) for each in group)
        block = f"with {self.prefix}get_context().autocommit_block()"
        return f"{block}:\n{indented(inner)}\n"

    def _table(self, operation: ops.ModifyTableOps) -> str:
        """Write what is done to one table: in a block, unless that is not wanted."""
        batch = getattr(operation, "batch", BatchOptions())
        if isinstance(operation, TableOps) and operation.is_empty():
            return ""
        keys = [each for each in operation.ops if _says_more_of_key(each)]
        if not (self.in_batches or keys or self._needs_block(batch)):
            return "\n".join(self.operation(each) for each in operation.ops)
        if not operation.ops and not batch.arguments:
            return ""
        arguments = [repr(str(operation.table_name)), f"schema={operation.schema!r}"]
        arguments += [f"{key}={value!r}" for key, value in batch.arguments.items()]
        if keys:
            said = ", ".join(
                self._key_item(cast("ops.CreatePrimaryKeyOp", each)) for each in keys
            )
            arguments.append(f"table_args=({said},)")
        others = (each for each in operation.ops if each not in keys)
        with self._within_batch():
            inner = "\n".join(self.operation(each) for each in others)
        head = f"with {self.prefix}batch_alter_table({', '.join(arguments)})"
        return f"{head} as batch_op:\n{indented(inner or 'pass')}\n"

    def _key_item(self, operation: ops.CreatePrimaryKeyOp) -> str:
        """Write a primary key as a part of its table, where all can be said of it."""
        key = operation.to_constraint()
        return str(self._primary_key(key))

    def _needs_block(self, batch: BatchOptions) -> bool:
        """Whether plain operations would not do, although the project wants them."""
        is_remade = batch.table_kwargs or batch.recreate != "auto"
        return bool(is_remade or (batch.arguments and not self.dialect.has_alter))

    @contextmanager
    def _within_batch(self) -> Iterator[None]:
        self.context._has_batch = True
        try:
            yield
        finally:
            self.context._has_batch = False

    @contextmanager
    def _in(self, operation: ops.MigrateOperation) -> Iterator[None]:
        """Remember the table and the column, for messages about types."""
        before = self.place
        table = getattr(operation, "table_name", before.table)
        column = getattr(operation, "column_name", None)
        self.place = Place(str(table), str(column) if column is not None else None)
        try:
            yield
        finally:
            self.place = before

    def _item(self, kind: str, thing: Any, context: AutogenContext) -> Any:
        """Write a part of an operation, after the project's own hook was asked."""
        if self.users_hook is not None:
            written = self.users_hook(kind, thing, context)
            if written is not False:
                return written
        match kind:
            case "column":
                self.place = Place(self.place.table, str(thing.name))
                return calls.column(self.context, thing)
            case "type":
                return self._type(thing)
            case "primary_key":
                return self._primary_key(thing)
            case "server_default":
                return self._default(thing)
        return False

    def _default(self, default: Any) -> Any:
        """Write a default as it is; Alembic takes quotes off its ends."""
        value = default.arg if isinstance(default, DefaultClause) else default
        if isinstance(value, str):
            return repr(str(value))
        if isinstance(value, ClauseElement):
            return alembic_render._render_potential_expr(
                value, self.context, is_server_default=True
            )
        return False

    def _type(self, type_: TypeEngine[Any]) -> str:
        registered = self._by_another_package(type_)
        if registered:
            return registered
        source = self.types.source(type_, str(self.place))
        self.imports.update(source.imports)
        self.classes.update(source.classes)
        self.notes.extend(source.notes)
        return source.code

    def _by_another_package(self, type_: TypeEngine[Any]) -> str:
        """Return what the dialect of another package says of a type, if it does."""
        method = type(self.own_types).render_type
        if _is_known(method):
            return ""
        return str(self.own_types.render_type(type_, self.context) or "")

    def _primary_key(self, key: PrimaryKeyConstraint) -> Any:
        """Write a primary key with the options that Alembic leaves out."""
        options = key.dialect_kwargs
        if not options or not key.columns:
            return False
        arguments = [repr(str(column.name)) for column in key.columns]
        if key.name:
            name = alembic_render._render_gen_name(self.context, key.name)
            arguments.append(f"name={name!r}")
        arguments += alembic_render._render_dialect_kwargs_items(self.context, options)
        prefix = self.types.prefixes.sqlalchemy
        return f"{prefix}PrimaryKeyConstraint({', '.join(arguments)})"


def _comment(operation: ops.MigrateOperation) -> str:
    """Return the line that tells which losses are accepted at *operation*, if any."""
    codes = accepted(operation)
    return f"# accepted: {', '.join(codes)}\n" if codes else ""


def _says_more_of_key(operation: ops.MigrateOperation) -> bool:
    """Whether a primary key is more than a name and columns.

    ``create_primary_key()`` takes no more.
    """
    return isinstance(operation, ops.CreatePrimaryKeyOp) and bool(operation.kw)


def _is_committed(operation: ops.MigrateOperation) -> bool:
    return isinstance(operation, Autocommitted)


def _is_known(function: Any) -> bool:
    """Whether Alembic or we wrote a function."""
    module = str(getattr(function, "__module__", ""))
    return module.startswith(("alembic.", "whimbrel."))


def _with_blocks(lines: Iterable[str]) -> str:
    """Return lines indented as Alembic does it: after a colon, until a blank line."""
    buffer = StringIO()
    printer = PythonPrinter(buffer)
    for line in lines:
        printer.writeline(line)
    return buffer.getvalue()


class _Around:
    """An object with some of its attributes exchanged."""

    def __init__(self, inner: Any, **others: Any) -> None:
        self.__dict__.update(others)
        self.__dict__["_inner"] = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def _expressions(context: Any) -> dict[str, Any]:
    """Return what writes SQL so that a script's ``sa.text()`` reads it unchanged."""

    def render_ddl_sql_expr(expression: Any, **options: Any) -> str:
        is_index = options.get("is_index")
        is_text = isinstance(expression, TextClause) and not expression._bindparams
        if is_text and not is_index:
            return str(expression.text)
        written = str(context.impl.render_ddl_sql_expr(expression, **options))
        if context.impl.dialect.identifier_preparer._double_percents:
            written = written.replace("%%", "%")  # it is doubled again when it is run
        return written if is_index else text(written).text

    return {"render_ddl_sql_expr": render_ddl_sql_expr}
