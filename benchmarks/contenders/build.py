"""Builds the extension modules of the benchmarks in place, against the fastframe that is built in
this folder.

usage: python -m benchmarks.contenders.build
"""

from __future__ import annotations

import os
import subprocess
from importlib.util import find_spec
from pathlib import Path
from shutil import which

from Cython.Build import cythonize
from setuptools import Distribution, Extension
from setuptools.command.build_ext import build_ext

import fastframe


def extension(name: str, *sources: str) -> Extension:
    return Extension(
        f"benchmarks.contenders.{name}",
        [f"benchmarks/contenders/{name}.pyx", *sources],
        include_dirs=["src_c", "fastframe", fastframe.get_include()],
        extra_compile_args=["-O3"],
    )


if __name__ == "__main__":
    os.chdir(Path(__file__).parent.parent.parent)
    extensions = [
        extension("baseline", "src_c/header.c", "src_c/utf8.c"),
        extension("compiled_consumer"),
    ]
    if find_spec("picows"):
        extensions.append(extension("picows_listener"))
    if (
        which("pkg-config")
        and subprocess.run(["pkg-config", "--exists", "simdutf"], check=False).returncode == 0
    ):
        peer = extension("simdutf_peer")
        peer.libraries.append("simdutf")
        peer.extra_compile_args.append("-std=c++17")
        extensions.append(peer)
    command = build_ext(
        Distribution(
            {
                "ext_modules": cythonize(
                    extensions, include_path=["."], build_dir="build/cython", quiet=True
                )
            }
        )
    )
    command.inplace = True
    command.ensure_finalized()
    command.run()
