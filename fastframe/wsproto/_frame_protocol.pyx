# cython: language_level=3
"""FrameProtocol in wsproto's shape, on the kernels: from frames to messages, and back.

Strategy: the hot paths are in this module and in _frame_decoder.pyx, and they make wsproto's own
objects. What is rare or odd (Close payloads, unusual types of arguments, outbound extensions,
misuse) runs through wsproto's own methods, which the classes in frame_protocol.py inherit; so it
behaves like the installed wsproto because it is the installed wsproto.
"""

cimport cython
from cpython.bytearray cimport PyByteArray_CheckExact
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_CheckExact
from libc.stdint cimport UINT64_MAX, uint8_t, uint64_t

from fastframe._codec.checks cimport invalid_state
from fastframe._codec.capi cimport (
    FF_CLIENT, FF_CLOSE_NO_STATUS, FF_MAX_CONTROL_PAYLOAD, FF_OPCODE_BINARY, FF_OPCODE_CLOSE,
    FF_OPCODE_CONTINUATION, FF_OPCODE_PING, FF_OPCODE_PONG, FF_OPCODE_TEXT, FF_RSV1, ff_header,
    ff_opcode_is_control,
)
from fastframe._codec.chunk cimport Chunk, unmasked_chunk
from fastframe._codec.deflater cimport compressed
from fastframe._codec.kernels cimport kernels
from fastframe._codec.masking_keys cimport KeyPool
from fastframe._codec.outbound cimport (
    OutboundPayload, bytes_payload, frame_bytearray, frame_bytes, payload_bytes, text_payload,
)
from fastframe._cpython.owned cimport PyObject, ff_owned
from fastframe._codec.prepared cimport PreparedFrames, frames_of, payload_of, prepared_kinds
from fastframe._codec.tally cimport (
    Tally, count_frame, count_made_frame, count_made_message, count_message, count_plain_frame,
    ff_count, ff_nanoseconds, new_tally, sums_of,
)
from fastframe._codec.text cimport chunk_text
from fastframe._cpython.turns cimport (
    FF_WITHOUT_GIL, begin_in_thread, end_in_thread, ff_threads_turn, raise_busy,
)
from fastframe.wsproto._frame_decoder cimport NO_OPCODE, FrameDecoder, is_empty, is_only
from fastframe._cpython.generator_shape cimport GeneratorShape

from codecs import getincrementaldecoder
from fastframe._targets.target import count_connection
from fastframe.wsproto._names import NAMES
from fastframe.wsproto.rules import fields_of


# ---- messages: fragments in order, text decoded --------------------------------------------------

