# cython: language_level=3
"""permessage-deflate between payload and message (RFC 7692, 7.2); the compression itself is the back-end's."""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memcmp

from fastframe.deflate import backend_module

# What ends each message, and is not on the wire (7.2.1): an empty block that is not compressed.
cdef enum:
    TAIL_SIZE = 4
cdef const char *TAIL = b"\x00\x00\xff\xff"

cdef enum:
    LARGEST_WINDOW = 1 << 15


cdef bint is_tail(bytes data) noexcept:
    return PyBytes_GET_SIZE(data) == TAIL_SIZE and memcmp(PyBytes_AS_STRING(data), TAIL, TAIL_SIZE) == 0


@cython.final
cdef class Inflater:
    def __cinit__(self, agreement, bint from_client):
        self._module = backend_module(agreement.settings.backend)
        self._window_bits = agreement.client_max_window_bits if from_client else agreement.server_max_window_bits
        self._forgets = agreement.client_no_context_takeover if from_client else agreement.server_no_context_takeover
        self._input = b""

    cdef void feed(self, bytes data) noexcept:
        self._input = data
        self._more = not (self._fresh and is_tail(data))

    cdef bytes take(self, size_t room):
        cdef bytes piece
        if not self._more:
            return None
        self._fresh = False
        if self._stream is None:
            # A window of 8 bits is one that zlib does not know; a larger one reads the same.
            self._stream = self._module.decompressobj(wbits=-max(self._window_bits, 9))
        try:
            piece = self._stream.decompress(self._input, room)
        except self._module.error as error:
            raise ValueError(str(error))
        if self._stream.eof:
            self._begin_another_stream(piece)
        else:
            self._input = self._stream.unconsumed_tail
            self._more = PyBytes_GET_SIZE(self._input) != 0 or <size_t>PyBytes_GET_SIZE(piece) == room
            self._last = piece
        return piece

    cdef int _begin_another_stream(self, bytes piece) except -1:
        """A block with BFINAL set ends the stream, but not the message, and not the window (7.2.3.4)."""
        window = (piece if self._last is None else self._last + piece)[-LARGEST_WINDOW:]
        self._fresh = True
        self.feed(self._stream.unused_data)
        self._more = self._more and PyBytes_GET_SIZE(self._input) != 0
        self._stream = self._module.decompressobj(wbits=-max(self._window_bits, 9), zdict=window)
        self._last = window
        return 0

    cdef void end_message(self) noexcept:
        self._last = None
        self._fresh = False
        if self._forgets:
            self._stream = None


@cython.final
cdef class Deflater:
    def __cinit__(self, agreement, bint by_client):
        settings = agreement.settings
        self._module = backend_module(settings.backend)
        self.threshold = settings.threshold
        self._forgets = agreement.client_no_context_takeover if by_client else agreement.server_no_context_takeover
        bits = agreement.client_max_window_bits if by_client else agreement.server_max_window_bits
        level = self._module.Z_DEFAULT_COMPRESSION if settings.level is None else settings.level
        self._arguments = (level, self._module.DEFLATED, -bits, settings.memory_level)

    cdef bytes deflate(self, bytes data, bint last):
        cdef bytes compressed, flushed
        cdef Py_ssize_t size
        if self._stream is None:
            self._stream = self._module.compressobj(*self._arguments)
        compressed = self._stream.compress(data)
        if not last:
            return compressed
        flushed = self._stream.flush(self._module.Z_SYNC_FLUSH)
        if self._forgets:
            self._stream = None
        if PyBytes_GET_SIZE(compressed):
            flushed = compressed + flushed
        size = PyBytes_GET_SIZE(flushed)
        if size >= TAIL_SIZE and memcmp(PyBytes_AS_STRING(flushed) + size - TAIL_SIZE, TAIL, TAIL_SIZE) == 0:
            size -= TAIL_SIZE
        # A stream that has nothing new to say says nothing at all, but a message needs a block: 7.2.3.6.
        return PyBytes_FromStringAndSize(PyBytes_AS_STRING(flushed), size) if size else b"\x00"
