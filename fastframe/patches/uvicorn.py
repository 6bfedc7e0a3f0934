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

from fastframe.patches.options import Options

__all__ = [
    "HOW_TO_ACTIVATE",
    "SUPPORTED_VERSIONS",
    "WHAT",
    "activate",
    "check",
    "configure",
    "deactivate",
    "in_use",
    "installed_version",
]

WHAT = "--ws auto of uvicorn {}"
HOW_TO_ACTIVATE = (
    "start uvicorn with --ws fastframe.uvicorn:WSProtocol (active from its first connection on), or with fastframe run"
)

SUPPORTED_VERSIONS = ("0.36 and later",)

_log = logging.getLogger("fastframe")

_replaced: list[Any] = []  # the original of AutoWebSocketsProtocol
_settings: dict[str, Any] = {}  # of WSProtocol, before the options of `install`


def installed_version() -> str:
    """ImportError if uvicorn is not installed."""
    try:
        return importlib.metadata.version("uvicorn")
    except importlib.metadata.PackageNotFoundError:
        raise ImportError("uvicorn is not installed: pip install 'fastframe[uvicorn]'") from None


def check() -> None:
    """ImportError if uvicorn or wsproto, which does the handshake, is missing or too old."""
    version = installed_version()
    numbers = re.match(r"(\d+)\.(\d+)", version)
    if numbers is None or (int(numbers[1]), int(numbers[2])) < (0, 36):
        raise ImportError(f"uvicorn {version} is too old, its WebSockets cannot be replaced: pip install -U uvicorn")
    try:
        importlib.metadata.version("wsproto")
    except importlib.metadata.PackageNotFoundError:
        raise ImportError("uvicorn on fastframe needs wsproto: pip install 'fastframe[uvicorn]'") from None


def configure(options: Options) -> None:
    """The options for connections from now on, also where our class was chosen by name."""
    from fastframe.uvicorn import WSProtocol

    _restore_settings(WSProtocol)
    chosen: dict[str, Any] = {"max_message_size": options.max_message_size}
    if options.max_fragments is not None:
        chosen["max_fragments"] = options.max_fragments
    if options.deflate is not None:
        chosen["deflate"] = options.deflate or None
    for name, value in chosen.items():
        _settings[name] = getattr(WSProtocol, name)
        setattr(WSProtocol, name, value)


def _restore_settings(protocol: type) -> None:
    for name, value in _settings.items():
        setattr(protocol, name, value)
    _settings.clear()


def activate() -> None:
    """Puts ours in place; `check` must have passed."""
    from uvicorn.protocols.websockets import auto

    from fastframe.uvicorn import WSProtocol

    _replaced.append(auto.AutoWebSocketsProtocol)
    vars(auto)["AutoWebSocketsProtocol"] = WSProtocol


def deactivate() -> None:
    """Puts uvicorn's own choice back, but leaves alone what others have put over ours since."""
    from uvicorn.protocols.websockets import auto

    from fastframe.uvicorn import WSProtocol

    original = _replaced.pop()
    if vars(auto)["AutoWebSocketsProtocol"] is WSProtocol:
        vars(auto)["AutoWebSocketsProtocol"] = original
    else:
        _log.warning("uvicorn: AutoWebSocketsProtocol was replaced by other code after fastframe, and is left as it is")


def in_use() -> bool:
    """True if a server in this process was told to use ours by name, with `--ws fastframe.uvicorn:WSProtocol`."""
    ours = getattr(sys.modules.get("fastframe.uvicorn"), "WSProtocol", None)
    return ours is not None and ours.in_use
