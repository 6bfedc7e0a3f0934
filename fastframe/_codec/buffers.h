/* buffers.h: the bytes of a caller's object, and the one wording of what is wrong if it has
 * none. */
#ifndef FASTFRAME_BUFFERS_H
#define FASTFRAME_BUFFERS_H

#include <Python.h>

#define FF_BYTES_LIKE "a contiguous bytes-like object"
#define FF_WRITABLE_BYTES_LIKE "a writable bytes-like object"
#define FF_STR_OR_BYTES_LIKE "a str or " FF_BYTES_LIKE

/* Why an object that has bytes does not lend them as asked, or NULL if it says nothing of the kind.
 * Every exporter words that in its own way (NumPy raises a ValueError), so ask for the bytes in any
 * shape and look. */
static inline const char *ff_unsuitable(PyObject *object, int flags)
{
    Py_buffer view;
    const char *reason = NULL;
    if (!PyObject_CheckBuffer(object))
        return NULL;
    if (PyObject_GetBuffer(object, &view, PyBUF_FULL_RO) < 0) {
        PyErr_Clear();
        return NULL;
    }
    if (!PyBuffer_IsContiguous(&view, 'C'))
        reason = "contiguous";
    else if (view.readonly && (flags & PyBUF_WRITABLE))
        reason = "writable";
    PyBuffer_Release(&view);
    return reason;
}

/* PyObject_GetBuffer; a TypeError says that the argument `name` must be what is `expected`. */
static inline int ff_get_buffer(PyObject *object, Py_buffer *view, int flags, const char *name,
                                const char *expected)
{
    PyObject *type, *value, *traceback;
    if (PyObject_GetBuffer(object, view, flags) == 0)
        return 0;
    if (!PyErr_ExceptionMatches(PyExc_TypeError) && !PyErr_ExceptionMatches(PyExc_BufferError) &&
        !PyErr_ExceptionMatches(PyExc_ValueError))
        return -1;
    PyErr_Fetch(&type, &value, &traceback);
    const char *reason = ff_unsuitable(object, flags);
    if (!reason && PyErr_GivenExceptionMatches(
                       type, PyExc_ValueError)) { /* a memoryview that was released, for one */
        PyErr_Restore(type, value, traceback);
        return -1;
    }
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    const char *type_name =
        Py_TYPE(object)->tp_name; /* only now: `__buffer__` may have changed the type */
    if (reason)
        PyErr_Format(PyExc_TypeError, "%s must be %s; this %.200s is not %s", name, expected,
                     type_name, reason);
    else
        PyErr_Format(PyExc_TypeError, "%s must be %s, not %.200s", name, expected, type_name);
    return -1;
}

#endif
