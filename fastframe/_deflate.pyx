# cython: language_level=3
"""permessage-deflate between payload and message (RFC 7692, 7.2); the compression itself is the back-end's."""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint64_t
from libc.string cimport memcmp

from fastframe._capi cimport FF_ERR_DEFLATE, FF_ERR_MESSAGE_TOO_BIG, FF_ERR_TEXT_UTF8
from fastframe._core cimport kernels, protocol_error
from fastframe._gather cimport Gathering, Kind
from fastframe._payload cimport DEFLATE_TAIL_SIZE, Chunk, chunk_bytes, chunk_bytes_and_deflate_tail, unmasked_chunk

cdef enum:
    PIECE_SIZE = 3 << 15  # a buffer of 128 KiB would come from the system page by page, each time
    # Bytes that are handed to the back-end at once. It copies what it did not get to, so more would cost time that grows with
    # the square of what has arrived. After the end of a stream that is most of it.
    SLICE_SIZE = 1 << 15
    SLICE_SIZE_AFTER_STREAMS = 1 << 12
    LARGEST_WINDOW = 1 << 15
    # Whatever window the peer has agreed to: with a smaller one a reference beyond it is an error or not depending on how much
    # is inflated in one call, so on how the message was cut. The memory is taken page by page, as it is used.
    LARGEST_WINDOW_BITS = 15
    # Streams that end inside a message: so many, and one more for so many bytes on the wire.
    FEW_STREAMS = 16
    LEAST_PER_STREAM = 64


# zlib's own error for it; in Python it is the same exception as for a corrupt stream.
OUT_OF_MEMORY = "Error -4 "


cdef object backend(name):
    from fastframe.deflate import backend_module  # here, as it takes long to import

    return backend_module(name)


# What ends each message, and is not on the wire (7.2.1): an empty block that is not compressed.
cdef bint ends_with_tail(const char *data, Py_ssize_t size) noexcept:
    return size >= DEFLATE_TAIL_SIZE and memcmp(data + size - DEFLATE_TAIL_SIZE, b"\x00\x00\xff\xff", DEFLATE_TAIL_SIZE) == 0


