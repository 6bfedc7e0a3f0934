"""The C tests, built by themselves with every warning, under AddressSanitizer and
UndefinedBehaviorSanitizer."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.compiled_c import COMPILER, OPTIONS, SOURCES, compile_object, needs_a_compiler
from tests.helpers import ROOT

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
TESTS = sorted(path.stem for path in (ROOT / "tests/c").glob("test_*.c"))

pytestmark = needs_a_compiler


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_no_warnings(source: Path, tmp_path: Path) -> None:
    compile_object(source, tmp_path, "-std=c11", *WARNINGS)


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("options", OPTIONS)
def test_c(test: str, options: str, library: dict[str, list[Path]], tmp_path: Path) -> None:
    program = tmp_path / test
    source = compile_object(
        ROOT / f"tests/c/{test}.c", tmp_path, "-std=gnu11", *OPTIONS[options]
    )  # warnings: looser
    objects = [source, *library[options]]
    subprocess.run(
        [*COMPILER, *OPTIONS[options], "-o", str(program), *map(str, objects)], check=True
    )
    result = subprocess.run([program], capture_output=True, text=True, check=False, timeout=600)
    assert result.returncode == 0, result.stderr[-3000:]
    assert "checks passed" in result.stdout
