# What was received and sent: numbers that the codec adds to, one Tally for each connection, and
# their sums by target and role.
#
# Strategy: a Tally is in the connection's own objects, and counting is a plain addition there. What
# it has counted goes into its Sums when it ends; until then it is in a list, so that whoever asks
# sees it. Only the list and the sums need a lock, and only without the GIL.
cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint16_t, uint64_t

from fastframe._codec.capi cimport (
    FF_OPCODE_BINARY, FF_OPCODE_TEXT, ff_header, ff_header_parse,
)

cdef extern from "counter.h" nogil:
    ctypedef struct ff_lock:
        pass
    const bint FF_COUNTS
    uint64_t ff_nanoseconds()
    uint64_t ff_counted(const uint64_t *counter)
    void ff_count(uint64_t *counter, uint64_t number)
    void ff_lock_take(ff_lock *lock)
    void ff_lock_leave(ff_lock *lock)


cdef enum:
    OPCODES = 11        # from 0x0 to 0xA
    KINDS = 3           # of messages: TEXT and BINARY are 1 and 2
    ROUND_TRIP_ROOMS = 128


# In one direction.
cdef struct Traffic:
    uint64_t whole[KINDS]       # messages of one frame
    uint64_t frames[OPCODES]    # all others
    uint64_t messages[KINDS]    # of several frames
    uint64_t wire_bytes         # of the frames, with their headers
    uint64_t payload_bytes      # of these, without
    uint64_t compressed_bytes   # of these, in messages that are compressed
    uint64_t inflated_bytes     # what those are without compression
    uint64_t nanoseconds        # in the codec, where that was asked for

cdef enum:
    NUMBERS = OPCODES + 2 * KINDS + 5   # that a Traffic has


cdef struct Counts:
    Traffic received, sent
    Counts *previous
    Counts *next


# From a Ping to its Pong, in seconds.
cdef struct RoundTrips:
    uint64_t count
    uint64_t rooms[ROUND_TRIP_ROOMS]    # by size: four for each power of two of microseconds
    double last, shortest


# Of one target and role, in this interpreter.
@cython.final
cdef class Sums:
    cdef readonly str target, role
    cdef ff_lock _lock          # of the numbers and of the list
    cdef Counts _ended          # the numbers of those that have ended; also both ends of the list
    cdef uint64_t _opened, _open
    cdef uint64_t _lost         # ended without a Close
    cdef dict _closed           # by (who began, status code)
    cdef dict _violations       # by rule
    cdef RoundTrips _round_trips

    cdef int add(self, Tally tally) except -1
    cdef void end(self, Tally tally) noexcept
    cdef void close(self, Tally tally) noexcept
    cdef int begin_anew(self) except -1
    cdef int count_round_trip(self, double seconds) except -1


@cython.final
cdef class Tally:
    cdef Counts counts
    cdef Sums _sums             # None: it counts for nobody
    cdef bint _is_connection    # and not only one direction of one
    cdef bint _is_open          # it counts as one that is
    cdef bint _may_be_lost      # it counts as lost if it ends without a Close
    cdef bint _is_timed         # it was asked for
    cdef bint _has_closed       # a Close was received or sent
    cdef public bint closes_here  # this end had sent a Close before the frame that is being read
    cdef public object peer     # its address, for the log; None if it is not known
    cdef dict _pings            # when those were sent that may still be answered, by payload

    # A Close frame: it counts if it is the connection's first one.
    cdef int close_received(self, uint16_t code) except -1
    cdef int close_sent(self, uint16_t code) except -1
    cdef int _closed_by(self, str who, uint16_t code) except -1
    cdef int ping_sent(self, bytes payload) except -1
    cdef int pong_received(self, bytes payload) except -1
    # Of the peer. fields: its `rule`, `section`, `code` and `offset`, as ProtocolError has them.
    cdef int violated(self, dict fields, str reason) except -1

    cdef inline bint is_timed(self) noexcept:
        return FF_COUNTS and self._is_timed

    cdef bint _counts(self) noexcept


# One that counts for a target and role, and for nobody while a self-check runs.
cdef Tally new_tally(Sums sums, bint is_connection, bint may_be_lost)
cdef Sums sums_of(str target, str role)


cdef inline void count_frame(
    Traffic *traffic, uint8_t opcode, size_t header_size, uint64_t length
) noexcept nogil:
    ff_count(&traffic.frames[opcode], 1)
    ff_count(&traffic.wire_bytes, header_size + length)
    ff_count(&traffic.payload_bytes, length)


# A frame that is a message: the path that nearly all go.
cdef inline void count_whole_message(
    Traffic *traffic, const ff_header *header, size_t length
) noexcept nogil:
    ff_count(&traffic.whole[header.opcode], 1)
    ff_count(&traffic.wire_bytes, header.size + length)
    ff_count(&traffic.payload_bytes, length)


# A frame that is not compressed.
cdef inline void count_plain_frame(
    Traffic *traffic, const ff_header *header, size_t length
) noexcept nogil:
    if header.fin and (header.opcode == FF_OPCODE_TEXT or header.opcode == FF_OPCODE_BINARY):
        count_whole_message(traffic, header, length)
    else:
        count_frame(traffic, header.opcode, header.size, length)


# The message of which that was the last frame.
cdef inline void count_message(Traffic *traffic, uint8_t opcode) noexcept nogil:
    ff_count(&traffic.messages[opcode], 1)


# Of a message that is compressed. length: of its payload, before.
cdef inline void count_deflated_frame(
    Traffic *traffic, const ff_header *header, uint64_t length
) noexcept nogil:
    count_frame(traffic, header.opcode, header.size, header.payload_length)
    ff_count(&traffic.compressed_bytes, header.payload_length)
    ff_count(&traffic.inflated_bytes, length)


# One that is ready for the wire, compressed or not. length: of its payload, before.
cdef inline void count_made_frame(Traffic *traffic, bytes frame, uint64_t length) noexcept:
    cdef ff_header header
    ff_header_parse(<const uint8_t *>PyBytes_AS_STRING(frame), PyBytes_GET_SIZE(frame), &header)
    if header.rsv:
        count_deflated_frame(traffic, &header, length)
    else:
        count_frame(traffic, header.opcode, header.size, header.payload_length)


# The same for one that is a message.
cdef inline void count_made_message(Traffic *traffic, bytes frame, uint64_t length) noexcept:
    cdef uint8_t opcode = PyBytes_AS_STRING(frame)[0] & 0x0F
    count_made_frame(traffic, frame, length)
    count_message(traffic, opcode)
