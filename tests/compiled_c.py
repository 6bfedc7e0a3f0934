"""src_c/ by itself, compiled for tests: the fixture `library` is in conftest.py."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.helpers import ROOT

SOURCES = sorted((ROOT / "src_c").glob("*.c"))
COMPILER = os.environ.get("CC", "cc").split()
OPTIONS = {
    "sanitized": ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
    "optimized": ["-O3"],
}

needs_a_compiler = [
    pytest.mark.compiles,
    pytest.mark.skipif(
        sys.platform == "win32" or shutil.which(COMPILER[0]) is None,
        reason="the C tests need a C compiler and mmap",
    ),
]


def compile_object(source: Path, folder: Path, *options: str) -> Path:
    result = folder / f"{source.stem}.o"
    command = [*COMPILER, *options, "-I", str(ROOT / "src_c"), "-c", str(source), "-o", str(result)]
    compiled = subprocess.run(command, capture_output=True, text=True, check=False)
    assert compiled.returncode == 0, compiled.stderr
    return result


def compile_library(options: list[str], folder: Path) -> list[Path]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(
            pool.map(lambda source: compile_object(source, folder, "-std=gnu11", *options), SOURCES)
        )
