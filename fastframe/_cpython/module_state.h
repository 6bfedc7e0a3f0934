/* module_state.h: the state of an extension module in each interpreter, where Cython's own way is
 * wrong or slow.
 *
 * mend_cython.py, beside setup.py, puts calls of these functions into the C that Cython generates;
 * each module has its own copy of the words below. docs/explanation/decisions/module-state.md says
 * what is mended and why, cython-reports.md beside it has a program for each fault.
 *
 * Assumes of CPython: code of a module runs only in an interpreter that has imported it; the ids of
 * interpreters are never used again within one Py_Initialize, and begin with 0 in the next one; the
 * dict of an interpreter lives until its last collection. Read in 3.10 to 3.14. Proof:
 * tests/threads. The twin is the build without module state (FASTFRAME_MODULE_STATE=0).
 */
#ifndef FASTFRAME_MODULE_STATE_H
#define FASTFRAME_MODULE_STATE_H

#include <Python.h>
#include <stdbool.h>

#include "atomic.h"

#define FF_SHARED                                                                                  \
    1 /* instead of the only module, from when a second interpreter has begun to import it */

static ff_word
    /* the module, as long as one interpreter alone has imported it; it must be the one that asks */
    ff_only_module;
static ff_word ff_first_owner; /* the id of that interpreter, plus 1 */
static ff_word ff_main_module; /* the module of the main interpreter */

static inline bool ff_in_main_interpreter(void)
{
    return PyInterpreterState_Get() == PyInterpreterState_Main();
}

/* The module of the interpreter that calls; NULL if only Cython's table can say which it is. */
static inline PyObject *ff_module_known(void)
{
    ff_word module = ff_atomic_load_relaxed(&ff_only_module);
    if (module > FF_SHARED)
        return (PyObject *)module;
    module = ff_atomic_load_relaxed(&ff_main_module);
    return module != 0 && ff_in_main_interpreter() ? (PyObject *)module : NULL;
}

/* The module is not to be found any more. */
static inline void ff_module_forget(PyObject *module)
{
    (void)ff_atomic_replace(&ff_only_module, (ff_word)module, 0);
    (void)ff_atomic_replace(&ff_main_module, (ff_word)module, 0);
}

/* Before the interpreter that calls looks for a module that it may have. */
static inline void ff_module_asked_for(void)
{
    ff_word owner = (ff_word)PyInterpreterState_GetID(PyInterpreterState_Get()) + 1;
    if (!ff_atomic_replace(&ff_first_owner, 0, owner) && ff_atomic_load(&ff_first_owner) != owner)
        ff_atomic_store(&ff_only_module, FF_SHARED);
}

/* Of this extension module in the dict of an interpreter: by what name it is imported does not
 * matter. */
static inline PyObject *ff_module_key(void) { return PyLong_FromVoidPtr(&ff_only_module); }

/* True if `module`, which was found for the main interpreter, is that of one that has ended, in a
 * program that embeds CPython and begins it again: the module of this one is in its dict. -1 with
 * an exception. */
static inline int ff_module_is_of_the_past(PyObject *module)
{
    int found = 0;
    PyObject *dict, *key;
    if (module == NULL || !ff_in_main_interpreter())
        return 0;
    dict = PyInterpreterState_GetDict(PyInterpreterState_Get());
    key = ff_module_key();
    if (key == NULL)
        return -1;
    found = dict != NULL && PyDict_GetItem(dict, key) != module;
    Py_DECREF(key);
    return found;
}

/* The module is in Cython's table, which has taken a reference. True if that is given back, as the
 * dict of the interpreter holds the module now. The main interpreter's stays to the end: objects
 * may outlive everything else there. */
static inline bool ff_module_added(PyObject *module)
{
    PyObject *dict = PyInterpreterState_GetDict(PyInterpreterState_Get());
    PyObject *key = ff_module_key();
    bool is_held = dict != NULL && key != NULL && PyDict_SetItem(dict, key, module) == 0;
    bool is_main = ff_in_main_interpreter();
    (void)ff_atomic_replace(&ff_only_module, 0, (ff_word)module);
    if (is_main)
        ff_atomic_store(&ff_main_module, (ff_word)module);
    Py_XDECREF(key);
    if (!is_held)
        PyErr_Clear();
    if (!is_held || is_main)
        return false;
    Py_DECREF(module);
    return true;
}

/* Is the type a collected one whose tp_dealloc comes after `dealloc` in the bases of the object? */
static inline bool ff_next_type_is_gc(PyObject *object, destructor dealloc)
{
    PyTypeObject *type = Py_TYPE(object);
    while (type != NULL && type->tp_dealloc != dealloc) /* of subclasses in Python */
        type = type->tp_base;
    while (type != NULL && type->tp_dealloc == dealloc)
        type = type->tp_base;
    return type != NULL && PyType_IS_GC(type);
}

#endif
