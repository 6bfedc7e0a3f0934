# cython: language_level=3
"""The headers of captured frames (RFC 6455, 5.2), without their payloads: as rows of a NumPy table,
and as tuples for a stream that comes in pieces.

Payloads are skipped, not read: the time is that of the headers.
"""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy

from fastframe._codec.buffers cimport FF_BYTES_LIKE, ff_get_buffer
from fastframe._codec.capi cimport (
    FF_MASKING_KEY_SIZE, FF_MAX_HEADER, FF_NEED_DATA, FF_OK, FF_OPCODE_CONTINUATION, FF_RSV1,
    ff_header, ff_header_parse, ff_opcode_is_control, ff_status,
)
from fastframe._codec.checks cimport protocol_error
from fastframe._cpython.turns cimport begin_call, end_call, ff_callers_turn


# ---- a table of all frames -----------------------------------------------------------------------

cdef enum:
    ROW_SIZE = 25

# A row as frame_index.COLUMNS describes it: no padding, and numbers in the machine's byte order.
cdef inline void write_row(uint8_t *row, uint64_t offset, const ff_header *header) noexcept:
    memcpy(row, &offset, 8)
    row[8] = header.size
    memcpy(row + 9, &header.payload_length, 8)
    row[17] = header.opcode
    row[18] = header.fin
    row[19] = header.rsv
    row[20] = header.masked
    memcpy(row + 21, header.masking_key, FF_MASKING_KEY_SIZE)


# Writes a row for each frame, at most `room` of them, or only counts if `rows` is NULL. `offset` is
# where it stopped: at the end of `data`, at a header that is cut off, or at one that is refused.
cdef uint64_t scan(
    const uint8_t *data, uint64_t length, uint8_t *rows, uint64_t room, uint64_t *offset,
    ff_status *status
) noexcept:
    cdef ff_header header
    cdef uint64_t count = 0
    offset[0] = 0
    status[0] = FF_OK
    while offset[0] < length and count < room:
        status[0] = ff_header_parse(data + offset[0], length - offset[0], &header)
        if status[0] != FF_OK:
            break
        if rows != NULL:
            write_row(rows + count * ROW_SIZE, offset[0], &header)
        count += 1
        if header.payload_length >= length - offset[0]:
            break  # the payload is cut off, or the last one
        offset[0] += header.size + header.payload_length
    return count


def count_frames(data):
    """How many rows `fill_table` makes of `data`, contiguous bytes-like.

    TypeError for anything else. ProtocolError, with the offset in its reason, for a header that no
    frame may have.
    """
    cdef Py_buffer view
    cdef uint64_t offset, count
    cdef ff_status status
    ff_get_buffer(data, &view, PyBUF_SIMPLE, "data", FF_BYTES_LIKE)
    count = scan(<const uint8_t *>view.buf, view.len, NULL, <uint64_t>-1, &offset, &status)
    PyBuffer_Release(&view)
    if status > FF_NEED_DATA:
        error = protocol_error(status)
        raise type(error)(error.code, f"at offset {offset}: {error.reason}")
    return count


def fill_table(data, table):
    """Writes a row for each frame of `data` into `table`, writable and contiguous; returns how many
    rows were written.

    It stops where `table` is full, so `data` may have changed since it was counted.
    """
    cdef Py_buffer view, rows
    cdef uint64_t offset, count
    cdef ff_status status
    ff_get_buffer(data, &view, PyBUF_SIMPLE, "data", FF_BYTES_LIKE)
    try:
        ff_get_buffer(table, &rows, PyBUF_SIMPLE | PyBUF_WRITABLE, "table", FF_BYTES_LIKE)
    except BaseException:
        PyBuffer_Release(&view)
        raise
    count = scan(
        <const uint8_t *>view.buf, view.len, <uint8_t *>rows.buf, rows.len // ROW_SIZE, &offset,
        &status,
    )
    PyBuffer_Release(&rows)
    PyBuffer_Release(&view)
    return count


# ---- a stream that comes in pieces ---------------------------------------------------------------

