/* named_tuple.h: a NamedTuple of four without the call of its constructor, which is a function of
 * Python.
 *
 * Assumes of CPython: a NamedTuple is a tuple with no state of its own, and one that nobody has
 * seen yet may be filled; from 3.14 on it has a hash that must be set. Read in 3.10 to 3.15. Proof:
 * WsprotoNames compares one with a constructed one. The twin calls tuple.__new__.
 */
#ifndef FASTFRAME_NAMED_TUPLE_H
#define FASTFRAME_NAMED_TUPLE_H

#include <Python.h>

/* Both take no references. */
static inline PyObject *ff_named_tuple_4(PyObject *type, PyObject *a, PyObject *b, PyObject *c,
                                         PyObject *d)
{
    PyObject *tuple = ((PyTypeObject *)type)->tp_alloc((PyTypeObject *)type, 4);
    if (tuple != NULL) {
        PyTuple_SET_ITEM(tuple, 0, Py_NewRef(a));
        PyTuple_SET_ITEM(tuple, 1, Py_NewRef(b));
        PyTuple_SET_ITEM(tuple, 2, Py_NewRef(c));
        PyTuple_SET_ITEM(tuple, 3, Py_NewRef(d));
#if PY_VERSION_HEX >= 0x030E0000
        ((PyTupleObject *)tuple)->ob_hash = -1; /* not computed yet */
#endif
    }
    return tuple;
}

static inline PyObject *ff_named_tuple_4_by_new(PyObject *type, PyObject *a, PyObject *b,
                                                PyObject *c, PyObject *d)
{
    PyObject *tuple = NULL, *arguments = Py_BuildValue("((OOOO))", a, b, c, d);
    if (arguments != NULL)
        tuple = PyTuple_Type.tp_new((PyTypeObject *)type, arguments, NULL);
    Py_XDECREF(arguments);
    return tuple;
}

#endif
