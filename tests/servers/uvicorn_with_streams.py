"""uvicorn as a program, with the stand-in of uvicorn_http_2.py where the coming one has it."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

HTTP = "uvicorn.protocols.http.zttp_h2_impl"
MODULES = {
    HTTP: "uvicorn_http_2",
    "uvicorn.protocols.websockets.wsproto_h2_impl": "uvicorn_streams",
}


class StandIn(importlib.abc.MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in MODULES:
            return None
        stand_in = Path(__file__).with_name(f"{MODULES[fullname]}.py")
        return importlib.util.spec_from_file_location(fullname, stand_in)


if __name__ == "__main__":
    sys.meta_path.insert(0, StandIn())
    from uvicorn.main import main

    main([*sys.argv[1:], "--http", f"{HTTP}:ZttpH2Protocol"])
