# cython: language_level=3
"""FrameDecoder and FrameProtocol in wsproto's shape, on the kernels.

Strategy: the hot paths are here, and they make wsproto's own objects. What is rare or odd (Close payloads, unusual types of
arguments, outbound extensions, misuse) runs through wsproto's own methods, which the classes in frame_protocol.py inherit;
so it behaves like the installed wsproto because it is the installed wsproto.
"""

from cpython.bytearray cimport PyByteArray_CheckExact
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from cpython.list cimport PyList_CheckExact, PyList_GET_ITEM, PyList_GET_SIZE
from cpython.tuple cimport PyTuple_GET_ITEM
from cpython.unicode cimport PyUnicode_CheckExact
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy

from fastframe._capi cimport (
    FF_CLIENT, FF_ERR_CONTROL_FRAGMENTED, FF_ERR_CONTROL_LENGTH, FF_ERR_LENGTH_16_NOT_MINIMAL,
    FF_ERR_LENGTH_64_NOT_MINIMAL, FF_ERR_LENGTH_TOP_BIT, FF_ERR_MASKED, FF_ERR_OPCODE, FF_ERR_RSV, FF_ERR_UNMASKED, FF_MASKING_KEY_SIZE,
    FF_MAX_CONTROL_PAYLOAD, FF_NEED_DATA, FF_OPCODE_BINARY, FF_OPCODE_CLOSE, FF_OPCODE_CONTINUATION, FF_OPCODE_PING,
    FF_OPCODE_PONG, FF_OPCODE_TEXT, FF_RSV1, FF_RSV2, FF_RSV3, FF_SERVER, ff_header, ff_header_check, ff_header_of_whole_message,
    ff_header_parse,
    ff_masking_key_rotate, ff_opcode_is_control, ff_status,
)
from fastframe._core cimport kernels
from fastframe._encoder cimport Payload, bytes_payload, frame_bytearray, frame_bytes, payload_bytes, text_payload
from fastframe._inbox cimport Inbox
from fastframe._payload cimport Chunk, chunk_bytes, chunk_bytes_and_deflate_tail, chunk_text, unmasked_chunk, whole_text

from codecs import getincrementaldecoder

from fastframe._wsproto_version import supported_version
from fastframe.deflate import backend_module


cdef uint64_t NO_LIMIT = <uint64_t>-1


cdef extern from *:
    """
    /* A NamedTuple of four without the call of its constructor. Takes no references. */
    static PyObject *ff_named_tuple_4(PyObject *type, PyObject *a, PyObject *b, PyObject *c, PyObject *d)
    {
        PyObject *tuple = ((PyTypeObject *)type)->tp_alloc((PyTypeObject *)type, 4);
        if (tuple != NULL) {
            Py_INCREF(a); PyTuple_SET_ITEM(tuple, 0, a);
            Py_INCREF(b); PyTuple_SET_ITEM(tuple, 1, b);
            Py_INCREF(c); PyTuple_SET_ITEM(tuple, 2, c);
            Py_INCREF(d); PyTuple_SET_ITEM(tuple, 3, d);
    #if PY_VERSION_HEX >= 0x030E0000
            ((PyTupleObject *)tuple)->ob_hash = -1; /* not computed yet */
    #endif
        }
        return tuple;
    }
    """
    object ff_named_tuple_4(object type, object a, object b, object c, object d)


