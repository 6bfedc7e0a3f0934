"""The target "autobahn", on which crossbar and daphne run, and on daphne Django's channels.

What changes: `Utf8Validator` and `create_xor_masker` of `autobahn.websocket.protocol`, which
connections from now on use; and `WebSocketProtocol._connectionMade`, to count them.
"""

from __future__ import annotations

import functools

from fastframe._codec.wsaccel import Utf8Validator
from fastframe._targets.library import Library, Replacement
from fastframe._targets.target import Target
from fastframe.autobahn.functions import creating_masker

MODULE = "autobahn.websocket.protocol"


class AutobahnTarget(Library):
    name = distribution = "autobahn"
    relied_on: tuple[str, ...] = (
        "websocket.xormasker:create_xor_masker", "websocket.utf8validator:Utf8Validator",
        "nvx._xormasker:create_xor_masker",
        "nvx._utf8validator:Utf8Validator", "websocket.protocol:WebSocketProtocol._connectionMade",
        "websocket.protocol:WebSocketProtocol.onCloseFrame",
        "websocket.protocol:WebSocketProtocol.processData",
        "websocket.protocol:WebSocketProtocol.onFrameBegin",
        "websocket.protocol:WebSocketProtocol.onFrameData",
        "websocket.protocol:WebSocketProtocol.sendFrame",
        "websocket.protocol:WebSocketProtocol.beginMessageFrame",
    )  # fmt: skip
    how_to_activate = (
        'start the program with "fastframe run", or call fastframe.install("autobahn") in it'
    )

    def replacements(self) -> tuple[Replacement, ...]:
        return (
            Replacement(
                MODULE, "Utf8Validator", lambda original: functools.partial(Utf8Validator, original)
            ),
            Replacement(MODULE, "create_xor_masker", creating_masker),
            Replacement(f"{MODULE}:WebSocketProtocol", "_connectionMade", self.counted),
        )


TARGET: Target = AutobahnTarget()
