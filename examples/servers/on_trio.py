"""An echo server on trio: python -m examples.servers.on_trio PORT"""

from __future__ import annotations

import logging
import signal
import sys
from functools import partial

import trio

from examples.servers.connection import Closed, Connection
from examples.servers.handshake import Handshake, Refused
from fastframe.deflate import Deflate

DEFLATE = Deflate(
    server_max_window_bits=12, client_max_window_bits=12, memory_level=5, threshold=256
)
MAX_MESSAGE, MAX_CONNECTIONS = 2**20, 1000
HANDSHAKE, SILENCE, WRITE, CLOSE = 10.0, 20.0, 20.0, 10.0  # seconds that each may take


class WebSocket:
    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream, self._writing = stream, trio.Lock()

    async def accept(self) -> None:
        handshake = Handshake(DEFLATE, full=len(OPEN) > MAX_CONNECTIONS)
        while (accepted := handshake.feed(await self._stream.receive_some())) is None:
            pass
        await self._stream.send_all(accepted.response)
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
        """Waits until the kernel has taken it: while too much is left for the client to read."""
        self._connection.send(message)
        await self._flush()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self._connection.close(code, reason)
        await self._flush()

    async def _read(self) -> bytes:
        """Empty at the end. A client that is silent gets a Ping, and may be silent once more."""
        with trio.move_on_after(SILENCE):
            return bytes(await self._stream.receive_some())
        self._connection.ping()
        await self._flush()
        with trio.move_on_after(SILENCE):
            return bytes(await self._stream.receive_some())
        await self.close(1011, "keepalive ping timeout")
        return b""

    async def _flush(self) -> None:
        async with self._writing:  # frames of two tasks go out one after the other
            if data := self._connection.outgoing():
                with trio.fail_after(WRITE, shield=True):  # half a frame would end the connection
                    await self._stream.send_all(data)

    async def hang_up(self) -> None:
        """Reads until the client's end: the kernel resets a connection that has unread data, and
        a Close that is on its way is then lost."""
        await self._stream.send_eof()
        while await self._stream.receive_some():
            pass


async def echo(websocket: WebSocket) -> None:
    while (message := await websocket.receive()) is not None:
        await websocket.send(message)


OPEN: set[WebSocket] = set()


async def serve(stream: trio.SocketStream) -> None:
    OPEN.add(websocket := WebSocket(stream))
    try:
        try:
            with trio.fail_after(HANDSHAKE):
                await websocket.accept()
            await talk(websocket)
        except Refused as refused:
            await stream.send_all(refused.response)
        with trio.fail_after(CLOSE):
            await websocket.hang_up()
    except (trio.BrokenResourceError, trio.TooSlowError):
        pass  # the connection is lost, or the client reads nothing or says nothing
    finally:
        OPEN.discard(websocket)


async def talk(websocket: WebSocket) -> None:
    try:
        await echo(websocket)
    except trio.Cancelled:  # by main: the server stops
        with trio.move_on_after(CLOSE, shield=True):
            await websocket.close(1012)
            await websocket.hang_up()
        raise
    except Closed:
        pass  # there is nobody to send to
    except (trio.BrokenResourceError, trio.TooSlowError):
        raise
    except Exception:
        logging.exception("the application failed")
        await websocket.close(1011)
    else:
        await websocket.close()


async def main(port: int) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:
            await nursery.start(partial(trio.serve_tcp, serve, port, host="127.0.0.1"))
            print("listening on", port, flush=True)
            await anext(signals)
            nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]))
