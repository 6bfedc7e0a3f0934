"""CPython without the GIL, also built with ThreadSanitizer."""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
import time
from pathlib import Path

from tests.reach.commands import CACHE, TESTS, FailedError, Outcome, clone, get, last_line, need, sh
from tests.reach.source import debian_source


def free_threaded(sanitizer: str = "") -> Path:
    """Its python; built once."""
    prefix = CACHE / ("3.13t-tsan" if sanitizer else "3.13t")
    python = prefix / "bin/python3.13t"
    if python.exists():
        return python
    need("gcc", "make", package="gcc make libssl-dev libffi-dev zlib1g-dev")
    if sanitizer:
        need("clang-19", package="clang-19")
    source = CACHE / "build"
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    compiler = "CC=clang-19 " if sanitizer else ""
    get(
        f"tar -xJf {debian_source('python3.13')} --strip-components 1; "
        f"{compiler}./configure -q --disable-gil --disable-test-modules {sanitizer} "
        f"--prefix={prefix} CFLAGS='-O2 -g1'; make -s -j2; make -s install",
        cwd=source,
    )
    if sanitizer:
        shutil.copytree(source / "Tools/tsan", prefix / "tsan", dirs_exist_ok=True)
    shutil.rmtree(source)
    return python


def environment(python: Path, folder: Path, *packages: str) -> Path:
    """The python of a new virtual environment that has these packages, those that can be had."""
    shutil.rmtree(folder, ignore_errors=True)
    sh(f"{python} -m venv {folder}")
    inside = folder / "bin/python"
    get(
        f"{inside} -m pip install -q -U pip && {inside} -m pip install -q 'Cython>=3.3,<3.4' "
        f"setuptools"
    )
    for package in packages:
        try:
            sh(
                f"{inside} -m pip install -q --only-binary :all: {shlex.quote(package)}",
                seconds=300,
            )
        except FailedError:
            print(f"   {package} has no wheel for it")
    return inside


PACKAGES = ("pytest", "hypothesis", "wsproto<1.4", "rich", "numpy", "uvicorn", "websockets",
    "hypercorn", "httpx-ws", "simple-websocket", "trio-websocket")  # fmt: skip


def without_gil(arguments: argparse.Namespace) -> Outcome:
    python = environment(free_threaded(), CACHE / "venv-3.13t", *PACKAGES)
    tree = clone(CACHE / "tree-3.13t")
    started = time.monotonic()
    sh(f"{python} -m pip install -q --no-build-isolation --no-deps -e .", cwd=tree)
    build = f"{time.monotonic() - started:.0f} s"
    check = "import fastframe, sys; fastframe.install('wsproto'); assert not sys._is_gil_enabled()"
    version = sh(f'{python} -W error -c "{check}"; {python} -VV', cwd=tree).splitlines()[-1]
    tests = (
        "-m pytest -q -p no:cacheprovider tests/threads tests/codec" if arguments.quick else TESTS
    )
    passed = last_line(sh(f"{python} {tests}", cwd=tree))
    stress = sh(
        f"{python} -m tests.threads.stress --seconds {arguments.seconds}",
        cwd=tree,
        seconds=arguments.seconds * 3 + 300,
    )
    print(stress)
    return Outcome(
        version.split(" (")[0],
        build,
        f"{passed}; stress, 8 threads, {arguments.seconds:g} s: right",
    )


def thread_sanitizer(arguments: argparse.Namespace) -> Outcome:
    python = free_threaded("--with-thread-sanitizer")
    inside = environment(python, CACHE / "venv-tsan", "wsproto<1.4")
    tree = clone(CACHE / "tree-tsan")
    started = time.monotonic()
    sh(
        f"{inside} setup.py -q build_ext --inplace -j2", cwd=tree,
        CC="clang-19", LDSHARED="clang-19 -shared", FASTFRAME_SANITIZE="thread",
    )  # fmt: skip
    build = f"{time.monotonic() - started:.0f} s"
    suppressions = tree / "suppressions"
    own = sorted((python.parent.parent / "tsan").glob("suppressions*.txt"))
    suppressions.write_text("\n".join(path.read_text() for path in own))
    for report in tree.glob("report.*"):
        report.unlink()
    print(sh(
        f"{inside} -m tests.threads.stress --threads 4 --seconds {arguments.seconds}", cwd=tree,
        seconds=arguments.seconds * 5 + 300,
        TSAN_OPTIONS=f"suppressions={suppressions} log_path={tree}/report exitcode=0",
    ))  # fmt: skip
    reports = [
        part
        for path in tree.glob("report.*")
        for part in path.read_text().split("==================")
        if "WARNING: ThreadSanitizer" in part
    ]
    ours = [report for report in reports if is_ours(report)]
    if ours:
        raise FailedError(ours[0][:4000])
    found = f"{len(reports)} inside CPython, none of fastframe" if reports else "no report"
    return Outcome(
        "3.13 without the GIL", build, f"stress, 4 threads, {arguments.seconds:g} s: {found}"
    )


def is_ours(report: str) -> bool:
    """Unless all that ThreadSanitizer knows is that both threads were in functions of CPython that
    read or write that memory."""
    stacks = [
        stack
        for stack in report.split("\n\n")
        if re.search(r"(?i)^ *(previous )?(atomic )?(read|write) of size", stack, re.MULTILINE)
    ]
    return len(stacks) != 2 or any("/fastframe/" in accessing_frame(stack) for stack in stacks)


def accessing_frame(stack: str) -> str:
    """The first one that is not ThreadSanitizer's own function for memset and its like."""
    frames: list[str] = re.findall(r"^ +#\d+ (?!.*<null>)(.*)$", stack, re.MULTILINE)
    return frames[0] if frames else "/fastframe/"
