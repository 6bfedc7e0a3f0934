# cython: language_level=3
"""From messages to bytes: order of fragments, header, masking key, mask.

Strategy: a public method checks that the frame may be sent now, makes the frame, and only then
changes the state; so a call that raises has changed nothing. The one exception: when memory runs
out while a fragment is compressed.
"""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize
from cpython.ref cimport Py_INCREF
from cpython.unicode cimport PyUnicode_CheckExact
from libc.stdint cimport uint8_t, uint16_t, uint64_t

from fastframe._codec.buffers cimport FF_BYTES_LIKE, FF_STR_OR_BYTES_LIKE, ff_get_buffer
from fastframe._codec.capi cimport (
    FF_CLIENT, FF_CLOSE_CODES_TO_SEND, FF_CLOSE_NO_STATUS, FF_MAX_CONTROL_PAYLOAD, FF_MAX_HEADER,
    FF_OPCODE_BINARY, FF_OPCODE_CLOSE,
    FF_OPCODE_CONTINUATION, FF_OPCODE_PING, FF_OPCODE_PONG, FF_OPCODE_TEXT, FF_RSV1, FF_SERVER,
    ff_close_code_is_valid, ff_header,
    ff_role, ff_utf8, ff_utf8_complete, ff_utf8_start,
)
from fastframe._codec.checks cimport (
    agreement_from, check_call, flag_from, invalid_state, number_from, role_from,
)
from fastframe._codec.deflater cimport Deflater
from fastframe._codec.kernels cimport kernels
from fastframe._codec.masking_keys cimport KeyPool
from fastframe._codec.outbound cimport (
    OutboundPayload, bytes_payload, frame_bytes, new_frame_bytes, payload_bytes, text_payload,
    write_header,
)
from fastframe._cpython.owned cimport PyObject, ff_owned
from fastframe._codec.prepared cimport (
    PreparedFrames, frames_of, payload_of, plain_frame, prepared_kinds,
)
from fastframe._codec.tally cimport (
    FF_COUNTS, Tally, count_deflated_frame, count_made_message, count_message, count_plain_frame,
    ff_count, ff_nanoseconds, new_tally, sums_of,
)
from fastframe._cpython.turns cimport (
    begin_call, end_call, ff_callers_turn_begin, ff_shared_flag_get, ff_shared_flag_set,
)

from fastframe._codec.checks import _NO_ROLE
from fastframe._types import Role, Text

_PARAMETERS = ("masking_keys", "deflate")


