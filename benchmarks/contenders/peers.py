"""The codecs of other libraries, without their sockets: bytes in, a list of str and bytes out; and
back.

`receivers()` makes the side of a server for each library that is installed. Each is asked for
nothing that it does not do by itself: websockets leaves the decoding of text to its callers, so
that is done here; wsproto hands out large messages in pieces, which are left as they are.
`senders(role)` makes what turns a message into a frame.
"""

from __future__ import annotations

import asyncio
import atexit
import base64
import contextlib
import hashlib
import logging
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastframe import Decoder, Encoder, Role

Message = str | bytes
Receive = Callable[[bytes], list[Message]]

LARGEST = 2**30


def fastframe_receiver() -> Receive:
    decoder: Any = Decoder(Role.SERVER, max_message_size=LARGEST)
    return lambda data: list(decoder.feed(data))


def wsproto_receiver() -> Receive:
    from wsproto.connection import SERVER, Connection

    connection = Connection(SERVER)

    def receive(data: bytes) -> list[Message]:
        connection.receive_data(data)
        return [event.data for event in connection.events()]  # type: ignore[attr-defined]

    return receive


def websockets_receiver() -> Receive:
    from websockets.frames import Opcode
    from websockets.protocol import Protocol, Side

    protocol = Protocol(Side.SERVER, max_size=LARGEST)

    def receive(data: bytes) -> list[Message]:
        protocol.receive_data(data)
        frames: list[Any] = protocol.events_received()
        return [
            str(frame.data, "utf-8") if frame.opcode is Opcode.TEXT else bytes(frame.data)
            for frame in frames
        ]

    return receive


class Paused:
    """What aiohttp's queue wants of a protocol: flow control."""

    _reading_paused = False

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


def aiohttp_receiver(loop: asyncio.AbstractEventLoop) -> Receive:
    from aiohttp._websocket.reader import WebSocketDataQueue, WebSocketReader

    flow_control: Any = Paused()
    queue: Any = WebSocketDataQueue(flow_control, 2**30, loop=loop)
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
    """A connected socket that picows may set options on, and a place for the last that it wrote:
    nothing is sent."""

    def __init__(self) -> None:
        self.written: deque[bytes] = deque(maxlen=2)
        self.write = self.written.append
        self.writelines = self.written.extend
        # Not 0, so that picows does not write to the socket itself; a method in C, as it is asked
        # for each frame.
        self.get_write_buffer_size = (1).__index__
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self._peer = socket.create_connection(listener.getsockname())
            self._socket, _ = listener.accept()
        self._socket.setblocking(False)
        atexit.register(self.close)

    def get_extra_info(self, name: str, default: object = None) -> object:
        return {"socket": self._socket, "peername": "peer", "sockname": "server"}.get(name, default)

    def close(self) -> None:
        self._socket.close()
        self._peer.close()


HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


async def picows_protocol(
    listener: object, transport: LoopbackTransport, *, is_client: bool
) -> Any:
    import picows.picows
    from picows import WSAutoPingStrategy

    compiled: Any = picows.picows
    protocol = compiled.WSProtocol(
        "localhost", "/", is_client, lambda _request: listener, logging.getLogger("picows"), True,
        None, False, 10, 10,
        WSAutoPingStrategy.PING_WHEN_IDLE, True, LARGEST, None, 2**17,
    )  # fmt: skip
    protocol.connection_made(transport)
    picows_feed(protocol, answer_to(transport.written[-1]) if is_client else HANDSHAKE)
    return protocol


