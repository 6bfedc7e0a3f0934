"""Targets that are written in Python: atheris on the extension modules, which are built by clang
with coverage for it, and under both sanitizers."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.helpers import ROOT
from tests.reach.commands import UnavailableError

FOLDER = Path(__file__).parent / "of_python"
TARGETS = tuple(sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__"))
LONGEST = {"handshake": 1500, "negotiation": 200, "inflater": 500}
USUALLY_LONGEST = 600
"""Bytes of an input."""
BUILT = ROOT / "build/fuzz/built"


def command(target: str) -> tuple[list[str], dict[str, str], Path]:
    """What runs it, its environment and its folder."""
    folder = built()
    library = Path(importlib.util.find_spec("atheris").origin).parents[1]  # type: ignore[union-attr, arg-type]
    environment = {
        **os.environ,
        "LD_PRELOAD": str(library / "asan_with_fuzzer.so"),
        "ASAN_OPTIONS": "detect_leaks=0",  # an interpreter keeps objects to its end
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
        "PYTHONPATH": str(folder),
    }
    return [sys.executable, "-m", "tests.fuzz.run", target], environment, folder


def built() -> Path:
    """A copy of the tree with its extension modules, made anew if anything has changed."""
    if importlib.util.find_spec("atheris") is None:
        raise UnavailableError("atheris is not installed; it has wheels for CPython 3.11 to 3.13")
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    files = [name for name in names if (ROOT / name).is_file()]
    sources = [name for name in files if name.startswith(("fastframe/", "src_c/", "setup"))]
    folder = BUILT / digest(sources)
    if not (folder / "complete").exists():
        shutil.rmtree(BUILT, ignore_errors=True)
        copy(files, folder)
        subprocess.run(
            [sys.executable, "setup.py", "-q", "build_ext", "--inplace", "-j2"],
            cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={
                **os.environ, "CC": "clang", "LDSHARED": "clang -shared",
                "FASTFRAME_SANITIZE": "address,undefined,fuzzer-no-link",
            },
        )  # fmt: skip
        (folder / "complete").touch()
    copy([name for name in files if name.startswith("tests/")], folder)
    return folder


def copy(files: list[str], folder: Path) -> None:
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)


def digest(files: list[str]) -> str:
    found = hashlib.sha256(sys.version.encode())
    for name in files:
        found.update((ROOT / name).read_bytes())
    return found.hexdigest()[:16]
