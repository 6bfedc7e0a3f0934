"""Other machines, and Pythons of Debian: a Debian in a folder, under qemu-user where the machine is
another one."""

from __future__ import annotations

import argparse
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.reach.commands import (
    CACHE,
    TESTS,
    Outcome,
    UnavailableError,
    clone,
    get,
    last_line,
    need,
    sh,
)
from tests.reach.compilers import compile_all
from tests.reach.source import MIRROR

# Each of them alone took most of the time under emulation, and looks at Python, not at the machine.
SLOW_UNDER_EMULATION = "tests/codec tests/kernels/test_kernels.py tests/deflate tests/threads"


class Debian(NamedTuple):
    suite: str
    architecture: str
    python: str = "python3"
    compiler: str = ""
    """A cross compiler on this machine, for a machine that is emulated."""


def root_of(debian: Debian) -> Path:
    """The folder; made once."""
    if os.getuid() != 0:
        raise UnavailableError("debootstrap and chroot need root")
    root = CACHE / "roots" / f"{debian.suite}-{debian.architecture}"
    if not (root / "complete").exists():
        need("debootstrap", package="debootstrap")
        if debian.compiler:
            need("qemu-s390x-static", package="qemu-user-static binfmt-support")
        for name in (
            "proc",
            "dev",
        ):  # of an attempt that was broken off: nothing of this machine may be removed
            if os.path.ismount(root / name):
                get(f"umount {root / name}")
        shutil.rmtree(root, ignore_errors=True)
        root.parent.mkdir(parents=True, exist_ok=True)
        include = "python3,python3-dev,python3-venv,gcc,libc6-dev,ca-certificates"
        get(
            f"debootstrap --variant=minbase --arch={debian.architecture} --include={include} "
            f"{debian.suite} {root} {MIRROR}"
        )
        (root / "complete").touch()
    for name in ("proc", "dev"):
        if not os.path.ismount(root / name):
            get(f"mount --bind /{name} {root / name}")
    for name in ("etc/resolv.conf", "etc/hosts", "etc/ssl/certs/ca-certificates.crt"):
        if Path("/", name).exists():
            shutil.copy(Path("/", name), root / name)
    return root


def install(root: Path, there: str, packages: str) -> None:
    """Unless `there`, a file of them, exists in the root."""
    if not (root / there).exists():
        get(
            f"chroot {root} sh -ec 'apt-get -o Acquire::Check-Valid-Until=false update -qq; "
            f"DEBIAN_FRONTEND=noninteractive apt-get install -y -qq {packages}'"
        )


def in_debian(debian: Debian) -> Callable[[argparse.Namespace], Outcome]:
    def run(arguments: argparse.Namespace) -> Outcome:
        root = root_of(debian)
        if debian.python != "python3":
            packages = f"{debian.python} {debian.python}-dev {debian.python}-venv"
            install(root, f"usr/bin/{debian.python}", packages)
        clone(root / "fastframe")
        pip = " ".join(
            f"{name}={os.environ[name]}" for name in os.environ if name.startswith("PIP_")
        )
        inside = (
            "env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 "
            f"PIP_CERT=/etc/ssl/certs/ca-certificates.crt {pip} chroot {root} sh -ec"
        )
        python = f"/venv-{debian.python}/bin/python"
        prepare = (
            f"cd /fastframe; [ -x {python} ] || {debian.python} -m venv /venv-{debian.python}; "
            f"{python} -m pip install -q --prefer-binary"
        )
        packages = "pytest hypothesis 'wsproto<1.4' rich websockets uvicorn"
        started = time.monotonic()
        if debian.compiler:
            cross_build(debian, root)
            sh(f'{inside} "{prepare} {packages}"', seconds=3600)
        else:
            sh(f'{inside} "{prepare} -e . {packages}"', seconds=3600)
        build = f"{time.monotonic() - started:.0f} s"
        version = last_line(sh(f"{inside} '{python} -VV'")).split(" (")[0]
        tests = (
            f"-m pytest -q -p no:cacheprovider {SLOW_UNDER_EMULATION}"
            if debian.compiler
            else f"-W error {TESTS}"
        )
        return Outcome(
            version,
            build,
            last_line(sh(f'{inside} "cd /fastframe; {python} {tests}"', seconds=3600)),
        )

    return run


def cross_build(debian: Debian, root: Path) -> None:
    """The extension modules, into the clone in the root."""
    triplet = debian.compiler.removesuffix("-gcc")
    need(debian.compiler, package=f"gcc-{triplet} libc6-dev-{debian.architecture}-cross")
    (headers,) = root.glob("usr/include/python3.*")
    version = headers.name.removeprefix("python3.")
    flags = f"-I{headers} -I{root}/usr/include -fPIC"
    compile_all(debian.compiler, triplet, flags, link="-shared")
    for built in (CACHE / "compiled" / triplet).glob("*.out"):
        module = built.name.split("-")[0].replace(".", "/")
        shutil.copy(built, root / f"fastframe/{module}.cpython-3{version}-{triplet}.so")