def answer_to(request: bytes) -> bytes:
    """The server's answer to a client's opening handshake (RFC 6455, 4.2.2)."""
    key = request.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0]
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def picows_feed(protocol: Any, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        buffer = protocol.get_buffer(-1)
        size = min(len(buffer), len(rest))
        buffer[:size] = rest[:size]
        protocol.buffer_updated(size)
        rest = rest[size:]


def python_listener() -> Any:
    from picows import WSFrame, WSListener, WSMsgType, WSTransport

    class Listener(WSListener):
        def __init__(self) -> None:
            self.messages: list[Message] = []

        def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
            if frame.msg_type == WSMsgType.TEXT:
                self.messages.append(frame.get_payload_as_utf8_text())
            else:
                self.messages.append(frame.get_payload_as_bytes())

    return Listener()


def compiled_listener() -> Any:
    from benchmarks.contenders.picows_listener import CollectingListener

    return CollectingListener()


async def picows_receiver(listener: Any) -> Receive:
    protocol = await picows_protocol(listener, LoopbackTransport(), is_client=False)

    def receive(data: bytes) -> list[Message]:
        picows_feed(protocol, data)
        found: list[Message] = listener.messages
        listener.messages = []
        return found

    return receive


def compiled_receiver() -> Receive:
    from benchmarks.contenders.compiled_consumer import messages

    decoder = Decoder(Role.SERVER)
    return lambda data: messages(decoder, data)


def receivers() -> dict[str, Receive]:
    """By the name of the library, fastframe first."""
    loop = asyncio.new_event_loop()
    found = {"fastframe": fastframe_receiver(), "fastframe, compiled consumer": compiled_receiver()}
    with contextlib.suppress(ImportError):
        found["picows, compiled listener"] = loop.run_until_complete(
            picows_receiver(compiled_listener())
        )
        found["picows, Python listener"] = loop.run_until_complete(
            picows_receiver(python_listener())
        )
    with contextlib.suppress(ImportError):
        found["aiohttp"] = aiohttp_receiver(loop)
    with contextlib.suppress(ImportError):
        found["websockets"] = websockets_receiver()
    with contextlib.suppress(ImportError):
        found["wsproto"] = wsproto_receiver()
    loop.close()
    return found


def counters() -> dict[str, Callable[[bytes], int]]:
    """Compiled consumers that keep nothing: how many characters the ASCII texts in these bytes
    have, made into a str or where they are."""
    from benchmarks.contenders.compiled_consumer import characters, payload_bytes

    decoder = Decoder(Role.SERVER)
    found: dict[str, Callable[[bytes], int]] = {
        "fastframe, str": lambda data: characters(decoder, data),
        "fastframe, payload": lambda data: payload_bytes(decoder, data),
    }
    with contextlib.suppress(ImportError):
        from benchmarks.contenders.picows_listener import CountingListener, PayloadListener

        found["picows, str"] = picows_counter(CountingListener())
        found["picows, payload, not validated"] = picows_counter(PayloadListener())
    return found


def picows_counter(listener: Any) -> Callable[[bytes], int]:
    loop = asyncio.new_event_loop()
    protocol = loop.run_until_complete(
        picows_protocol(listener, LoopbackTransport(), is_client=False)
    )
    loop.close()

    def count(data: bytes) -> int:
        before: int = listener.count
        picows_feed(protocol, data)
        after: int = listener.count
        return after - before

    return count


# ---- the other way -------------------------------------------------------------------------------


@dataclass
class Sender:
    """`send` makes a frame, and `frame` returns it as bytes."""

    send: Callable[[Message], object]
    frame: Callable[[Message], bytes]


def fastframe_sender(role: Role) -> Sender:
    encoder = Encoder(role)
    return Sender(encoder.message, encoder.message)


def wsproto_sender(role: Role) -> Sender:
    from wsproto.connection import CLIENT, SERVER, Connection
    from wsproto.events import BytesMessage, TextMessage

    connection = Connection(CLIENT if role is Role.CLIENT else SERVER)

    def send(message: Message) -> bytes:
        return connection.send(
            TextMessage(message) if isinstance(message, str) else BytesMessage(message)
        )

    return Sender(send, send)


def websockets_sender(role: Role) -> Sender:
    from websockets.frames import Frame, Opcode

    mask = role is Role.CLIENT

    def send(message: Message) -> bytes:
        if isinstance(message, str):
            return Frame(Opcode.TEXT, message.encode()).serialize(mask=mask)
        return Frame(Opcode.BINARY, message).serialize(mask=mask)

    return Sender(send, send)


async def picows_sender(role: Role) -> Sender:
    from picows import WSListener, WSMsgType

    transport = LoopbackTransport()
    protocol = await picows_protocol(WSListener(), transport, is_client=role is Role.CLIENT)
    write = protocol.transport.send
    text, binary = WSMsgType.TEXT, WSMsgType.BINARY

    def send(message: Message) -> None:
        if isinstance(message, str):
            write(text, message.encode())
        else:
            write(binary, message)

    def frame(message: Message) -> bytes:
        transport.written.clear()
        send(message)
        return b"".join(transport.written)

    return Sender(send, frame)


def senders(role: Role) -> dict[str, Sender]:
    """By the name of the library, fastframe first."""
    loop = asyncio.new_event_loop()
    found = {"fastframe": fastframe_sender(role)}
    with contextlib.suppress(ImportError):
        found["picows"] = loop.run_until_complete(picows_sender(role))
    with contextlib.suppress(ImportError):
        found["websockets"] = websockets_sender(role)
    with contextlib.suppress(ImportError):
        found["wsproto"] = wsproto_sender(role)
    loop.close()
    return found