@cython.final
cdef class FrameHeaders:
    """FrameHeaders()\n--\n\nThe headers of one direction of a connection, which comes in pieces cut
    anywhere.

    Nothing is judged but the header by itself: neither masking nor RSV bits nor the order of
    frames. InvalidState for a call in the middle of another one.

    >>> headers = FrameHeaders()
    >>> headers.feed(b"\\x81\\x05hel"), headers.feed(b"lo\\x89")
    ([], [(0, 2, 5, 1, True, 0, False)])
    >>> headers.unfinished, headers.missing
    (7, None)
    """

    cdef ff_callers_turn _turn
    cdef ff_header _header          # of the frame whose payload arrives
    cdef uint64_t _position         # how many bytes came
    cdef uint64_t _header_offset
    cdef uint64_t _remaining        # of its payload
    cdef bint _in_payload
    cdef bint _stopped
    cdef uint8_t _cut[FF_MAX_HEADER]  # a header that is not complete yet
    cdef size_t _cut_length
    cdef bint _message_open
    cdef bint _compressed
    cdef uint64_t _message_offset
    cdef bint _only_control
    cdef uint64_t _frames
    cdef uint64_t _data_bytes

    def feed(self, bytes data not None, bint only_control=False):
        """The frames whose last byte is in `data`, as tuples: offset of the header in the stream,
        size of the header, payload length, opcode, FIN, RSV bits (RSV1 is 4), masked.

        only_control: leave out all but control frames; the others are only counted. From a header
        on that no frame may have, nothing more comes.
        """
        rows = []
        begin_call(&self._turn)
        self._only_control = only_control
        try:
            self._feed(<const uint8_t *>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), rows)
        finally:
            end_call(&self._turn)
        return rows

    cdef int _feed(self, const uint8_t *data, size_t length, list rows) except -1:
        cdef size_t i = 0, step
        while i < length and not self._stopped:
            if self._in_payload:
                step = <size_t>min(self._remaining, <uint64_t>(length - i))
                self._remaining -= step
            elif self._cut_length:
                step = self._complete_header(data + i, length - i)
            else:
                step = self._whole_header(data + i, length - i, self._position + i)
            i += step
            if self._in_payload and self._remaining == 0:
                self._end_frame(rows)
        self._position += length
        return 0

    # Both return how many bytes were used.
    cdef size_t _whole_header(self, const uint8_t *data, size_t length, uint64_t offset) noexcept:
        self._header_offset = offset
        if self._parse(data, length):
            return self._header.size
        self._cut_length = min(length, <size_t>FF_MAX_HEADER)
        memcpy(self._cut, data, self._cut_length)
        return length

    cdef size_t _complete_header(self, const uint8_t *data, size_t length) noexcept:
        cdef size_t before = self._cut_length
        cdef size_t more = min(length, <size_t>FF_MAX_HEADER - before)
        memcpy(self._cut + before, data, more)
        if self._parse(self._cut, before + more):
            self._cut_length = 0
            return self._header.size - before
        self._cut_length += more
        return length

    cdef bint _parse(self, const uint8_t *data, size_t length) noexcept:
        cdef ff_status status = ff_header_parse(data, length, &self._header)
        if status != FF_OK:
            self._stopped = status != FF_NEED_DATA
            return False
        self._in_payload = True
        self._remaining = self._header.payload_length
        if not ff_opcode_is_control(self._header.opcode):
            if self._header.opcode != FF_OPCODE_CONTINUATION or not self._message_open:
                self._message_offset = self._header_offset
                self._compressed = self._header.rsv & FF_RSV1 != 0
            self._message_open = True
        return True

    cdef int _end_frame(self, list rows) except -1:
        cdef ff_header *header = &self._header
        self._in_payload = False
        self._frames += 1
        if not ff_opcode_is_control(header.opcode):
            self._data_bytes += header.payload_length
            if header.fin:
                self._message_open = False
            if self._only_control:
                return 0
        rows.append((
            self._header_offset, header.size, header.payload_length, header.opcode,
            <bint>header.fin, header.rsv, <bint>header.masked,
        ))
        return 0

    @property
    def frames(self):
        """How many frames are complete."""
        return self._frames

    @property
    def data_bytes(self):
        """Of the payloads of all complete frames but control frames."""
        return self._data_bytes

    @property
    def unfinished(self):
        """The offset of a frame that is not complete yet, or of the header that is refused; None
        between two frames."""
        return self._header_offset if self._in_payload or self._cut_length else None

    @property
    def missing(self):
        """How many bytes of the payload of that frame are missing; None without such a frame, and
        while its header is not complete."""
        return self._remaining if self._in_payload else None

    @property
    def boundary(self):
        """Up to here the stream consists of whole messages and control frames."""
        if self._message_open:
            return self._message_offset
        return self._header_offset if self._in_payload or self._cut_length else self._position

    @property
    def compressed(self):
        """True if the message that is open has RSV1, the bit of permessage-deflate (RFC 7692,
        6)."""
        return self._message_open and self._compressed

    @property
    def stopped(self):
        """True from a header on that no frame may have."""
        return self._stopped
