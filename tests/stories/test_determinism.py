"""The same models and the same database give the same files, byte for byte."""

import os
import re
import subprocess
import sys

import pytest


MODELS = """\
import enum
import sqlalchemy as sa
import kinds

metadata = sa.MetaData()


class Colour(enum.Enum):
    red = 1
    green = 2


for name in ("zebra", "ant", "mole", "bee"):
    sa.Table(
        name,
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("colour", sa.Enum(Colour, create_constraint=True)),
        sa.Column("size", kinds.Size({size}), server_default=sa.text("3")),
        sa.Column("when", sa.DateTime, server_default=sa.func.now()),
        sa.Column("ant_id", sa.ForeignKey("ant.id")),
        sa.Column("mole_id", sa.ForeignKey("mole.id"), index=True),
        sa.Column("a", sa.String({size}), unique=True),
        sa.Column("b", kinds.Other()),
        sa.UniqueConstraint("a", "b"),
        sa.UniqueConstraint("b", "colour"),
        sa.CheckConstraint("size > 0"),
        sa.CheckConstraint("size < 100"),
        sa.Index(f"ix_{name}_many", "a", sa.text("b DESC")),
        *MORE,
    )
"""

KINDS = """\
import sqlalchemy as sa


class Size(sa.types.TypeDecorator):
    impl = sa.Numeric
    cache_ok = True

    def __init__(self, digits):
        self.digits = digits
        super().__init__(digits)


class Other(sa.types.UserDefinedType):
    cache_ok = True

    def get_col_spec(self, **kw):
        return "OTHER"
"""

# two scripts, written one after the other in a process with a hash seed of its own
WRITER = """\
import os, sys
from pathlib import Path
import whimbrel.commands.check, whimbrel.commands.database, whimbrel.env  # for all copies
from whimbrel.cli import whimbrel

MODELS = Path("models.txt").read_text()
SAID = ["--metadata", "models:metadata", "--url", "sqlite:///app.db"]

def write(text, *verbs):
    Path("models.py").write_text(text)
    for verb in verbs:
        child = os.fork()
        if not child:
            whimbrel([*SAID, *verb.split()])
        assert 0 == os.waitpid(child, 0)[1], verb

write(MODELS.replace("{size}", "9").replace("*MORE,", ""), "migrate --init", "upgrade")
more = "sa.Column('c', sa.Text), sa.Column('bee_id', sa.ForeignKey('bee.id')),"
more += "sa.UniqueConstraint('c', 'a'), sa.CheckConstraint('size <> 7'),"
write(MODELS.replace("{size}", "20").replace("*MORE,", more), "migrate", "upgrade", "check")
"""


def written(folder, seed):
    """Return what is written under a hash seed, without dates."""
    folder.mkdir()
    (folder / "models.txt").write_text(MODELS)
    (folder / "kinds.py").write_text(KINDS)
    done = subprocess.run(
        [sys.executable, "-Bc", WRITER], cwd=folder, capture_output=True, text=True,
        check=False, timeout=120, env={**os.environ, "PYTHONHASHSEED": seed},
    )  # fmt: skip
    assert 0 == done.returncode, done.stdout + done.stderr
    files = {
        re.sub(r"\d{4}_\d\d_\d\d_\d{4}-", "", path.relative_to(folder).as_posix()): (
            re.sub(r"(?m)^Create Date:.*$", "", path.read_text())
        )
        for path in folder.glob("migrations/**/*")
        if path.is_file()
    }
    said = re.sub(r"\d{4}_\d\d_\d\d_\d{4}-|\(\d+\.\d+ s\)", "", done.stdout)
    return files, said.replace(str(folder), "")


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """What is written under the hash seed 0."""
    return written(tmp_path_factory.mktemp("seed") / "zero", "0")


@pytest.mark.parametrize("seed", ["0", "1", "31337"])
def test_the_same_files_under_any_seed(tmp_path, first, seed):
    """Names, ids and contents are the same; so is what the screen shows."""
    files, said = written(tmp_path / "again", seed)
    assert 2 == len([name for name in files if "versions/" in name])
    assert first[0] == files
    assert first[1] == said