cdef class Wsproto:
    def __init__(self):
        version = supported_version()
        import wsproto.frame_protocol as original
        from wsproto import extensions

        members = {member.value: member for member in original.Opcode}
        self.opcodes = tuple([members.get(number) for number in range(16)])
        self.CloseReason = original.CloseReason
        self.Frame = original.Frame
        self.FrameProtocol = original.FrameProtocol
        self.Header = original.Header
        self.ParseFailed = original.ParseFailed
        self.RsvBits = original.RsvBits
        self.payloads_are_bytes = version != "1.2.0"
        self.PerMessageDeflate = extensions.PerMessageDeflate
        self._methods_of_deflate = _methods(self.PerMessageDeflate)
        self._set_options(None, None, None, False)

    cdef int _set_options(self, max_message_size, max_fragments, deflate, bint fix_interleaved_control) except -1:
        self.max_message_size = NO_LIMIT if max_message_size is None else max_message_size
        self.max_fragments = NO_LIMIT if max_fragments is None else max_fragments
        self.deflate = deflate
        self.fix_interleaved_control = fix_interleaved_control
        self.zlib = backend_module(deflate.backend if deflate else "zlib")
        return 0

    cdef object own_deflate(self, object extensions):
        """The extension of a connection that has no other than wsproto's own PerMessageDeflate; else None."""
        if not self.payloads_are_bytes or not PyList_CheckExact(extensions) or PyList_GET_SIZE(extensions) != 1:
            return None
        if type(extensions[0]) is not self.PerMessageDeflate:
            return None
        if _methods(self.PerMessageDeflate) != self._methods_of_deflate:
            return None
        return extensions[0]

    cdef object frame(self, uint8_t opcode, object payload, bint frame_finished, bint message_finished):
        return ff_named_tuple_4(
            self.Frame, <object>PyTuple_GET_ITEM(self.opcodes, opcode), payload, frame_finished, message_finished
        )


def _methods(kind):
    names = ("frame_inbound_header", "frame_inbound_payload_data", "frame_inbound_complete", "frame_outbound")
    return [vars(kind)[name] for name in names]


# The one instance.
INSTALLED = Wsproto()


def set_options(max_message_size=None, max_fragments=None, deflate=None, fix_interleaved_control=False):
    """The options of `install`, already checked, for connections from now on; without arguments, none."""
    (<Wsproto>INSTALLED)._set_options(max_message_size, max_fragments, deflate, fix_interleaved_control)


# wsproto's own words: they go on the wire as the reason of the Close frame.
_WORDS = {
    FF_ERR_OPCODE: "Invalid opcode {:#x}",
    FF_ERR_CONTROL_FRAGMENTED: "Invalid attempt to fragment control frame",
    FF_ERR_CONTROL_LENGTH: "Control frame with payload len > 125",
    FF_ERR_LENGTH_16_NOT_MINIMAL: "Payload length used 2 bytes when 1 would have sufficed",
    FF_ERR_LENGTH_64_NOT_MINIMAL: "Payload length used 8 bytes when 2 would have sufficed",
    FF_ERR_LENGTH_TOP_BIT: "8-byte payload length with non-zero MSB",
    FF_ERR_RSV: "Reserved bit set unexpectedly",
    FF_ERR_MASKED: "client received unexpected masked frame",
    FF_ERR_UNMASKED: "server received unexpected unmasked frame",
}


# ---- inbound: frames, as far as they are here ----------------------------------------------------------------------

