"""Runs Alembic's own tests with our classes and commands in the place of Alembic's.

The tests come from Alembic's source distribution, into a temporary folder; nothing
of them stays. What they import (operations, contexts, scripts, commands) is swapped
for ours; what must differ stands in DIFFERENCES, each with its reason, and a
difference that is none any more fails the run. Without a network the run is
skipped, and says so.

    python tests/peers/run_alembic.py [arguments for pytest]
"""

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from source import unpacked


RELEASE = "alembic==1.20.1"
HERE = Path(__file__).parent

FILES = (
    "test_batch.py",
    "test_bulk_insert.py",
    "test_command.py",
    "test_config.py",
    "test_environment.py",
    "test_offline_environment.py",
    "test_op.py",
    "test_op_naming_convention.py",
    "test_post_write.py",
    "test_revision.py",
    "test_script_consumption.py",
    "test_script_production.py",
    "test_sqlite.py",
    "test_version_table.py",
    "test_version_traversal.py",
)

CLASSES = (
    "Config|EnvironmentContext|MigrationContext|Operations|RevisionMap|ScriptDirectory"
)
MODULES = "command|config|migration|script"
SWAPS = (
    (rf"(?m)^( *)from (?:alembic|\.\.)[\w.]* import ({CLASSES})$", r"\1from alembic_stand_in import \2"),
    (rf"(?m)^()from (?:alembic|\.\.) import ({MODULES})$", r"\1from alembic_stand_in import \2"),
)  # fmt: skip
"""What is written into the tests, and into the fixtures that they use."""

AS_THEY_ARE = ("test_op.py",)
"""Files that register operations of their own, on Alembic's class as everyone does."""

ARGPARSE = "Alembic's argparse command line; ours has tests/faces"
NOT_OURS = {
    "test_batch.py::BatchApplyTest*": "how Alembic's batch copies a table",
    "test_command.py::CommandLineTest::test_config_file*": ARGPARSE,
    "test_command.py::CommandLineTest::test_help_text": ARGPARSE,
    "test_command.py::CommandLineTest::test_run_cmd_args_missing": ARGPARSE,
    "test_command.py::CommandLineTest::test_version_text": ARGPARSE,
    "test_command.py::UpgradeDowngradeStampTest::test_stamp_argparser*": ARGPARSE,
    "test_config.py::CommandLineTest*": ARGPARSE,
    "test_post_write.py::HookTest*": "Alembic's registry of write hooks",
}
"""Tests of what stays Alembic's own: they would run without touching our code."""

