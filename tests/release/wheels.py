"""The wheels of a release: python -m tests.release.wheels [FOLDER]

Without a folder, asks cibuildwheel what it would build with what pyproject.toml says; with one,
looks at the names of the wheels that were built. Exit code 0: exactly those of `EXPECTED`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
INTERPRETERS = ("cp310", "cp311", "cp312", "cp313", "cp314", "cp315", "cp314t", "cp315t")
MACHINES = {
    "linux": ("x86_64", "i686", "aarch64", "s390x"),
    "macos": ("x86_64", "arm64"),
    "windows": ("AMD64", "ARM64"),
}
LIBRARIES = {"linux": ("manylinux", "musllinux"), "macos": ("macosx",), "windows": ("win",)}

EXPECTED = {
    f"{python}-{library}_{machine.lower()}"
    for system, machines in MACHINES.items()
    for python in INTERPRETERS
    for library in LIBRARIES[system]
    for machine in machines
}
"""As cibuildwheel names them."""


def would_be_built() -> set[str]:
    found = set()
    for system in MACHINES:
        command = ["cibuildwheel", "--print-build-identifiers", "--platform", system]
        result = subprocess.run(
            command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True, timeout=120
        )
        found |= set(result.stdout.split())
    return found


def identifier(wheel: str) -> str:
    """Of the file's name: fastframe-1.0-cp313-cp313-manylinux2014_x86_64.manylinux_2_17_x86_64.whl
    is cp313-manylinux_x86_64."""
    _, _, _, abi, platform = wheel.removesuffix(".whl").split("-")
    library = re.match("[a-z]+", platform)
    machine = re.search(r"(x86_64|i686|aarch64|s390x|arm64|amd64)$", platform)
    return f"{abi}-{library and library[0]}_{machine and machine[0]}"


def differences(found: set[str]) -> list[str]:
    missing = [f"missing: {name}" for name in sorted(EXPECTED - found)]
    return missing + [f"not expected: {name}" for name in sorted(found - EXPECTED)]


def main(arguments: list[str]) -> int:
    found = (
        {identifier(path.name) for path in Path(arguments[0]).glob("*.whl")}
        if arguments
        else would_be_built()
    )
    wrong = differences(found)
    print(*wrong or [f"{len(found)} wheels, as expected"], sep="\n")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
