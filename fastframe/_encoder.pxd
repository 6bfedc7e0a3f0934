# Frames, ready for the wire; for Encoder and for the classes in wsproto's shape.
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t
from libc.string cimport memcpy

from fastframe._capi cimport FF_MAX_HEADER, FF_OK, ff_header, ff_header_write, ff_kernels, ff_status, ff_status_text

cdef enum:
    POOL_SIZE = 512  # bytes: 128 keys for one system call; a larger pool gains little (10 ns a key here, 8 with 4 KiB)


cdef class KeyPool:
    cdef object _source
    cdef uint8_t _pool[POOL_SIZE]
    cdef size_t _left
    cdef unsigned long _generation

    # Writes a fresh masking key of four bytes.
    cdef int take(self, uint8_t *key) except -1
    cdef int _refill(self) except -1
    cdef int _ask_source(self, uint8_t *key) except -1


cdef extern from "Python.h":
    bint PyUnicode_IS_COMPACT_ASCII(object text)
    void *PyUnicode_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)


cdef inline int write_header(ff_header *header, uint8_t *out) except -1:
    cdef ff_status status = ff_header_write(header, out)
    if status != FF_OK:
        raise ValueError(ff_status_text(status).decode("ascii"))
    return 0


cdef inline void fill_frame(
    const ff_kernels *kernels, const ff_header *header, const uint8_t *header_bytes, const uint8_t *payload, uint8_t *out
) noexcept:
    memcpy(out, header_bytes, header.size)
    if header.masked:
        kernels.mask(out + header.size, payload, <size_t>header.payload_length, header.masking_key)
    else:
        memcpy(out + header.size, payload, <size_t>header.payload_length)


# Both take a header without its `size`, and a payload of `header.payload_length` bytes. ValueError for a header that must
# not be on the wire.
cdef inline bytes frame_bytes(const ff_kernels *kernels, ff_header *header, const uint8_t *payload):
    cdef uint8_t header_bytes[FF_MAX_HEADER]
    write_header(header, header_bytes)
    frame = PyBytes_FromStringAndSize(NULL, header.size + <Py_ssize_t>header.payload_length)
    fill_frame(kernels, header, header_bytes, payload, <uint8_t *>PyBytes_AS_STRING(frame))
    return frame


cdef inline bytearray frame_bytearray(const ff_kernels *kernels, ff_header *header, const uint8_t *payload):
    cdef uint8_t header_bytes[FF_MAX_HEADER]
    write_header(header, header_bytes)
    frame = PyByteArray_FromStringAndSize(NULL, header.size + <Py_ssize_t>header.payload_length)
    fill_frame(kernels, header, header_bytes, payload, <uint8_t *>PyByteArray_AS_STRING(frame))
    return frame
