"""Pairs of schemas from the test corpora of other tools, and what became of them.

The pairs are other projects' work and are not kept here.  $WHIMBREL_CORPORA names a
folder; in it, a folder for each kind of database (`mysql`, `postgresql`) holds files
of those projects, from checkouts of their sources, in any of these forms:

- YAML as sqldef has it: a name, and under it `current` and `desired`;
- YAML as Bytebase has it: a list of `oldSchema` and `newSchema`;
- JSON: a list of `name`, `source`, `current` and `desired`.

Where the tests of a project are code (schemalex, mysqldiff, pg-schema-diff), or
files of schemas (skeema, migra, apgdiff), somebody writes JSON of them; a schema alone is a pair with an empty current.
"""

import json
import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path


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


def tell(kind, results, order, skipped):
    """Print what the pairs came to, by source, and each that was not reached.

    Args:
        kind: the kind of database.
        results: what became of each pair.
        order: the words of results, the best first.
        skipped: the words of pairs that are no pairs for this server.
    """
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
