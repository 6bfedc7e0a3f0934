"""uvicorn as a program, with the stand-in of uvicorn_streams.py where the coming one has it."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

STAND_IN = Path(__file__).with_name("uvicorn_streams.py")
HTTP = "uvicorn.protocols.http.zttp_h2_impl"
MODULES = (HTTP, "uvicorn.protocols.websockets.wsproto_h2_impl")


class StandIn(importlib.abc.MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in MODULES:
            return None
        return importlib.util.spec_from_file_location(fullname, STAND_IN)


if __name__ == "__main__":
    sys.meta_path.insert(0, StandIn())
    from uvicorn.main import main

    main([*sys.argv[1:], "--http", f"{HTTP}:ZttpH2Protocol"])
