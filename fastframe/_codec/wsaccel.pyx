# cython: language_level=3
"""The kernels for text and masks behind the interface of wsaccel, which autobahn and
geventwebsocket have too."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy

from fastframe._codec.buffers cimport FF_BYTES_LIKE, ff_get_buffer
from fastframe._codec.capi cimport (
    FF_MASKING_KEY_SIZE, ff_kernels, ff_masking_key_rotate, ff_utf8, ff_utf8_complete,
    ff_utf8_start,
)
from fastframe._codec.kernels cimport kernels
from fastframe._cpython.turns cimport begin_call, end_call, ff_callers_turn

cdef enum:
    # of a text that is not UTF-8: the library's own validator gets the block with the byte at
    # fault, and what follows
    SEARCH_BLOCK = 256
    LONGEST_CUT = 3     # bytes of a character that is incomplete


cdef class Utf8Validator:
    """Utf8Validator(own)\n--\n\nValidates a text that comes in chunks, and says where it is wrong.
    InvalidState for a call in the middle of another one.

    own: the library's class of the same interface. One is made at the first byte that is wrong, to
    say what there is to say from then on.

    >>> validator = Utf8Validator(own=None)
    >>> validator.validate("\u20ac".encode() + b"\\xe2")
    (True, False, 4, 4)
    """

    cdef ff_callers_turn _turn
    cdef const ff_kernels *_kernels
    cdef ff_utf8 _state
    cdef uint64_t _total
    cdef uint8_t _cut[LONGEST_CUT]  # the first bytes of the last character, while it is incomplete
    cdef size_t _cut_length
    cdef object _make_own
    cdef object _own                # from the first byte that is wrong
    cdef uint64_t _before_own       # how many bytes it did not get

    def __cinit__(self, own):
        self._kernels = kernels()
        self._make_own = own
        self._begin()

    def reset(self):
        """Starts a new text."""
        begin_call(&self._turn)
        try:
            self._begin()
        finally:
            end_call(&self._turn)

    cdef int _begin(self) except -1:
        self._state = ff_utf8_start()
        self._total = 0
        self._cut_length = 0
        self._own = None
        return 0

    def validate(self, ba):
        """Four answers: is the text well-formed so far, does it end with a whole character, how
        many bytes of `ba` and how many of all chunks come before the first one that is wrong, or
        before the end if none is.

        ba: any contiguous bytes-like object; TypeError for anything else.
        """
        cdef Py_buffer view
        ff_get_buffer(ba, &view, PyBUF_SIMPLE, "ba", FF_BYTES_LIKE)
        try:
            begin_call(&self._turn)
            try:
                return self._validate(<const uint8_t *>view.buf, view.len)
            finally:
                end_call(&self._turn)
        finally:
            PyBuffer_Release(&view)

    cdef tuple _validate(self, const uint8_t *data, size_t length):
        cdef ff_utf8 state = self._state
        cdef tuple result
        if self._own is not None:
            return self._in_own(data, length, 0)
        if not self._kernels.utf8_feed(&state, data, length):
            return self._take_over(data, length)
        result = True, ff_utf8_complete(&state), length, self._total + length
        self._state = state  # from here on nothing can fail
        self._keep_cut(data, length)
        self._total += length
        return result

    cdef tuple _take_over(self, const uint8_t *data, size_t length):
        """Makes the library's own validator, which gets the rest from a block before the byte at
        fault on."""
        own = self._make_own()  # first, as it may fail
        cut = PyBytes_FromStringAndSize(NULL, LONGEST_CUT)
        cdef ff_utf8 state_before = self._state
        cdef size_t cut_before = self._cut_length
        memcpy(PyBytes_AS_STRING(cut), self._cut, LONGEST_CUT)
        try:
            return self._continue_in(own, data, length)
        except BaseException:
            self._own = None
            self._state, self._cut_length = state_before, cut_before
            memcpy(self._cut, PyBytes_AS_STRING(cut), LONGEST_CUT)
            raise

    cdef tuple _continue_in(self, own, const uint8_t *data, size_t length):
        cdef size_t start = 0
        cdef ff_utf8 state = self._state
        while start + SEARCH_BLOCK < length and self._kernels.utf8_feed(
            &state, data + start, SEARCH_BLOCK
        ):
            self._state = state
            self._keep_cut(data + start, SEARCH_BLOCK)
            start += SEARCH_BLOCK
        own.validate(PyBytes_FromStringAndSize(<const char *>self._cut, self._cut_length))
        self._before_own = self._total + start - self._cut_length
        self._own = own
        return self._in_own(data + start, length - start, start)

    cdef tuple _in_own(self, const uint8_t *data, size_t length, size_t start):
        copy = PyBytes_FromStringAndSize(<const char *>data, length)
        well_formed, ends_with_character, index, total = self._own.validate(copy)
        return well_formed, ends_with_character, start + index, self._before_own + total

    cdef void _keep_cut(self, const uint8_t *data, size_t length) noexcept:
        """Keeps the last character of what is well-formed, if it is incomplete."""
        cdef size_t count = 0
        if ff_utf8_complete(&self._state):
            self._cut_length = 0
            return
        while count < length and count < LONGEST_CUT:
            count += 1
            if data[length - count] >= 0xC0:  # its first byte
                self._cut_length = 0
                break
        memcpy(self._cut + self._cut_length, data + length - count, count)
        self._cut_length += count


cdef class XorMasker:
    """XorMasker(mask)\n--\n\nMasks or unmasks a payload that comes in chunks (RFC 6455, 5.3).
    InvalidState for a call in the middle of another one.

    mask: the masking key, four bytes in a bytes-like object. TypeError or ValueError for anything
    else.

    >>> masker = XorMasker(b"key!")
    >>> masker.process(b"\\x03\\x00") + masker.process(b"\\x15M\\x04"), masker.pointer()
    (b'hello', 5)
    """

    cdef ff_callers_turn _turn
    cdef const ff_kernels *_kernels
    cdef uint8_t _key[4]
    cdef uint64_t _pointer

    def __cinit__(self, mask):
        cdef Py_buffer view
        self._kernels = kernels()
        ff_get_buffer(mask, &view, PyBUF_SIMPLE, "mask", FF_BYTES_LIKE)
        try:
            if view.len != FF_MASKING_KEY_SIZE:
                raise ValueError(f"mask must have 4 bytes, not {view.len}")
            memcpy(self._key, view.buf, FF_MASKING_KEY_SIZE)
        finally:
            PyBuffer_Release(&view)

    def pointer(self):
        """How many bytes have been masked."""
        begin_call(&self._turn)
        cdef uint64_t pointer = self._pointer
        end_call(&self._turn)
        return pointer

    def reset(self):
        """Starts at the first byte of the key again."""
        begin_call(&self._turn)
        self._pointer = 0
        end_call(&self._turn)

    def process(self, data):
        """The masked bytes, a new object.

        data: any contiguous bytes-like object, which is read and not kept. TypeError for anything
        else.
        """
        cdef Py_buffer view
        ff_get_buffer(data, &view, PyBUF_SIMPLE, "data", FF_BYTES_LIKE)
        try:
            return self._process(<const uint8_t *>view.buf, view.len)
        finally:
            PyBuffer_Release(&view)

    cdef bytes _process(self, const uint8_t *data, size_t length):
        cdef uint8_t key[4]
        masked = PyBytes_FromStringAndSize(NULL, length)
        begin_call(&self._turn)
        ff_masking_key_rotate(key, self._key, self._pointer)
        self._pointer += length
        end_call(&self._turn)
        self._kernels.mask(<uint8_t *>PyBytes_AS_STRING(masked), data, length, key)
        return masked
