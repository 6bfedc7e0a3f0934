# wsproto's event objects, made without the call of their __init__: that costs more than the whole
# frame.
from cpython.object cimport PyObject, PyTypeObject


cdef extern from "event_class.h":
    ctypedef struct ff_event_class:
        PyTypeObject *type
        PyObject *no_arguments
        int fields
        PyObject **names
        PyObject **defaults
        bint has_inline_values
        bint version_is_trusted
        unsigned char *places
        PyObject *init
        PyObject *init_code
        PyObject *init_defaults
        PyObject *init_name

    PyObject *ff_event_new_1(ff_event_class *event_class, PyObject *payload) except NULL
    PyObject *ff_event_new_3(
        ff_event_class *event_class, PyObject *data, bint frame_finished, bint message_finished
    ) except NULL


# One of wsproto's event classes: a frozen dataclass with these fields, which are (name, default) or
# (name, MISSING).
cdef class EventClass:
    cdef readonly object type
    cdef ff_event_class c
    cdef tuple _fields, _no_arguments  # as `c` borrows what is in them
    cdef object _init, _init_code, _init_defaults, _init_name
    cdef bint _is_hooked, _knows_places

    cpdef bint is_unchanged(self)
    cpdef bint hook(self)
    cpdef bint unhook(self) noexcept
    cdef bint _calls_are_taken(self) except -1
    cdef int _find_places(self) except -1
    cdef bint _fill(self, event, marks, PyObject **values) except -1
