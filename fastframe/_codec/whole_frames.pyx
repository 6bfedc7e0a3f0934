# cython: language_level=3
"""Whole frames, for libraries that keep the buffer and the state themselves: one that is a message
or a control frame by itself is taken out of the front of a buffer, and one is made of a message.

Whatever else a buffer begins with, a fragment, a cut frame or a broken rule, is left where it is,
for the library's own code to deal with.
"""

cimport cython
from cpython.buffer cimport PyBuffer_FillInfo
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t
from libc.string cimport memcpy, memset

from fastframe._codec.capi cimport (
    FF_MAX_HEADER, FF_OK, FF_OPCODE_BINARY, FF_OPCODE_CONTINUATION, FF_OPCODE_PONG, FF_OPCODE_TEXT,
    FF_SERVER,
    FF_CLIENT, ff_header, ff_header_check, ff_header_of_whole_message, ff_header_parse,
    ff_kernels, ff_opcode_is_control, ff_utf8, ff_utf8_complete, ff_utf8_start,
)
from fastframe._codec.chunk cimport Chunk, chunk_bytes, unmasked_chunk, whole_chunk
from fastframe._codec.kernels cimport kernels
from fastframe._codec.masking_keys cimport KeyPool
from fastframe._codec.outbound cimport (
    OutboundPayload, bytes_payload, frame_bytes, text_payload, write_header,
)
from fastframe._codec.tally cimport Tally, count_frame, count_whole_message, ff_count
from fastframe._codec.text cimport (
    ASCII_BLOCK, PartialCharacter, PyUnicode_DATA, PyUnicode_IS_COMPACT_ASCII, chunk_text,
)
from fastframe._cpython.owned cimport ff_new_bytes, ff_new_str, ff_owned


cdef extern from "Python.h":
    const Py_ssize_t PY_SSIZE_T_MAX


cdef enum:
    # A payload that is still arriving gets 4 times as much memory as there is of it.
    GATHERED_PART_BITS = 2
    MIN_GATHERED = 1 << 12
    # From this size on, header and payload are written separately: a second write costs less.
    WRITTEN_APART = 1 << 17


_keys = KeyPool()  # of all connections


# All of a text. UnicodeDecodeError, which CPython's own decoder raises.
cdef inline object whole_text(const ff_kernels *table, const Chunk *chunk):
    cdef PartialCharacter cut
    cdef bint expect_ascii = True
    cut.length = 0
    return chunk_text(table, chunk, &cut, True, &expect_ascii)


# A library's limit in bytes; 0, so that little is taken, if it is not the int that it should be.
cdef inline size_t most(limit) except? 0:
    if type(limit) is not int or limit < 0:
        return 0
    return PY_SSIZE_T_MAX if limit > PY_SSIZE_T_MAX else limit


# True if it begins with a frame that is a message or a control frame by itself, and that the
# receiver may take; all of it need not be there.
cdef inline bint _is_whole_message(
    const uint8_t *data, size_t length, bint masked, size_t limit, uint8_t rsv, ff_header *header
) noexcept:
    return (
        ff_header_parse(data, length, header) == FF_OK
        and ff_header_check(header, FF_SERVER if masked else FF_CLIENT, rsv) == FF_OK
        and header.fin and header.opcode != FF_OPCODE_CONTINUATION
        and header.payload_length <= limit
    )


# tally: None to count nothing.
cdef int count_received(Tally tally, const ff_header *header, payload) except -1:
    if tally is None:
        return 0
    if not ff_opcode_is_control(header.opcode):
        count_whole_message(&tally.counts.received, header, <size_t>header.payload_length)
        if header.rsv:  # the library is to inflate it
            ff_count(&tally.counts.received.compressed_bytes, header.payload_length)
        return 0
    count_frame(&tally.counts.received, header.opcode, header.size, header.payload_length)
    if header.opcode == FF_OPCODE_PONG:
        tally.pong_received(payload)
    return 0


cdef inline void count_sent(Tally tally, const ff_header *header) noexcept:
    if tally is not None:
        count_whole_message(&tally.counts.sent, header, <size_t>header.payload_length)


