"""What a user will do after the release: python -m tests.release.dry_run

Makes an index of what is in dist/ and of what it needs. In a new virtual environment, in an empty
folder, without a compiler, it runs the README's first commands as they will be then. Exit code 0:
they worked, from the wheel, and no compiler was called.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.release.index import (
    clean_environment,
    download,
    make_index,
    new_environment,
    served,
    trap_compilers,
)

ROOT = Path(__file__).parents[2]
DIST = ROOT / "dist"
SECONDS = 600
"""For each command, at most: a quiet machine needs a tenth for the longest."""

PROGRAM = "import fastframe, wsproto; print(fastframe.status()['wsproto'].active)"


def first_commands(readme: str) -> str:
    """The first commands of the README, as they are after the release."""
    found = re.search(r"^```sh\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    commands = (found[1] if found else "").replace("'.[", "'fastframe[")
    if "pip install 'fastframe[" not in commands:
        raise SystemExit(f"the README's first commands do not install fastframe:\n{commands}")
    return commands


def wheel_of_this_python(folder: Path) -> Path:
    """As pip chooses it."""
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-index"]
    with tempfile.TemporaryDirectory() as chosen:
        subprocess.run(
            [*command, "--only-binary", ":all:", "-f", str(folder), "-d", chosen, "fastframe"],
            check=True, timeout=60,
        )  # fmt: skip
        (wheel,) = Path(chosen).iterdir()
        return folder / wheel.name


def run(command: str, where: Path, environment: dict[str, str]) -> str:
    """What it prints. It is shown, and the end, if it fails."""
    result = subprocess.run(
        ["/bin/sh", "-ec", command], cwd=where, env=environment, timeout=SECONDS, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    if result.returncode:
        raise SystemExit(f"$ {command}\n{result.stdout}\nexit code {result.returncode}")
    return result.stdout


def try_it(folder: Path, wheel: Path) -> None:
    links, empty = folder / "links", folder / "empty"
    empty.mkdir()
    download(links, f"{wheel}[cli]")
    for path in DIST.iterdir():  # with the sdist, which pip must not choose
        (links / path.name).write_bytes(path.read_bytes())
    make_index(links, folder / "index")
    programs = new_environment(folder / "environment")
    called = trap_compilers(folder / "compilers")
    commands = first_commands((ROOT / "README.md").read_text(encoding="utf-8"))
    with served(folder / "index") as (address, got):
        environment = clean_environment(
            PATH=f"{programs}:{called.parent}", CC="cc", CXX="c++", PIP_INDEX_URL=address
        )
        print(f"$ {commands.strip()}\n{run(commands, empty, environment)}")
    found = json.loads(run("fastframe doctor --json", empty, environment))
    active = run(f'fastframe run python -c "{PROGRAM}"', empty, environment)
    mine = [name for name in got if name.startswith("fastframe-")]
    if mine != [wheel.name] or called.exists():
        raise SystemExit(f"pip got {mine}; compilers called: {called.exists()}")
    if not found["healthy"] or not found["location"].startswith(str(folder)):
        raise SystemExit(f"fastframe doctor: {found}")
    if active != "True\n":
        raise SystemExit(f"fastframe run: not active:\n{active}")
    print(f"{wheel.name}: {found['kernel']}, healthy, active under wsproto, without a compiler")


def main() -> int:
    started = time.monotonic()
    wheel = wheel_of_this_python(DIST)
    with tempfile.TemporaryDirectory() as folder:
        try_it(Path(folder).resolve(), wheel)
    print(f"{time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
