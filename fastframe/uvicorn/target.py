"""The target "uvicorn".

What changes: the global `uvicorn.protocols.websockets.auto.AutoWebSocketsProtocol`, which `--ws auto`, uvicorn's default, stands for; it
becomes `fastframe.uvicorn:WSProtocol`. Whoever names another implementation gets that one.
"""

from __future__ import annotations

import importlib.metadata
import logging
import re
import sys
from typing import Any

from fastframe._options import Options
from fastframe._target import Target

_log = logging.getLogger("fastframe")


class UvicornTarget:
    description = "--ws auto of uvicorn {}"
    how_to_activate = "start uvicorn with --ws fastframe.uvicorn:WSProtocol (active from its first connection on), or with fastframe run"
    supported_versions: tuple[str, ...] = ("0.36 and later",)
    options = frozenset({"max_message_size", "max_fragments", "deflate"})  # it has no defect to mend
    makes_unneeded = frozenset({"wsproto"})

    def __init__(self) -> None:
        self._replaced: list[Any] = []  # the original of AutoWebSocketsProtocol
        self._settings: dict[str, Any] = {}  # of WSProtocol, before the options of `install`

    def installed_version(self) -> str:
        try:
            return importlib.metadata.version("uvicorn")
        except importlib.metadata.PackageNotFoundError:
            raise ImportError("uvicorn is not installed: pip install 'fastframe[uvicorn]'") from None

    def check(self) -> None:
        """Also ImportError if wsproto is missing, which does the handshake."""
        version = self.installed_version()
        numbers = re.match(r"(\d+)\.(\d+)", version)
        if numbers is None or (int(numbers[1]), int(numbers[2])) < (0, 36):
            raise ImportError(
                f"uvicorn {version} is too old, its WebSockets cannot be replaced: pip install -U uvicorn"
            )
        try:
            importlib.metadata.version("wsproto")
        except importlib.metadata.PackageNotFoundError:
            raise ImportError("uvicorn on fastframe needs wsproto: pip install 'fastframe[uvicorn]'") from None

    def load(self) -> None:
        from uvicorn.protocols.websockets import auto  # noqa: F401

        from fastframe.uvicorn import WSProtocol  # noqa: F401

    def configure(self, options: Options) -> None:
        """The options for connections from now on, also where WSProtocol was chosen by name."""
        from fastframe.uvicorn import WSProtocol

        for name, value in self._settings.items():
            setattr(WSProtocol, name, value)
        self._settings.clear()
        chosen: dict[str, Any] = {"max_message_size": options.max_message_size}
        if options.max_fragments is not None:
            chosen["max_fragments"] = options.max_fragments
        if options.deflate is not None:
            chosen["deflate"] = options.deflate or None
        for name, value in chosen.items():
            self._settings[name] = getattr(WSProtocol, name)
            setattr(WSProtocol, name, value)

    def activate(self) -> None:
        from uvicorn.protocols.websockets import auto

        from fastframe.uvicorn import WSProtocol

        self._replaced.append(auto.AutoWebSocketsProtocol)
        vars(auto)["AutoWebSocketsProtocol"] = WSProtocol

    def deactivate(self) -> None:
        from uvicorn.protocols.websockets import auto

        from fastframe.uvicorn import WSProtocol

        if not self._replaced:
            return
        original = self._replaced.pop()
        if vars(auto)["AutoWebSocketsProtocol"] is WSProtocol:
            vars(auto)["AutoWebSocketsProtocol"] = original
        else:
            _log.warning(
                "uvicorn: AutoWebSocketsProtocol was replaced by other code after fastframe, and is left as it is"
            )

    def in_use(self) -> bool:
        """True if a server in this process was told to use WSProtocol by name, with `--ws fastframe.uvicorn:WSProtocol`."""
        protocol = sys.modules.get("fastframe.uvicorn.protocol")
        return protocol is not None and protocol.WSProtocol.in_use


TARGET: Target = UvicornTarget()
