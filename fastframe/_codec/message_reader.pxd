# What a Decoder does with the bytes that are buffered: its base, which makes the messages.
from libc.stdint cimport uint8_t

from fastframe._codec.capi cimport ff_header, ff_kernels, ff_role
from fastframe._codec.chunk cimport Chunk
from fastframe._codec.control_frames cimport Close
from fastframe._codec.inbound_frame cimport InboundFrame, Limits
from fastframe._codec.inflater cimport Inflater
from fastframe._codec.message_assembler cimport Kind, MessageAssembler
from fastframe._cpython.owned cimport PyObject
from fastframe._codec.receive_buffer cimport ReceiveBuffer
from fastframe._codec.tally cimport Tally
from fastframe._cpython.turns cimport ff_callers_turn, ff_shared_flag


cdef extern from "fastframe_api.h":
    ctypedef struct ff_payload:
        const uint8_t *data
        size_t length
        uint8_t opcode


# What it waits for.
cdef enum State:
    HEADER = 0
    PAYLOAD
    FINISHED


cdef class MessageReader:
    cdef object __weakref__         # of a Decoder; here, as that must not have a layout of its own
    cdef ff_callers_turn _turn      # everything below is for the one call whose turn it is
    cdef ReceiveBuffer _receive_buffer
    cdef const ff_kernels *_kernels
    cdef Tally _tally
    cdef bint _is_timed             # as the tally
    cdef bint _counts_for_another   # target than the codec itself
    cdef ff_role _role
    cdef Limits _limits
    cdef bint _decode_text
    cdef Inflater _inflater         # None if compression was not agreed on

    cdef State _state
    cdef ff_shared_flag _finished   # the state is FINISHED
    cdef str _why_finished
    cdef InboundFrame _frame
    cdef MessageAssembler _assembler
    cdef bint _expect_ascii         # as the last text was

    # What next_payload has given out is in one of these, or in the receive buffer.
    cdef bytes _payload_room
    cdef object _payload_owner

    # What get_buffer has offered.
    cdef size_t _lent
    # the rest of the payload that is assembled, not room in the receive buffer
    cdef bint _lent_in_place
    cdef size_t _received_in_place  # bytes there that are still masked, and not consumed

    # In state HEADER or FINISHED, with nothing buffered and no message open. Takes no memory, so it
    # cannot fail.
    cdef int _restart(self, State state) except -1

    cdef bint _try_whole_message(self, PyObject **message) except -1
    # The next message, a new reference. NULL, without an exception, if more bytes are needed.
    cdef PyObject *next_message(self) except? NULL
    cdef PyObject *_next_message_timed(self) except? NULL

    # The payload of the next message or control frame, until the next call for this object. False
    # if more bytes are needed.
    cdef bint next_payload(self, ff_payload *payload) except -1
    cdef bint _try_whole_payload(self, ff_payload *payload) except -1
    cdef bint _unmask_payload(self, const Chunk *chunk, uint8_t *out, bint is_text) noexcept

    cdef bint _find_whole_message(self, ff_header *header) noexcept
    cdef bint _may_go_on(self) noexcept
    cdef object _next_message_in_turn(self)
    cdef object _next_message_or_release(self)
    cdef object _next_message_or_finish(self)
    cdef int _finish_with(self, error) except -1
    cdef void _count_frame(self) noexcept
    cdef object _ended_message(self)
    cdef object _next_message(self)
    cdef void _forget_message(self) noexcept
    cdef object _whole_message(self)
    cdef object _decoded(self, const Chunk *chunk)
    cdef object _validated(self, bytes payload)
    cdef object _control_frame(self)
    cdef Close _close(self, const Chunk *chunk)
    cdef bint _assemble_frame(self) except -1
    cdef int _make_room(self, size_t buffered) except -1
    cdef Kind _kind(self) noexcept
    cdef object _assembled_message(self)
    cdef bint _inflate_frame(self) except -1
    cdef object _inflated_message(self)
