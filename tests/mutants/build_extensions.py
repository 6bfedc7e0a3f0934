"""Builds extension modules of the tree in the current folder, without optimization: those that are
named, or all."""

from __future__ import annotations

import runpy
import sys
from typing import Any

import setuptools


def main() -> None:
    setup = setuptools.setup
    given: dict[str, Any] = {}
    setuptools.setup = given.update
    runpy.run_path("setup.py")
    names = sys.argv[1:]
    modules = [module for module in given["ext_modules"] if not names or module.name in names]
    for module in modules:
        module.extra_compile_args.append("-O0" if names else "-O1")
    arguments = ["-q", "build_ext", "--inplace", "--force"]
    setup(**given | {"ext_modules": modules, "script_args": arguments})


if __name__ == "__main__":
    main()
