"""The C tests, built by themselves with every warning, under AddressSanitizer and
UndefinedBehaviorSanitizer."""

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
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
COMPILER = os.environ.get("CC", "cc").split()
OPTIONS = {
    "sanitized": ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
    "optimized": ["-O3"],
}
TESTS = sorted(path.stem for path in (ROOT / "tests/c").glob("test_*.c"))

pytestmark = [
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


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_no_warnings(source: Path, tmp_path: Path) -> None:
    compile_object(source, tmp_path, "-std=c11", *WARNINGS)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """The library, compiled once with each set of options."""
    built = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, options in OPTIONS.items():
            folder = tmp_path_factory.mktemp(name)
            built[name] = list(
                pool.map(
                    lambda source, folder=folder, options=options: compile_object(
                        source, folder, "-std=gnu11", *options
                    ),
                    SOURCES,
                )
            )
    return built


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
