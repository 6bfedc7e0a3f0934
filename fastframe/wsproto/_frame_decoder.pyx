# cython: language_level=3
"""FrameDecoder in wsproto's shape, on the kernels: from bytes to frames, as far as they are
buffered.

Strategy: FrameProtocol (_frame_protocol.pyx) takes whole messages by `_try_whole_message`, and
everything else through `_next_chunk`, which leaves a chunk of payload as it is on the wire. What
wsproto's own PerMessageDeflate does is done here, with its attributes; any other extension is
called.
"""

from libc.stdint cimport UINT64_MAX, uint8_t, uint64_t

from fastframe._codec.capi cimport (
    FF_CLIENT, FF_ERR_CONTROL_FRAGMENTED, FF_ERR_CONTROL_LENGTH, FF_ERR_LENGTH_16_NOT_MINIMAL,
    FF_ERR_LENGTH_64_NOT_MINIMAL, FF_ERR_LENGTH_TOP_BIT, FF_ERR_MASKED, FF_ERR_OPCODE, FF_ERR_RSV,
    FF_ERR_UNMASKED,
    FF_MASKING_KEY_SIZE, FF_NEED_DATA, FF_OPCODE_CONTINUATION, FF_OPCODE_TEXT, FF_RSV1, FF_RSV2,
    FF_RSV3, FF_SERVER,
    ff_header, ff_header_check, ff_header_of_whole_message, ff_header_parse, ff_masking_key_rotate,
    ff_opcode_is_control,
    ff_status,
)
from fastframe._codec.chunk cimport (
    Chunk, chunk_bytes, chunk_bytes_and_deflate_tail, new_chunk_bytes, whole_chunk,
)
from fastframe._codec.kernels cimport kernels
from fastframe._codec.receive_buffer cimport ReceiveBuffer
from fastframe._codec.tally cimport Tally, Traffic, count_frame, count_whole_message, ff_count
from fastframe._cpython.owned cimport PyObject
from fastframe._codec.text cimport new_whole_text
from fastframe._cpython.turns cimport begin_in_thread, end_in_thread

from fastframe.wsproto._names import NAMES


