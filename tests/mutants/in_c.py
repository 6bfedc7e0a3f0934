"""Mutants of the C codec, and the C tests that must find them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from tests.mutants.operators import ROOT, Mutant

KERNELS = ("test_encode", "test_kernels")
TESTS = {
    "src_c/header.c": ("test_header",),
    "src_c/close.c": ("test_close",),
    "src_c/utf8.c": KERNELS,
    "src_c/utf8.h": KERNELS,
    "src_c/kernels_portable.c": KERNELS,
}
"""What is mutated, and which tests are about it."""

COMPILER = os.environ.get("CC", "cc").split()
OPTIONS = ("-O1", "-std=gnu11", "-Werror=return-type")
SHORTEST_LIMIT = 10.0
"""Seconds for a test at least, as machines are busy."""


class InC:
    """The C tests, on copies of src_c/."""

    def __init__(self, folder: Path, workers: int, files: set[str]) -> None:
        self.folder = folder
        self.objects = {
            source.name: compiled(source, ROOT / "src_c", folder)
            for source in (ROOT / "src_c").glob("*.c")
        }
        self.tests: dict[str, Path] = {}
        self.seconds: dict[str, float] = {}
        for name in sorted({name for file in files for name in TESTS[file]}):
            self.tests[name] = compiled(ROOT / f"tests/c/{name}.c", ROOT / "src_c", folder)
            started = time.monotonic()
            found = self._run(self.tests[name], self.objects, folder, 600)
            if found is not None:
                raise RuntimeError(f"{name} fails without a mutant: {found}")
            self.seconds[name] = time.monotonic() - started

    def find(self, mutant: Mutant) -> str | None:
        """What finds it: the compiler, a test, or nothing."""
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            folder = Path(name)
            headers = folder / "src_c"
            shutil.copytree(ROOT / "src_c", headers)
            mutant.plant(folder)
            is_header = mutant.path.suffix == ".h"
            changed = headers.glob("*.c") if is_header else [folder / mutant.path]
            try:
                built = {source.name: compiled(source, headers, folder) for source in changed}
                for test in TESTS[mutant.path.as_posix()]:
                    source = ROOT / f"tests/c/{test}.c"
                    program = compiled(source, headers, folder) if is_header else self.tests[test]
                    limit = max(SHORTEST_LIMIT, 10 * self.seconds[test])
                    found = self._run(program, self.objects | built, folder, limit)
                    if found is not None:
                        return found
            except subprocess.CalledProcessError:
                return "the compiler"
        return None

    def _run(self, test: Path, objects: dict[str, Path], folder: Path, limit: float) -> str | None:
        program = folder / test.stem
        subprocess.run(
            [*COMPILER, str(test), *map(str, objects.values()), "-o", str(program)],
            capture_output=True, check=True,
        )  # fmt: skip
        try:
            done = subprocess.run([program], capture_output=True, timeout=limit, check=False)
        except subprocess.TimeoutExpired:
            return f"{test.stem}, by its time"
        return test.stem if done.returncode else None


def compiled(source: Path, headers: Path, folder: Path) -> Path:
    result = folder / f"{source.stem}.o"
    command = [*COMPILER, *OPTIONS, "-I", str(headers), "-c", str(source), "-o", str(result)]
    subprocess.run(command, capture_output=True, check=True)
    return result
