# cython: language_level=3
"""From buffered bytes to messages: header, limits, unmask, validate, message.

Strategy: the fast path, `_try_whole_message`, builds a message that is one whole, plain frame
straight from the caller's bytes. Everything else goes through `_next_message`, which returns one
message, or None after it has consumed all that is buffered, or raises, and then the stream is
finished. A payload that arrives in pieces goes into its final object (message_assembler.pxd).
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.ref cimport Py_INCREF
from libc.stdint cimport uint8_t, uint16_t, uint64_t

from fastframe._codec.capi cimport (
    FF_CLOSE_NO_STATUS, FF_ERR_TEXT_UTF8, FF_MAX_CONTROL_PAYLOAD, FF_OPCODE_BINARY, FF_OPCODE_CLOSE,
    FF_OPCODE_PING, FF_OPCODE_PONG,
    FF_OPCODE_TEXT, FF_SERVER, ff_close_parse, ff_header, ff_header_of_whole_message,
    ff_opcode_is_control, ff_utf8, ff_utf8_complete, ff_utf8_start,
)
from fastframe._codec.checks cimport protocol_error, raise_status
from fastframe._codec.chunk cimport (
    Chunk, chunk_bytes, chunk_copy, new_chunk_bytes, unmasked_chunk, whole_chunk,
)
from fastframe._codec.control_frames cimport (
    Close, PayloadFrame, Ping, new_close, new_ping, new_pong,
)
from fastframe._codec.inbound_frame cimport (
    InboundFrame, chunk_at, forget_message, is_whole_message, read_header, take_chunk,
)
from fastframe._codec.kernels cimport kernels
from fastframe._codec.message_assembler cimport (
    ASCII_TEXT, BINARY, OTHER_TEXT, VALIDATED_TEXT, Kind, MessageAssembler,
)
from fastframe._codec.receive_buffer cimport ReceiveBuffer
from fastframe._codec.tally cimport (
    FF_COUNTS, Tally, Traffic, count_frame, count_message, count_whole_message, ff_count,
    ff_nanoseconds,
)
from fastframe._cpython.owned cimport PyObject, ff_owned
from fastframe._codec.text cimport (
    PartialCharacter, PyUnicode_IS_COMPACT_ASCII, chunk_text, new_whole_text,
)
from fastframe._cpython.turns cimport (
    begin_call, begin_quick_call, end_call, end_quick_call, ff_shared_flag_set,
)

from fastframe._types import ProtocolError, Text


cdef extern from "Python.h":
    object PyUnicode_DecodeUTF8(const char *text, Py_ssize_t size, const char *errors)
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL


cdef enum:
    # a larger payload that is masked is unmasked into an object: then its memory is the smaller
    # part of the cost
    PAYLOAD_ROOM = 1 << 13


# What the peer has sent as the payload of `message`, and the object that it is in.
cdef object payload_of(message, ff_payload *payload):
    cdef Py_ssize_t length
    if isinstance(message, str):
        payload.opcode = FF_OPCODE_TEXT
        payload.data = <const uint8_t *>PyUnicode_AsUTF8AndSize(message, &length)
        payload.length = length
        return message
    if isinstance(message, PayloadFrame):
        payload.opcode = FF_OPCODE_PING if isinstance(message, Ping) else FF_OPCODE_PONG
        content = (<PayloadFrame>message).payload
    elif isinstance(message, Close):
        payload.opcode = FF_OPCODE_CLOSE
        content = close_payload(message)
    else:
        payload.opcode = FF_OPCODE_TEXT if isinstance(message, Text) else FF_OPCODE_BINARY
        content = message
    payload.data = <const uint8_t *>PyBytes_AS_STRING(content)
    payload.length = PyBytes_GET_SIZE(content)
    return content


# RFC 6455, 5.5.1: the code in two bytes, and the reason; nothing if there was no code.
cdef bytes close_payload(Close message):
    if message.code == FF_CLOSE_NO_STATUS:
        return b""
    return message.code.to_bytes(2, "big") + message.reason.encode()


cdef str why(error):
    try:
        return str(error)
    except MemoryError:
        return "an error"


cdef class MessageReader:
    def __cinit__(self, *args, **kwargs):
        # All that memory safety needs, whether or not a subclass calls __init__.
        self._role = FF_SERVER
        self._decode_text = True
        self._expect_ascii = True
        self._kernels = kernels()
        self._assembler = MessageAssembler.__new__(MessageAssembler)
        self._receive_buffer = ReceiveBuffer.__new__(ReceiveBuffer)
        self._tally = Tally.__new__(Tally)
        self._restart(HEADER)

    def __iter__(self):
        return self

    def __next__(self):
        cdef PyObject *message = self.next_message()
        if message is NULL:
            raise StopIteration
        return ff_owned(message)

    @cython.final
    cdef PyObject *next_message(self) except? NULL:
        cdef PyObject *whole = NULL
        cdef bint may_go_on = False
        if FF_COUNTS and self._is_timed:
            return self._next_message_timed()
        begin_quick_call(&self._turn)
        try:
            if not self._try_whole_message(&whole):
                may_go_on = self._may_go_on()
        finally:
            end_quick_call(&self._turn)
        if may_go_on:
            message = self._next_message_in_turn()
            if message is not None:
                Py_INCREF(message)
                whole = <PyObject *>message
        return whole

    cdef PyObject *_next_message_timed(self) except? NULL:
        cdef uint64_t start = ff_nanoseconds()
        self._is_timed = False
        try:
            return self.next_message()
        finally:
            self._is_timed = True
            ff_count(&self._tally.counts.received.nanoseconds, ff_nanoseconds() - start)

    cdef inline bint _may_go_on(self) noexcept:
        """True if anything is buffered; else lets go of the last bytes that were."""
        if (
            self._state != HEADER or self._receive_buffer.length
            or self._receive_buffer.has_next_piece()
        ):
            return True
        if self._lent == 0:
            self._receive_buffer.release()
        return False

    cdef object _next_message_in_turn(self):
        """The next message; None if more bytes are needed."""
        begin_call(&self._turn)
        try:
            return self._next_message_or_release()
        finally:
            end_call(&self._turn)

    cdef object _next_message_or_release(self):
        message = self._next_message_or_finish()
        if message is None and self._lent == 0:
            self._receive_buffer.release()
        return message

    @cython.final
    cdef bint _try_whole_message(self, PyObject **message) except -1:
        """Makes the next message, a new reference, if it is one whole, plain frame; else False, and
        nothing has changed."""
        cdef ff_header header
        cdef Chunk chunk
        if not self._find_whole_message(&header):
            return False
        chunk = whole_chunk(self._receive_buffer.data, &header)
        if header.opcode != FF_OPCODE_TEXT:
            message[0] = new_chunk_bytes(self._kernels, &chunk)
        elif not self._decode_text or not new_whole_text(
            self._kernels, &chunk, &self._expect_ascii, message
        ):
            return False
        self._receive_buffer.consume(header.size + chunk.length)
        count_whole_message(&self._tally.counts.received, &header, chunk.length)
        return True

    cdef inline bint _find_whole_message(self, ff_header *header) noexcept:
        """True if the next frame is a whole, plain message within the limits, and buffered as a
        whole."""
        cdef ReceiveBuffer buffer
        # HEADER and NO_MESSAGE are 0: one test for both
        if <unsigned int>self._state | self._frame.opcode:
            return False
        buffer = self._receive_buffer
        return (
            ff_header_of_whole_message(buffer.data, buffer.length, self._role, header)
            and header.payload_length <= self._limits.frame_size
            and header.payload_length <= self._limits.message_size
        )

    cdef object _next_message_or_finish(self):
        try:
            return self._next_message()
        except BaseException as error:
            self._finish_with(error)
            raise

    cdef int _finish_with(self, error) except -1:
        self._restart(FINISHED)  # before anything that needs memory
        self._why_finished = why(error)
        if isinstance(error, ProtocolError):
            error.offset = self._tally.counts.received.wire_bytes
            names = ("rule", "section", "code", "offset")
            self._tally.violated({name: getattr(error, name) for name in names}, error.reason)
        return 0

    # ---- what is counted (tally.pxd) -------------------------------------------------------------

    def _count_for(self, Tally tally not None):
        """From now on. Before `__init__`, that makes no other one."""
        self._tally = tally
        self._is_timed = tally.is_timed()
        self._counts_for_another = True

    cdef void _count_frame(self) noexcept:
        """That was read to its end."""
        cdef const ff_header *header = &self._frame.header
        count_frame(
            &self._tally.counts.received, header.opcode, header.size, header.payload_length
        )

    cdef object _next_message(self):
        cdef InboundFrame *frame = &self._frame
        while self._state != FINISHED:
            if self._state == HEADER:
                if not read_header(
                    frame, self._receive_buffer, self._role, self._inflater is not None,
                    &self._limits
                ):
                    return None
                self._state = PAYLOAD
            if ff_opcode_is_control(frame.header.opcode):
                return self._control_frame()
            if frame.compressed:
                if not self._inflate_frame():
                    return None
            elif is_whole_message(frame, self._receive_buffer) and not self._assembler.is_open():
                message = self._whole_message()
                count_whole_message(
                    &self._tally.counts.received, &frame.header,
                    <size_t>frame.header.payload_length
                )
                return message
            elif not self._assemble_frame():
                return None
            self._state = HEADER
            if frame.header.fin:
                return self._ended_message()
            self._count_frame()
        return None

    cdef object _ended_message(self):
        """The message of which all frames were read."""
        cdef Traffic *received = &self._tally.counts.received
        cdef uint8_t opcode = self._frame.opcode
        cdef uint64_t on_the_wire = self._frame.message_size
        cdef uint64_t inflated
        if not self._frame.compressed:
            message = self._assembled_message()
        else:
            inflated = self._inflater.size
            message = self._inflated_message()
            ff_count(&received.compressed_bytes, on_the_wire)
            ff_count(&received.inflated_bytes, inflated)
        self._count_frame()
        count_message(received, opcode)
        return message

    cdef int _restart(self, State state) except -1:
        self._state = state
        ff_shared_flag_set(&self._finished, state == FINISHED)
        self._why_finished = None
        self._receive_buffer.clear()
        self._lent = 0
        self._received_in_place = 0
        self._forget_message()
        return 0

    cdef void _forget_message(self) noexcept:
        forget_message(&self._frame)
        self._assembler.forget()

    # ---- payload without an object, for other extension modules (api.pyx) ------------------------

    @cython.final
    cdef bint next_payload(self, ff_payload *payload) except -1:
        cdef bint found
        begin_quick_call(&self._turn)
        try:
            found = self._try_whole_payload(payload)
        finally:
            end_quick_call(&self._turn)
        if not found:
            begin_call(&self._turn)
            try:
                message = self._next_message_or_release()
                self._payload_owner = None if message is None else payload_of(message, payload)
                found = message is not None
            finally:
                end_call(&self._turn)
        return found

    cdef bint _try_whole_payload(self, ff_payload *payload) except -1:
        """The payload of the next message, if that is one whole, plain frame: where it is buffered,
        or unmasked in a room of its own. Else False, and nothing has changed."""
        cdef ff_header header
        cdef Chunk chunk
        if not self._find_whole_message(&header):
            return False
        chunk = whole_chunk(self._receive_buffer.data, &header)
        if chunk.masked:
            if chunk.length > PAYLOAD_ROOM:
                return False
            if self._payload_room is None:
                self._payload_room = PyBytes_FromStringAndSize(NULL, PAYLOAD_ROOM)
            payload.data = <const uint8_t *>PyBytes_AS_STRING(self._payload_room)
        else:
            payload.data = chunk.data
        if not self._unmask_payload(
            &chunk, <uint8_t *>payload.data, header.opcode == FF_OPCODE_TEXT
        ):
            return False
        payload.length = chunk.length
        payload.opcode = header.opcode
        self._receive_buffer.consume(header.size + chunk.length)
        count_whole_message(&self._tally.counts.received, &header, chunk.length)
        return True

    cdef inline bint _unmask_payload(self, const Chunk *chunk, uint8_t *out, bint is_text) noexcept:
        """Into `out`, unless it is there already. False for text that is not UTF-8."""
        cdef ff_utf8 state
        if chunk.masked:
            if is_text and self._kernels.mask_ascii(out, chunk.data, chunk.length, chunk.key):
                return True
            self._kernels.mask(out, chunk.data, chunk.length, chunk.key)
        if not is_text:
            return True
        state = ff_utf8_start()
        return self._kernels.utf8_feed(&state, out, chunk.length) and ff_utf8_complete(&state)

    # ---- payload that is buffered as a whole -----------------------------------------------------

    cdef object _whole_message(self):
        cdef Chunk chunk = take_chunk(
            &self._frame, self._receive_buffer, <size_t>self._frame.header.payload_length
        )
        opcode = self._frame.opcode
        self._state = HEADER
        self._forget_message()
        if opcode != FF_OPCODE_TEXT:
            return chunk_bytes(self._kernels, &chunk)
        if not self._decode_text:
            return self._validated(chunk_bytes(self._kernels, &chunk))
        return self._decoded(&chunk)

    cdef object _decoded(self, const Chunk *chunk):
        cdef PartialCharacter none
        none.length = 0
        try:
            return chunk_text(self._kernels, chunk, &none, True, &self._expect_ascii)
        except UnicodeDecodeError as error:
            if not isinstance(error, UnicodeDecodeError):  # no memory for that error
                raise
            raise protocol_error(FF_ERR_TEXT_UTF8) from error

    cdef object _validated(self, bytes payload):
        cdef ff_utf8 state = ff_utf8_start()
        cdef const uint8_t *data = <const uint8_t *>PyBytes_AS_STRING(payload)
        if not self._kernels.utf8_feed(
            &state, data, PyBytes_GET_SIZE(payload)
        ) or not ff_utf8_complete(&state):
            raise protocol_error(FF_ERR_TEXT_UTF8)
        return bytes.__new__(Text, payload)

    cdef object _control_frame(self):
        """The control frame, or None if its payload is not complete; until then it stays in the
        buffer, as it is small."""
        cdef Chunk chunk
        cdef ReceiveBuffer buffer = self._receive_buffer
        cdef size_t length = <size_t>self._frame.header.payload_length
        if buffer.length < length and not (buffer.materialize() and buffer.length >= length):
            return None
        chunk = take_chunk(&self._frame, buffer, length)
        self._state = HEADER
        if self._frame.header.opcode == FF_OPCODE_CLOSE:
            message = self._close(&chunk)
            self._count_frame()
            self._tally.close_received(message.code)
            self._restart(FINISHED)
            self._why_finished = "a Close frame was received (RFC 6455, 5.5.1)"
            return message
        payload = chunk_bytes(self._kernels, &chunk)
        self._count_frame()
        if self._frame.header.opcode == FF_OPCODE_PING:
            return new_ping(payload)
        self._tally.pong_received(payload)
        return new_pong(payload)

    cdef Close _close(self, const Chunk *chunk):
        cdef uint8_t payload[FF_MAX_CONTROL_PAYLOAD]
        cdef uint16_t code
        chunk_copy(self._kernels, chunk, payload)
        raise_status(ff_close_parse(self._kernels, payload, chunk.length, &code))
        reason = PyUnicode_DecodeUTF8(
            <const char *>payload + 2, chunk.length - 2, NULL
        ) if chunk.length else ""
        return new_close(code, reason)

    # ---- payload that arrives in pieces ----------------------------------------------------------

    cdef bint _assemble_frame(self) except -1:
        """Takes in what is buffered of the payload; True if that was the rest of it."""
        cdef Chunk chunk
        cdef InboundFrame *frame = &self._frame
        cdef ReceiveBuffer buffer = self._receive_buffer
        cdef size_t length = <size_t>frame.header.payload_length
        if self._received_in_place:
            chunk = chunk_at(frame, self._assembler.end(), self._received_in_place)
            self._received_in_place = 0
            self._assembler.add_valid(&chunk)
        self._make_room(0)
        while frame.payload_consumed < length and (buffer.length or buffer.materialize()):
            self._make_room(min(length - frame.payload_consumed, buffer.length))
            chunk = take_chunk(frame, buffer, min(length - frame.payload_consumed, buffer.length))
            self._assembler.add_valid(&chunk)
        return frame.payload_consumed == length

    cdef int _make_room(self, size_t buffered) except -1:
        """For as much more of the message."""
        cdef InboundFrame *frame = &self._frame
        cdef size_t arrived = <size_t>(
            frame.message_size - frame.header.payload_length + frame.payload_consumed + buffered
        )
        return self._assembler.make_room(
            self._kind(), <size_t>frame.message_size, arrived, frame.header.fin,
            <size_t>self._limits.message_size
        )

    cdef Kind _kind(self) noexcept:
        if self._frame.opcode != FF_OPCODE_TEXT:
            return BINARY
        if not self._decode_text:
            return VALIDATED_TEXT
        return ASCII_TEXT if self._expect_ascii else OTHER_TEXT

    cdef object _assembled_message(self):
        kind = self._assembler.kind()
        message = self._assembler.finish()
        self._forget_message()
        if message is None:
            raise protocol_error(FF_ERR_TEXT_UTF8)
        if kind == VALIDATED_TEXT:
            return bytes.__new__(Text, message)
        if kind != BINARY:
            self._expect_ascii = PyUnicode_IS_COMPACT_ASCII(message)
        return message

    # ---- payload that is compressed (RFC 7692) ---------------------------------------------------

    cdef bint _inflate_frame(self) except -1:
        """Inflates what is buffered of the payload; True if that was the rest of it."""
        cdef Chunk chunk
        cdef InboundFrame *frame = &self._frame
        cdef ReceiveBuffer buffer = self._receive_buffer
        cdef size_t length = <size_t>frame.header.payload_length
        while frame.payload_consumed < length and (buffer.length or buffer.materialize()):
            chunk = take_chunk(frame, buffer, min(length - frame.payload_consumed, buffer.length))
            self._inflater.add(
                &chunk, frame.header.fin and frame.payload_consumed == length, self._kind()
            )
        if length == 0 and frame.header.fin:
            chunk = take_chunk(frame, buffer, 0)
            self._inflater.add(&chunk, True, self._kind())
        return frame.payload_consumed == length

    cdef object _inflated_message(self):
        cdef bytes payload = self._inflater.finish()
        cdef Chunk chunk
        opcode = self._frame.opcode
        if payload is None:
            return self._assembled_message()
        self._forget_message()
        if opcode != FF_OPCODE_TEXT:
            return payload
        if not self._decode_text:
            return self._validated(payload)
        chunk = unmasked_chunk(payload)
        return self._decoded(&chunk)
