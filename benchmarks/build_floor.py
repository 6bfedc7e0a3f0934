"""Builds benchmarks/floor.pyx in place, against the fastframe that is built in this folder.

usage: python benchmarks/build_floor.py
"""

from __future__ import annotations

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

if __name__ == "__main__":
    os.chdir(Path(__file__).parent.parent)
    floor = Extension(
        "benchmarks.floor",
        ["benchmarks/floor.pyx", "src_c/utf8.c"],
        include_dirs=["src_c", "fastframe"],
        extra_compile_args=["-O3"],
    )
    setup(
        name="floor",
        ext_modules=cythonize([floor], include_path=["."], quiet=True),
        script_args=["-q", "build_ext", "--inplace"],
        packages=[],
    )
