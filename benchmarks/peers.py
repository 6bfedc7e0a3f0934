"""The codecs of other libraries, without their sockets: bytes in, a list of str and bytes out.

`receivers()` makes the side of a server for each library that is installed. Each is asked for nothing that it does not do by
itself: websockets leaves the decoding of text to its callers, so that is done here; wsproto hands out large messages in
pieces, which are left as they are.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from typing import Any

from fastframe import Decoder, Role

Message = str | bytes
Receive = Callable[[bytes], list[Message]]

LARGEST = 2**30


def fastframe_receiver() -> Receive:
    decoder = Decoder(Role.SERVER, max_message_size=LARGEST, max_frame_size=LARGEST)
    return lambda data: list(decoder.feed(data))


def wsproto_receiver() -> Receive:
    from wsproto.connection import SERVER, Connection

    connection = Connection(SERVER)

    def receive(data: bytes) -> list[Message]:
        connection.receive_data(data)
        return [event.data for event in connection.events()]  # type: ignore[attr-defined]

    return receive


def websockets_receiver() -> Receive:
    from websockets.frames import OP_TEXT
    from websockets.protocol import Protocol, Side

    protocol = Protocol(Side.SERVER, max_size=LARGEST)

    def receive(data: bytes) -> list[Message]:
        protocol.receive_data(data)
        return [
            bytes(frame.data).decode() if frame.opcode is OP_TEXT else frame.data  # type: ignore[union-attr]
            for frame in protocol.events_received()
        ]

    return receive


class Paused:
    """What aiohttp's queue wants of a protocol: flow control."""

    _reading_paused = False

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


def aiohttp_receiver(loop: asyncio.AbstractEventLoop) -> Receive:
    from aiohttp._websocket.reader import WebSocketDataQueue, WebSocketReader

    queue: Any = WebSocketDataQueue(Paused(), 2**30, loop=loop)
    reader = WebSocketReader(queue, LARGEST, compress=False, decode_text=True)

    def receive(data: bytes) -> list[Message]:
        reader.feed_data(data)
        found: list[Message] = []
        while queue._buffer:
            try:
                queue.read().send(None)  # never waits, as there is a message
            except StopIteration as done:
                found.append(done.value.data)
        return found

    return receive


class LoopbackTransport:
    """A connected socket that picows may set options on, and a place for what it writes."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self._peer = socket.create_connection(listener.getsockname())
            self._socket, _ = listener.accept()
        self._socket.setblocking(False)
        self.written: list[bytes] = []

    def get_extra_info(self, name: str, default: object = None) -> object:
        return {"socket": self._socket, "peername": "peer", "sockname": "server"}.get(name, default)

    def write(self, data: bytes) -> None:
        self.written.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return 0

    def close(self) -> None:
        self._socket.close()
        self._peer.close()


HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


async def picows_receiver() -> Receive:
    from picows import WSAutoPingStrategy
    from picows.picows import WSProtocol

    from benchmarks.picows_listener import CollectingListener

    listener = CollectingListener()
    protocol: Any = WSProtocol(
        None, None, False, lambda _request: listener, logging.getLogger("picows"), True, None, False, 10, 10,
        WSAutoPingStrategy.PING_WHEN_IDLE, True, LARGEST, None, 2**17,
    )  # fmt: skip
    protocol.connection_made(LoopbackTransport())

    def receive(data: bytes) -> list[Message]:
        rest = memoryview(data)
        while rest:
            buffer = protocol.get_buffer(-1)
            size = min(len(buffer), len(rest))
            buffer[:size] = rest[:size]
            protocol.buffer_updated(size)
            rest = rest[size:]
        found: list[Message] = listener.messages
        listener.messages = []
        return found

    receive(HANDSHAKE)
    return receive


def receivers() -> dict[str, Receive]:
    """By the name of the library, fastframe first."""
    loop = asyncio.new_event_loop()
    found = {"fastframe": fastframe_receiver()}
    with contextlib.suppress(ImportError):
        found["picows, compiled listener"] = loop.run_until_complete(picows_receiver())
    with contextlib.suppress(ImportError):
        found["aiohttp"] = aiohttp_receiver(loop)
    with contextlib.suppress(ImportError):
        found["websockets"] = websockets_receiver()
    with contextlib.suppress(ImportError):
        found["wsproto"] = wsproto_receiver()
    loop.close()
    return found
