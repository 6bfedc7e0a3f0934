"""The target "wsproto".

What changes: the global `wsproto.connection.FrameProtocol`, which is read for each new Connection, and three methods of
`wsproto.connection.Connection`, in place. The class itself stays, as others hold it by value and subclass it.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any

from fastframe._wsproto_version import SUPPORTED_VERSIONS, installed_version, supported_version
from fastframe.deflate import Deflate
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

WHAT = "wsproto {}"
HOW_TO_ACTIVATE = 'start the program with "fastframe run", or call fastframe.install("wsproto") in it'

METHODS = ("receive_data", "events", "send")

_log = logging.getLogger("fastframe")

# What was replaced, by name: where, what was there before, what was put there.
Replaced = dict[str, tuple[object, object, object]]
_replaced: Replaced = {}
_negotiation: Replaced = {}  # of PerMessageDeflate, for the option `deflate`


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
    for name, method in zip(METHODS, connection_methods(*originals)):
        _replace(_replaced, connection.Connection, name, method)
    _replace(_replaced, connection, "FrameProtocol", FrameProtocol)


def configure(options: Options) -> None:
    """The options for connections from now on; `check` must have passed."""
    from wsproto.extensions import PerMessageDeflate

    from fastframe._wsproto_decoder import set_options

    set_options(
        options.max_message_size, options.max_fragments, options.deflate or None, options.fix_interleaved_control
    )
    _restore(_negotiation)
    if options.deflate is False:
        _replace(_negotiation, PerMessageDeflate, "offer", lambda self: False)
        _replace(_negotiation, PerMessageDeflate, "accept", lambda self, offer: None)
    elif options.deflate is not None:
        _replace(_negotiation, PerMessageDeflate, "__init__", _init_with(PerMessageDeflate.__init__, options.deflate))


def _init_with(original: Callable[..., None], settings: Deflate) -> Callable[..., None]:
    @functools.wraps(original)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.server_no_context_takeover |= settings.server_no_context_takeover
        self.client_no_context_takeover |= settings.client_no_context_takeover
        self.server_max_window_bits = min(self.server_max_window_bits, settings.server_max_window_bits)
        self.client_max_window_bits = min(self.client_max_window_bits, settings.client_max_window_bits)

    return init


def deactivate() -> None:
    """Puts everything back, but leaves alone what others have put over it since."""
    _restore(_replaced)


def in_use() -> bool:
    """wsproto runs on fastframe only where it was installed."""
    return False


def _replace(replaced: Replaced, owner: object, name: str, ours: object) -> None:
    replaced[name] = (owner, vars(owner)[name], ours)
    setattr(owner, name, ours)


def _restore(replaced: Replaced) -> None:
    while replaced:
        name, (owner, original, ours) = replaced.popitem()
        if vars(owner)[name] is ours:
            setattr(owner, name, original)
        else:
            _log.warning("wsproto: %s was replaced by other code after fastframe, and is left as it is", name)
