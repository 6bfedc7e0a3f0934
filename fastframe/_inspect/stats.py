"""Figures of a whole file: sizes, rates, compression, round trips, gaps. Memory is bounded however
long the file is."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from fastframe._codec.control_frames import Close, Ping, Pong
from fastframe._inspect.events import CLIENT, SERVER, Batch, Connection, Ended
from fastframe._inspect.filters import Filter
from fastframe._types import Opcode

MAX_VALUES = 1 << 14  # different ones that are counted exactly
KEPT_BITS = 8  # of each, where there are more: within 1 %
MAX_PINGS = 1 << 10  # that wait for their Pong


class Distribution:
    """How often each value came, whole numbers from 0 on."""

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}

    def add(self, value: int) -> None:
        self.counts[value] = self.counts.get(value, 0) + 1
        self.bound()

    def bound(self) -> None:
        """Rounds the values where there are too many."""
        if len(self.counts) <= MAX_VALUES:
            return
        rounded: dict[int, int] = {}
        for value, count in self.counts.items():
            low = max(value.bit_length() - KEPT_BITS, 0)
            value = value >> low << low  # noqa: PLW2901
            rounded[value] = rounded.get(value, 0) + count
        self.counts = rounded

    @property
    def count(self) -> int:
        return sum(self.counts.values())

    def quantile(self, share: float) -> int | None:
        """The smallest value that at least this share of all is not above; None without values."""
        wanted = share * self.count
        seen = 0
        for value in sorted(self.counts):
            seen += self.counts[value]
            if seen >= wanted:
                return value
        return None

    def figures(self) -> dict[str, int | None]:
        return {
            "min": min(self.counts, default=None),
            "median": self.quantile(0.5),
            "p99": self.quantile(0.99),
            "max": max(self.counts, default=None),
        }


@dataclass
class SideStats:
    """One direction of all connections."""

    opcodes: dict[str, int] = field(
        default_factory=lambda: {opcode.name.lower(): 0 for opcode in Opcode if opcode}
    )
    sizes: Distribution = field(default_factory=Distribution)
    """Of text and binary messages, inflated, in bytes."""
    frames: int = 0
    payload_bytes: int = 0
    wire_bytes: int = 0
    round_trips: Distribution = field(default_factory=Distribution)
    """In nanoseconds, from a Ping of this side to its Pong."""
    first: int | None = None
    last: int | None = None
    longest_silence: int = 0
    retransmissions: int = 0
    reordered: int = 0
    gaps: int = 0

    def figures(self) -> dict[str, Any]:
        """As JSON has them; times are in seconds."""
        messages = self.opcodes["text"] + self.opcodes["binary"]
        active = None
        if self.first is not None and self.last is not None:
            active = (self.last - self.first) / 1e9
        round_trips = self.round_trips.figures()
        return {
            **self.opcodes,
            "messages": messages,
            "frames": self.frames,
            "payload_bytes": self.payload_bytes,
            "wire_bytes": self.wire_bytes,
            "ratio": self.wire_bytes / self.payload_bytes if self.payload_bytes else None,
            "size": self.sizes.figures(),
            "seconds": active,
            "messages_per_second": messages / active if active else None,
            "bytes_per_second": self.payload_bytes / active if active else None,
            "longest_silence": None if active is None else self.longest_silence / 1e9,
            "ping_round_trip": {
                name: None if value is None else value / 1e9 for name, value in round_trips.items()
            },
            "retransmissions": self.retransmissions,
            "reordered": self.reordered,
            "gaps": self.gaps,
        }


class Stats:
    """Takes batches, or only the messages in them that a filter lets pass."""

    def __init__(self, wanted: Filter) -> None:
        self._wanted = wanted
        self._filtered = wanted.active
        self.sides = {CLIENT: SideStats(), SERVER: SideStats()}
        self._pings: OrderedDict[tuple[int, str, bytes], int] = OrderedDict()

    def batch(self, batch: Batch) -> None:
        side = self.sides[batch.sender]
        time = batch.time
        if time is not None:
            if side.last is not None:
                side.longest_silence = max(side.longest_silence, time - side.last)
            else:
                side.first = time
            side.last = time
        if self._filtered:
            self._messages(side, batch)
        else:
            self._all(side, batch)

    def _all(self, side: SideStats, batch: Batch) -> None:
        """The fast way: a gigabyte may be a million messages."""
        counts = side.sizes.counts
        for size, count in batch.sizes.items():
            counts[size] = counts.get(size, 0) + count
            side.payload_bytes += size * count
        side.sizes.bound()
        side.opcodes["text"] += batch.texts
        side.opcodes["binary"] += batch.binaries
        side.frames += batch.frames
        side.wire_bytes += batch.wire_bytes
        if batch.texts + batch.binaries < len(batch.payloads):
            controls = [data for data in batch.payloads if not isinstance(data, bytes)]
            for payload, time in zip(controls, batch.control_times):
                self._control(side, batch, payload, time)

    def _messages(self, side: SideStats, batch: Batch) -> None:
        for message in batch.messages:
            if not self._wanted.passes(message):
                continue
            side.frames += message.frames
            side.opcodes[message.opcode.name.lower()] += 1
            if message.opcode < Opcode.CLOSE:
                size = len(message.payload)
                side.sizes.add(size)
                side.payload_bytes += size
                side.wire_bytes += message.wire_length

    def _control(self, side: SideStats, batch: Batch, payload: object, time: int | None) -> None:
        if isinstance(payload, Close):
            side.opcodes["close"] += 1
            return
        assert isinstance(payload, (Ping, Pong))
        side.opcodes["ping" if isinstance(payload, Ping) else "pong"] += 1
        if time is None:
            return
        number = batch.connection.number
        if isinstance(payload, Ping):
            self._pings[number, batch.sender, payload.payload] = time
            if len(self._pings) > MAX_PINGS:
                self._pings.popitem(last=False)
            return
        asked = SERVER if batch.sender == CLIENT else CLIENT
        sent = self._pings.pop((number, asked, payload.payload), None)
        if sent is not None:
            self.sides[asked].round_trips.add(max(time - sent, 0))

    def ended(self, event: Ended) -> None:
        connection: Connection = event.connection
        for sender, totals in connection.sent.items():
            side = self.sides[sender]
            side.retransmissions += totals.retransmissions
            side.reordered += totals.reordered
            side.gaps += totals.gaps

    def figures(self) -> dict[str, Any]:
        """For JSON, by sender."""
        return {sender: side.figures() for sender, side in self.sides.items()}

    def rows(self) -> list[tuple[str, str, str]]:
        """For a person: what it is, and the figure of each side."""
        client, server = (self.sides[sender].figures() for sender in (CLIENT, SERVER))
        found: list[tuple[str, str, str]] = []

        def add(name: str, *path: str, unit: str = "", digits: int = 0) -> None:
            values: list[Any] = []
            for side in (client, server):
                value: Any = side
                for key in path:
                    value = value[key]
                values.append("" if value is None else f"{value:,.{digits}f}{unit}")
            found.append((name, *values))

        for name in ("text", "binary", "ping", "pong", "close", "frames"):
            add(name, name)
        add("payload bytes", "payload_bytes")
        add("on the wire", "wire_bytes")
        add("ratio", "ratio", digits=3)
        for name in ("min", "median", "p99", "max"):
            add(f"size, {name}", "size", name, unit=" B")
        add("active", "seconds", unit=" s", digits=3)
        add("messages per second", "messages_per_second", digits=1)
        add("bytes per second", "bytes_per_second")
        add("longest silence", "longest_silence", unit=" s", digits=3)
        for name in ("min", "median", "p99"):
            add(f"ping round trip, {name}", "ping_round_trip", name, unit=" s", digits=6)
        for name in ("retransmissions", "reordered", "gaps"):
            add(name, name)
        return [row for row in found if row[1:] not in (("", ""), ("0", "0"))]
