# cython: language_level=3
"""fastframe for a compiled consumer, as picows's compiled listener is one: messages into a list,
without a call of Python for each."""

from cpython.object cimport PyObject

from fastframe cimport ff_api, ff_import, ff_payload

cdef extern from "Python.h":
    int PyList_Append(PyObject *list, PyObject *item) except -1
    void Py_DECREF(PyObject *object)

cdef const ff_api *ff = ff_import()


def messages(decoder, bytes data not None):
    """All messages that are complete with `data`."""
    cdef PyObject *message
    cdef list found = []
    ff.decoder_feed(decoder, data)
    while True:
        message = ff.decoder_next(decoder)
        if message is NULL:
            return found
        PyList_Append(<PyObject *>found, message)
        Py_DECREF(message)


cdef extern from "Python.h":
    Py_ssize_t PyUnicode_GET_LENGTH(PyObject *text)


def characters(decoder, bytes data not None):
    """How many characters the texts have that are complete with `data`: a consumer that keeps
    nothing."""
    cdef PyObject *text
    cdef Py_ssize_t count = 0
    ff.decoder_feed(decoder, data)
    while True:
        text = ff.decoder_next(decoder)
        if text is NULL:
            return count
        count += PyUnicode_GET_LENGTH(text)
        Py_DECREF(text)


def payload_bytes(decoder, bytes data not None):
    """How many bytes the payloads have that are complete with `data`: a consumer that reads them
    where they are."""
    cdef ff_payload payload
    cdef size_t count = 0
    ff.decoder_feed(decoder, data)
    while ff.decoder_next_payload(decoder, &payload):
        count += payload.length
    return count