def take_frame(bytearray buffer not None, bint masked, limit, uint8_t rsv, Tally tally=None):
    """A frame that is a message or a control frame by itself, out of the front of `buffer`: its
    opcode, its RSV bits, its payload, the size of that, and its own size on the wire. None, and
    nothing has changed, if that is not what is there.

    masked: whether the peer must mask. limit: of the payload in bytes. rsv: the RSV bits (5.2) that
    the frame may have, as in its first byte shifted to the right by four.
    tally: what counts it, if anything does.
    The payload of a text without them is a str, else bytes.
    """
    cdef ff_header header
    cdef Chunk chunk
    cdef const uint8_t *data = <const uint8_t *>PyByteArray_AS_STRING(buffer)
    cdef size_t length = PyByteArray_GET_SIZE(buffer)
    if (
        not _is_whole_message(data, length, masked, most(limit), rsv, &header)
        or header.payload_length > length - header.size
    ):
        return None
    chunk = whole_chunk(data, &header)
    if header.opcode == FF_OPCODE_TEXT and header.rsv == 0:
        try:
            payload = whole_text(kernels(), &chunk)
        except UnicodeDecodeError:
            return None
    else:
        payload = chunk_bytes(kernels(), &chunk)
    del buffer[:header.size + chunk.length]
    count_received(tally, &header, payload)
    return header.opcode, header.rsv, payload, chunk.length, header.size + chunk.length


def message_frame(message, bint text, bint masked, Tally tally=None):
    """The frame of a message, a str or bytes, and the size of its payload. text: its opcode. tally:
    as for `take_frame`.

    UnicodeEncodeError for a surrogate.
    """
    cdef ff_header header
    cdef OutboundPayload payload
    _encoded = None  # outlives the payload
    if PyBytes_CheckExact(message):
        payload = bytes_payload(PyBytes_AS_STRING(message), PyBytes_GET_SIZE(message))
    else:
        _encoded = text_payload(kernels(), <str?>message, &payload)
    header.opcode = FF_OPCODE_TEXT if text else FF_OPCODE_BINARY
    header.fin = True
    header.rsv = 0
    header.masked = masked
    if masked:
        keys = <KeyPool>_keys
        with cython.critical_section(keys):
            keys.take(header.masking_key)
    frame = frame_bytes(kernels(), &header, &payload)
    count_sent(tally, &header)
    return frame, payload.size


cdef class AsciiBytes:
    """The characters of a str, all of them ASCII, as a buffer that may be read."""

    cdef str _text

    def __cinit__(self, str text not None):
        if not PyUnicode_IS_COMPACT_ASCII(text):
            raise ValueError("not a text of ASCII characters")
        self._text = text

    def __len__(self):
        return len(self._text)

    def __getbuffer__(self, Py_buffer *view, int flags):
        PyBuffer_FillInfo(
            view, self, PyUnicode_DATA(self._text), len(self._text), True, flags
        )


def frame_apart(message, bint text, Tally tally=None):
    """The header of a message that is not masked, and a buffer with its payload, which is not
    copied. None if it is short, or a str that must be encoded."""
    cdef ff_header header
    cdef uint8_t header_bytes[FF_MAX_HEADER]
    if len(message) < WRITTEN_APART:
        return None
    payload = message
    if not PyBytes_CheckExact(message):
        if not PyUnicode_IS_COMPACT_ASCII(<str?>message):
            return None
        payload = AsciiBytes(message)
    header.opcode = FF_OPCODE_TEXT if text else FF_OPCODE_BINARY
    header.fin = True
    header.rsv = 0
    header.masked = False
    header.payload_length = len(message)
    write_header(&header, header_bytes)
    count_sent(tally, &header)
    return header_bytes[:header.size], payload


