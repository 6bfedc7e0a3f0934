"""The least that ASGI costs: an echo server with its shape (a dict, a future and a step of the
application's task for each message) on fastframe's Decoder and Encoder, and nothing else.

usage: python -m benchmarks.contenders.asgi_floor LOOP PORT
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any, cast

from wsproto.utilities import generate_accept_token

from benchmarks.contenders.echo_servers import app
from fastframe import Decoder, Encoder, Role


class Floor(asyncio.BufferedProtocol):
    def __init__(self) -> None:
        self.buffer = bytearray(2**16)
        self.view = memoryview(self.buffer)
        self.decoder = Decoder(Role.SERVER)
        self.encoder = Encoder(Role.SERVER)
        self.is_open = False
        self.events: list[dict[str, Any]] = [{"type": "websocket.connect"}]
        self.waiting: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self.view

    def buffer_updated(self, nbytes: int) -> None:
        if not self.is_open:
            self.accept(bytes(self.view[:nbytes]))
            return
        for message in self.decoder.feed(self.view[:nbytes]):
            self.events.append({"type": "websocket.receive", "text": message})
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_result(None)

    def accept(self, request: bytes) -> None:
        key = request.lower().index(b"sec-websocket-key: ") + len(b"sec-websocket-key: ")
        token = generate_accept_token(request[key : request.index(b"\r\n", key)])
        self.transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + token + b"\r\n\r\n"
        )
        self.is_open = True
        scope = {"type": "websocket"}
        self.task = asyncio.get_running_loop().create_task(app(scope, self.receive, self.send))

    async def receive(self) -> dict[str, Any]:
        while not self.events:
            self.waiting = asyncio.get_running_loop().create_future()
            await self.waiting
        return self.events.pop(0)

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send":
            self.transport.write(self.encoder.text(message["text"]))

    def connection_lost(self, exc: Exception | None) -> None:
        if self.is_open:
            self.task.cancel()


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Floor, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    loop, port = sys.argv[1:]
    run: Callable[[Any], Any] = asyncio.run
    if loop == "uvloop":
        import uvloop

        run = uvloop.run
    run(serve(int(port)))
