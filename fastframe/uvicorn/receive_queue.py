"""What waits for the application: messages, and how the connection ended."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.utils import ClientDisconnected

from fastframe._types import ProtocolError

Event = dict[str, Any]

MOST_WAITING = 1 << 16
"""Characters and bytes from which on the queue is full, however few the messages."""


class ReceiveQueue:
    """ASGI events in order, and after all of them the disconnect.

    most_events: how many events may wait; the queue is also full once 64 KiB do.
    """

    __slots__ = (
        "_disconnect",
        "_disconnects_delivered",
        "_loop",
        "_receivers",
        "events",
        "has_ended",
        "most_events",
        "pending_violation",
        "size",
    )  # fmt: skip

    def __init__(self, loop: asyncio.AbstractEventLoop, most_events: int) -> None:
        self._loop = loop
        self.most_events: int = most_events
        self.events: list[Event] = []  # a deque takes 600 bytes even if it is empty
        self.size: int = 0
        """Characters and bytes that were put in since reading went on."""
        self._receivers: list[asyncio.Future[None]] = []  # some may be cancelled
        self.has_ended: bool = False
        self._disconnect: Event | None = None
        self._disconnects_delivered = 0
        self.pending_violation: ProtocolError | None = None
        """A rule that the peer broke after the messages that are still to be answered."""

    @property
    def is_full(self) -> bool:
        return len(self.events) >= self.most_events or self.size >= MOST_WAITING

    @property
    def is_awaited(self) -> bool:
        """True if the application waits, and nothing is there for it."""
        return not self.events and any(not receiver.done() for receiver in self._receivers)

    def start_over(self) -> None:
        """The queue is empty, reading goes on: what waits is counted anew."""
        self.size = 0

    def end(self, disconnect: Event) -> None:
        """The application receives `disconnect` after all other events; only the first one
        counts."""
        if self._disconnect is None:
            self._disconnect = disconnect
            self.has_ended = True
        self.wake()

    def take_disconnect(self) -> Event:
        """The disconnect, twice as in uvicorn's own classes; an application that goes on asking
        would ask for ever."""
        assert self._disconnect is not None
        self._disconnects_delivered += 1
        if self._disconnects_delivered > 2:
            raise ClientDisconnected
        return self._disconnect

    def wake(self) -> None:
        receivers = self._receivers
        for receiver in receivers:  # the first to ask is the first to be answered
            if not receiver.done():
                receiver.set_result(None)
        receivers.clear()

    def until_woken(self) -> asyncio.Future[None]:
        """To be awaited: `wake` ends it."""
        receivers = self._receivers
        if receivers:  # without the cancelled ones, of an application that waits with a timeout
            receivers[:] = [receiver for receiver in receivers if not receiver.done()]
        receiver = self._loop.create_future()
        receivers.append(receiver)
        return receiver
