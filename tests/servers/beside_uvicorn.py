"""What an application and a peer see of uvicorn's own class and of fastframe's, without sockets:
the same steps over each, and what came of them."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Iterable
from typing import Any

from uvicorn.config import Config
from uvicorn.server import ServerState

from fastframe import Close, Decoder, ProtocolError, Role
from fastframe.deflate import Deflate

OFFER = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
REQUEST = (
    b"GET /echo HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n%s"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
RULES = (1002, 1007, 1009)
"""Codes of a broken rule: the words beside them are each implementation's own."""

Step = tuple[Any, ...]
"""("deliver", bytes): the peer sends; ("send", message) and ("close", code, reason): the
application does; ("end",): the peer's side of the connection ends; ("lost", error): it is reset."""


class MemoryTransport(asyncio.Transport):
    """Delivers what is not paused, and tells of its end as a loop does: afterwards."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.loop = loop
        self.protocol: Any = None
        self.written: list[bytes] = []
        self.waiting = bytearray()
        self.paused = self.closing = self.half_closed = self.lost = False

    def deliver(self, data: bytes) -> None:
        self.waiting += data
        self.read()

    def read(self) -> None:
        while self.waiting and not (self.paused or self.closing):
            protocol = self.protocol
            if isinstance(protocol, asyncio.BufferedProtocol):
                view = protocol.get_buffer(-1)
                size = min(len(view), len(self.waiting))
                view[:size] = self.waiting[:size]
                del self.waiting[:size]
                protocol.buffer_updated(size)
            else:
                data, self.waiting = bytes(self.waiting), bytearray()
                protocol.data_received(data)

    def end(self) -> None:
        if not self.closing and not self.protocol.eof_received():
            self.close()

    def lose(self, error: Exception | None) -> None:
        if not self.lost:
            self.closing = self.lost = True
            self.protocol.connection_lost(error)

    def close(self) -> None:
        if not self.closing:
            self.closing = True
            self.loop.call_soon(self.lose, None)

    abort = close

    def write(self, data: Any) -> None:
        if not self.closing and not self.half_closed:
            self.written.append(bytes(data))

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.half_closed = True

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False
        self.loop.call_soon(self.read)


class Application:
    """Receives all the time, and sends when a step says so."""

    def __init__(self) -> None:
        self.received: list[Any] = []
        self.send: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.send = send
        await receive()
        await send({"type": "websocket.accept"})
        while True:
            event = await receive()
            self.received.append(seen(event))
            if event["type"] == "websocket.disconnect":
                return


def seen(event: dict[str, Any]) -> Any:
    if event["type"] == "websocket.receive":
        data = event["text"] if event.get("bytes") is None else event["bytes"]
        return type(data), data
    code = event["code"]
    return "disconnect", code, "" if code in RULES else event.get("reason", "")


async def turns() -> None:
    for _ in range(4):
        await asyncio.sleep(0)


async def played(protocol_class: type[Any], steps: Iterable[Step], **settings: Any) -> list[Any]:
    """What the application received and what it was told, and what the peer received, in order.

    settings: uvicorn's, and `offer`: whether the peer offers permessage-deflate.
    """
    application, state = Application(), ServerState()
    offer = settings.pop("offer", False)
    protocol = protocol_class(configuration(application, settings), state, {})
    transport = MemoryTransport(asyncio.get_running_loop())
    transport.protocol = protocol
    protocol.connection_made(transport)
    transport.deliver(REQUEST % (OFFER if offer else b""))
    await turns()
    head = b"".join(transport.written)
    assert head.startswith(b"HTTP/1.1 101 "), head
    transport.written.clear()
    told: list[Any] = []
    for step in steps:
        await take(step, transport, application, told)
    await turns()
    if not transport.lost:
        transport.end()
        await turns()
        transport.lose(None)
    await asyncio.gather(*state.tasks)
    assert not state.connections
    return [application.received, told, read_by_peer(head, transport.written)]


def configuration(application: Application, settings: dict[str, Any]) -> Config:
    config = _configuration(**settings)
    config.loaded_app = application
    return config


@functools.cache
def _configuration(**settings: Any) -> Config:
    config = Config(None, log_config=None, lifespan="off", ws_ping_interval=None, **settings)  # type: ignore[arg-type]
    config.app = Application()
    config.load()
    return config


async def take(
    step: Step, transport: MemoryTransport, application: Application, told: list[Any]
) -> None:
    what, *values = step
    if what == "deliver":
        transport.deliver(values[0])
        await turns()
        return
    if what == "end":
        transport.end()
        await turns()
        return
    if what == "lost":
        transport.lose(values[0])
        await turns()
        return
    if what == "send":
        message = {"type": "websocket.send", **values[0]}
    else:
        message = {"type": "websocket.close", "code": values[0], "reason": values[1]}
    try:
        await application.send(message)
    except Exception as error:
        told.append(type(error).__name__)
    else:
        told.append("sent")


def read_by_peer(head: bytes, written: list[bytes]) -> list[Any]:
    name = b"sec-websocket-extensions: "
    answers = [line for line in head.lower().split(b"\r\n") if line.startswith(name)]
    agreement = Deflate().confirm(answers[0][len(name) :].decode()) if answers else None
    decoder = Decoder(Role.CLIENT, deflate=agreement)
    found: list[Any] = []
    try:
        for message in decoder.feed(b"".join(written)):
            if isinstance(message, Close):
                rule = message.code in RULES
                found.append(("close", message.code, "" if rule else message.reason))
            else:
                found.append((type(message), message))
    except ProtocolError as error:
        found.append(str(error))
    return found
