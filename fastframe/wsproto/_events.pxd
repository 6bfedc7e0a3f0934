# wsproto's event objects, filled without the call of their __init__: that costs more than the whole frame.
#
# The classes are frozen dataclasses; their own __init__ sets the same attributes, in the same order.
from cpython.object cimport PyObject, PyObject_GenericSetAttr
from libc.stdint cimport uint8_t

from fastframe._capi cimport FF_OPCODE_BINARY
from fastframe.wsproto._names cimport WsprotoNames


cdef extern from *:
    """
    /* An instance of a Python class without the call of its __init__. */
    static PyObject *ff_new_instance(PyObject *type, PyObject *no_arguments)
    {
        return ((PyTypeObject *)type)->tp_new((PyTypeObject *)type, no_arguments, NULL);
    }

    /* The same with three attributes, set in this order. */
    static PyObject *ff_new_instance_with_3(PyObject *type, PyObject *no_arguments, PyObject *const names[3],
                                            PyObject *a, PyObject *b, PyObject *c)
    {
        PyObject *instance = ff_new_instance(type, no_arguments);
        if (instance != NULL && (PyObject_GenericSetAttr(instance, names[0], a) < 0
                                 || PyObject_GenericSetAttr(instance, names[1], b) < 0
                                 || PyObject_GenericSetAttr(instance, names[2], c) < 0))
            Py_CLEAR(instance);
        return instance;
    }
    """
    object ff_new_instance(object type, object no_arguments)
    object ff_new_instance_with_3(object type, object no_arguments, PyObject **names, object a, object b, object c)


cdef inline object message_event(
    WsprotoNames wsproto, tuple nothing, uint8_t opcode, object data, bint frame_finished, bint message_finished
):
    cdef PyObject *names[3]
    kind = wsproto.TextMessage
    if opcode == FF_OPCODE_BINARY:
        kind = wsproto.BytesMessage
        if wsproto.binary_as_bytearray:
            data = bytearray(data)
    names[0] = <PyObject *>wsproto.data
    names[1] = <PyObject *>wsproto.frame_finished
    names[2] = <PyObject *>wsproto.message_finished
    return ff_new_instance_with_3(kind, nothing, names, data, frame_finished, message_finished)


# A Ping or a Pong.
cdef inline object payload_event(WsprotoNames wsproto, tuple nothing, object kind, object payload):
    event = ff_new_instance(kind, nothing)
    PyObject_GenericSetAttr(event, wsproto.payload, payload)
    return event
