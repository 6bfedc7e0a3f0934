"""Plants faults in the C, one at a time, and sees whether a test finds each: a score for the tests.

usage: python -m tests.mutants [--sample N] [--seed N] [--changed] [FILE ...]

Each mutant is a copy of src_c/ with one small change (operators.py). It is found if it does not
compile, or if one of the C tests fails or takes ten times as long as without it. What is not found
is printed: it is equivalent, or a test is missing. With --changed only lines that differ from HEAD
are mutated.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.progress import track

from tests.helpers import ROOT
from tests.mutants.operators import Mutant, mutants_of

FILES = ("src_c/header.c", "src_c/close.c", "src_c/utf8.c", "src_c/utf8.h",
         "src_c/kernels_portable.c")  # fmt: skip
TESTS = ("test_header", "test_close", "test_kernels", "test_encode")
COMPILER = os.environ.get("CC", "cc").split()
SHORTEST_LIMIT = 10.0
"""Seconds for a test at least, as machines are busy."""


class Tests:
    """The C tests, on a copy of src_c/."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.objects: dict[str, Path] = {}
        self.seconds: dict[str, float] = {}

    def build(self) -> None:
        for source in (ROOT / "src_c").glob("*.c"):
            self.objects[source.name] = compiled(source, ROOT / "src_c", self.folder)
        for name in TESTS:
            started = time.monotonic()
            found = self.run(name, list(self.objects.values()), ROOT / "src_c", self.folder, 600)
            if found is not None:
                raise RuntimeError(f"{name} fails without a mutant: {found}")
            self.seconds[name] = time.monotonic() - started

    def run(
        self, name: str, objects: list[Path], headers: Path, folder: Path, limit: float
    ) -> str | None:
        """What has found the mutant."""
        program = folder / name
        command = [*COMPILER, "-O1", "-std=gnu11", "-I", str(headers)]
        command += [str(ROOT / "tests/c" / f"{name}.c"), *map(str, objects), "-o", str(program)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            return "the compiler"
        try:
            done = subprocess.run([program], capture_output=True, timeout=limit, check=False)
        except subprocess.TimeoutExpired:
            return f"{name}, by its time"
        return name if done.returncode else None

    def find(self, mutant: Mutant) -> str | None:
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            folder = Path(name)
            headers = folder / "src_c"
            shutil.copytree(ROOT / "src_c", headers)
            planted = folder / mutant.path
            lines = planted.read_text().splitlines()
            lines[mutant.line - 1] = mutant.planted
            planted.write_text("\n".join(lines) + "\n")
            objects = dict(self.objects)
            changed = (
                [source.name for source in headers.glob("*.c")]
                if planted.suffix == ".h"
                else [planted.name]
            )
            for source in changed:
                try:
                    objects[source] = compiled(headers / source, headers, folder)
                except subprocess.CalledProcessError:
                    return "the compiler"
            for test in TESTS:
                limit = max(SHORTEST_LIMIT, 10 * self.seconds[test])
                found = self.run(test, list(objects.values()), headers, folder, limit)
                if found is not None:
                    return found
        return None


def compiled(source: Path, headers: Path, folder: Path) -> Path:
    result = folder / f"{source.stem}.o"
    command = [*COMPILER, "-O1", "-std=gnu11", "-Werror=return-type", "-I", str(headers)]
    subprocess.run(
        [*command, "-c", str(source), "-o", str(result)], capture_output=True, check=True
    )
    return result


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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", default=FILES, metavar="FILE")
    parser.add_argument("--sample", type=int, help="so many of them, at random")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--changed", action="store_true")
    arguments = parser.parse_args()
    mutants = list(all_mutants(list(arguments.files), changed=arguments.changed))
    if arguments.sample is not None:
        mutants = random.Random(arguments.seed).sample(mutants, min(arguments.sample, len(mutants)))
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        tests = Tests(Path(folder))
        tests.build()
        found = list(
            track(
                pool.map(tests.find, mutants),
                "mutants",
                len(mutants),
                disable=not sys.stderr.isatty(),
            )
        )
    survivors = [mutant for mutant, by in zip(mutants, found, strict=True) if by is None]
    for mutant in survivors:
        print(mutant)
    by_compiler = found.count("the compiler")
    killed = len(mutants) - len(survivors) - by_compiler
    total = len(mutants) - by_compiler
    if total:
        print(
            f"{killed} of {total} mutants found, {killed / total:.1%}; {by_compiler} do not compile"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
