# The bytes that have arrived and are not parsed yet.
#
# Strategy: whole frames are parsed straight from the caller's bytes. What is left at the end of one
# read is nearly always the first part of one small frame, so the next read is not copied after it;
# instead a *splice*, the left-over bytes and the first few new ones, is parsed first, and parsing
# goes on in the caller's new bytes where it ended. Only when the caller feeds again before draining
# is everything copied into one buffer.
cimport cython
from libc.stdint cimport uint8_t


@cython.final
cdef class ReceiveBuffer:
    # The next byte, and how many can be read from it. Valid until the next feed, lend, materialize
    # or release.
    cdef const uint8_t *data
    cdef size_t length

    cdef bytes _owner       # the object that `data` points into: the caller's, or `_buffer`
    cdef bytes _buffer      # this object's own, or None; only views that it has lent see it besides
    cdef bytes _next_piece  # the caller's bytes after a splice, or None
    # how many bytes at the end of the splice are those at the start of `_next_piece`
    cdef size_t _repeated

    # Takes in any bytes-like object. `bytes` are kept, everything else is copied.
    cdef int feed(self, object data) except -1
    cdef int feed_copy(self, const uint8_t *data, size_t size) except -1

    # True if there are more bytes than `length`; then `materialize` makes all of them readable, and
    # answers the same.
    cdef inline bint has_next_piece(self) noexcept:
        return self._next_piece is not None

    cdef int materialize(self) except -1

    # Forgets all bytes. Takes no memory, so it cannot fail.
    cdef int clear(self) except -1

    # A copy of all bytes that have not been consumed.
    cdef bytes pending(self)

    # A writable memoryview of `size` bytes after those that are buffered, and: that many have been
    # written there.
    cdef object lend(self, size_t size)
    cdef void received(self, size_t size) noexcept

    # Lets go of the caller's bytes once all are consumed, so that an idle connection holds none.
    cdef void release(self) noexcept

    cdef void _take(self, bytes owner, size_t offset, size_t length) noexcept
    cdef int _append(self, const uint8_t *data, size_t size) except -1
    cdef int _make_room(self, size_t size) except -1
    cdef int _splice(self, bytes data) except -1
    cdef void _leave_splice(self) noexcept

    cdef inline void consume(self, size_t size) noexcept:
        self.data += size
        self.length -= size
        if self._next_piece is not None and self.length <= self._repeated:
            self._leave_splice()


# A writable memoryview of memory that belongs to `owner`, which it keeps alive.
cdef object writable_view(object owner, uint8_t *start, size_t size)
