# cython: language_level=3
"""Tally and Sums: see tally.pxd."""

cimport cython
from libc.stdint cimport uint8_t, uint16_t, uint64_t
from libc.string cimport memset

from fastframe._codec.capi cimport (
    FF_OPCODE_BINARY, FF_OPCODE_CLOSE, FF_OPCODE_CONTINUATION,
    FF_OPCODE_PING, FF_OPCODE_PONG, FF_OPCODE_TEXT, ff_header,
)

import os
from time import perf_counter

cdef enum:
    # How many Pings may wait for their Pong: a peer that answers none of them takes no more memory.
    MOST_PINGS = 16
    # How many status codes are told apart.
    MOST_CODES = 100

_TIMES = os.environ.get("FASTFRAME_TIMES", "0") not in ("", "0")
_sums = {}  # by (target, role), of this interpreter
_uncounted = []


cdef Sums sums_of(str target, str role):
    found = _sums.get((target, role))
    if found is None:
        found = _sums.setdefault((target, role), Sums(target, role))
    return <Sums>found


cdef Tally new_tally(Sums sums, bint is_connection, bint may_be_lost):
    cdef Tally tally = Tally.__new__(Tally)
    tally._is_connection = tally._is_open = is_connection
    tally._may_be_lost = may_be_lost
    tally._is_timed = _TIMES
    if not _uncounted:
        sums.add(tally)
    return tally


cdef void add_traffic(Traffic *total, const Traffic *part) noexcept:
    cdef const uint64_t *numbers = <const uint64_t *>part
    cdef int i
    for i in range(NUMBERS):
        (<uint64_t *>total)[i] += ff_counted(&numbers[i])


cdef class Sums:
    def __cinit__(self, target, role):
        self.target, self.role = target, role
        self._closed, self._violations = {}, {}
        self._ended.next = self._ended.previous = &self._ended

    cdef int add(self, Tally tally) except -1:
        cdef Counts *counts = &tally.counts
        tally._sums = self
        ff_lock_take(&self._lock)
        counts.previous, counts.next = self._ended.previous, &self._ended
        counts.previous.next = counts.next.previous = counts
        self._opened += tally._is_connection
        self._open += tally._is_open
        ff_lock_leave(&self._lock)
        return 0

    cdef void end(self, Tally tally) noexcept:
        cdef Counts *counts = &tally.counts
        ff_lock_take(&self._lock)
        counts.previous.next, counts.next.previous = counts.next, counts.previous
        add_traffic(&self._ended.received, &counts.received)
        add_traffic(&self._ended.sent, &counts.sent)
        self._open -= tally._is_open
        self._lost += tally._may_be_lost and not tally._has_closed
        ff_lock_leave(&self._lock)

    cdef void close(self, Tally tally) noexcept:
        ff_lock_take(&self._lock)
        self._open -= tally._is_open
        tally._is_open = False
        ff_lock_leave(&self._lock)

    cdef int begin_anew(self) except -1:
        """In a new process, which has the connections of its parent, but not what those did."""
        cdef Counts *following
        cdef Counts *counts
        self._closed, self._violations = {}, {}  # first: this may free what is in the list
        counts = self._ended.next
        memset(&self._lock, 0, sizeof(self._lock))  # another thread may have had it
        self._opened = self._open = self._lost = 0
        memset(&self._round_trips, 0, sizeof(self._round_trips))
        memset(&self._ended.received, 0, 2 * sizeof(Traffic))
        while counts != &self._ended:  # they count for nobody from now on
            following, counts.next, counts.previous = counts.next, NULL, NULL
            counts = following
        self._ended.next = self._ended.previous = &self._ended
        return 0

    def as_dict(self):
        """The numbers of now, as fastframe.metrics has them."""
        cdef Counts total
        cdef Counts *counts
        cdef RoundTrips round_trips
        ff_lock_take(&self._lock)
        total = self._ended
        counts = self._ended.next
        while counts != &self._ended:
            add_traffic(&total.received, &counts.received)
            add_traffic(&total.sent, &counts.sent)
            counts = counts.next
        opened, is_open, lost = self._opened, self._open, self._lost
        round_trips = self._round_trips
        ff_lock_leave(&self._lock)
        closed = {"peer": {}, "here": {}, "nobody": {1006: lost} if lost else {}}
        for (who, code), number in sorted(self._closed.copy().items()):
            closed[who][code] = number
        return {
            "connections": {"opened": opened, "open": is_open, "closed": closed},
            "received": traffic_as_dict(&total.received),
            "sent": traffic_as_dict(&total.sent),
            "round_trip": round_trips_as_dict(&round_trips),
            "violations": self._violations.copy(),
        }

    cdef int count_round_trip(self, double seconds) except -1:
        """From a Ping to its Pong."""
        cdef int room = room_of(seconds)
        ff_lock_take(&self._lock)
        self._round_trips.rooms[room] += 1
        self._round_trips.count += 1
        self._round_trips.last = seconds
        if self._round_trips.count == 1 or seconds < self._round_trips.shortest:
            self._round_trips.shortest = seconds
        ff_lock_leave(&self._lock)
        return 0


