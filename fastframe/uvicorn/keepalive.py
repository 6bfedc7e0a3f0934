"""Pings at regular intervals, and what happens if the peer does not answer (RFC 6455, 5.5.2)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Protocol


class Connection(Protocol):
    def send_ping(self, payload: bytes) -> None: ...
    def give_up(self) -> None:
        """Called once, when an answer is overdue."""


class Keepalive:
    """Sends a Ping each `interval` seconds while it runs, and gives up on a peer that does not
    answer within `timeout`.

    interval: None or 0 for no Pings at all. timeout: None to send them without waiting for an
    answer. Both may be changed before it starts.
    """

    __slots__ = (
        "_awaited",
        "_connection",
        "_loop",
        "_sent_at",
        "_timer",
        "interval",
        "last_round_trip",
        "timeout",
    )  # fmt: skip

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        connection: Connection,
        interval: float | None,
        timeout: float | None,
    ) -> None:
        self._loop = loop
        self._connection: Connection | None = connection
        self.interval: float | None = interval
        self.timeout: float | None = timeout
        self.last_round_trip: float = 0.0
        """Seconds from the last Ping that was answered to its Pong; 0.0 before there is one."""
        self._timer: asyncio.TimerHandle | None = None
        self._awaited: bytes | None = None
        self._sent_at = 0.0

    def start(self) -> None:
        if self.interval:
            self._schedule(self.interval, self._ping)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._awaited = None

    def end(self) -> None:
        """For good: without a way back from here, a connection that has gone needs no garbage
        collector."""
        self.stop()
        self._connection = None

    def pong(self, payload: bytes) -> None:
        """The peer has sent a Pong. One that does not answer the last Ping counts for nothing."""
        if payload != self._awaited or self.timeout is None or not self.interval:
            return
        self.stop()
        self.last_round_trip = self._loop.time() - self._sent_at
        self._schedule(max(0.0, self.interval - self.last_round_trip), self._ping)

    def _ping(self) -> None:
        self._awaited = os.urandom(4)
        self._sent_at = self._loop.time()
        assert self._connection is not None
        self._connection.send_ping(self._awaited)
        if self.timeout is None:
            self.start()
        else:
            self._schedule(self.timeout, self._overdue)

    def _overdue(self) -> None:
        self.stop()
        assert self._connection is not None
        self._connection.give_up()

    def _schedule(self, delay: float, action: Callable[[], None]) -> None:
        self._timer = self._loop.call_later(delay, action)
