"""Whether the disk has room for rows that are to be written anew.

Beside the file itself a transaction needs its journal, and the sorting of an index
files of its own, often in another folder.
https://www.sqlite.org/tempfiles.html
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from whimbrel.catalog.sqlite_ddl import quote
from whimbrel.errors import MigrationFailed
from whimbrel.run.stored_table import StoredTable
from whimbrel.run.transaction import query


COPIES = 2
"""How often the table is written: once as it is to be, once into the journal."""

_IN_MEMORY = 2
_TEMPORARY = ("SQLITE_TMPDIR", "TMPDIR")
_TEMPORARY_FOLDERS = ("/var/tmp", "/usr/tmp", "/tmp")
_MEGABYTE = 1_000_000


def refuse_small_disk(table: StoredTable) -> None:
    """Raise if the disk has no room for the table to be written anew.

    Raises:
        MigrationFailed: with the folder, what is needed there, and what is free.
    """
    path = _path(table)
    if path is None:
        return
    most = _size_of_file(table)
    if _missing(table, path, most, most) is None:
        return
    size, index = _sizes(table, most)
    missing = _missing(table, path, size, index)
    if missing is not None:
        folder, needed, free = missing
        raise MigrationFailed(
            f"The rows of {table.name} must be written anew, which takes about"
            f" {_told(needed)} of disk space in {folder}; {_told(free)} are free.",
            "Nothing was changed. Make room there, then run it again; SQLite's"
            " temporary files go where the variable SQLITE_TMPDIR says.",
            table=table.name,
            folder=str(folder),
            needed=needed,
            free=free,
        )


def is_full(error: DBAPIError) -> bool:
    """Whether *error* says that there was no room on the disk."""
    return "disk is full" in str(error.orig)


def _path(table: StoredTable) -> Path | None:
    """Return the file that the table is in; None if it is in memory."""
    for _, name, path in query(table.connection, "PRAGMA database_list"):
        if name == table.schema and path:
            return Path(path)
    return None


def _missing(
    table: StoredTable, path: Path, size: int, index: int
) -> tuple[Path, int, int] | None:
    """Return the folder that has too little room, what it needs and what it has."""
    needed = {path.parent: size * COPIES}
    ((store,),) = query(table.connection, "PRAGMA temp_store")
    if store != _IN_MEMORY and index:
        beside = _temporary_folder()
        shared = path.parent if _is_one_disk(path.parent, beside) else beside
        needed[shared] = needed.get(shared, 0) + index
    for folder, bytes_needed in needed.items():
        with suppress(OSError):  # a disk that does not tell is not refused
            free = shutil.disk_usage(folder).free
            if free < bytes_needed:
                return folder, bytes_needed, free
    return None


def _is_one_disk(folder: Path, other: Path) -> bool:
    with suppress(OSError):
        return folder.stat().st_dev == other.stat().st_dev
    return False


def _temporary_folder() -> Path:
    """Return the folder of SQLite's temporary files, found as SQLite finds it."""
    named = [os.environ[name] for name in _TEMPORARY if os.environ.get(name)]
    for folder in (*named, *_TEMPORARY_FOLDERS):
        if Path(folder).is_dir() and os.access(folder, os.W_OK | os.X_OK):
            return Path(folder)
    return Path(tempfile.gettempdir())


def _size_of_file(table: StoredTable) -> int:
    space = quote(table.schema)
    sizes = (
        query(table.connection, f"PRAGMA {space}.{name}")[0][0]
        for name in ("page_count", "page_size")
    )
    count, size = sizes
    return int(count) * int(size)


def _sizes(table: StoredTable, most: int) -> tuple[int, int]:
    """Return how large the table is with its indexes, and its largest index.

    Not every SQLite can tell; then both are as large as the file at *most*.
    """
    try:
        rows = query(
            table.connection,
            "SELECT m.type, sum(s.pgsize)"
            f" FROM {quote(table.schema)}.sqlite_master AS m"
            " JOIN dbstat(?, 1) AS s ON s.name = m.name"
            " WHERE m.tbl_name = ? COLLATE NOCASE GROUP BY m.name",
            table.schema,
            table.name,
        )
    except DBAPIError:
        return most, most
    sizes = [int(size) for _, size in rows]
    return sum(sizes), max(
        (int(size) for kind, size in rows if kind == "index"), default=0
    )


def _told(size: int) -> str:
    if size < _MEGABYTE:
        return f"{size / 1000:,.0f} kB"
    return f"{size / _MEGABYTE:,.0f} MB"
