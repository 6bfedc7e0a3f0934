"""The target "uvicorn".

What changes: the global `uvicorn.protocols.websockets.auto.AutoWebSocketsProtocol`, which `--ws auto`, uvicorn's default, stands for; it
becomes `fastframe.uvicorn:WSProtocol`. Whoever names another implementation gets that one.
"""

from __future__ import annotations

import importlib.metadata
import logging
import sys
from typing import Any

from fastframe.patches.options import Options

__all__ = ["SUPPORTED_VERSIONS", "activate", "check", "configure", "deactivate", "in_use", "installed_version"]

SUPPORTED_VERSIONS = ("0.36 and later",)

_log = logging.getLogger("fastframe")

_replaced: dict[str, Any] = {}  # the original of AutoWebSocketsProtocol, and ours
_chosen: dict[str, Any] = {}  # what ours does otherwise than WSProtocol


def installed_version() -> str:
    """ImportError if uvicorn is not installed."""
    try:
        return importlib.metadata.version("uvicorn")
    except importlib.metadata.PackageNotFoundError:
        raise ImportError("uvicorn is not installed: pip install 'fastframe[uvicorn]'") from None


def check() -> None:
    """ImportError if uvicorn or wsproto, which does the handshake, is missing or too old."""
    version = installed_version()
    if tuple(int(part) for part in version.split(".")[:2]) < (0, 36):
        raise ImportError(f"uvicorn {version} is too old, its WebSockets cannot be replaced: pip install -U uvicorn")
    try:
        importlib.metadata.version("wsproto")
    except importlib.metadata.PackageNotFoundError:
        raise ImportError("uvicorn on fastframe needs wsproto: pip install 'fastframe[uvicorn]'") from None


def configure(options: Options) -> None:
    """The options for servers that load their settings from now on."""
    _chosen.clear()
    if options.max_message_size is not None:
        _chosen["max_message_size"] = options.max_message_size
    if options.max_fragments is not None:
        _chosen["max_fragments"] = options.max_fragments
    if options.deflate is not None:
        _chosen["deflate"] = options.deflate or None
    if _replaced:
        deactivate()
        activate()


def activate() -> None:
    """Puts ours in place; `check` must have passed."""
    from uvicorn.protocols.websockets import auto

    from fastframe.uvicorn import WSProtocol

    ours = type("WSProtocol", (WSProtocol,), dict(_chosen)) if _chosen else WSProtocol
    _replaced.update(original=auto.AutoWebSocketsProtocol, ours=ours)
    auto.AutoWebSocketsProtocol = ours


def deactivate() -> None:
    """Puts uvicorn's own choice back, but leaves alone what others have put over ours since."""
    from uvicorn.protocols.websockets import auto

    if auto.AutoWebSocketsProtocol is _replaced["ours"]:
        auto.AutoWebSocketsProtocol = _replaced["original"]
    else:
        _log.warning("uvicorn: AutoWebSocketsProtocol was replaced by other code after fastframe, and is left as it is")
    _replaced.clear()


def in_use() -> bool:
    """True if a server in this process was told to use ours by name, with `--ws fastframe.uvicorn:WSProtocol`."""
    ours = getattr(sys.modules.get("fastframe.uvicorn"), "WSProtocol", None)
    return ours is not None and ours.in_use
