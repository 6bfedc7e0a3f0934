# cython: language_level=3
"""What the machine and CPython charge at least: the floors that fastframe is measured against, and
its inner functions without the call around them. Only for the benchmarks; `make bench` builds
it."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_AsUTF8String
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.stdint cimport uint8_t
from libc.string cimport memcpy

from fastframe._codec.capi cimport (
    FF_OPCODE_TEXT, FF_SERVER, ff_header, ff_header_of_whole_message, ff_kernels, ff_utf8,
    ff_utf8_complete, ff_utf8_start,
)
from fastframe._codec.kernels cimport kernels
from fastframe._codec.chunk cimport Chunk, chunk_bytes
from fastframe._codec.outbound cimport OutboundPayload, payload_bytes, text_payload
from fastframe._codec.text cimport PartialCharacter, chunk_text


cdef extern from "Python.h":
    object PyUnicode_DecodeUTF8(const char *text, Py_ssize_t size, const char *errors)
    object PyUnicode_New(Py_ssize_t size, Py_UCS4 largest)
    void *PyUnicode_DATA(object text)


cdef Chunk masked_chunk(bytes payload, bytes key):
    cdef Chunk chunk
    chunk.data = <const uint8_t *>PyBytes_AS_STRING(payload)
    chunk.length = PyBytes_GET_SIZE(payload)
    chunk.masked = True
    memcpy(chunk.key, PyBytes_AS_STRING(key), 4)
    return chunk


def copy(bytes data not None, /):
    """A C memcpy into a new object."""
    copied = PyBytes_FromStringAndSize(NULL, PyBytes_GET_SIZE(data))
    memcpy(PyBytes_AS_STRING(copied), PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
    return copied


def mask_in_place(buffer, bytes key not None, int times, /):
    """fastframe's mask kernel on the caller's bytearray, `times` times."""
    cdef uint8_t[::1] view = buffer
    for _ in range(times):
        kernels().mask(&view[0], &view[0], view.shape[0], <const uint8_t *>PyBytes_AS_STRING(key))


def copy_times(buffer, bytes data not None, int times, /):
    """memcpy into the caller's bytearray, `times` times."""
    cdef uint8_t[::1] view = buffer
    for _ in range(times):
        memcpy(&view[0], PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))


def copies(bytes payload not None, int times, /):
    """memcpy into a new object, `times` times, the last one returned."""
    copied = b""
    for _ in range(times):
        copied = PyBytes_FromStringAndSize(NULL, PyBytes_GET_SIZE(payload))
        memcpy(PyBytes_AS_STRING(copied), PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload))
    return copied


def bytes_from_wire(bytes payload not None, bytes key not None, int times, /):
    """What the Decoder makes of a masked binary payload that is buffered as a whole; `times` times,
    the last one returned."""
    cdef Chunk chunk = masked_chunk(payload, key)
    data = b""
    for _ in range(times):
        data = chunk_bytes(kernels(), &chunk)
    return data


def ascii_from_wire(bytes payload not None, bytes key not None, int times, /):
    """The least that an ASCII text can cost: allocation of the str, and a memcpy that does not even
    unmask."""
    text = ""
    for _ in range(times):
        text = PyUnicode_New(PyBytes_GET_SIZE(payload), 127)
        memcpy(PyUnicode_DATA(text), PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload))
    return text


def text_by_cpython(bytes payload not None, bytes key not None, int times, /):
    """fastframe's mask kernel into a scratch buffer, and CPython's decoder; `times` times, the last
    text returned."""
    cdef Py_ssize_t size = PyBytes_GET_SIZE(payload)
    cdef uint8_t *scratch = <uint8_t *>PyMem_Malloc(size + 1)
    if scratch is NULL:
        raise MemoryError
    text = ""
    try:
        for _ in range(times):
            kernels().mask(
                scratch, <const uint8_t *>PyBytes_AS_STRING(payload), size,
                <const uint8_t *>PyBytes_AS_STRING(key)
            )
            text = PyUnicode_DecodeUTF8(<const char *>scratch, size, NULL)
    finally:
        PyMem_Free(scratch)
    return text


def text_from_wire(bytes payload not None, bytes key not None, int times, /):
    """What the Decoder makes of a masked text payload that is buffered as a whole; `times` times,
    the last text returned."""
    cdef Chunk chunk = masked_chunk(payload, key)
    cdef PartialCharacter cut
    cdef bint ascii = True
    text = ""
    for _ in range(times):
        cut.length = 0
        text = chunk_text(kernels(), &chunk, &cut, True, &ascii)
    return text


def is_utf8(bytes data not None, int times, /):
    """fastframe's validation, `times` times, the last answer returned."""
    cdef ff_utf8 state
    valid = False
    for _ in range(times):
        state = ff_utf8_start()
        valid = kernels().utf8_feed(
            &state, <const uint8_t *>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data)
        ) and ff_utf8_complete(&state)
    return valid


def encode(str text not None, int times, /):
    """The UTF-8 that fastframe writes into a frame, in new bytes; `times` times, the last ones
    returned."""
    cdef OutboundPayload payload
    encoded = b""
    for _ in range(times):
        _owner = text_payload(kernels(), text, &payload)
        encoded = payload_bytes(kernels(), &payload)
    return encoded


def encode_by_cpython(str text not None, int times, /):
    """The same by CPython's encoder."""
    encoded = b""
    for _ in range(times):
        encoded = PyUnicode_AsUTF8String(text)
    return encoded


def messages(bytes wire not None, /):
    """What CPython charges for a list of the messages in `wire`, whole and masked, of ASCII text or
    binary."""
    cdef ff_header header
    cdef const uint8_t *data = <const uint8_t *>PyBytes_AS_STRING(wire)
    cdef size_t length = PyBytes_GET_SIZE(wire)
    cdef size_t size
    cdef const ff_kernels *kernel = kernels()
    found = []
    while ff_header_of_whole_message(data, length, FF_SERVER, &header):
        size = <size_t>header.payload_length
        data += header.size
        if header.opcode == FF_OPCODE_TEXT:
            message = PyUnicode_New(size, 127)
            kernel.mask_ascii(<uint8_t *>PyUnicode_DATA(message), data, size, header.masking_key)
        else:
            message = PyBytes_FromStringAndSize(NULL, size)
            kernel.mask(<uint8_t *>PyBytes_AS_STRING(message), data, size, header.masking_key)
        found.append(message)
        data += size
        length -= header.size + size
    return found
