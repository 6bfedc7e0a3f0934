# An Encoder: its state, and what the table for other extension modules (api.pyx) needs of it.
from libc.stdint cimport uint8_t

from fastframe._codec.capi cimport ff_header, ff_kernels, ff_role, ff_utf8
from fastframe._codec.deflater cimport Deflater
from fastframe._codec.masking_keys cimport KeyPool
from fastframe._codec.outbound cimport OutboundPayload
from fastframe._cpython.owned cimport PyObject
from fastframe._codec.prepared cimport PreparedFrames, PreparedKinds
from fastframe._codec.tally cimport Tally
from fastframe._cpython.turns cimport ff_callers_turn, ff_shared_flag


cdef class Encoder:
    cdef object __weakref__
    cdef ff_callers_turn _turn  # everything below is for the one call whose turn it is
    cdef const ff_kernels *_kernels
    cdef Tally _tally
    cdef bint _is_timed             # as the tally
    cdef bint _counts_for_another   # target than the codec itself
    cdef ff_role _role
    cdef KeyPool _keys          # a client's
    cdef PreparedKinds _prepared
    cdef Deflater _deflater     # None if compression was not agreed on
    cdef bint _open_compressed  # the message whose last fragment is to come
    # it cannot be continued, as a fragment of it was compressed but not sent
    cdef bint _open_lost
    # of the message whose last fragment is to come; CONTINUATION if there is none
    cdef uint8_t _open_opcode
    cdef ff_utf8 _open_utf8     # the state after its last byte
    cdef ff_shared_flag _closed

    # As `message` does.
    cdef bytes whole_message(self, object data)

    cdef str _state_in_words(self)
    cdef int _refuse_unless_it_may_continue(self, object data) except -1
    cdef bytes _first(self, uint8_t opcode, object data, bint fin)
    cdef bytes _first_timed(self, uint8_t opcode, object data, bint fin)
    cdef bytes _first_quickly(self, uint8_t opcode, object data, bint fin)
    cdef PyObject *_fragment(
        self, uint8_t opcode, uint8_t message_opcode, object data, bint fin, ff_utf8 utf8
    ) except NULL
    cdef PyObject *_new_fragment(
        self, uint8_t opcode, uint8_t message_opcode, object data, bint fin, ff_utf8 *utf8
    ) except NULL
    cdef bytes _prepared_frame(self, uint8_t opcode, object data)
    cdef bytes _prepared_deflated_frame(self, PreparedFrames frames, object data)
    cdef PyObject *_new_data_frame(
        self, uint8_t opcode, const OutboundPayload *payload, bint fin
    ) except NULL
    cdef PyObject *_new_deflated_frame(
        self, uint8_t opcode, const OutboundPayload *payload, bint fin
    ) except NULL
    cdef bint _is_to_be_deflated(self, uint8_t opcode, size_t size, bint fin) noexcept
    cdef bytes _control(self, uint8_t opcode, object payload)
    cdef bytes _any_frame(self, uint8_t opcode, object payload, bint fin, uint8_t rsv)
    cdef bytes _frame(self, uint8_t opcode, const OutboundPayload *payload, bint fin, uint8_t rsv)
    cdef PyObject *_new_frame(
        self, uint8_t opcode, const OutboundPayload *payload, bint fin, uint8_t rsv
    ) except NULL
    cdef int _mask(self, ff_header *header) except -1
