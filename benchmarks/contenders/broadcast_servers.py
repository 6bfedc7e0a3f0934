"""The servers of broadcast.py: an ASGI application, and as a program, websockets' own server with
its `broadcast`.

usage: python -m benchmarks.contenders.broadcast_servers PORT

Every client joins one room. A message to the server is sent to the whole room, its sender included.
The ASGI application prepares it if the path is /prepared.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from benchmarks.contenders.echo_servers import lifespan
from fastframe import prepare

room: list[Any] = []


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    await receive()
    await send({"type": "websocket.accept"})
    room.append(send)
    while (event := await receive())["type"] == "websocket.receive":
        text = prepare(event["text"]) if scope["path"] == "/prepared" else event["text"]
        for send_to in room:
            await send_to({"type": "websocket.send", "text": text})
    room.remove(send)


async def serve_websockets(port: int) -> None:
    from websockets.asyncio.server import ServerConnection, broadcast, serve

    connections: set[ServerConnection] = set()

    async def handler(connection: ServerConnection) -> None:
        connections.add(connection)
        async for message in connection:
            broadcast(connections, message)
        connections.remove(connection)

    async with serve(handler, "127.0.0.1", port, max_size=None, ping_interval=None) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve_websockets(int(sys.argv[1])))
