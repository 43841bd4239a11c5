"""Random models and what becomes of them: most of it stays, some of it changes."""

from dataclasses import dataclass, replace

import sqlalchemy as sa
from hypothesis import strategies as st

from models_of_all_sorts import CHECKING_TYPES, CONVENTIONS, Kind, Lower, quoted


@dataclass(frozen=True)
class Col:
    """A column; types and defaults are made anew for each MetaData."""

    name: str
    type: object
    nullable: bool = True
    default: object = None
    computed: tuple | None = None


@dataclass(frozen=True)
class Key:
    """A primary key, a unique constraint or the columns that refer to a table."""

    columns: tuple
    name: str | None = None
    target: str = ""
    target_columns: tuple = ()
    said: tuple = ()


@dataclass(frozen=True)
class Text:
    """A check, or an index whose parts are told in SQL."""

    name: str | None
    columns: tuple
    text: str
    unique: bool = False
    where: str | None = None


@dataclass(frozen=True)
class Tab:
    """A table of the models."""

    name: str
    columns: tuple
    key: Key | None = None
    uniques: tuple = ()
    foreign: tuple = ()
    checks: tuple = ()
    indexes: tuple = ()
    options: tuple = ()


@dataclass(frozen=True)
class Models:
    """All tables, and the naming convention of their MetaData."""

    tables: tuple
    convention: object = None


TABLES = ["item", "order", "naïve", "with space", "Group", "per%cent"]
COLUMNS = ["id", "name", "select", "漢字", 'quo"te', "it's", "col:on", "Mixed"]
PLAIN_TABLES = ["item", "person", "tag", "visit"]
PLAIN_COLUMNS = ["id", "name", "kind", "size", "note"]
STRICT_TYPES = [sa.Integer, sa.Text, sa.REAL, sa.LargeBinary]
TYPES = [
    *STRICT_TYPES,
    lambda: sa.String(20),
    lambda: sa.String(50),
    lambda: sa.String(20, collation="NOCASE"),
    lambda: sa.Text(collation="RTRIM"),
    lambda: sa.Numeric(10, 2),
    lambda: sa.Numeric(12, 4),
    sa.BigInteger,
    sa.Float,
    sa.DateTime,
    sa.Boolean,
    sa.JSON,
    lambda: sa.Enum("0", "1", "2", name="kind"),
    lambda: Lower(20),
    Kind,
    *CHECKING_TYPES[:4],
]
PLAIN_TYPES = [*STRICT_TYPES[:3], *TYPES[4:6], *TYPES[8:14]]
DEFAULTS = [None, "0", "it's", sa.text("1"), sa.text("'a\\:b'"), sa.text("(1 + 1)")]
COMPUTED = [("1 + 1", None), ("coalesce({}, 'it''s')", True), ("{} || '%'", False)]
CHECKS = ["{} <> 'no'", "length({}) < 100", "{} IS NOT NULL OR 1 > 0", "{} <> '\\:x'"]
PARTS = ["{}", "{}", "{} DESC", "lower({})", "{} COLLATE NOCASE"]
WHERES = [None, None, "{} IS NOT NULL", "{} <> 'it''s'"]
SAID = [
    (),
    (),
    (("ondelete", "CASCADE"),),
    (("onupdate", "SET NULL"), ("deferrable", True), ("initially", "DEFERRED")),
]
OPTIONS = ["sqlite_strict", "sqlite_with_rowid", "sqlite_autoincrement"]


