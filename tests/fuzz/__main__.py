"""Fuzzing of src_c/ that is guided by coverage, with libFuzzer under AddressSanitizer and
UndefinedBehaviorSanitizer.

usage: python -m tests.fuzz [--seconds N] [--keep] [TARGET ...]

Each target in this folder compares the tables of kernels, or an answer with what must follow from
it. It starts from corpus/TARGET, which is in the repository; with --keep the inputs that reached
something new are added to it, minimised. A crash is left in build/fuzz as a file, and the command
that repeats it is printed. clang is taken from the path, or from a Debian sid in a folder, which is
made once and needs root.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.helpers import ROOT
from tests.reach.commands import UnavailableError
from tests.reach.tool import Tool, get_tool

FOLDER = Path(__file__).parent
TARGETS = tuple(sorted(path.stem for path in FOLDER.glob("*.c")))
CRASHES = ROOT / "build/fuzz"
LONGEST = {"header": 16, "close": 125, "utf8": 300, "text": 1024}
"""Bytes of an input."""

OPTIONS = (
    "-g",
    "-O1",
    "-std=gnu11",
    "-fsanitize=fuzzer,address,undefined",
    "-fno-sanitize-recover=all",
)


def run(clang: Tool, folder: Path, *command: str, check: bool = True) -> str:
    """In the folder; what it prints."""
    script = f'cd {clang.inside(folder)} && exec "$@"'
    result = subprocess.run(
        clang.command("sh", "-c", script, "sh", *command),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        check=False,
    )  # fmt: skip
    if check and result.returncode:
        raise RuntimeError(result.stdout)
    return result.stdout


def fuzz(clang: Tool, target: str, seconds: int, *, keep: bool) -> bool:
    """False if it has found something."""
    folder = clang.new_folder()
    try:
        for source in (*(ROOT / "src_c").glob("*.[ch]"), FOLDER / "fuzz.h"):
            shutil.copy(source, folder)
        shutil.copy(FOLDER / f"{target}.c", folder / f"fuzz_{target}.c")
        sources = [path.name for path in (ROOT / "src_c").glob("*.c")]
        run(clang, folder, "clang", *OPTIONS, f"fuzz_{target}.c", *sources, "-o", "target")
        kept = FOLDER / "corpus" / target
        shutil.copytree(kept, folder / "corpus") if kept.exists() else (folder / "corpus").mkdir()
        (folder / "new").mkdir()
        output = run(
            clang, folder, "./target", f"-max_total_time={seconds}", f"-max_len={LONGEST[target]}",
            "-timeout=10", "-print_final_stats=1", "new", "corpus", check=False,
        )  # fmt: skip
        print(f"{target}: {summary(output)}", flush=True)
        crashes = [*folder.glob("crash-*"), *folder.glob("timeout-*"), *folder.glob("leak-*")]
        for crash in crashes:
            CRASHES.mkdir(parents=True, exist_ok=True)
            shutil.copy(crash, CRASHES / f"{target}-{crash.name}")
            print(output[-3000:], f"\nkept as {CRASHES / f'{target}-{crash.name}'}")
        if keep and not crashes:
            (folder / "merged").mkdir()
            run(clang, folder, "./target", "-merge=1", "merged", "corpus", "new")
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(folder / "merged", kept)
        return not crashes
    finally:
        shutil.rmtree(folder)


def summary(output: str) -> str:
    coverage = re.findall(r"cov: (\d+) ft: (\d+)", output)
    runs = re.findall(r"number_of_executed_units: (\d+)", output)
    rate = re.findall(r"average_exec_per_sec: +(\d+)", output)
    edges, features = coverage[-1] if coverage else ("?", "?")
    return (
        f"{int(runs[-1]) if runs else 0:,} inputs, {int(rate[-1]) if rate else 0:,} a second, "
        f"{edges} edges, {features} features"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--keep", action="store_true", help="add what is new to the corpus")
    arguments = parser.parse_args()
    try:
        clang = get_tool("clang", "clang libclang-rt-dev")
    except UnavailableError as reason:
        print(f"not fuzzed: clang is not to be had here: {reason}")
        return 0
    found = [
        fuzz(clang, target, arguments.seconds, keep=arguments.keep)
        for target in arguments.targets or TARGETS
    ]
    return int(not all(found))


if __name__ == "__main__":
    sys.exit(main())
