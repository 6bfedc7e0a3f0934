# C's names, unchanged, and nothing more: src_c/fastframe.h has the contracts.
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t


cdef extern from "fastframe.h" nogil:
    ctypedef enum ff_status:
        FF_OK
        FF_NEED_DATA
        FF_ERR_RSV
        FF_ERR_OPCODE
        FF_ERR_CONTROL_FRAGMENTED
        FF_ERR_CONTROL_LENGTH
        FF_ERR_LENGTH_16_NOT_MINIMAL
        FF_ERR_LENGTH_64_NOT_MINIMAL
        FF_ERR_LENGTH_TOP_BIT
        FF_ERR_MASKED
        FF_ERR_UNMASKED
        FF_ERR_CONTINUATION_UNEXPECTED
        FF_ERR_CONTINUATION_EXPECTED
        FF_ERR_CLOSE_LENGTH
        FF_ERR_CLOSE_CODE
        FF_ERR_CLOSE_UTF8
        FF_ERR_TEXT_UTF8
        FF_ERR_DEFLATE
        FF_ERR_FRAME_TOO_BIG
        FF_ERR_MESSAGE_TOO_BIG
        FF_ERR_TOO_MANY_FRAGMENTS
        FF_ERR_HANDSHAKE
        FF_STATUS_COUNT

    const char *ff_status_text(ff_status status)
    const char *ff_status_rule(ff_status status)
    uint16_t ff_status_close_code(ff_status status)

    cdef enum:
        FF_OPCODE_CONTINUATION
        FF_OPCODE_TEXT
        FF_OPCODE_BINARY
        FF_OPCODE_CLOSE
        FF_OPCODE_PING
        FF_OPCODE_PONG
        FF_RSV1
        FF_RSV2
        FF_RSV3
        FF_MAX_HEADER
        FF_MAX_CONTROL_PAYLOAD
        FF_MASKING_KEY_SIZE
        FF_CLOSE_NO_STATUS

    ctypedef enum ff_role:
        FF_CLIENT
        FF_SERVER

    ctypedef struct ff_header:
        uint64_t payload_length
        uint8_t masking_key[4]
        uint8_t opcode
        uint8_t rsv
        uint8_t size
        bint fin
        bint masked

    bint ff_opcode_is_control(uint8_t opcode)
    bint ff_status_is_of_extended_length(ff_status status)
    ff_status ff_header_parse(const uint8_t *data, size_t length, ff_header *header)
    ff_status ff_header_check(const ff_header *header, ff_role receiver, uint8_t rsv_allowed)
    bint ff_header_of_whole_message(
        const uint8_t *data, size_t length, ff_role receiver, ff_header *header
    )
    ff_status ff_header_write(ff_header *header, uint8_t *out)

    ctypedef struct ff_utf8:
        uint8_t missing
        uint8_t low
        uint8_t high

    ff_utf8 ff_utf8_start()
    bint ff_utf8_complete(const ff_utf8 *state)

    ctypedef struct ff_text:
        size_t characters
        uint8_t largest_byte

    size_t ff_utf8_cut(const uint8_t *data, size_t length)

    ctypedef struct ff_kernels:
        const char *name
        void (*mask)(uint8_t *dst, const uint8_t *src, size_t length, const uint8_t *key)
        bint (*mask_ascii)(uint8_t *dst, const uint8_t *src, size_t length, const uint8_t *key)
        bint (*utf8_feed)(ff_utf8 *state, const uint8_t *data, size_t length)
        bint (*utf8_unmask)(
            uint8_t *dst, const uint8_t *src, size_t length, const uint8_t *key, ff_text *text
        )
        void (*utf8_to_latin1)(
            uint8_t *dst, const uint8_t *data, size_t length, const ff_text *text
        )
        void (*utf8_to_ucs2)(uint8_t *dst, const uint8_t *data, size_t length, const ff_text *text)
        void (*utf8_to_ucs4)(uint8_t *dst, const uint8_t *data, size_t length, const ff_text *text)
        size_t (*utf8_size)(const void *characters, size_t count, unsigned width)
        void (*utf8_from)(
            uint8_t *dst, size_t size, const void *characters, size_t count, unsigned width
        )
        bint text_is_fast

    cdef enum:
        FF_PADDING

    const ff_kernels *ff_kernels_active()
    bint ff_kernels_select(const char *name)
    const ff_kernels *ff_kernels_at(size_t i)
    void ff_masking_key_rotate(uint8_t *rotated, const uint8_t *key, uint64_t offset)

    const char *FF_CLOSE_CODES_TO_SEND
    bint ff_close_code_is_valid(uint32_t code)
    ff_status ff_close_parse(
        const ff_kernels *kernels, const uint8_t *payload, size_t length, uint16_t *code
    )
