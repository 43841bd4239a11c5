"""The laws of script/values.py: what is written makes the type that it was."""

import enum
import subprocess
import sys
import textwrap

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql, sqlite

from whimbrel.errors import UnrenderableType
from whimbrel.plan.spelled import Spelled
from whimbrel.script.imports import import_block
from whimbrel.script.references import Prefixes
from whimbrel.script.values import Types


APP = """
import enum
import sqlalchemy as sa


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


def upper(value):
    return value.upper()


class Plain(sa.TypeDecorator):
    impl = sa.String


class Domain(sa.TypeDecorator):
    impl = sa.String

    def __init__(self, domain, *args, **kw):
        self.domain = domain
        super().__init__(*args, **kw)


class Padded(sa.TypeDecorator):
    impl = sa.String

    def __init__(self, length, fill="*"):
        self.fill = fill
        super().__init__(length)


class Choice(sa.TypeDecorator):
    impl = sa.String(9)

    def __init__(self, *choices, strict=False):
        self.choices = choices
        self.strict = strict
        super().__init__()


class Of(sa.TypeDecorator):
    impl = sa.Integer

    def __init__(self, kind, through=None):
        self.kind = kind
        self.through = through
        super().__init__()


class Sealed(sa.TypeDecorator):
    impl = sa.LargeBinary

    def __init__(self, key="", _hint=None):
        self.key = key
        super().__init__()


class Told(sa.types.UserDefinedType):
    def __init__(self, a):
        self._inside = a

    def __repr__(self):
        return f"Told({self._inside!r})"

    def get_col_spec(self, **kw):
        return f"TOLD({self._inside})"


class Kept(sa.types.UserDefinedType):
    def __init__(self, size):
        self._its_size = size

    def get_col_spec(self, **kw):
        return f"KEPT({self._its_size})"


class Silent(sa.types.UserDefinedType):
    pass


class Outer:
    class Inner(sa.TypeDecorator):
        impl = sa.Text


def local():
    class Local(sa.TypeDecorator):
        impl = sa.String

    return Local(20)
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """
    The module myapp.types of an app, on sys.path.
    """
    folder = tmp_path_factory.mktemp("app")
    package = folder / "myapp"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "types.py").write_text(APP)
    sys.path.insert(0, str(folder))
    import myapp.types

    yield myapp.types
    sys.path.remove(str(folder))
    for name in ("myapp", "myapp.types"):
        sys.modules.pop(name)


def types_for(dialect=None, **prefixes):
    return Types(dialect or sqlite.dialect(), Prefixes(**prefixes))


class Size(enum.Enum):
    SMALL = "s"
    LARGE = "l"


META = sa.MetaData()
SQLALCHEMYS = [
    (sa.String(64), "sa.String(length=64)"),
    (sa.Numeric(10, 2), "sa.Numeric(precision=10, scale=2)"),
    (sa.Boolean(create_constraint=True), "sa.Boolean()"),
    (
        sa.Enum("a", "it's", name="e", create_constraint=True, metadata=META),
        """sa.Enum('a', "it's", name='e')""",
    ),
    (sa.Enum(Size), "sa.Enum('SMALL', 'LARGE', name='size')"),
    (
        sa.Enum(Size, values_callable=lambda kind: [each.value for each in kind]),
        "sa.Enum('s', 'l', name='size')",
    ),
    (sa.DateTime(timezone=True), "sa.DateTime(timezone=True)"),
    (sa.String(9, collation="NOCASE"), "sa.String(length=9, collation='NOCASE')"),
    (sqlite.JSON(), "sqlite.JSON()"),
    (
        postgresql.ARRAY(sa.String(3), dimensions=2),
        "postgresql.ARRAY(sa.String(length=3), dimensions=2)",
    ),
    (postgresql.JSONB(), "postgresql.JSONB(astext_type=sa.Text())"),
    (mysql.INTEGER(unsigned=True), "mysql.INTEGER(unsigned=True)"),
    (
        sa.String(9)
        .with_variant(sa.Text(), "sqlite")
        .with_variant(mysql.TEXT(), "mysql"),
        "sa.String(length=9).with_variant(mysql.TEXT(), 'mysql')"
        ".with_variant(sa.Text(), 'sqlite')",
    ),
]


@pytest.mark.parametrize(("form", "code"), SQLALCHEMYS, ids=[c for _, c in SQLALCHEMYS])
def test_a_type_of_sqlalchemy_is_written_as_alembic_writes_it(form, code):
    """
    Its arguments stand with their names, its check does not, and a dialect
    is imported by its name.
    """
    source = types_for().source(form)

    assert code == source.code
    assert {
        f"from sqlalchemy.dialects import {name}"
        for name in ("sqlite", "postgresql", "mysql")
        if f"{name}." in code
    } == source.imports


OWN = [
    (lambda app: app.Plain(50), "myapp.types.Plain(length=50)"),
    (lambda app: app.Plain(), "myapp.types.Plain()"),
    (lambda app: app.Domain("y", 30), "myapp.types.Domain('y', length=30)"),
    (lambda app: app.Padded(12, fill="-"), "myapp.types.Padded(12, fill='-')"),
    (lambda app: app.Padded(12), "myapp.types.Padded(12)"),
    (lambda app: app.Choice("a", "b"), "myapp.types.Choice('a', 'b')"),
    (
        lambda app: app.Choice(("a", 1), strict=True),
        "myapp.types.Choice(('a', 1), strict=True)",
    ),
    (lambda app: app.Of(app.Color), "myapp.types.Of(myapp.types.Color)"),
    (
        lambda app: app.Of(app.Color.RED, app.upper),
        "myapp.types.Of(myapp.types.Color.RED, through=myapp.types.upper)",
    ),
    (
        lambda app: app.Of({"a": [1, None], "b": {2, 1}}),
        "myapp.types.Of({'a': [1, None], 'b': set([1, 2])})",
    ),
    (lambda app: app.Of(sa.String(3)), "myapp.types.Of(sa.String(length=3))"),
    (lambda app: app.Told(3), "myapp.types.Told(3)"),
    (lambda app: app.Outer.Inner(), "myapp.types.Outer.Inner()"),
]


@pytest.mark.parametrize(("make", "code"), OWN, ids=[code for _, code in OWN])
def test_an_apps_own_type_keeps_its_arguments(app, make, code):
    """
    It is written by its module, which is imported, and with all that it was
    made with; a Python that knows nothing but the imports makes the same.
    """
    form = make(app)

    source = types_for().source(form, "user.x")

    assert code == source.code
    assert {"import myapp.types"} == source.imports
    assert not source.notes
    program = f"""
    import sqlalchemy as sa
    {import_block(source.imports)}
    from sqlalchemy.dialects import sqlite
    print(({source.code}).compile(dialect=sqlite.dialect()))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(app.__file__).removesuffix("/myapp/types.py")},
    )
    assert form.compile(dialect=sqlite.dialect()) == done.stdout.strip()