class Drawing:
    """Draws models, and what becomes of them.

    Args:
        draw: what Hypothesis gives.
        is_plain: keep to what plain Alembic can do on SQLite.
    """

    def __init__(self, draw, *, is_plain=False):
        self.draw = draw
        self.is_plain = is_plain
        self.types = PLAIN_TYPES if is_plain else TYPES
        self.tables = PLAIN_TABLES if is_plain else TABLES
        self.columns = PLAIN_COLUMNS if is_plain else COLUMNS

    def one_of(self, things):
        return self.draw(st.sampled_from(list(things)))

    def some(self, names, limit=2):
        size = min(limit, len(names))
        listed = st.lists(
            st.sampled_from(list(names)), min_size=1, max_size=size, unique=True
        )
        return tuple(self.draw(listed))

    def is_so(self, chance=2):
        return self.draw(st.integers(1, chance)) == chance

    def name(self, prefix):
        named = [None, f"{prefix}_given", f"{prefix} Of'\"All"]
        return self.one_of(named[:2] if self.is_plain else named)

    def models(self):
        names = self.some(self.tables, 3)
        tables = tuple(self.table(name) for name in names)
        convention = None if self.is_plain else self.one_of(CONVENTIONS)
        models = Models(tables, convention)
        for _ in range(self.draw(st.integers(0, 3))):
            models = self.with_foreign_key(models)
        return models

    def table(self, name):
        names = self.draw(
            st.lists(st.sampled_from(self.columns), min_size=2, max_size=5, unique=True)
        )
        columns = [self.column(each, names[:place]) for place, each in enumerate(names)]
        table = Tab(name, tuple(columns))
        if self.is_plain or self.is_so():
            table = self.with_key(table, names[0])
        for _ in range(self.draw(st.integers(0, 4))):
            table = self.one_of([self.with_unique, self.with_check, self.with_index])(
                table
            )
        return table

    def column(self, name, others=()):
        kind = self.one_of(self.types)
        if others and not self.is_plain and self.is_so(7):
            text, is_stored = self.one_of(COMPUTED)
            text = text.format(quoted(others[0]))
            return Col(name, kind, computed=(text, is_stored))
        return Col(name, kind, self.is_so(), self.one_of(DEFAULTS))

    def with_key(self, table, first=None):
        plain = [each.name for each in table.columns if not each.computed]
        columns = (first,) if first else self.some(plain)
        name = None if self.is_plain else self.name("pk")
        key = Key(columns, name)
        if columns == (first,) or (len(columns) == 1 and self.is_so()):
            table = _with_column(table, columns[0], type=sa.Integer, default=None)
        return replace(table, key=key)

    def with_unique(self, table):
        key = Key(self.some(_names(table)), self.name("uq"))
        return replace(table, uniques=(*table.uniques, key))

    def with_check(self, table):
        if self.is_plain:
            return table
        columns = self.some(_names(table), 1)
        text = self.one_of(CHECKS).format(quoted(columns[0]))
        check = Text(self.name("ck"), columns, text)
        return replace(table, checks=(*table.checks, check))

    def with_index(self, table):
        columns = self.some(_names(table), 1)
        name = quoted(columns[0])
        part = PARTS[0] if self.is_plain else self.one_of(PARTS)
        where = None if self.is_plain else self.one_of(WHERES)
        index = Text(
            f"ix {table.name} {self.draw(st.integers(1, 2))}",
            columns,
            part.format(name) if part != "{}" else "",
            self.is_so(4),
            where and where.format(name),
        )
        return replace(table, indexes=(*table.indexes, index))

    def with_foreign_key(self, models):
        table, target = self.one_of(models.tables), self.one_of(models.tables)
        size = self.draw(st.integers(1, min(2, len(target.columns))))
        columns = self.some(_names(table), size)
        refer = self.draw(st.permutations(_names(target)))[: len(columns)]
        if target.key and self.is_so() and len(target.key.columns) == len(columns):
            refer = target.key.columns
        said = () if self.is_plain else self.one_of(SAID)
        key = Key(columns, self.name("fk"), target.name, tuple(refer), said)
        changed = replace(table, foreign=(*table.foreign, key))
        return _exchanged(models, table, changed)

    def changed(self, models):
        """Return what becomes of *models*."""
        for _ in range(self.draw(st.integers(1, 5))):
            models = self.changed_once(models)
        return models

    def changed_once(self, models):
        kinds = [self.alter_column] * 3 + [self.change_table] * 3
        kinds += [self.with_foreign_key, self.come_or_go]
        if not self.is_plain:
            kinds.append(self.change_convention)
        return self.one_of(kinds)(models)

    def change_convention(self, models):
        return replace(models, convention=self.one_of(CONVENTIONS))

    def come_or_go(self, models):
        name = self.one_of(self.tables)
        kept = tuple(each for each in models.tables if each.name != name)
        if len(kept) == len(models.tables):
            return replace(models, tables=(*kept, self.table(name)))
        return replace(models, tables=kept) if kept else models

    def alter_column(self, models):
        table = self.one_of(models.tables)
        column = self.one_of(table.columns)
        what = self.one_of(["type", "nullable", "default", "computed", "all"])
        anew = self.column(column.name)
        said = {
            "type": {"type": anew.type},
            "nullable": {"nullable": not column.nullable},
            "default": {"default": anew.default},
            "computed": {"computed": None if column.computed else ("1 + 1", True)},
            "all": {"type": anew.type, "nullable": anew.nullable},
        }[what if not self.is_plain or what != "computed" else "type"]
        return _exchanged(models, table, _with_column(table, column.name, **said))

    def change_table(self, models):
        table = self.one_of(models.tables)
        kinds = [
            self.add_column,
            self.drop_column,
            self.with_unique,
            self.with_index,
            self.drop_thing,
            self.rename_thing,
        ]
        if not self.is_plain:
            kinds += [self.with_check, self.with_key, self.set_option, self.drop_key]
        return _exchanged(models, table, self.one_of(kinds)(table))

    def add_column(self, table):
        new = [each for each in self.columns if each not in _names(table)]
        if not new:
            return table
        column = self.column(self.one_of(new), _plain_names(table))
        return replace(table, columns=(*table.columns, column))

    def drop_column(self, table):
        column = self.one_of(table.columns)
        if self.is_plain and table.key and column.name in table.key.columns:
            return table
        kept = tuple(each for each in table.columns if each is not column)
        return replace(table, columns=kept) if kept else table

    def drop_key(self, table):
        return replace(table, key=None)

    def drop_thing(self, table):
        kind = self.one_of(["uniques", "foreign", "checks", "indexes"])
        return replace(table, **{kind: getattr(table, kind)[1:]})

    def rename_thing(self, table):
        kind = self.one_of(["uniques", "foreign", "checks"])
        things = getattr(table, kind)
        if not things:
            return table
        name = self.name(kind)
        return replace(table, **{kind: (replace(things[0], name=name), *things[1:])})

    def set_option(self, table):
        option = self.one_of(OPTIONS)
        is_set = option in table.options
        options = tuple(each for each in table.options if each != option)
        return replace(table, options=options if is_set else (*options, option))


