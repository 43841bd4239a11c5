"""What the stories share: a terminal in an empty folder."""

import pytest

from stories.terminal import Terminal


@pytest.fixture
def terminal(tmp_path, monkeypatch):
    """A terminal in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return Terminal(tmp_path)
