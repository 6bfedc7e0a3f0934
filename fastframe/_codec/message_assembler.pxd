# The payload of a message that does not arrive as a whole: in fragments, or in more than one read.
#
# Strategy: it is received into its final object, which is made in the size of the message as soon
# as that is known, so that the last byte completes it; that of a large one grows with what arrives,
# as a peer may only say that it will send it. Text is assumed ASCII, in a str, until a
# non-ASCII byte arrives; then it goes on in bytes with padding on both sides, as the kernels want
# it, and is decoded at the end.
cimport cython
from libc.stdint cimport uint8_t

from fastframe._codec.capi cimport ff_kernels, ff_utf8
from fastframe._codec.chunk cimport Chunk

# What is being made.
cdef enum Kind:
    BINARY          # bytes
    VALIDATED_TEXT  # bytes, of UTF-8
    ASCII_TEXT      # a str of characters below 128, which nobody has seen yet
    OTHER_TEXT      # a str, whose UTF-8 is in bytes with padding


@cython.final
cdef class MessageAssembler:
    # How many bytes are assembled. Bytes that `add` is to unmask in place may be written after
    # them, at `end`.
    cdef size_t size

    cdef const ff_kernels *_kernels
    cdef object _owner      # the bytes or str; None if no message is open
    cdef uint8_t *_start    # of the payload in it
    cdef size_t _capacity   # from there on
    cdef Kind _kind
    cdef bint _lent         # to somebody who may write to it at any time, since it was begun
    cdef bint _offered      # `end` was lent, and is still where it was
    cdef ff_utf8 _utf8      # the state after the last byte of a text

    cdef int begin(self, Kind kind, size_t capacity) except -1

    # Room for `capacity` bytes in all; memory is moved, at most, not doubled. `owner` may change.
    cdef int grow(self, size_t capacity) except -1

    # Both, for a message of which `announced` bytes are known so far, all of it if this is the
    # `last` frame, and never more than `limit`: at least for the bytes that have `arrived`.
    cdef int make_room(
        self, Kind kind, size_t announced, size_t arrived, bint last, size_t limit
    ) except -1

    # Takes in a chunk, which may be at `end` already. False if it proves that the text is not
    # UTF-8, or a ProtocolError.
    cdef bint add(self, const Chunk *chunk) except -1
    cdef int add_valid(self, const Chunk *chunk) except -1

    # The message; None if a text ends inside a character. Then no message is open.
    cdef object finish(self)

    cdef void forget(self) noexcept

    # A copy of the last bytes of the open message, at most `size`.
    cdef bytes tail(self, size_t size)

    cdef int _refuse_unless_open(self) except -1
    cdef object _decoded(self, const uint8_t *start, bint padded)
    cdef object _new_owner(self, Kind kind, size_t capacity)
    cdef int _resize_owner(self, size_t capacity) except -1
    cdef int _take(self, object owner) except -1
    cdef object _lent_text(self, object text)
    cdef bint _add_ascii(self, const Chunk *chunk, uint8_t *out) except -1

    cdef inline bint is_open(self) noexcept:
        return self._owner is not None

    cdef inline size_t capacity(self) noexcept:
        return self._capacity

    # The object that holds `end`, for a view that may be written to at any time from then on.
    cdef inline object lend(self):
        self._lent = True
        self._offered = True
        return self._owner

    # False if the message has moved since.
    cdef inline bint is_offered(self) noexcept:
        return self._offered

    # Bytes that may be written at `end`.
    cdef inline size_t room(self) noexcept:
        return self._capacity - self.size

    cdef inline Kind kind(self) noexcept:
        return self._kind

    cdef inline uint8_t *end(self) noexcept:
        return self._start + self.size
