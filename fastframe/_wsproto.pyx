# cython: language_level=3
"""FrameProtocol in wsproto's shape, on the kernels: from frames to messages, and back.

Strategy: the hot paths are here and in _wsproto_decoder.pyx, and they make wsproto's own objects. What is rare or odd (Close
payloads, unusual types of arguments, outbound extensions, misuse) runs through wsproto's own methods, which the classes in
frame_protocol.py inherit; so it behaves like the installed wsproto because it is the installed wsproto.
"""

from cpython.bytearray cimport PyByteArray_CheckExact
from cpython.exc cimport PyErr_WarnEx
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from cpython.tuple cimport PyTuple_GET_ITEM
from cpython.unicode cimport PyUnicode_CheckExact
from libc.stdint cimport UINT64_MAX, uint8_t

from fastframe._capi cimport (
    FF_MAX_CONTROL_PAYLOAD, FF_OPCODE_BINARY, FF_OPCODE_CLOSE, FF_OPCODE_CONTINUATION, FF_OPCODE_PING, FF_OPCODE_PONG,
    FF_OPCODE_TEXT, FF_RSV1, ff_header, ff_opcode_is_control,
)
from fastframe._core cimport kernels
from fastframe._deflate cimport compressed
from fastframe._encoder cimport Payload, bytes_payload, frame_bytearray, frame_bytes, payload_bytes, text_payload
from fastframe._payload cimport Chunk, chunk_text, unmasked_chunk
from fastframe._wsproto_decoder cimport NO_OPCODE, FrameDecoder, is_empty, is_only

import sys
from codecs import getincrementaldecoder
from types import TracebackType

from fastframe._wsproto_decoder import INSTALLED


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

        if self._max_message_size != UINT64_MAX or self._max_fragments != UINT64_MAX:
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
        if decoder._was_extended:
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
        if self._max_message_size != UINT64_MAX:
            decoder._room = self._max_message_size if self._message_finished and self._frame_finished else (
                self._max_message_size - self._message_size
            )
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
            return chunk_text(self._kernels, &chunk, &self._cut, self._message_finished, &self._ascii)
        except UnicodeDecodeError as error:
            if not isinstance(error, UnicodeDecodeError):  # no memory for that error
                raise
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
        cdef bint is_plain = is_empty(self.extensions)
        cdef Payload content
        if (not is_plain and not is_only(self.extensions, self._frame_decoder._deflate)) or (fin is not True and fin is not False):
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
        elif self._outbound_opcode is not member or (not is_plain and self._frame_decoder._deflate._compressor is None):
            return None
        else:
            opcode = FF_OPCODE_CONTINUATION
            if fin:
                self._outbound_opcode = None
        if not is_plain and self._is_to_be_deflated(opcode, content.size, fin):
            rsv = 0 if opcode == FF_OPCODE_CONTINUATION else FF_RSV1
            if not PyBytes_CheckExact(payload):
                payload = payload_bytes(self._kernels, &content)
            payload = self._deflated(payload, fin)
            content = bytes_payload(PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload))
        return self._serialize(opcode, &content, fin, as_bytes, rsv)

    cdef object _control_frame(self, uint8_t opcode, object payload, bint as_bytes):
        cdef Payload content
        if not (is_empty(self.extensions) or is_only(self.extensions, self._frame_decoder._deflate)) or not PyBytes_CheckExact(payload):
            return None
        if PyBytes_GET_SIZE(payload) > FF_MAX_CONTROL_PAYLOAD:
            return None
        content = bytes_payload(PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload))
        return self._serialize(opcode, &content, True, as_bytes, 0)

    cdef bint _is_to_be_deflated(self, uint8_t opcode, size_t size, bint fin) except -1:
        # A message in fragments always is, whoever has sent the first of them: this class or wsproto's own code.
        settings = self._wsproto.deflate
        return settings is None or opcode == FF_OPCODE_CONTINUATION or not fin or size >= <size_t>settings.threshold

    cdef bytes _deflated(self, bytes data, bint fin):
        cdef bytes content
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
        content = compressed(compressor, zlib.Z_SYNC_FLUSH, data, fin)
        if not fin:
            return content
        if deflate.client_no_context_takeover if self.client else deflate.server_no_context_takeover:
            deflate._compressor = None
        return content[:-4]

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


