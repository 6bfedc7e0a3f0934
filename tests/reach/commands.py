"""Commands of the system, what is kept between runs, and what a target ends with."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from tests.helpers import ROOT

CACHE = Path(os.environ.get("REACH_CACHE", Path.home() / ".cache/fastframe-reach"))
TESTS = (
    "-m pytest -q -p no:cacheprovider -m 'not compiles and not downloads and not programs' tests"
)


class UnavailableError(Exception):
    """Why a target is not to be had here."""


class FailedError(Exception):
    """The end of what a command printed."""


class Outcome(NamedTuple):
    version: str
    build: str
    tests: str


def sh(command: str, *, cwd: Path = ROOT, seconds: float = 1800, **environment: str) -> str:
    """What it prints. FailedError if it ends with an error, or takes longer."""
    started = time.monotonic()
    try:
        result = subprocess.run(
            ["bash", "-ec", command], cwd=cwd, env={**os.environ, **environment},
            stdin=subprocess.DEVNULL, timeout=seconds,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise FailedError(f"{command}\nnot done after {seconds} s") from error
    if result.returncode:
        raise FailedError(
            f"{command}\n... {result.stdout[-2000:]}\nfailed after "
            f"{time.monotonic() - started:.0f} s"
        )
    return result.stdout


def get(command: str, *, cwd: Path = ROOT, seconds: float = 1800) -> None:
    """As `sh`, for what is to be had or not."""
    try:
        sh(command, cwd=cwd, seconds=seconds)
    except FailedError as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        raise UnavailableError(lines[-2][:120]) from error


def need(*programs: str, package: str) -> None:
    """The programs, installed from Debian's package if they are missing."""
    if all(map(shutil.which, programs)):
        return
    if os.getuid() != 0 or not shutil.which("apt-get"):
        raise UnavailableError(f"{programs[0]} is not here: apt-get install {package}")
    get(f"apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq {package}")


def last_line(text: str) -> str:
    return text.strip().splitlines()[-1].strip("= ")


def clone(folder: Path) -> Path:
    """The committed tree, anew."""
    shutil.rmtree(folder, ignore_errors=True)
    sh(f"git clone -q {shlex.quote(str(ROOT))} {shlex.quote(str(folder))}")
    return folder
