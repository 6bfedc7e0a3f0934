/* method.h: a method of one argument or none, in place of a Python function, for half the price of
 * a call.
 *
 * Like the function that it stands in for, it binds to an instance, takes its argument by position
 * or by name, and has that function's attributes.
 *
 * Assumes of CPython: nothing that is not documented.
 *
 * For wsproto/_connection.pyx only.
 */
#ifndef FASTFRAME_METHOD_H
#define FASTFRAME_METHOD_H

#include <Python.h>
#include <stddef.h>
#include <structmember.h>

/* `argument` is NULL for a method that takes none. */
typedef PyObject *(*ff_method_body)(PyObject *state, PyObject *self, PyObject *argument);

typedef struct {
    PyObject_HEAD vectorcallfunc vectorcall;
    ff_method_body body;
    PyObject *state;     /* for the body */
    PyObject *original;  /* the function that it stands in for */
    PyObject *parameter; /* its name; NULL for a method that takes no argument */
} ff_method;

/* The argument of a call that is in order; else NULL, and no exception is set. */
static inline PyObject *ff_method_argument(const ff_method *method, PyObject *const *arguments,
                                           Py_ssize_t count, PyObject *keywords)
{
    if (count == 2)
        return keywords == NULL || PyTuple_GET_SIZE(keywords) == 0 ? arguments[1] : NULL;
    if (count != 1 || keywords == NULL || PyTuple_GET_SIZE(keywords) != 1)
        return NULL;
    return PyTuple_GET_ITEM(keywords, 0) == method->parameter ? arguments[1] : NULL;
}

static PyObject *ff_method_vectorcall(PyObject *callable, PyObject *const *arguments,
                                      size_t count_and_flag, PyObject *keywords)
{
    ff_method *method = (ff_method *)callable;
    Py_ssize_t count = PyVectorcall_NARGS(count_and_flag);
    if (method->parameter != NULL) {
        PyObject *argument = ff_method_argument(method, arguments, count, keywords);
        if (argument != NULL)
            return method->body(method->state, arguments[0], argument);
    } else if (count == 1 && (keywords == NULL || PyTuple_GET_SIZE(keywords) == 0)) {
        return method->body(method->state, arguments[0], NULL);
    }
    /* The original knows how to refuse it. */
    return PyObject_Vectorcall(method->original, arguments, count_and_flag, keywords);
}

static PyObject *ff_method_get(PyObject *method, PyObject *instance, PyObject *Py_UNUSED(type))
{
    if (instance == NULL || instance == Py_None) {
        Py_INCREF(method);
        return method;
    }
    return PyMethod_New(method, instance);
}

static PyObject *ff_method_getattro(PyObject *method, PyObject *name)
{
    PyObject *value = PyObject_GenericGetAttr(method, name);
    if (value != NULL || !PyErr_ExceptionMatches(PyExc_AttributeError))
        return value;
    PyErr_Clear();
    return PyObject_GetAttr(((ff_method *)method)->original, name);
}

static PyObject *ff_method_doc(PyObject *method, void *Py_UNUSED(closure))
{
    return PyObject_GetAttrString(((ff_method *)method)->original, "__doc__");
}

static PyObject *ff_method_module(PyObject *Py_UNUSED(method), void *Py_UNUSED(closure))
{
    return PyUnicode_FromString("fastframe.wsproto._connection");
}

static PyObject *ff_method_repr(PyObject *method)
{
    PyObject *name = PyObject_GetAttrString(((ff_method *)method)->original, "__qualname__");
    PyObject *repr =
        name == NULL ? NULL : PyUnicode_FromFormat("<fastframe's %S at %p>", name, (void *)method);
    Py_XDECREF(name);
    return repr;
}

static int ff_method_traverse(PyObject *object, visitproc visit, void *arg)
{
    ff_method *method = (ff_method *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(method->state);
    Py_VISIT(method->original);
    return 0;
}

/* No tp_clear: until it is freed it can be called. The cycles that it is part of go through a
 * class, which has one. */
static void ff_method_dealloc(PyObject *object)
{
    ff_method *method = (ff_method *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    Py_DECREF(method->state);
    Py_DECREF(method->original);
    Py_XDECREF(method->parameter);
    PyObject_GC_Del(object);
    Py_DECREF(type);
}

static PyMemberDef ff_method_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(ff_method, vectorcall), READONLY, NULL},
    {"__wrapped__", T_OBJECT, offsetof(ff_method, original), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef ff_method_getset[] = {
    {"__doc__", ff_method_doc, NULL, NULL, NULL},
    {"__module__", ff_method_module, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot ff_method_slots[] = {
    {Py_tp_call, (void *)PyVectorcall_Call},
    {Py_tp_descr_get, (void *)ff_method_get},
    {Py_tp_getattro, (void *)ff_method_getattro},
    {Py_tp_repr, (void *)ff_method_repr},
    {Py_tp_traverse, (void *)ff_method_traverse},
    {Py_tp_dealloc, (void *)ff_method_dealloc},
    {Py_tp_members, ff_method_members},
    {Py_tp_getset, ff_method_getset},
    {0, NULL},
};

static PyType_Spec ff_method_spec = {
    "fastframe.wsproto._connection.Method",
    sizeof(ff_method),
    0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL |
        Py_TPFLAGS_METHOD_DESCRIPTOR,
    ff_method_slots,
};

static inline PyObject *ff_method_type(void) { return PyType_FromSpec(&ff_method_spec); }

/* `parameter` is None for a method that takes no argument. */
static inline PyObject *ff_method_new(PyObject *type, ff_method_body body, PyObject *state,
                                      PyObject *original, PyObject *parameter)
{
    ff_method *method = PyObject_GC_New(ff_method, (PyTypeObject *)type);
    if (method == NULL)
        return NULL;
    method->vectorcall = ff_method_vectorcall;
    method->body = body;
    method->state = Py_NewRef(state);
    method->original = Py_NewRef(original);
    method->parameter = parameter == Py_None ? NULL : Py_NewRef(parameter);
    PyObject_GC_Track((PyObject *)method);
    return (PyObject *)method;
}

#endif
