"""Plants faults in the C and the Cython, one at a time, and sees whether a test finds each: a score
for the tests.

usage: python -m tests.mutants [--sample N] [--seed N] [--changed] [FILE ...]

Each mutant is a copy of the sources with one small change (operators.py). It is found if one of the
tests for its file fails, crashes or takes much longer than without it (in_c.py, in_cython.py); one
that does not compile is not counted. What is not found is printed: a test is missing, or it is
equivalent, and then goes into equivalent.txt with the reason. With --changed only lines that differ
from HEAD are mutated.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.mutants import in_c, in_cython
from tests.mutants.operators import ROOT, Mutant, mutants_of

GROUPS = (
    ("C", in_c.InC, tuple(in_c.TESTS)),
    ("Cython", in_cython.InCython, tuple(in_cython.TARGETS)),
)
EQUIVALENT = Path(__file__).with_name("equivalent.txt")


def all_mutants(files: list[str], *, changed: bool) -> Iterator[Mutant]:
    for file in files:
        lines = changed_lines(file) if changed else None
        for mutant in mutants_of(Path(file), (ROOT / file).read_text()):
            if lines is None or mutant.line in lines:
                yield mutant


def changed_lines(file: str) -> set[int]:
    diff = subprocess.run(
        ["git", "diff", "-U0", "HEAD", "--", file],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    found: set[int] = set()
    for start, count in re.findall(r"^@@ -\S+ \+(\d+)(?:,(\d+))? @@", diff, re.MULTILINE):
        found.update(range(int(start), int(start) + int(count or 1)))
    return found


def equivalent_changes() -> set[str]:
    """Each line is `file: there -> planted`, two spaces, and a comment that says why."""
    lines = EQUIVALENT.read_text().splitlines()
    return {line.rpartition("  # ")[0] for line in lines if line and not line.startswith("#")}


def score(
    name: str, group: type[in_c.InC | in_cython.InCython], mutants: list[Mutant], workers: int
) -> None:
    """Prints what is not found, and the figures."""
    equivalent = equivalent_changes()
    planted = [mutant for mutant in mutants if mutant.change() not in equivalent]
    found_by: Counter[str | None] = Counter()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        tests = group(Path(folder), workers, {mutant.path.as_posix() for mutant in planted})
        futures = {pool.submit(tests.find, mutant): mutant for mutant in planted}
        for done, future in enumerate(as_completed(futures), 1):
            found = future.result()
            found_by[found and found.split("::")[0]] += 1
            if found is None:
                print(futures[future], flush=True)
            if sys.stderr.isatty():
                print(f"\r{name}: {done} of {len(planted)}", end=" ", file=sys.stderr)
    by_compiler, survivors = found_by.pop("the compiler", 0), found_by.pop(None, 0)
    compiled = len(planted) - by_compiler
    print(
        f"{name}: {compiled - survivors} of {compiled} found; {by_compiler} do not compile, "
        f"{len(mutants) - len(planted)} are equivalent"
    )
    for test, count in found_by.most_common():
        print(f"{count:6} by {test}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", metavar="FILE")
    parser.add_argument("--sample", type=int, help="so many of each kind, at random")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--changed", action="store_true")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    for name, group, files in GROUPS:
        wanted = [file for file in files if not arguments.files or file in arguments.files]
        mutants = list(all_mutants(wanted, changed=arguments.changed))
        if arguments.sample is not None:
            count = min(arguments.sample, len(mutants))
            mutants = random.Random(arguments.seed).sample(mutants, count)
        if mutants:
            score(name, group, mutants, arguments.workers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
