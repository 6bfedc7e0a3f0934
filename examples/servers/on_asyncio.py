"""An echo server on asyncio's streams: python -m examples.servers.on_asyncio PORT"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from asyncio import StreamReader, StreamWriter

from examples.servers.connection import Closed, Connection
from examples.servers.handshake import Handshake, Refused
from fastframe.deflate import Deflate

DEFLATE = Deflate(
    server_max_window_bits=12, client_max_window_bits=12, memory_level=5, threshold=256
)
MAX_MESSAGE, MAX_CONNECTIONS = 2**20, 1000
HANDSHAKE, SILENCE, WRITE, CLOSE = 10.0, 20.0, 20.0, 10.0  # seconds that each may take


class WebSocket:
    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def accept(self) -> None:
        handshake = Handshake(DEFLATE, full=len(TASKS) > MAX_CONNECTIONS)
        while (accepted := handshake.feed(await self._reader.read(2**16))) is None:
            pass
        self._writer.write(accepted.response)
        self._connection = Connection(accepted.deflate, MAX_MESSAGE)
        self._messages = self._connection.receive(accepted.rest)

    async def receive(self) -> str | bytes | None:
        """The next message; None once one end has sent a Close, or the connection is lost."""
        while True:
            message = next(self._messages, None)
            await self._flush()  # a Pong, or the answer to a Close
            if message is not None:
                return message
            if self._connection.closed or not (data := await self._read()):
                return None
            self._messages = self._connection.receive(data)

    async def send(self, message: str | bytes) -> None:
        """Waits while too much is left for the client to read."""
        self._connection.send(message)
        await self._flush()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self._connection.close(code, reason)
        await self._flush()

    async def _read(self) -> bytes:
        """Empty at the end. A client that is silent gets a Ping, and may be silent once more."""
        try:
            return await asyncio.wait_for(self._reader.read(2**16), SILENCE)
        except asyncio.TimeoutError:
            self._connection.ping()
            await self._flush()
        try:
            return await asyncio.wait_for(self._reader.read(2**16), SILENCE)
        except asyncio.TimeoutError:
            await self.close(1011, "keepalive ping timeout")
            return b""

    async def _flush(self) -> None:
        if data := self._connection.outgoing():
            self._writer.write(data)
            await asyncio.wait_for(self._writer.drain(), WRITE)

    async def hang_up(self) -> None:
        """Reads until the client's end: the kernel resets a connection that has unread data, and
        a Close that is on its way is then lost."""
        self._writer.write_eof()
        while await self._reader.read(2**16):
            pass


async def echo(websocket: WebSocket) -> None:
    while (message := await websocket.receive()) is not None:
        await websocket.send(message)


TASKS: set[asyncio.Task[None] | None] = set()


async def serve(reader: StreamReader, writer: StreamWriter) -> None:
    task = asyncio.current_task()
    TASKS.add(task)
    websocket = WebSocket(reader, writer)
    try:
        try:
            await asyncio.wait_for(websocket.accept(), HANDSHAKE)
            await talk(websocket)
        except Refused as refused:
            writer.write(refused.response)
        await asyncio.wait_for(websocket.hang_up(), CLOSE)
    except (OSError, asyncio.TimeoutError):
        pass  # the connection is lost, or the client reads nothing or says nothing
    finally:
        writer.transport.abort()
        TASKS.discard(task)


async def talk(websocket: WebSocket) -> None:
    try:
        await echo(websocket)
    except asyncio.CancelledError:  # by main: the server stops
        await websocket.close(1012)
    except Closed:
        pass  # there is nobody to send to
    except (OSError, asyncio.TimeoutError):
        raise
    except Exception:
        logging.exception("the application failed")
        await websocket.close(1011)
    else:
        await websocket.close()


async def main(port: int) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    server = await asyncio.start_server(serve, "127.0.0.1", port)
    print("listening on", port, flush=True)
    await stop.wait()
    server.close()
    for task in filter(None, TASKS):
        task.cancel()
    while TASKS:
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
