"""The target "geventwebsocket", on which older versions of Flask-SocketIO run.

What changes: `read_message` and `send_frame` of `geventwebsocket.websocket.WebSocket`; and of that
module `Utf8Validator`, and `mask_payload` and `unmask_payload` of `Header`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from fastframe._codec.wsaccel import Utf8Validator
from fastframe._targets.frame_log import FrameLog
from fastframe._targets.library import Library, Replacement
from fastframe._targets.overheard import Overheard, after, before
from fastframe._targets.paths import changed_method, deciding_without_attributes
from fastframe._targets.target import Target
from fastframe.geventwebsocket.functions import masking, reading, sending

MODULE = "geventwebsocket.websocket"
METHODS = (
    "read_message", "read_frame", "validate_utf8", "_decode_bytes", "_encode_bytes", "send_frame",
)  # fmt: skip
HEADER_METHODS = ("mask_payload", "unmask_payload", "decode_header", "encode_header")


def why_not(connection: Any) -> str | None:
    """Why a connection takes geventwebsocket's own path; None if it need not."""
    from geventwebsocket.websocket import Header, WebSocket  # type: ignore[import-untyped]

    return changed_method(connection, WebSocket, METHODS) or changed_method(
        Header(), Header, HEADER_METHODS[:2]
    )


def listen(connection: Any, log: FrameLog) -> None:
    stream = connection.stream
    connection.stream = Overheard(stream, read=after(stream.read, log.received))
    connection.raw_read = after(connection.raw_read, log.received)
    connection.raw_write = before(connection.raw_write, log.sent)


class GeventwebsocketTarget(Library):
    name = "geventwebsocket"
    distribution = "gevent-websocket"
    relied_on: tuple[str, ...] = (
        *(f"websocket:Header.{name}" for name in HEADER_METHODS),
        *(f"websocket:WebSocket.{name}" for name in METHODS), "websocket:WebSocket.__init__",
        "websocket:WebSocket.handle_close",
        "utf8validator:Utf8Validator",
    )  # fmt: skip
    how_to_activate = (
        'start the program with "fastframe run", or call fastframe.install("geventwebsocket") in it'
    )

    def replacements(self) -> tuple[Replacement, ...]:
        counted, follows = deciding_without_attributes(self.name, why_not, METHODS, listen=listen)
        return (
            Replacement(MODULE, "Utf8Validator", lambda original: partial(Utf8Validator, original)),
            Replacement(f"{MODULE}:Header", "mask_payload", masking),
            Replacement(f"{MODULE}:Header", "unmask_payload", masking),
            Replacement(f"{MODULE}:WebSocket", "__init__", counted),
            Replacement(f"{MODULE}:WebSocket", "read_message", partial(reading, follows)),
            Replacement(f"{MODULE}:WebSocket", "send_frame", partial(sending, follows)),
        )


TARGET: Target = GeventwebsocketTarget()