REPLACED = [
    (lambda app: app.local(), "sa.String(length=20)", "can be imported"),
    (lambda app: app.Of(lambda: None), "sa.Integer()", "can be imported"),
    (lambda app: app.Kept(7), "Kept_7()", "tells no size"),
]


@pytest.mark.parametrize(
    ("make", "code", "why"), REPLACED, ids=["local", "lambda", "kept"]
)
def test_what_no_script_can_make_becomes_the_databases_type(app, make, code, why):
    """
    The column is the same, and a note says what was done and why.
    """
    source = types_for().source(make(app), "user.x")

    assert code == source.code
    [note] = source.notes
    assert note.startswith("user.x: the type ")
    assert why in note


def test_a_secret_never_reaches_a_script(app):
    """
    The key of an encrypting type is left out.
    """
    source = types_for().source(app.Sealed(key="s3cret"))

    assert "myapp.types.Sealed()" == source.code


def test_a_type_without_sql_is_refused(app):
    """
    The message names the column, and says how to get on.
    """
    with pytest.raises(UnrenderableType) as caught:
        types_for().source(app.Silent(), "user.x")

    assert "Silent of user.x" in str(caught.value)
    assert "render_item" in str(caught.value)


def test_the_prefixes_are_the_projects(app):
    """
    A project that wants other prefixes writes the imports in its template.
    """
    own = types_for(user="t.", sqlalchemy="").source(app.Of(sa.String(3)))
    dialects = types_for(sqlalchemy="sqla.").source(postgresql.ARRAY(sa.Text()))

    assert ("t.Of(String(length=3))", frozenset()) == (own.code, own.imports)
    assert "postgresql.ARRAY(sqla.Text())" == dialects.code


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("VARYING CHARACTER(255)", "VaryingCharacter_255"),
        ("NUMERIC(10, 2)", "Numeric_10_2"),
        ("", "Untyped"),
        ('a "b"', "Type_d1cdc0"),
    ],
)
def test_a_spelling_without_a_type_becomes_a_class_of_the_scripts(spelling, name):
    """
    The class needs nothing but SQLAlchemy, and spells the type.
    """
    source = types_for().source(Spelled(spelling))
    names = {}
    for text in (*source.imports, *source.classes):
        exec(text, names)
    made = eval(source.code, names)

    assert f"{name}()" == source.code
    assert spelling == made.compile(dialect=sqlite.dialect())


def test_imports_are_merged_and_in_order():
    """
    The standard library comes first, and each module is named once.
    """
    lines = [
        "from b import d, c",
        "import z",
        "from b import a",
        "import uuid\nimport A",
    ]

    assert "import uuid\n\nimport A\nimport z\nfrom b import a, c, d" == import_block(
        lines
    )
    assert "import z\n\nimport x  # noqa" == import_block(
        ["import x  # noqa", "import z"]
    )
