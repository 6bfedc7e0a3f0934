# From payload on the wire to Python objects: unmask, validate, build.
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.stdint cimport uint8_t
from libc.string cimport memcpy

from fastframe._capi cimport ff_kernels


cdef extern from "Python.h":
    object PyUnicode_New(Py_ssize_t size, Py_UCS4 largest)
    void *PyUnicode_DATA(object text)
    object PyUnicode_DecodeUTF8Stateful(const char *text, Py_ssize_t size, const char *errors, Py_ssize_t *consumed)


# A run of payload bytes as it stands on the wire.
cdef struct Chunk:
    const uint8_t *data
    size_t length
    bint masked
    uint8_t key[4]   # as it applies to the first byte of `data`


# The first bytes of a character whose rest is still to come.
cdef struct CutCharacter:
    uint8_t bytes[4]
    uint8_t length


cdef inline void chunk_copy(const ff_kernels *kernels, const Chunk *chunk, uint8_t *out) noexcept:
    if chunk.masked:
        kernels.mask(out, chunk.data, chunk.length, chunk.key)
    else:
        memcpy(out, chunk.data, chunk.length)


cdef inline bytes chunk_bytes(const ff_kernels *kernels, const Chunk *chunk):
    payload = PyBytes_FromStringAndSize(NULL, chunk.length)
    chunk_copy(kernels, chunk, <uint8_t *>PyBytes_AS_STRING(payload))
    return payload


cdef enum:
    PROBE_SIZE = 64


# True if the first bytes are ASCII; so that a long text that is not costs no string in vain.
cdef inline bint looks_ascii(const ff_kernels *kernels, const Chunk *chunk) noexcept:
    cdef uint8_t probe[PROBE_SIZE]
    return kernels.mask_ascii(probe, chunk.data, min(chunk.length, <size_t>PROBE_SIZE), chunk.key)


# The text of `cut` and `chunk` up to the last complete character; what is left goes into `cut`. With `final` nothing may
# be left. Raises the UnicodeDecodeError that CPython's own decoder raises, for it is that decoder; then `cut` is unchanged.
cdef inline object chunk_text(const ff_kernels *kernels, const Chunk *chunk, CutCharacter *cut, bint final):
    cdef size_t length = cut.length + chunk.length
    cdef Py_ssize_t consumed = length
    cdef uint8_t *scratch
    if cut.length == 0 and chunk.masked and chunk.length and looks_ascii(kernels, chunk):
        text = PyUnicode_New(chunk.length, 127)
        if kernels.mask_ascii(<uint8_t *>PyUnicode_DATA(text), chunk.data, chunk.length, chunk.key):
            return text
        text = None  # it was never seen by anybody
    if cut.length == 0 and not chunk.masked:
        text = PyUnicode_DecodeUTF8Stateful(
            <const char *>chunk.data, length, NULL, NULL if final else &consumed
        )
        keep_cut_character(cut, chunk.data, length, consumed)
        return text
    scratch = <uint8_t *>PyMem_Malloc(length)
    if scratch is NULL:
        raise MemoryError
    try:
        memcpy(scratch, cut.bytes, cut.length)
        chunk_copy(kernels, chunk, scratch + cut.length)
        text = PyUnicode_DecodeUTF8Stateful(<const char *>scratch, length, NULL, NULL if final else &consumed)
        keep_cut_character(cut, scratch, length, consumed)
        return text
    finally:
        PyMem_Free(scratch)


cdef inline void keep_cut_character(
    CutCharacter *cut, const uint8_t *data, size_t length, size_t consumed
) noexcept:
    cut.length = <uint8_t>(length - consumed)
    memcpy(cut.bytes, data + consumed, cut.length)
