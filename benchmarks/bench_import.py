"""What the import costs an application that has Flask and Flask-SQLAlchemy already.

Each measurement is an interpreter of its own, in alternating runs.
"""

from __future__ import annotations

import statistics
import subprocess
import sys

from measure import Row, table


ROUNDS = 15
PROGRAM = """
import time
import flask, flask_sqlalchemy
start = time.perf_counter()
from {module} import Migrate
print(time.perf_counter() - start)
"""


def cost(module: str) -> float:
    """Return the seconds that the import of Migrate takes in a fresh interpreter."""
    command = [sys.executable, "-c", PROGRAM.format(module=module)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return float(done.stdout)


def main() -> None:
    """Measure and print."""
    times: dict[str, list[float]] = {"flask_migrate": [], "whimbrel": []}
    for module in times:
        cost(module)
    for _ in range(ROUNDS):
        for module, into in times.items():
            into.append(cost(module))
    medians = {module: statistics.median(each) for module, each in times.items()}
    row = Row("from ... import Migrate", medians["flask_migrate"], medians["whimbrel"])
    print(table("Import cost in an application", [row], "flask-migrate"))


if __name__ == "__main__":
    main()
