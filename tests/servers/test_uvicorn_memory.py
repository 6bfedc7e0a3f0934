"""Memory ends inside fastframe's class for uvicorn: messages are whole and in order, or the
connection ends; a message that was not sent is not half sent.

asyncio closes a connection whose protocol raises, so a MemoryError out of `buffer_updated` is an
end, too.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("wsproto")

from uvicorn.config import Config
from uvicorn.server import ServerState

from fastframe import Close, Decoder, Role
from fastframe.deflate import Deflate
from fastframe.uvicorn import WSProtocol
from tests.failing_memory import MOST_ALLOCATIONS, fails_in, needs_failing_memory
from tests.helpers import deflated
from tests.strategies import frame

REQUEST = (
    b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: "
    b"websocket\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
AGREEMENT = Deflate(server_max_window_bits=12).confirm(
    "permessage-deflate; server_max_window_bits=12"
)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


class Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.written = bytearray()
        self.closing = False

    def write(self, data: Any) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    abort = close

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.closing = True

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class Application:
    def __init__(self) -> None:
        self.received: list[Any] = []
        self.send: Any = None
        self.ended = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.send = send
        await receive()
        await send({"type": "websocket.accept"})
        while (event := await receive())["type"] == "websocket.receive":
            self.received.append(event.get("text", event.get("bytes")))
        self.ended = True


async def opened() -> tuple[WSProtocol, Transport, Application]:
    application, transport = Application(), Transport()
    config = Config(application, log_config=None, lifespan="off", ws_ping_interval=None)
    protocol = WSProtocol(config, ServerState(), {})
    protocol.connection_made(transport)
    protocol.data_received(REQUEST)
    await turns()
    assert b" 101 " in transport.written
    transport.written.clear()
    return protocol, transport, application


async def turns() -> None:
    for _ in range(6):
        await asyncio.sleep(0)


def deliver(protocol: WSProtocol, data: bytes) -> None:
    buffer = protocol.get_buffer(len(data))
    buffer[: len(data)] = data
    protocol.buffer_updated(len(data))


GOOD = "żółć " * 50
STREAMS = {
    "whole": (
        [frame(1, GOOD.encode(), key=b"key!") + frame(2, b"two", key=b"key!")],
        [GOOD, b"two"],
    ),
    "pieces": (
        [
            frame(2, bytes(70_000), key=b"key!")[:60_000],
            frame(2, bytes(70_000), key=b"key!")[60_000:],
        ],
        [bytes(70_000)],
    ),
    "compressed": ([frame(1, deflated(GOOD.encode()), rsv=4, key=b"key!")], [GOOD]),
    "ping": ([frame(9, b"?", key=b"key!") + frame(2, b"after", key=b"key!")], [b"after"]),
}


def finished(work: Coroutine[Any, Any, int]) -> int:
    """As asyncio.run, which at its end waits for tasks that are left. Where memory fails, asyncio
    may lose the callback that wakes one: then that would be for ever."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


@needs_failing_memory
@pytest.mark.parametrize("name", STREAMS)
def test_receiving(name: str) -> None:
    pieces, good = STREAMS[name]

    async def tries() -> int:
        failures = 0
        for number in range(1, MOST_ALLOCATIONS):
            protocol, transport, application = await opened()
            for piece in pieces[:-1]:
                deliver(protocol, piece)
            raised = fails_in(number, deliver, protocol, pieces[-1])
            failures += raised is not None
            assert raised in (None, MemoryError), number
            if raised is not None:  # as asyncio does
                transport.abort()
                protocol.connection_lost(None)
            await turns()
            if raised is None and not protocol.decoder.finished:  # type: ignore[union-attr]
                deliver(protocol, frame(2, b"the next", key=b"key!"))
                await turns()
                assert application.received == [*good, b"the next"], number
            else:
                assert application.received == good[: len(application.received)], number
                assert application.ended or transport.closing, number
            protocol.connection_lost(None)
            await turns()
        return failures

    assert finished(tries()) > 0


@needs_failing_memory
@pytest.mark.parametrize(
    "message", [{"text": GOOD}, {"bytes": b"two" * 50}, {"bytes": bytes(200_000)}, {"text": ""}]
)
def test_sending(message: dict[str, Any]) -> None:
    content = next(iter(message.values()))

    async def tries() -> int:
        failures = 0
        for number in range(1, MOST_ALLOCATIONS):
            protocol, transport, application = await opened()
            sending = application.send({"type": "websocket.send", **message})
            raised = fails_in(number, sending.send, None)
            sending.close()
            failures += raised is MemoryError
            await turns()
            peer = Decoder(Role.CLIENT, deflate=AGREEMENT)
            await application.send({"type": "websocket.send", "text": "the next"})
            await turns()
            found = list(peer.feed(bytes(transport.written)))
            assert raised in (StopIteration, MemoryError)
            # A coroutine needs memory to say that it has ended, so it may have been sent all the
            # same.
            assert (
                found in ([content, "the next"], ["the next"])
                if raised is MemoryError
                else found == [content, "the next"]
            ), number
            protocol.shutdown()
            protocol.connection_lost(None)
            await turns()
        return failures

    assert finished(tries()) > 0


@needs_failing_memory
def test_closing() -> None:
    async def tries() -> int:
        failures = 0
        for number in range(1, MOST_ALLOCATIONS):
            protocol, transport, _ = await opened()
            raised = fails_in(number, protocol.shutdown)
            failures += raised is MemoryError
            await turns()
            found = list(Decoder(Role.CLIENT, deflate=AGREEMENT).feed(bytes(transport.written)))
            assert found in ([], [Close(1012, "")]), number
            assert transport.closing or raised is MemoryError, number
            protocol.connection_lost(None)
            await turns()
        return failures

    assert finished(tries()) > 0
