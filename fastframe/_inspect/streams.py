"""TCP: from segments to the ordered bytes of one direction (RFC 9293, 3.4 and 3.10)."""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass, field

from fastframe._inspect.events import Piece, Places

SEQUENCES = 1 << 32
WAITING_COST = 300  # bytes of memory for a segment that waits, besides its payload
HISTORY = 8  # segments that a retransmission is compared with
BURST_TIME = 1_000_000  # nanoseconds
BURST_SIZE, BURST_SEGMENTS = 1 << 16, 1 << 8


@dataclass(slots=True)
class Stream:
    """One direction. Offsets are in bytes from its first one, and never wrap."""

    next: int | None = None
    """The sequence number that is awaited."""
    position: int = 0
    waiting: list[tuple[int, int, Piece]] = field(default_factory=list)
    """A heap of segments: offset, number of the packet, payload."""
    waiting_bytes: int = 0
    history: deque[tuple[int, int, int]] = field(default_factory=lambda: deque(maxlen=HISTORY))
    """The last segments: offset, size, place in the file."""
    end: int | None = None
    """Where a FIN says that it ends."""
    lost: bool = False

    def advance(self, size: int, place: int) -> None:
        """A segment was taken."""
        assert self.next is not None
        self.history.append((self.position, size, place))
        self.position += size
        self.next = (self.next + size) % SEQUENCES

    def wait(self, offset: int, number: int, piece: Piece) -> None:
        """Keeps a segment; number: any that no other has."""
        heapq.heappush(self.waiting, (offset, number, piece))
        self.waiting_bytes += len(piece.data) + WAITING_COST

    def next_waiting(self) -> tuple[int, Piece]:
        """Takes out the first one that waits: its offset, and the segment."""
        offset, _, piece = heapq.heappop(self.waiting)
        self.waiting_bytes -= len(piece.data) + WAITING_COST
        return offset, piece

    def lose(self) -> None:
        """What follows is not known any more."""
        self.lost = True
        self.waiting.clear()
        self.waiting_bytes = 0
        self.history.clear()

    @property
    def missing(self) -> int:
        """How many bytes there are between what is awaited and the first that waits."""
        return self.waiting[0][0] - self.position

    @property
    def finished(self) -> bool:
        return self.end is not None and (self.lost or self.position >= self.end)


class Burst:
    """Segments that follow one another, of one direction. For figures alone they are put together
    as long as they come within BURST_TIME."""

    __slots__ = ("_first", "_size", "parts", "places", "stream", "time")

    def __init__(self, stream: Stream, time: int | None) -> None:
        self.stream = stream
        self.parts: list[bytes] = []
        self.places: Places = []
        self.time = self._first = time
        self._size = 0

    def add(self, payload: bytes, place: int, time: int | None) -> None:
        """The next segment."""
        stream = self.stream
        size = len(payload)
        self.parts.append(payload)
        self.places.append((self._size, place, time))
        self._size += size
        self.time = time
        stream.advance(size, place)

    def is_full(self, time: int | None) -> bool:
        return (
            self._size >= BURST_SIZE
            or len(self.parts) >= BURST_SEGMENTS
            or (time is not None and self._first is not None
                and not 0 <= time - self._first < BURST_TIME)
        )  # fmt: skip
