"""Interpreters and machines besides the ones that are at hand: python -m tests.reach [--quick] [TARGET ...]

Gets each target (what takes long is kept in the cache folder), builds every extension module for it, runs the tests on it, and prints a
table. A target that is not to be had here says why, and is no failure; one that fails to build or to pass is.
Debian's packages, debootstrap and chroot need root.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from tests.helpers import ROOT

CACHE = Path(os.environ.get("REACH_CACHE", Path.home() / ".cache/fastframe-reach"))
TESTS = "-m pytest -q -p no:cacheprovider -m 'not compiles and not downloads and not programs' tests"
# Each of them alone took most of the time under emulation, and looks at Python, not at the machine.
SLOW_UNDER_EMULATION = "tests/codec tests/kernels/test_kernels.py tests/deflate tests/threads"
MIRROR = "http://deb.debian.org/debian"


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
            ["bash", "-ec", command], cwd=cwd, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, timeout=seconds,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise FailedError(f"{command}\nnot done after {seconds} s") from error
    if result.returncode:
        raise FailedError(f"{command}\n... {result.stdout[-2000:]}\nfailed after {time.monotonic() - started:.0f} s")
    return result.stdout


def get(command: str, *, cwd: Path = ROOT, seconds: float = 1800) -> None:
    """As `sh`, for what is to be had or not."""
    try:
        sh(command, cwd=cwd, seconds=seconds)
    except FailedError as error:
        raise UnavailableError(str(error).splitlines()[-2][:120]) from error


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


# ---- CPython without the GIL, from Debian's source package ----


def debian_source(package: str) -> Path:
    """The folder of the package's source, from the newest suite that has it."""
    folder = CACHE / "source"
    apt = folder / "apt"
    archives = sorted(folder.glob(f"{package}_*.orig.tar.xz"))
    if not archives:
        for name in ("lists/partial", "cache/archives/partial"):
            (apt / name).mkdir(parents=True, exist_ok=True)
        suites = ("forky", "trixie")
        keys = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
        (apt / "sources.list").write_text("".join(f"deb-src {keys} {MIRROR} {suite} main\n" for suite in suites))
        (apt / "apt.conf").write_text(
            f'Dir::Etc::sourcelist "{apt}/sources.list";\nDir::Etc::sourceparts "-";\n'
            f'Dir::State::lists "{apt}/lists";\nDir::Cache "{apt}/cache";\n'
        )
        if not shutil.which("apt-get"):
            raise UnavailableError("apt-get is not here")
        if not Path("/usr/share/keyrings/debian-archive-keyring.gpg").exists():
            get("apt-get install -y -qq debian-archive-keyring")
        get(
            f"export APT_CONFIG={apt}/apt.conf; apt-get update -qq; for suite in {' '.join(suites)}; do "
            f"apt-get source --download-only -y -qq {package}/$suite && exit; done; exit 1",
            cwd=folder,
        )
        archives = sorted(folder.glob(f"{package}_*.orig.tar.xz"))
    return archives[-1]


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
        f"{compiler}./configure -q --disable-gil --disable-test-modules {sanitizer} --prefix={prefix} CFLAGS='-O2 -g1'; make -s -j2; make -s install",
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
    get(f"{inside} -m pip install -q -U pip && {inside} -m pip install -q 'Cython>=3.3,<3.4' setuptools")
    for package in packages:
        try:
            sh(f"{inside} -m pip install -q --only-binary :all: {shlex.quote(package)}", seconds=300)
        except FailedError:
            print(f"   {package} has no wheel for it")
    return inside


PACKAGES = ("pytest", "hypothesis", "wsproto<1.4", "rich", "numpy", "uvicorn", "websockets", "hypercorn", "httpx-ws", "simple-websocket", "trio-websocket")  # fmt: skip


def without_gil(arguments: argparse.Namespace) -> Outcome:
    python = environment(free_threaded(), CACHE / "venv-3.13t", *PACKAGES)
    tree = clone(CACHE / "tree-3.13t")
    started = time.monotonic()
    sh(f"{python} -m pip install -q --no-build-isolation --no-deps -e .", cwd=tree)
    build = f"{time.monotonic() - started:.0f} s"
    check = "import fastframe, sys; fastframe.install('wsproto'); assert not sys._is_gil_enabled()"
    version = sh(f'{python} -W error -c "{check}"; {python} -VV', cwd=tree).splitlines()[-1]
    tests = "-m pytest -q -p no:cacheprovider tests/threads tests/codec" if arguments.quick else TESTS
    passed = last_line(sh(f"{python} {tests}", cwd=tree))
    stress = sh(
        f"{python} -m tests.threads.stress --seconds {arguments.seconds}", cwd=tree, seconds=arguments.seconds * 3 + 300
    )
    print(stress)
    return Outcome(version.split(" (")[0], build, f"{passed}; stress, 8 threads, {arguments.seconds:g} s: right")


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
        f"{inside} -m tests.threads.stress --threads 4 --seconds {arguments.seconds}", cwd=tree, seconds=arguments.seconds * 5 + 300,
        TSAN_OPTIONS=f"suppressions={suppressions} log_path={tree}/report exitcode=0",
    ))  # fmt: skip
    reports = list(tree.glob("report.*"))
    if reports:
        raise FailedError(reports[0].read_text()[:4000])
    return Outcome("3.13 without the GIL", build, f"stress, 4 threads, {arguments.seconds:g} s: no report")


