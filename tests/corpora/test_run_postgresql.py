"""The figure of other tools' pairs, on pairs of our own: each kind of end is told."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


RUN = Path(__file__).with_name("run_postgresql.py")
PAIRS = {
    "reached": (
        "CREATE TABLE a (b int, c text DEFAULT NULL); CREATE INDEX i ON a (b)",
        "CREATE SCHEMA s; CREATE TABLE s.t (a int); CREATE TABLE a (c text, b bigint);"
        " CREATE INDEX i ON a (b) WITH (fillfactor = 70, deduplicate_items = on)",
    ),
    "refused": (
        "CREATE TABLE a (b int) PARTITION BY LIST (b)",
        "CREATE TABLE a (b int) PARTITION BY HASH (b)",
    ),
    "wrong": (
        "CREATE TABLE a (b int, c int)",
        "CREATE TABLE a (b int, c int); CREATE STATISTICS s ON b, c FROM a",
    ),
    "not loaded": ("", "CREATE TABLE a (b nothing)"),
    "not managed": ("CREATE TABLE a (b int)", "CREATE VIEW v AS SELECT 1"),
}


def told(folder, postgresql_url=None):
    env = {**os.environ, "WHIMBREL_CORPORA": str(folder)}
    if postgresql_url is not None:
        env["WHIMBREL_POSTGRESQL"] = postgresql_url
    return subprocess.run(
        [sys.executable, RUN], env=env, capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.skipif(shutil.which("pg_dump") is None, reason="pg_dump is the judge")
def test_each_kind_of_end_is_told(lasting_postgresql_url, tmp_path):
    """What was not reached is named, and does not count as reached."""
    rows = [
        {"name": name, "source": "own x", "current": pair[0], "desired": pair[1]}
        for name, pair in PAIRS.items()
    ]
    (tmp_path / "postgresql").mkdir()
    (tmp_path / "postgresql/own.json").write_text(json.dumps(rows))

    *lines, source, last = told(tmp_path, lasting_postgresql_url).splitlines()

    others = list(PAIRS)[1:]
    assert [line.partition(":")[0] for line in lines] == others
    for name, line in zip(others, lines, strict=True):
        assert f": own x: {name}: " in line
    assert source == "own: 1 of 3"
    assert last == (
        "postgresql: 1 of 3 pairs reached exactly;"
        " 1 refused, 1 wrong, 1 not loaded, 1 not managed"
    )


def test_without_pairs_it_is_said_where_they_come_from(tmp_path):
    """Nobody has the pairs of others by accident."""
    assert told(tmp_path).startswith("SKIPPED: $WHIMBREL_CORPORA names no folder")
