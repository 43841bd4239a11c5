"""Storage parameters of a PostgreSQL catalog, as the options of a state."""

from __future__ import annotations

import json
from collections.abc import Sequence


def parameters_text(parameters: Sequence[str]) -> str:
    """Return storage parameters, each ``name=value``, as one text."""
    pairs = (each.partition("=") for each in parameters)
    said = {name: value for name, _, value in pairs}
    return json.dumps(said, sort_keys=True, ensure_ascii=False)
