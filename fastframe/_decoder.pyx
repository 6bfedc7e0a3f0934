# cython: language_level=3
"""From bytes to messages: header, limits, unmask, validate, message.

Strategy: the usual message is here as a whole, in one frame, and is made at a glance, straight from the caller's bytes. For all
else there is a step (`_step`) that returns one message, or None and has then taken in all that is here, or raises and the
decoder is finished; a payload that is not here as a whole is gathered in its final object (_gather.pxd).
"""

cimport cython
from cpython.buffer cimport PyBUF_FORMAT, PyBUF_ND, PyBUF_SIMPLE, PyBUF_STRIDES, PyBuffer_Release
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint16_t, uint64_t

from fastframe._buffers cimport FF_BYTES_LIKE, ff_get_buffer
from fastframe._capi cimport (
    FF_CLIENT, FF_ERR_CONTINUATION_EXPECTED, FF_ERR_CONTINUATION_UNEXPECTED, FF_ERR_FRAME_TOO_BIG,
    FF_ERR_MESSAGE_TOO_BIG, FF_ERR_TEXT_UTF8, FF_ERR_TOO_MANY_FRAGMENTS, FF_MAX_CONTROL_PAYLOAD,
    FF_NEED_DATA, FF_OK, FF_OPCODE_BINARY, FF_OPCODE_CLOSE, FF_OPCODE_CONTINUATION, FF_OPCODE_PING, FF_OPCODE_TEXT,
    FF_RSV1, FF_SERVER, ff_close_parse, ff_header, ff_header_check, ff_header_of_whole_message, ff_header_parse,
    ff_kernels, ff_masking_key_rotate, ff_opcode_is_control, ff_role, ff_status,
    ff_status_is_of_extended_length, ff_utf8, ff_utf8_complete, ff_utf8_start,
)
from fastframe._core cimport (
    agreement_from, check_call, flag_from, invalid_state, kernels, new_close, new_ping, new_pong, number_from, protocol_error,
    raise_status, refuse_while, role_from,
)
from fastframe._deflate cimport Inflater
from fastframe._gather cimport ASCII_TEXT, BINARY, OTHER_TEXT, VALIDATED_TEXT, Gathering, Kind
from fastframe._inbox cimport Inbox
from fastframe._payload cimport (
    Chunk, CutCharacter, PyUnicode_IS_COMPACT_ASCII, chunk_bytes, chunk_copy, chunk_text, unmasked_chunk,
    whole_chunk, whole_text,
)

from types import GenericAlias

from fastframe._core import _NO_ROLE
from fastframe._types import Role, Text

_PARAMETERS = ("max_message_size", "max_frame_size", "max_fragments", "deflate", "decode_text")


cdef extern from "Python.h":
    const Py_ssize_t PY_SSIZE_T_MAX
    long long PyLong_AsLongLongAndOverflow(object number, int *overflow) except? -1
    object PyUnicode_DecodeUTF8(const char *text, Py_ssize_t size, const char *errors)


# What the decoder waits for.
cdef enum State:
    HEADER = 0
    PAYLOAD
    FINISHED

cdef enum:
    DEFAULT_MAX_SIZE = 1 << 24
    DEFAULT_MAX_FRAGMENTS = 8192

# Half of what fits, so that no sum of two sizes can overflow: sys.maxsize // 2.
cdef uint64_t LARGEST_LIMIT = PY_SSIZE_T_MAX // 2

cdef enum:
    NO_MESSAGE = 0  # the opcode of the open message while there is none; TEXT and BINARY are 1 and 2

cdef enum:
    # What get_buffer offers where nothing larger is asked for. The rest of a payload that is at least as large is
    # received in place; for a smaller one that would cost a system call to spare a small copy.
    RECEIVE_SIZE = 1 << 16
    LARGEST_RECEIVE_SIZE = 1 << 26


