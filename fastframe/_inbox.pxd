# The bytes that have arrived and are not parsed yet.
#
# Strategy: whole frames are parsed straight from the caller's bytes. What is left at the end of one read is nearly always
# the first part of one small frame, so the next read is not copied behind it; instead a *splice*, the left-over bytes
# and the first few new ones, is parsed first, and parsing goes on in the caller's new bytes right where it ended.
# Only if that does not do, because the caller feeds without taking, is everything copied into one buffer.
cimport cython
from libc.stdint cimport uint8_t


@cython.final
cdef class Inbox:
    # The next byte, and how many can be read from it. Valid until the next feed, reserve or release.
    cdef const uint8_t *data
    cdef size_t length

    cdef bytes _owner       # the object that `data` points into: the caller's, or one of the two below
    cdef bytes buffer       # our own, or None; only views of get_buffer see it besides us
    cdef bytes _behind      # the caller's bytes behind a splice, or None
    cdef size_t _repeated   # how many bytes at the end of the splice are those at the start of `_behind`

    # Takes in any bytes-like object. `bytes` are kept, everything else is copied.
    cdef int feed(self, object data) except -1
    cdef int feed_copy(self, const uint8_t *data, size_t size) except -1

    # True if there are more bytes than `length`; then `more` makes all of them readable, and answers the same.
    cdef inline bint has_more(self) noexcept:
        return self._behind is not None

    cdef int more(self) except -1

    # Forgets all bytes. Takes no memory, so it cannot fail.
    cdef int clear(self) except -1

    # All bytes that have not been consumed.
    cdef bytes pending(self)

    # Room for `size` bytes behind those that are here, and: that many have been written there.
    cdef uint8_t *reserve(self, size_t size) except NULL
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
        if self._behind is not None and self.length <= self._repeated:
            self._leave_splice()
