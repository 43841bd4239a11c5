"""Which database and which version of it, and what it can do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.engine import Connection
from sqlalchemy.engine import Dialect as SQLAlchemyDialect


@dataclass(frozen=True, slots=True)
class Dialect:
    """A database's kind and version, asked for what it can do.

    Args:
        name: SQLAlchemy's name of the dialect.
        version: the server's version; empty when it is not known.
        is_mariadb: MariaDB, which SQLAlchemy may call mysql.
        has_escapes: a backslash escapes in strings, if it ever does there.
    """

    name: str
    version: tuple[int, ...] = ()
    is_mariadb: bool = False
    has_escapes: bool = True

    @property
    def ddl_is_transactional(self) -> bool:
        """Whether a failed script leaves nothing behind."""
        return self.name in ("sqlite", "postgresql", "mssql")

    @property
    def ddl_commits(self) -> bool:
        """Whether what changes a schema commits all before it, and itself."""
        return self.name in ("mysql", "mariadb")

    @property
    def lets_onlookers_break(self) -> bool:
        """Whether what a view speaks of may go, and nobody says so."""
        return self.name in ("mysql", "mariadb")

    @property
    def has_alter(self) -> bool:
        """Whether constraints and types can be altered by a statement."""
        return self.name != "sqlite"

    @property
    def has_comments(self) -> bool:
        """Whether tables and columns can carry comments."""
        return self.name != "sqlite"

    @property
    def enforces_types(self) -> bool:
        """Whether a value that does not fit its column's type is refused."""
        return self.name != "sqlite"

    @property
    def counts_spaces(self) -> bool:
        """Whether VARCHAR does not get shorter by spaces at the end of a text."""
        return self.name in ("mysql", "mariadb")

    @property
    def rounds_texts(self) -> bool:
        """Whether a text such as 1.5 becomes a whole number where no cast is said."""
        return self.name == "mysql" and not self.is_mariadb

    def key_refuses_null(self, types: Sequence[str]) -> bool:
        """Whether a primary key of columns of these types cannot have NULL.

        In SQLite it can, unless it numbers the rows.
        """
        is_number = [each.upper() for each in types] == ["INTEGER"]
        return self.name != "sqlite" or is_number

    @property
    def has_full_match(self) -> bool:
        """Whether MATCH FULL forbids foreign keys of which only a part is NULL."""
        return self.name == "postgresql"

    @property
    def casts_in_queries(self) -> bool:
        """Whether a cast in a query refuses what an alteration would refuse."""
        return self.name == "postgresql"

    @property
    def keeps_any_scale(self) -> bool:
        """Whether a decimal number of which nothing else is said keeps all digits."""
        return self.name == "postgresql"

    @property
    def single_float(self) -> str:
        """What a floating-point number of single precision is called."""
        return "real" if self.name == "postgresql" else "float"

    @property
    def has_charsets(self) -> bool:
        """Whether each column may have a character set of its own."""
        return self.name in ("mysql", "mariadb")

    @property
    def numbers_enum_values(self) -> bool:
        """Whether a number, also in a text, stands for the value of an enum."""
        return self.name in ("mysql", "mariadb")

    @property
    def keeps_no_value(self) -> bool:
        """Whether 0, also in a text, becomes the empty value that no enum names."""
        return self.name == "mysql" and not self.is_mariadb

    @property
    def invents_values(self) -> bool:
        """Whether rows get an invented value in a new column that must not be NULL.

        MySQL and MariaDB put 0 or an empty text there, in their strict mode too.
        """
        return self.name in ("mysql", "mariadb")

    @property
    def numbers_new_keys(self) -> bool:
        """Whether rows get numbers in a new column that SQLAlchemy takes for a key."""
        return self.name == "postgresql"

    @property
    def folds_columns(self) -> bool:
        """Whether a table cannot have two columns whose names differ but for case."""
        return self.name in ("mysql", "mariadb", "sqlite")

    @property
    def is_one_file(self) -> bool:
        """Whether a database is a file that SQLite's library opens."""
        return self.name == "sqlite"


_FAMILY = {"mariadb": "mysql"}


def dialect_of(connection: Connection) -> Dialect:
    """Return the dialect at the other end of *connection*."""
    return described(connection.dialect)


def described(dialect: SQLAlchemyDialect) -> Dialect:
    """Return our description of SQLAlchemy's *dialect*."""
    version = getattr(dialect, "server_version_info", None) or ()
    numbers = tuple(part for part in version if isinstance(part, int))
    return Dialect(
        name=dialect.name,
        version=numbers,
        is_mariadb=bool(getattr(dialect, "is_mariadb", False)),
        has_escapes=bool(getattr(dialect, "_backslash_escapes", True)),
    )


def is_one_kind(name: str, other: str) -> bool:
    """Whether two names of SQLAlchemy's stand for one kind of database."""
    return _FAMILY.get(name, name) == _FAMILY.get(other, other)
