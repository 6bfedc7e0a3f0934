# What FrameProtocol (_frame_protocol.pyx) needs of the decoder.
from cpython.list cimport PyList_CheckExact, PyList_GET_SIZE
from libc.stdint cimport uint8_t, uint64_t

from fastframe._codec.capi cimport ff_header, ff_kernels, ff_role, ff_status
from fastframe._codec.chunk cimport Chunk
from fastframe._cpython.owned cimport PyObject
from fastframe._codec.receive_buffer cimport ReceiveBuffer
from fastframe._codec.tally cimport Tally
from fastframe._cpython.turns cimport ff_is_first_item, ff_threads_turn
from fastframe.wsproto._names cimport WsprotoNames, WsprotoOptions

cdef enum:
    NO_OPCODE = 0xFF  # where wsproto has None


# Of an attribute `extensions`, which callers may set to anything: no extension counts, or only this
# one.
cdef inline bint is_empty(object extensions) noexcept:
    return PyList_CheckExact(extensions) and PyList_GET_SIZE(extensions) == 0


cdef inline bint is_only(object extensions, object extension) noexcept:
    return (
        extension is not None
        and PyList_CheckExact(extensions)
        and PyList_GET_SIZE(extensions) == 1
        and ff_is_first_item(extensions, extension)
    )


# What callers may look at.
cdef enum Attribute:
    CLIENT
    EXTENSIONS
    BUFFER
    HEADER
    EFFECTIVE_OPCODE
    MASKER
    PAYLOAD_REQUIRED
    PAYLOAD_CONSUMED


cdef class FrameDecoder:
    # Taking bytes in or frames out needs the turn. A FrameProtocol around it, or a generator, holds
    # it for the whole call.
    cdef ff_threads_turn _turn
    cdef object _client, _extensions
    # what `_client` says: its truth may be a question to foreign code
    cdef ff_role _role
    cdef WsprotoNames _names
    cdef WsprotoOptions _options
    cdef ReceiveBuffer _receive_buffer
    cdef const ff_kernels *_kernels
    cdef Tally _tally
    cdef uint64_t _frame_offset         # where the frame began, in bytes of all frames

    cdef ff_header _header
    cdef bint _header_is_complete
    cdef uint8_t _effective_opcode
    cdef uint64_t _payload_required, _payload_consumed
    cdef size_t _bytes_used
    cdef bint _running
    # the only extension, if that is wsproto's own PerMessageDeflate
    cdef object _deflate
    cdef bint _is_compressed              # the message that the header's frame belongs to
    cdef bint _window_is_largest          # of the decompressor
    cdef uint64_t _inflate_budget         # how many bytes the open message may still be inflated to

    # The chunk of payload that `_next_chunk` has come to: as it is on the wire, or what the
    # extensions made of it.
    cdef Chunk _chunk
    cdef bint _was_extended
    cdef object _extended_payload
    cdef uint8_t _opcode
    cdef bint _frame_finished, _fin

    cdef bint _try_whole_message(
        self, uint8_t *opcode, bint *expect_ascii, uint64_t max_size, PyObject **payload
    ) except -1

    # True: there is a chunk. False: more bytes are needed.
    cdef bint _next_chunk(self) except -1
    cdef int _feed(self, data) except -1
    cdef int _enter(self) except -1
    cdef bint _parse_chunk(self) except -1
    cdef int _count_chunk(self) except -1
    cdef object _take_payload(self)

    cdef bint _parse_header(self) except -1
    cdef int _check_header(self, const ff_header *header) except -1
    cdef int _raise_status(self, ff_status status, const ff_header *header) except -1
    cdef bint _take_chunk(self) except -1
    cdef object _chunk_payload(self)
    cdef object _extend(self)
    cdef int _check_deflate_header(self, const ff_header *header) except -1
    cdef object _inflate(self)
    cdef object _inflated(self, deflate, bint last)
    cdef object _decompressed(self, deflate, bytes data, uint64_t size)
    cdef int _rsv_of_extensions(self, const ff_header *header) except -1
    cdef object _complete_extensions(self, object payload)

    cdef object _look_at(self, Attribute attribute)
    cdef object _buffer_copy(self)
    cdef object _header_now(self)
    cdef object _masker_now(self)
