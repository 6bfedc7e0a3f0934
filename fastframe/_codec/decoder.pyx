# cython: language_level=3
"""Decoder: how bytes get in. How messages come out of them is in its base, message_reader.pyx."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release
from cpython.bytes cimport PyBytes_CheckExact
from libc.stdint cimport uint8_t, uint64_t

from fastframe._codec.buffers cimport FF_BYTES_LIKE, ff_get_buffer
from fastframe._codec.capi cimport FF_CLIENT, FF_SERVER, ff_role
from fastframe._codec.checks cimport (
    agreement_from, check_call, flag_from, invalid_state, number_from, role_from,
)
from fastframe._codec.inbound_frame cimport NO_MESSAGE, Limits
from fastframe._codec.inflater cimport Inflater
from fastframe._codec.message_reader cimport FINISHED, HEADER, PAYLOAD, MessageReader
from fastframe._codec.receive_buffer cimport writable_view
from fastframe._codec.tally cimport Tally, new_tally, sums_of
from fastframe._cpython.turns cimport (
    begin_call, begin_quick_call, end_call, end_quick_call, ff_callers_turn_begin,
    ff_shared_flag_get,
)

from types import GenericAlias

from fastframe._codec.checks import _NO_ROLE
from fastframe._types import Role

_PARAMETERS = ("max_message_size", "max_frame_size", "max_fragments", "deflate", "decode_text")


cdef extern from *:
    """
    /* Half of what fits, so that no sum of two sizes can overflow: sys.maxsize // 2. */
    #define FF_LARGEST_LIMIT ((uint64_t)(PY_SSIZE_T_MAX / 2))
    """
    const uint64_t FF_LARGEST_LIMIT


cdef extern from "Python.h":
    long long PyLong_AsLongLongAndOverflow(object number, int *overflow) except? -1


cdef enum:
    DEFAULT_MAX_SIZE = 1 << 24
    DEFAULT_MAX_FRAGMENTS = 8192
    # What get_buffer offers where nothing larger is asked for. The rest of a payload that is at
    # least as large is received in place; for a smaller one that would cost a system call to spare
    # a small copy.
    RECEIVE_SIZE = 1 << 16
    LARGEST_RECEIVE_SIZE = 1 << 26


cdef uint64_t limit_from(str name, object value) except 0:
    return number_from(name, value, 1, FF_LARGEST_LIMIT)


cdef class Decoder(MessageReader):
    """Decoder(role, *, max_message_size=16777216, max_frame_size=None, max_fragments=8192,
    deflate=None, decode_text=True)\n--\n\nTurns bytes from the peer into messages (RFC 6455, 5).

    role: Role.SERVER or Role.CLIENT, this end of the connection. ValueError otherwise.
    max_message_size: the largest message in bytes, all its fragments together; 16 MiB unless given.
    max_frame_size: the largest payload of one data frame in bytes; max_message_size unless given.
    max_fragments: the most frames that one message may have; 8,192 unless given. deflate: a
    `fastframe.deflate.Agreement` for permessage-deflate (RFC 7692), or None. max_message_size then
    holds while a message is inflated, piece by piece; on the wire it and its frames may be longer
    by the little that DEFLATE adds to what it cannot make smaller. decode_text: with False a text
    message comes as `Text`: validated bytes, not decoded.

    A limit that is not an int raises TypeError, one that is not from 1 to sys.maxsize // 2
    ValueError. TypeError for a `deflate` or `decode_text` of another type.

    Memory for a payload of up to 1 MiB is taken when its header has been accepted; for a larger one
    1 MiB or twice what has arrived, whichever is more, and at most max_message_size for a
    connection. A str of up to four times that is made of a text.

    `feed` bytes and iterate: a text message is a str, a binary one bytes, and `Ping`, `Pong` and
    `Close` are control frames. All of them are new objects that belong to the caller. One decoder
    serves one connection, and one thread at a time: InvalidState for a call in the middle of
    another one.

    >>> from fastframe import Decoder, Encoder, Role
    >>> client = Encoder(Role.CLIENT)
    >>> decoder = Decoder(Role.SERVER, max_message_size=2**20)
    >>> list(decoder.feed(client.text("hello") + client.ping(b"?")))
    ['hello', Ping(b'?')]
    """

    def __cinit__(self, *args, **kwargs):
        self._limits.message_size = self._limits.frame_size = DEFAULT_MAX_SIZE
        self._limits.fragments = DEFAULT_MAX_FRAGMENTS
        if type(self) is Decoder:  # a subclass may take what it likes
            check_call("Decoder", _PARAMETERS, args, kwargs)

    def __init__(
        self,
        role=_NO_ROLE,
        *,
        max_message_size=DEFAULT_MAX_SIZE,
        max_frame_size=None,
        max_fragments=DEFAULT_MAX_FRAGMENTS,
        deflate=None,
        decode_text=True,
    ):
        # All that may raise comes before anything changes, as this may be called again inside a
        # message.
        cdef Limits limits
        cdef ff_role new_role = role_from(type(self).__name__, role)
        limits.message_size = limit_from("max_message_size", max_message_size)
        limits.frame_size = (
            limits.message_size if max_frame_size is None
            else limit_from("max_frame_size", max_frame_size)
        )
        limits.fragments = limit_from("max_fragments", max_fragments)
        cdef bint decodes = flag_from("decode_text", decode_text)
        cdef Inflater inflater = None
        if deflate is not None:
            inflater = Inflater(
                agreement_from(deflate), new_role == FF_SERVER, self._assembler, limits.message_size
            )
        cdef Tally tally = (
            self._tally if self._counts_for_another
            else new_tally(sums_of("codec", role.value), True, False)
        )
        begin_call(&self._turn)
        try:
            self._role = new_role
            self._tally = tally
            self._is_timed = tally.is_timed()
            self._limits = limits
            self._decode_text = decodes
            self._inflater = inflater
            self._restart(HEADER)
        finally:
            end_call(&self._turn)

    @classmethod
    def __class_getitem__(cls, item):
        return GenericAlias(cls, item)

    def __repr__(self):
        if not ff_callers_turn_begin(&self._turn):
            return f"<{type(self).__name__}, inside a call>"
        try:
            return (
                f"<{type(self).__name__} {self.role.value}, {self._state_in_words()}, "
                f"max_message_size={self._limits.message_size}, "
                f"max_frame_size={self._limits.frame_size}, max_fragments={self._limits.fragments}>"
            )
        finally:
            end_call(&self._turn)

    cdef str _state_in_words(self):
        if self._state == FINISHED:
            return f"finished: {self._why_finished}"
        if self._state == PAYLOAD or self._frame.opcode != NO_MESSAGE:
            return "inside a message"
        return "between messages"

    @property
    def role(self):
        """Role.SERVER or Role.CLIENT, as given.

        >>> Decoder(Role.SERVER).role
        <Role.SERVER: 'server'>
        """
        return Role.CLIENT if self._role == FF_CLIENT else Role.SERVER

    @property
    def finished(self):
        """True once a Close frame or a broken rule has ended the stream; then nothing more can be
        fed.

        >>> decoder = Decoder(Role.CLIENT)
        >>> list(decoder.feed(b"\\x88\\x00"))
        [Close(1005, '')]
        >>> decoder.finished
        True
        """
        return ff_shared_flag_get(&self._finished)

    # ---- bytes in --------------------------------------------------------------------------------

    def feed(self, data):
        """Takes in bytes from the peer, and returns the decoder itself, to be iterated.

        data: any contiguous bytes-like object; TypeError otherwise. `bytes` are not copied but kept
        until they are parsed; anything else is copied and may be used again at once.

        Nothing is parsed before the iteration asks for it, and what is not taken stays for the next
        one. The iteration raises ProtocolError at the first broken rule, after everything that came
        before it. InvalidState once a Close frame or a broken rule has ended the stream.

        >>> decoder = Decoder(Role.CLIENT)
        >>> list(decoder.feed(b"\\x81\\x05he")), list(decoder.feed(b"llo"))
        ([], ['hello'])
        """
        cdef Py_buffer view
        if PyBytes_CheckExact(data):
            begin_quick_call(&self._turn)
            try:
                self._refuse_if_finished()
                self._receive_buffer.feed(data)
                self._lent = 0
            finally:
                end_quick_call(&self._turn)
        else:
            ff_get_buffer(data, &view, PyBUF_SIMPLE, "data", FF_BYTES_LIKE)
            try:
                # only now: `__buffer__` may have used this decoder
                self.feed_memory(<const uint8_t *>view.buf, view.len)
            finally:
                PyBuffer_Release(&view)
        return self

    cdef int feed_memory(self, const uint8_t *data, size_t length) except -1:
        begin_call(&self._turn)
        try:
            self._refuse_if_finished()
            self._receive_buffer.feed_copy(data, length)
            self._lent = 0
        finally:
            end_call(&self._turn)
        return 0

    def get_buffer(self, sizehint=-1):
        """A writable memoryview to receive bytes into, for asyncio.BufferedProtocol; then call
        `buffer_updated`.

        sizehint: how many bytes are wanted, an int. The view has 65,536 bytes or more, at most 64
        MiB; but where the rest of a large payload is awaited, it is the next part of the message
        itself, so that the payload is not copied.

        The view is good for one `buffer_updated`: writing to it later may change bytes that are
        already parsed. InvalidState once the stream has ended; TypeError if sizehint is not an int.
        MemoryError, which ends the stream, if a message cannot grow.

        >>> decoder = Decoder(Role.CLIENT)
        >>> view = decoder.get_buffer(4096)
        >>> view[:7] = b"\\x81\\x05hello"
        >>> list(decoder.buffer_updated(7))
        ['hello']
        """
        cdef int overflow = 0
        if not isinstance(sizehint, int):
            raise TypeError(f"sizehint must be an int, not {type(sizehint).__name__}")
        cdef long long wanted = PyLong_AsLongLongAndOverflow(sizehint, &overflow)
        begin_call(&self._turn)
        try:
            self._refuse_if_finished()
            return self._lend(
                LARGEST_RECEIVE_SIZE if overflow > 0
                else max(min(wanted, LARGEST_RECEIVE_SIZE), <long long>RECEIVE_SIZE)
            )
        finally:
            end_call(&self._turn)

    cdef object _lend(self, size_t size):
        self._lent = 0  # until there is something to lend
        self._lent_in_place = self._can_receive_in_place()
        if self._lent_in_place:
            size = self._room_in_place()
            view = writable_view(
                self._assembler.lend(), self._assembler.end() + self._received_in_place, size
            )
        else:
            view = self._receive_buffer.lend(size)
        self._lent = size
        return view

    def buffer_updated(self, nbytes):
        """Takes in the first `nbytes` bytes of the last `get_buffer`; returns the decoder itself,
        like `feed`.

        TypeError if nbytes is not an int; ValueError if it is negative or more than was offered;
        InvalidState without an offer: one `buffer_updated` uses it up, `feed` withdraws it, and so
        does an iteration that moves the message.

        >>> Decoder(Role.CLIENT).buffer_updated(5)
        Traceback (most recent call last):
        fastframe.InvalidState: call get_buffer first: ...
        """
        begin_call(&self._turn)
        try:
            self._take_in(nbytes)
        finally:
            end_call(&self._turn)
        return self

    cdef int _take_in(self, nbytes) except -1:
        cdef size_t size
        if self._lent_in_place and not self._assembler.is_offered():
            self._lent = 0  # what was received since is where the message is not any more
        if self._lent == 0:
            raise invalid_state(
                "call get_buffer first: its view is good for one buffer_updated, until feed is "
                "called or an iteration moves the message"
            )
        size = <size_t>number_from("nbytes", nbytes, 0, self._lent)
        self._lent = 0
        if self._lent_in_place:
            self._received_in_place += size
        else:
            self._receive_buffer.received(size)
        return 0

    cdef size_t _missing_payload(self) noexcept:
        cdef size_t length = <size_t>self._frame.header.payload_length
        return length - self._frame.payload_consumed - self._received_in_place

    cdef bint _can_receive_in_place(self) except -1:
        if (
            self._state != PAYLOAD
            or not self._assembler.is_open()
            or self._frame.compressed
            or self._receive_buffer.length
            or self._missing_payload() < RECEIVE_SIZE
        ):
            return False
        if not self._received_in_place:  # now, as nobody should look at the last view any more
            try:
                self._make_room(RECEIVE_SIZE)
            except BaseException as error:  # what was there of the message is lost
                self._finish_with(error)
                raise
        return self._room_in_place() >= RECEIVE_SIZE

    cdef size_t _room_in_place(self) noexcept:
        return min(self._missing_payload(), self._assembler.room() - self._received_in_place)

    cdef inline int _refuse_if_finished(self) except -1:
        if self._state == FINISHED:
            raise invalid_state(
                f"the stream has ended, nothing more can be fed: {self._why_finished}"
            )
        return 0
