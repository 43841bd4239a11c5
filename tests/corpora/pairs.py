"""Pairs of schemas from the test corpora of other tools, and what became of them.

The pairs are other projects' work and are not kept here.  $WHIMBREL_CORPORA names a
folder; in it, a folder for each kind of database (`mysql`, `postgresql`) holds files
of those projects, from checkouts of their sources, in any of these forms:

- YAML as sqldef has it: a name, and under it `current` and `desired`;
- YAML as Bytebase has it: a list of `oldSchema` and `newSchema`;
- JSON: a list of `name`, `source`, `current` and `desired`.

Where the tests of a project are code (schemalex, mysqldiff, pg-schema-diff), or
files of schemas (skeema, migra, apgdiff), somebody writes JSON of them; a schema
alone is a pair with an empty current.
"""

import importlib.util
import json
import os
import re
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from servers import unreachable, url_of


HOW = (
    "SKIPPED: $WHIMBREL_CORPORA names no folder with pairs of schemas in its folder"
    " {kind}; tests/corpora/pairs.py tells what they are and where they come from."
)


@dataclass(frozen=True)
class Pair:
    """What a schema is, and what it shall be: SQL that none of us wrote."""

    name: str
    source: str
    current: str
    desired: str


@dataclass(frozen=True)
class Result:
    """What became of a pair: one word for it, and what there is to say."""

    pair: Pair
    word: str
    told: str = ""


@dataclass(frozen=True)
class Judge:
    """How the pairs for one kind of database are tried."""

    kind: str
    setting: str
    """The environment variable that names its server."""
    bench: Callable[[str], object]
    """Makes two databases on the server at a URL; its `close` drops them."""
    judged: Callable[[object, Pair, Path], Result]
    order: tuple[str, ...]
    """The words of results, the best first."""
    skipped: tuple[str, ...]
    """The words of pairs that are no pairs for this server."""


def pairs_of(kind):
    """Return the pairs for one kind of database, by the folder that is named."""
    root = os.environ.get("WHIMBREL_CORPORA")
    found = []
    for path in sorted(Path(root, kind).rglob("*")) if root else ():
        if path.suffix == ".json":
            found += [Pair(**each) for each in json.loads(path.read_text("utf-8"))]
        elif path.suffix in (".yml", ".yaml"):
            found += _of_yaml(path, f"{path.parent.name} {path.name}")
    return found


def _of_yaml(path, source):
    import yaml  # of the extra `peers`, and needed for nothing else

    told = yaml.safe_load(path.read_text("utf-8")) or {}
    if isinstance(told, list):
        told = {f"#{number}": each for number, each in enumerate(told, 1)}
    for name, each in told.items():
        current = each.get("current", each.get("oldSchema")) or ""
        yield Pair(
            name, source, current, each.get("desired", each.get("newSchema")) or ""
        )


def loaded(path):
    """Return the script at *path* as a module."""
    spec = importlib.util.spec_from_file_location("script", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def done(bench, way, function):
    """Run a function of a script; return why it failed, if it did."""
    try:
        with bench.engine.connect() as connection, way(connection):
            function()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def tried(judge, words, lacking=""):
    """Try the pairs; return 0 whatever they come to: this is a figure.

    Args:
        judge: how they are tried.
        words: a part of the names of those to try; all, if there is none.
        lacking: why nothing can be tried, if so.
    """
    kind = judge.kind
    pairs = [each for each in pairs_of(kind) if not words or words[0] in each.name]
    if not pairs:
        print(HOW.format(kind=kind))
        return 0
    url = url_of(judge.setting)
    if why := unreachable(url) or lacking:
        print(f"SKIPPED: no server for the pairs of {kind} can be used: {why}")
        return 0
    bench = judge.bench(url)
    try:
        with tempfile.TemporaryDirectory(prefix="whimbrel-corpora-") as folder:
            results = [judge.judged(bench, pair, Path(folder)) for pair in pairs]
    finally:
        bench.close()
    tell(judge, results)
    return 0


def tell(judge, results):
    """Print what the pairs came to, by source, and each that was not reached."""
    kind, order, skipped = judge.kind, judge.order, judge.skipped
    best, *_ = order
    for result in sorted(results, key=lambda each: order.index(each.word)):
        if result.word != best:
            told = re.sub(r"\s+", " ", result.told)[:300]
            print(f"{result.word}: {result.pair.source}: {result.pair.name}: {told}")
    tried = [each for each in results if each.word not in skipped]
    for source in sorted({each.pair.source.split()[0] for each in tried}):
        words = [r.word for r in tried if r.pair.source.split()[0] == source]
        print(f"{source}: {words.count(best)} of {len(words)}")
    words = Counter(each.word for each in results)
    told = ", ".join(f"{words[word]} {word}" for word in order[1:] if words[word])
    print(
        f"{kind}: {words[best]} of {len(tried)} pairs {best} exactly; {told or 'all'}"
    )
