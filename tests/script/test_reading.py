"""What is read from the text of a script is what an import of it would say."""

import pytest
from alembic.script import Script, ScriptDirectory
from alembic.util import load_python_file

from whimbrel.errors import BrokenScript
from whimbrel.script import reading
from whimbrel.script.history import ScriptFile
from whimbrel.script.reading import load_script, read_heading


REST = "\n\ndef upgrade():\n    pass\n\n\ndef downgrade():\n    pass\n"
ORDINARY = "revision = 'abc1'\ndown_revision = None\n"

AT_A_GLANCE = {
    "as Alembic writes it": '"""add x\n\nRevision ID: abc1\nRevises: \n\n"""\n'
    "from typing import Sequence, Union\n\n\n"
    "# revision identifiers, used by Alembic.\n"
    "revision: str = 'abc1'\n"
    "down_revision: Union[str, Sequence[str], None] = 'abc0'\n"
    "branch_labels: Union[str, Sequence[str], None] = None\n"
    "depends_on: Union[str, Sequence[str], None] = None\n",
    "as it was long ago": '"""add x"""\n\n# revision identifiers\n'
    'revision = "abc1"\ndown_revision = "abc0"\n',
    "no docstring": ORDINARY,
    "single quotes around the docstring": f"'''it\nis'''\n{ORDINARY}",
    "comments first": f'#!/usr/bin/env python\n# -*- coding: utf-8 -*-\n\n"""doc"""\n{ORDINARY}',
    "a trailing comment": "revision = 'abc1'  # the id\ndown_revision = None  # first\n",
    "a merge": "revision = 'abc1'\ndown_revision = ('x', 'y')\n",
    "a merge on several lines": "revision = 'abc1'\ndown_revision = (\n    'x',\n    'y',\n)\n",
    "a list of labels": f"{ORDINARY}branch_labels = ['left', \"right\"]\ndepends_on = ('d',)\n",
    "parentheses that make no tuple": "revision = ('abc1')\ndown_revision = ('x')\n",
    "an empty tuple": "revision = 'abc1'\ndown_revision = ()\n",
    "a docstring that speaks of a revision": f'"""doc\n\nrevision = 1\ndepends_on = [2]\n"""\n{ORDINARY}',
    "names that only begin alike": f"{ORDINARY}revision_date = 3\ndepends_on_it = 4\n",
    "letters of all countries": f'"""größer \N{SNOWMAN}"""\n{ORDINARY}',
    "old line ends": '"""doc"""\rrevision = "abc1"\rdown_revision = None\r',
    "windows line ends": '"""doc\r\nmore"""\r\nrevision = "abc1"\r\ndown_revision = None\r\n',
}
BY_PARSING = {
    "a docstring with an escape": f'"""a\\tb \\""" c"""\n{ORDINARY}',
    "a raw docstring": f'r"""a\\tb"""\n{ORDINARY}',
    "a short docstring": f'"doc"\n{ORDINARY}',
    "a docstring in pieces": f'"""a""" "b"\n{ORDINARY}',
    "two on one line": "revision = 'abc1'; down_revision = None\n",
    "assigned together": "revision = x = 'abc1'\ndown_revision = branch_labels = None\n",
    "assigned twice": f"{ORDINARY}revision = 'abc2'\n",
    "only looks like it, in a string": f'{ORDINARY}SQL = """\nbranch_labels = 1\n"""\n',
    "in a string and only there": f'{ORDINARY}SQL = """\nbranch_labels = None\n"""\nx = 1\n',
    "in pieces": "revision = 'ab' 'c1'\ndown_revision = None\n",
    "a byte order mark": f"\ufeff{ORDINARY}",
    "a continued line": "revision = \\\n    'abc1'\ndown_revision = None\n",
}
BY_IMPORTING = {
    "computed": "revision = 'ab' + 'c1'\ndown_revision = None\n",
    "from a constant": "NUMBER = 'abc1'\nrevision = NUMBER\ndown_revision = None\n",
    "formatted": "revision = f'abc{1}'\ndown_revision = None\n",
    "unpacked": "revision, down_revision = 'abc1', None\n",
    "in a branch": f"{ORDINARY}if True:\n    down_revision = 'abc0'\n",
    "imported": f"{ORDINARY}from string import digits as depends_on\n",
    "imported all": f"{ORDINARY}from string import *\n",
    "a loop": f"{ORDINARY}for branch_labels in ('x', 'y'):\n    pass\n",
    "added to": f"{ORDINARY}revision += '2'\n",
    "deleted": f"{ORDINARY}depends_on = 'x'\ndel depends_on\n",
}
AFTER_THE_FUNCTIONS = {
    "assigned below": f"{ORDINARY}{REST}\ndown_revision = 'abc0'\n",
    "assigned below in a branch": f"{ORDINARY}{REST}\nif True:\n    down_revision = 'abc0'\n",
    "imported below": f"{ORDINARY}{REST}\nfrom string import digits as depends_on\n",
}
WAYS = {**AT_A_GLANCE, **BY_PARSING, **BY_IMPORTING}


def _write(folder, source):
    path = folder / "abc1_x.py"
    path.write_bytes(source.encode())
    return path