cdef class FrameDecoder:
    """wsproto's FrameDecoder. Made for wsproto's extensions to see; FrameProtocol goes through `_advance`."""

    def __cinit__(self, *args, **kwargs):
        self._wsproto = INSTALLED
        self._inbox = Inbox.__new__(Inbox)
        self._kernels = kernels()
        self._header_here = False
        self._effective_opcode = NO_OPCODE
        self._room = NO_LIMIT
        self.extensions = []

    def __init__(self, client, extensions=None):
        self.client = client
        self.extensions = extensions or []
        self._deflate = self._wsproto.own_deflate(self.extensions)

    def receive_bytes(self, data):
        try:
            self._inbox.feed(data)
        except TypeError:
            buffer = bytearray()
            buffer += data  # raises wsproto's own error
            raise

    def process_buffer(self):
        if not self._advance():
            return None
        return self._wsproto.frame(self._opcode, self._take_payload(), self._frame_finished, self._fin)

    cdef object _message_at_a_glance(self, uint8_t *opcode, bint *ascii, uint64_t max_size):
        """The payload of a message that is here in one frame with nothing unusual. Else None, and nothing has changed."""
        cdef ff_header header
        cdef Chunk chunk
        if self._header_here or self._running or self._bytes_used or not self._is_plain():
            return None
        if not ff_header_of_whole_message(
            self._inbox.data, self._inbox.length, FF_CLIENT if self.client else FF_SERVER, &header
        ) or header.payload_length > max_size:
            return None
        chunk.data = self._inbox.data + header.size
        chunk.length = <size_t>header.payload_length
        chunk.masked = header.masked
        memcpy(chunk.key, header.masking_key, FF_MASKING_KEY_SIZE)
        if header.opcode == FF_OPCODE_TEXT:
            payload = whole_text(self._kernels, &chunk, ascii)
        elif self._wsproto.payloads_are_bytes:
            payload = chunk_bytes(self._kernels, &chunk)
        else:
            payload = None
        if payload is not None:
            opcode[0] = header.opcode
            self._inbox.consume(header.size + chunk.length)
            self._payload_required = 0
            self._payload_consumed = header.payload_length
        return payload

    cdef bint _is_plain(self) noexcept:
        """True if no extension has a say in what is received."""
        return PyList_CheckExact(self.extensions) and PyList_GET_SIZE(self.extensions) == 0

    cdef bint _advance(self) except -1:
        self._enter()
        try:
            return self._parse()
        finally:
            self._running = False

    cdef int _enter(self) except -1:
        # An extension is handed this object; wsproto lets it parse here, and then loses track of the frame.
        if self._running:
            raise RuntimeError("the FrameDecoder is parsing: an extension must not call it")
        self._running = True
        return 0

    cdef bint _parse(self) except -1:
        if not self._header_here and not self._parse_header():
            return False
        if not self._take_chunk():
            return False
        if self._is_plain():
            self._extended_payload = None
        else:
            self._extended_payload = self._inflate() if self._is_deflate() else self._extend()
        self._opcode = self._effective_opcode
        self._fin = self._header.fin
        if self._frame_finished:
            self._header_here = False
            self._effective_opcode = NO_OPCODE
        else:
            self._effective_opcode = FF_OPCODE_CONTINUATION
        return True

    # ---- header ----

    def parse_header(self):
        """True if the header of the next frame is here; wsproto's name for it."""
        self._enter()
        try:
            return self._parse_header()
        finally:
            self._running = False

    cdef bint _parse_header(self) except -1:
        # wsproto marks bytes of a header as used one field at a time, forgets the marks when it needs more data, but leaves
        # them when it fails; so a second try after a failure reads on in mid-header. `_bytes_used` does the same.
        cdef ff_header header
        cdef ff_status status = FF_NEED_DATA
        cdef size_t start = self._bytes_used
        while status == FF_NEED_DATA:
            status = ff_header_parse(self._inbox.data + start, self._inbox.length - start, &header)
            if status == FF_NEED_DATA and not self._inbox.more():
                break
        if status > FF_NEED_DATA:
            self._bytes_used = start + (
                4 if status == FF_ERR_LENGTH_16_NOT_MINIMAL
                else 10 if status in (FF_ERR_LENGTH_64_NOT_MINIMAL, FF_ERR_LENGTH_TOP_BIT)
                else 2
            )
            self._raise_status(status, &header)
        if header.size:
            # The masking key may be missing still: wsproto asks the extensions before, and then again.
            self._bytes_used = start + header.size - (FF_MASKING_KEY_SIZE if header.masked else 0)
            self._check_header(&header)
        self._bytes_used = 0
        if status == FF_NEED_DATA:
            return False
        self._inbox.consume(start + header.size)
        self._header = header
        self._header_here = True
        self._effective_opcode = header.opcode
        self._payload_required = header.payload_length if ff_opcode_is_control(header.opcode) else 0
        self._payload_consumed = 0
        return True

    cdef int _check_header(self, const ff_header *header) except -1:
        cdef uint8_t rsv_allowed = 0
        if self._is_deflate():
            self._check_deflate_header(header)
            rsv_allowed = FF_RSV1
        elif not self._is_plain():
            opcode = self._wsproto.opcodes[header.opcode]
            rsv = self._rsv_bits(header.rsv)
            rsv_used = [False, False, False]
            for extension in self.extensions:
                result = extension.frame_inbound_header(self, opcode, rsv, header.payload_length)
                if isinstance(result, self._wsproto.CloseReason):
                    raise self._wsproto.ParseFailed("error in extension", result)
                for bit, used in enumerate(result):
                    if used:
                        rsv_used[bit] = True
            for bit, used in zip((FF_RSV1, FF_RSV2, FF_RSV3), rsv_used):
                if used:
                    rsv_allowed |= bit
        return self._raise_status(
            ff_header_check(header, FF_CLIENT if self.client else FF_SERVER, rsv_allowed), header
        )

    cdef int _raise_status(self, ff_status status, const ff_header *header) except -1:
        if status > FF_NEED_DATA:
            raise self._wsproto.ParseFailed(_WORDS[status].format(header.opcode))
        return 0

    def _rsv_bits(self, rsv):
        return self._wsproto.RsvBits(bool(rsv & FF_RSV1), bool(rsv & FF_RSV2), bool(rsv & FF_RSV3))

    # ---- payload ----

    cdef bint _take_chunk(self) except -1:
        """Takes what is here of the payload, but a control frame only as a whole. False if that is nothing."""
        cdef uint64_t remaining = self._header.payload_length - self._payload_consumed
        if self._inbox.length < remaining:
            self._inbox.more()
        if self._inbox.length < self._payload_required:
            return False
        self._chunk.length = <size_t>min(remaining, <uint64_t>self._inbox.length)
        if self._chunk.length == 0 and self._header.payload_length > 0:
            return False
        self._chunk.data = self._inbox.data
        self._chunk.masked = self._header.masked
        ff_masking_key_rotate(self._chunk.key, self._header.masking_key, self._payload_consumed)
        self._inbox.consume(self._chunk.length)
        self._payload_consumed += self._chunk.length
        self._frame_finished = self._payload_consumed == self._header.payload_length
        return True

    cdef object _take_payload(self):
        payload = self._extended_payload
        self._extended_payload = None
        return self._chunk_payload() if payload is None else payload

    cdef object _chunk_payload(self):
        payload = chunk_bytes(self._kernels, &self._chunk)
        if self._wsproto.payloads_are_bytes or (self._chunk.masked and self._chunk.length):
            return payload
        return bytearray(payload)

    # ---- extensions ----

    cdef object _extend(self):
        payload = self._chunk_payload()
        for extension in self.extensions:
            extended = extension.frame_inbound_payload_data(self, payload)
            if isinstance(extended, self._wsproto.CloseReason):
                raise self._wsproto.ParseFailed("error in extension", extended)
            if type(extended) is bytes or not self._wsproto.payloads_are_bytes:
                payload = extended
            else:
                payload = bytes(bytearray(extended))
        return self._complete_extensions(payload) if self._frame_finished else payload

    cdef object _complete_extensions(self, object payload):
        final = bytearray()
        for extension in self.extensions:
            result = extension.frame_inbound_complete(self, self._header.fin)
            if isinstance(result, self._wsproto.CloseReason):
                raise self._wsproto.ParseFailed("error in extension", result)
            if result is not None:
                final += result
        payload += final
        return payload

    # ---- wsproto's PerMessageDeflate, as its methods do it, with its own attributes ----

    cdef bint _is_deflate(self) noexcept:
        return (
            self._deflate is not None
            and PyList_CheckExact(self.extensions)
            and PyList_GET_SIZE(self.extensions) == 1
            and <object>PyList_GET_ITEM(self.extensions, 0) is self._deflate
        )

    cdef int _check_deflate_header(self, const ff_header *header) except -1:
        deflate = self._deflate
        cdef bint is_control = ff_opcode_is_control(header.opcode), rsv1 = header.rsv & FF_RSV1
        if rsv1 and (is_control or header.opcode == FF_OPCODE_CONTINUATION):
            raise self._wsproto.ParseFailed("error in extension", self._wsproto.CloseReason.PROTOCOL_ERROR)
        deflate._inbound_is_compressible = not is_control
        if deflate._inbound_compressed is None and not (is_control and self._wsproto.fix_interleaved_control):
            deflate._inbound_compressed = rsv1
            if rsv1 and deflate._decompressor is None:
                bits = deflate.server_max_window_bits if self.client else deflate.client_max_window_bits
                deflate._decompressor = self._wsproto.zlib.decompressobj(-int(bits))
        return 0

    cdef object _inflate(self):
        deflate = self._deflate
        cdef bint is_control = ff_opcode_is_control(self._effective_opcode)
        cdef bint last = self._frame_finished and self._header.fin
        if is_control or not deflate._inbound_compressed:
            if last and not (is_control and self._wsproto.fix_interleaved_control):
                deflate._inbound_compressed = None  # a defect of wsproto: a message may be open around a control frame
            return self._chunk_payload()
        data = (
            chunk_bytes_and_deflate_tail(self._kernels, &self._chunk) if last
            else chunk_bytes(self._kernels, &self._chunk)
        )
        try:
            if self._room == NO_LIMIT:
                payload = deflate._decompressor.decompress(data)
            else:
                payload = deflate._decompressor.decompress(data, self._room + 1)
            if last and deflate._decompressor.eof:
                payload += deflate._decompressor.flush()  # which makes the next message fail
        except self._wsproto.zlib.error:
            raise self._wsproto.ParseFailed("error in extension", self._wsproto.CloseReason.INVALID_FRAME_PAYLOAD_DATA)
        if last:
            if deflate.server_no_context_takeover if self.client else deflate.client_no_context_takeover:
                deflate._decompressor = None
            deflate._inbound_compressed = None
        return payload

    # ---- wsproto's attributes, as they are now ----

    @property
    def buffer(self):
        """A copy of what has been received and not parsed; feed the decoder, not this."""
        from wsproto.frame_protocol import Buffer

        buffer = Buffer(self._inbox.pending())
        buffer.bytes_used = self._bytes_used
        return buffer

    @property
    def header(self):
        """wsproto's Header of the frame that is being received, or None."""
        if not self._header_here:
            return None
        return self._wsproto.Header(
            self._header.fin,
            self._rsv_bits(self._header.rsv),
            self._wsproto.opcodes[self._header.opcode],
            self._header.payload_length,
            None,
        )

    @property
    def effective_opcode(self):
        return None if self._effective_opcode == NO_OPCODE else self._wsproto.opcodes[self._effective_opcode]

    @property
    def masker(self):
        """A masker in the state that wsproto's would be in, or None between frames."""
        from wsproto.frame_protocol import XorMaskerNull, XorMaskerSimple

        cdef uint8_t key[FF_MASKING_KEY_SIZE]
        if not self._header_here:
            return None
        if not self._header.masked:
            return XorMaskerNull()
        ff_masking_key_rotate(key, self._header.masking_key, self._payload_consumed)
        return XorMaskerSimple(bytearray(key[:FF_MASKING_KEY_SIZE]))

    @property
    def payload_required(self):
        return self._payload_required

    @property
    def payload_consumed(self):
        return self._payload_consumed