def _names(table):
    return [column.name for column in table.columns]


def _plain_names(table):
    return [column.name for column in table.columns if not column.computed]


def _with_column(table, name, **said):
    columns = [
        replace(each, **said) if each.name == name else each for each in table.columns
    ]
    return replace(table, columns=tuple(columns))


def _exchanged(models, old, new):
    tables = tuple(new if each is old else each for each in models.tables)
    return replace(models, tables=tables)


def sound(models):
    """Return *models* without what SQLite or SQLAlchemy cannot make."""
    names = {table.name: set(_names(table)) for table in models.tables}
    return replace(
        models, tables=tuple(_sound_table(each, names) for each in models.tables)
    )


def _sound_table(table, names):
    own = names[table.name]
    columns = tuple(_sound_column(each, table) for each in table.columns)
    if all(column.computed for column in columns):
        columns = (replace(columns[0], computed=None), *columns[1:])
    plain = {column.name for column in columns if not column.computed}
    key = table.key
    if key is not None and not plain.issuperset(key.columns):
        key = None
    return replace(
        table,
        columns=columns,
        key=key,
        uniques=_once(each for each in table.uniques if own.issuperset(each.columns)),
        checks=_once(each for each in table.checks if own.issuperset(each.columns)),
        indexes=_once(each for each in table.indexes if own.issuperset(each.columns)),
        foreign=_once(
            each
            for each in table.foreign
            if own.issuperset(each.columns)
            and names.get(each.target, set()).issuperset(each.target_columns)
        ),
        options=_sound_options(table, key),
    )


def _sound_column(column, table):
    """Return the column, plain if what it is made from is not there, or is so too."""
    if column.computed is None:
        return column
    text = column.computed[0]
    others = [
        each.name
        for each in table.columns
        if each is not column and (not each.computed or '"' not in each.computed[0])
    ]
    if '"' not in text or any(quoted(each) in text for each in others):
        return column
    return replace(column, computed=None)


def _sound_options(table, key):
    said = set(table.options)
    types = {column.name: column.type for column in table.columns}
    if not all(each in STRICT_TYPES for each in types.values()):
        said.discard("sqlite_strict")
    if key is None:
        said.discard("sqlite_with_rowid")
    is_number = key and len(key.columns) == 1 and types[key.columns[0]] is sa.Integer
    if not is_number or "sqlite_with_rowid" in said:
        said.discard("sqlite_autoincrement")
    return tuple(sorted(said))


def _once(things):
    """Return *things*, one of each name, and no two unnamed that are alike."""
    found = {each.name or replace(each, name=None): each for each in things}
    return tuple(found.values())


def metadata_of(models):
    """Return the MetaData of *models*."""
    metadata = sa.MetaData(naming_convention=models.convention)
    for table in models.tables:
        _make(table, metadata)
    return metadata


def _make(table, metadata):
    items = [_column(each) for each in table.columns]
    if table.key:
        items.append(sa.PrimaryKeyConstraint(*table.key.columns, name=table.key.name))
    items += [sa.UniqueConstraint(*key.columns, name=key.name) for key in table.uniques]
    items += [sa.CheckConstraint(sa.text(e.text), name=e.name) for e in table.checks]
    for key in table.foreign:
        refer = [f"{key.target}.{each}" for each in key.target_columns]
        items.append(
            sa.ForeignKeyConstraint(key.columns, refer, name=key.name, **dict(key.said))
        )
    options = {name: name != "sqlite_with_rowid" for name in table.options}
    made = sa.Table(table.name, metadata, *items, **options)
    for index in table.indexes:
        parts = [sa.text(index.text)] if index.text else [made.c[index.columns[0]]]
        where = sa.text(index.where) if index.where else None
        sa.Index(
            index.name, *parts, unique=index.unique, sqlite_where=where, _table=made
        )


def _column(column):
    said = {"nullable": column.nullable, "autoincrement": "auto"}
    generated = []
    if column.computed:
        text, is_stored = column.computed
        generated = [sa.Computed(sa.text(text), persisted=is_stored)]
    else:
        said["server_default"] = column.default
    return sa.Column(column.name, column.type(), *generated, **said)


@st.composite
def changing_models(draw, *, is_plain=False):
    """Draw two MetaData of which the second was made from the first."""
    drawing = Drawing(draw, is_plain=is_plain)
    before = sound(drawing.models())
    after = sound(drawing.changed(before))
    pair = [metadata_of(before), metadata_of(after)]
    return tuple(draw(st.permutations(pair)))
