# cython: language_level=3
"""Messages that arrive in pieces; the strategy is in message_assembler.pxd."""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdint cimport uint8_t
from libc.string cimport memcpy, memset

from fastframe._codec.capi cimport FF_ERR_TEXT_UTF8, FF_PADDING, ff_utf8_complete, ff_utf8_start
from fastframe._codec.checks cimport invalid_state, protocol_error
from fastframe._codec.chunk cimport Chunk, chunk_copy
from fastframe._codec.kernels cimport kernels
from fastframe._codec.text cimport PyUnicode_DATA, PyUnicode_New, padded_text
from fastframe._cpython.turns cimport ff_is_only_reference

from fastframe._cpython.tricks import ONLY_REFERENCE


cdef enum:
    # Bytes that a peer gets memory for by saying that it will send them. Beyond that it gets no
    # more than twice what it has sent: a connection that stalls holds little.
    RESERVED_SIZE = 1 << 20


cdef extern from "Python.h":
    int _PyBytes_Resize(PyObject **bytes, Py_ssize_t size) except -1
    object PyUnicode_DecodeUTF8(const char *text, Py_ssize_t size, const char *errors)
    int PyUnicode_Resize(PyObject **text, Py_ssize_t size) except -1


cdef extern from *:
    """
    #include "atomic.h"

    static ff_word ff_resizes; /* set to the same by each interpreter */

    static inline bool ff_may_resize(void) { return ff_atomic_load_relaxed(&ff_resizes) != 0; }
    static inline void ff_set_may_resize(bool value) { ff_atomic_store(&ff_resizes, value); }
    """
    bint may_resize "ff_may_resize"() noexcept
    void set_may_resize "ff_set_may_resize"(bint value) noexcept


cdef bint _sees_only_references() except -1:
    owner = PyBytes_FromStringAndSize(NULL, 16)
    if not ff_is_only_reference(<PyObject *>owner):
        return False
    other = owner
    return not ff_is_only_reference(<PyObject *>owner) and other is owner


set_may_resize(ONLY_REFERENCE.check(_sees_only_references()))


# May the object be changed in place? Without the trick nobody can tell, and it is copied.
cdef inline bint is_own(PyObject *owner) noexcept:
    return may_resize() and ff_is_only_reference(owner)


