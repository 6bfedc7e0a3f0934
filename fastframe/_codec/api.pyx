# cython: language_level=3
"""The table of functions for other extension modules: include/fastframe_api.h has the contract."""

from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport uint8_t

from fastframe._codec.capi cimport ff_kernels
from fastframe._codec.decoder cimport Decoder
from fastframe._codec.encoder cimport Encoder
from fastframe._codec.kernels cimport kernels
from fastframe._codec.message_reader cimport MessageReader, ff_payload
from fastframe._cpython.owned cimport PyObject


cdef extern from "atomic.h":
    pass


cdef extern from *:
    """
    /* Below. */
    static const ff_kernels *ff_api_kernels(void);
    static int ff_api_feed(PyObject *decoder, PyObject *data);
    static int ff_api_feed_memory(PyObject *decoder, const uint8_t *data, size_t length);
    static PyObject *ff_api_next_checked(PyObject *decoder);
    static PyObject *ff_api_message(PyObject *encoder, PyObject *data);
    static int ff_api_next_payload(PyObject *decoder, ff_payload *payload);

    /* The function that every Decoder has in this slot, in all interpreters, unless a subclass has
    another. Comparing it is the quickest * check of the type: the type itself would have to be
    looked up in the state of this module. */ static ff_word ff_next_of_decoder;

    static int ff_has_next_of_decoder(PyObject *decoder)
    {
        return (ff_word)Py_TYPE(decoder)->tp_iternext == ff_atomic_load(&ff_next_of_decoder);
    }

    static PyObject *ff_api_next(PyObject *decoder)
    {
        if (ff_has_next_of_decoder(decoder))
            return Py_TYPE(decoder)->tp_iternext(decoder);
        return ff_api_next_checked(decoder);
    }

    static void ff_api_know_decoder(PyObject *type)
    {
        ff_atomic_store(&ff_next_of_decoder, (ff_word)((PyTypeObject *)type)->tp_iternext);
    }

    /* One for the process: these functions find the state of the interpreter that calls them. */
    static const ff_api ff_table = {
        FF_ABI, sizeof(ff_api), ff_api_kernels, ff_status_text, ff_status_close_code,
        ff_header_parse, ff_header_check, ff_header_of_whole_message, ff_header_write, ff_utf8_cut,
        ff_close_code_is_valid, ff_close_parse, ff_api_feed, ff_api_feed_memory,
        ff_api_next, ff_api_message, ff_api_next_payload,
    };
    """
    const void *TABLE "((void *)&ff_table)"
    bint ff_has_next_of_decoder(PyObject *decoder) noexcept
    void ff_api_know_decoder(object type)


cdef const ff_kernels *api_kernels "ff_api_kernels"() noexcept:
    return kernels()


# Objects are `PyObject *` here, as in owned.pxd: these are called for each message.

cdef int api_feed "ff_api_feed"(PyObject *decoder, PyObject *data) except -1:
    if not isinstance(<object>decoder, Decoder):
        refuse_decoder(decoder)
    # as the other functions: not what a subclass may have instead
    Decoder.feed(<object>decoder, <object>data)
    return 0


cdef int api_feed_memory "ff_api_feed_memory"(
    PyObject *decoder, const uint8_t *data, size_t length
) except -1:
    if not isinstance(<object>decoder, Decoder):
        refuse_decoder(decoder)
    return (<Decoder>decoder).feed_memory(data, length)


cdef PyObject *api_next_checked "ff_api_next_checked"(PyObject *decoder) except? NULL:
    if not isinstance(<object>decoder, Decoder):
        refuse_decoder(decoder)
    return (<Decoder>decoder).next_message()


cdef bint api_next_payload "ff_api_next_payload"(PyObject *decoder, ff_payload *payload) except -1:
    if not ff_has_next_of_decoder(decoder) and not isinstance(<object>decoder, Decoder):
        refuse_decoder(decoder)
    return (<Decoder>decoder).next_payload(payload)


cdef object api_message "ff_api_message"(object encoder, object data):
    if not isinstance(encoder, Encoder):
        raise TypeError(f"encoder must be an Encoder, not {type(encoder).__name__}")
    return (<Encoder>encoder).whole_message(data)


cdef int refuse_decoder(PyObject *decoder) except -1:
    raise TypeError(f"decoder must be a Decoder, not {type(<object>decoder).__name__}")


ff_api_know_decoder(MessageReader)

table = PyCapsule_New(<void *>TABLE, "fastframe._api.table", NULL)
