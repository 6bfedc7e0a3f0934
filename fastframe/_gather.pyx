# cython: language_level=3
"""Messages that come in pieces; the strategy stands in _gather.pxd."""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdint cimport uint8_t
from libc.string cimport memcpy, memset

from fastframe._capi cimport FF_PADDING, ff_utf8_complete, ff_utf8_start
from fastframe._core cimport invalid_state, kernels
from fastframe._payload cimport Chunk, PyUnicode_DATA, PyUnicode_New, chunk_copy, padded_text


cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(PyObject *object)
    int _PyBytes_Resize(PyObject **bytes, Py_ssize_t size) except -1
    object PyUnicode_DecodeUTF8(const char *text, Py_ssize_t size, const char *errors)
    int PyUnicode_Resize(PyObject **text, Py_ssize_t size) except -1


cdef bytes padded_bytes(size_t size):
    padded = PyBytes_FromStringAndSize(NULL, FF_PADDING + size + FF_PADDING)
    memset(PyBytes_AS_STRING(padded), 0, FF_PADDING)
    return padded


@cython.final
cdef class Gathering:
    def __cinit__(self):
        self._kernels = kernels()
        self._owner = None

    cdef int begin(self, Kind kind, size_t capacity) except -1:
        self.size = 0
        self._kind = kind
        self._lent = False
        self._utf8 = ff_utf8_start()
        if kind == ASCII_TEXT:
            return self._take(PyUnicode_New(capacity, 127), 0, capacity)
        if kind == OTHER_TEXT:
            return self._take(padded_bytes(capacity), FF_PADDING, capacity)
        return self._take(PyBytes_FromStringAndSize(NULL, capacity), 0, capacity)

    cdef int _take(self, object owner, size_t padding, size_t capacity) except -1:
        self._owner = owner
        self._start = <uint8_t *>(PyUnicode_DATA(owner) if self._kind == ASCII_TEXT else PyBytes_AS_STRING(owner)) + padding
        self._capacity = capacity
        return 0

    cdef int grow(self, size_t capacity) except -1:
        cdef size_t padding = FF_PADDING if self._kind == OTHER_TEXT else 0
        cdef PyObject *moved = <PyObject *>self._owner
        self._refuse_unless_open()
        if Py_REFCNT(moved) == 1:
            Py_INCREF(<object>moved)
            self._owner = None
            if self._kind == ASCII_TEXT:
                try:
                    PyUnicode_Resize(&moved, capacity)
                except MemoryError:
                    Py_DECREF(<object>moved)
                    raise
            else:
                _PyBytes_Resize(&moved, capacity + 2 * padding)
            owner = <object>moved
            Py_DECREF(owner)
        else:  # somebody still looks at it, through a view of Decoder.get_buffer
            owner = (
                PyUnicode_New(capacity, 127) if self._kind == ASCII_TEXT
                else PyBytes_FromStringAndSize(NULL, capacity + 2 * padding)
            )
            memcpy(
                <uint8_t *>(PyUnicode_DATA(owner) if self._kind == ASCII_TEXT else PyBytes_AS_STRING(owner)),
                self._start - padding, padding + min(capacity, self.size),
            )
        return self._take(owner, padding, capacity)

    cdef bint add(self, const Chunk *chunk) except -1:
        cdef uint8_t *out = self.end()
        if self._kind == ASCII_TEXT:
            return self._add_ascii(chunk, out)
        if chunk.masked or chunk.data is not out:
            chunk_copy(self._kernels, chunk, out)
        self.size += chunk.length
        return self._kind == BINARY or self._kernels.utf8_feed(&self._utf8, out, chunk.length)

    cdef bint _add_ascii(self, const Chunk *chunk, uint8_t *out) except -1:
        cdef size_t ascii = self.size
        cdef bint is_ascii = self._kernels.mask_ascii(out, chunk.data, chunk.length, chunk.key)
        self.size += chunk.length
        if is_ascii:
            return True
        owner = padded_bytes(self._capacity)
        memcpy(PyBytes_AS_STRING(owner) + FF_PADDING, self._start, self.size)
        self._kind = OTHER_TEXT
        self._take(owner, FF_PADDING, self._capacity)
        return self._kernels.utf8_feed(&self._utf8, self._start + ascii, chunk.length)

    cdef object finish(self):
        # Of its exact size, and nobody else's: a view of Decoder.get_buffer must not change a str that has been given out.
        cdef bint must_move = self._kind == ASCII_TEXT and Py_REFCNT(<PyObject *>self._owner) != 1
        self._refuse_unless_open()
        if self._kind != OTHER_TEXT and (self._capacity != self.size or must_move):
            self.grow(self.size)
        owner, start = self._owner, self._start
        complete = ff_utf8_complete(&self._utf8)
        self.forget()
        if not complete:
            return None
        if self._kind == OTHER_TEXT:
            return self._decoded(start, True)
        return self._lent_text(owner) if self._kind == ASCII_TEXT and self._lent else owner

    cdef int _refuse_unless_open(self) except -1:
        # `None` must never be taken for memory of ours, whatever two threads have done to the decoder that this belongs to.
        if self._owner is None:
            raise invalid_state("no message is open")
        return 0

    cdef object _decoded(self, const uint8_t *start, bint padded):
        """The str; None if it is not UTF-8 any more, as a view of get_buffer was written to since that was seen."""
        try:
            if padded:
                return padded_text(self._kernels, <uint8_t *>start, self.size)
            return PyUnicode_DecodeUTF8(<const char *>start, self.size, NULL)
        except UnicodeDecodeError as error:
            if not isinstance(error, UnicodeDecodeError):  # no memory for that error
                raise
            return None

    cdef object _lent_text(self, object text):
        """The str, if it is ASCII still: a view of get_buffer may have been written to since that was seen."""
        cdef uint8_t no_key[4]
        cdef uint8_t *start = <uint8_t *>PyUnicode_DATA(text)
        memset(no_key, 0, 4)
        if self.size == 0 or self._kernels.mask_ascii(start, start, self.size, no_key):
            return text
        return self._decoded(start, False)

    cdef bytes tail(self, size_t size):
        size = min(size, self.size)
        return PyBytes_FromStringAndSize(<const char *>self.end() - size, size)

    cdef void forget(self) noexcept:
        self._owner = None
        self._start = NULL