def _thrown(kind, value, traceback):
    """The exception that a generator's throw raises for these arguments, with CPython's own errors and warning."""
    if sys.version_info >= (3, 12) and (value is not None or traceback is not None):
        PyErr_WarnEx(
            DeprecationWarning,
            b"the (type, exc, tb) signature of throw() is deprecated, use the single-arg signature instead.",
            1,
        )
    if traceback is not None and not isinstance(traceback, TracebackType):
        raise TypeError("throw() third argument must be a traceback object")
    if isinstance(kind, BaseException):
        if value is not None:
            raise TypeError("instance exception may not have a separate value")
        error = kind
    elif isinstance(kind, type) and issubclass(kind, BaseException):
        if isinstance(value, kind):
            error = value
        elif value is None:
            error = kind()
        else:
            error = kind(*value) if isinstance(value, tuple) else kind(value)
    else:
        raise TypeError(f"exceptions must be classes or instances deriving from BaseException, not {type(kind).__name__}")
    return error if traceback is None else error.with_traceback(traceback)


# ---- wsproto's generators ------------------------------------------------------------------------------------------

cdef class GeneratorShape:
    """What a generator has besides __next__."""

    def __iter__(self):
        return self

    def send(self, value):
        """The next item; like wsproto's generators it has no use for the value."""
        return next(self)

    def throw(self, kind, value=None, traceback=None):
        """Ends it, and raises the exception, which it does not handle. The arguments are those of a generator's throw."""
        return self._throw(_thrown(kind, value, traceback))

    cdef object _throw(self, error):
        self._end_with(error)

    cdef int _end_with(self, error) except -1:
        cdef bint had_ended = self._has_ended()
        self.close()
        # PEP 479; since 3.12 CPython leaves a generator that has not begun out of it.
        if isinstance(error, StopIteration) and not had_ended and (self._begun or sys.version_info < (3, 12)):
            wrapped = RuntimeError("generator raised StopIteration")
            wrapped.__cause__ = wrapped.__context__ = error
            raise wrapped
        raise error

    cdef bint _has_ended(self) noexcept:
        return True


cdef class ReceivedFrames(GeneratorShape):
    """The generator that FrameProtocol.received_frames returns."""

    cdef FrameProtocol _protocol  # None once it has ended
    cdef object __weakref__

    def __cinit__(self, FrameProtocol protocol not None):
        self._protocol = protocol

    def __next__(self):
        cdef FrameProtocol protocol = self._protocol
        self._begun = True
        if protocol is not None:
            payload = protocol._message_at_a_glance()
            if payload is not None:
                return protocol._wsproto.frame(protocol._opcode, payload, True, True)
            self._protocol = None
            if protocol._next():
                self._protocol = protocol
                return protocol._frame()
        raise StopIteration

    cdef bint _has_ended(self) noexcept:
        return self._protocol is None

    def close(self):
        """Ends it."""
        self._protocol = None


cdef class ParseMore(GeneratorShape):
    """The generator behind FrameProtocol._parse_more. All of them share the protocol's state."""

    cdef FrameProtocol _protocol

    def __cinit__(self, FrameProtocol protocol not None):
        self._protocol = protocol

    def __next__(self):
        self._begun = True
        if self._protocol._next():
            return self._protocol._frame()
        if self._protocol._exhausted:
            raise StopIteration
        return None

    cdef bint _has_ended(self) noexcept:
        return self._protocol._exhausted

    def close(self):
        """Ends it, for all."""
        self._protocol._exhausted = True
