"""Targets that are written in C: libFuzzer on src_c/, under both sanitizers."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.helpers import ROOT

FOLDER = Path(__file__).parent / "of_c"
LONGEST = {"header": 16, "close": 125, "utf8": 300, "text": 1024}
"""Bytes of an input."""
OPTIONS = ("-g", "-O1", "-std=gnu11", "-fno-sanitize-recover=all", "-I", str(ROOT / "src_c"))


def compiled(target: str, folder: Path) -> list[str]:
    """The command that runs it under libFuzzer."""
    sources = (ROOT / "src_c").glob("*.c")
    return _compiled(["clang", "-fsanitize=fuzzer,address,undefined"], target, folder, sources)


def replayer(target: str, folder: Path, compiler: list[str], objects: Iterable[Path]) -> list[str]:
    """A program that runs each file that it is given once, made by any compiler."""
    sources = [FOLDER / "replay.c", *objects]
    return _compiled([*compiler, "-fsanitize=address,undefined"], target, folder, sources)


def _compiled(compiler: list[str], target: str, folder: Path, sources: Iterable[Path]) -> list[str]:
    program = str(folder / target)
    files = map(str, [FOLDER / f"{target}.c", *sources])
    command = [*compiler, *OPTIONS, *files, "-o", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return [program]
