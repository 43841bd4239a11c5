"""What models say to a database that no reader here knows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Column, MetaData, Table
from sqlalchemy import Sequence as ModelSequence

from whimbrel.catalog.wording import AnyColumn, Thing, Wording
from whimbrel.schema.state import COUNTS_NOT, Option, Options
from whimbrel.schema.state import Sequence as StoredSequence


_COUNTING = ("start", "increment", "minvalue", "maxvalue", "cycle", "cache")


class InspectedWording(Wording):
    """The compiler's word is taken for everything, and sequences are told by name."""

    _sequences: frozenset[StoredSequence] = frozenset()

    def prepare(self, metadatas: Sequence[MetaData], tables: Iterable[Table]) -> None:  # noqa: ARG002 - only the metadata counts
        """Find the sequences that the models name."""
        if not self.connection.dialect.supports_sequences:
            return
        usual = self.connection.dialect.default_schema_name
        self._sequences = frozenset(
            StoredSequence(
                name=str(each.name),
                schema=None if each.schema in (None, usual) else str(each.schema),
                options=_counting(each),
            )
            for metadata in metadatas
            for each in metadata._sequences.values()
        )

    @property
    def sequences(self) -> frozenset[StoredSequence]:
        """The sequences that ``create_all()`` makes."""
        return self._sequences

    def options(self, thing: Thing) -> Options:
        """Return what is said of *thing*: whether a column of a key does not count."""
        found = super().options(thing)
        if isinstance(thing, Column) and thing.primary_key and not _counts(thing):
            return found | {COUNTS_NOT}
        return found


def _counts(column: AnyColumn) -> bool:
    """Whether SQLAlchemy makes *column* one that counts by itself."""
    if column is not column.table._autoincrement_column:
        return False
    default = column.default
    return not isinstance(default, ModelSequence) or bool(default.optional)


def _counting(sequence: ModelSequence) -> Options:
    said = ((name, getattr(sequence, name, None)) for name in _COUNTING)
    return frozenset(
        Option(name, str(value)) for name, value in said if value is not None
    )