def _said_by_alembic(path):
    module = load_python_file(path.parent, path.name)
    return _said(Script(module, module.revision, path))


def _said(script):
    return (
        script.revision,
        script.down_revision,
        script.dependencies,
        script.branch_labels,
        script.longdoc,
        script.doc,
    )


@pytest.mark.parametrize("way", [*WAYS, *AFTER_THE_FUNCTIONS])
def test_the_text_says_what_an_import_says(way, tmp_path):
    """
    However a script names its ids, reading it gives what Alembic's import gives.
    """
    source = AFTER_THE_FUNCTIONS.get(way) or WAYS[way] + REST
    path = _write(tmp_path, source)

    script = ScriptFile(read_heading(str(path)), str(path))

    assert _said(script) == _said_by_alembic(path)


@pytest.mark.parametrize("way", AT_A_GLANCE)
def test_what_templates_write_needs_no_parser(way, tmp_path):
    """
    The forms that Alembic's templates write, and their kin, are read at a glance.
    """
    source = AT_A_GLANCE[way] + REST.replace(
        "\n", "\r\n" if "\r" in AT_A_GLANCE[way] else "\n"
    )

    assert reading._at_a_glance(source.encode(), "x.py") is not None


@pytest.mark.parametrize("way", [*BY_PARSING, *BY_IMPORTING, *AFTER_THE_FUNCTIONS])
def test_doubt_is_left_to_the_slower_way(way):
    """
    What the glance is not sure of it does not guess.
    """
    source = AFTER_THE_FUNCTIONS.get(way) or WAYS[way] + REST

    assert reading._at_a_glance(source.encode(), "x.py") is None


@pytest.mark.parametrize("way", [*AT_A_GLANCE, *BY_PARSING])
def test_a_literal_needs_no_import(way, tmp_path):
    """
    A script whose ids are literals is not imported, whatever it would do.
    """
    path = _write(tmp_path, WAYS[way] + "\nraise RuntimeError('imported')\n" + REST)

    assert read_heading(str(path)).module is None


def test_another_encoding_is_read_as_python_reads_it(tmp_path):
    """
    A script may be written in another encoding, if it says so.
    """
    source = f'# -*- coding: latin-1 -*-\n"""größer"""\n{ORDINARY}{REST}'
    path = tmp_path / "abc1_x.py"
    path.write_bytes(source.encode("latin-1"))

    assert read_heading(str(path)).doc == "größer"


@pytest.mark.parametrize(
    ("source", "line", "said"),
    [
        ("revision = 'a'\ndown_revision = (\n", 2, "'(' was never closed"),
        ("x = 'a' +\nrevision = 'a'\ndown_revision = y\n", 1, "invalid syntax"),
        ("revision = 1\ndown_revision = None\n", None, "not a string: 1"),
        ("revision = 'a'\ndown_revision = 5\n", None, "no string: 5"),
        ("revision = 'a'\n", None, "does not say which revision it follows"),
        ("import nothing_of_the_sort\nrevision = x()\n", 1, "nothing_of_the_sort"),
        ("x = 1\n", None, "Could not determine revision id from filename"),
        ("revision = 'a'\0\n", None, "null bytes"),
    ],
)
def test_a_broken_script_is_named(source, line, said, tmp_path):
    """
    A script that cannot be used is refused by its path, its line and the reason.
    """
    path = tmp_path / "x_broken.py"
    path.write_text(source)

    with pytest.raises(BrokenScript) as caught:
        read_heading(str(path))

    assert said in str(caught.value)
    assert str(path) in str(caught.value) or path.name in str(caught.value)
    assert caught.value.facts.get("line") == line
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("body", "line", "said"),
    [
        ("def upgrade()\n    pass\n", 3, "is not valid Python: expected ':'"),
        ("\n\nimport nothing_of_the_sort\n", 5, "ModuleNotFoundError"),
        ("def upgrade():\n    pass\n\n\nx = 1 / 0\n", 7, "ZeroDivisionError"),
    ],
)
def test_a_script_that_cannot_run_is_named_when_it_should(body, line, said, tmp_path):
    """
    What is wrong below the ids is told when the script is loaded, with its line.
    """
    path = _write(tmp_path, ORDINARY + body)
    script = ScriptFile(read_heading(str(path)), str(path))

    with pytest.raises(BrokenScript) as caught:
        script.module.upgrade()

    assert f"{path}, line {line}," in str(caught.value)
    assert said in str(caught.value)


def test_what_a_script_raises_is_kept_as_the_cause(tmp_path):
    """
    Whoever wants to know more finds the script's own error behind ours.
    """
    path = _write(tmp_path, f"{ORDINARY}x = 1 / 0\n")

    with pytest.raises(BrokenScript) as caught:
        load_script(str(path))

    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_an_old_script_has_its_id_in_its_name(tmp_path):
    """
    A script without `revision` is known by a file name that is a hex number.
    """
    (tmp_path / "versions").mkdir()
    (tmp_path / "versions" / "abc123.py").write_text("down_revision = None\n")

    heading = read_heading(str(tmp_path / "versions" / "abc123.py"))

    assert heading.revision == "abc123"
    assert ScriptDirectory(str(tmp_path)).get_heads() == ["abc123"]
