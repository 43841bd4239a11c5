"""The temporary tables in which MySQL and MariaDB spell the forms of models.

Information_schema does not tell of them, SHOW CREATE TABLE does.  They neither need a
transaction nor end one, and nobody else sees them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from whimbrel.catalog.mysql_ddl import ColumnText, TableText, parse_table
from whimbrel.catalog.mysql_rows import usual_collations
from whimbrel.catalog.mysql_shown import show_create
from whimbrel.catalog.mysql_tokens import quoted
from whimbrel.catalog.wording import (
    CheckForm,
    ColumnForm,
    IndexForm,
    Need,
    Unspeakable,
)
from whimbrel.errors import NoTemporaryTables


Form: TypeAlias = ColumnForm | CheckForm | IndexForm

_MOST_COLUMNS = 24
"""Wide columns fit into one row of a table, in most cases; others are tried anew."""

_DENIED = (1044, 1045, 1142, 1227, 1290, 1792, 1836)
"""The errors that say that a role, or a server, makes no temporary tables.

https://mariadb.com/kb/en/mariadb-error-codes/
"""


@dataclass(slots=True)
class _Sheet:
    """A temporary table: its columns by name, its checks and keys, and its forms."""

    setting: str
    columns: dict[str, str] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    forms: dict[str, Form] = field(default_factory=dict)

    def has_room(self, form: Form) -> bool:
        """Whether *form* can stand in this table."""
        return len(self.columns) < _MOST_COLUMNS and all(
            self.types.get(need.name.casefold(), need.type_text) == need.type_text
            for need in form.needs
        )

    def write(self, name: str, form: Form) -> None:
        """Write *form* into the table under a name of its own."""
        for need in form.needs:
            self._need(need)
        self.forms[name] = form
        match form:
            case ColumnForm():
                self.columns[name] = _definition(form)
            case CheckForm():
                self.lines.append(f"CONSTRAINT {name} CHECK ({form.text})")
            case IndexForm():
                self.lines.append(f"KEY {name} ({form.parts})")

    def _need(self, need: Need) -> None:
        if need.name.casefold() not in self.types:
            self.types[need.name.casefold()] = need.type_text
            self.columns[quoted(need.name)] = need.type_text

    def statement(self, name: str) -> str:
        """Return what makes the table."""
        columns = [f"{column} {text}" for column, text in self.columns.items()]
        if not columns:
            columns = ["whimbrel_none INT"]
        body = ", ".join([*columns, *self.lines])
        return f"CREATE TEMPORARY TABLE {name} ({body}) {self.setting}"


@dataclass(frozen=True, slots=True)
class Told:
    """What the server makes of forms: columns and pieces of SQL.

    ``collations`` are those of tables, by their settings.
    """

    columns: Mapping[ColumnForm, ColumnText]
    texts: Mapping[CheckForm | IndexForm, str]
    collations: Mapping[str, str]


class Sheets:
    """Lets the server spell forms, few tables for many forms."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._columns: dict[ColumnForm, ColumnText] = {}
        self._texts: dict[CheckForm | IndexForm, str] = {}
        self._collations: dict[str, str] = {}
        self._usual: dict[str, str] = {}

    def told(self, forms: Iterable[Form]) -> Told:
        """Return what the server makes of *forms*.

        Raises:
            Unspeakable: the server refuses one of them.
            NoTemporaryTables: it lets nobody make such tables here.
        """
        for sheet in _sheets(sorted(forms, key=repr)):
            self._tell(sheet)
        return Told(self._columns, self._texts, self._collations)

    def _tell(self, sheet: _Sheet) -> None:
        """Make the table, or each half of it if the server refuses the whole."""
        try:
            text = self._shown(sheet)
        except DBAPIError as cause:
            if _number(cause) in _DENIED:
                raise _no_temporary_tables(cause) from cause
            if len(sheet.forms) == 1:
                (form,) = sheet.forms.values()
                raise Unspeakable(form, cause.orig or cause) from cause
            forms = list(sheet.forms.values())
            middle = len(forms) // 2
            for half in (forms[:middle], forms[middle:]):
                for smaller in _sheets(half):
                    self._tell(smaller)
        else:
            self._keep(sheet, text)

    def _shown(self, sheet: _Sheet) -> TableText:
        name = "whimbrel_sheet"
        self._run(sheet.statement(name))
        try:
            return parse_table(show_create(self._connection, name))
        finally:
            self._run(f"DROP TEMPORARY TABLE {name}")

    def _run(self, statement: str) -> None:
        self._connection.exec_driver_sql(
            statement, execution_options={"no_parameters": True}
        )

    def _keep(self, sheet: _Sheet, text: TableText) -> None:
        columns = {column.name: column for column in text.columns}
        pieces = dict(text.checks) | {key.name: key.parts for key in text.keys}
        collation = self._collation(text.option("collate"), text.option("charset"))
        self._collations[sheet.setting] = collation
        for name, form in sheet.forms.items():
            if isinstance(form, ColumnForm):
                found = columns[name]
                own = self._collation(found.collation, found.charset)
                self._columns[form] = replace(found, collation=own or collation)
            else:
                self._texts[form] = pieces[name]

    def _collation(self, collation: str | None, charset: str | None) -> str:
        """Return a collation; some servers tell only whose usual one it is."""
        if collation or not charset:
            return collation or ""
        if not self._usual:
            self._usual = usual_collations(self._connection)
        return self._usual.get(charset, "")


def _sheets(forms: Sequence[Form]) -> Iterable[_Sheet]:
    """Return tables in which all *forms* stand."""
    sheets: list[_Sheet] = []
    for number, form in enumerate(forms):
        setting = "" if isinstance(form, IndexForm) else form.setting
        sheet = next(
            (
                each
                for each in sheets
                if each.setting == setting and each.has_room(form)
            ),
            None,
        )
        if sheet is None:
            sheet = _Sheet(setting)
            sheets.append(sheet)
        sheet.write(f"whimbrel_{number}", form)
    return sheets


def _definition(form: ColumnForm) -> str:
    """Return what follows the name of a column."""
    words = [form.type_text]
    if form.computed is not None:
        words.append(f"GENERATED ALWAYS AS ({form.computed}) VIRTUAL")
    words.append(form.attributes)
    if form.default is not None:
        words.append(f"DEFAULT {form.default}")
    return " ".join(word for word in words if word)


def _number(cause: DBAPIError) -> int:
    """Return the server's number of an error."""
    arguments = getattr(cause.orig, "args", ())
    number = arguments[0] if arguments else 0
    return number if isinstance(number, int) else 0


def _no_temporary_tables(cause: DBAPIError) -> NoTemporaryTables:
    return NoTemporaryTables(
        f"No temporary table can be made in this database: {cause.orig}",
        "Models are spelled by the database in temporary tables, which are dropped at"
        " once. Let the role make them: GRANT CREATE TEMPORARY TABLES ON ... TO ...;"
        " and see to it that the transaction is not read-only.",
    )
