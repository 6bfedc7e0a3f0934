"""Fuzzing that is guided by coverage, under AddressSanitizer and UndefinedBehaviorSanitizer.

usage: python -m tests.fuzz [--seconds N] [--keep] [TARGET ...]
       python -m tests.fuzz --add FILE TARGET     (what it has found becomes a test)

Each target, in of_c/ or of_python/, compares fastframe with what it must agree with: a model, the
library alone, or itself with another kernel and other reads. It starts from corpus/TARGET.zip; with
--keep the inputs that reached something new are added to it, minimised. A finding is left in
build/fuzz, and tests/fuzz/test_corpora.py runs every input of the corpora in the test suite. clang
is taken from the path, or from Debian.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.fuzz import corpora, in_c, in_python
from tests.fuzz.seeds import seeds
from tests.helpers import ROOT
from tests.reach.commands import UnavailableError, need

TARGETS_IN_C = tuple(sorted(in_c.LONGEST))
TARGETS = (*TARGETS_IN_C, *in_python.TARGETS)
FOUND = ROOT / "build/fuzz/found"
SECONDS_FOR_AN_INPUT = 10


class Fuzzer(NamedTuple):
    """How libFuzzer is started for one target."""

    command: list[str]
    environment: dict[str, str]
    folder: Path
    longest: int

    @classmethod
    def of(cls, target: str, folder: Path) -> Fuzzer:
        if target in TARGETS_IN_C:
            command = in_c.compiled(target, folder)
            return cls(command, dict(os.environ), folder, in_c.LONGEST[target])
        longest = in_python.LONGEST.get(target, in_python.USUALLY_LONGEST)
        return cls(*in_python.command(target), longest)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.command, *arguments], cwd=self.folder, env=self.environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            check=False,
        )  # fmt: skip


def fuzz(target: str, seconds: int, *, keep: bool) -> bool:
    """False if it has found something."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fuzzer = Fuzzer.of(target, folder)
        corpus, new = corpora.write(target, folder / "corpus", seeds(target)), folder / "new"
        new.mkdir()
        FOUND.mkdir(parents=True, exist_ok=True)
        arguments = [
            f"-max_total_time={seconds}", f"-max_len={fuzzer.longest}", "-print_final_stats=1",
            f"-timeout={SECONDS_FOR_AN_INPUT}", f"-artifact_prefix={FOUND}/{target}-",
        ]  # fmt: skip
        if dictionary := words(target, folder):
            arguments.append(f"-dict={dictionary}")
        done = fuzzer.run(*arguments, str(new), str(corpus))
        print(f"{target}: {summary(done.stdout)}", flush=True)
        if done.returncode:
            print(done.stdout[-5000:])
            print(f"what it found is in {FOUND}: python -m tests.fuzz --add FILE {target}")
            return False
        if keep:
            corpora.keep(target, minimised(fuzzer, folder / "merge", [*files(corpus), *files(new)]))
        return True


def minimised(fuzzer: Fuzzer, control: Path, inputs: list[Path]) -> list[bytes]:
    """Without those that reach nothing that a smaller one does not. libFuzzer's own -merge starts
    itself anew, which it cannot do in a Python; its inner half, which tells what each input
    reaches, runs here."""
    inputs = sorted(inputs, key=lambda path: path.stat().st_size)
    control.write_text("\n".join([str(len(inputs)), "0", *map(str, inputs), ""]))
    fuzzer.run("-merge_inner=1", f"-merge_control_file={control}", f"-max_len={fuzzer.longest}")
    reached: set[str] = set()
    found = []
    for number, features in re.findall(r"^FT (\d+) ?(.*)$", control.read_text(), re.MULTILINE):
        if not reached.issuperset(features.split()):
            reached.update(features.split())
            found.append(inputs[int(number)].read_bytes())
    return found


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def words(target: str, folder: Path) -> Path | None:
    """The target's dictionary, as libFuzzer reads it."""
    if target in TARGETS_IN_C:
        return None
    if "DICTIONARY" not in (in_python.FOLDER / f"{target}.py").read_text():
        return None
    script = f"from tests.fuzz.of_python.{target} import *\nprint('\\n'.join(DICTIONARY))"
    command = [sys.executable, "-c", script]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    path = folder / "words"
    path.write_text(
        "\n".join(
            '"' + "".join(f"\\x{byte:02x}" for byte in word) + '"'
            for word in printed.split(b"\n") if word
        )
    )  # fmt: skip
    return path


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
    parser.add_argument("--add", type=Path, metavar="FILE", help="to the target's corpus")
    arguments = parser.parse_args()
    if unknown := set(arguments.targets) - set(TARGETS):
        parser.error(f"no such target: {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    if arguments.add:
        (target,) = arguments.targets
        corpora.keep(target, [*corpora.kept(target), arguments.add.read_bytes()])
        return 0
    clean = True
    for target in arguments.targets or TARGETS:
        try:
            need("clang", package="clang libclang-rt-dev")
            clean &= fuzz(target, arguments.seconds, keep=arguments.keep)
        except UnavailableError as reason:
            print(f"{target}: not fuzzed: {reason}")
    return int(not clean)


if __name__ == "__main__":
    sys.exit(main())
