"""The transport under a connection: when it is read, when it may be written to, and how it is
closed."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast

from uvicorn.logging import TRACE_LOG_LEVEL
from uvicorn.protocols.utils import get_local_addr, get_remote_addr

Address = tuple[str, int | None]

HTTP_PROTOCOLS = frozenset(
    f"uvicorn.protocols.http.{name}" for name in ("h11_impl", "httptools_impl")
)

MOST_UNWRITTEN = 1 << 16
"""Bytes of short messages that are written together at most."""

LONGEST_UNWRITTEN = 0.001
"""After this many seconds of the application's work, on one message or on all that are written
together, frames are no longer held back."""

CLOSE_TIMEOUT_TLS = 1.0
"""The same after a broken rule under TLS, which cannot half-close."""


class TransportProtocol(asyncio.BufferedProtocol):
    close_timeout: float = 10.0
    """Seconds that a peer has to answer a Close, to read what was sent before it, and to close its
    end."""

    logger: logging.Logger = logging.getLogger("uvicorn.error")

    # Most connections never differ from these; what is not set on an object takes neither its
    # memory nor its time.
    client: tuple[str, int] | None = None
    _server: Address | None = None
    connection_lost_called: bool = False
    reading_paused: bool = False
    writing_paused: bool = False
    close_timer: asyncio.TimerHandle | None = None
    _writable: asyncio.Event | None = None  # while writing is paused
    _unwritten: list[bytes] | None = None
    _unwritten_size = 0
    _unwritten_since = 0.0
    _working_since = 0.0

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.transport: asyncio.Transport = None  # type: ignore[assignment]

    # ---- called by asyncio -----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by type
        self.client, self._server = self._ends_of_connection()
        self._trace("WebSocket connection made")

    def connection_lost(self, exc: Exception | None) -> None:
        self._trace("WebSocket connection lost")
        timer, self.close_timer = self.close_timer, None
        if timer is not None:
            timer.cancel()
        self.connection_lost_called = True
        self._unwritten = None
        self._stop_waiting()  # asyncio does not call resume_writing any more
        self.transport.close()  # without which Python 3.10 takes a TLS transport for forgotten

    def eof_received(self) -> None:
        self.flush()  # the transport closes next

    def pause_writing(self) -> None:
        self.writing_paused = True
        if self._writable is None:
            self._writable = asyncio.Event()

    def resume_writing(self) -> None:
        self._stop_waiting()

    def _stop_waiting(self) -> None:
        self.writing_paused = False
        writable, self._writable = self._writable, None
        if writable is not None:
            writable.set()

    # ---- for the subclass ------------------------------------------------------------------------

    async def until_writable(self) -> None:
        """Until the peer has read enough, while `writing_paused`."""
        assert self._writable is not None
        await self._writable.wait()

    def write(self, data: bytes | memoryview) -> None:
        """Writes this, after what `write_with_next` has kept back."""
        if self._unwritten:
            data = self._take_unwritten(data)
        self.transport.write(data)

    def write_with_next(self, data: bytes) -> None:
        """Keeps a frame back for the next write, as one more is about to be made: a write for each
        would cost more than the frames. It is written before the event loop does anything else, and
        if the application takes its time for the next one, it is not kept back."""
        now = self.loop.time()
        is_slow = now - self._working_since > LONGEST_UNWRITTEN
        self._working_since = now
        if is_slow:  # what follows would be as late
            self.write(data)
            return
        if self._unwritten is None:
            self.loop.call_soon(self.flush)
            self._unwritten_since = now
            self._unwritten = []
        self._unwritten.append(data)
        self._unwritten_size += len(data)
        if (
            self._unwritten_size >= MOST_UNWRITTEN
            or now - self._unwritten_since > LONGEST_UNWRITTEN
        ):
            self.flush()

    def work_begins(self) -> None:
        """Several messages are about to be answered."""
        self._working_since = self.loop.time()

    def flush(self) -> None:
        if self._unwritten:
            data = self._take_unwritten()
            if not self._is_closing():
                self.transport.write(data)

    def _take_unwritten(self, *and_then: bytes | memoryview) -> bytes:
        data = b"".join([*(self._unwritten or ()), *and_then])
        self._unwritten = None
        self._unwritten_size = 0
        return data

    def _pause_reading(self) -> None:
        if not self.reading_paused:
            self.reading_paused = True
            self.transport.pause_reading()

    def _resume_reading(self) -> None:
        if self.reading_paused:
            self.reading_paused = False
            if not self.connection_lost_called:
                self.transport.resume_reading()

    def close_transport(self) -> None:
        """Closes as soon as everything is written; closing must not wait for a slow reader."""
        if (
            not self._is_closing()
        ):  # asyncio's TLS transport is good for nothing after a second close
            self.flush()
            self.transport.close()
        self._abort_later()

    def _half_close(self) -> None:
        """Closes this end only, so that the peer can read all of it before it closes its own."""
        self.flush()
        if not self.transport.can_write_eof():
            self._abort_later(CLOSE_TIMEOUT_TLS)
            return
        self._abort_later()
        try:
            self.transport.write_eof()
        except OSError:  # the peer has gone, and asyncio does not know it yet
            self.transport.abort()

    def _abort_later(self, seconds: float | None = None) -> None:
        """After close_timeout, unless it is given or was said before."""
        if self.close_timer is None and not self.connection_lost_called:
            self.close_timer = self.loop.call_later(
                self.close_timeout if seconds is None else seconds, self.transport.abort
            )

    def _ends_of_connection(self) -> tuple[tuple[str, int] | None, Address | None]:
        """Of the client and of the server, as uvicorn's HTTP protocol has asked for them: to ask
        again are two system calls."""
        try:
            http: Any = self.transport.get_protocol()
        except (AttributeError, NotImplementedError):  # a stream of HTTP/2
            http = None
        if type(http).__module__ in HTTP_PROTOCOLS:
            return http.client, http.server
        return get_remote_addr(self.transport), get_local_addr(self.transport)

    def _is_closing(self) -> bool:
        """True also where asyncio has not reported yet that the connection is lost."""
        try:
            return self.connection_lost_called or self.transport.is_closing()
        except AttributeError:  # so Python 3.10's TLS transport says it
            return True

    def _trace(self, text: str) -> None:
        if self.logger.level <= TRACE_LOG_LEVEL:
            prefix = f"{self.client[0]}:{self.client[1]} - " if self.client else ""
            self.logger.log(TRACE_LOG_LEVEL, "%s%s", prefix, text)
