# From a chunk to a str: unmask, validate, build. ASCII goes straight into the str, anything else
# through a scratch buffer with padding on both sides.
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.stdint cimport uint8_t
from libc.string cimport memcpy, memset

from fastframe._codec.capi cimport (
    FF_PADDING, ff_kernels, ff_text, ff_utf8, ff_utf8_cut, ff_utf8_start,
)
from fastframe._codec.chunk cimport Chunk, chunk_copy
from fastframe._cpython.owned cimport (
    PyObject, ff_drop, ff_new_str, ff_owned, ff_str_data, ff_str_is_ascii,
)


cdef extern from "Python.h":
    object PyUnicode_New(Py_ssize_t size, Py_UCS4 largest)
    void *PyUnicode_DATA(object text)
    bint PyUnicode_IS_COMPACT_ASCII(object text)
    object PyUnicode_DecodeUTF8Stateful(
        const char *text, Py_ssize_t size, const char *errors, Py_ssize_t *consumed
    )


# The first bytes of a character whose rest is still to come.
cdef struct PartialCharacter:
    uint8_t bytes[4]
    uint8_t length


cdef enum:
    PROBE_SIZE = 64
    SCRATCH_ON_STACK = 1024
    ALIGNMENT = 64          # of a text in scratch, as vectors that cross cache lines take longer
    # how much of a long text is unmasked before it is known that it is ASCII so far
    ASCII_BLOCK = 2048


# Room for a text in UTF-8 with padding on both sides.
cdef struct Scratch:
    uint8_t *start    # of the text, aligned; the padding before it is zero
    void *allocated   # NULL if the text is short enough for the stack


cdef inline int open_scratch(Scratch *scratch, size_t length, uint8_t *on_stack) except -1:
    cdef uint8_t *room = on_stack
    scratch.allocated = NULL
    if length > SCRATCH_ON_STACK:
        scratch.allocated = PyMem_Malloc(ALIGNMENT + FF_PADDING + length + FF_PADDING)
        if scratch.allocated is NULL:
            raise MemoryError
        room = <uint8_t *>scratch.allocated
    room += -<size_t>room & (ALIGNMENT - 1)
    memset(room, 0, FF_PADDING)
    scratch.start = room + FF_PADDING
    return 0


cdef inline void close_scratch(Scratch *scratch) noexcept:
    PyMem_Free(scratch.allocated)


# True if the first bytes are ASCII, so a long non-ASCII text does not allocate a str that is then
# discarded.
cdef inline bint looks_ascii(const ff_kernels *kernels, const Chunk *chunk) noexcept:
    cdef uint8_t probe[PROBE_SIZE]
    return kernels.mask_ascii(probe, chunk.data, min(chunk.length, <size_t>PROBE_SIZE), chunk.key)


# Unmasks a chunk into `out`, and says whether it is ASCII; if not, some of it may be missing.
cdef inline bint unmask_ascii(const ff_kernels *kernels, const Chunk *chunk, uint8_t *out) noexcept:
    cdef size_t start = 0
    while chunk.length - start > ASCII_BLOCK:  # the key is the same for each block
        if not kernels.mask_ascii(out + start, chunk.data + start, ASCII_BLOCK, chunk.key):
            return False
        start += ASCII_BLOCK
    return kernels.mask_ascii(out + start, chunk.data + start, chunk.length - start, chunk.key)


# Makes the text of a chunk that is all ASCII, a new reference in `text`; else False. `expect_ascii`
# says whether the last text was, and so whether it is worth trying.
cdef inline bint new_ascii_text(
    const ff_kernels *kernels, const Chunk *chunk, bint *expect_ascii, PyObject **text
) except -1:
    if chunk.length and (
        expect_ascii[0] if chunk.length <= SCRATCH_ON_STACK else looks_ascii(kernels, chunk)
    ):
        text[0] = ff_new_str(chunk.length, 127)
        if unmask_ascii(kernels, chunk, <uint8_t *>ff_str_data(text[0])):
            expect_ascii[0] = True
            return True
        ff_drop(text[0])
    return False


# Makes the text of a payload that is buffered as a whole, a new reference in `text`. False if it is
# not UTF-8, or if CPython's decoder is faster than the kernels. Sets `expect_ascii`.
cdef inline bint new_whole_text(
    const ff_kernels *kernels, const Chunk *chunk, bint *expect_ascii, PyObject **text
) except -1:
    return new_ascii_text(kernels, chunk, expect_ascii, text) or new_other_text(
        kernels, chunk, expect_ascii, text
    )


cdef inline bint new_other_text(
    const ff_kernels *kernels, const Chunk *chunk, bint *expect_ascii, PyObject **text
) except -1:
    cdef uint8_t on_stack[ALIGNMENT + FF_PADDING + SCRATCH_ON_STACK + FF_PADDING]
    cdef Scratch scratch
    cdef bint made = False
    if kernels.text_is_fast:
        open_scratch(&scratch, chunk.length, on_stack)
        try:
            made = new_text_by_kernels(
                kernels, scratch.start, chunk.data, chunk.length, chunk.key, text
            )
        finally:
            close_scratch(&scratch)
        expect_ascii[0] = made and ff_str_is_ascii(text[0])
    return made