cdef class FrameProtocol:
    """wsproto's FrameProtocol; frame_protocol.py makes it complete."""

    _decoder_class = FrameDecoder

    def __cinit__(self, *args, **kwargs):
        self._names = NAMES
        self._options = self._names.options()
        self._kernels = kernels()
        self._tally = Tally.__new__(Tally)
        self._prepared = prepared_kinds()
        self._message_opcode = NO_OPCODE
        self._expect_ascii = True
        # All that memory safety needs, whether or not a subclass calls __init__.
        self._extensions = []
        self._frame_decoder = FrameDecoder.__new__(FrameDecoder)
        self._first_decoder = self._frame_decoder

    def __init__(self, client, extensions):
        enabled = [extension for extension in extensions if extension.enabled()]
        with cython.critical_section(self):
            if FF_WITHOUT_GIL and self._was_begun:
                raise invalid_state(
                    "without the GIL a FrameProtocol cannot be begun anew, as other threads may "
                    "use it: make another one"
                )
            self._was_begun = True
            self._client = client
            self._extensions = enabled
            self._next_fragment_of = None
        cdef FrameDecoder decoder = self._decoder_class(client, enabled)
        if decoder is None:
            raise TypeError("_decoder_class must make a FrameDecoder")
        decoder._inflate_budget = self._options.max_message_size
        role = "client" if decoder._role == FF_CLIENT else "server"
        self._tally = decoder._tally = new_tally(sums_of("wsproto", role), True, True)
        self._frame_decoder = decoder

    # wsproto's attributes, some of which callers set.

    @property
    def client(self):
        with cython.critical_section(self):
            return self._client

    @client.setter
    def client(self, client):
        with cython.critical_section(self):
            self._client = client

    @property
    def extensions(self):
        with cython.critical_section(self):
            return self._extensions

    @extensions.setter
    def extensions(self, extensions):
        with cython.critical_section(self):
            self._extensions = extensions

    @property
    def _outbound_opcode(self):
        with cython.critical_section(self):
            return self._next_fragment_of

    @_outbound_opcode.setter
    def _outbound_opcode(self, opcode):
        with cython.critical_section(self):
            self._next_fragment_of = opcode

    def receive_bytes(self, data):
        cdef FrameDecoder decoder = self._frame_decoder
        decoder.receive_bytes(data)

    def received_frames(self):
        """wsproto's generator of frames: it ends where more bytes are needed."""
        return ReceivedFrames(self)

    @property
    def _parse_more(self):
        """wsproto's inner generator: None where more bytes are needed; it ends with the stream."""
        return ParseMore(self)

    cdef bint _try_whole_message(self, PyObject **payload) except -1:
        """Makes the payload of the next message, a new reference, its kind in `_opcode`, if it is
        one whole, plain frame. Else False: then see `_next_frame`."""
        if (
            self._running or self._exhausted or not self._started
            or self._message_opcode != NO_OPCODE
        ):
            return False
        return self._frame_decoder._try_whole_message(
            &self._opcode, &self._expect_ascii, self._options.max_message_size, payload
        )

    cdef bint _is_idle(self) noexcept:
        """True if nothing is buffered, not even a part of a frame; then lets go of the last bytes
        that were."""
        cdef FrameDecoder decoder = self._frame_decoder
        if (
            self._running or self._exhausted or not self._started or decoder._header_is_complete
            or decoder._bytes_used
        ):
            return False
        if decoder._receive_buffer.length or decoder._receive_buffer.has_next_piece():
            return False
        decoder._receive_buffer.release()
        return True

    cdef bint _next_frame(self) except -1:
        if self._running:
            raise ValueError("generator already executing")
        if self._exhausted:
            return False
        self._running = True
        try:
            return self._parse_frame()
        except BaseException as error:
            self._exhausted = True
            if isinstance(error, self._names.ParseFailed):
                offset = self._frame_decoder._frame_offset
                self._tally.violated(fields_of(error, offset), str(error))
            raise
        finally:
            self._running = False

    cdef bint _parse_frame(self) except -1:
        cdef FrameDecoder decoder = self._frame_decoder
        if not self._started:
            self._start()
        if not decoder._next_chunk():
            decoder._receive_buffer.release()
            return False
        self._opcode = decoder._opcode
        self._frame_finished = decoder._frame_finished
        self._message_finished = decoder._fin
        if not ff_opcode_is_control(self._opcode):
            self._process_data()
        else:
            self._payload = decoder._take_payload()
            self._process_control()
        return True

    cdef int _process_control(self) except -1:
        if self._opcode == FF_OPCODE_CLOSE:
            self._payload = self._process_close(self._frame()).payload
            self._exhausted = True
            self._tally.close_received(self._payload[0])
        elif self._opcode == FF_OPCODE_PONG:
            self._tally.pong_received(bytes(self._payload))
        return 0

    cdef int _start(self) except -1:
        self._started = True
        count_connection("wsproto")
        with cython.critical_section(self):
            extensions = self._extensions
        enabled = [extension for extension in extensions if extension.enabled()]
        with cython.critical_section(self):
            self._extensions = enabled
        return 0

    cdef int _process_data(self) except -1:
        if self._message_opcode == NO_OPCODE:
            if self._opcode == FF_OPCODE_CONTINUATION:
                raise self._names.ParseFailed("unexpected CONTINUATION")
            self._message_opcode = self._opcode
            self._message_size = self._fragments = 0
            self._partial_character.length = 0
        elif self._opcode != FF_OPCODE_CONTINUATION:
            opcode = self._names.opcodes[self._opcode]
            raise self._names.ParseFailed(f"expected CONTINUATION, got {opcode!r}")

        if (
            self._options.max_message_size != UINT64_MAX
            or self._options.max_fragments != UINT64_MAX
        ):
            self._check_limits()
        self._opcode = self._message_opcode
        self._message_finished = self._message_finished and self._frame_finished
        if self._opcode == FF_OPCODE_TEXT:
            self._payload = self._decode_text()
        else:
            self._payload = self._frame_decoder._take_payload()
        if self._message_finished:
            self._message_opcode = NO_OPCODE
            count_message(&self._tally.counts.received, self._opcode)
        return 0

    cdef int _check_limits(self) except -1:
        """The options of `install`. A frame counts as soon as its header says how long it is, or as
        it is inflated."""
        cdef FrameDecoder decoder = self._frame_decoder
        cdef bint frame_begins = decoder._payload_consumed == decoder._chunk.length
        self._fragments += frame_begins
        if decoder._was_extended:
            self._message_size += len(decoder._extended_payload)
        elif frame_begins:
            self._message_size += decoder._header.payload_length
        cdef WsprotoOptions options = self._options
        reason = None
        if self._message_size > options.max_message_size:
            reason = f"message larger than max_message_size ({options.max_message_size} bytes)"
        elif self._fragments > options.max_fragments:
            reason = f"message with more fragments than max_fragments ({options.max_fragments})"
        if reason is not None:
            raise self._names.ParseFailed(reason, self._names.CloseReason.MESSAGE_TOO_BIG)
        if self._options.max_message_size != UINT64_MAX:
            decoder._inflate_budget = options.max_message_size
            if not (self._message_finished and self._frame_finished):
                decoder._inflate_budget -= self._message_size
        return 0

    cdef object _decode_text(self):
        cdef FrameDecoder decoder = self._frame_decoder
        cdef Chunk chunk
        if not decoder._was_extended:
            chunk = decoder._chunk
        else:
            payload = decoder._take_payload()
            assert isinstance(payload, (bytes, bytearray))
            payload = bytes(payload)
            chunk = unmasked_chunk(payload)
        try:
            return chunk_text(
                self._kernels, &chunk, &self._partial_character, self._message_finished,
                &self._expect_ascii
            )
        except UnicodeDecodeError as error:
            if not isinstance(error, UnicodeDecodeError):  # no memory for that error
                raise
            raise self._names.ParseFailed(
                str(error), self._names.CloseReason.INVALID_FRAME_PAYLOAD_DATA
            )

    cdef object _take_payload(self):
        payload = self._payload
        self._payload = None
        return payload

    cdef object _frame(self):
        return self._names.frame(
            self._opcode, self._take_payload(), self._frame_finished, self._message_finished
        )

    @property
    def _message_decoder(self):
        """wsproto's MessageDecoder in the state that it would be in; a copy."""
        cdef ff_threads_turn *turn = self.begin_reading()
        try:
            return self._look_at_message_decoder()
        finally:
            end_in_thread(turn)

    cdef object _look_at_message_decoder(self):
        from wsproto.frame_protocol import MessageDecoder

        decoder = MessageDecoder()
        if self._message_opcode != NO_OPCODE:
            decoder.opcode = self._names.opcodes[self._message_opcode]
            if self._message_opcode == FF_OPCODE_TEXT:
                decoder.decoder = getincrementaldecoder("utf-8")()
                begun = <bytes>self._partial_character.bytes[:self._partial_character.length]
                decoder.decoder.setstate((begun, 0))
        return decoder

    # ---- outbound --------------------------------------------------------------------------------

    def send_data(self, payload=b"", fin=True):
        frame = self._data_frame(payload, fin, False)
        return self._names.FrameProtocol.send_data(self, payload, fin) if frame is None else frame

    def ping(self, payload=b""):
        frame = self._control_frame(FF_OPCODE_PING, payload, False)
        return self._names.FrameProtocol.ping(self, payload) if frame is None else frame

    def pong(self, payload=b""):
        frame = self._control_frame(FF_OPCODE_PONG, payload, False)
        return self._names.FrameProtocol.pong(self, payload) if frame is None else frame

    def _serialize_frame(self, opcode, payload=b"", fin=True):
        frame = None
        if (
            type(payload) is bytearray and fin is True
            and opcode is self._names.opcodes[FF_OPCODE_CLOSE]
        ):
            frame = self._control_frame(FF_OPCODE_CLOSE, bytes(payload), False)
        if frame is not None:
            return frame
        frame = self._names.FrameProtocol._serialize_frame(self, opcode, payload, fin)
        count_made_frame(&self._tally.counts.sent, bytes(frame), 0)
        return frame

    cdef object _data_frame(self, object payload, object fin, bint as_bytes):
        if self._tally.is_timed():
            return self._data_frame_timed(payload, fin, as_bytes)
        return self._data_frame_quickly(payload, fin, as_bytes)

    cdef object _data_frame_timed(self, object payload, object fin, bint as_bytes):
        cdef uint64_t start = ff_nanoseconds()
        try:
            return self._data_frame_quickly(payload, fin, as_bytes)
        finally:
            ff_count(&self._tally.counts.sent.nanoseconds, ff_nanoseconds() - start)

    cdef inline object _data_frame_quickly(self, object payload, object fin, bint as_bytes):
        with cython.critical_section(self):
            return self._ready_data_frame(payload, fin, as_bytes)

    cdef object _ready_data_frame(self, object payload, object fin, bint as_bytes):
        cdef OutboundPayload content
        cdef uint8_t opcode, message_opcode
        cdef bint is_plain = is_empty(self._extensions)
        if self._deflating:
            raise_busy()
        if (not is_plain and not is_only(self._extensions, self._frame_decoder._deflate)) or (
            fin is not True and fin is not False
        ):
            return None
        owner = self._payload_view(payload, &content, &opcode)
        if owner is None:
            return self._prepared_frame(payload, fin, is_plain, as_bytes)
        message_opcode = opcode
        if not self._open_or_continue(&opcode, fin, is_plain):
            return None
        if is_plain or not self._is_to_be_deflated(opcode, content.size, fin):
            frame = self._serialize(opcode, &content, fin, as_bytes, 0)
        else:
            frame = self._deflated_frame(opcode, owner, &content, fin, as_bytes)
            if fin and opcode != FF_OPCODE_CONTINUATION:
                count_message(&self._tally.counts.sent, opcode)
        if fin and opcode == FF_OPCODE_CONTINUATION:
            count_message(&self._tally.counts.sent, message_opcode)
        return frame

    cdef object _prepared_frame(self, object data, bint fin, bint is_plain, bint as_bytes):
        """The frame of a whole message from `fastframe.prepare`; None for any other payload, and
        for one inside a message."""
        cdef PreparedFrames frames = frames_of(self._prepared, data)
        cdef OutboundPayload payload
        if frames is None or not fin or self._next_fragment_of is not None:
            return None
        if is_plain or not self._is_to_be_deflated(frames.opcode, frames.size, fin):
            frame, rsv = frames.plain(data), 0
        else:
            frame, rsv = frames.deflated(
                data, self._options.zlib, self._compressor_arguments(self._frame_decoder._deflate)
            ), FF_RSV1
        if self._client or not as_bytes:
            payload = payload_of(frame)
            frame = self._serialize(frames.opcode, &payload, True, as_bytes, rsv)
            if rsv:
                self._count_deflated(payload.size, frames.size)
                count_message(&self._tally.counts.sent, frames.opcode)
        else:
            count_made_message(&self._tally.counts.sent, frame, frames.size)
        if rsv:
            # The peer's window now ends with this message, which the compressor has not seen: it
            # starts anew.
            self._frame_decoder._deflate._compressor = None
        return frame

    cdef object _deflated_frame(
        self, uint8_t opcode, object owner, const OutboundPayload *payload, bint fin, bint as_bytes
    ):
        cdef OutboundPayload content
        frame = None
        self._deflating = True
        try:
            data = self._deflated(
                owner if PyBytes_CheckExact(owner) else payload_bytes(self._kernels, payload), fin
            )
            content = bytes_payload(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
            frame = self._serialize(
                opcode, &content, fin, as_bytes, 0 if opcode == FF_OPCODE_CONTINUATION else FF_RSV1
            )
            self._count_deflated(content.size, payload.size)
            return frame
        # As Cython's `except` misses an error if memory runs out while its traceback is made.
        finally:
            self._deflating = False
            if frame is None and opcode != FF_OPCODE_CONTINUATION:
                # The compressor has taken in data that is not sent, which the next message must not
                # bring along. Inside a message a fresh compressor would be worse: what the old one
                # holds back of earlier fragments would be missing.
                self._frame_decoder._deflate._compressor = None
                self._next_fragment_of = None

    cdef object _payload_view(self, object payload, OutboundPayload *content, uint8_t *opcode):
        """The object that must outlive `content`; None for a type that wsproto's own code is to
        send or to refuse."""
        if PyUnicode_CheckExact(payload):
            opcode[0] = FF_OPCODE_TEXT
            encoded = text_payload(self._kernels, payload, content)
            return payload if encoded is None else encoded
        if not PyBytes_CheckExact(payload):
            if not PyByteArray_CheckExact(payload):
                return None
            payload = bytes(payload)  # another thread may resize it
        opcode[0] = FF_OPCODE_BINARY
        content[0] = bytes_payload(PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload))
        return payload

    cdef bint _open_or_continue(self, uint8_t *opcode, bint fin, bint is_plain) except -1:
        """The opcode of the next frame of the message. False where wsproto's own code must raise
        its error."""
        member = self._names.opcode(opcode[0])
        if self._next_fragment_of is None:
            if not fin:
                self._next_fragment_of = member
            return True
        if self._next_fragment_of is not member or (
            not is_plain and self._frame_decoder._deflate._compressor is None
        ):
            return False
        opcode[0] = FF_OPCODE_CONTINUATION
        if fin:
            self._next_fragment_of = None
        return True

    cdef object _control_frame(self, uint8_t opcode, object payload, bint as_bytes):
        with cython.critical_section(self):
            return self._ready_control_frame(opcode, payload, as_bytes)

    cdef object _ready_control_frame(self, uint8_t opcode, object payload, bint as_bytes):
        cdef OutboundPayload content
        if not (
            is_empty(self._extensions) or is_only(self._extensions, self._frame_decoder._deflate)
        ) or not PyBytes_CheckExact(payload):
            return None
        if PyBytes_GET_SIZE(payload) > FF_MAX_CONTROL_PAYLOAD:
            return None
        content = bytes_payload(PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload))
        frame = self._serialize(opcode, &content, True, as_bytes, 0)
        self._count_control(opcode, payload)
        return frame

    cdef int _count_control(self, uint8_t opcode, bytes payload) except -1:
        if opcode == FF_OPCODE_PING:
            self._tally.ping_sent(payload)
        elif opcode == FF_OPCODE_CLOSE:
            code = int.from_bytes(payload[:2], "big") if payload else FF_CLOSE_NO_STATUS
            self._tally.close_sent(code)
        return 0

    cdef void _count_deflated(self, size_t size, size_t inflated_size) noexcept:
        ff_count(&self._tally.counts.sent.compressed_bytes, size)
        ff_count(&self._tally.counts.sent.inflated_bytes, inflated_size)

    cdef bint _is_to_be_deflated(self, uint8_t opcode, size_t size, bint fin) except -1:
        # A message in fragments always is, whether this class or wsproto's own code has sent the
        # first fragment.
        settings = self._options.deflate
        return (
            settings is None or opcode == FF_OPCODE_CONTINUATION or not fin
            or size >= <size_t>settings.threshold
        )

    cdef bytes _deflated(self, bytes data, bint fin):
        cdef bytes content
        deflate = self._frame_decoder._deflate
        if deflate._compressor is None:
            arguments = self._compressor_arguments(deflate)
            deflate._compressor = self._options.zlib.compressobj(*arguments)
        content = compressed(deflate._compressor, self._options.zlib.Z_SYNC_FLUSH, data, fin)
        if not fin:
            return content
        if (
            deflate.client_no_context_takeover if self._client
            else deflate.server_no_context_takeover
        ):
            deflate._compressor = None
        return content[:-4]

    cdef tuple _compressor_arguments(self, deflate):
        zlib, settings = self._options.zlib, self._options.deflate
        bits = int(
            deflate.client_max_window_bits if self._client else deflate.server_max_window_bits
        )
        if settings is None:
            return (zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -bits)
        level = zlib.Z_DEFAULT_COMPRESSION if settings.level is None else settings.level
        most = settings.client_max_window_bits if self._client else settings.server_max_window_bits
        return (level, zlib.DEFLATED, -min(bits, most), settings.memory_level)

    cdef object _serialize(
        self, uint8_t opcode, const OutboundPayload *payload, bint fin, bint as_bytes, uint8_t rsv
    ):
        cdef ff_header header
        header.opcode = opcode
        header.rsv = rsv
        header.fin = fin
        header.masked = bool(self._client)
        if header.masked:
            if self._keys is None:
                self._keys = KeyPool()
            self._keys.take(header.masking_key)
        if as_bytes:
            frame = frame_bytes(self._kernels, &header, payload)
        else:
            frame = frame_bytearray(self._kernels, &header, payload)
        if rsv:
            count_frame(&self._tally.counts.sent, opcode, header.size, payload.size)
        else:
            count_plain_frame(&self._tally.counts.sent, &header, payload.size)
        return frame