cdef dict round_trips_as_dict(const RoundTrips *found):
    cdef bint any = found.count > 0
    return {
        "count": found.count,
        "last": found.last if any else None,
        "min": found.shortest if any else None,
        "p50": percentile(found, 50) if any else None,
        "p99": percentile(found, 99) if any else None,
    }


cdef double percentile(const RoundTrips *found, uint64_t percent) noexcept:
    """The upper end of the room that has it."""
    cdef uint64_t below = found.rooms[0]
    cdef int room = 0
    while below * 100 < found.count * percent:
        room += 1
        below += found.rooms[room]
    return 1e-6 * 2.0 ** (room / 4.0)


cdef int room_of(double seconds) noexcept:
    cdef int room = 0
    cdef double end = 1e-6
    while seconds > end and room < ROUND_TRIP_ROOMS - 1:
        room += 1
        end *= 1.189207115002721  # the fourth root of two
    return room


cdef dict traffic_as_dict(const Traffic *traffic):
    return {
        "messages": {
            "text": traffic.whole[FF_OPCODE_TEXT] + traffic.messages[FF_OPCODE_TEXT],
            "binary": traffic.whole[FF_OPCODE_BINARY] + traffic.messages[FF_OPCODE_BINARY],
        },
        "frames": {
            "continuation": traffic.frames[FF_OPCODE_CONTINUATION],
            "text": traffic.whole[FF_OPCODE_TEXT] + traffic.frames[FF_OPCODE_TEXT],
            "binary": traffic.whole[FF_OPCODE_BINARY] + traffic.frames[FF_OPCODE_BINARY],
            "close": traffic.frames[FF_OPCODE_CLOSE],
            "ping": traffic.frames[FF_OPCODE_PING],
            "pong": traffic.frames[FF_OPCODE_PONG],
        },
        "wire_bytes": traffic.wire_bytes,
        "payload_bytes": traffic.payload_bytes,
        "compressed_bytes": traffic.compressed_bytes,
        "inflated_bytes": traffic.inflated_bytes,
        "seconds": traffic.nanoseconds / 1e9 if _TIMES else None,
    }


