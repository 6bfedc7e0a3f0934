"""When a connection is quiet, its compressor's memory is given back, as RFC 7692 lets the next
message begin with an empty window: with uvicorn's settings that is most of what a connection takes.

Strategy: the compressor is dropped after some seconds of quiet. Its memory then lies between that
of other connections, where malloc keeps it; so once many have gone, the system gets it back.
"""

from __future__ import annotations

import asyncio
import time

from fastframe._codec.deflater import return_free_memory
from fastframe._codec.encoder import Encoder
from fastframe._types import InvalidState

MANY = 64
"""Compressors, of some 39 KiB each."""

LONGEST_WAIT = 30.0
"""Seconds, for more of them."""

SHARE_OF_TIME = 1 / 1000
"""Of a process's time that is spent on giving memory back, at most: glibc walks over all that is
free, for 15,000 connections in 50 ms."""


class IdleWindow:
    """The encoder forgets its window once nothing was sent for `seconds`."""

    __slots__ = ("_encoder", "_loop", "_seconds", "_sent_at", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, encoder: Encoder, seconds: float) -> None:
        self._loop = loop
        self._encoder = encoder
        self._seconds = seconds
        self._sent_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def sent(self) -> None:
        """A message. A timer for each would cost more than one that looks at the clock again."""
        self._sent_at = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._look)

    def stop(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _look(self) -> None:
        left = self._sent_at + self._seconds - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
        else:
            self._timer = None
            try:
                self._encoder.forget_window()
            except InvalidState:  # in the middle of a message in fragments, of a subclass's
                self._timer = self._loop.call_later(self._seconds, self._look)
            else:
                FREE_MEMORY.dropped(self._loop)


class FreeMemory:
    """What dropped compressors have left in this process."""

    def __init__(self) -> None:
        self._dropped = 0
        self._dropped_before = 0
        self._begun = 0.0
        self._not_before = 0.0
        self._waits_on: asyncio.AbstractEventLoop | None = None

    def dropped(self, loop: asyncio.AbstractEventLoop) -> None:
        self._dropped += 1
        if self._dropped >= MANY and not self._is_waiting():
            self._waits_on = loop
            self._begun = max(time.monotonic() + 1.0, self._not_before)
            loop.call_later(self._begun - time.monotonic(), self._give_back, loop)

    def _is_waiting(self) -> bool:
        """One event loop of the process does it for all, unless that one is closed or stands
        still."""
        return (
            self._waits_on is not None
            and not self._waits_on.is_closed()
            and time.monotonic() < self._begun + 2 * LONGEST_WAIT
        )

    def _give_back(self, loop: asyncio.AbstractEventLoop) -> None:
        """As soon as no more follow, for half a minute at most."""
        if self._waits_on is not loop:  # another one does it meanwhile
            return
        begun = time.monotonic()
        if self._dropped != self._dropped_before and begun - self._begun < LONGEST_WAIT:
            self._dropped_before = self._dropped
            loop.call_later(1.0, self._give_back, loop)
            return
        self._dropped = self._dropped_before = 0
        self._waits_on = None
        return_free_memory()
        ended = time.monotonic()
        self._not_before = ended + (ended - begun) / SHARE_OF_TIME


FREE_MEMORY = FreeMemory()