@cython.no_gc  # what it has is part of no cycle, and nobody finds it before it is complete
cdef class Gathering:
    """The memory of a payload that is still arriving: a buffer to be filled, as it is on the wire.
    It grows with what has come: a peer that only says how much it will send gets little."""

    cdef readonly uint8_t opcode, rsv
    cdef readonly Py_ssize_t header_size, length  # length: of the payload in bytes
    cdef object _memory     # bytes, or a str of ASCII characters, that nobody else has
    cdef uint8_t *_start
    cdef Py_ssize_t _room, _views
    cdef uint8_t _key[4]
    cdef bint _masked, _text
    cdef ff_header _header

    def __cinit__(self):
        self._release()

    cdef int _release(self) except -1:
        self._memory, self._room = b"", 0
        self._start = <uint8_t *>PyBytes_AS_STRING(self._memory)
        return 0

    def __getbuffer__(self, Py_buffer *view, int flags):
        PyBuffer_FillInfo(view, self, self._start, self._room, False, flags)
        self._views += 1

    def __releasebuffer__(self, Py_buffer *view):
        self._views -= 1

    def grow(self, Py_ssize_t present):
        """How many bytes there is room for now. present: how many have come."""
        cdef Py_ssize_t room = self.length
        cdef Py_ssize_t had = self._room
        if self._views:
            raise BufferError("the memory of a payload must not grow while it is in use")
        if present < self.length >> GATHERED_PART_BITS:
            room = max(present, MIN_GATHERED) << GATHERED_PART_BITS
            room = min(room, self.length)
        if room == self.length and self._text:
            memory = ff_owned(ff_new_str(room, 127))
            start = <uint8_t *>PyUnicode_DATA(memory)
        else:
            memory = ff_owned(ff_new_bytes(NULL, room))
            start = <uint8_t *>PyBytes_AS_STRING(memory)
        memcpy(start, self._start, min(had, room))
        self._memory, self._start, self._room = memory, start, room
        return room

    def payload(self):
        """Once all of it is there: bytes, or of a text a str, but bytes if it is not UTF-8. It is
        empty then, unless somebody still looks at it."""
        cdef Chunk chunk
        cdef const ff_kernels *table = kernels()
        memory = self._memory
        if self._room != self.length:
            raise ValueError("the payload is not complete")
        chunk.data, chunk.length, chunk.masked = self._start, self.length, self._masked
        memcpy(chunk.key, self._key, 4)
        if self._views == 0:  # nobody sees it change
            is_ascii = self._unmask(table)
            self._release()
            if is_ascii or not self._text:
                return memory if self.length or not self._text else ""
            chunk.masked = False
            memset(chunk.key, 0, 4)
        if self._text:
            try:
                return whole_text(table, &chunk)
            except UnicodeDecodeError:
                pass
        return chunk_bytes(table, &chunk)

    def count(self, Tally tally, payload):
        """That it is complete. payload: what `payload` has returned."""
        count_received(tally, &self._header, payload)

    cdef bint _unmask(self, const ff_kernels *table) noexcept:
        """In place. True if it is ASCII."""
        cdef uint8_t unmasked[4]
        cdef uint8_t *block
        cdef size_t start = 0, length = self.length, size
        cdef bint ascii = self._text
        memset(unmasked, 0, 4)
        while start < length:  # by blocks that stay in the cache for both
            block, size = self._start + start, min(length - start, <size_t>ASCII_BLOCK)
            if self._masked:
                table.mask(block, block, size, self._key)
            ascii = ascii and table.mask_ascii(block, block, size, unmasked)
            start += size
        return ascii


def begun_frame(bytearray buffer not None, bint masked, limit, uint8_t rsv):
    """A frame that `take_frame` will take once all of it is there, as a Gathering. None if it will
    not, or if its header is cut."""
    cdef Gathering found
    cdef ff_header header
    if not _is_whole_message(
        <const uint8_t *>PyByteArray_AS_STRING(buffer), PyByteArray_GET_SIZE(buffer),
        masked, most(limit), rsv, &header
    ):
        return None
    found = Gathering.__new__(Gathering)
    found._header = header
    found.opcode, found.rsv = header.opcode, header.rsv
    found.header_size, found.length = header.size, header.payload_length
    found._masked = header.masked
    found._text = header.opcode == FF_OPCODE_TEXT and header.rsv == 0
    memset(found._key, 0, 4)
    if header.masked:
        memcpy(found._key, header.masking_key, 4)
    return found


def frame_in(bytes data not None, bint masked, limit, bint validate, Tally tally=None):
    """A text or binary message that is one frame, at the start of `data`: its opcode, its payload
    as bytes, and its size on the wire; else None. validate: a text must be UTF-8."""
    cdef ff_header header
    cdef Chunk chunk
    cdef ff_utf8 state
    cdef const uint8_t *start = <const uint8_t *>PyBytes_AS_STRING(data)
    cdef size_t length = PyBytes_GET_SIZE(data)
    cdef const ff_kernels *table
    if (
        not ff_header_of_whole_message(start, length, FF_SERVER if masked else FF_CLIENT, &header)
        or header.payload_length > most(limit)
    ):
        return None
    table = kernels()
    chunk = whole_chunk(start, &header)
    payload = chunk_bytes(table, &chunk)
    if validate and header.opcode == FF_OPCODE_TEXT:
        state = ff_utf8_start()
        if not table.utf8_feed(
            &state, <const uint8_t *>PyBytes_AS_STRING(payload), chunk.length
        ) or not ff_utf8_complete(&state):
            return None
    count_received(tally, &header, payload)
    return header.opcode, payload, header.size + chunk.length


def text_of(bytes data not None):
    """A str. UnicodeDecodeError, which CPython's own decoder raises."""
    cdef Chunk chunk = unmasked_chunk(data)
    return whole_text(kernels(), &chunk)


def masked_text(bytes data not None, bytes key not None):
    """The same of a payload as it is on the wire. key: four bytes."""
    cdef Chunk chunk = unmasked_chunk(data)
    if PyBytes_GET_SIZE(key) != 4:
        raise ValueError("a masking key has four bytes")
    memcpy(chunk.key, PyBytes_AS_STRING(key), 4)
    chunk.masked = True
    return whole_text(kernels(), &chunk)
