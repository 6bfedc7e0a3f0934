"""The target "geventwebsocket", on which older versions of Flask-SocketIO run.

What changes: `geventwebsocket.websocket.Utf8Validator`, and `mask_payload` and `unmask_payload` of
`Header` in the same module; and `WebSocket.__init__`, to count connections.
"""

from __future__ import annotations

import functools

from fastframe._codec.wsaccel import Utf8Validator
from fastframe._targets.library import Library, Replacement
from fastframe._targets.target import Target
from fastframe.geventwebsocket.functions import masking

MODULE = "geventwebsocket.websocket"


class GeventwebsocketTarget(Library):
    name = "geventwebsocket"
    distribution = "gevent-websocket"
    relied_on: tuple[str, ...] = (
        "websocket:Header.mask_payload", "websocket:Header.unmask_payload",
        "websocket:WebSocket.__init__", "websocket:WebSocket.read_frame",
        "websocket:WebSocket.validate_utf8", "websocket:WebSocket.handle_close",
        "utf8validator:Utf8Validator",
    )  # fmt: skip
    how_to_activate = (
        'start the program with "fastframe run", or call fastframe.install("geventwebsocket") in it'
    )

    def replacements(self) -> tuple[Replacement, ...]:
        return (
            Replacement(
                MODULE, "Utf8Validator", lambda original: functools.partial(Utf8Validator, original)
            ),
            Replacement(f"{MODULE}:Header", "mask_payload", masking),
            Replacement(f"{MODULE}:Header", "unmask_payload", masking),
            Replacement(f"{MODULE}:WebSocket", "__init__", self.counted),
        )


TARGET: Target = GeventwebsocketTarget()