# ---- other machines: a Debian in a folder ----


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
        shutil.rmtree(root, ignore_errors=True)
        root.parent.mkdir(parents=True, exist_ok=True)
        include = "python3,python3-dev,python3-venv,gcc,libc6-dev,ca-certificates"
        get(
            f"debootstrap --variant=minbase --arch={debian.architecture} --include={include} {debian.suite} {root} {MIRROR}"
        )
        (root / "complete").touch()
    for name in ("proc", "dev"):
        if not os.path.ismount(root / name):
            get(f"mount --bind /{name} {root / name}")
    for name in ("etc/resolv.conf", "etc/hosts", "etc/ssl/certs/ca-certificates.crt"):
        if Path("/", name).exists():
            shutil.copy(Path("/", name), root / name)
    return root


def in_debian(debian: Debian) -> Callable[[argparse.Namespace], Outcome]:
    def run(arguments: argparse.Namespace) -> Outcome:
        root = root_of(debian)
        if debian.python != "python3" and not (root / "usr/bin" / debian.python).exists():
            packages = f"{debian.python} {debian.python}-dev {debian.python}-venv"
            get(
                f"chroot {root} sh -ec 'apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -y -qq {packages}'"
            )
        clone(root / "fastframe")
        pip = " ".join(f"{name}={os.environ[name]}" for name in os.environ if name.startswith("PIP_"))
        inside = f"env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 PIP_CERT=/etc/ssl/certs/ca-certificates.crt {pip} chroot {root} sh -ec"
        python = f"/venv-{debian.python}/bin/python"
        prepare = f"cd /fastframe; [ -x {python} ] || {debian.python} -m venv /venv-{debian.python}; {python} -m pip install -q --prefer-binary"
        packages = "pytest hypothesis 'wsproto<1.4' rich websockets uvicorn"
        started = time.monotonic()
        if debian.compiler:
            cross_build(debian, root)
            sh(f'{inside} "{prepare} {packages}"', seconds=3600)
        else:
            sh(f'{inside} "{prepare} -e . {packages}"', seconds=3600)
        build = f"{time.monotonic() - started:.0f} s"
        version = last_line(sh(f"{inside} '{python} -VV'")).split(" (")[0]
        tests = f"-m pytest -q -p no:cacheprovider {SLOW_UNDER_EMULATION}" if debian.compiler else f"-W error {TESTS}"
        return Outcome(version, build, last_line(sh(f'{inside} "cd /fastframe; {python} {tests}"', seconds=3600)))

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
        shutil.copy(built, root / f"fastframe/fastframe/{module}.cpython-3{version}-{triplet}.so")


# ---- other systems: compiled and, where that can be done here, linked; not run ----


def extensions() -> dict[str, list[str]]:
    """The C files of src_c that each extension module is made of, as setup.py lists them."""
    text = (ROOT / "setup.py").read_text(encoding="utf-8")
    (names,) = re.findall(r"^KERNELS = .* in \((.*)\)\]", text, re.MULTILINE)
    kernels = [f"kernels_{name}" for name in re.findall(r'"(\w+)"', names)]
    found = {}
    for name, libraries in re.findall(r'^ +extension\("([\w.]+)"(.*)\),$', text, re.MULTILINE):
        found[name] = re.findall(r'"(\w+)"', libraries) + (kernels if "*KERNELS" in libraries else [])
    return found


def generated_c() -> Path:
    """The folder of the C that Cython makes."""
    if not (ROOT / "build/cython/fastframe/_kernels.c").exists():
        sh(f"{sys.executable} setup.py -q build_ext --inplace")
    return ROOT / "build/cython/fastframe"