# ---- wsproto's generators ------------------------------------------------------------------------

cdef class ReceivedFrames(GeneratorShape):
    """The generator that FrameProtocol.received_frames returns."""

    cdef FrameProtocol _protocol  # None once it has ended
    cdef object __weakref__

    def __cinit__(self, FrameProtocol protocol not None):
        self._protocol = protocol

    def __next__(self):
        begin_in_thread(&self._turn)
        try:
            frame = self._next_of(self._protocol)
        finally:
            end_in_thread(&self._turn)
        if frame is None:
            raise StopIteration
        return frame

    cdef object _next_of(self, FrameProtocol protocol):
        """The next frame; None where more bytes are needed, and then it has ended."""
        cdef PyObject *payload
        cdef ff_threads_turn *turn
        self._begun = True
        if protocol is None:
            return None
        turn = protocol.begin_reading()
        try:
            if protocol._try_whole_message(&payload):
                return protocol._names.frame(protocol._opcode, ff_owned(payload), True, True)
            self._protocol = None  # unless there is a frame
            if not protocol._next_frame():
                return None
            self._protocol = protocol
            return protocol._frame()
        finally:
            end_in_thread(turn)

    cdef bint _has_ended(self) noexcept:
        return self._protocol is None

    cdef int _end(self) except -1:
        self._protocol = None
        return 0


cdef class ParseMore(GeneratorShape):
    """The generator that FrameProtocol._parse_more returns. All of them share the protocol's
    state."""

    cdef FrameProtocol _protocol

    def __cinit__(self, FrameProtocol protocol not None):
        self._protocol = protocol

    def __next__(self):
        cdef bint has_ended = False
        cdef ff_threads_turn *turn = self._protocol.begin_reading()
        frame = None
        try:
            self._begun = True
            if self._protocol._next_frame():
                frame = self._protocol._frame()
            else:
                has_ended = self._protocol._exhausted
        finally:
            end_in_thread(turn)
        if has_ended:
            raise StopIteration
        return frame

    cdef bint _has_ended(self) noexcept:
        return self._protocol._exhausted

    cdef int _end(self) except -1:
        cdef ff_threads_turn *turn = self._protocol.begin_reading()
        self._protocol._exhausted = True  # for all
        end_in_thread(turn)
        return 0
