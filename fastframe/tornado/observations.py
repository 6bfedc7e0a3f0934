"""What an application sees of tornado's WebSocketProtocol13, and what goes over the wire, for the
self-check and the tests."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from fastframe._targets.observations import KEY, Observation, cut, streams

LOOP_ROUNDS = 12
"""Of the event loop, until all that one piece sets off has happened."""


class InMemory:
    """A stream without a socket. It reads what a test has put there, an OSError too; `takes` says
    how many bytes each write may take, or which error it gets; it takes all once there is no
    more."""

    def __init__(self: Any, takes: Iterable[int | OSError], **options: Any) -> None:
        self.arrived: deque[bytes | OSError] = deque()
        self.written: bytearray = bytearray()
        self.takes: deque[int | OSError] = deque(takes)
        self._scheduled = False
        super().__init__(**options)

    def fileno(self: Any) -> int:
        return -1

    def close_fd(self: Any) -> None:
        self.arrived.clear()

    def read_from_fd(self: Any, buf: Any) -> int | None:
        if not self.arrived:
            return None
        piece = self.arrived.popleft()
        if isinstance(piece, OSError):
            raise piece
        buf[: len(piece[: len(buf)])] = piece[: len(buf)]
        if len(piece) > len(buf):
            self.arrived.appendleft(piece[len(buf) :])
        return min(len(piece), len(buf))

    def write_to_fd(self: Any, data: memoryview) -> int:
        take = self.takes.popleft() if self.takes else len(data)
        if isinstance(take, OSError):
            raise take
        if take == 0:
            raise BlockingIOError
        self.written += data[:take]
        return min(take, len(data))

    def _add_io_state(self: Any, state: int) -> None:
        self._state = (self._state or 0) | state
        self.wake()

    def wake(self: Any) -> None:
        """As the loop does if the socket is ready."""
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._ready)

    def _ready(self: Any) -> None:
        self._scheduled = False
        state, self._state = self._state or 0, None
        if self.closed():
            return
        if state & self.io_loop.READ and (self.arrived or not self.reading()):
            self._handle_read()
            state &= ~self.io_loop.READ if not self.reading() else state
        if not self.closed() and state & self.io_loop.WRITE:
            self._handle_write()
            if self._write_buffer:
                self._state = self.io_loop.WRITE
                self.wake()
        if not self.closed() and state & self.io_loop.READ:
            self._state = (self._state or 0) | self.io_loop.READ

    def close(self: Any, exc_info: Any = False) -> None:
        self._state = None
        from tornado.iostream import BaseIOStream

        BaseIOStream.close(self, exc_info)


def memory_stream() -> type[Any]:
    """InMemory as tornado has streams."""
    from tornado.iostream import BaseIOStream

    return type("MemoryStream", (InMemory, BaseIOStream), {})


class Connection:
    """A WebSocketProtocol13 with an application that echoes, and what happens to it."""

    def __init__(  # noqa: PLR0913
        self,
        *,
        client: bool = False,
        deflate: bool = False,
        limit: int = 1 << 20,
        takes: Iterable[int | OSError] = (),
        application: Callable[[Connection, Any], Any] | None = None,
        protocol_class: type[Any] | None = None,
        **stream_options: Any,
    ) -> None:
        from tornado.websocket import WebSocketProtocol13, _WebSocketParams

        self.found: Observation = []
        self.futures: list[Any] = []
        self._application = application or Connection.echo
        params = _WebSocketParams(
            max_message_size=limit, compression_options={} if deflate else None
        )
        made = (protocol_class or WebSocketProtocol13)(self, client, params)
        self.protocol: Any = made
        self.stream: Any = memory_stream()(takes, **stream_options)
        made.stream = self.stream
        if deflate:
            made._create_compressors("client" if client else "server", {}, {})

    def echo(self, message: Any) -> None:
        self.futures.append(self.protocol.write_message(message, isinstance(message, bytes)))

    # What tornado calls.

    def on_message(self, message: Any) -> Any:
        self.found.append(("message", message, self.protocol._message_bytes_in))
        return self._application(self, message)

    def on_ping(self, data: bytes) -> None:
        self.found.append(("ping", data))

    def on_pong(self, data: bytes) -> None:
        self.found.append(("pong", data))

    def log_exception(self, kind: Any, error: Any, traceback: Any) -> None:
        self.found.append(("exception", repr(error)))

    def on_ws_connection_close(self, code: Any = None, reason: Any = None) -> None:
        self.found.append(("closed", code, reason))

    async def served(self, pieces: Iterable[bytes | OSError]) -> Observation:
        """What happens as these arrive, one after the other, and then nothing more."""
        protocol, stream = self.protocol, self.stream
        task = asyncio.ensure_future(protocol._receive_frame_loop())
        for piece in itertools.chain(pieces, [b""]):
            stream.arrived.append(piece)
            stream.wake()
            for _ in range(LOOP_ROUNDS):
                await asyncio.sleep(0)
            self.found.append(("state", *self.state()))
        await asyncio.wait({task}, timeout=5)
        if protocol._waiting is not None:
            stream.io_loop.remove_timeout(protocol._waiting)
        self.found.append(await ended(task))
        return [*self.found, [await ended(future) for future in self.futures]]

    def state(self) -> tuple[Any, ...]:
        """What can be seen of the connection."""
        protocol, stream = self.protocol, self.stream
        return (
            protocol._wire_bytes_in,
            protocol._wire_bytes_out,
            protocol._message_bytes_in,
            protocol._message_bytes_out,
            protocol._frame_compressed,
            protocol._fragmented_message_buffer,
            protocol.client_terminated,
            protocol.server_terminated,
            stream.closed(),
            repr(stream.error),
            None if stream.closed() else stream._total_write_index,
            None if stream.closed() else stream._total_write_done_index,
            unmasked(stream.written) if protocol.mask_outgoing else bytes(stream.written),
        )


def unmasked(written: bytearray) -> Observation:
    """Frames that are masked with keys that nobody can know: of each its first byte, and its
    payload; what is cut at the end by its size."""
    frames: Observation = []
    at = 0
    while len(written) >= at + 2:
        size, start = written[at + 1] & 0x7F, at + 2
        if size > 125:
            start += 2 if size == 126 else 8
            size = int.from_bytes(written[at + 2 : start], "big")
        key, end = bytes(written[start : start + 4]), start + 4 + size
        if end > len(written):
            break
        payload = bytes(byte ^ key[i % 4] for i, byte in enumerate(written[start + 4 : end]))
        frames.append((written[at], payload))
        at = end
    return [*frames, len(written) - at]


async def ended(future: Any) -> Any:
    """How a write has ended, or the loop that reads."""
    await asyncio.wait({future}, timeout=5)
    if future.cancelled() or not future.done():
        return "cancelled" if future.cancelled() else "pending"
    return repr(future.exception())


def observe() -> Observation:
    found: Observation = []

    async def all_of_them() -> None:
        for key, deflate in ((KEY, False), (KEY, True), (None, False)):
            for stream in streams(key, deflate=deflate):
                for pieces in list(cut(stream))[::7]:
                    connection = Connection(client=key is None, deflate=deflate)
                    found.append(await connection.served(pieces))

    thread = threading.Thread(target=asyncio.run, args=(all_of_them(),))
    thread.start()  # as this one may have a loop that runs
    thread.join()
    return found
