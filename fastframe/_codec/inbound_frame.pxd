# Where a Decoder is in the stream: the frame whose payload arrives, the message it belongs to, and
# the limits of both (RFC 6455, 5.2, 5.4 and 10.4). A struct and functions on it, so that the
# Decoder's fast path costs no indirection.
from libc.stdint cimport uint8_t, uint64_t

from fastframe._codec.capi cimport (
    FF_ERR_CONTINUATION_EXPECTED, FF_ERR_CONTINUATION_UNEXPECTED, FF_ERR_FRAME_TOO_BIG,
    FF_ERR_MESSAGE_TOO_BIG,
    FF_ERR_HANDSHAKE, FF_ERR_TOO_MANY_FRAGMENTS, FF_NEED_DATA, FF_OK, FF_OPCODE_BINARY,
    FF_OPCODE_CONTINUATION, FF_OPCODE_TEXT, FF_RSV1,
    ff_header, ff_header_check, ff_header_parse, ff_masking_key_rotate, ff_opcode_is_control,
    ff_role, ff_status,
    ff_status_is_of_extended_length,
)
from fastframe._codec.checks cimport raise_status
from fastframe._codec.chunk cimport Chunk
from fastframe._codec.receive_buffer cimport ReceiveBuffer

cdef enum:
    # the opcode of the open message while there is none; TEXT and BINARY are 1 and 2
    NO_MESSAGE = 0
    # What DEFLATE may add to a message that it cannot make smaller: 5 bytes for each block that it
    # leaves as it is (RFC 1951, 3.2.4). Blocks of 16 KiB are usual, and of 2 KiB where a peer
    # spares memory (memLevel 5, the default of websockets), so a byte for 256 is enough. And for
    # each frame 5 for its last block, and up to 6 for the empty one that ends it, where a peer
    # flushes each frame.
    WIRE_SHARE_BITS = 8
    FRAME_COST = 11


cdef struct Limits:
    uint64_t message_size
    uint64_t frame_size
    uint64_t fragments


cdef struct InboundFrame:
    ff_header header
    size_t payload_consumed     # of this frame
    # The message that is open, from its first to its last fragment.
    uint8_t opcode
    uint64_t fragments
    uint64_t message_size       # of all payloads that the headers so far have announced
    bint compressed


cdef inline void forget_message(InboundFrame *frame) noexcept:
    frame.opcode = NO_MESSAGE
    frame.fragments = 0
    frame.message_size = 0
    frame.compressed = False


# Reads the next header, checks it, and consumes it. False if it is not complete; refuses as early
# as it can.
#
# A header that breaks several rules is refused for the same one however it is cut: what two bytes
# tell comes first.
cdef inline bint read_header(
    InboundFrame *frame, ReceiveBuffer buffer, ff_role receiver, bint deflate, const Limits *limits
) except -1:
    cdef ff_status status
    while True:
        status = ff_header_parse(buffer.data, buffer.length, &frame.header)
        if status > FF_NEED_DATA and not ff_status_is_of_extended_length(status):
            raise_status(FF_ERR_HANDSHAKE if looks_like_http(buffer) else status)
        if buffer.length >= 2:
            raise_status(ff_header_check(&frame.header, receiver, rsv_allowed(frame, deflate)))
            raise_status(check_order(frame))
        if status > FF_NEED_DATA:
            raise_status(status)
        if frame.header.size:
            raise_status(check_limits(frame, limits))
        if status == FF_OK:
            begin_payload(frame, buffer)
            return True
        if not buffer.materialize():
            return False


# "GE" of a request or "HT" of a response, which a program has fed before the frames. Neither is
# ever a header: the opcode of the first is reserved, and the second is a Close frame that is
# fragmented. Two bytes decide, as for any other broken rule.
cdef inline bint looks_like_http(ReceiveBuffer buffer) noexcept:
    return buffer.length >= 2 and (
        (buffer.data[0] == c"G" and buffer.data[1] == c"E")
        or (buffer.data[0] == c"H" and buffer.data[1] == c"T")
    )