@cython.final
cdef class MessageAssembler:
    def __cinit__(self):
        self._kernels = kernels()
        self._owner = None

    cdef int begin(self, Kind kind, size_t capacity) except -1:
        self.size = 0
        self._kind = kind
        self._lent = False
        self._utf8 = ff_utf8_start()
        self._capacity = capacity
        return self._take(self._new_owner(kind, capacity))

    cdef int make_room(
        self, Kind kind, size_t announced, size_t arrived, bint last, size_t limit
    ) except -1:
        cdef size_t room = min(announced, max(<size_t>RESERVED_SIZE, 2 * arrived))
        if not self.is_open():
            return self.begin(kind, room)
        if self._capacity < arrived:
            self.grow(room if last else max(room, min(2 * self._capacity, limit)))
        return 0

    # ---- the object that it is received into -----------------------------------------------------

    cdef object _new_owner(self, Kind kind, size_t capacity):
        if kind == ASCII_TEXT:
            return PyUnicode_New(capacity, 127)
        if kind != OTHER_TEXT:
            return PyBytes_FromStringAndSize(NULL, capacity)
        padded = PyBytes_FromStringAndSize(NULL, FF_PADDING + capacity + FF_PADDING)
        memset(PyBytes_AS_STRING(padded), 0, FF_PADDING)
        return padded

    cdef int _take(self, object owner) except -1:
        self._owner = owner
        self._offered = False
        if self._kind == ASCII_TEXT:
            self._start = <uint8_t *>PyUnicode_DATA(owner)
        else:
            self._start = <uint8_t *>PyBytes_AS_STRING(owner) + (
                FF_PADDING if self._kind == OTHER_TEXT else 0
            )
        return 0

    cdef int grow(self, size_t capacity) except -1:
        cdef const uint8_t *before = self._start
        self._refuse_unless_open()
        if is_own(<PyObject *>self._owner):
            self._resize_owner(capacity)
        else:  # somebody may still look at it, through a view of Decoder.get_buffer
            _kept, owner = self._owner, self._new_owner(self._kind, capacity)
            self._take(owner)
            memcpy(self._start, before, min(capacity, self.size))
        self._capacity = capacity
        return 0

    cdef int _resize_owner(self, size_t capacity) except -1:
        cdef PyObject *moved = <PyObject *>self._owner
        Py_INCREF(<object>moved)
        self._owner = None
        if self._kind == ASCII_TEXT:
            try:
                PyUnicode_Resize(&moved, capacity)
            except MemoryError:
                Py_DECREF(<object>moved)
                raise
        else:
            _PyBytes_Resize(&moved, capacity + (2 * FF_PADDING if self._kind == OTHER_TEXT else 0))
        owner = <object>moved
        Py_DECREF(owner)
        return self._take(owner)

    # ---- what it receives ------------------------------------------------------------------------

    cdef int add_valid(self, const Chunk *chunk) except -1:
        if not self.add(chunk):
            raise protocol_error(FF_ERR_TEXT_UTF8)
        return 0

    cdef bint add(self, const Chunk *chunk) except -1:
        cdef uint8_t *out = self.end()
        if self._kind == ASCII_TEXT:
            return self._add_ascii(chunk, out)
        if chunk.masked or chunk.data is not out:
            chunk_copy(self._kernels, chunk, out)
        self.size += chunk.length
        return self._kind == BINARY or self._kernels.utf8_feed(&self._utf8, out, chunk.length)

    cdef bint _add_ascii(self, const Chunk *chunk, uint8_t *out) except -1:
        cdef const uint8_t *before = self._start
        cdef size_t ascii_size = self.size
        cdef bint is_ascii = self._kernels.mask_ascii(out, chunk.data, chunk.length, chunk.key)
        self.size += chunk.length
        if is_ascii:
            return True
        _kept, owner = self._owner, self._new_owner(OTHER_TEXT, self._capacity)
        self._kind = OTHER_TEXT
        self._take(owner)
        memcpy(self._start, before, self.size)
        return self._kernels.utf8_feed(&self._utf8, self._start + ascii_size, chunk.length)

    # ---- what becomes of it ----------------------------------------------------------------------

    cdef object finish(self):
        # Of its exact size, and nobody else's: a view of Decoder.get_buffer must not change a str
        # that has been given out.
        cdef bint must_move = (
            self._kind == ASCII_TEXT and self._lent and not is_own(<PyObject *>self._owner)
        )
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

    cdef object _decoded(self, const uint8_t *start, bint padded):
        """The str; None if it is not UTF-8 any more, as a view of get_buffer was written to since
        that was seen."""
        try:
            if padded:
                return padded_text(self._kernels, <uint8_t *>start, self.size)
            return PyUnicode_DecodeUTF8(<const char *>start, self.size, NULL)
        except UnicodeDecodeError as error:
            if not isinstance(error, UnicodeDecodeError):  # no memory for that error
                raise
            return None

    cdef object _lent_text(self, object text):
        """The str, if it is ASCII still: a view of get_buffer may have been written to since that
        was seen."""
        cdef uint8_t no_key[4]
        cdef uint8_t *start = <uint8_t *>PyUnicode_DATA(text)
        memset(no_key, 0, 4)
        if self.size == 0 or self._kernels.mask_ascii(start, start, self.size, no_key):
            return text
        return self._decoded(start, False)

    cdef bytes tail(self, size_t size):
        size = min(size, self.size)
        return PyBytes_FromStringAndSize(<const char *>self.end() - size, size)

    cdef int _refuse_unless_open(self) except -1:
        # `None` must never be taken for memory of a message, whatever two threads have done to the
        # decoder.
        if self._owner is None:
            raise invalid_state("no message is open")
        return 0

    cdef void forget(self) noexcept:
        self._owner = None
        self._offered = False
        self._start = NULL