# ---- messages: fragments in order, text decoded --------------------------------------------------------------------

cdef class FrameProtocol:
    """wsproto's FrameProtocol; frame_protocol.py makes it complete."""

    _decoder_class = FrameDecoder

    def __cinit__(self, *args, **kwargs):
        self._wsproto = INSTALLED
        self._max_message_size = self._wsproto.max_message_size
        self._max_fragments = self._wsproto.max_fragments
        self._kernels = kernels()
        self._keys = KeyPool()
        self._message_opcode = NO_OPCODE
        self._ascii = True
        # All that memory safety needs, whether or not a subclass calls __init__.
        self.extensions = []
        self._make_decoder(False, [])

    def __init__(self, client, extensions):
        self.client = client
        self.extensions = [extension for extension in extensions if extension.enabled()]
        self._make_decoder(self.client, self.extensions)
        self._outbound_opcode = None

    cdef int _make_decoder(self, object client, object extensions) except -1:
        decoder = self._decoder_class(client, extensions)
        if decoder is None:
            raise TypeError("_decoder_class must make a FrameDecoder")
        self._frame_decoder = decoder
        self._frame_decoder._room = self._max_message_size
        return 0

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

    cdef object _message_at_a_glance(self):
        """The payload of the next message, in `_opcode` its kind, if it is here in one frame. Else None: then see `_next`."""
        if self._running or self._exhausted or not self._started or self._message_opcode != NO_OPCODE:
            return None
        return self._frame_decoder._message_at_a_glance(&self._opcode, &self._ascii, self._max_message_size)

    cdef bint _is_idle(self) noexcept:
        """True if nothing is here at all, not even a part of a frame; then lets go of the last bytes that were."""
        cdef FrameDecoder decoder = self._frame_decoder
        if self._running or self._exhausted or not self._started or decoder._header_here or decoder._bytes_used:
            return False
        if decoder._inbox.length or decoder._inbox.has_more():
            return False
        decoder._inbox.release()
        return True

    cdef bint _next(self) except -1:
        if self._running:
            raise ValueError("generator already executing")
        if self._exhausted:
            return False
        self._running = True
        try:
            return self._parse()
        except:
            self._exhausted = True
            raise
        finally:
            self._running = False

    cdef bint _parse(self) except -1:
        cdef FrameDecoder decoder = self._frame_decoder
        if not self._started:
            self._started = True
            self.extensions = [extension for extension in self.extensions if extension.enabled()]
        if not decoder._advance():
            decoder._inbox.release()
            return False
        self._opcode = decoder._opcode
        self._frame_finished = decoder._frame_finished
        self._message_finished = decoder._fin
        if not ff_opcode_is_control(self._opcode):
            self._process_data()
        else:
            self._payload = decoder._take_payload()
            if self._opcode == FF_OPCODE_CLOSE:
                self._payload = self._process_close(self._frame()).payload
                self._exhausted = True
        return True

    cdef int _process_data(self) except -1:
        if self._message_opcode == NO_OPCODE:
            if self._opcode == FF_OPCODE_CONTINUATION:
                raise self._wsproto.ParseFailed("unexpected CONTINUATION")
            self._message_opcode = self._opcode
            self._message_size = self._fragments = 0
            self._cut.length = 0
        elif self._opcode != FF_OPCODE_CONTINUATION:
            opcode = self._wsproto.opcodes[self._opcode]
            raise self._wsproto.ParseFailed(f"expected CONTINUATION, got {opcode!r}")

        if self._max_message_size != NO_LIMIT or self._max_fragments != NO_LIMIT:
            self._check_limits()
        self._opcode = self._message_opcode
        self._message_finished = self._message_finished and self._frame_finished
        if self._opcode == FF_OPCODE_TEXT:
            self._payload = self._decode_text()
        else:
            self._payload = self._frame_decoder._take_payload()
        if self._message_finished:
            self._message_opcode = NO_OPCODE
        return 0

    cdef int _check_limits(self) except -1:
        """The options of `install`. A frame counts as soon as its header says how long it is, or as it is inflated."""
        cdef FrameDecoder decoder = self._frame_decoder
        cdef bint frame_begins = decoder._payload_consumed == decoder._chunk.length
        self._fragments += frame_begins
        if decoder._extended_payload is not None:
            self._message_size += len(decoder._extended_payload)
        elif frame_begins:
            self._message_size += decoder._header.payload_length
        reason = None
        if self._message_size > self._max_message_size:
            reason = f"message larger than max_message_size ({self._max_message_size} bytes)"
        elif self._fragments > self._max_fragments:
            reason = f"message with more fragments than max_fragments ({self._max_fragments})"
        if reason is not None:
            raise self._wsproto.ParseFailed(reason, self._wsproto.CloseReason.MESSAGE_TOO_BIG)
        if self._max_message_size != NO_LIMIT:
            decoder._room = self._max_message_size if self._message_finished and self._frame_finished else (
                self._max_message_size - self._message_size
            )
        return 0

    cdef object _decode_text(self):
        cdef FrameDecoder decoder = self._frame_decoder
        cdef Chunk chunk
        if decoder._extended_payload is None:
            chunk = decoder._chunk
        else:
            payload = decoder._take_payload()
            assert isinstance(payload, (bytes, bytearray))
            payload = bytes(payload)
            chunk = unmasked_chunk(payload)
        try:
            return chunk_text(self._kernels, &chunk, &self._cut, self._message_finished, &self._ascii)
        except UnicodeDecodeError as error:
            raise self._wsproto.ParseFailed(str(error), self._wsproto.CloseReason.INVALID_FRAME_PAYLOAD_DATA)

    cdef object _take_payload(self):
        payload = self._payload
        self._payload = None
        return payload

    cdef object _frame(self):
        return self._wsproto.frame(self._opcode, self._take_payload(), self._frame_finished, self._message_finished)

    @property
    def _message_decoder(self):
        """wsproto's MessageDecoder in the state that it would be in; a copy."""
        from wsproto.frame_protocol import MessageDecoder

        decoder = MessageDecoder()
        if self._message_opcode != NO_OPCODE:
            decoder.opcode = self._wsproto.opcodes[self._message_opcode]
            if self._message_opcode == FF_OPCODE_TEXT:
                decoder.decoder = getincrementaldecoder("utf-8")()
                decoder.decoder.setstate((<bytes>self._cut.bytes[:self._cut.length], 0))
        return decoder

    # ---- outbound ----

    def send_data(self, payload=b"", fin=True):
        frame = self._data_frame(payload, fin, False)
        return self._wsproto.FrameProtocol.send_data(self, payload, fin) if frame is None else frame

    def ping(self, payload=b""):
        frame = self._control_frame(FF_OPCODE_PING, payload, False)
        return self._wsproto.FrameProtocol.ping(self, payload) if frame is None else frame

    def pong(self, payload=b""):
        frame = self._control_frame(FF_OPCODE_PONG, payload, False)
        return self._wsproto.FrameProtocol.pong(self, payload) if frame is None else frame

    def _serialize_frame(self, opcode, payload=b"", fin=True):
        frame = None
        if type(payload) is bytearray and fin is True and opcode is self._wsproto.opcodes[FF_OPCODE_CLOSE]:
            frame = self._control_frame(FF_OPCODE_CLOSE, bytes(payload), False)
        return self._wsproto.FrameProtocol._serialize_frame(self, opcode, payload, fin) if frame is None else frame

    cdef object _data_frame(self, object payload, object fin, bint as_bytes):
        cdef uint8_t opcode, rsv = 0
        cdef bint is_plain = self._is_plain()
        cdef Payload content
        if (not is_plain and not self._is_deflate()) or (fin is not True and fin is not False):
            return None
        if PyUnicode_CheckExact(payload):
            opcode = FF_OPCODE_TEXT
            payload = text_payload(self._kernels, payload, &content)
        elif PyBytes_CheckExact(payload) or PyByteArray_CheckExact(payload):
            opcode = FF_OPCODE_BINARY
            if not PyBytes_CheckExact(payload):
                payload = bytes(payload)  # another thread may resize it
            content = bytes_payload(PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload))
        else:
            return None

        member = <object>PyTuple_GET_ITEM(self._wsproto.opcodes, opcode)
        if self._outbound_opcode is None:
            if not fin:
                self._outbound_opcode = member
        elif self._outbound_opcode is not member:
            return None
        else:
            opcode = FF_OPCODE_CONTINUATION
            if fin:
                self._outbound_opcode = None
        if not is_plain and self._is_to_be_deflated(opcode, content.size, fin):
            rsv = 0 if opcode == FF_OPCODE_CONTINUATION else FF_RSV1
            payload = self._deflated(payload_bytes(self._kernels, &content), fin)
            content = bytes_payload(PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload))
        return self._serialize(opcode, &content, fin, as_bytes, rsv)

    cdef object _control_frame(self, uint8_t opcode, object payload, bint as_bytes):
        cdef Payload content
        if not (self._is_plain() or self._is_deflate()) or not PyBytes_CheckExact(payload):
            return None
        if PyBytes_GET_SIZE(payload) > FF_MAX_CONTROL_PAYLOAD:
            return None
        content = bytes_payload(PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload))
        return self._serialize(opcode, &content, True, as_bytes, 0)

    cdef bint _is_plain(self) noexcept:
        """True if no extension has a say in what is sent."""
        return PyList_CheckExact(self.extensions) and PyList_GET_SIZE(self.extensions) == 0

    cdef bint _is_deflate(self) noexcept:
        """True if only wsproto's own PerMessageDeflate has."""
        deflate = self._frame_decoder._deflate
        return (
            deflate is not None
            and PyList_CheckExact(self.extensions)
            and PyList_GET_SIZE(self.extensions) == 1
            and <object>PyList_GET_ITEM(self.extensions, 0) is deflate
        )

    cdef bint _is_to_be_deflated(self, uint8_t opcode, size_t size, bint fin) except -1:
        settings = self._wsproto.deflate
        if opcode == FF_OPCODE_CONTINUATION:
            return self._sends_deflated
        self._sends_deflated = settings is None or not fin or size >= <size_t>settings.threshold
        return self._sends_deflated

    cdef bytes _deflated(self, bytes data, bint fin):
        cdef bytes compressed, flushed
        deflate, zlib, settings = self._frame_decoder._deflate, self._wsproto.zlib, self._wsproto.deflate
        compressor = deflate._compressor
        if compressor is None:
            bits = int(deflate.client_max_window_bits if self.client else deflate.server_max_window_bits)
            if settings is None:
                compressor = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -bits)
            else:
                level = zlib.Z_DEFAULT_COMPRESSION if settings.level is None else settings.level
                most = settings.client_max_window_bits if self.client else settings.server_max_window_bits
                compressor = zlib.compressobj(level, zlib.DEFLATED, -min(bits, most), settings.memory_level)
            deflate._compressor = compressor
        compressed = compressor.compress(data)
        if not fin:
            return compressed
        flushed = compressor.flush(zlib.Z_SYNC_FLUSH)
        if deflate.client_no_context_takeover if self.client else deflate.server_no_context_takeover:
            deflate._compressor = None
        return (compressed + flushed if compressed else flushed)[:-4]

    cdef object _serialize(
        self, uint8_t opcode, const Payload *payload, bint fin, bint as_bytes, uint8_t rsv
    ):
        cdef ff_header header
        header.opcode = opcode
        header.rsv = rsv
        header.fin = fin
        header.masked = bool(self.client)
        if header.masked:
            self._keys.take(header.masking_key)
        if as_bytes:
            return frame_bytes(self._kernels, &header, payload)
        return frame_bytearray(self._kernels, &header, payload)