# In wsproto's own words: they go on the wire as the reason of the Close frame.
_WSPROTO_MESSAGES = {
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


cdef enum:
    LARGEST_WINDOW_BITS = 15

_DEFLATE_TAIL = b"\x00\x00\xff\xff"  # RFC 7692, 7.2.2


# How many bytes of a header wsproto has marked as used when it refuses it, where that is not the
# first two.
_BYTES_USED = {FF_ERR_LENGTH_16_NOT_MINIMAL: 4, FF_ERR_LENGTH_64_NOT_MINIMAL: 10,
    FF_ERR_LENGTH_TOP_BIT: 10}


# ---- inbound: frames, as far as they are buffered ------------------------------------------------

cdef class FrameDecoder:
    """wsproto's FrameDecoder. Made for wsproto's extensions to see; FrameProtocol goes through
    `_next_chunk`."""

    def __cinit__(self, *args, **kwargs):
        self._names = NAMES
        self._options = self._names.options()
        self._receive_buffer = ReceiveBuffer.__new__(ReceiveBuffer)
        self._kernels = kernels()
        self._tally = Tally.__new__(Tally)
        self._header_is_complete = False
        self._effective_opcode = NO_OPCODE
        self._inflate_budget = UINT64_MAX
        self._extensions = []
        self._role = FF_SERVER

    def __init__(self, client, extensions=None):
        begin_in_thread(&self._turn)
        try:
            self._role = FF_CLIENT if client else FF_SERVER
            self._client = client
            self._extensions = extensions or []
            self._deflate = self._names.own_deflate(self._extensions)
        finally:
            end_in_thread(&self._turn)

    @property
    def client(self):
        return self._look_at(CLIENT)

    @client.setter
    def client(self, client):
        begin_in_thread(&self._turn)
        try:
            self._role = FF_CLIENT if client else FF_SERVER
            self._client = client
        finally:
            end_in_thread(&self._turn)

    @property
    def extensions(self):
        return self._look_at(EXTENSIONS)

    @extensions.setter
    def extensions(self, extensions):
        begin_in_thread(&self._turn)
        self._extensions = extensions
        end_in_thread(&self._turn)

    def receive_bytes(self, data):
        begin_in_thread(&self._turn)
        try:
            self._feed(data)
        finally:
            end_in_thread(&self._turn)

    cdef int _feed(self, data) except -1:
        try:
            return self._receive_buffer.feed(data)
        except TypeError:
            pass
        buffer = bytearray()
        buffer += data  # raises wsproto's own error, without another one as its context
        return self._receive_buffer.feed(buffer)

    def process_buffer(self):
        begin_in_thread(&self._turn)
        try:
            if not self._next_chunk():
                return None
            return self._names.frame(
                self._opcode, self._take_payload(), self._frame_finished, self._fin
            )
        finally:
            end_in_thread(&self._turn)

    cdef bint _try_whole_message(
        self, uint8_t *opcode, bint *expect_ascii, uint64_t max_size, PyObject **payload
    ) except -1:
        """Makes the payload of the next message, a new reference, if it is one whole, plain frame;
        else False, and nothing has changed."""
        cdef ff_header header
        cdef Chunk chunk
        cdef ReceiveBuffer buffer
        if (
            self._header_is_complete or self._running or self._bytes_used
            or not is_empty(self._extensions)
        ):
            return False
        buffer = self._receive_buffer
        if not ff_header_of_whole_message(
            buffer.data, buffer.length, self._role, &header
        ) or header.payload_length > max_size:
            return False
        chunk = whole_chunk(buffer.data, &header)
        if header.opcode == FF_OPCODE_TEXT:
            if not new_whole_text(self._kernels, &chunk, expect_ascii, payload):
                return False
        elif self._names.payloads_are_bytes:
            payload[0] = new_chunk_bytes(self._kernels, &chunk)
        else:
            return False
        opcode[0] = header.opcode
        buffer.consume(header.size + chunk.length)
        count_whole_message(&self._tally.counts.received, &header, chunk.length)
        self._payload_required = 0
        self._payload_consumed = header.payload_length
        return True

    cdef bint _next_chunk(self) except -1:
        self._enter()
        try:
            return self._parse_chunk()
        finally:
            self._running = False

    cdef int _enter(self) except -1:
        # An extension is handed this object; wsproto lets it parse here, and then loses track of
        # the frame.
        if self._running:
            raise RuntimeError("the FrameDecoder is parsing: an extension must not call it")
        self._running = True
        return 0

    cdef bint _parse_chunk(self) except -1:
        if not self._header_is_complete and not self._parse_header():
            return False
        if not self._take_chunk():
            return False
        if is_empty(self._extensions):
            self._was_extended = False
        else:
            self._was_extended = True
            self._extended_payload = self._inflate() if is_only(
                self._extensions, self._deflate
            ) else self._extend()
        self._opcode = self._effective_opcode
        self._fin = self._header.fin
        self._count_chunk()
        if self._frame_finished:
            self._header_is_complete = False
            self._effective_opcode = NO_OPCODE
        else:
            self._effective_opcode = FF_OPCODE_CONTINUATION
        return True

    cdef int _count_chunk(self) except -1:
        cdef Traffic *received = &self._tally.counts.received
        if self._is_compressed and self._was_extended and not ff_opcode_is_control(self._opcode):
            ff_count(&received.compressed_bytes, self._chunk.length)
            ff_count(&received.inflated_bytes, len(self._extended_payload))
        if self._frame_finished:
            count_frame(
                received, self._header.opcode, self._header.size, self._header.payload_length
            )
        return 0

    # ---- header ----------------------------------------------------------------------------------

    def parse_header(self):
        """True if the header of the next frame is complete; wsproto's name for it."""
        begin_in_thread(&self._turn)
        try:
            self._enter()
            try:
                return self._parse_header()
            finally:
                self._running = False
        finally:
            end_in_thread(&self._turn)

    cdef bint _parse_header(self) except -1:
        # wsproto marks bytes of a header as used one field at a time, forgets the marks when it
        # needs more data, but leaves them when it fails; so a second try after a failure reads on
        # inside the header. `_bytes_used` does the same.
        cdef ff_header header
        cdef ff_status status = FF_NEED_DATA
        cdef size_t start = self._bytes_used
        self._frame_offset = self._tally.counts.received.wire_bytes
        while status == FF_NEED_DATA:
            status = ff_header_parse(
                self._receive_buffer.data + start, self._receive_buffer.length - start, &header
            )
            if status == FF_NEED_DATA and not self._receive_buffer.materialize():
                break
        if status > FF_NEED_DATA:
            self._bytes_used = start + <size_t>_BYTES_USED.get(status, 2)
            self._raise_status(status, &header)
        if header.size:
            # The masking key may be missing still: wsproto asks the extensions before, and then
            # again.
            self._bytes_used = start + header.size - (FF_MASKING_KEY_SIZE if header.masked else 0)
            self._check_header(&header)
        self._bytes_used = 0
        if status == FF_NEED_DATA:
            return False
        self._receive_buffer.consume(start + header.size)
        self._header = header
        self._header_is_complete = True
        self._effective_opcode = header.opcode
        self._payload_required = header.payload_length if ff_opcode_is_control(header.opcode) else 0
        self._payload_consumed = 0
        return True

    cdef int _check_header(self, const ff_header *header) except -1:
        cdef uint8_t rsv_allowed = 0
        if is_only(self._extensions, self._deflate):
            self._check_deflate_header(header)
            rsv_allowed = FF_RSV1
        elif not is_empty(self._extensions):
            rsv_allowed = self._rsv_of_extensions(header)
        return self._raise_status(
            ff_header_check(header, self._role, rsv_allowed), header
        )

    cdef int _rsv_of_extensions(self, const ff_header *header) except -1:
        """The reserved bits that the extensions use in this frame."""
        cdef uint8_t rsv_allowed = 0
        opcode = self._names.opcodes[header.opcode]
        rsv = self._rsv_bits(header.rsv)
        rsv_used = [False, False, False]
        for extension in self._extensions:
            result = extension.frame_inbound_header(self, opcode, rsv, header.payload_length)
            if isinstance(result, self._names.CloseReason):
                raise self._names.ParseFailed("error in extension", result)
            for bit, used in enumerate(result):
                if used:
                    rsv_used[bit] = True
        for bit, used in zip((FF_RSV1, FF_RSV2, FF_RSV3), rsv_used):
            if used:
                rsv_allowed |= bit
        return rsv_allowed

    cdef int _raise_status(self, ff_status status, const ff_header *header) except -1:
        if status > FF_NEED_DATA:
            raise self._names.ParseFailed(_WSPROTO_MESSAGES[status].format(header.opcode))
        return 0

    def _rsv_bits(self, rsv):
        return self._names.RsvBits(bool(rsv & FF_RSV1), bool(rsv & FF_RSV2), bool(rsv & FF_RSV3))

    # ---- payload ---------------------------------------------------------------------------------

    cdef bint _take_chunk(self) except -1:
        """Takes what is buffered of the payload, but a control frame only as a whole. False if that
        is nothing."""
        cdef uint64_t remaining = self._header.payload_length - self._payload_consumed
        if self._receive_buffer.length < remaining:
            self._receive_buffer.materialize()
        if self._receive_buffer.length < self._payload_required:
            return False
        self._chunk.length = <size_t>min(remaining, <uint64_t>self._receive_buffer.length)
        if self._chunk.length == 0 and self._header.payload_length > 0:
            return False
        self._chunk.data = self._receive_buffer.data
        self._chunk.masked = self._header.masked
        ff_masking_key_rotate(self._chunk.key, self._header.masking_key, self._payload_consumed)
        self._receive_buffer.consume(self._chunk.length)
        self._payload_consumed += self._chunk.length
        self._frame_finished = self._payload_consumed == self._header.payload_length
        return True

    cdef object _take_payload(self):
        payload = self._extended_payload
        self._extended_payload = None
        return payload if self._was_extended else self._chunk_payload()

    cdef object _chunk_payload(self):
        payload = chunk_bytes(self._kernels, &self._chunk)
        if self._names.payloads_are_bytes or (self._chunk.masked and self._chunk.length):
            return payload
        return bytearray(payload)

    # ---- extensions ------------------------------------------------------------------------------

    cdef object _extend(self):
        payload = self._chunk_payload()
        for extension in self._extensions:
            extended = extension.frame_inbound_payload_data(self, payload)
            if isinstance(extended, self._names.CloseReason):
                raise self._names.ParseFailed("error in extension", extended)
            if type(extended) is bytes or not self._names.payloads_are_bytes:
                payload = extended
            else:
                payload = bytes(bytearray(extended))
        return self._complete_extensions(payload) if self._frame_finished else payload

    cdef object _complete_extensions(self, object payload):
        final = bytearray()
        for extension in self._extensions:
            result = extension.frame_inbound_complete(self, self._header.fin)
            if isinstance(result, self._names.CloseReason):
                raise self._names.ParseFailed("error in extension", result)
            if result is not None:
                final += result
        payload += final
        return payload

    # ---- wsproto's PerMessageDeflate, as its methods do it, with its own attributes --------------

    cdef int _check_deflate_header(self, const ff_header *header) except -1:
        deflate = self._deflate
        cdef bint is_control = ff_opcode_is_control(header.opcode), rsv1 = header.rsv & FF_RSV1
        if rsv1 and (is_control or header.opcode == FF_OPCODE_CONTINUATION):
            raise self._names.ParseFailed(
                "error in extension", self._names.CloseReason.PROTOCOL_ERROR
            )
        deflate._inbound_is_compressible = not is_control
        if deflate._inbound_compressed is None and not (
            is_control and self._options.fix_interleaved_control
        ):
            deflate._inbound_compressed = True if rsv1 else False
            if rsv1 and deflate._decompressor is None:
                bits = int(
                    deflate.server_max_window_bits if self._role == FF_CLIENT
                    else deflate.client_max_window_bits
                )
                deflate._decompressor = self._options.zlib.decompressobj(-bits)
                self._window_is_largest = bits == LARGEST_WINDOW_BITS
        self._is_compressed = deflate._inbound_compressed is True
        return 0

    cdef object _inflate(self):
        deflate = self._deflate
        cdef bint is_control = ff_opcode_is_control(self._effective_opcode)
        cdef bint last = self._frame_finished and self._header.fin
        # Nothing of the extension may run before the chunk is copied: it could feed this decoder,
        # and move what is buffered.
        if is_control or not self._is_compressed:
            payload = self._chunk_payload()
            if last and not (is_control and self._options.fix_interleaved_control):
                # a defect of wsproto: a message may be open around a control frame
                deflate._inbound_compressed = None
            return payload
        payload = self._inflated(deflate, last)
        if last:
            if (
                deflate.server_no_context_takeover if self._role == FF_CLIENT
                else deflate.client_no_context_takeover
            ):
                deflate._decompressor = None
            deflate._inbound_compressed = None
        return payload

    cdef object _inflated(self, deflate, bint last):
        zlib = self._options.zlib
        # wsproto inflates the tail by a call of its own. In one call with the data it is the same,
        # unless the window is a smaller one: then a reference beyond the window is good or bad
        # depending on what is inflated in the same call.
        cdef bint at_once = last and self._window_is_largest
        data = (
            chunk_bytes_and_deflate_tail(self._kernels, &self._chunk) if at_once
            else chunk_bytes(self._kernels, &self._chunk)
        )
        try:
            payload = self._decompressed(deflate, data, 0)
            if last and not at_once:
                payload += self._decompressed(deflate, _DEFLATE_TAIL, len(payload))
            if last and deflate._decompressor.eof:
                payload += deflate._decompressor.flush()  # which makes the next message fail
        except zlib.error:
            raise self._names.ParseFailed(
                "error in extension", self._names.CloseReason.INVALID_FRAME_PAYLOAD_DATA
            )
        return payload

    cdef object _decompressed(self, deflate, bytes data, uint64_t size):
        """size: of what the same chunk was inflated to before."""
        if self._inflate_budget == UINT64_MAX:
            found = deflate._decompressor.decompress(data)
        elif size > self._inflate_budget:
            return b""  # it is too large already
        else:
            found = deflate._decompressor.decompress(data, self._inflate_budget + 1 - size)
        if type(found) is not bytes:
            raise TypeError(f"decompress() must return bytes, not {type(found).__name__}")
        return found

    # ---- wsproto's attributes, as they would be --------------------------------------------------

    @property
    def buffer(self):
        """A copy of what has been received and not parsed; feed the decoder, not this."""
        return self._look_at(BUFFER)

    @property
    def header(self):
        """wsproto's Header of the frame that is being received, or None."""
        return self._look_at(HEADER)

    @property
    def effective_opcode(self):
        return self._look_at(EFFECTIVE_OPCODE)

    @property
    def masker(self):
        """A masker in the state that wsproto's would be in, or None between frames."""
        return self._look_at(MASKER)

    @property
    def payload_required(self):
        return self._look_at(PAYLOAD_REQUIRED)

    @property
    def payload_consumed(self):
        return self._look_at(PAYLOAD_CONSUMED)

    cdef object _look_at(self, Attribute attribute):
        begin_in_thread(&self._turn)
        try:
            if attribute == CLIENT:
                return self._client
            if attribute == EXTENSIONS:
                return self._extensions
            if attribute == BUFFER:
                return self._buffer_copy()
            if attribute == HEADER:
                return self._header_now()
            if attribute == EFFECTIVE_OPCODE:
                return (
                    None if self._effective_opcode == NO_OPCODE
                    else self._names.opcodes[self._effective_opcode]
                )
            if attribute == MASKER:
                return self._masker_now()
            return (
                self._payload_required if attribute == PAYLOAD_REQUIRED
                else self._payload_consumed
            )
        finally:
            end_in_thread(&self._turn)

    cdef object _buffer_copy(self):
        from wsproto.frame_protocol import Buffer

        buffer = Buffer(self._receive_buffer.pending())
        buffer.bytes_used = self._bytes_used
        return buffer

    cdef object _header_now(self):
        if not self._header_is_complete:
            return None
        return self._names.Header(
            self._header.fin,
            self._rsv_bits(self._header.rsv),
            self._names.opcodes[self._header.opcode],
            self._header.payload_length,
            None,
        )

    cdef object _masker_now(self):
        from wsproto.frame_protocol import XorMaskerNull, XorMaskerSimple

        cdef uint8_t key[FF_MASKING_KEY_SIZE]
        if not self._header_is_complete:
            return None
        if not self._header.masked:
            return XorMaskerNull()
        ff_masking_key_rotate(key, self._header.masking_key, self._payload_consumed)
        return XorMaskerSimple(bytearray(key[:FF_MASKING_KEY_SIZE]))
