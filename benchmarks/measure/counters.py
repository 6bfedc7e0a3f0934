"""What counting costs: messages of 20 bytes on this build, and on one whose counters stand still.

usage: python -m benchmarks.measure.counters [--rounds 15]

The other build is made in a temporary folder from the files that git knows, with
FASTFRAME_UNCOUNTED defined. Both take turns, each in processes of its own; the result of a round is
checked before it is timed. Printed: for each message the median of what the processes have found,
of which each reports the smallest of five.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measure.counters_paths import PATHS

ROOT = Path(__file__).parents[2]


def build(folder: Path, flags: str) -> None:
    names = subprocess.run(
        ["git", "ls-files", "-z", "fastframe", "src_c", "setup.py", "mend_cython.py",
         "repository.py", "pyproject.toml", "README.md", "benchmarks"],
        cwd=ROOT, capture_output=True, check=True,
    ).stdout.decode().split("\0")  # fmt: skip
    for name in filter(None, names):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
    subprocess.run(
        command, cwd=folder, check=True, capture_output=True,
        env={**os.environ, "CFLAGS": f"{os.environ.get('CFLAGS', '')} {flags}"},
    )  # fmt: skip


def times(folder: Path, *, counts: bool) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.measure.counters_paths", str(int(counts))],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(folder)}, capture_output=True, check=True,
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folders = {"counted": Path(name, "counted"), "not": Path(name, "not")}
        for which, flags in (("counted", ""), ("not", "-DFASTFRAME_UNCOUNTED")):
            print(f"building: {which}", file=sys.stderr)
            build(folders[which], flags)
        found: dict[str, list[dict[str, float]]] = {which: [] for which in folders}
        for number in range(rounds):
            print(f"round {number + 1} of {rounds}", file=sys.stderr)
            for which, folder in folders.items():
                found[which].append(times(folder, counts=which == "counted"))
    print(f"{'20 bytes':<40} {'counted':>9} {'not':>9}")
    for path in PATHS:
        counted, uncounted = (
            statistics.median(times[path] for times in found[which]) for which in folders
        )
        print(
            f"{path:<40} {counted * 1e9:6.1f} ns {uncounted * 1e9:6.1f} ns "
            f"{counted / uncounted * 100 - 100:+.1f} %"
        )


if __name__ == "__main__":
    main()
