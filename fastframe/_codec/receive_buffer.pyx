# cython: language_level=3
"""The bytes that have arrived and are not parsed yet; the strategy is in receive_buffer.pxd."""

cimport cython
from cpython.buffer cimport PyBUF_FORMAT, PyBUF_ND, PyBUF_SIMPLE, PyBUF_STRIDES, PyBuffer_Release
from cpython.bytes cimport (
    PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE,
)
from libc.stdint cimport uint8_t
from libc.string cimport memcpy, memmove

from fastframe._codec.buffers cimport FF_BYTES_LIKE, ff_get_buffer
from fastframe._codec.capi cimport FF_MAX_CONTROL_PAYLOAD, FF_MAX_HEADER

# What one step of parsing can need at once: a control frame, as the payload of a data frame is
# consumed in chunks.
cdef enum:
    STEP_SIZE = FF_MAX_HEADER + FF_MAX_CONTROL_PAYLOAD
    SMALLEST_BUFFER = 2 * STEP_SIZE
    LARGEST_IDLE_BUFFER = 1 << 12


cdef extern from *:
    """
    /* Where `data` points when nothing is buffered: memcpy wants a real address even for no bytes.
    */ static const uint8_t ff_nothing[1] = {0};

    static char ff_bytes_format[] = "B"; /* never written to */
    """
    const uint8_t *NOTHING "ff_nothing"
    char *BYTES_FORMAT "ff_bytes_format"


@cython.final
cdef class ReceiveBuffer:
    def __cinit__(self):
        self.data = NOTHING

    cdef int feed(self, object data) except -1:
        cdef Py_buffer view
        if PyBytes_CheckExact(data):
            if self.length == 0:
                self._take(<bytes>data, 0, PyBytes_GET_SIZE(data))
                return 0
            if self.length <= STEP_SIZE < PyBytes_GET_SIZE(data) and self._next_piece is None:
                return self._splice(<bytes>data)
        ff_get_buffer(data, &view, PyBUF_SIMPLE, "data", FF_BYTES_LIKE)
        try:
            return self.feed_copy(<const uint8_t *>view.buf, view.len)
        finally:
            PyBuffer_Release(&view)

    cdef int feed_copy(self, const uint8_t *data, size_t size) except -1:
        self.materialize()
        return self._append(data, size)

    cdef int clear(self) except -1:
        self.length = 0
        self._owner = self._buffer = self._next_piece = None
        self.data = NOTHING
        return 0

    cdef int materialize(self) except -1:
        cdef bytes piece = self._next_piece
        if piece is None:
            return False
        # Out of the splice: drop the repeated bytes, and copy the whole next piece. Room first, as
        # that may fail.
        self._make_room(PyBytes_GET_SIZE(piece))
        self.length -= self._repeated
        self._next_piece = None
        self._append(<const uint8_t *>PyBytes_AS_STRING(piece), PyBytes_GET_SIZE(piece))
        return True

    cdef bytes pending(self):
        self.materialize()
        return PyBytes_FromStringAndSize(<const char *>self.data, self.length)

    cdef object lend(self, size_t size):
        self.materialize()
        self._make_room(size)
        return writable_view(self._buffer, <uint8_t *>self.data + self.length, size)

    cdef void received(self, size_t size) noexcept:
        self.length += size

    cdef void release(self) noexcept:
        if self.length == 0:
            self._owner = None
            self.data = NOTHING
            if self._buffer is not None and PyBytes_GET_SIZE(self._buffer) > LARGEST_IDLE_BUFFER:
                self._buffer = None

    cdef void _take(self, bytes owner, size_t offset, size_t length) noexcept:
        self._owner = owner
        self.data = <const uint8_t *>PyBytes_AS_STRING(owner) + offset
        self.length = length

    cdef int _append(self, const uint8_t *data, size_t size) except -1:
        if size:
            self._make_room(size)
            # it may be a view that was lent, of this very buffer
            memmove(<uint8_t *>self.data + self.length, data, size)
            self.length += size
        return 0

    cdef int _make_room(self, size_t size) except -1:
        # Moves what is buffered into `_buffer`, unless it is there with `size` free bytes after it.
        # Each byte is moved once on average: in place only over a gap that is as large, else into a
        # buffer with half as much to spare.
        cdef size_t needed = self.length + size
        cdef size_t capacity = 0 if self._buffer is None else PyBytes_GET_SIZE(self._buffer)
        cdef const uint8_t *start = NOTHING
        if self._buffer is not None:
            start = <const uint8_t *>PyBytes_AS_STRING(self._buffer)
        cdef size_t gap = 0
        cdef bytes larger
        if self._owner is self._buffer and self._buffer is not None:
            gap = self.data - start
            if needed <= capacity - gap:
                return 0
        if needed <= capacity and (self._owner is not self._buffer or self.length <= gap):
            memmove(<uint8_t *>start, self.data, self.length)
        else:
            larger = PyBytes_FromStringAndSize(
                NULL, max(needed + needed // 2, <size_t>SMALLEST_BUFFER)
            )
            memcpy(PyBytes_AS_STRING(larger), self.data, self.length)
            self._buffer = larger
        self._take(self._buffer, 0, self.length)
        return 0

    cdef int _splice(self, bytes data) except -1:
        self._append(<const uint8_t *>PyBytes_AS_STRING(data), STEP_SIZE)
        self._repeated = STEP_SIZE
        self._next_piece = data
        return 0

    cdef void _leave_splice(self) noexcept:
        cdef bytes piece = self._next_piece
        cdef size_t parsed = self._repeated - self.length
        self._next_piece = None
        self._take(piece, parsed, PyBytes_GET_SIZE(piece) - parsed)


# ---- memory to be written to ---------------------------------------------------------------------

@cython.final
cdef class WritableRegion:
    # Lends memory that belongs to `owner` as a writable buffer, and keeps it alive for as long as
    # someone looks at it.
    cdef object owner
    cdef void *start
    cdef Py_ssize_t size

    def __getbuffer__(self, Py_buffer *view, int flags):
        view.obj = self
        view.buf = self.start
        view.len = self.size
        view.readonly = False
        view.itemsize = 1
        view.format = BYTES_FORMAT if flags & PyBUF_FORMAT else NULL
        view.ndim = 1
        view.shape = &view.len if flags & PyBUF_ND else NULL
        view.strides = &view.itemsize if flags & PyBUF_STRIDES == PyBUF_STRIDES else NULL
        view.suboffsets = NULL
        view.internal = NULL


cdef object writable_view(object owner, uint8_t *start, size_t size):
    cdef WritableRegion region = WritableRegion.__new__(WritableRegion)
    region.owner = owner
    region.start = start
    region.size = size
    return memoryview(region)
