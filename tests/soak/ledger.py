"""What has been compared so far: shard by shard as they are done, in build/, and folded to a line
for each run of seeds in ledger.json, which is in the repository."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from tests.helpers import ROOT

LEDGER = Path(__file__).with_name("ledger.json")
SHARDS = ROOT / "build/soak.jsonl"

Record = dict[str, Any]
ALIKE = itemgetter("what", "commit", "wsproto", "python")
COUNTS = ("sessions", "frames", "bytes", "actions", "in a way of their own", "seconds")


def kept() -> list[Record]:
    return json.loads(LEDGER.read_text()) if LEDGER.exists() else []  # type: ignore[no-any-return]


def shards() -> list[Record]:
    lines = SHARDS.read_text().splitlines() if SHARDS.exists() else []
    return [json.loads(line) for line in lines]


def add(shard: Record) -> None:
    SHARDS.parent.mkdir(exist_ok=True)
    with SHARDS.open("a") as file:
        print(json.dumps(shard), file=file)


def done(what: str) -> tuple[set[int], int]:
    """The seeds, and how many frames or actions they were."""
    seeds: set[int] = set()
    number = 0
    for record in [*kept(), *folded(shards())]:
        if record["what"] == what:
            first, last = record["seeds"]
            seeds.update(range(first, last + 1))
            number += record[what]
    return seeds, number


def fold() -> None:
    """Into the ledger, and out of build/."""
    runs = [*kept(), *folded(shards())]
    LEDGER.write_text("[\n" + ",\n".join(" " + json.dumps(run) for run in runs) + "\n]\n")
    SHARDS.unlink(missing_ok=True)


def folded(records: list[Record]) -> Iterator[Record]:
    """Shards of one commit and of seeds that follow each other, as one."""
    ordered = sorted(records, key=lambda record: (*ALIKE(record), record["seed"]))
    runs = groupby(enumerate(ordered), lambda pair: (*ALIKE(pair[1]), pair[1]["seed"] - pair[0]))
    for _, pairs in runs:
        run = [record for _, record in pairs]
        what, commit, wsproto, python = ALIKE(run[0])
        yield {
            "what": what, "seeds": [run[0]["seed"], run[-1]["seed"]],
            "kernels": sorted({record["kernel"] for record in run}),
            **{name: round(sum(record[name] for record in run)) for name in COUNTS
               if name in run[0]},
            "commit": commit, "wsproto": wsproto, "python": python,
        }  # fmt: skip
