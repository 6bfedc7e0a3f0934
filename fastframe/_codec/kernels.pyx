# cython: language_level=3
"""The kernels: which ones are in use, and each of them for Python. The only module that holds their
table."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t

from fastframe._codec.buffers cimport FF_BYTES_LIKE, ff_get_buffer
from fastframe._codec.capi cimport (
    FF_MASKING_KEY_SIZE, FF_NEED_DATA, ff_header, ff_header_parse, ff_kernels, ff_kernels_active,
    ff_kernels_at,
    ff_kernels_select, ff_status, ff_utf8, ff_utf8_complete, ff_utf8_start,
)
from fastframe._codec.checks cimport raise_status
from fastframe._cpython.turns cimport begin_call, end_call, ff_callers_turn

cdef extern from "Python.h":
    ctypedef struct PyMethodDef
    int PyModule_AddFunctions(object module, PyMethodDef *functions) except -1

cdef extern from *:
    """
    #if CYTHON_USE_MODULE_STATE
    #define FF_MODULE_STATE 1
    #else
    #define FF_MODULE_STATE 0
    #endif
    """
    bint FF_MODULE_STATE

cdef extern from "public_name.h":
    int ff_name_as_public(object value, const char *package) except -1


import os
import sys

from fastframe._types import Opcode


# ---- kernels -------------------------------------------------------------------------------------

cdef const ff_kernels *kernels() noexcept nogil:
    return ff_kernels_active()


def active_kernel():
    """The name of the kernels in use: "portable", "sse41", "avx2", "avx512" or "neon".

    >>> active_kernel() in available_kernels()
    True
    """
    return ff_kernels_active().name.decode("ascii")


def available_kernels():
    """The names of the kernels that this build has and this CPU can run, best first.

    >>> available_kernels()[-1]
    'portable'
    """
    cdef size_t i = 0
    names = []
    while ff_kernels_at(i) is not NULL:
        names.append(ff_kernels_at(i).name.decode("ascii"))
        i += 1
    return tuple(names)


def _select_kernel(str name not None):
    """For the tests: uses the kernels called `name` in objects made from now on."""
    if not ff_kernels_select(name.encode("utf-8")):
        raise ValueError(
            f"no kernel is called {name!r} here; there are: {', '.join(available_kernels())}"
        )


def _select_kernel_from_environment():
    name = os.environ.get("FASTFRAME_KERNEL", "")
    if name and name not in available_kernels():
        raise ImportError(
            f"FASTFRAME_KERNEL={name} asks for a kernel that this build or this CPU does not have; "
            f"there are: {', '.join(available_kernels())}"
        )
    if name:
        _select_kernel(name)


_select_kernel_from_environment()


# ---- this build ----------------------------------------------------------------------------------

MODULE_STATE = bool(FF_MODULE_STATE)


def name_as_public(value):
    """Lets a class or a function say that it is from `fastframe`."""
    ff_name_as_public(value, b"fastframe")


# ---- the kernels for Python ----------------------------------------------------------------------

cdef extern from "kernel_calls.h":
    PyMethodDef *ff_kernel_calls


PyModule_AddFunctions(sys.modules[__name__], ff_kernel_calls)


cdef class Utf8Validator:
    """Utf8Validator()\n--\n\nValidates a text that comes in chunks, cut anywhere. InvalidState for
    a call in the middle of another one.

    `feed` each chunk, then `finish`; both answer False from the first byte on that proves the text
    is not UTF-8 (RFC 3629).

    >>> validator = Utf8Validator()
    >>> euro = "\u20ac".encode()
    >>> validator.feed(euro[:2]), validator.feed(euro[2:]), validator.finish()
    (True, True, True)
    """

    cdef ff_callers_turn _turn
    cdef const ff_kernels *_kernels
    cdef ff_utf8 _state
    cdef bint _failed

    def __cinit__(self):
        self._kernels = ff_kernels_active()
        self._begin()

    def reset(self):
        """Starts a new text.

        >>> validator = Utf8Validator()
        >>> validator.feed(b"\\xff")
        False
        >>> validator.reset()
        >>> validator.finish()
        True
        """
        begin_call(&self._turn)
        self._begin()
        end_call(&self._turn)

    def __repr__(self):
        if self._failed:
            state = "not UTF-8"
        else:
            state = "well-formed so far" if ff_utf8_complete(&self._state) else "inside a character"
        return f"<{type(self).__name__}, {state}>"

    cdef void _begin(self) noexcept:
        self._state = ff_utf8_start()
        self._failed = False

    def feed(self, data):
        """True if the text is well-formed so far; its last character may still be incomplete.

        data: any contiguous bytes-like object, which is read and not kept. TypeError for anything
        else.

        >>> Utf8Validator().feed(b"\\xe2\\x82")
        True
        """
        cdef Py_buffer view
        if PyBytes_CheckExact(data):
            return self._feed(<const uint8_t *>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
        ff_get_buffer(data, &view, PyBUF_SIMPLE, "data", FF_BYTES_LIKE)
        try:
            return self._feed(<const uint8_t *>view.buf, view.len)
        finally:
            PyBuffer_Release(&view)

    cdef bint _feed(self, const uint8_t *data, size_t length) except -1:
        begin_call(&self._turn)
        self._failed = self._failed or not self._kernels.utf8_feed(&self._state, data, length)
        cdef bint well_formed = not self._failed
        end_call(&self._turn)
        return well_formed

    def finish(self):
        """True if the text was well-formed and its last character is complete. The validator is
        ready for a new one.

        >>> validator = Utf8Validator()
        >>> validator.feed(b"\\xe2\\x82"), validator.finish()
        (True, False)
        """
        begin_call(&self._turn)
        cdef bint complete = not self._failed and ff_utf8_complete(&self._state)
        self._begin()
        end_call(&self._turn)
        return complete


# ---- frame header (RFC 6455, 5.2) ----------------------------------------------------------------

def parse_header(data):
    """The frame header at the start of `data`, or None if it is not complete yet.

    data: any contiguous bytes-like object, of which at most 14 bytes are read.

    Raises ProtocolError for a header that neither end may send: reserved opcode, fragmented or long
    control frame, payload length not minimal or above 2**63 - 1. Reserved bits and masking are
    reported, not judged. TypeError for data that is not bytes-like.

    >>> header = parse_header(bytes.fromhex("81 05 48 65 6c 6c 6f"))
    >>> header.opcode.name, header.payload_length, header.size
    ('TEXT', 5, 2)
    >>> parse_header(b"\\x81") is None
    True
    """
    global Header
    cdef ff_header header
    cdef ff_status status
    cdef Py_buffer view
    ff_get_buffer(data, &view, PyBUF_SIMPLE, "data", FF_BYTES_LIKE)
    status = ff_header_parse(<const uint8_t *>view.buf, view.len, &header)
    PyBuffer_Release(&view)
    if status == FF_NEED_DATA:
        return None
    raise_status(status)
    masking_key = <bytes>header.masking_key[:FF_MASKING_KEY_SIZE] if header.masked else None
    if Header is None:
        from fastframe._codec.header import Header
    return Header(
        header.fin, header.rsv, Opcode(header.opcode), header.payload_length, masking_key,
        header.size,
    )


Header = None  # loaded when first wanted: dataclasses take long to import
