"""Builds the extension modules of the tree in the current folder that are named, or all, quickly
and not to be quick."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from typing import Any

from setuptools import Extension

import mend_cython


def main() -> None:
    names = sys.argv[1:]
    cythonized = mend_cython.cythonized

    def some_cythonized(
        extensions: Callable[[], list[Extension]], *options: Any, **named: Any
    ) -> list[Extension]:
        def some() -> list[Extension]:
            found = [module for module in extensions() if not names or module.name in names]
            for module in found:
                module.extra_compile_args.append("-O0" if names else "-O1")
            return found

        return cythonized(some, *options, **named)

    mend_cython.cythonized = some_cythonized
    sys.argv[1:] = ["-q", "build_ext", "--inplace", "--force"]
    runpy.run_path("setup.py", run_name="__main__")


if __name__ == "__main__":
    main()
