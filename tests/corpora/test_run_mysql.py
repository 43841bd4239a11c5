"""The figure of other tools' pairs, on pairs of our own: each kind of end is told."""

import json
import os
import subprocess
import sys
from pathlib import Path


RUN = Path(__file__).with_name("run_mysql.py")
PAIRS = {
    "reached": ("CREATE TABLE a (b INT); CREATE TABLE c (d INT)", "CREATE TABLE a (b BIGINT)"),
    "but for idle words": ("CREATE TABLE a (b INT)", "CREATE TABLE a (b INT, KEY (b) USING BTREE)"),
    "failed": (
        "CREATE TABLE a (b INT)",
        "SET foreign_key_checks = 0; CREATE TABLE a (b INT, FOREIGN KEY (b) REFERENCES z (b))",
    ),
    "not loaded": ("", "CREATE TABLE a (b NOTHING)"),
}  # fmt: skip


def told(folder, mariadb_url=None):
    env = {**os.environ, "WHIMBREL_CORPORA": str(folder)}
    if mariadb_url is not None:
        env["WHIMBREL_MARIADB"] = mariadb_url
    return subprocess.run(
        [sys.executable, RUN], env=env, capture_output=True, text=True, check=True
    ).stdout


def test_each_kind_of_end_is_told(lasting_mariadb_url, tmp_path):
    """What was not reached is named, and does not count as reached."""
    rows = [
        {"name": name, "source": "own x", "current": pair[0], "desired": pair[1]}
        for name, pair in PAIRS.items()
    ]
    (tmp_path / "mysql").mkdir()
    (tmp_path / "mysql/own.json").write_text(json.dumps(rows))

    *lines, source, last = told(tmp_path, lasting_mariadb_url).splitlines()

    assert [line.partition(":")[0] for line in lines] == list(PAIRS)[1:]
    assert all(
        f": own x: {name}: " in line
        for name, line in zip(list(PAIRS)[1:], lines, strict=True)
    )
    assert source == "own: 1 of 3"
    assert last == (
        "mysql: 1 of 3 pairs reached exactly; 1 but for idle words, 1 failed, 1 not loaded"
    )


def test_without_pairs_it_is_said_where_they_come_from(tmp_path):
    """Nobody has the pairs of others by accident."""
    assert told(tmp_path).startswith("SKIPPED: $WHIMBREL_CORPORA names no folder")
