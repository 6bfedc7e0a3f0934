"""A wheel for older systems than this one: compiled by Zig for glibc 2.17, named by auditwheel,
and tried here."""

from __future__ import annotations

import argparse
import platform
import re
import shutil
import sys
import time

from tests.reach.commands import (
    CACHE,
    FailedError,
    Outcome,
    UnavailableError,
    clone,
    get,
    last_line,
    sh,
)
from tests.reach.compilers import zig_compiler

TAG = "manylinux_2_17_x86_64"


def manylinux(arguments: argparse.Namespace) -> Outcome:
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise UnavailableError("the wheel is tried on Linux x86-64")
    compiler = zig_compiler("x86_64-linux-gnu.2.17")
    auditor = CACHE / "auditwheel"
    if not (auditor / "auditwheel").exists():
        get(f"{sys.executable} -m pip install -q --target {auditor} auditwheel")
    folder = CACHE / "manylinux"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    started = time.monotonic()
    sh(
        f"{sys.executable} -m pip wheel -q --no-deps -w {folder} .", cwd=clone(folder / "tree"),
        CC=compiler, LDSHARED=f"{compiler} -shared",
    )  # fmt: skip
    build = f"{time.monotonic() - started:.0f} s"
    (wheel,) = folder.glob("*.whl")
    shown = sh(f"{sys.executable} -m auditwheel show {wheel}", PYTHONPATH=str(auditor))
    tags = re.findall(r'platform tag: +"(\w+)"', " ".join(shown.split()))
    if tags != [TAG]:
        raise FailedError(f"not {TAG}: {shown}")
    sh(f"{sys.executable} -m pip install -q --no-deps --target {folder}/site {wheel}")
    verify = f"{sys.executable} -m fastframe verify --frames 50_000"
    tried = last_line(sh(verify, cwd=folder, PYTHONPATH=f"{folder}/site"))
    return Outcome(platform.python_version(), build, f"{TAG}; {tried.split(';')[0]}")
