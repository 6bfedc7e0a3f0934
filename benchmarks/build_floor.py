"""Builds the extension modules of the benchmarks in place, against the fastframe that is built in this folder.

usage: python benchmarks/build_floor.py
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup


def extension(name: str, *sources: str) -> Extension:
    return Extension(
        f"benchmarks.{name}",
        [f"benchmarks/{name}.pyx", *sources],
        include_dirs=["src_c", "fastframe"],
        extra_compile_args=["-O3"],
    )


if __name__ == "__main__":
    os.chdir(Path(__file__).parent.parent)
    extensions = [extension("floor", "src_c/header.c", "src_c/utf8.c")]
    if find_spec("picows"):
        extensions.append(extension("picows_listener"))
    setup(
        name="floor",
        ext_modules=cythonize(extensions, include_path=["."], quiet=True),
        script_args=["-q", "build_ext", "--inplace"],
        packages=[],
    )
