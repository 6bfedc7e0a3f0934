"""The paths of a message of 20 bytes that counters.py times; run in either build.

usage: python -m benchmarks.measure.counters_paths COUNTS, which is 1 or 0
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from uvicorn.config import Config
from uvicorn.server import ServerState
from wsproto.connection import Connection, ConnectionType
from wsproto.events import TextMessage

import fastframe
from fastframe import Decoder, Encoder, Role
from fastframe.uvicorn import WSProtocol

TEXT = "x" * 20
FRAME = Encoder(Role.CLIENT).text(TEXT)
ANSWER = Encoder(Role.SERVER).text(TEXT)
REQUEST = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
MESSAGES = 20_000


Run = Callable[[int], None]
"""So many messages, each of which is checked to be there."""


def decoded() -> Run:
    decoder = Decoder(Role.SERVER)

    def run(messages: int) -> None:
        feed = decoder.feed
        for _ in range(messages):
            for message in feed(FRAME):
                assert message is not None
        assert message == TEXT

    return run


def encoded() -> Run:
    encoder = Encoder(Role.SERVER)

    def run(messages: int) -> None:
        text = encoder.text
        for _ in range(messages):
            frame = text(TEXT)
        assert frame == ANSWER

    return run


def echoed_by_wsproto() -> Run:
    connection = Connection(ConnectionType.SERVER)

    def run(messages: int) -> None:
        for _ in range(messages):
            connection.receive_data(FRAME)
            for event in connection.events():
                assert isinstance(event, TextMessage)
                frame = connection.send(TextMessage(data=event.data))
        assert frame == ANSWER

    return run


class Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.written = b""

    def write(self, data: Any) -> None:
        self.written = data

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    resume_reading = pause_reading


def echoed_by_uvicorn() -> Run:
    """From the buffer that asyncio fills to the application, and back."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (event := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": event["text"]})

    async def echo(messages: int) -> None:
        config = Config(app, log_config=None, lifespan="off", ws_ping_interval=None)
        protocol, transport = WSProtocol(config, ServerState(), {}), Transport()
        protocol.connection_made(transport)
        protocol.data_received(REQUEST)
        while not transport.written:
            await asyncio.sleep(0)
        for _ in range(messages):
            transport.written = b""
            view = protocol.get_buffer(-1)
            view[: len(FRAME)] = FRAME
            protocol.buffer_updated(len(FRAME))
            while not transport.written:
                await asyncio.sleep(0)
            assert transport.written == ANSWER
        protocol.connection_lost(None)
        await asyncio.sleep(0)

    return lambda messages: asyncio.run(echo(messages))


def timed(run: Run) -> float:
    run(100)
    start = time.perf_counter()
    run(MESSAGES)
    return (time.perf_counter() - start) / MESSAGES


PATHS: dict[str, Callable[[], Run]] = {
    "Decoder": decoded,
    "Encoder.text": encoded,
    "wsproto: receive_data, events, send": echoed_by_wsproto,
    "uvicorn: an echo without sockets": echoed_by_uvicorn,
}


def main() -> None:
    fastframe.install("wsproto")
    counts = sys.argv[1] == "1"
    made = {name: make() for name, make in PATHS.items()}
    best = {name: min(timed(run) for _ in range(5)) for name, run in made.items()}
    found = fastframe.metrics()["codec"]["server"]["sent"]["messages"]["text"]
    assert (found > MESSAGES) is counts
    print(json.dumps(best))


if __name__ == "__main__":
    main()
