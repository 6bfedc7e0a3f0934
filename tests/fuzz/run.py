"""One target that is written in Python, under atheris: `python -m tests.fuzz` starts this with the
sanitizers' run-time library in front.

usage: python -m tests.fuzz.run TARGET [libFuzzer's options and corpora]
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import atheris

from tests.fuzz.mutations import mutated


def main() -> None:
    name = sys.argv.pop(1)
    with atheris.instrument_imports(include=["fastframe"], enable_loader_override=False):
        target: Any = importlib.import_module(f"tests.fuzz.of_python.{name}")

    def by_frames(data: bytes, size: int, seed: int) -> bytes:
        return mutated(data, size, seed, atheris.Mutate)

    options = {"custom_mutator": by_frames} if getattr(target, "FRAMES", False) else {}
    atheris.Setup(sys.argv, target.check, **options)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
