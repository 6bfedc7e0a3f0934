"""The target "autobahn", on which crossbar and daphne run, and on daphne Django's channels.

What changes: `processData` and `sendMessage` of `autobahn.websocket.protocol.WebSocketProtocol`;
and `Utf8Validator` and `create_xor_masker` of that module, which connections from now on use.
"""

from __future__ import annotations

import functools
from typing import Any

from fastframe._codec.wsaccel import Utf8Validator
from fastframe._targets.frame_log import FrameLog
from fastframe._targets.library import Library, Replacement
from fastframe._targets.overheard import before, overhear_writes
from fastframe._targets.paths import changed_method, deciding
from fastframe._targets.replaced import written_in
from fastframe._targets.target import Target
from fastframe.autobahn.functions import creating_masker, processing, sending

MODULE = "autobahn.websocket.protocol"
PROTOCOL = f"{MODULE}:WebSocketProtocol"
METHODS = (
    "processData", "onFrameBegin", "onFrameData", "onFrameEnd", "onMessageBegin",
    "onMessageFrameBegin", "onMessageFrameData", "onMessageFrameEnd", "onMessageFrame",
    "onMessageEnd", "sendMessage", "sendFrame", "sendData",
)  # fmt: skip
"""That are replaced or gone past, or that must be as they are."""
HOOKS = (
    "_onMessageBegin", "_onMessageFrameBegin", "_onMessageFrameData", "_onMessageFrameEnd",
    "_onMessageFrame", "_onMessageEnd", "fire",
)  # fmt: skip
"""That asyncio's and Twisted's adapters have, and that are gone past."""


def why_not(connection: Any) -> str | None:
    """Why a connection takes autobahn's own path; None if it need not."""
    from autobahn.websocket.protocol import WebSocketProtocol

    if connection.websocket_version == 0:
        return "its peer speaks an old draft of the protocol"
    return changed_method(connection, WebSocketProtocol, METHODS) or changed_hook(connection)


def changed_hook(connection: Any) -> str | None:
    for name in HOOKS:
        owner = next(kind for kind in type(connection).__mro__ if name in vars(kind))
        module = written_in(vars(owner)[name]).partition(".")[0]
        if module != "autobahn" or name in vars(connection):
            kind = type(connection)
            return f"{kind.__module__}.{kind.__qualname__} has its own {name}"
    return None


def listen(connection: Any, log: FrameLog) -> None:
    log.received(connection.data or b"")
    connection._dataReceived = before(connection._dataReceived, log.received)
    overhear_writes(connection, log.sent)


def role(connection: Any) -> str:
    return "server" if connection.factory.isServer else "client"


class AutobahnTarget(Library):
    name = distribution = "autobahn"
    relied_on: tuple[str, ...] = (
        "websocket.xormasker:create_xor_masker", "websocket.utf8validator:Utf8Validator",
        "nvx._xormasker:create_xor_masker", "nvx._utf8validator:Utf8Validator",
        *(f"websocket.protocol:WebSocketProtocol.{name}" for name in METHODS),
        "websocket.protocol:WebSocketProtocol._connectionMade",
        "websocket.protocol:WebSocketProtocol.onCloseFrame",
        "websocket.protocol:WebSocketProtocol.consumeData",
        "websocket.protocol:WebSocketProtocol.beginMessageFrame",
        *(f"asyncio.websocket:WebSocketAdapterProtocol.{name}" for name in HOOKS[:-1]),
        *(f"twisted.websocket:WebSocketAdapterProtocol.{name}" for name in HOOKS[:-1]),
        "util:ObservableMixin.fire",
    )  # fmt: skip
    how_to_activate = (
        'start the program with "fastframe run", or call fastframe.install("autobahn") in it'
    )

    def replacements(self) -> tuple[Replacement, ...]:
        follows = deciding(self.name, why_not, role, listen=listen, may_be_lost=False)
        return (
            Replacement(
                MODULE, "Utf8Validator", lambda original: functools.partial(Utf8Validator, original)
            ),
            Replacement(MODULE, "create_xor_masker", creating_masker),
            Replacement(PROTOCOL, "processData", functools.partial(processing, follows)),
            Replacement(PROTOCOL, "sendMessage", functools.partial(sending, follows)),
        )


TARGET: Target = AutobahnTarget()
