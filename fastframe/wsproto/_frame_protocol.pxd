# What the methods of Connection (_connection.pyx) need of the protocol.
from libc.stdint cimport uint8_t, uint64_t

from fastframe._codec.capi cimport ff_kernels
from fastframe._codec.masking_keys cimport KeyPool
from fastframe._codec.prepared cimport PreparedKinds
from fastframe._codec.outbound cimport OutboundPayload
from fastframe._cpython.owned cimport PyObject
from fastframe._codec.tally cimport Tally
from fastframe._codec.text cimport PartialCharacter
from fastframe._cpython.turns cimport begin_in_thread, ff_threads_turn
from fastframe.wsproto._frame_decoder cimport FrameDecoder
from fastframe.wsproto._names cimport WsprotoNames, WsprotoOptions


cdef class FrameProtocol:
    # Inbound state needs the turn of `_frame_decoder`. Outbound state and the attributes below
    # need this object's critical section, where senders wait for each other.
    cdef object _client, _extensions, _next_fragment_of
    # a sender is in the compressor, which others may not use meanwhile
    cdef bint _deflating

    cdef readonly FrameDecoder _frame_decoder
    cdef object _first_decoder            # until __init__; kept, as somebody may have its turn
    cdef bint _was_begun                  # __init__ was called
    cdef WsprotoNames _names
    cdef WsprotoOptions _options
    cdef KeyPool _keys          # None until a client sends
    cdef PreparedKinds _prepared
    cdef const ff_kernels *_kernels
    cdef Tally _tally
    cdef bint _started, _exhausted, _running

    cdef uint8_t _message_opcode
    cdef uint64_t _message_size, _fragments
    cdef PartialCharacter _partial_character
    cdef bint _expect_ascii               # as the last text was

    # The frame that `_next_frame` has come to.
    cdef object _payload
    cdef uint8_t _opcode
    cdef bint _frame_finished, _message_finished

    cdef bint _try_whole_message(self, PyObject **payload) except -1
    cdef bint _is_idle(self) noexcept

    # True: there is a frame. False: more bytes are needed, or the stream has ended.
    cdef bint _next_frame(self) except -1
    cdef object _frame(self)
    cdef object _take_payload(self)

    # a generator of Connection.events that has ended, to be used again; or None
    cdef object _spare_events

    # A data frame as bytes or bytearray; None if it is for wsproto's own code to send or to refuse.
    cdef object _data_frame(self, object payload, object fin, bint as_bytes)
    cdef object _data_frame_timed(self, object payload, object fin, bint as_bytes)
    cdef object _data_frame_quickly(self, object payload, object fin, bint as_bytes)
    # The same for a control frame.
    cdef object _control_frame(self, uint8_t opcode, object payload, bint as_bytes)

    # The turn of its decoder, which the caller has from now on, and ends. InvalidState if another
    # thread has it.
    cdef inline ff_threads_turn *begin_reading(self) except NULL:
        cdef ff_threads_turn *turn = &self._frame_decoder._turn
        begin_in_thread(turn)
        return turn

    cdef bint _parse_frame(self) except -1
    cdef int _start(self) except -1
    cdef object _ready_data_frame(self, object payload, object fin, bint as_bytes)
    cdef object _ready_control_frame(self, uint8_t opcode, object payload, bint as_bytes)
    cdef object _look_at_message_decoder(self)
    cdef int _process_control(self) except -1
    cdef int _process_data(self) except -1
    cdef int _check_limits(self) except -1
    cdef bint _is_to_be_deflated(self, uint8_t opcode, size_t size, bint fin) except -1
    cdef object _deflated_frame(
        self, uint8_t opcode, object owner, const OutboundPayload *payload, bint fin, bint as_bytes
    )
    cdef bytes _deflated(self, bytes data, bint fin)
    cdef tuple _compressor_arguments(self, deflate)
    cdef object _prepared_frame(self, object data, bint fin, bint is_plain, bint as_bytes)
    cdef object _payload_view(self, object payload, OutboundPayload *content, uint8_t *opcode)
    cdef bint _open_or_continue(self, uint8_t *opcode, bint fin, bint is_plain) except -1
    cdef object _decode_text(self)
    cdef int _count_control(self, uint8_t opcode, bytes payload) except -1
    cdef void _count_deflated(self, size_t size, size_t inflated_size) noexcept
    cdef object _serialize(
        self, uint8_t opcode, const OutboundPayload *payload, bint fin, bint as_bytes, uint8_t rsv
    )
