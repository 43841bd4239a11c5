"""What the stories share: a terminal in an empty folder."""

import sys

import pytest

from stories.terminal import Terminal


@pytest.fixture
def terminal(tmp_path, monkeypatch):
    """A terminal in an empty folder; no bytecode, for files change within a second."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return Terminal(tmp_path)
