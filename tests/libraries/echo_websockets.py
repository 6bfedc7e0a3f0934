"""A websockets server on asyncio that echoes: python -m tests.libraries.echo_websockets PORT
[--uvloop]"""

from __future__ import annotations

import asyncio
import contextlib
import sys

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.servers.programs import STATUS, answer_to_status


async def echo(connection: ServerConnection) -> None:
    with contextlib.suppress(ConnectionClosed):  # with another code than 1000
        async for message in connection:
            await connection.send(answer_to_status() if message == STATUS else message)


async def main(port: int) -> None:
    async with serve(echo, "127.0.0.1", port, max_size=None, ping_interval=None) as server:
        await server.serve_forever()


if __name__ == "__main__":
    if "--uvloop" in sys.argv:
        import uvloop

        uvloop.run(main(int(sys.argv[1])))
    else:
        asyncio.run(main(int(sys.argv[1])))
