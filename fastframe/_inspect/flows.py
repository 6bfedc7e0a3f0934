"""All TCP connections of a capture: segments put in order, gaps, beginnings and ends.

Retransmissions, overlaps and reordering are put right and counted. Bytes that are missing end their
direction: where the next frame begins cannot be known.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from fastframe._inspect.captures import Packet
from fastframe._inspect.connections import Conversation
from fastframe._inspect.events import Event, Note, Piece
from fastframe._inspect.packets import (
    ACK,
    FIN,
    RST,
    SYN,
    NotTcpError,
    Segment,
    peers,
    reverse,
    segment,
)
from fastframe._inspect.sides import Context
from fastframe._inspect.source import Source
from fastframe._inspect.streams import SEQUENCES, Burst, Stream

FUTURE = 1 << 31  # a distance from here on is one into the past
MAX_WAITING = 4 << 20  # bytes of one direction that wait for earlier ones
# Bytes of memory for a connection, and for one that inflates: two windows of 32 KiB.
CONNECTION_COST = 8 << 10
INFLATER_COST = 72 << 10
MAX_ENDED = 1 << 10  # connections whose late packets are known
MAX_REASONS = 32
# Bytes of a payload that are taken at once: it may be all empty messages, with an object for each.
LARGEST_SEGMENT = 1 << 16
SYN_FIN_RST = SYN | FIN | RST
NOTHING: list[Event] = []
MISSING = "bytes are missing from the capture"


def halves(found: Segment) -> tuple[Segment, Segment]:
    """The first LARGEST_SEGMENT bytes of a segment, and the rest of it."""
    key, sequence, flags, start, end, missing = found
    cut = start + LARGEST_SEGMENT
    after = (sequence + LARGEST_SEGMENT + (flags & SYN != 0)) % SEQUENCES
    first = (key, sequence, flags & ~(FIN | RST), start, cut, 0)
    return first, (key, after, flags & ~SYN, cut, end, missing)


@dataclass(slots=True)
class Flow:
    """A TCP connection."""

    key: bytes
    conversation: Conversation
    streams: tuple[Stream, Stream] = field(default_factory=lambda: (Stream(), Stream()))
    cost: int = 0


class Flows:
    """All TCP connections of a capture."""

    def __init__(self, context: Context, source: Source) -> None:
        self._context = context
        self._source = source
        self._flows: dict[bytes, tuple[Flow, int]] = {}
        self._by_age: OrderedDict[bytes, Flow] = OrderedDict()  # the longest silent first
        self._ended: OrderedDict[bytes, None] = OrderedDict()
        self._cost = 0
        self._number = 0
        self._rest: tuple[Segment, int | None, bytes, int] | None = None
        self._burst: Burst | None = None
        self._burst_entry: tuple[Flow, int]  # whose burst it is

    def packet(self, packet: Packet) -> list[Event]:
        """What the next packet leads to."""
        link, time, data, start, end, base = packet
        self._number += 1
        try:
            found = segment(link, data, start, end)
        except NotTcpError as error:
            self._skip(str(error))
            return NOTHING
        if found[4] - found[3] > LARGEST_SEGMENT:
            found, rest = halves(found)
            self._rest = (rest, time, data, base)
        return self._found(found, time, data, base)

    def rest(self) -> list[Event] | None:
        """What the rest of the packet leads to, if it was so large that there is one; else None."""
        if self._rest is None:
            return None
        found, time, data, base = self._rest
        self._rest = None
        if found[4] - found[3] > LARGEST_SEGMENT:
            found, rest = halves(found)
            self._rest = (rest, time, data, base)
        return self._found(found, time, data, base)

    def _found(self, found: Segment, time: int | None, data: bytes, base: int) -> list[Event]:
        key, sequence, flags, start, end, missing = found
        entry = self._flows.get(key)
        usual = not flags & SYN_FIN_RST and not missing
        if usual and entry is not None:
            if start == end:
                return NOTHING  # an acknowledgement
            burst = self._burst
            if burst is not None and self._burst_entry is entry and sequence == burst.stream.next:
                burst.add(data[start:end], base + start, time)
                return self._flush() if burst.is_full(time) else NOTHING
        events = self._flush()
        entry = self._flows.get(key)  # what was put together may have ended it
        if entry is not None and flags & SYN:
            entry, ended = self._another_syn(entry, found)
            events = events + ended
        if entry is None:
            if not flags & SYN and (start == end or key in self._ended):
                return events
            entry = self._begin(found)
            events = events + self._weigh(entry[0])
        return events + self._segment(entry, found, time, data, base)

    def _segment(
        self, entry: tuple[Flow, int], found: Segment, time: int | None, data: bytes, base: int
    ) -> list[Event]:
        _, sequence, flags, start, end, missing = found
        flow, side = entry
        stream = flow.streams[side]
        events = NOTHING
        if flags & SYN:
            sequence = (sequence + 1) % SEQUENCES
        if stream.next is None:
            stream.next = sequence
        if end > start and not stream.lost:
            usual = not flags & SYN_FIN_RST and not missing
            if usual and sequence == stream.next and not stream.waiting:
                self._burst, self._burst_entry = Burst(stream, time), entry
                self._burst.add(data[start:end], base + start, time)
                return NOTHING if flow.conversation.may_wait(side) else self._flush()
            piece = Piece(data[start:end], [(0, base + start, time)], time)
            events = self._in_any_order(entry, sequence, piece)
            events = events + self._weigh(flow)
        if missing and not stream.lost:
            text = "packets were cut when they were captured"
            events = events + self._lose(flow, side, text, missing, time)
        if flags & (FIN | RST):
            events = events + self._closing(flow, stream, found, sequence)
        return events

    def _flush(self) -> list[Event]:
        """What the segments that were put together lead to."""
        burst = self._burst
        if burst is None:
            return NOTHING
        self._burst = None
        (flow, side), parts = self._burst_entry, burst.parts
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        events = flow.conversation.feed(side, Piece(data, burst.places, burst.time))
        return events + self._weigh(flow)

    def _skip(self, reason: str) -> None:
        skipped = self._context.summary.skipped
        if reason not in skipped and len(skipped) >= MAX_REASONS:
            reason = "other"
        skipped[reason] = skipped.get(reason, 0) + 1

    def end(self) -> list[Event]:
        """The capture ends, and with it all connections."""
        events = self._flush()
        for flow in list(self._by_age.values()):
            events = events + self._end(flow)
        return events

    # ---- connections come and go -----------------------------------------------------------------

    def _begin(self, found: Segment) -> tuple[Flow, int]:
        self._context.summary.tcp_connections += 1
        key, _, flags, _, _, _ = found
        sender, receiver = peers(key)
        # A SYN with ACK is the second packet: the other side has begun.
        from_start = flags & SYN != 0
        flow = Flow(
            key,
            Conversation(self._context, (sender, receiver), from_start=from_start),
        )
        entry = self._flows[key] = (flow, 0)
        self._flows[reverse(key)] = (flow, 1)
        self._by_age[key] = flow
        self._ended.pop(key, None)
        self._ended.pop(reverse(key), None)
        flow.cost = CONNECTION_COST
        self._cost += flow.cost
        return entry

    def _another_syn(
        self, entry: tuple[Flow, int], found: Segment
    ) -> tuple[tuple[Flow, int] | None, list[Event]]:
        """A SYN may be repeated; one with another number begins a new connection with the same
        ports."""
        _, sequence, flags, _, _, _ = found
        flow, side = entry
        stream = flow.streams[side]
        if stream.next is None or flags & ACK or (
            stream.position == 0 and stream.next == (sequence + 1) % SEQUENCES
        ):  # fmt: skip
            return entry, []
        return None, self._end(flow)

    def _closing(self, flow: Flow, stream: Stream, found: Segment, sequence: int) -> list[Event]:
        _, _, flags, start, end, _ = found
        if flags & RST:
            return self._end(flow)
        assert stream.next is not None
        distance = (sequence + end - start - stream.next) % SEQUENCES
        stream.end = stream.position + (distance if distance < FUTURE else 0)
        return self._end(flow) if all(one.finished for one in flow.streams) else []

    def _end(self, flow: Flow) -> list[Event]:
        events: list[Event] = []
        for side, stream in enumerate(flow.streams):
            if stream.waiting:
                time = stream.waiting[0][2].time
                events += self._lose(flow, side, MISSING, stream.missing, time)
        for key in (flow.key, reverse(flow.key)):
            self._flows.pop(key, None)
            self._ended[key] = None
        while len(self._ended) > MAX_ENDED:
            self._ended.popitem(last=False)
        del self._by_age[flow.key]
        self._cost -= flow.cost
        return events + flow.conversation.end()

    # ---- order -----------------------------------------------------------------------------------

    def _in_any_order(self, entry: tuple[Flow, int], sequence: int, piece: Piece) -> list[Event]:
        flow, side = entry
        stream = flow.streams[side]
        assert stream.next is not None
        distance = (sequence - stream.next) % SEQUENCES
        if distance >= FUTURE:
            distance -= SEQUENCES
        if distance > 0:
            flow.conversation.sides[side].totals.reordered += 1
            stream.wait(stream.position + distance, self._number, piece)
            if stream.waiting_bytes > MAX_WAITING:
                return self._lose(flow, side, MISSING, stream.missing, piece.time)
            return []
        if distance == -1 and len(piece.data) == 1:
            return []  # a keep-alive (RFC 9293, 3.8.4): its byte says nothing
        events = self._deliver(entry, stream.position + distance, piece)
        while stream.waiting and stream.missing <= 0:
            offset, waited = stream.next_waiting()
            events += self._deliver(entry, offset, waited)
        return events

    def _deliver(self, entry: tuple[Flow, int], offset: int, piece: Piece) -> list[Event]:
        """A segment that begins at or before what is awaited: what of it is new."""
        flow, side = entry
        stream = flow.streams[side]
        events: list[Event] = []
        payload, ((_, place, _),), time = piece
        known = stream.position - offset
        if known > 0:
            flow.conversation.sides[side].totals.retransmissions += 1
            if self._differs(stream, offset, payload[:known]):
                events.append(self._difference(flow, side, place, time))
            payload, place = payload[known:], place + known
        if payload:
            stream.advance(len(payload), place)
            events += flow.conversation.feed(side, Piece(payload, [(0, place, time)], time))
        return events

    def _differs(self, stream: Stream, offset: int, again: bytes) -> bool:
        """Whether a retransmission has other bytes than what came first, as far as that is
        remembered."""
        for earlier, size, place in stream.history:
            first = max(earlier, offset)
            last = min(earlier + size, offset + len(again))
            if first < last:
                before = self._source.look_up(place + first - earlier, last - first)
                if before != again[first - offset : last - offset]:
                    return True
        return False

    def _difference(self, flow: Flow, side: int, place: int, time: int | None) -> Note:
        conversation = flow.conversation
        this = conversation.sides[side]
        return Note(
            "overlap",
            f"a retransmission of the {this.sender or this.name} has other bytes than what came "
            f"first; what came first is shown",
            conversation.connection, this.sender, time, None, place,
        )  # fmt: skip

    def _lose(
        self, flow: Flow, side: int, text: str, missing: int, time: int | None
    ) -> list[Event]:
        stream = flow.streams[side]
        stream.lose()
        return flow.conversation.lose(side, text, missing, time)

    # ---- memory ----------------------------------------------------------------------------------

    def _weigh(self, flow: Flow) -> list[Event]:
        """Keeps count of memory; where it is too much, the connections that have been silent for
        longest are given up."""
        first, second = flow.streams
        cost = CONNECTION_COST + flow.conversation.held + first.waiting_bytes + second.waiting_bytes
        if flow.conversation.inflates:
            cost += INFLATER_COST
        self._cost += cost - flow.cost
        flow.cost = cost
        self._by_age.move_to_end(flow.key)
        events: list[Event] = []
        while self._cost > self._context.settings.memory and len(self._by_age) > 1:
            oldest = next(iter(self._by_age.values()))
            if oldest.conversation.connection is not None:
                events.append(
                    Note(
                        "memory", "given up, as too many connections are open at once: see "
                        "--memory", oldest.conversation.connection, incomplete=True,
                    )
                )  # fmt: skip
            events += self._end(oldest)
        return events
