# Frames, ready for the wire: for Encoder, and for the classes in wsproto's shape.
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_AsUTF8String
from libc.stdint cimport uint8_t
from libc.string cimport memcpy

from fastframe._codec.capi cimport (
    FF_MAX_HEADER, FF_OK, ff_header, ff_header_write, ff_kernels, ff_status, ff_status_text,
)
from fastframe._cpython.owned cimport PyObject, ff_bytes_data, ff_new_bytes, ff_owned

cdef extern from *:
    """
    /* A str made by the old C API of Python 3.11 and older has no characters to look at before
    this. */
    #if PY_VERSION_HEX >= 0x030C0000
    #define ff_ready(text) 0
    #else
    #define ff_ready(text) PyUnicode_READY(text)
    #endif
    """
    int ff_ready(object text) except -1


cdef extern from "Python.h":
    const size_t SIZE_MAX
    bint PyUnicode_IS_COMPACT_ASCII(object text)
    void *PyUnicode_DATA(object text)
    int PyUnicode_KIND(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)


# What a frame carries: `size` bytes on the wire, from the bytes or the characters of an object that
# outlives it.
cdef struct OutboundPayload:
    const void *data
    size_t size
    size_t characters   # how many, each of `width` bytes
    unsigned width      # 1, 2 or 4; 0 if `data` are the bytes themselves


cdef inline OutboundPayload bytes_payload(const void *data, size_t size) noexcept:
    cdef OutboundPayload payload
    payload.data = data
    payload.size = size
    payload.characters = 0
    payload.width = 0
    return payload


# A str as UTF-8, without a bytes object in between where the kernels are faster; then the text must
# outlive the payload. Else returns the bytes that must. UnicodeEncodeError for a surrogate, from
# CPython's own encoder.
cdef inline object text_payload(const ff_kernels *kernels, object text, OutboundPayload *payload):
    ff_ready(text)
    if PyUnicode_IS_COMPACT_ASCII(text):
        payload[0] = bytes_payload(PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text))
        return None
    if kernels.text_is_fast:
        payload.data = PyUnicode_DATA(text)
        payload.characters = PyUnicode_GET_LENGTH(text)
        payload.width = PyUnicode_KIND(text)
        payload.size = kernels.utf8_size(payload.data, payload.characters, payload.width)
        if payload.size != SIZE_MAX:
            return None
    encoded = PyUnicode_AsUTF8String(text)
    payload[0] = bytes_payload(PyBytes_AS_STRING(encoded), PyBytes_GET_SIZE(encoded))
    return encoded


cdef inline void write_payload(
    const ff_kernels *kernels, const OutboundPayload *payload, uint8_t *out
) noexcept:
    if payload.width:
        kernels.utf8_from(out, payload.size, payload.data, payload.characters, payload.width)
    else:
        memcpy(out, payload.data, payload.size)


cdef inline bytes payload_bytes(const ff_kernels *kernels, const OutboundPayload *payload):
    cdef PyObject *content = ff_new_bytes(NULL, payload.size)
    write_payload(kernels, payload, <uint8_t *>ff_bytes_data(content))
    return <bytes>ff_owned(content)


cdef inline int write_header(ff_header *header, uint8_t *out) except -1:
    cdef ff_status status = ff_header_write(header, out)
    if status != FF_OK:
        raise ValueError(ff_status_text(status).decode("ascii"))
    return 0


cdef inline void fill_frame(
    const ff_kernels *kernels, const ff_header *header, const uint8_t *header_bytes,
    const OutboundPayload *payload, uint8_t *out
) noexcept:
    memcpy(out, header_bytes, header.size)
    out += header.size
    if header.masked and payload.width == 0:
        kernels.mask(out, <const uint8_t *>payload.data, payload.size, header.masking_key)
        return
    write_payload(kernels, payload, out)
    if header.masked:
        kernels.mask(out, out, payload.size, header.masking_key)


# These take a header without its sizes. ValueError for a header that must not be on the wire.
cdef inline bytes frame_bytes(
    const ff_kernels *kernels, ff_header *header, const OutboundPayload *payload
):
    return <bytes>ff_owned(new_frame_bytes(kernels, header, payload))


cdef inline PyObject *new_frame_bytes(
    const ff_kernels *kernels, ff_header *header, const OutboundPayload *payload
) except NULL:
    cdef uint8_t header_bytes[FF_MAX_HEADER]
    cdef PyObject *frame
    header.payload_length = payload.size
    write_header(header, header_bytes)
    frame = ff_new_bytes(NULL, header.size + payload.size)
    fill_frame(kernels, header, header_bytes, payload, <uint8_t *>ff_bytes_data(frame))
    return frame


cdef inline bytearray frame_bytearray(
    const ff_kernels *kernels, ff_header *header, const OutboundPayload *payload
):
    cdef uint8_t header_bytes[FF_MAX_HEADER]
    header.payload_length = payload.size
    write_header(header, header_bytes)
    frame = PyByteArray_FromStringAndSize(NULL, header.size + payload.size)
    fill_frame(kernels, header, header_bytes, payload, <uint8_t *>PyByteArray_AS_STRING(frame))
    return frame
