# What FrameProtocol (_wsproto.pyx) needs of the decoder.
from cpython.list cimport PyList_CheckExact, PyList_GET_ITEM, PyList_GET_SIZE
from libc.stdint cimport uint8_t, uint64_t

from fastframe._capi cimport ff_header, ff_kernels, ff_status
from fastframe._inbox cimport Inbox
from fastframe._payload cimport Chunk

cdef enum:
    NO_OPCODE = 0xFF  # where wsproto has None


# Of an attribute `extensions`, which callers may set to anything: no extension has a say, or only this one.
cdef inline bint is_empty(object extensions) noexcept:
    return PyList_CheckExact(extensions) and PyList_GET_SIZE(extensions) == 0


cdef inline bint is_only(object extensions, object extension) noexcept:
    return (
        extension is not None
        and PyList_CheckExact(extensions)
        and PyList_GET_SIZE(extensions) == 1
        and <object>PyList_GET_ITEM(extensions, 0) is extension
    )


# What is needed of the installed wsproto. Each decoder and protocol holds the one instance, so that the hot path looks
# nothing up by name.
cdef class Wsproto:
    cdef readonly tuple opcodes           # wsproto's Opcode members by their number
    cdef readonly object CloseReason, Frame, FrameProtocol, Header, ParseFailed, PerMessageDeflate, RsvBits
    cdef object _methods_of_deflate       # of PerMessageDeflate, as they were before anybody changed them
    cdef bint payloads_are_bytes          # since 1.3; before, some are bytearray

    # The options of `install`, for connections from now on; what is None or false is as in wsproto.
    cdef uint64_t max_message_size, max_fragments
    cdef bint fix_interleaved_control
    cdef readonly object deflate
    cdef object zlib                      # the back-end

    cdef object own_deflate(self, object extensions)
    cdef int _set_options(self, max_message_size, max_fragments, deflate, bint fix_interleaved_control) except -1

    cdef object frame(self, uint8_t opcode, object payload, bint frame_finished, bint message_finished)


cdef class FrameDecoder:
    cdef public object client, extensions
    cdef Wsproto _wsproto
    cdef Inbox _inbox
    cdef const ff_kernels *_kernels

    cdef ff_header _header
    cdef bint _header_here
    cdef uint8_t _effective_opcode
    cdef uint64_t _payload_required, _payload_consumed
    cdef size_t _bytes_used
    cdef bint _running
    cdef object _deflate                  # the only extension, if that is wsproto's own PerMessageDeflate
    cdef uint64_t _room                   # how many bytes the open message may still be inflated to

    # The piece of payload that `_advance` has come to: as it stands on the wire, or what the extensions made of it.
    cdef Chunk _chunk
    cdef bint _was_extended
    cdef object _extended_payload
    cdef uint8_t _opcode
    cdef bint _frame_finished, _fin

    cdef object _message_at_a_glance(self, uint8_t *opcode, bint *ascii, uint64_t max_size)

    # True: there is a piece. False: more bytes are needed.
    cdef bint _advance(self) except -1
    cdef int _enter(self) except -1
    cdef bint _parse(self) except -1
    cdef object _take_payload(self)

    cdef bint _parse_header(self) except -1
    cdef int _check_header(self, const ff_header *header) except -1
    cdef int _raise_status(self, ff_status status, const ff_header *header) except -1
    cdef bint _take_chunk(self) except -1
    cdef object _chunk_payload(self)
    cdef object _extend(self)
    cdef int _check_deflate_header(self, const ff_header *header) except -1
    cdef object _inflate(self)
    cdef object _complete_extensions(self, object payload)
