# Payload as it arrives: a chunk is the part of a frame's payload that is buffered, still masked.
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t
from libc.string cimport memcpy, memset

from fastframe._codec.capi cimport ff_header, ff_kernels
from fastframe._cpython.owned cimport PyObject, ff_bytes_data, ff_new_bytes, ff_owned


# A run of payload bytes as it is on the wire.
cdef struct Chunk:
    const uint8_t *data
    size_t length
    bint masked
    uint8_t key[4]   # as it applies to the first byte of `data`; zeros if it is not masked


# The payload of a frame that is buffered as a whole; its header is at `data`.
cdef inline Chunk whole_chunk(const uint8_t *data, const ff_header *header) noexcept:
    cdef Chunk chunk
    chunk.data = data + header.size
    chunk.length = <size_t>header.payload_length
    chunk.masked = header.masked
    memcpy(chunk.key, header.masking_key, 4)
    return chunk


# Bytes that are unmasked already, or never were masked; they must outlive the chunk.
cdef inline Chunk unmasked_chunk(bytes data) noexcept:
    cdef Chunk chunk
    chunk.data = <const uint8_t *>PyBytes_AS_STRING(data)
    chunk.length = PyBytes_GET_SIZE(data)
    chunk.masked = False
    memset(chunk.key, 0, 4)
    return chunk


cdef inline void chunk_copy(const ff_kernels *kernels, const Chunk *chunk, uint8_t *out) noexcept:
    if chunk.masked:
        kernels.mask(out, chunk.data, chunk.length, chunk.key)
    else:
        memcpy(out, chunk.data, chunk.length)


cdef inline PyObject *new_chunk_bytes(const ff_kernels *kernels, const Chunk *chunk) except NULL:
    cdef PyObject *payload = ff_new_bytes(NULL, chunk.length)
    chunk_copy(kernels, chunk, <uint8_t *>ff_bytes_data(payload))
    return payload


cdef inline bytes chunk_bytes(const ff_kernels *kernels, const Chunk *chunk):
    return <bytes>ff_owned(new_chunk_bytes(kernels, chunk))


# The same with what ends each compressed message and is not on the wire (RFC 7692, 7.2.2).
cdef enum:
    DEFLATE_TAIL_SIZE = 4

cdef inline bytes chunk_bytes_and_deflate_tail(const ff_kernels *kernels, const Chunk *chunk):
    payload = PyBytes_FromStringAndSize(NULL, chunk.length + DEFLATE_TAIL_SIZE)
    chunk_copy(kernels, chunk, <uint8_t *>PyBytes_AS_STRING(payload))
    memcpy(PyBytes_AS_STRING(payload) + chunk.length, b"\x00\x00\xff\xff", DEFLATE_TAIL_SIZE)
    return payload
