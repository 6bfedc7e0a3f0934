"""Other systems and machines: every extension module compiled and, where that can be done here,
linked."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import sysconfig
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.reach.commands import CACHE, Outcome, get, last_line, need, sh
from tests.reach.source import debian_source


def extensions() -> dict[str, list[str]]:
    """The C files of each extension module, as setup.py has them; Cython makes those that are
    missing."""
    ask = "; ".join((
        "import json, setuptools",
        "from distutils.core import run_setup",
        "modules = run_setup('setup.py', stop_after='init').ext_modules",
        "print(json.dumps({module.name: module.sources for module in modules}))",
    ))  # fmt: skip
    found: dict[str, list[str]] = json.loads(
        last_line(sh(f'{sys.executable} -W ignore -c "{ask}"'))
    )
    return found


def compile_all(compiler: str, name: str, flags: str, *, link: str | None = None) -> Outcome:
    """Every extension module."""
    folder = CACHE / "compiled" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    modules = extensions()
    flags += " -O1 -w -std=c11 -Isrc_c -Ifastframe/_codec -Ifastframe/_cpython -Ifastframe/include"
    flags += " -DCYTHON_USE_MODULE_STATE=1 -DCYTHON_USE_TYPE_SPECS=1"

    def one(module: str) -> None:
        for source in [" ".join(modules[module])] if link else modules[module]:
            sh(
                f"{compiler} {flags} {link or '-c'} -o "
                f"{folder}/{module}-{Path(source.split()[0]).stem}.out {source}"
            )

    started = time.monotonic()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(one, modules))
    done = "compile and link" if link else "compile"
    return Outcome("3.13" if name == "windows" else platform.python_version(),
        f"{time.monotonic() - started:.0f} s",
                   f"all {len(modules)} modules {done}; not run")  # fmt: skip


def windows(arguments: argparse.Namespace) -> Outcome:
    """With the headers of CPython for Windows, which its source has; there is no library of it to
    link with."""
    need("x86_64-w64-mingw32-gcc", package="gcc-mingw-w64-x86-64")
    headers = CACHE / "windows-headers"
    if not (headers / "pyconfig.h").exists():
        headers.mkdir(parents=True, exist_ok=True)
        get(
            f"tar -xJf {debian_source('python3.13')} --strip-components 1 --wildcards '*/Include' "
            f"'*/PC/pyconfig.h.in'; "
            "sed 's/@Py_GIL_DISABLED@.*//' PC/pyconfig.h.in > pyconfig.h",
            cwd=headers,
        )
    return compile_all("x86_64-w64-mingw32-gcc", "windows", f"-I{headers} -I{headers}/Include")


def zig_compiler(target: str) -> str:
    folder = CACHE / "zig"
    if not (folder / "ziglang").exists():
        get(f"{sys.executable} -m pip install -q --target {folder} ziglang")
    return f"{sys.executable} {folder}/ziglang/__main__.py cc -target {target}"


def zig(target: str, link: str) -> Callable[[argparse.Namespace], Outcome]:
    def run(arguments: argparse.Namespace) -> Outcome:
        return compile_all(
            zig_compiler(target), target, f"-I{sysconfig.get_path('include')}", link=link
        )

    return run
