"""The target "wsproto".

What changes: the global `wsproto.connection.FrameProtocol`, which is read for each new Connection, and three methods of
`wsproto.connection.Connection`, in place. The class itself stays, as others hold it by value and subclass it.
"""

from __future__ import annotations

import logging

from fastframe._wsproto_version import SUPPORTED_VERSIONS, installed_version, supported_version

__all__ = ["SUPPORTED_VERSIONS", "activate", "check", "deactivate", "installed_version"]

METHODS = ("receive_data", "events", "send")

_log = logging.getLogger("fastframe")

# What was replaced, by name: where, what was there before, what was put there.
_replaced: dict[str, tuple[object, object, object]] = {}


def check() -> None:
    """ImportError if wsproto is missing, has an untested version, or has been changed by someone else."""
    supported_version()
    from wsproto import connection, frame_protocol

    if _replaced:
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
        _replace(connection.Connection, name, original, method)
    _replace(connection, "FrameProtocol", vars(connection)["FrameProtocol"], FrameProtocol)


def _replace(owner: object, name: str, original: object, ours: object) -> None:
    setattr(owner, name, ours)
    _replaced[name] = (owner, original, ours)


def deactivate() -> None:
    """Puts everything back, but leaves alone what others have put over it since."""
    while _replaced:
        name, (owner, original, ours) = _replaced.popitem()
        if vars(owner)[name] is ours:
            setattr(owner, name, original)
        else:
            _log.warning(
                "wsproto.connection: %s was replaced by other code after fastframe, and is left as it is", name
            )
