"""What the tests of WebSockets over HTTP/2 in uvicorn have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import fastframe
from fastframe.deflate import Deflate
from tests.servers.in_uvicorn import Server
from tests.servers.over_http_2 import WINDOW, Http2Client, Http2WebSocket
from tests.servers.programs import MESSAGES


async def with_a_client(server: Server, talk: Callable[[Http2Client], Any]) -> Any:
    """What `talk` returns, in a thread of its own: the client waits for the server."""

    def connect() -> Any:
        client = Http2Client(server.port)
        try:
            return talk(client)
        finally:
            client.close()

    return await asyncio.to_thread(connect)


async def on_a_stream(
    server: Server, talk: Callable[[Http2WebSocket], Any], deflate: Deflate | None = None
) -> Any:
    return await with_a_client(server, lambda client: talk(client.websocket(deflate)))


def echoed(websocket: Http2WebSocket) -> str:
    """The status of the answer; if it is 200, after an exchange of all kinds."""
    if websocket.status == "200":
        encoder = websocket.encoder
        for message in [*MESSAGES[:6], bytes(3 * WINDOW)]:
            websocket.send(encoder.message(message))
            assert websocket.message() == message
        websocket.send(encoder.ping(b"payload") + encoder.close(4000, "enough"))
        assert websocket.message() == fastframe.Pong(b"payload")
        assert websocket.message() == fastframe.Close(4000, "enough")
        assert websocket.until_ended() == "end"
    return websocket.status
