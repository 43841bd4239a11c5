"""The documents say what is so."""

import re
import subprocess
import sys
from pathlib import Path

import pytest


PROJECT = Path(__file__).parents[2]
PAGES = [
    *sorted(PROJECT.glob("*.md")),
    *sorted((PROJECT / "docs").glob("*.md")),
    *sorted((PROJECT / "examples").rglob("*.md")),
]
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+)$", re.M)


def anchors(page):
    """The anchors that a page has, as GitHub makes them from its headings."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
    made = (re.sub(r"[^\w\- ]", "", each.lower()) for each in HEADING.findall(text))
    return {each.strip().replace(" ", "-") for each in made}


def relative(page):
    return page.relative_to(PROJECT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_link_leads_somewhere(page):
    """A link to a file of ours, or to a heading of it, finds it there."""
    lost = []
    for link in LINK.findall(page.read_text()):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert [] == lost


def test_the_reference_has_every_command_and_option():
    """`make docs` would change nothing: the reference is what the commands say."""
    command = [sys.executable, PROJECT / "docs" / "make_reference.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode == 0, "the docs are behind the code: run make docs"


def test_both_readmes_show_the_same_commands():
    """The translation keeps pace: what can be pasted is the same in both."""
    english, chinese = (
        re.findall(r"^    .+$", (PROJECT / name).read_text(), re.M)
        for name in ("README.md", "README.zh-CN.md")
    )
    commands = [line for line in english if "#" not in line]
    assert commands
    assert commands == [line for line in chinese if "#" not in line]


def test_lines_are_short_enough_to_be_read():
    """What is written by hand has lines of 120 characters; tables and screens may not."""
    long = [
        f"{relative(page)}:{number}"
        for page in PAGES
        if page.name != "reference.md"
        for number, line in enumerate(page.read_text().splitlines(), 1)
        if len(line) > 120 and not line.startswith(("|", "    "))
    ]
    assert [] == long


def test_nothing_outside_the_repository_is_named():
    """No page leads to a folder that only one machine has."""
    places = re.compile(r"(?<![\w.])/(work|home|root|tmp|Users)/\w")
    assert [] == [relative(p) for p in PAGES if places.search(p.read_text())]
