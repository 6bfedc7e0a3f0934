"""The target "wsproto".

What changes: the global `wsproto.connection.FrameProtocol`, which is read for each new Connection, and three methods of
`wsproto.connection.Connection`, in place. The class itself stays, as others hold it by value and subclass it.
"""

from __future__ import annotations

from typing import Any

from fastframe._wsproto_version import SUPPORTED_VERSIONS, installed_version, supported_version

__all__ = ["SUPPORTED_VERSIONS", "activate", "check", "deactivate", "installed_version"]

METHODS = ("receive_data", "events", "send")

# What was there before, by name.
_original: dict[str, Any] = {}


def check() -> None:
    """ImportError if wsproto is missing, has an untested version, or has been changed by someone else."""
    supported_version()
    from wsproto import connection, frame_protocol

    if _original:
        return
    changed = [name for name in METHODS if getattr(connection.Connection, name).__module__ != connection.__name__]
    if vars(connection)["FrameProtocol"] is not frame_protocol.FrameProtocol:
        changed.append("FrameProtocol")
    if changed:
        raise ImportError(f"wsproto.connection has been patched by other code already: {', '.join(changed)}")


def activate() -> None:
    """Puts ours in place; `check` must have passed."""
    from wsproto import connection

    from fastframe._connection import connection_methods
    from fastframe.frame_protocol import FrameProtocol

    originals = [vars(connection.Connection)[name] for name in METHODS]
    for name, original, method in zip(METHODS, originals, connection_methods(*originals)):
        _replace(connection.Connection, name, method)
        _original[name] = original
    _original["FrameProtocol"] = vars(connection)["FrameProtocol"]
    _replace(connection, "FrameProtocol", FrameProtocol)


def deactivate() -> None:
    """Puts everything back."""
    from wsproto import connection

    _replace(connection, "FrameProtocol", _original.pop("FrameProtocol"))
    for name in METHODS:
        _replace(connection.Connection, name, _original.pop(name))


def _replace(owner: object, name: str, value: object) -> None:
    setattr(owner, name, value)
