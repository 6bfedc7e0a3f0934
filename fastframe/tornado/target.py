"""The target "tornado", on which Jupyter, Bokeh, Panel and rosbridge run: servers, and
`websocket_connect`.

What changes: `_receive_frame_loop` and `write_message` of `tornado.websocket.WebSocketProtocol13`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from fastframe._targets.frame_log import FrameLog
from fastframe._targets.library import Library, Replacement
from fastframe._targets.paths import changed_method, deciding
from fastframe._targets.target import Target
from fastframe.tornado.functions import receiving, writing

PROTOCOL = "tornado.websocket:WebSocketProtocol13"
METHODS = (
    "_receive_frame", "_read_bytes", "_handle_message", "_run_callback", "write_message",
    "_write_frame",
)  # fmt: skip
STREAM_METHODS = (
    "read_bytes", "read_into", "read_until_regex", "write", "_start_read", "_try_inline_read",
    "_find_read_pos", "_read_to_buffer_loop", "_read_to_buffer", "_read_from_buffer",
    "_finish_read", "_consume",
)  # fmt: skip


def why_not(connection: Any) -> str | None:
    """Why a connection takes tornado's own path; None if it need not."""
    from tornado.iostream import BaseIOStream
    from tornado.websocket import WebSocketProtocol13

    return changed_method(connection, WebSocketProtocol13, METHODS) or changed_method(
        connection.stream, BaseIOStream, STREAM_METHODS
    )


def listen(connection: Any, log: FrameLog) -> None:
    stream = connection.stream
    receive, send = stream.read_from_fd, stream.write_to_fd

    def read_from_fd(buffer: Any) -> Any:
        size = receive(buffer)
        if size:
            log.received(bytes(memoryview(buffer)[:size]))
        return size

    def write_to_fd(data: Any) -> Any:
        copy = bytes(data)  # which is released in there
        size = send(data)
        log.sent(copy[:size])
        return size

    stream.read_from_fd, stream.write_to_fd = read_from_fd, write_to_fd
    log.received(bytes(stream._read_buffer[getattr(stream, "_read_buffer_pos", 0) :]))


def role(connection: Any) -> str:
    return "client" if connection.mask_outgoing else "server"


class TornadoTarget(Library):
    name = distribution = "tornado"
    relied_on: tuple[str, ...] = (
        *(f"websocket:WebSocketProtocol13.{name}" for name in METHODS if name != "_run_callback"),
        "websocket:WebSocketProtocol._run_callback", "websocket:WebSocketProtocol13.__init__",
        "websocket:WebSocketProtocol13._receive_frame_loop",
        *(f"iostream:BaseIOStream.{name}" for name in STREAM_METHODS),
        "iostream:BaseIOStream.__init__", "iostream:BaseIOStream._handle_write",
        "iostream:BaseIOStream._maybe_add_error_listener", "iostream:_StreamBuffer.append",
    )  # fmt: skip
    how_to_activate = (
        'start the program with "fastframe run", or call fastframe.install("tornado") in it'
    )

    def replacements(self) -> tuple[Replacement, ...]:
        follows = deciding(self.name, why_not, role, listen=listen)
        return (
            Replacement(PROTOCOL, "_receive_frame_loop", partial(receiving, follows)),
            Replacement(PROTOCOL, "write_message", partial(writing, follows)),
        )


TARGET: Target = TornadoTarget()
