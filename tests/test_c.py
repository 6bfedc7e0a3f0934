"""The C tests, built by themselves with every warning, under AddressSanitizer and UndefinedBehaviorSanitizer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src_c").glob("*.c"))
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
COMPILER = os.environ.get("CC", "cc").split()

pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or shutil.which(COMPILER[0]) is None, reason="the C tests need a C compiler and mmap"
)


def build(test: str, folder: Path, *options: str) -> Path:
    program = folder / test
    command = [*COMPILER, "-std=gnu11", "-g", *options, "-I", str(ROOT / "src_c"), "-o", str(program)]
    # -Wconversion is for the library; a test may be looser.
    subprocess.run([*command, str(ROOT / f"tests/c/{test}.c"), *map(str, SOURCES)], check=True)
    return program


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_no_warnings(source: Path, tmp_path: Path) -> None:
    command = [*COMPILER, "-std=c11", *WARNINGS, "-c", str(source), "-o", str(tmp_path / "out.o")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("test", sorted(path.stem for path in (ROOT / "tests/c").glob("test_*.c")))
@pytest.mark.parametrize(
    "options", [["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"], ["-O3"]], ids=" ".join
)
def test_c(test: str, options: list[str], tmp_path: Path) -> None:
    program = build(test, tmp_path, *options)
    result = subprocess.run([program], capture_output=True, text=True, check=False, timeout=600)
    assert result.returncode == 0, result.stderr[-3000:]
    assert "checks passed" in result.stdout