CASCADES = "a rebuild of ours neither cascades nor refuses; Alembic's fails here"
KEPT = "an unnamed check is kept, so there is nothing to warn of"
MOCKED = "asserts the very calls that Alembic's batch makes to a mock"
MOCKED_FOLDERS = "mocks the functions that make folders, and nothing is made to tell of"
REPLAYED = (
    "a database behind the head is no obstacle: the scripts tell the current state"
)
DATED = "our templates name script files by their date"
FAILED = (
    "what fails in a script is told as MigrationFailed, with that error as its cause"
)
DIFFERENCES = {
    "test_batch.py::OfflineTest::test_*_batch_fails_gracefully*": (
        "what --sql cannot write is told as MigrationFailed, in our words"
    ),
    "test_batch.py::BatchAPITest::test_create*": MOCKED,
    "test_batch.py::BatchAPITest::test_drop*": MOCKED,
    "test_batch.py::BatchNamingConventionTest::test_reflected_unnamed_constraint_named": (
        "a convention finds unnamed constraints; it names none that the script does"
        " not speak of"
    ),
    "test_batch.py::BatchNamingConventionTest::test_unnamed_type_bound_constraint_warns": KEPT,
    "test_batch.py::BatchRoundTripTest::test_add_column_insert_before_raise_on_alter": (
        "a column can be placed anywhere without recreate='always'"
    ),
    "test_batch.py::BatchRoundTripTest::test_change_type": (
        "values that do not fit the new type stay as they are; Alembic makes 'd1' a 0"
    ),
    "test_batch.py::BatchRoundTripTest::test_fk_points_to_me_sqlite_refinteg": CASCADES,
    "test_batch.py::BatchRoundTripTest::test_selfref_fk_sqlite_refinteg": CASCADES,
    "test_batch.py::BatchUnnamedCheckConstraintTest::test_unnamed*": KEPT,
    "test_command.py::CheckTest::test_check_changes_detected": (
        "mocks Alembic's comparison, which is not asked"
    ),
    "test_command.py::CheckTestMultiDB::test_check_changes_detected": (
        "mocks Alembic's comparison, which is not asked"
    ),
    "test_command.py::CommandLineTest::test_init_append_pyproject": DATED,
    "test_command.py::CommandLineTest::test_init_file_doesnt_exist": MOCKED_FOLDERS,
    "test_command.py::CommandLineTest::test_init_file_exists_and_is_empty": (
        MOCKED_FOLDERS
    ),
    "test_command.py::RevisionEnvironmentTest::test_merge_cmd_revision_environment[[]False]": (
        "a merge runs env.py, to compare what the two sides do"
    ),
    "test_command.py::EnureVersionTest::test_sql_ensure_version": (
        "DDL stands in transactions on SQLite too: the SQL begins with BEGIN"
    ),
    "test_command.py::RevisionTest::test_create_rev_autogen_db_not_up_to_date*": REPLAYED,
    "test_command.py::RevisionTest::test_create_rev_autogenerate_db_not_up_to_date*": REPLAYED,
    "test_script_consumption.py::OnlineTransactionalDDLTest::test_raise_when*": FAILED,
    "test_script_consumption.py::OnlineTransactionalDDLTest::test_noerr_rev_leaves*": FAILED,
    "test_script_consumption.py::RecursiveScriptDirectoryTest::test_dir_structure_with_missing_file": (
        "a missing script is told in a sentence, not as a KeyError"
    ),
    "test_script_production.py::CustomizeRevisionTest::test_programmatic_command_option": (
        "asserts the layout of a script, which is that of a formatter here"
    ),
    "test_script_production.py::GeneralOrderedTests::test_steps": DATED,
}  # fmt: skip
"""Tests that ours must fail, each with the reason."""


def main():
    """Download, swap, run; return pytest's status."""
    with tempfile.TemporaryDirectory(prefix="alembic-") as name:
        folder = Path(name)
        why = unpacked(RELEASE, folder)
        if why:
            print(f"SKIPPED: Alembic's tests were not run: {why}")
            return 0
        (root,) = folder.glob("alembic-*/")
        swap(root)
        return run(root, sys.argv[1:])


def swap(root):
    """Swap the imports in the tests and in Alembic's fixtures for them."""
    for path in [*root.glob("tests/*.py"), *root.glob("alembic/testing/*.py")]:
        if path.name in AS_THEY_ARE:
            continue
        text = path.read_text(encoding="utf-8")
        for before, after in SWAPS:
            text = re.sub(before, after, text)
        path.write_text(text, encoding="utf-8")


def run(root, words):
    """Run the tests; this file is the plugin that knows the differences."""
    paths = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
    options = ["-q", "-o", "addopts=-p no:warnings -p no:logging --tb=short -rfX"]
    tests = words or [f"tests/{name}" for name in FILES]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "run_alembic",
         *options, *tests],
        cwd=root, env={**os.environ, "PYTHONPATH": paths}, check=False,
    ).returncode  # fmt: skip


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Leave out what is not ours, and expect the differences."""
    left_out = [each for each in items if _reason(NOT_OURS, _name(each.nodeid))]
    items[:] = [each for each in items if each not in left_out]
    config.hook.pytest_deselected(items=left_out)
    for item in items:
        if reason := _reason(DIFFERENCES, _name(item.nodeid)):
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))


def pytest_terminal_summary(terminalreporter):
    """Tell the differences by their reasons."""
    differing = terminalreporter.stats.get("xfailed", ())
    for reason, count in Counter(each.wasxfail for each in differing).most_common():
        terminalreporter.write_line(f"{count:3} differ: {reason}")


def _name(nodeid):
    """Return a test's name without the database that SQLAlchemy writes into it."""
    return re.sub(r"_sqlite\+\w+", "", nodeid).removeprefix("tests/")


def _reason(table, name):
    return next((table[each] for each in table if fnmatchcase(name, each)), None)


if __name__ == "__main__":
    sys.exit(main())
