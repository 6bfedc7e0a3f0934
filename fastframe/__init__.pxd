# fastframe for other extension modules in Cython: `from fastframe cimport ff_api, ff_import`, and
# once `cdef const ff_api *ff = ff_import()`.
#
# The contracts are in fastframe.h and fastframe_api.h, in the folder that `fastframe.get_include()`
# names.
from cpython.object cimport PyObject
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t


cdef extern from "fastframe_api.h":
    ctypedef enum ff_status:
        FF_OK
        FF_NEED_DATA

    ctypedef enum ff_role:
        FF_CLIENT
        FF_SERVER

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
        FF_PADDING

    ctypedef struct ff_header:
        uint64_t payload_length
        uint8_t masking_key[4]
        uint8_t opcode
        uint8_t rsv
        uint8_t size
        bint fin
        bint masked

    ctypedef struct ff_utf8:
        pass
    ff_utf8 ff_utf8_start() nogil
    bint ff_utf8_complete(const ff_utf8 *state) nogil

    ctypedef struct ff_kernels:
        const char *name
        void (*mask)(
            uint8_t *dst, const uint8_t *src, size_t length, const uint8_t *key
        ) noexcept nogil
        bint (*mask_ascii)(
            uint8_t *dst, const uint8_t *src, size_t length, const uint8_t *key
        ) noexcept nogil
        bint (*utf8_feed)(ff_utf8 *state, const uint8_t *data, size_t length) noexcept nogil

    void ff_masking_key_rotate(uint8_t *rotated, const uint8_t *key, uint64_t offset) nogil

    ctypedef struct ff_payload:
        const uint8_t *data
        size_t length
        uint8_t opcode

    ctypedef struct ff_api:
        uint32_t abi
        uint32_t size
        const ff_kernels *(*kernels)() noexcept nogil
        const char *(*status_text)(ff_status status) noexcept nogil
        uint16_t (*status_close_code)(ff_status status) noexcept nogil
        ff_status (*header_parse)(
            const uint8_t *data, size_t length, ff_header *header
        ) noexcept nogil
        ff_status (*header_check)(
            const ff_header *header, ff_role receiver, uint8_t rsv_allowed
        ) noexcept nogil
        bint (*header_of_whole_message)(
            const uint8_t *data, size_t length, ff_role receiver, ff_header *header
        ) noexcept nogil
        ff_status (*header_write)(ff_header *header, uint8_t *out) noexcept nogil
        size_t (*utf8_cut)(const uint8_t *data, size_t length) noexcept nogil
        bint (*close_code_is_valid)(uint32_t code) noexcept nogil
        ff_status (*close_parse)(
            const ff_kernels *kernels, const uint8_t *payload, size_t length, uint16_t *code
        ) noexcept nogil
        int (*decoder_feed)(object decoder, object data) except -1
        int (*decoder_feed_memory)(object decoder, const uint8_t *data, size_t length) except -1
        PyObject *(*decoder_next)(object decoder) except? NULL
        object (*encoder_message)(object encoder, object data)
        int (*decoder_next_payload)(object decoder, ff_payload *payload) except -1

    const ff_api *ff_import() except NULL