cdef uint64_t limit_from(str name, object value) except 0:
    return number_from(name, value, 1, LARGEST_LIMIT)


cdef str why(error):
    try:
        return str(error)
    except MemoryError:
        return "an error"


cdef char *BYTES_FORMAT = <char *><const char *>b"B"


@cython.final
cdef class WritableRegion:
    # Lends memory that belongs to `owner` as a writable buffer, and keeps it alive for as long as someone looks at it.
    cdef object owner
    cdef void *start
    cdef Py_ssize_t size

    def __getbuffer__(self, Py_buffer *view, int flags):
        view.obj = self
        view.buf = self.start
        view.len = self.size
        view.readonly = False
        view.itemsize = 1
        view.format = BYTES_FORMAT if flags & PyBUF_FORMAT else NULL
        view.ndim = 1
        view.shape = &view.len if flags & PyBUF_ND else NULL
        view.strides = &view.itemsize if flags & PyBUF_STRIDES == PyBUF_STRIDES else NULL
        view.suboffsets = NULL
        view.internal = NULL


cdef object writable_view(object owner, uint8_t *start, size_t size):
    cdef WritableRegion region = WritableRegion.__new__(WritableRegion)
    region.owner = owner
    region.start = start
    region.size = size
    return memoryview(region)


cdef class Decoder:
    """Decoder(role, *, max_message_size=16777216, max_frame_size=16777216, max_fragments=8192, deflate=None, decode_text=True)\n--\n\nTurns bytes from the peer into messages (RFC 6455, 5).

    role: Role.SERVER or Role.CLIENT, this end of the connection. ValueError otherwise.
    max_message_size: the largest message in bytes, all its fragments together; 16 MiB unless given.
    max_frame_size: the largest payload of one data frame in bytes; 16 MiB unless given.
    max_fragments: the most frames that one message may have; 8,192 unless given.
    deflate: a `fastframe.deflate.Agreement` for permessage-deflate (RFC 7692), or None. max_message_size then holds while a
    message is inflated, piece by piece, as well as for what is on the wire.
    decode_text: with False a text message comes as `Text`: validated bytes, not decoded.

    A limit that is not an int raises TypeError, one that is not from 1 to sys.maxsize // 2 ValueError. TypeError for a
    `deflate` or `decode_text` of another type.

    Memory for a payload is taken at once when its header has been accepted, so at most max_message_size for a connection. A str
    of up to four times that is made of a text.

    `feed` bytes and iterate: a text message is a str, a binary one bytes, and `Ping`, `Pong` and `Close` are control
    frames. All of them are new objects that belong to the caller. One decoder serves one connection, and one thread at a
    time: InvalidState for a call in the middle of another one.

    >>> from fastframe import Decoder, Encoder, Role
    >>> client = Encoder(Role.CLIENT)
    >>> decoder = Decoder(Role.SERVER, max_message_size=2**20)
    >>> list(decoder.feed(client.text("hello") + client.ping(b"?")))
    ['hello', Ping(b'?')]
    """

    cdef object __weakref__

    cdef Inbox _inbox
    cdef const ff_kernels *_kernels
    cdef ff_role _role
    cdef uint64_t _max_message_size, _max_frame_size, _max_fragments
    cdef bint _decode_text
    cdef Inflater _inflater         # None if compression was not agreed on

    cdef State _state
    cdef bint _busy                 # a step is being taken, in which the GIL may be given away
    cdef str _why_finished

    # The frame whose payload is awaited.
    cdef ff_header _header
    cdef size_t _payload_here       # how much of it has been taken in

    # The message that is open, from its first to its last fragment.
    cdef uint8_t _opcode
    cdef uint64_t _fragments
    cdef uint64_t _message_size     # of all payloads that the headers so far have announced
    cdef Gathering _gathering
    cdef bint _compressed           # its payload goes through `_inflater`

    cdef bint _ascii                # the last text was

    # What get_buffer has offered.
    cdef size_t _lent
    cdef bint _lent_in_place        # it is the rest of what is gathered, not room in the inbox
    cdef size_t _in_place           # received there, still masked and not counted in `_payload_here`

    def __cinit__(self, *args, **kwargs):
        # All that memory safety needs, whether or not a subclass calls __init__.
        self._role = FF_SERVER
        self._max_message_size = self._max_frame_size = DEFAULT_MAX_SIZE
        self._max_fragments = DEFAULT_MAX_FRAGMENTS
        self._decode_text = True
        self._ascii = True
        self._kernels = kernels()
        self._gathering = Gathering.__new__(Gathering)
        self._inbox = Inbox.__new__(Inbox)
        if type(self) is Decoder:  # a subclass may take what it likes
            check_call("Decoder", _PARAMETERS, args, kwargs)
        self._restart(HEADER)

    def __init__(
        self,
        role=_NO_ROLE,
        *,
        max_message_size=DEFAULT_MAX_SIZE,
        max_frame_size=DEFAULT_MAX_SIZE,
        max_fragments=DEFAULT_MAX_FRAGMENTS,
        deflate=None,
        decode_text=True,
    ):
        # All that may raise comes before anything changes, as this may be called again in mid-message.
        cdef ff_role new_role = role_from(type(self).__name__, role)
        cdef uint64_t message_limit = limit_from("max_message_size", max_message_size)
        cdef uint64_t frame_limit = limit_from("max_frame_size", max_frame_size)
        cdef uint64_t fragment_limit = limit_from("max_fragments", max_fragments)
        cdef bint decodes = flag_from("decode_text", decode_text)
        cdef Inflater inflater = None
        if deflate is not None:
            inflater = Inflater(agreement_from(deflate), new_role == FF_SERVER, self._gathering, message_limit)
        refuse_while(self._busy)
        self._role = new_role
        self._max_message_size = message_limit
        self._max_frame_size = frame_limit
        self._max_fragments = fragment_limit
        self._decode_text = decodes
        self._inflater = inflater
        self._restart(HEADER)

    def __class_getitem__(cls, item):
        return GenericAlias(cls, item)

    def __repr__(self):
        state = f"finished: {self._why_finished}" if self._state == FINISHED else (
            "between messages" if self._state == HEADER and self._opcode == NO_MESSAGE else "inside a message"
        )
        return (
            f"<{type(self).__name__} {self.role.value}, {state}, max_message_size={self._max_message_size}, "
            f"max_frame_size={self._max_frame_size}, max_fragments={self._max_fragments}>"
        )

    @property
    def role(self):
        """Role.SERVER or Role.CLIENT, as given.

        >>> Decoder(Role.SERVER).role
        <Role.SERVER: 'server'>
        """
        return Role.CLIENT if self._role == FF_CLIENT else Role.SERVER

    @property
    def finished(self):
        """True once a Close frame or a broken rule has ended the stream; then nothing more can be fed.

        >>> decoder = Decoder(Role.CLIENT)
        >>> list(decoder.feed(b"\\x88\\x00"))
        [Close(1005, '')]
        >>> decoder.finished
        True
        """
        return self._state == FINISHED

    # ---- bytes in --------------------------------------------------------------------------------------------------

    def feed(self, data):
        """Takes in bytes from the peer, and returns the decoder itself, to be iterated.

        data: any contiguous bytes-like object; TypeError otherwise. `bytes` are not copied but kept until they are
        parsed; anything else is copied and may be used again at once.

        Nothing is parsed before the iteration asks for it, and what is not taken stays for the next one. The iteration
        raises ProtocolError at the first broken rule, after everything that came before it. InvalidState once a Close
        frame or a broken rule has ended the stream.

        >>> decoder = Decoder(Role.CLIENT)
        >>> list(decoder.feed(b"\\x81\\x05he")), list(decoder.feed(b"llo"))
        ([], ['hello'])
        """
        cdef Py_buffer view
        if PyBytes_CheckExact(data):
            self._refuse_unless_feedable()
            self._inbox.feed(data)
        else:
            ff_get_buffer(data, &view, PyBUF_SIMPLE, "data", FF_BYTES_LIKE)
            try:
                self._refuse_unless_feedable()  # only now: the data's own code may have used this decoder while it lent its buffer
                self._inbox.feed_copy(<const uint8_t *>view.buf, view.len)
            finally:
                PyBuffer_Release(&view)
        self._lent = 0
        return self

    def get_buffer(self, sizehint=-1):
        """A writable memoryview to receive bytes into, for asyncio.BufferedProtocol; then call `buffer_updated`.

        sizehint: how many bytes are wanted, an int. The view has 65,536 bytes or more, at most 64 MiB; but where the rest
        of a large payload is awaited, it is that very part of the message, so that the payload is never copied.

        The view is good for one `buffer_updated`: writing to it later may change bytes that are already parsed.
        InvalidState once the stream has ended; TypeError if sizehint is not an int.

        >>> decoder = Decoder(Role.CLIENT)
        >>> view = decoder.get_buffer(4096)
        >>> view[:7] = b"\\x81\\x05hello"
        >>> list(decoder.buffer_updated(7))
        ['hello']
        """
        cdef uint8_t *start
        cdef size_t size
        cdef long long wanted
        cdef int overflow = 0
        if not isinstance(sizehint, int):
            raise TypeError(f"sizehint must be an int, not {type(sizehint).__name__}")
        wanted = PyLong_AsLongLongAndOverflow(sizehint, &overflow)
        self._refuse_unless_feedable()
        self._lent = 0  # until there is something to lend
        self._lent_in_place = self._can_receive_in_place()
        if self._lent_in_place:
            size = <size_t>self._header.payload_length - self._payload_here - self._in_place
            view = writable_view(self._gathering.lend(), self._gathering.end() + self._in_place, size)
        else:
            if overflow > 0 or wanted > LARGEST_RECEIVE_SIZE:
                wanted = LARGEST_RECEIVE_SIZE
            size = max(wanted, <long long>RECEIVE_SIZE)
            start = self._inbox.reserve(size)
            view = writable_view(self._inbox.buffer, start, size)
        self._lent = size
        return view

    def buffer_updated(self, nbytes):
        """Takes in the first `nbytes` bytes of the last `get_buffer`; returns the decoder itself, like `feed`.

        TypeError if nbytes is not an int; ValueError if it is negative or more than was offered; InvalidState without an offer,
        which one `buffer_updated` uses up and `feed` withdraws.

        >>> Decoder(Role.CLIENT).buffer_updated(5)
        Traceback (most recent call last):
        fastframe._types.InvalidState: call get_buffer first: its view is good for one buffer_updated, and until feed is called
        """
        cdef size_t size
        refuse_while(self._busy)
        if self._lent == 0:
            raise invalid_state("call get_buffer first: its view is good for one buffer_updated, and until feed is called")
        size = <size_t>number_from("nbytes", nbytes, 0, self._lent)
        self._lent = 0
        if self._lent_in_place:
            self._in_place += size
        else:
            self._inbox.received(size)
        return self

    cdef bint _can_receive_in_place(self) noexcept:
        return (
            self._state == PAYLOAD
            and self._gathering.is_open()
            and not self._compressed
            and self._inbox.length == 0
            and self._header.payload_length - self._payload_here - self._in_place >= RECEIVE_SIZE
        )

    cdef int _refuse_unless_feedable(self) except -1:
        refuse_while(self._busy)
        if self._state == FINISHED:
            raise invalid_state(f"the stream has ended, nothing more can be fed: {self._why_finished}")
        return 0

    # ---- messages out ----------------------------------------------------------------------------------------------

    def __iter__(self):
        return self

    def __next__(self):
        message = self._message_at_a_glance()
        if message is not None:
            return message
        refuse_while(self._busy)
        if self._inbox.length == 0 and self._state == HEADER and not self._inbox.has_more():
            if self._lent == 0:
                self._inbox.release()
            raise StopIteration
        self._busy = True
        try:
            message = self._step()
        except BaseException as error:
            self._restart(FINISHED)  # before anything that needs memory
            self._why_finished = why(error)
            raise
        finally:
            self._busy = False
        if message is None:
            if self._lent == 0:
                self._inbox.release()
            raise StopIteration
        return message

    @cython.final
    cdef object _message_at_a_glance(self):
        """The next message, if it is here as a whole and nothing about it is unusual. Else None, and nothing has changed."""
        cdef ff_header header
        cdef Chunk chunk
        if <unsigned int>self._state | self._opcode | self._busy:  # HEADER and NO_MESSAGE are 0: one test for all three
            return None
        if not ff_header_of_whole_message(self._inbox.data, self._inbox.length, self._role, &header):
            return None
        if header.payload_length > self._max_frame_size or header.payload_length > self._max_message_size:
            return None
        chunk = whole_chunk(self._inbox.data, &header)
        if header.opcode != FF_OPCODE_TEXT:
            message = chunk_bytes(self._kernels, &chunk)
        elif self._decode_text:
            message = whole_text(self._kernels, &chunk, &self._ascii)
        else:
            message = None
        if message is not None:
            self._inbox.consume(header.size + chunk.length)
        return message

    cdef object _step(self):
        while self._state != FINISHED:
            if self._state == HEADER and not self._read_header():
                return None
            if ff_opcode_is_control(self._header.opcode):
                return self._control_frame()
            if self._compressed:
                if not self._inflate_frame():
                    return None
            elif self._is_whole_message():
                return self._whole_message()
            elif not self._gather():
                return None
            self._state = HEADER
            if self._header.fin:
                return self._inflated_message() if self._compressed else self._gathered_message()
        return None

    cdef int _restart(self, State state) except -1:
        # Takes no memory, so it cannot fail.
        self._state = state
        self._why_finished = None
        self._inbox.clear()
        self._lent = 0
        self._in_place = 0
        self._forget_message()
        return 0

    # ---- header and limits (RFC 6455, 5.2, 5.4, 10.4) --------------------------------------------------------------

    cdef bint _read_header(self) except -1:
        """Reads the next header and opens its frame. False if it is not all here; refuses as early as it can.

        A header that breaks several rules is refused for the same one however it is cut: what two bytes tell comes first.
        """
        cdef ff_status status
        while True:
            status = ff_header_parse(self._inbox.data, self._inbox.length, &self._header)
            if status > FF_NEED_DATA and not ff_status_is_of_extended_length(status):
                raise_status(status)
            if self._inbox.length >= 2:
                raise_status(ff_header_check(&self._header, self._role, self._rsv_allowed()))
                raise_status(self._check_order())
            if status > FF_NEED_DATA:
                raise_status(status)
            if self._header.size:
                raise_status(self._check_limits())
            if status == FF_OK:
                self._open_frame()
                return True
            if not self._inbox.more():
                return False

    cdef uint8_t _rsv_allowed(self) noexcept:
        """RSV1 says that a message is compressed, on its first frame only (RFC 7692, 6)."""
        return FF_RSV1 if self._inflater is not None and self._header.opcode in (FF_OPCODE_TEXT, FF_OPCODE_BINARY) else 0

    cdef ff_status _check_order(self) noexcept:
        if ff_opcode_is_control(self._header.opcode):
            return FF_OK
        if self._header.opcode == FF_OPCODE_CONTINUATION:
            return FF_ERR_CONTINUATION_UNEXPECTED if self._opcode == NO_MESSAGE else FF_OK
        return FF_OK if self._opcode == NO_MESSAGE else FF_ERR_CONTINUATION_EXPECTED

    cdef ff_status _check_limits(self) noexcept:
        if ff_opcode_is_control(self._header.opcode):
            return FF_OK  # 125 bytes at most, and they belong to no message
        if self._header.payload_length > self._max_frame_size:
            return FF_ERR_FRAME_TOO_BIG
        if self._header.payload_length > self._max_message_size - self._message_size:
            return FF_ERR_MESSAGE_TOO_BIG
        if self._fragments == self._max_fragments:
            return FF_ERR_TOO_MANY_FRAGMENTS
        return FF_OK

    cdef void _open_frame(self) noexcept:
        self._inbox.consume(self._header.size)
        self._payload_here = 0
        self._state = PAYLOAD
        if not ff_opcode_is_control(self._header.opcode):
            self._message_size += self._header.payload_length
            self._fragments += 1
            if self._header.opcode != FF_OPCODE_CONTINUATION:
                self._opcode = self._header.opcode
                self._compressed = self._header.rsv == FF_RSV1

    # ---- payload that is here as a whole ---------------------------------------------------------------------------

    cdef Chunk _next_chunk(self, size_t length) noexcept:
        """The next `length` bytes of the payload, as they stand in the inbox; they count as taken in."""
        cdef Chunk chunk
        chunk.data = self._inbox.data
        chunk.length = length
        chunk.masked = self._header.masked
        ff_masking_key_rotate(chunk.key, self._header.masking_key, self._payload_here)
        self._payload_here += length
        self._inbox.consume(length)
        return chunk

    cdef bint _is_whole_message(self) noexcept:
        return (
            self._fragments == 1
            and self._header.fin
            and self._payload_here == 0
            and not self._gathering.is_open()
            and self._inbox.length >= self._header.payload_length
        )

    cdef object _whole_message(self):
        cdef Chunk chunk = self._next_chunk(<size_t>self._header.payload_length)
        opcode = self._opcode
        self._state = HEADER
        self._forget_message()
        if opcode != FF_OPCODE_TEXT:
            return chunk_bytes(self._kernels, &chunk)
        if not self._decode_text:
            return self._validated(chunk_bytes(self._kernels, &chunk))
        return self._decoded(&chunk)

    cdef object _decoded(self, const Chunk *chunk):
        cdef CutCharacter nothing_cut
        nothing_cut.length = 0
        try:
            return chunk_text(self._kernels, chunk, &nothing_cut, True, &self._ascii)
        except UnicodeDecodeError as error:
            if not isinstance(error, UnicodeDecodeError):  # no memory for that error
                raise
            raise protocol_error(FF_ERR_TEXT_UTF8) from error

    cdef object _validated(self, bytes payload):
        cdef ff_utf8 state = ff_utf8_start()
        cdef const uint8_t *data = <const uint8_t *>PyBytes_AS_STRING(payload)
        if not self._kernels.utf8_feed(&state, data, PyBytes_GET_SIZE(payload)) or not ff_utf8_complete(&state):
            raise protocol_error(FF_ERR_TEXT_UTF8)
        return bytes.__new__(Text, payload)

    cdef object _control_frame(self):
        """The control frame, or None if its payload is not all here; it waits in the inbox, as it is small."""
        cdef uint8_t payload[FF_MAX_CONTROL_PAYLOAD]
        cdef Chunk chunk
        cdef uint16_t code
        cdef size_t length = <size_t>self._header.payload_length
        if self._inbox.length < length and not (self._inbox.more() and self._inbox.length >= length):
            return None
        chunk = self._next_chunk(length)
        self._state = HEADER
        if self._header.opcode == FF_OPCODE_CLOSE:
            chunk_copy(self._kernels, &chunk, payload)
            raise_status(ff_close_parse(self._kernels, payload, length, &code))
            reason = PyUnicode_DecodeUTF8(<const char *>payload + 2, length - 2, NULL) if length else ""
            message = new_close(code, reason)
            self._restart(FINISHED)
            self._why_finished = "a Close frame was received (RFC 6455, 5.5.1)"
            return message
        if self._header.opcode == FF_OPCODE_PING:
            return new_ping(chunk_bytes(self._kernels, &chunk))
        return new_pong(chunk_bytes(self._kernels, &chunk))

    # ---- payload that comes in pieces ------------------------------------------------------------------------------

    cdef bint _gather(self) except -1:
        """Takes in what is here of the payload; True if that was the rest of it."""
        cdef Chunk chunk
        cdef size_t length = <size_t>self._header.payload_length
        self._make_room()
        if self._in_place:
            chunk = self._next_chunk(0)
            chunk.data = self._gathering.end()
            chunk.length = self._in_place
            self._payload_here += self._in_place
            self._in_place = 0
            self._gather_chunk(&chunk)
        while self._payload_here < length and (self._inbox.length or self._inbox.more()):
            chunk = self._next_chunk(min(length - self._payload_here, self._inbox.length))
            self._gather_chunk(&chunk)
        return self._payload_here == length

    cdef int _gather_chunk(self, const Chunk *chunk) except -1:
        if not self._gathering.add(chunk):
            raise protocol_error(FF_ERR_TEXT_UTF8)
        return 0

    cdef int _make_room(self) except -1:
        """Room for all that has been announced, and no more once the last fragment is known."""
        cdef size_t needed = <size_t>self._message_size
        if not self._gathering.is_open():
            self._gathering.begin(self._kind_to_gather(), needed)
        elif self._gathering.capacity() < needed:
            if not self._header.fin:
                needed = max(needed, min(2 * self._gathering.capacity(), <size_t>self._max_message_size))
            self._gathering.grow(needed)
        return 0

    cdef Kind _kind_to_gather(self) noexcept:
        if self._opcode != FF_OPCODE_TEXT:
            return BINARY
        if not self._decode_text:
            return VALIDATED_TEXT
        return ASCII_TEXT if self._ascii else OTHER_TEXT

    cdef object _gathered_message(self):
        kind = self._gathering.kind()
        message = self._gathering.finish()
        self._forget_message()
        if message is None:
            raise protocol_error(FF_ERR_TEXT_UTF8)
        if kind == VALIDATED_TEXT:
            return bytes.__new__(Text, message)
        if kind != BINARY:
            self._ascii = PyUnicode_IS_COMPACT_ASCII(message)
        return message

    # ---- payload that is compressed (RFC 7692) ---------------------------------------------------------------------

    cdef bint _inflate_frame(self) except -1:
        """Inflates what is here of the payload; True if that was the rest of it."""
        cdef Chunk chunk
        cdef Inflater inflater = self._inflater
        cdef size_t length = <size_t>self._header.payload_length
        while self._payload_here < length and (self._inbox.length or self._inbox.more()):
            chunk = self._next_chunk(min(length - self._payload_here, self._inbox.length))
            last = self._header.fin and self._payload_here == length
            inflater.add(&chunk, last, self._kind_to_gather())
        if length == 0 and self._header.fin:
            chunk = self._next_chunk(0)
            inflater.add(&chunk, True, self._kind_to_gather())
        return self._payload_here == length

    cdef object _inflated_message(self):
        cdef bytes payload = self._inflater.finish()
        cdef Chunk chunk
        opcode = self._opcode
        if payload is None:
            return self._gathered_message()
        self._forget_message()
        if opcode != FF_OPCODE_TEXT:
            return payload
        if not self._decode_text:
            return self._validated(payload)
        chunk = unmasked_chunk(payload)
        return self._decoded(&chunk)

    cdef void _forget_message(self) noexcept:
        self._opcode = NO_MESSAGE
        self._fragments = 0
        self._message_size = 0
        self._gathering.forget()
        self._compressed = False
