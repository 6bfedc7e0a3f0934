/* _buffers.h: the bytes of a caller's object, and the one wording of what is wrong if it has none. */
#ifndef FASTFRAME_BUFFERS_H
#define FASTFRAME_BUFFERS_H

#include <Python.h>

#define FF_BYTES_LIKE "a contiguous bytes-like object"
#define FF_WRITABLE_BYTES_LIKE "a writable bytes-like object"
#define FF_STR_OR_BYTES_LIKE "a str or " FF_BYTES_LIKE

/* PyObject_GetBuffer; a TypeError says that the argument `name` must be what is `expected`. */
static inline int ff_get_buffer(PyObject *object, Py_buffer *view, int flags, const char *name, const char *expected)
{
    if (PyObject_GetBuffer(object, view, flags) == 0)
        return 0;
    if (PyErr_ExceptionMatches(PyExc_TypeError) || PyErr_ExceptionMatches(PyExc_BufferError)) {
        PyErr_Clear();
        PyErr_Format(PyExc_TypeError, "%s must be %s, not %.200s", name, expected, Py_TYPE(object)->tp_name);
    }
    return -1;
}

#endif
