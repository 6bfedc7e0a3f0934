"""What waits for the application: messages, and how the connection ended."""

from __future__ import annotations

import asyncio
from collections import deque
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

    def __init__(self, loop: asyncio.AbstractEventLoop, most_events: int) -> None:
        self._loop = loop
        self._most_events = most_events
        self._events: deque[Event] = deque()
        self._waiting = 0  # characters and bytes, since the queue was empty
        self._receivers: set[asyncio.Future[None]] = set()
        self._disconnect: Event | None = None
        self._disconnects_delivered = 0
        self.pending_violation: ProtocolError | None = None
        """A rule that the peer broke after the messages that are still to be answered."""

    def __bool__(self) -> bool:
        return bool(self._events)

    @property
    def is_full(self) -> bool:
        return len(self._events) >= self._most_events or self._waiting >= MOST_WAITING

    @property
    def is_awaited(self) -> bool:
        """True if the application waits, and nothing is there for it."""
        return bool(self._receivers) and not self._events

    @property
    def has_ended(self) -> bool:
        return self._disconnect is not None

    def put(self, event: Event, size: int = 0) -> None:
        """size: its characters or bytes. `wake` tells the application."""
        self._events.append(event)
        self._waiting += size

    def take(self) -> Event:
        return self._events.popleft()

    def start_over(self) -> None:
        """The queue is empty: what waits is counted anew."""
        self._waiting = 0

    def clear(self) -> None:
        self._events.clear()

    def end(self, disconnect: Event) -> None:
        """The application receives `disconnect` after all other events; only the first one counts."""
        if self._disconnect is None:
            self._disconnect = disconnect
        self.wake()

    def take_disconnect(self) -> Event:
        """The disconnect, twice as in uvicorn's own classes; an application that goes on asking would ask for ever."""
        assert self._disconnect is not None
        self._disconnects_delivered += 1
        if self._disconnects_delivered > 2:
            raise ClientDisconnected
        return self._disconnect

    def wake(self) -> None:
        for receiver in self._receivers:
            if not receiver.done():
                receiver.set_result(None)

    async def wait(self) -> None:
        """Until `wake`."""
        receiver = self._loop.create_future()
        self._receivers.add(receiver)
        try:
            await receiver
        finally:
            self._receivers.discard(receiver)