cdef class Encoder:
    """Encoder(role, *, masking_keys=None, deflate=None)\n--\n\nTurns messages into frames for the
    peer (RFC 6455, 5).

    role: Role.SERVER or Role.CLIENT, this end of the connection; a client's frames are masked.
    ValueError otherwise. masking_keys: a callable that returns a fresh masking key of four bytes,
    for tests; by default the keys come from the operating system's cryptographic random numbers.

    deflate: a `fastframe.deflate.Agreement` for permessage-deflate (RFC 7692), or None. Messages
    from its threshold on are compressed, and fragmented ones always.

    Every method returns bytes, one frame, to be written as they are and in order. A server's frame
    may be written to any number of connections. Data may be str or any contiguous bytes-like
    object, which is read and not kept. Of a message from `fastframe.prepare` a server returns the
    frame that the message remembers: the same object each time.

    TypeError for data of another type. InvalidState for a frame that must not be sent now (a new
    message inside an open one, a continuation of none, data after a Close, a second Close) and for
    a call in the middle of another one; the state is then unchanged. MemoryError leaves it
    unchanged too, except inside a compressed message in fragments, which then cannot be continued.

    >>> from fastframe import Encoder, Role
    >>> encoder = Encoder(Role.SERVER)
    >>> encoder.message("hello"), encoder.message(b"bytes"), encoder.close(1000)
    (b'\\x81\\x05hello', b'\\x82\\x05bytes', b'\\x88\\x02\\x03\\xe8')
    """

    def __cinit__(self, *args, **kwargs):
        # All that memory safety needs, whether or not a subclass calls __init__.
        self._role = FF_SERVER
        self._kernels = kernels()
        self._prepared = prepared_kinds()
        self._tally = Tally.__new__(Tally)
        self._open_opcode = FF_OPCODE_CONTINUATION
        self._open_utf8 = ff_utf8_start()
        if type(self) is Encoder:  # a subclass may take what it likes
            check_call("Encoder", _PARAMETERS, args, kwargs)

    def __init__(self, role=_NO_ROLE, *, masking_keys=None, deflate=None):
        # All that may raise comes before anything changes, as this may be called again.
        cdef ff_role new_role = role_from(type(self).__name__, role)
        cdef KeyPool keys = None  # a server masks nothing, and has many connections
        cdef Deflater deflater = None
        if new_role == FF_CLIENT or masking_keys is not None:
            keys = KeyPool(masking_keys)
        if deflate is not None:
            deflater = Deflater(agreement_from(deflate), new_role == FF_CLIENT)
        # a connection has a Decoder, too, and counts once
        cdef Tally tally = (
            self._tally if self._counts_for_another
            else new_tally(sums_of("codec", role.value), False, False)
        )
        begin_call(&self._turn)
        try:
            self._role = new_role
            self._tally = tally
            self._is_timed = tally.is_timed()
            self._keys = keys
            self._deflater = deflater
            self._open_lost = False
            self._open_opcode = FF_OPCODE_CONTINUATION
            self._open_utf8 = ff_utf8_start()
            ff_shared_flag_set(&self._closed, False)
        finally:
            end_call(&self._turn)

    def __repr__(self):
        if not ff_callers_turn_begin(&self._turn):
            return f"<{type(self).__name__}, inside a call>"
        try:
            deflate = (
                "" if self._deflater is None
                else f", deflate from {self._deflater.threshold} bytes"
            )
            return f"<{type(self).__name__} {self.role.value}, {self._state_in_words()}{deflate}>"
        finally:
            end_call(&self._turn)

    cdef str _state_in_words(self):
        if ff_shared_flag_get(&self._closed):
            return "finished: a Close frame was sent"
        return (
            "between messages" if self._open_opcode == FF_OPCODE_CONTINUATION
            else "inside a message"
        )

    @property
    def role(self):
        """Role.SERVER or Role.CLIENT, as given.

        >>> Encoder(Role.CLIENT).role
        <Role.CLIENT: 'client'>
        """
        return Role.CLIENT if self._role == FF_CLIENT else Role.SERVER

    @property
    def finished(self):
        """True once a Close was made; then only Ping, Pong and `frame` are left (5.5.1).

        >>> encoder = Encoder(Role.SERVER)
        >>> frame = encoder.close()
        >>> encoder.finished
        True
        """
        return ff_shared_flag_get(&self._closed)

    # ---- messages and fragments (5.4, 5.6) -------------------------------------------------------

    def message(self, data):
        """A whole message: text for a str or a `Text`, binary for any other bytes-like object.

        data: read and not kept. TypeError for anything else, ValueError for a `Text` that is not
        UTF-8.

        >>> Encoder(Role.SERVER).message("hello")
        b'\\x81\\x05hello'
        """
        return self.whole_message(data)

    @cython.final
    cdef bytes whole_message(self, object data):
        cdef uint8_t opcode = FF_OPCODE_TEXT
        if not isinstance(data, str) and (PyBytes_CheckExact(data) or not isinstance(data, Text)):
            opcode = FF_OPCODE_BINARY
        return self._first(opcode, data, True)

    def text(self, data, *, fin=True):
        """A text message, or with fin=False its first fragment.

        data: a str, or UTF-8 in a bytes-like object. ValueError if it is not UTF-8; a fragment may
        end inside a character. fin: True or False.

        >>> encoder = Encoder(Role.SERVER)
        >>> encoder.text("hel", fin=False) + encoder.continuation("lo")
        b'\\x01\\x03hel\\x80\\x02lo'
        """
        return self._first(FF_OPCODE_TEXT, data, fin is True or flag_from("fin", fin))

    def binary(self, data, *, fin=True):
        """A binary message, or with fin=False its first fragment.

        data: a bytes-like object. fin: True or False.

        >>> Encoder(Role.SERVER).binary(b"bytes")
        b'\\x82\\x05bytes'
        """
        if isinstance(data, str):
            raise TypeError("data must be a contiguous bytes-like object, not str")
        return self._first(FF_OPCODE_BINARY, data, fin is True or flag_from("fin", fin))

    def continuation(self, data, *, fin=True):
        """The next fragment of the open message, the last one unless fin=False.

        data: as for the first fragment. fin: True or False. InvalidState if no message is open.

        >>> encoder = Encoder(Role.SERVER)
        >>> encoder.binary(b"12", fin=False) + encoder.continuation(b"34")
        b'\\x02\\x0212\\x80\\x0234'
        """
        cdef bint last = flag_from("fin", fin)
        begin_call(&self._turn)
        try:
            self._refuse_unless_it_may_continue(data)
            return <bytes>ff_owned(self._fragment(FF_OPCODE_CONTINUATION, self._open_opcode, data,
                last, self._open_utf8))
        finally:
            end_call(&self._turn)

    cdef int _refuse_unless_it_may_continue(self, object data) except -1:
        if self._open_opcode == FF_OPCODE_CONTINUATION:
            raise invalid_state(
                "no message is open: begin one with text() or binary() and fin=False (RFC 6455, "
                "5.4)"
            )
        if self._open_lost:
            raise invalid_state(
                "memory ran out in the open message, so it cannot be continued: close the "
                "connection"
            )
        if isinstance(data, str) and self._open_opcode == FF_OPCODE_BINARY:
            raise TypeError(
                "data must be a contiguous bytes-like object, as the open message is binary, not "
                "str"
            )
        return 0

    @cython.final
    cdef bytes _first(self, uint8_t opcode, object data, bint fin):
        if FF_COUNTS and self._is_timed:
            return self._first_timed(opcode, data, fin)
        return self._first_quickly(opcode, data, fin)

    cdef bytes _first_timed(self, uint8_t opcode, object data, bint fin):
        cdef uint64_t start = ff_nanoseconds()
        try:
            return self._first_quickly(opcode, data, fin)
        finally:
            ff_count(&self._tally.counts.sent.nanoseconds, ff_nanoseconds() - start)

    @cython.final
    cdef inline bytes _first_quickly(self, uint8_t opcode, object data, bint fin):
        begin_call(&self._turn)
        try:
            if self._open_opcode != FF_OPCODE_CONTINUATION:
                raise invalid_state(
                    "a message is open: finish it with continuation() first (RFC 6455, 5.4)"
                )
            return <bytes>ff_owned(self._fragment(opcode, opcode, data, fin, ff_utf8_start()))
        finally:
            end_call(&self._turn)

    @cython.final
    cdef inline PyObject *_fragment(
        self, uint8_t opcode, uint8_t message_opcode, object data, bint fin, ff_utf8 utf8
    ) except NULL:
        cdef PyObject *frame
        if ff_shared_flag_get(&self._closed):
            raise invalid_state("no data can be sent after a Close frame (RFC 6455, 5.5.1)")
        frame = self._new_fragment(opcode, message_opcode, data, fin, &utf8)
        if fin and opcode == FF_OPCODE_CONTINUATION:
            count_message(&self._tally.counts.sent, message_opcode)
        self._open_opcode = FF_OPCODE_CONTINUATION if fin else message_opcode
        self._open_utf8 = utf8
        return frame

    @cython.final
    cdef inline PyObject *_new_fragment(
        self, uint8_t opcode, uint8_t message_opcode, object data, bint fin, ff_utf8 *utf8
    ) except NULL:
        cdef Py_buffer view
        cdef OutboundPayload payload
        if fin and not PyUnicode_CheckExact(data) and not PyBytes_CheckExact(data):
            frame = self._prepared_frame(opcode, data)
            if frame is not None:
                Py_INCREF(frame)
                return <PyObject *>frame
        if isinstance(data, str):
            if not ff_utf8_complete(utf8):
                raise ValueError(
                    "the last fragment ended inside a character: bytes must follow, not str (RFC "
                    "6455, 8.1)"
                )
            _owner = text_payload(self._kernels, data, &payload)
            return self._new_data_frame(opcode, &payload, fin)
        ff_get_buffer(data, &view, PyBUF_SIMPLE, "data", FF_STR_OR_BYTES_LIKE)
        try:
            if message_opcode == FF_OPCODE_TEXT:
                if not self._kernels.utf8_feed(utf8, <const uint8_t *>view.buf, view.len) or (
                    fin and not ff_utf8_complete(utf8)
                ):
                    raise ValueError("a text message must be UTF-8 (RFC 6455, 8.1)")
            payload = bytes_payload(view.buf, view.len)
            return self._new_data_frame(opcode, &payload, fin)
        finally:
            PyBuffer_Release(&view)

    @cython.final
    cdef bytes _prepared_frame(self, uint8_t opcode, object data):
        """The shared frame of a whole prepared message. None for any other; so for one that a
        client sends uncompressed."""
        cdef PreparedFrames frames = frames_of(self._prepared, data)
        if frames is None or frames.opcode != opcode:
            return None
        if self._deflater is not None and frames.size >= self._deflater.threshold:
            frame = self._prepared_deflated_frame(frames, data)
        elif self._role == FF_SERVER:
            frame = plain_frame(frames, data)
        else:
            return None
        count_made_message(&self._tally.counts.sent, frame, frames.size)
        return frame

    @cython.final
    cdef bytes _prepared_deflated_frame(self, PreparedFrames frames, object data):
        cdef ff_header header
        cdef OutboundPayload payload
        cdef bytes frame = frames.deflated(data, self._deflater.module, self._deflater.arguments)
        if self._role == FF_CLIENT:
            header.opcode = frames.opcode
            header.rsv = FF_RSV1
            header.fin = True
            self._mask(&header)
            payload = payload_of(frame)
            frame = frame_bytes(self._kernels, &header, &payload)
        # The peer's window now ends with this message, which the compressor has not seen: it starts
        # with an empty one.
        self._deflater.forget()
        return frame

    @cython.final
    cdef inline PyObject *_new_data_frame(
        self, uint8_t opcode, const OutboundPayload *payload, bint fin
    ) except NULL:
        if self._deflater is None or not self._is_to_be_deflated(opcode, payload.size, fin):
            return self._new_frame(opcode, payload, fin, 0)
        return self._new_deflated_frame(opcode, payload, fin)

    @cython.final
    cdef PyObject *_new_deflated_frame(
        self, uint8_t opcode, const OutboundPayload *payload, bint fin
    ) except NULL:
        cdef ff_header header
        cdef bytes data, compressed
        cdef PyObject *frame = NULL
        cdef OutboundPayload content
        header.opcode = opcode
        header.rsv = 0 if opcode == FF_OPCODE_CONTINUATION else FF_RSV1
        header.fin = fin
        # before the compressor's state changes, as the caller's masking_keys may raise
        self._mask(&header)
        data = payload_bytes(self._kernels, payload)
        try:
            compressed = self._deflater.deflate(data, fin)
            content = bytes_payload(PyBytes_AS_STRING(compressed), len(compressed))
            frame = new_frame_bytes(self._kernels, &header, &content)
            count_deflated_frame(&self._tally.counts.sent, &header, payload.size)
            if fin and opcode != FF_OPCODE_CONTINUATION:
                count_message(&self._tally.counts.sent, opcode)
            return frame
        # As Cython's `except` misses an error if memory runs out while its traceback is made.
        finally:
            if frame is NULL:
                # The compressor has taken in data that is not sent. A fresh one may begin a
                # message, but not go on with one.
                self._deflater.forget()
                self._open_lost = opcode == FF_OPCODE_CONTINUATION

    cdef bint _is_to_be_deflated(self, uint8_t opcode, size_t size, bint fin) noexcept:
        if opcode != FF_OPCODE_CONTINUATION:
            self._open_compressed = not fin or size >= self._deflater.threshold
        return self._open_compressed

    # ---- control frames (5.5) --------------------------------------------------------------------

    def ping(self, payload=b""):
        """A Ping.

        payload: a bytes-like object of at most 125 bytes; ValueError for more.

        >>> Encoder(Role.SERVER).ping(b"?")
        b'\\x89\\x01?'
        """
        return self._control(FF_OPCODE_PING, payload)

    def pong(self, payload=b""):
        """A Pong.

        payload: that of the Ping it answers, a bytes-like object of at most 125 bytes; ValueError
        for more.

        >>> Encoder(Role.SERVER).pong(b"!")
        b'\\x8a\\x01!'
        """
        return self._control(FF_OPCODE_PONG, payload)

    def forget_window(self):
        """Gives the compressor's memory back: the next message begins with an empty window, and a
        compressor is made for it.

        The peer need not know (RFC 7692, 7.1.1.1). For a connection that is quiet: what is sent
        next is compressed less well, as it cannot refer to what was sent before. Does nothing
        without compression. InvalidState in the middle of a message in fragments.

        >>> Encoder(Role.SERVER).forget_window()
        """
        begin_call(&self._turn)
        try:
            if self._deflater is not None:
                if self._open_opcode != FF_OPCODE_CONTINUATION:
                    raise invalid_state("the window cannot be forgotten inside a message")
                self._deflater.forget()
        finally:
            end_call(&self._turn)

    def close(self, code=1000, reason=""):
        """A Close. Only Ping and Pong may be sent after it.

        code: the status code (7.4), an int; 1005 stands for none, so that a received Close can be
        answered with its own code. ValueError for a code that must not be sent. reason: a str of at
        most 123 bytes in UTF-8; ValueError for more.

        >>> Encoder(Role.SERVER).close(1000, "bye")
        b'\\x88\\x05\\x03\\xe8bye'
        """
        cdef bytes content
        cdef OutboundPayload payload
        cdef uint16_t checked_code = number_from("code", code, 0, 0xFFFF)
        if not isinstance(reason, str):
            raise TypeError(f"reason must be a str, not {type(reason).__name__}")
        content = reason.encode("utf-8")
        if len(content) > FF_MAX_CONTROL_PAYLOAD - 2:
            raise ValueError(
                f"reason must have at most 123 bytes in UTF-8, not {len(content)} (RFC 6455, 5.5)"
            )
        if checked_code != FF_CLOSE_NO_STATUS:
            if not ff_close_code_is_valid(checked_code):
                raise ValueError(
                    f"code {checked_code} must not be sent: {FF_CLOSE_CODES_TO_SEND.decode()} may "
                    f"be, and 1005 stands for no code "
                    "(RFC 6455, 7.4)"
                )
            content = checked_code.to_bytes(2, "big") + content
        elif content:
            raise ValueError(
                "a reason needs a status code, and 1005 stands for none (RFC 6455, 5.5.1)"
            )
        payload = bytes_payload(PyBytes_AS_STRING(content), len(content))
        begin_call(&self._turn)
        try:
            if ff_shared_flag_get(&self._closed):
                raise invalid_state("a Close frame was sent already (RFC 6455, 5.5.1)")
            frame = self._frame(FF_OPCODE_CLOSE, &payload, True, 0)
            self._tally.close_sent(checked_code)
            ff_shared_flag_set(&self._closed, True)
            return frame
        finally:
            end_call(&self._turn)

    cdef bytes _control(self, uint8_t opcode, object payload):
        return self._any_frame(opcode, payload, True, 0)

    cdef bytes _any_frame(self, uint8_t opcode, object payload, bint fin, uint8_t rsv):
        cdef Py_buffer view
        cdef OutboundPayload content
        ff_get_buffer(payload, &view, PyBUF_SIMPLE, "payload", FF_BYTES_LIKE)
        try:
            begin_call(&self._turn)
            try:
                content = bytes_payload(view.buf, view.len)
                frame = self._frame(opcode, &content, fin, rsv)
                if opcode == FF_OPCODE_PING:
                    self._tally.ping_sent(PyBytes_FromStringAndSize(<char *>view.buf, view.len))
                return frame
            finally:
                end_call(&self._turn)
        finally:
            PyBuffer_Release(&view)

    # ---- the low level (5.2) ---------------------------------------------------------------------

    def frame(self, opcode, payload=b"", *, fin=True, rsv=0):
        """Any frame that 5.2 and 5.5 allow; the caller is responsible for the order of frames, and
        for what text and Close frames carry.

        opcode: an int or Opcode. payload: a bytes-like object. fin: True or False. rsv: 4 for RSV1,
        2 for RSV2, 1 for RSV3, or a sum of them. ValueError for a reserved opcode, and for a
        control frame that is fragmented or has more than 125 bytes.

        >>> from fastframe import Opcode
        >>> Encoder(Role.SERVER).frame(Opcode.BINARY, b"part", fin=False)
        b'\\x02\\x04part'
        """
        cdef uint8_t checked_opcode = number_from("opcode", opcode, 0, 15)
        cdef uint8_t checked_rsv = number_from("rsv", rsv, 0, 7)
        return self._any_frame(checked_opcode, payload, flag_from("fin", fin), checked_rsv)

    def header(self, opcode, payload_length, *, fin=True, rsv=0):
        """The header alone, so that a large payload can be written after it uncopied, with
        `writelines` for instance.

        payload_length: in bytes, from 0 to 2**63 - 1. Other parameters and errors: as for `frame`.
        The last four bytes of a client's header are a fresh masking key: mask the payload with it
        (`apply_mask_into`).

        >>> Encoder(Role.SERVER).header(2, 100_000)
        b'\\x82\\x7f\\x00\\x00\\x00\\x00\\x00\\x01\\x86\\xa0'
        """
        cdef ff_header header
        cdef uint8_t header_bytes[FF_MAX_HEADER]
        header.opcode = number_from("opcode", opcode, 0, 15)
        header.rsv = number_from("rsv", rsv, 0, 7)
        header.fin = flag_from("fin", fin)
        header.payload_length = number_from("payload_length", payload_length, 0, 2**63 - 1)
        begin_call(&self._turn)
        try:
            self._mask(&header)
            write_header(&header, header_bytes)
            made = PyBytes_FromStringAndSize(<const char *>header_bytes, header.size)
            count_plain_frame(&self._tally.counts.sent, &header, header.payload_length)
            return made
        finally:
            end_call(&self._turn)

    # ---- what is counted (tally.pxd) -------------------------------------------------------------

    def _count_for(self, Tally tally not None):
        """From now on. Before `__init__`, that makes no other one."""
        self._tally = tally
        self._is_timed = tally.is_timed()
        self._counts_for_another = True

    @cython.final
    cdef inline bytes _frame(
        self, uint8_t opcode, const OutboundPayload *payload, bint fin, uint8_t rsv
    ):
        return <bytes>ff_owned(self._new_frame(opcode, payload, fin, rsv))

    @cython.final
    cdef inline PyObject *_new_frame(
        self, uint8_t opcode, const OutboundPayload *payload, bint fin, uint8_t rsv
    ) except NULL:
        cdef ff_header header
        header.opcode = opcode
        header.rsv = rsv
        header.fin = fin
        self._mask(&header)
        cdef PyObject *frame = new_frame_bytes(self._kernels, &header, payload)
        count_plain_frame(&self._tally.counts.sent, &header, payload.size)
        return frame

    @cython.final
    cdef int _mask(self, ff_header *header) except -1:
        header.masked = self._role == FF_CLIENT
        if header.masked:
            self._keys.take(header.masking_key)
        return 0
