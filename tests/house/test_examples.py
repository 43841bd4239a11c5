"""What newcomers are shown is what happens."""

import os
import subprocess
import sys
from pathlib import Path


PROJECT = Path(__file__).parents[2]


def test_the_demo_goes_its_whole_way():
    """`make demo` reaches its end; it checks each of its steps itself."""
    done = subprocess.run(
        [sys.executable, PROJECT / "examples" / "demo.py"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        env={k: v for k, v in os.environ.items() if not k.startswith("FLASK_")},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "That is all" in done.stdout