@cython.final
cdef class Inflater:
    def __cinit__(self, agreement, bint from_client, Gathering gathering not None, max_message_size):
        self._kernels = kernels()
        self._module = backend(agreement.settings.backend)
        self._forgets = agreement.client_no_context_takeover if from_client else agreement.server_no_context_takeover
        self._gathering = gathering
        self._max_message_size = max_message_size

    cdef int add(self, const Chunk *chunk, bint last, Kind kind) except -1:
        cdef bytes piece
        self._feed(chunk_bytes_and_deflate_tail(self._kernels, chunk) if last else chunk_bytes(self._kernels, chunk))
        while self._more:
            self._gather_first_piece(kind)
            piece = self._next_piece()
            self._size += PyBytes_GET_SIZE(piece)
            if self._size > self._max_message_size:
                raise protocol_error(FF_ERR_MESSAGE_TOO_BIG)
            if PyBytes_GET_SIZE(piece):
                self._keep(piece, kind)
            if self._fresh:
                self._begin_another_stream()
        if not last:
            self._gather_first_piece(kind)
        return 0

    cdef bytes finish(self):
        payload = None if self._gathering.is_open() else b"" if self._first_piece is None else self._first_piece
        if self._forgets:
            self._stream = None
        self.forget_message()
        return payload

    cdef void forget_message(self) noexcept:
        self._size = 0
        self._first_piece = None
        self._input = None
        self._fresh = False
        self._streams = 0
        self._fed = 0

    # ---- the stream ----

    cdef void _feed(self, bytes data) noexcept:
        self._input = data
        self._at = 0
        self._fed += PyBytes_GET_SIZE(data)
        self._more = not (self._fresh and self._only_tail_is_left())

    cdef bint _only_tail_is_left(self) noexcept:
        cdef Py_ssize_t left = PyBytes_GET_SIZE(self._input) - self._at
        return left == DEFLATE_TAIL_SIZE and ends_with_tail(PyBytes_AS_STRING(self._input) + self._at, left)

    cdef bytes _next_piece(self):
        cdef bytes piece, data
        cdef uint64_t room = min(<uint64_t>PIECE_SIZE, self._max_message_size - self._size + 1)
        cdef Py_ssize_t slice_size = SLICE_SIZE_AFTER_STREAMS if self._streams else SLICE_SIZE
        if self._stream is None:
            self._stream = self._module.decompressobj(wbits=-LARGEST_WINDOW_BITS)
        data = self._input
        if self._at or PyBytes_GET_SIZE(data) > slice_size:
            data = data[self._at:self._at + slice_size]
        piece = self._decompressed(data, room)
        self._fresh = self._stream.eof
        rest = self._stream.unused_data if self._fresh else self._stream.unconsumed_tail
        self._at += PyBytes_GET_SIZE(data) - <Py_ssize_t>len(rest)
        self._more = self._at < PyBytes_GET_SIZE(self._input) or <uint64_t>PyBytes_GET_SIZE(piece) == room
        return piece

    cdef bytes _decompressed(self, bytes data, uint64_t room):
        cdef bytes piece
        try:
            piece = self._stream.decompress(data, room)
        except self._module.error as error:
            if not isinstance(error, self._module.error):  # no memory for that error
                raise
            if str(error).startswith(OUT_OF_MEMORY):
                raise MemoryError(str(error)) from error
            raise protocol_error(FF_ERR_DEFLATE) from error
        if piece is None:
            raise TypeError("decompress() must return bytes, not None")
        return piece

    cdef int _begin_another_stream(self) except -1:
        """A block with BFINAL set ends the stream, but not the message, and not the window (7.2.3.4)."""
        self._streams += 1
        if self._streams > FEW_STREAMS + self._fed // LEAST_PER_STREAM:
            raise protocol_error(FF_ERR_DEFLATE)  # each costs much more than its bytes
        self._stream = self._module.decompressobj(wbits=-LARGEST_WINDOW_BITS, zdict=self._window())
        self._more = self._at < PyBytes_GET_SIZE(self._input) and not self._only_tail_is_left()
        return 0

    cdef bytes _window(self):
        """The end of what this message has been inflated to."""
        if self._gathering.is_open():
            return self._gathering.tail(LARGEST_WINDOW)
        return b"" if self._first_piece is None else self._first_piece[-LARGEST_WINDOW:]

    # ---- the pieces ----

    cdef int _keep(self, bytes piece, Kind kind) except -1:
        if not self._gathering.is_open():
            self._first_piece = piece
            return 0
        if self._gathering.capacity() < self._size:
            self._gathering.grow(<size_t>min(2 * self._size, self._max_message_size))
        return self._gather(piece)

    cdef int _gather_first_piece(self, Kind kind) except -1:
        """As soon as there may be another one. That also validates a text so far before what follows it is looked at."""
        cdef bytes piece = self._first_piece
        if piece is None:
            return 0
        self._gathering.begin(kind, <size_t>min(2 * self._size, self._max_message_size))
        self._first_piece = None
        return self._gather(piece)

    cdef int _gather(self, bytes piece) except -1:
        cdef Chunk chunk = unmasked_chunk(piece)
        if not self._gathering.add(&chunk):
            raise protocol_error(FF_ERR_TEXT_UTF8)
        return 0


cdef bytes compressed(object stream, object flush_mode, bytes data, bint last):
    cdef bytes content, flushed
    content = stream.compress(data)
    if content is None:
        raise TypeError("compress() must return bytes, not None")
    if not last:
        return content
    flushed = stream.flush(flush_mode)
    if flushed is None:
        raise TypeError("flush() must return bytes, not None")
    return content + flushed if PyBytes_GET_SIZE(content) else flushed


@cython.final
cdef class Deflater:
    def __cinit__(self, agreement, bint by_client):
        settings = agreement.settings
        self._module = backend(settings.backend)
        self.threshold = settings.threshold
        self._forgets = agreement.client_no_context_takeover if by_client else agreement.server_no_context_takeover
        bits = agreement.client_max_window_bits if by_client else agreement.server_max_window_bits
        level = self._module.Z_DEFAULT_COMPRESSION if settings.level is None else settings.level
        self._arguments = (level, self._module.DEFLATED, -bits, settings.memory_level)

    cdef bytes deflate(self, bytes data, bint last):
        cdef bytes content
        cdef Py_ssize_t size
        if self._stream is None:
            self._stream = self._module.compressobj(*self._arguments)
        content = compressed(self._stream, self._module.Z_SYNC_FLUSH, data, last)
        if not last:
            return content
        if self._forgets:
            self._stream = None
        size = PyBytes_GET_SIZE(content)
        if ends_with_tail(PyBytes_AS_STRING(content), size):
            size -= DEFLATE_TAIL_SIZE
        # A stream that has nothing new to say says nothing at all, but a message needs a block: 7.2.3.6.
        return PyBytes_FromStringAndSize(PyBytes_AS_STRING(content), size) if size else b"\x00"