# ---- wsproto's generators ------------------------------------------------------------------------------------------

cdef class GeneratorShape:
    """What a generator has besides __next__."""

    def __iter__(self):
        return self

    def send(self, value):
        """The next item; like wsproto's generators it has no use for the value."""
        return next(self)

    def throw(self, error):
        """Ends it, and raises the exception, which it does not handle."""
        self.close()
        raise error


cdef class ReceivedFrames(GeneratorShape):
    """The generator that FrameProtocol.received_frames returns."""

    cdef FrameProtocol _protocol  # None once it has ended
    cdef object __weakref__

    def __cinit__(self, FrameProtocol protocol not None):
        self._protocol = protocol

    def __next__(self):
        cdef FrameProtocol protocol = self._protocol
        if protocol is not None:
            payload = protocol._message_at_a_glance()
            if payload is not None:
                return protocol._wsproto.frame(protocol._opcode, payload, True, True)
            self._protocol = None
            if protocol._next():
                self._protocol = protocol
                return protocol._frame()
        raise StopIteration

    def close(self):
        """Ends it."""
        self._protocol = None


cdef class ParseMore(GeneratorShape):
    """The generator behind FrameProtocol._parse_more. All of them share the protocol's state."""

    cdef FrameProtocol _protocol

    def __cinit__(self, FrameProtocol protocol not None):
        self._protocol = protocol

    def __next__(self):
        if self._protocol._next():
            return self._protocol._frame()
        if self._protocol._exhausted:
            raise StopIteration
        return None

    def close(self):
        """Ends it, for all."""
        self._protocol._exhausted = True