@cython.no_gc  # what it has is part of no cycle
cdef class Tally:
    def __cinit__(self):
        memset(&self.counts, 0, sizeof(self.counts))

    def __dealloc__(self):
        if self._counts():
            self._sums.end(self)

    cdef bint _counts(self) noexcept:
        return self.counts.next is not NULL

    def __copy__(self):
        return self  # as a copy of a connection is still that connection

    def __deepcopy__(self, memo):
        return self

    cdef int close_received(self, uint16_t code) except -1:
        return self._closed_by("peer", code)

    cdef int close_sent(self, uint16_t code) except -1:
        return self._closed_by("here", code)

    cdef int _closed_by(self, str who, uint16_t code) except -1:
        cdef bint is_first
        with cython.critical_section(self):
            is_first = not self._has_closed
            self._has_closed = True
        if is_first and self._is_connection and self._counts():
            count_code(self._sums, who, code)
        return 0

    @property
    def has_closed(self):
        """Whether a Close frame was counted."""
        return self._has_closed

    def closed(self, uint16_t code, bint here):
        """By a Close frame with that code, or 1005 for none. here: this end has sent the first
        one."""
        self._closed_by("here" if here else "peer", code)

    def connection_lost(self):
        """The connection is not open any more; some of what has come, a Close for one, may be read
        later."""
        if self._counts():
            self._sums.close(self)

    def received(self, uint8_t opcode, uint64_t length, bint masked):
        """A text or binary message of one frame, which a module in Python has read."""
        cdef ff_header header
        if opcode not in (FF_OPCODE_TEXT, FF_OPCODE_BINARY):
            raise ValueError("a message is text or binary (RFC 6455, 5.6)")
        header.opcode, header.payload_length = opcode, length
        header.size = 2 + 4 * masked + (0 if length < 126 else 2 if length < 1 << 16 else 8)
        count_whole_message(&self.counts.received, &header, length)

    cdef int ping_sent(self, bytes payload) except -1:
        if not self._counts():
            return 0
        with cython.critical_section(self):
            if self._pings is None:
                self._pings = {}
            self._pings.pop(payload, None)
            if len(self._pings) >= MOST_PINGS:
                del self._pings[next(iter(self._pings))]
            self._pings[payload] = perf_counter()
        return 0

    cdef int pong_received(self, bytes payload) except -1:
        sent = None
        with cython.critical_section(self):
            if self._pings is not None and payload in self._pings:
                sent = self._pings[payload]
                while payload in self._pings:  # it answers for those before it, too (5.5.3)
                    del self._pings[next(iter(self._pings))]
        if sent is not None:  # else it is one that nobody has asked for
            self._sums.count_round_trip(perf_counter() - <double>sent)
        return 0

    cdef int violated(self, dict fields, str reason) except -1:
        if self._counts():
            count_in(self._sums, self._sums._violations, fields["rule"])
            from fastframe._logs import log_violation  # here, as it imports logging

            fields["target"], fields["role"] = self._sums.target, self._sums.role
            fields["peer"] = self.peer
            log_violation(fields, reason)
        return 0


cdef int count_code(Sums sums, str who, uint16_t code) except -1:
    """Which a peer may choose: of those for applications (RFC 6455, 7.4.2) not all are kept."""
    if not 1000 <= code < 5000 or (
        (who, code) not in sums._closed and len(sums._closed) >= MOST_CODES
    ):
        code = 0
    return count_in(sums, sums._closed, (who, code))


cdef int count_in(Sums sums, dict numbers, key) except -1:
    with cython.critical_section(sums):
        numbers[key] = numbers.get(key, 0) + 1
    return 0


# ---- for the modules in Python -------------------------------------------------------------------

def tally(str target not None, str role not None, bint may_be_lost=True):
    """A Tally of a connection that begins now. may_be_lost: one without a Close counts as lost; not
    where Closes are not seen."""
    return new_tally(sums_of(target, role), True, may_be_lost)


def all_sums():
    """By (target, role)."""
    return _sums.copy()


def begin_anew():
    """After a fork."""
    cdef Sums sums
    for sums in _sums.values():
        sums.begin_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=begin_anew)


def count_nothing(bint nothing):
    """Connections that begin from now on count for nobody; or, as often, for somebody again."""
    if nothing:
        _uncounted.append(True)
    else:
        _uncounted.pop()
