"""The program ``whimbrel``, also started by ``python -m whimbrel``."""

from __future__ import annotations

from whimbrel.cli import main


if __name__ == "__main__":
    main()
