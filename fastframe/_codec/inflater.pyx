# cython: language_level=3
"""From compressed payload to the payload of a message (RFC 7692, 7.2.2); inflating itself is the
back-end's."""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint64_t

from fastframe._codec.capi cimport FF_ERR_DEFLATE, FF_ERR_MESSAGE_TOO_BIG
from fastframe._codec.checks cimport protocol_error
from fastframe._codec.chunk cimport (
    DEFLATE_TAIL_SIZE, Chunk, chunk_bytes, chunk_bytes_and_deflate_tail, unmasked_chunk,
)
from fastframe._codec.deflater cimport backend, ends_with_tail
from fastframe._codec.kernels cimport kernels
from fastframe._codec.message_assembler cimport Kind, MessageAssembler

cdef enum:
    OUTPUT_SIZE = 3 << 15  # a buffer of 128 KiB would come from the system page by page, each time
    # Bytes that are handed to the back-end at once. It copies what it did not get to, so more would
    # cost time that grows with the square of what has arrived. After the end of a stream that is
    # most of it.
    SLICE_SIZE = 1 << 15
    SLICE_SIZE_AFTER_STREAMS = 1 << 12
    # zlib's compressor takes a window of 512 bytes where it was asked for 256.
    SMALLEST_WINDOW_BITS = 9
    # Streams that end inside a message: so many, and one more for so many bytes on the wire.
    FEW_STREAMS = 16
    LEAST_PER_STREAM = 64


# zlib's own error for it; in Python it is the same exception as for a corrupt stream.
OUT_OF_MEMORY = "Error -4 "


@cython.final
cdef class Inflater:
    def __cinit__(
        self, agreement, bint from_client, MessageAssembler assembler not None, max_message_size
    ):
        self._kernels = kernels()
        self._module = backend(agreement.settings.backend)
        self._no_context_takeover = (
            agreement.client_no_context_takeover if from_client
            else agreement.server_no_context_takeover
        )
        self._window_bits = max(
            SMALLEST_WINDOW_BITS,
            agreement.client_max_window_bits if from_client else agreement.server_max_window_bits,
        )
        self._assembler = assembler
        self._max_message_size = max_message_size

    cdef int add(self, const Chunk *chunk, bint last, Kind kind) except -1:
        cdef bytes output
        self._feed(
            chunk_bytes_and_deflate_tail(self._kernels, chunk) if last
            else chunk_bytes(self._kernels, chunk)
        )
        while self._more:
            self._gather_first_output(kind)
            output = self._next_output()
            self.size += PyBytes_GET_SIZE(output)
            if self.size > self._max_message_size:
                self._refuse(output, kind)
            if PyBytes_GET_SIZE(output):
                self._keep(output, kind)
            if self._stream_just_ended:
                self._begin_another_stream()
        if not last:
            self._gather_first_output(kind)
        return 0

    cdef int _refuse(self, bytes output, Kind kind) except -1:
        """Text up to the limit is validated first, as it would be had it arrived earlier: the error
        must not depend on the cuts."""
        cdef Py_ssize_t excess = <Py_ssize_t>(self.size - self._max_message_size)
        self.size = self._max_message_size
        self._keep(output[:PyBytes_GET_SIZE(output) - excess], kind)
        self._gather_first_output(kind)
        raise protocol_error(FF_ERR_MESSAGE_TOO_BIG)

    cdef bytes finish(self):
        payload = (
            None if self._assembler.is_open()
            else b"" if self._first_output is None
            else self._first_output
        )
        if self._no_context_takeover:
            self._stream = None
        self.forget_message()
        return payload

    cdef void forget_message(self) noexcept:
        self.size = 0
        self._first_output = None
        self._input = None
        self._stream_just_ended = False
        self._streams = 0
        self._wire_bytes = 0

    # ---- the stream ------------------------------------------------------------------------------

    cdef void _feed(self, bytes data) noexcept:
        self._input = data
        self._input_offset = 0
        self._more = not (self._stream_just_ended and self._only_tail_is_left())

    cdef bint _only_tail_is_left(self) noexcept:
        cdef Py_ssize_t left = PyBytes_GET_SIZE(self._input) - self._input_offset
        return left == DEFLATE_TAIL_SIZE and ends_with_tail(
            PyBytes_AS_STRING(self._input) + self._input_offset, left
        )

    cdef bytes _next_output(self):
        cdef bytes output, data
        cdef Py_ssize_t consumed
        cdef uint64_t room = min(<uint64_t>OUTPUT_SIZE, self._max_message_size - self.size + 1)
        cdef Py_ssize_t slice_size = SLICE_SIZE_AFTER_STREAMS if self._streams else SLICE_SIZE
        if self._stream is None:
            self._stream = self._module.decompressobj(wbits=-self._window_bits)
        data = self._input
        if self._input_offset or PyBytes_GET_SIZE(data) > slice_size:
            data = data[self._input_offset:self._input_offset + slice_size]
        output = self._decompressed(data, room)
        self._stream_just_ended = self._stream.eof
        rest = self._stream.unused_data if self._stream_just_ended else self._stream.unconsumed_tail
        consumed = PyBytes_GET_SIZE(data) - <Py_ssize_t>len(rest)
        self._input_offset += consumed
        self._wire_bytes += consumed
        self._more = (
            self._input_offset < PyBytes_GET_SIZE(self._input)
            or <uint64_t>PyBytes_GET_SIZE(output) == room
        )
        return output

    cdef bytes _decompressed(self, bytes data, uint64_t room):
        cdef bytes output
        try:
            output = self._stream.decompress(data, room)
        except self._module.error as error:
            if not isinstance(error, self._module.error):  # no memory for that error
                raise
            if str(error).startswith(OUT_OF_MEMORY):
                raise MemoryError(str(error)) from error
            raise protocol_error(FF_ERR_DEFLATE) from error
        if output is None:
            raise TypeError("decompress() must return bytes, not None")
        return output

    cdef int _begin_another_stream(self) except -1:
        """A block with BFINAL set ends the stream, but not the message, and not the window
        (7.2.3.4)."""
        self._streams += 1
        if self._streams > FEW_STREAMS + self._wire_bytes // LEAST_PER_STREAM:
            raise protocol_error(FF_ERR_DEFLATE)  # each costs much more than its bytes
        self._stream = self._module.decompressobj(wbits=-self._window_bits, zdict=self._window())
        self._more = (
            self._input_offset < PyBytes_GET_SIZE(self._input) and not self._only_tail_is_left()
        )
        return 0

    cdef bytes _window(self):
        """The end of what this message has been inflated to."""
        cdef Py_ssize_t size = 1 << self._window_bits
        if self._assembler.is_open():
            return self._assembler.tail(size)
        return b"" if self._first_output is None else self._first_output[-size:]

    # ---- the outputs -----------------------------------------------------------------------------

    cdef int _keep(self, bytes output, Kind kind) except -1:
        if not self._assembler.is_open():
            self._first_output = output
            return 0
        if self._assembler.capacity() < self.size:
            self._assembler.grow(<size_t>min(2 * self.size, self._max_message_size))
        return self._gather(output)

    cdef int _gather_first_output(self, Kind kind) except -1:
        """As soon as there may be another one. That also validates a text so far before what
        follows it is looked at."""
        cdef bytes output = self._first_output
        if output is None:
            return 0
        self._assembler.begin(kind, <size_t>min(2 * self.size, self._max_message_size))
        self._first_output = None
        return self._gather(output)

    cdef int _gather(self, bytes output) except -1:
        cdef Chunk chunk = unmasked_chunk(output)
        return self._assembler.add_valid(&chunk)
