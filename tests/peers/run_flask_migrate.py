"""Runs Flask-Migrate's own test-suite with the import swapped for ours.

The suite comes from Flask-Migrate's source distribution, into a temporary folder;
nothing of it stays. Without a network the run is skipped, and says so.

    python tests/peers/run_flask_migrate.py [arguments for pytest]
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from source import unpacked


RELEASE = "flask-migrate==4.1.0"


def main():
    """Download, swap, run; return pytest's status."""
    with tempfile.TemporaryDirectory(prefix="flask-migrate-") as name:
        folder = Path(name)
        why = unpacked(RELEASE, folder)
        if why:
            print(f"SKIPPED: Flask-Migrate's test-suite was not run: {why}")
            return 0
        tests = swapped(folder)
        return run(tests, sys.argv[1:])


def swapped(folder):
    """Swap the import in the tests and return their folder."""
    (tests,) = folder.glob("*/tests")
    for path in tests.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        path.write_text(
            re.sub(r"\bflask_migrate\b", "whimbrel", text), encoding="utf-8"
        )
    return tests


def run(tests, words):
    """Run the tests with the commands of this interpreter's environment first."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", *words],
        cwd=tests.parent, env={**os.environ, "PATH": path}, check=False,
    ).returncode  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
