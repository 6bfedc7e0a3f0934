# The state of permessage-deflate (RFC 7692) in one direction, on a compression library with zlib's interface.
cimport cython
from libc.stdint cimport uint64_t

from fastframe._capi cimport ff_kernels
from fastframe._gather cimport Gathering, Kind
from fastframe._payload cimport Chunk


# From compressed payload to the payload of a message.
#
# Strategy: it is inflated piece by piece, so that a message that grows too large is refused one piece beyond the limit. Most
# messages are one piece, which is then the payload; the pieces of a larger one are gathered.
@cython.final
cdef class Inflater:
    cdef const ff_kernels *_kernels
    cdef object _module
    cdef bint _forgets          # its window after each message
    cdef uint64_t _max_message_size
    cdef Gathering _gathering   # the Decoder's

    cdef object _stream         # None where a message begins with an empty window
    cdef bytes _input           # what was fed last
    cdef Py_ssize_t _at         # how much of it is consumed
    cdef bint _more             # there is more, or the last piece was as large as it could be
    cdef bint _fresh            # a stream has ended in mid-message, and nothing has come since
    cdef uint64_t _streams      # how many have ended in this message
    cdef uint64_t _fed          # bytes of this message

    cdef uint64_t _size         # of the open message so far
    cdef bytes _first_piece     # mostly the only one

    # Takes in a chunk of the payload; `last` if it ends the message, of the given kind. ProtocolError if the stream is corrupt,
    # the message too large, or its text not UTF-8.
    cdef int add(self, const Chunk *chunk, bint last, Kind kind) except -1

    # The payload of the message; None if it is in the Gathering.
    cdef bytes finish(self)

    cdef void forget_message(self) noexcept

    cdef void _feed(self, bytes data) noexcept
    cdef bytes _next_piece(self)
    cdef bytes _decompressed(self, bytes data, uint64_t room)
    cdef bint _only_tail_is_left(self) noexcept
    cdef int _begin_another_stream(self) except -1
    cdef bytes _window(self)
    cdef int _keep(self, bytes piece, Kind kind) except -1
    cdef int _gather_first_piece(self, Kind kind) except -1
    cdef int _gather(self, bytes piece) except -1


# What a compressor makes of `data`, and with `last` of all that it still holds back. TypeError if that is not bytes.
cdef bytes compressed(object stream, object flush_mode, bytes data, bint last)


@cython.final
cdef class Deflater:
    cdef readonly size_t threshold
    cdef object _module
    cdef tuple _arguments   # of compressobj
    cdef bint _forgets
    cdef object _stream

    # The compressed payload of one fragment; of the last one without the four bytes that 7.2.1 leaves out.
    cdef bytes deflate(self, bytes data, bint last)
