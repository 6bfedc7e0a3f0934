# The frames of a prepared message: what all connections share.
from cpython.bytes cimport PyBytes_Check
from cpython.object cimport PyObject, PyObject_GetAttr, PyTypeObject
from cpython.unicode cimport PyUnicode_Check
from libc.stdint cimport uint8_t

from fastframe._codec.outbound cimport OutboundPayload


cdef class PreparedFrames:
    cdef readonly uint8_t opcode
    cdef readonly size_t size  # of the payload, uncompressed
    cdef bytes _plain
    cdef dict _deflated        # by what compressed it

    # A server's frame of `data`, the message itself. The same object each time.
    cdef bytes plain(self, object data)
    # The same compressed on its own by a compressor of `module` with these arguments.
    cdef bytes deflated(self, object data, object module, tuple arguments)

    cdef bytes _frame(self, bytes payload, uint8_t rsv)


from fastframe._cpython.turns cimport FF_WITHOUT_GIL


cdef extern from "Python.h":
    PyTypeObject *Py_TYPE(object data)
    bint PyType_IsSubtype(PyTypeObject *kind, PyTypeObject *base)


# What a prepared message is known by. Each object that sends keeps it: to ask the module for it
# takes longer than to encode a short text.
cdef class PreparedKinds:
    cdef object text    # PreparedText
    cdef object binary  # PreparedBytes
    cdef object frames  # PreparedFrames
    cdef object name    # of the attribute in which they are
    # Where a PreparedText has them, in bytes; 0 where that is not known, and without the GIL, as
    # another thread may set the attribute.
    cdef Py_ssize_t slot


cdef PreparedKinds prepared_kinds()


# The frames of a prepared message; None for anything else. By its real type: a proxy may call
# itself a PreparedText.
cdef inline PreparedFrames frames_of(PreparedKinds kinds, object data):
    cdef PyTypeObject *kind
    cdef PyObject *in_slot
    if PyUnicode_Check(data):
        kind = <PyTypeObject *>kinds.text
    elif PyBytes_Check(data):
        kind = <PyTypeObject *>kinds.binary
    else:
        return None
    if Py_TYPE(data) != kind and not PyType_IsSubtype(Py_TYPE(data), kind):
        return None
    if kinds.slot and PyUnicode_Check(data):
        in_slot = slot_of(data, kinds.slot)
        if in_slot is not NULL and Py_TYPE(<object>in_slot) == <PyTypeObject *>kinds.frames:
            return <PreparedFrames>in_slot
    found = PyObject_GetAttr(data, kinds.name)
    if Py_TYPE(found) != <PyTypeObject *>kinds.frames:
        return None
    return <PreparedFrames>found


cdef inline PyObject *slot_of(object data, Py_ssize_t slot) noexcept:
    return (<PyObject **>(<char *><PyObject *>data + slot))[0]


# A server's frame of a prepared message.
cdef inline bytes plain_frame(PreparedFrames frames, object data):
    if not FF_WITHOUT_GIL and frames._plain is not None:
        return frames._plain
    return frames.plain(data)


# What a server's frame carries; the frame must outlive it.
cdef OutboundPayload payload_of(bytes frame) noexcept