def compile_all(compiler: str, name: str, flags: str, *, link: str | None = None) -> Outcome:
    """Every extension module."""
    folder = CACHE / "compiled" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    generated, modules = generated_c(), extensions()
    flags += " -O1 -w -std=c11 -Isrc_c -Ifastframe -Ifastframe/include -Ifastframe/wsproto"
    flags += " -DCYTHON_USE_MODULE_STATE=1 -DCYTHON_USE_TYPE_SPECS=1"

    def one(module: str) -> None:
        sources = [f"{generated}/{module.replace('.', '/')}.c", *(f"src_c/{library}.c" for library in modules[module])]
        for source in [" ".join(sources)] if link else sources:
            sh(f"{compiler} {flags} {link or '-c'} -o {folder}/{module}-{Path(source.split()[0]).stem}.out {source}")

    started = time.monotonic()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(one, modules))
    done = "compile and link" if link else "compile"
    return Outcome("3.13" if name == "windows" else platform.python_version(), f"{time.monotonic() - started:.0f} s",
                   f"all {len(modules)} modules {done}; not run")  # fmt: skip


def windows(arguments: argparse.Namespace) -> Outcome:
    """With the headers of CPython for Windows, which its source has; there is no library of it to link with."""
    need("x86_64-w64-mingw32-gcc", package="gcc-mingw-w64-x86-64")
    headers = CACHE / "windows-headers"
    if not (headers / "pyconfig.h").exists():
        headers.mkdir(parents=True, exist_ok=True)
        get(
            f"tar -xJf {debian_source('python3.13')} --strip-components 1 --wildcards '*/Include' '*/PC/pyconfig.h.in'; "
            "sed 's/@Py_GIL_DISABLED@.*//' PC/pyconfig.h.in > pyconfig.h",
            cwd=headers,
        )
    return compile_all("x86_64-w64-mingw32-gcc", "windows", f"-I{headers} -I{headers}/Include")


def zig(target: str, link: str) -> Callable[[argparse.Namespace], Outcome]:
    def run(arguments: argparse.Namespace) -> Outcome:
        folder = CACHE / "zig"
        if not (folder / "ziglang").exists():
            get(f"{sys.executable} -m pip install -q --target {folder} ziglang")
        compiler = f"{sys.executable} {folder}/ziglang/__main__.py cc -target {target}"
        return compile_all(compiler, target, f"-I{sysconfig.get_path('include')}", link=link)

    return run


TARGETS: dict[str, tuple[str, bool, Callable[[argparse.Namespace], Outcome]]] = {
    "free-threaded": ("CPython without the GIL, from Debian's source", True, without_gil),
    "thread-sanitizer": ("the same, built with ThreadSanitizer", False, thread_sanitizer),
    "sid-3.14": ("Debian sid", False, in_debian(Debian("sid", "amd64", "python3.14"))),
    "sid-3.15": ("Debian sid", False, in_debian(Debian("sid", "amd64", "python3.15"))),
    "i386": ("Debian bookworm, 32 bits", False, in_debian(Debian("bookworm", "i386"))),
    "arm64": (
        "Debian bookworm under qemu-user",
        False,
        in_debian(Debian("bookworm", "arm64", compiler="aarch64-linux-gnu-gcc")),
    ),
    "s390x": (
        "Debian bookworm under qemu-user, big-endian",
        False,
        in_debian(Debian("bookworm", "s390x", compiler="s390x-linux-gnu-gcc")),
    ),
    "windows": ("mingw-w64", True, windows),
    "macos-arm64": ("Zig", True, zig("aarch64-macos", "-shared -undefined dynamic_lookup")),
    "macos-x86-64": ("Zig", False, zig("x86_64-macos", "-shared -undefined dynamic_lookup")),
    "musl": ("Zig", False, zig("x86_64-linux-musl", "-shared")),
}
"""By name: how it is had, whether it is quick, and what to do."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--quick", action="store_true", help="only those that take minutes")
    parser.add_argument("--seconds", type=float, default=26, help="of stress, in all")
    arguments = parser.parse_args()
    names = arguments.targets or [name for name, (_, quick, _) in TARGETS.items() if quick or not arguments.quick]
    CACHE.mkdir(parents=True, exist_ok=True)
    table = Table("target", "by", "CPython", "build", "tests")
    failed = False
    for name in names:
        by, _, run = TARGETS[name]
        print(f"== {name}", flush=True)
        try:
            outcome = run(arguments)
        except UnavailableError as reason:
            outcome = Outcome("", "", f"not to be had: {reason}")
        except FailedError as error:
            print(error, file=sys.stderr)
            outcome, failed = Outcome("", "", "FAILED"), True
        table.add_row(name, by, *outcome)
        print("   " + ", ".join(outcome), flush=True)
    Console(width=160).print(table)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
