# cython: language_level=3
"""FrameDecoder in wsproto's shape, on the kernels: from bytes to frames, as far as they are here.

Strategy: FrameProtocol (_wsproto.pyx) takes whole messages at a glance, and everything else through `_advance`, which leaves a
piece of payload as it stands on the wire. wsproto's own PerMessageDeflate is done here as its methods do it, any other
extension by its methods.
"""

from cpython.list cimport PyList_CheckExact, PyList_GET_SIZE
from cpython.tuple cimport PyTuple_GET_ITEM
from libc.stdint cimport UINT64_MAX, uint8_t, uint64_t

from fastframe._capi cimport (
    FF_CLIENT, FF_ERR_CONTROL_FRAGMENTED, FF_ERR_CONTROL_LENGTH, FF_ERR_LENGTH_16_NOT_MINIMAL,
    FF_ERR_LENGTH_64_NOT_MINIMAL, FF_ERR_LENGTH_TOP_BIT, FF_ERR_MASKED, FF_ERR_OPCODE, FF_ERR_RSV, FF_ERR_UNMASKED,
    FF_MASKING_KEY_SIZE, FF_NEED_DATA, FF_OPCODE_CONTINUATION, FF_OPCODE_TEXT, FF_RSV1, FF_RSV2, FF_RSV3, FF_SERVER,
    ff_header, ff_header_check, ff_header_of_whole_message, ff_header_parse, ff_masking_key_rotate, ff_opcode_is_control,
    ff_status,
)
from fastframe._core cimport kernels
from fastframe._inbox cimport Inbox
from fastframe._payload cimport Chunk, chunk_bytes, chunk_bytes_and_deflate_tail, whole_chunk, whole_text

from fastframe.wsproto._version import supported_version
from fastframe.deflate import backend_module


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
        self.max_message_size = UINT64_MAX if max_message_size is None else max_message_size
        self.max_fragments = UINT64_MAX if max_fragments is None else max_fragments
        self.deflate = deflate
        self.fix_interleaved_control = fix_interleaved_control
        self.zlib = backend_module(deflate.backend if deflate else "zlib")
        return 0

    cdef object own_deflate(self, object extensions):
        """The extension of a connection that has no other than wsproto's own PerMessageDeflate; else None."""
        if not PyList_CheckExact(extensions) or PyList_GET_SIZE(extensions) != 1:
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
        self._room = UINT64_MAX
        self.extensions = []

    def __init__(self, client, extensions=None):
        self.client = client
        self.extensions = extensions or []
        self._deflate = self._wsproto.own_deflate(self.extensions)

    def receive_bytes(self, data):
        try:
            self._inbox.feed(data)
            return
        except TypeError:
            pass
        buffer = bytearray()
        buffer += data  # raises wsproto's own error, without another one as its context
        self._inbox.feed(buffer)

    def process_buffer(self):
        if not self._advance():
            return None
        return self._wsproto.frame(self._opcode, self._take_payload(), self._frame_finished, self._fin)

    cdef object _message_at_a_glance(self, uint8_t *opcode, bint *ascii, uint64_t max_size):
        """The payload of a message that is here in one frame with nothing unusual. Else None, and nothing has changed."""
        cdef ff_header header
        cdef Chunk chunk
        if self._header_here or self._running or self._bytes_used or not is_empty(self.extensions):
            return None
        if not ff_header_of_whole_message(
            self._inbox.data, self._inbox.length, FF_CLIENT if self.client else FF_SERVER, &header
        ) or header.payload_length > max_size:
            return None
        chunk = whole_chunk(self._inbox.data, &header)
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
        if is_empty(self.extensions):
            self._was_extended = False
        else:
            self._was_extended = True
            self._extended_payload = self._inflate() if is_only(self.extensions, self._deflate) else self._extend()
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
        if is_only(self.extensions, self._deflate):
            self._check_deflate_header(header)
            rsv_allowed = FF_RSV1
        elif not is_empty(self.extensions):
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
        return payload if self._was_extended else self._chunk_payload()

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

    cdef int _check_deflate_header(self, const ff_header *header) except -1:
        deflate = self._deflate
        cdef bint is_control = ff_opcode_is_control(header.opcode), rsv1 = header.rsv & FF_RSV1
        if rsv1 and (is_control or header.opcode == FF_OPCODE_CONTINUATION):
            raise self._wsproto.ParseFailed("error in extension", self._wsproto.CloseReason.PROTOCOL_ERROR)
        deflate._inbound_is_compressible = not is_control
        if deflate._inbound_compressed is None and not (is_control and self._wsproto.fix_interleaved_control):
            deflate._inbound_compressed = True if rsv1 else False
            if rsv1 and deflate._decompressor is None:
                bits = deflate.server_max_window_bits if self.client else deflate.client_max_window_bits
                deflate._decompressor = self._wsproto.zlib.decompressobj(-int(bits))
        return 0

    cdef object _inflate(self):
        deflate = self._deflate
        cdef bint is_control = ff_opcode_is_control(self._effective_opcode)
        cdef bint last = self._frame_finished and self._header.fin
        # Nothing of the extension may run before the chunk is copied: it could feed this decoder, and move what is here.
        cdef bint is_compressed = deflate._inbound_compressed is True
        if is_control or not is_compressed:
            if last and not (is_control and self._wsproto.fix_interleaved_control):
                deflate._inbound_compressed = None  # a defect of wsproto: a message may be open around a control frame
            return self._chunk_payload()
        data = (
            chunk_bytes_and_deflate_tail(self._kernels, &self._chunk) if last
            else chunk_bytes(self._kernels, &self._chunk)
        )
        try:
            if self._room == UINT64_MAX:
                payload = deflate._decompressor.decompress(data)
            else:
                payload = deflate._decompressor.decompress(data, self._room + 1)
            if last and deflate._decompressor.eof:
                payload += deflate._decompressor.flush()  # which makes the next message fail
        except self._wsproto.zlib.error:
            raise self._wsproto.ParseFailed("error in extension", self._wsproto.CloseReason.INVALID_FRAME_PAYLOAD_DATA)
        if type(payload) is not bytes:
            raise TypeError(f"decompress() must return bytes, not {type(payload).__name__}")
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
