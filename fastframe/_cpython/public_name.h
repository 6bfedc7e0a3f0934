/* public_name.h: which module a class or function says that it is from.
 *
 * Assumes of CPython, of a class that is no heap type only (a build without module state):
 * `__module__` is what stands before the last dot of tp_name, and the name is not copied. Read in
 * 3.10 to 3.14. Proof: tests/api/test_public_names.py.
 */
#ifndef FASTFRAME_PUBLIC_NAME_H
#define FASTFRAME_PUBLIC_NAME_H

#include <Python.h>
#include <string.h>

static inline int ff_name_as_public(PyObject *value, const char *package)
{
    PyTypeObject *type = (PyTypeObject *)value;
    const char *name;
    char *full_name;
    size_t room;
    if (!PyType_Check(value) || (type->tp_flags & Py_TPFLAGS_HEAPTYPE)) {
        PyObject *text = PyUnicode_FromString(package);
        int result = text == NULL ? -1 : PyObject_SetAttrString(value, "__module__", text);
        Py_XDECREF(text);
        return result;
    }
    name = strrchr(type->tp_name, '.');
    room = strlen(package) + (name == NULL ? 0 : strlen(name)) + 1;
    if (name == NULL || strncmp(type->tp_name, package, room) == 0)
        return 0;
    full_name = PyMem_RawMalloc(room); /* never freed, as the type never is */
    if (full_name == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    strcpy(full_name, package);
    strcat(full_name, name);
    type->tp_name = full_name;
    PyType_Modified(type);
    return 0;
}

#endif
