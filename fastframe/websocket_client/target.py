"""The target "websocket-client", a client that selenium, kubernetes, docker, slack and
python-socketio use.

What changes: `recv`, `recv_data_frame` and `send` of `websocket._core.WebSocket`; `recv` and `send`
of that module, which read and write the socket; `websocket._utils._validate_utf8`,
`websocket._abnf._mask` and `ABNF.mask`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from fastframe._targets.frame_log import FrameLog
from fastframe._targets.library import Library, Replacement
from fastframe._targets.overheard import after
from fastframe._targets.paths import changed_method, deciding
from fastframe._targets.target import Target
from fastframe.websocket_client.functions import masking, masking_arrays, validating
from fastframe.websocket_client.messages import (
    reading_socket,
    receiving,
    receiving_frames,
    sending,
    writing_socket,
)

CORE = "websocket._core"
METHODS = ("recv", "recv_data", "recv_data_frame", "recv_frame", "_recv", "send", "send_frame",
    "_send")  # fmt: skip
BUFFER_METHODS = ("recv_frame", "recv_header", "recv_length", "recv_mask", "recv_strict", "clear")
FRAGMENT_METHODS = ("validate", "add", "is_fire", "extract")
FRAME_METHODS = ("create_frame", "format", "_get_masked", "mask", "validate")


def why_not(connection: Any) -> str | None:
    """Why a connection takes websocket-client's own path; None if it need not."""
    from websocket._abnf import ABNF, continuous_frame, frame_buffer
    from websocket._core import WebSocket

    return (
        changed_method(connection, WebSocket, METHODS)
        or changed_method(connection.frame_buffer, frame_buffer, BUFFER_METHODS)
        or changed_method(connection.cont_frame, continuous_frame, FRAGMENT_METHODS)
        or changed_method(ABNF.__new__(ABNF), ABNF, FRAME_METHODS)
    )


def listen(connection: Any, log: FrameLog) -> None:
    frames = connection.frame_buffer
    log.received(b"".join(frames.recv_buffer))
    frames.recv = after(frames.recv, log.received)
    send = connection._send

    def overheard_send(data: Any) -> Any:
        size = send(data)
        log.sent(data[:size])
        return size

    connection._send = overheard_send


class WebsocketClientTarget(Library):
    name = distribution = "websocket-client"
    relied_on: tuple[str, ...] = (
        "_utils:_validate_utf8", "_utils:validate_utf8", "_abnf:_mask",
        *(f"_abnf:ABNF.{name}" for name in FRAME_METHODS), "_abnf:ABNF.__init__",
        *(f"_abnf:frame_buffer.{name}" for name in BUFFER_METHODS),
        *(f"_abnf:continuous_frame.{name}" for name in FRAGMENT_METHODS),
        "_socket:recv", "_socket:send", "_handshake:handshake", "_core:WebSocket.connect",
        *(f"_core:WebSocket.{name}" for name in METHODS),
    )  # fmt: skip
    how_to_activate = (
        'start the program with "fastframe run", or '
        'call fastframe.install("websocket-client") in it'
    )

    def replacements(self) -> tuple[Replacement, ...]:
        follows = deciding(self.name, why_not, lambda _: "client", listen=listen, may_be_lost=False)
        return (
            Replacement("websocket._utils", "_validate_utf8", validating),
            Replacement("websocket._abnf", "_mask", masking_arrays),
            Replacement(
                "websocket._abnf:ABNF",
                "mask",
                lambda original: staticmethod(masking(original.__func__)),
            ),
            Replacement(CORE, "recv", reading_socket),
            Replacement(CORE, "send", writing_socket),
            Replacement(f"{CORE}:WebSocket", "recv", partial(receiving, follows)),
            Replacement(f"{CORE}:WebSocket", "recv_data_frame", partial(receiving_frames, follows)),
            Replacement(f"{CORE}:WebSocket", "send", partial(sending, follows)),
        )


TARGET: Target = WebsocketClientTarget()
