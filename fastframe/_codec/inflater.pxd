# The state of permessage-deflate (RFC 7692) inbound, on a compression library with zlib's
# interface.
cimport cython
from libc.stdint cimport uint64_t

from fastframe._codec.capi cimport ff_kernels
from fastframe._codec.message_assembler cimport MessageAssembler, Kind
from fastframe._codec.chunk cimport Chunk


# From compressed payload to the payload of a message.
#
# Strategy: the back-end is asked for one limited output after the other, so that a message that
# grows too large is refused one output beyond the limit. Most messages are one output, which is
# then the payload; the outputs of a larger one go into the assembler.
@cython.final
cdef class Inflater:
    cdef const ff_kernels *_kernels
    cdef object _module
    cdef bint _no_context_takeover
    # As agreed, so that it takes no more memory. What a peer refers to beyond it is found or not,
    # as zlib gives it: that depends on how the message was cut.
    cdef int _window_bits
    cdef uint64_t _max_message_size
    cdef MessageAssembler _assembler    # the Decoder's

    cdef object _stream                 # None where a message begins with an empty window
    cdef bytes _input                   # what was fed last
    cdef Py_ssize_t _input_offset       # how much of it is consumed
    # there is more input, or the last output was as large as it may be
    cdef bint _more
    cdef bint _stream_just_ended        # inside this message, and nothing has arrived since
    cdef uint64_t _streams              # how many have ended in this message
    cdef uint64_t _wire_bytes           # of this message, as far as it is consumed

    cdef uint64_t size                  # of the open message so far
    cdef bytes _first_output            # mostly the only one

    # Takes in a chunk of the payload; `last` if it ends the message, of the given kind.
    # ProtocolError if the stream is corrupt, the message too large, or its text not UTF-8.
    cdef int add(self, const Chunk *chunk, bint last, Kind kind) except -1

    # The payload of the message; None if it is in the assembler.
    cdef bytes finish(self)

    cdef void forget_message(self) noexcept

    cdef int _refuse(self, bytes output, Kind kind) except -1
    cdef void _feed(self, bytes data) noexcept
    cdef bytes _next_output(self)
    cdef bytes _decompressed(self, bytes data, uint64_t room)
    cdef bint _only_tail_is_left(self) noexcept
    cdef int _begin_another_stream(self) except -1
    cdef bytes _window(self)
    cdef int _keep(self, bytes output, Kind kind) except -1
    cdef int _gather_first_output(self, Kind kind) except -1
    cdef int _gather(self, bytes output) except -1
