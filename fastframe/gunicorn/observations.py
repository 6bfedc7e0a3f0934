"""What an application sees of gunicorn's WebSocketProtocol, for the self-check."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

from fastframe._targets.observations import KEY, Observation, cut, outcome, streams


class Transport:
    """In memory."""

    def __init__(self) -> None:
        self.written: bytearray = bytearray()

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        """Nothing to do."""

    def pause_reading(self) -> None:
        """Nothing to do."""

    def resume_reading(self) -> None:
        """Nothing to do."""


def observe() -> Observation:
    from gunicorn.asgi.websocket import WebSocketProtocol  # type: ignore[import-untyped]

    found: Observation = []
    for payload in (b"", b"x", bytes(range(256)) * 3):
        for key in (KEY, b"", b"key", bytearray(KEY)):
            found.append(outcome(WebSocketProtocol._unmask, None, payload, key))

    def run() -> None:
        for stream in streams(KEY, deflate=False):
            for pieces in list(cut(stream))[::7]:  # each takes a loop
                found.append(asyncio.run(served(WebSocketProtocol, pieces)))

    thread = threading.Thread(target=run)  # this one may have a loop that runs
    thread.start()
    thread.join()
    return found


async def served(protocol_class: Any, pieces: list[bytes]) -> Observation:
    found: Observation = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (event := await receive())["type"] == "websocket.receive":
            found.append(event)
            await send(
                {"type": "websocket.send", "text": event.get("text"), "bytes": event.get("bytes")}
            )
        found.append(event)

    transport, quiet = Transport(), logging.Logger("quiet", logging.CRITICAL + 1)
    scope = {"type": "websocket", "headers": [(b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ==")]}
    protocol = protocol_class(transport, scope, app, quiet)
    task = asyncio.ensure_future(protocol.run())
    for piece in pieces:
        protocol.feed_data(piece)
        await asyncio.sleep(0)
    protocol.feed_eof()
    await asyncio.wait_for(task, 5)
    return [*found, bytes(transport.written)]