# RSV1 says that a message is compressed, on its first frame only (RFC 7692, 6).
cdef inline uint8_t rsv_allowed(const InboundFrame *frame, bint deflate) noexcept:
    return FF_RSV1 if deflate and frame.header.opcode in (FF_OPCODE_TEXT, FF_OPCODE_BINARY) else 0


cdef inline ff_status check_order(const InboundFrame *frame) noexcept:
    if ff_opcode_is_control(frame.header.opcode):
        return FF_OK
    if frame.header.opcode == FF_OPCODE_CONTINUATION:
        return FF_ERR_CONTINUATION_UNEXPECTED if frame.opcode == NO_MESSAGE else FF_OK
    return FF_OK if frame.opcode == NO_MESSAGE else FF_ERR_CONTINUATION_EXPECTED


# The limits are for what a message is. Compressed it may be a little longer, on the wire.
cdef inline uint64_t most_on_the_wire(uint64_t size, uint64_t frames) noexcept:
    return size + (size >> WIRE_SHARE_BITS) + frames * FRAME_COST


cdef inline ff_status check_limits(const InboundFrame *frame, const Limits *limits) noexcept:
    cdef uint64_t frame_size = limits.frame_size, message_size = limits.message_size
    if ff_opcode_is_control(frame.header.opcode):
        return FF_OK  # 125 bytes at most, and they belong to no message
    if frame.header.rsv == FF_RSV1 or (
        frame.compressed and frame.header.opcode == FF_OPCODE_CONTINUATION
    ):
        frame_size = most_on_the_wire(frame_size, 1)
        message_size = most_on_the_wire(message_size, frame.fragments + 1)
    if frame.header.payload_length > frame_size:
        return (
            FF_ERR_FRAME_TOO_BIG if limits.frame_size != limits.message_size
            else FF_ERR_MESSAGE_TOO_BIG
        )
    if frame.header.payload_length > message_size - frame.message_size:
        return FF_ERR_MESSAGE_TOO_BIG
    if frame.fragments == limits.fragments:
        return FF_ERR_TOO_MANY_FRAGMENTS
    return FF_OK


cdef inline void begin_payload(InboundFrame *frame, ReceiveBuffer buffer) noexcept:
    buffer.consume(frame.header.size)
    frame.payload_consumed = 0
    if not ff_opcode_is_control(frame.header.opcode):
        frame.message_size += frame.header.payload_length
        frame.fragments += 1
        if frame.header.opcode != FF_OPCODE_CONTINUATION:
            frame.opcode = frame.header.opcode
            frame.compressed = frame.header.rsv == FF_RSV1


# The next `length` bytes of the payload, at `data`; they count as consumed.
cdef inline Chunk chunk_at(InboundFrame *frame, const uint8_t *data, size_t length) noexcept:
    cdef Chunk chunk
    chunk.data = data
    chunk.length = length
    chunk.masked = frame.header.masked
    ff_masking_key_rotate(chunk.key, frame.header.masking_key, frame.payload_consumed)
    frame.payload_consumed += length
    return chunk


# The next `length` buffered bytes of the payload, which are consumed: they stay where they are
# until the buffer is fed again.
cdef inline Chunk take_chunk(InboundFrame *frame, ReceiveBuffer buffer, size_t length) noexcept:
    cdef Chunk chunk = chunk_at(frame, buffer.data, length)
    buffer.consume(length)
    return chunk


# The whole message is one frame, and all of its payload is buffered.
cdef inline bint is_whole_message(const InboundFrame *frame, ReceiveBuffer buffer) noexcept:
    return (
        frame.fragments == 1
        and frame.header.fin
        and frame.payload_consumed == 0
        and buffer.length >= frame.header.payload_length
    )
