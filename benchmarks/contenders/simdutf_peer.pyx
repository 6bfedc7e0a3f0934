# cython: language_level=3
# distutils: language = c++
"""simdutf, where its development package is installed (Debian: libsimdutf-dev): without the call
around it, like `baseline`."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE


cdef extern from "Python.h":
    void *PyUnicode_DATA(object text)
    int PyUnicode_KIND(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)


cdef extern from *:
    ctypedef int char16_t
    ctypedef int char32_t


cdef extern from "<simdutf.h>" namespace "simdutf":
    bint validate_utf8(const char *data, size_t length)
    size_t utf8_length_from_latin1(const char *data, size_t length)
    size_t utf8_length_from_utf16le(const char16_t *data, size_t length)
    size_t utf8_length_from_utf32(const char32_t *data, size_t length)
    size_t convert_latin1_to_utf8(const char *data, size_t length, char *out)
    size_t convert_utf16le_to_utf8(const char16_t *data, size_t length, char *out)
    size_t convert_utf32_to_utf8(const char32_t *data, size_t length, char *out)


def is_utf8(bytes data not None, int times, /):
    """The last answer of `times`."""
    valid = False
    for _ in range(times):
        valid = validate_utf8(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
    return valid


def encode(str text not None, int times, /):
    """The text as UTF-8, in new bytes each time: how long they are first, as simdutf asks for."""
    encoded = b""
    for _ in range(times):
        encoded = encoded_once(text)
    return encoded


cdef bytes encoded_once(str text):
    cdef size_t length = PyUnicode_GET_LENGTH(text)
    cdef void *characters = PyUnicode_DATA(text)
    cdef int kind = PyUnicode_KIND(text)
    if kind == 1:
        encoded = PyBytes_FromStringAndSize(
            NULL, utf8_length_from_latin1(<const char *>characters, length)
        )
        convert_latin1_to_utf8(<const char *>characters, length, PyBytes_AS_STRING(encoded))
    elif kind == 2:
        encoded = PyBytes_FromStringAndSize(
            NULL, utf8_length_from_utf16le(<const char16_t *>characters, length)
        )
        convert_utf16le_to_utf8(<const char16_t *>characters, length, PyBytes_AS_STRING(encoded))
    else:
        encoded = PyBytes_FromStringAndSize(
            NULL, utf8_length_from_utf32(<const char32_t *>characters, length)
        )
        convert_utf32_to_utf8(<const char32_t *>characters, length, PyBytes_AS_STRING(encoded))
    return encoded
