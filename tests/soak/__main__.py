"""A differential as long as it takes to be believed: a thousand million frames through wsproto
alone and through fastframe, or ten million application actions over uvicorn's own class and
fastframe's.

usage: python -m tests.soak frames 1_000_000_000 [--processes N]    (so many more)
       python -m tests.soak actions 10_000_000 [--processes N]
       python -m tests.soak frames --seed N    (one shard once more)
       python -m tests.soak frames --keep

It is made of shards. Each has a seed, which chooses its traffic, and runs on one of the kernels
that this machine has, in turns. What a shard has compared is written down as soon as it is done
(ledger.py), so a run that was broken off goes on where it was, here or on another machine; --keep
puts it into the repository. A difference ends it, and is printed with its seed.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import sys
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from typing import Any

from rich.console import Console

from tests.soak import ledger
from tests.soak.shards import SIZES, shard


def run(what: str, number: int, processes: int, console: Console) -> None:
    done, made = ledger.done(what)
    wanted = made + number
    seeds = (seed for seed in itertools.count() if seed not in done)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, spawn) as pool:
        running: set[Future[dict[str, Any]]] = set()
        while made < wanted or running:
            while made + len(running) * SIZES[what] < wanted and len(running) < processes:
                running.add(pool.submit(shard, what, next(seeds)))
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                record = future.result()
                made += record[what]
                ledger.add(record)
                rate = record[what] / record["seconds"]
                console.print(
                    f"{made:,} of {wanted:,} {what}, seed {record['seed']} on {record['kernel']}: "
                    f"{rate:,.0f} a second"
                )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=SIZES)
    parser.add_argument("number", type=lambda text: int(text.replace("_", "")), nargs="?")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, help="only this shard")
    parser.add_argument("--keep", action="store_true", help="what was done, in ledger.json")
    arguments = parser.parse_args()
    console = Console(highlight=False)
    if arguments.seed is not None:
        console.print(shard(arguments.what, arguments.seed))
    elif arguments.keep:
        ledger.fold()
    else:
        run(arguments.what, arguments.number or SIZES[arguments.what], arguments.processes, console)
    return 0


if __name__ == "__main__":
    sys.exit(main())