# The text of `cut` and `chunk` up to the last complete character; what is left goes into `cut`.
# With `final` nothing may be left. Raises the UnicodeDecodeError that CPython's own decoder raises,
# for it is that decoder; then `cut` is unchanged.
cdef inline object chunk_text(
    const ff_kernels *kernels, const Chunk *chunk, PartialCharacter *cut, bint final,
    bint *expect_ascii
):
    cdef uint8_t on_stack[ALIGNMENT + FF_PADDING + SCRATCH_ON_STACK + FF_PADDING]
    cdef Scratch scratch
    cdef PyObject *whole
    if cut.length == 0:
        if new_whole_text(
            kernels, chunk, expect_ascii, &whole
        ) if final else new_ascii_text(kernels, chunk, expect_ascii, &whole):
            return ff_owned(whole)
    open_scratch(&scratch, cut.length + chunk.length, on_stack)
    try:
        text = scratch_text(kernels, chunk, cut, final, scratch.start)
    finally:
        close_scratch(&scratch)
    expect_ascii[0] = PyUnicode_IS_COMPACT_ASCII(text)
    return text


# The same at `start`, in the scratch.
cdef inline object scratch_text(
    const ff_kernels *kernels, const Chunk *chunk, PartialCharacter *cut, bint final, uint8_t *start
):
    cdef size_t length = cut.length + chunk.length
    cdef Py_ssize_t consumed = length
    memcpy(start, cut.bytes, cut.length)
    chunk_copy(kernels, chunk, start + cut.length)
    if kernels.text_is_fast:
        text = text_before_cut(kernels, start, length, cut, final)
        if text is not None:
            return text
    text = PyUnicode_DecodeUTF8Stateful(
        <const char *>start, length, NULL, NULL if final else &consumed
    )
    if length - <size_t>consumed > sizeof(cut.bytes):
        raise RuntimeError(
            "the error handler \"strict\" was replaced by one that changes what is decoded"
        )
    keep_partial_character(cut, start, length, consumed)
    return text


# The text at `start` up to its last complete character, and what is left in `cut`. None if it is
# wrong, or if nothing may be left and something is; then `cut` is unchanged.
cdef inline object text_before_cut(
    const ff_kernels *kernels, uint8_t *start, size_t length, PartialCharacter *cut, bint final
):
    cdef PartialCharacter rest
    cdef ff_utf8 state = ff_utf8_start()
    cdef uint8_t no_key[4]
    memset(no_key, 0, 4)
    keep_partial_character(
        &rest, start, length, length if final else length - ff_utf8_cut(start, length)
    )
    if not kernels.utf8_feed(&state, rest.bytes, rest.length):
        return None
    text = text_by_kernels(kernels, start, start, length - rest.length, no_key)
    if text is None:
        # the kernels write past the end of what they are given
        memcpy(start + length - rest.length, rest.bytes, rest.length)
    else:
        cut[0] = rest
    return text


# Makes the text of whole characters, unmasked into `start`, which has padding on both sides; False
# if it is not UTF-8.
cdef inline bint new_text_by_kernels(
    const ff_kernels *kernels, uint8_t *start, const uint8_t *data, size_t length,
    const uint8_t *key, PyObject **text
) except -1:
    cdef ff_text measure
    measure.characters = 0
    measure.largest_byte = 0
    if not kernels.utf8_unmask(start, data, length, key, &measure):
        return False
    text[0] = new_measured_text(kernels, start, length, &measure)
    return True


# The same, or None.
cdef inline object text_by_kernels(
    const ff_kernels *kernels, uint8_t *start, const uint8_t *data, size_t length,
    const uint8_t *key
):
    cdef PyObject *text
    if new_text_by_kernels(kernels, start, data, length, key, &text):
        return ff_owned(text)
    return None


# The text of `length` bytes that are there already, unmasked, whole and valid, with padding on both
# sides.
cdef inline object padded_text(const ff_kernels *kernels, uint8_t *start, size_t length):
    cdef uint8_t no_key[4]
    memset(no_key, 0, 4)
    if kernels.text_is_fast:
        text = text_by_kernels(kernels, start, start, length, no_key)
        if text is not None:
            return text
    return PyUnicode_DecodeUTF8Stateful(<const char *>start, length, NULL, NULL)


cdef inline PyObject *new_measured_text(
    const ff_kernels *kernels, const uint8_t *data, size_t length, const ff_text *measure
) except NULL:
    cdef PyObject *text
    if measure.largest_byte < 0x80:
        text = ff_new_str(measure.characters, 0x7F)
        memcpy(ff_str_data(text), data, length)
    elif measure.largest_byte < 0xC4:
        text = ff_new_str(measure.characters, 0xFF)
        kernels.utf8_to_latin1(<uint8_t *>ff_str_data(text), data, length, measure)
    elif measure.largest_byte < 0xF0:
        text = ff_new_str(measure.characters, 0xFFFF)
        kernels.utf8_to_ucs2(<uint8_t *>ff_str_data(text), data, length, measure)
    else:
        text = ff_new_str(measure.characters, 0x10FFFF)
        kernels.utf8_to_ucs4(<uint8_t *>ff_str_data(text), data, length, measure)
    return text


cdef inline void keep_partial_character(
    PartialCharacter *cut, const uint8_t *data, size_t length, size_t consumed
) noexcept:
    cut.length = <uint8_t>(length - consumed)
    memcpy(cut.bytes, data + consumed, cut.length)
