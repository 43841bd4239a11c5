"""The sequence of an identity column gets the name that it has in another database."""

import pytest

from commands.test_diff_heirs import asked, compared, fill
from postgresql_pairs import connected, run_plainly


def columns(**names):
    made = (
        f"{column} int GENERATED ALWAYS AS IDENTITY"
        + (f" (SEQUENCE NAME {name})" if name else "")
        for column, name in names.items()
    )
    return f"CREATE TABLE t (a int, {', '.join(made)})"


PAIRS = {
    "a name comes": (columns(i=""), columns(i='"t s%"')),
    "with its column": ("CREATE TABLE t (a int)", columns(i="s")),
    "with the identity": ("CREATE TABLE t (a int, i int NOT NULL)", columns(i="s")),
    "from a serial column": (
        "CREATE TABLE t (a int, i serial); ALTER SEQUENCE t_i_seq RENAME TO s",
        columns(i="s"),
    ),
    "names turn": (columns(i="x", j="y"), columns(i="y", j="x")),
    "a name moves": (columns(i="x", j=""), columns(i="", j="x")),
    "names follow each other": (
        columns(i="x", j="y", k=""),
        columns(i="", j="x", k="y"),
    ),
    "a sequence takes the name": (
        columns(i="x"),
        f"CREATE SEQUENCE x; {columns(i='')}",
    ),
    "a sequence takes the usual name": (
        columns(i=""),
        f"CREATE SEQUENCE t_i_seq; {columns(i='')}",
    ),
    "its column goes": (
        f"{columns(i='x')}; CREATE TABLE y (a int)",
        "CREATE SEQUENCE x; CREATE TABLE t (a int)",
    ),
}
ASKED = (
    "SELECT attrelid::regclass::text, attname, pg_get_serial_sequence("
    "attrelid::regclass::text, attname) FROM pg_attribute WHERE attidentity <> ''"
    " AND NOT attisdropped"
    " ORDER BY 2"
)


@pytest.mark.parametrize("pair", PAIRS)
def test_a_sequence_is_called_as_in_the_other_database(databases, tmp_path, pair):
    """There and back, whatever had the name before, and takes it."""
    for url, sql in zip(databases, PAIRS[pair], strict=True):
        fill(url, sql)
    had, wanted = (asked(each, ASKED) for each in databases)
    _, module = compared(databases, tmp_path / "script.py")
    for verb, names in (("upgrade", wanted), ("downgrade", had), ("upgrade", wanted)):
        with connected(databases[0]) as connection:
            run_plainly(connection, module[verb])
        assert asked(databases[0], ASKED) == names
    assert compared(databases, tmp_path / "again.py")[0].startswith("No differences")
