# cython: language_level=3
"""An extension module in Cython on fastframe: takes the messages of a Decoder without a loop in
Python."""

from cpython.object cimport PyObject
from libc.stdint cimport uint8_t

from fastframe cimport FF_MASKING_KEY_SIZE, ff_api, ff_import, ff_payload

cdef extern from "Python.h":  # for objects without Cython's own references
    bint PyUnicode_Check(PyObject *object)
    Py_ssize_t PyUnicode_GET_LENGTH(PyObject *text)
    void Py_DECREF(PyObject *object)

cdef const ff_api *ff = ff_import()


def characters(decoder, data):
    """How many texts are in `data`, and how many characters they have together."""
    cdef PyObject *message
    cdef Py_ssize_t texts = 0, count = 0
    ff.decoder_feed(decoder, data)
    while True:
        message = ff.decoder_next(decoder)
        if message is NULL:
            return texts, count
        if PyUnicode_Check(message):
            texts += 1
            count += PyUnicode_GET_LENGTH(message)
        Py_DECREF(message)


def payloads(decoder, data, list found):
    """Appends the opcode and a copy of the payload of each message and control frame; a parser
    would read them where they are."""
    cdef ff_payload payload
    ff.decoder_feed(decoder, data)
    while ff.decoder_next_payload(decoder, &payload):
        found.append((payload.opcode, payload.data[:payload.length]))


def echo(decoder, encoder, bytearray received):
    """What a server answers to what it has received into memory of its own."""
    cdef PyObject *message
    answers = []
    ff.decoder_feed_memory(decoder, <const uint8_t *>received, len(received))
    while True:
        message = ff.decoder_next(decoder)
        if message is NULL:
            return b"".join(answers)
        try:
            answers.append(ff.encoder_message(encoder, <object>message))
        finally:
            Py_DECREF(message)


def unmasked(bytes payload not None, bytes masking_key not None):
    """A kernel by itself."""
    cdef bytearray out = bytearray(len(payload))
    if len(masking_key) != FF_MASKING_KEY_SIZE:
        raise ValueError("masking_key must have 4 bytes")
    ff.kernels().mask(out, payload, len(payload), masking_key)
    return bytes(out)
