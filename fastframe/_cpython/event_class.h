/* event_class.h: instances of wsproto's event classes, made without a call of their __init__.
 *
 * The classes are frozen dataclasses. Their __init__ sets each field by object.__setattr__, which
 * is PyObject_GenericSetAttr; the functions here do the same, in the same order, without the Python
 * function around it. The trick "type-version".
 *
 * Assumes of CPython: tp_version_tag is another number, or 0, after an attribute of the class or of
 * a base has changed, and _PyType_Lookup gives the class one. Read in 3.10 to 3.15. Proof:
 * _versions_follow_changes in wsproto/_events.pyx. The twin is a call of the class.
 */
#ifndef FASTFRAME_EVENT_CLASS_H
#define FASTFRAME_EVENT_CLASS_H

#include <Python.h>

#include "inline_values.h"

enum { FF_EVENT_FIELDS = 3 }; /* the most that a class has */

/* An EventClass of _events.pyx holds this, and the references that are borrowed here. */
typedef struct {
    PyTypeObject *type;
    PyObject *no_arguments; /* the empty tuple */
    int fields;
    PyObject *names[FF_EVENT_FIELDS];    /* interned */
    PyObject *defaults[FF_EVENT_FIELDS]; /* NULL: the field has none */
    bool has_inline_values;              /* see ff_inline_places */
    uint8_t places[FF_EVENT_FIELDS];
    bool version_is_trusted; /* the trick "type version" is in use */
    unsigned int version;    /* of the type, when it was as wsproto has made it; 0 is none */
    /* The class's own __init__, and what it was made of. If one of these changes, calls use the
     * class's own __init__. */
    PyObject *init, *init_code, *init_defaults;
    PyObject *init_name;
} ff_event_class;

static inline int ff_event_set(const ff_event_class *event_class, PyObject *event,
                               PyObject *const values[])
{
    for (int i = 0; i < event_class->fields; i++) {
        if (PyObject_GenericSetAttr(event, event_class->names[i], values[i]) < 0)
            return -1;
    }
    return 0;
}

#if PY_VERSION_HEX < 0x03100000 && !defined(PYPY_VERSION) /* tricks.READ_UP_TO */
#define FF_TYPE_VERSION 1
#else
#define FF_TYPE_VERSION 0
#endif

/* The version of a type, once it has one; the name is any that it may have. For the self-check. */
static inline unsigned int ff_type_version(PyObject *type, PyObject *name)
{
#if FF_TYPE_VERSION
    (void)_PyType_Lookup((PyTypeObject *)type, name);
    return ((PyTypeObject *)type)->tp_version_tag;
#else
    (void)type, (void)name;
    return 0;
#endif
}

/* The same without giving it one: 0 where something was changed. */
static inline unsigned int ff_type_version_now(PyObject *type)
{
#if FF_TYPE_VERSION
    return ((PyTypeObject *)type)->tp_version_tag;
#else
    (void)type;
    return 0;
#endif
}

#ifdef Py_GIL_DISABLED /* other threads may look at the same time */
#if defined(_MSC_VER) && !defined(__clang__)
#define FF_EVENT_LOAD(address) (*(volatile unsigned int *)(address))
#define FF_EVENT_STORE(address, value) (*(volatile unsigned int *)(address) = (value))
#else
#define FF_EVENT_LOAD(address) __atomic_load_n((address), __ATOMIC_RELAXED)
#define FF_EVENT_STORE(address, value) __atomic_store_n((address), (value), __ATOMIC_RELAXED)
#endif
#else
#define FF_EVENT_LOAD(address) (*(address))
#define FF_EVENT_STORE(address, value) (*(address) = (value))
#endif

/* Is its __init__ still what it was? Not a matter of the type's version. */
static inline bool ff_event_init_is_unchanged(const ff_event_class *c)
{
    return PyFunction_GET_CODE(c->init) == c->init_code &&
           PyFunction_GET_DEFAULTS(c->init) == c->init_defaults;
}

/* Has nobody replaced its __init__ or __new__, or put a property or the like in place of a field?
 * CPython gives a type another version whenever it, or a base of it, gets another attribute. */
static inline bool ff_event_is_as_made(ff_event_class *event_class)
{
#if FF_TYPE_VERSION
    PyTypeObject *type = event_class->type;
    if (!event_class->version_is_trusted)
        return false;
    unsigned int version = FF_EVENT_LOAD(&type->tp_version_tag);
    if (version != 0 && version == FF_EVENT_LOAD(&event_class->version))
        return true;
    if (event_class->init == NULL) /* it has not been hooked yet */
        return false;
    if (_PyType_Lookup(type, event_class->init_name) != event_class->init ||
        type->tp_new != PyBaseObject_Type.tp_new)
        return false;
    for (int i = 0; i < event_class->fields && event_class->has_inline_values; i++) {
        PyObject *attribute =
            _PyType_Lookup(type, event_class->names[i]); /* also makes the version */
        if (attribute != NULL && Py_TYPE(attribute)->tp_descr_set != NULL)
            return false;
    }
    FF_EVENT_STORE(&event_class->version, FF_EVENT_LOAD(&type->tp_version_tag));
    return true;
#else
    (void)event_class;
    return false;
#endif
}

static inline void ff_event_drop(const ff_event_class *event_class, PyObject *const values[])
{
    for (int i = 0; i < event_class->fields; i++)
        Py_DECREF(values[i]);
}

/* A new event. Takes over a reference to each of `values`, one for each field, also if it fails. */
static inline PyObject *ff_event_new(ff_event_class *event_class, PyObject *const values[])
{
    PyTypeObject *type = event_class->type;
    PyObject *event = type->tp_new(type, event_class->no_arguments, NULL);
    if (event != NULL && event_class->has_inline_values && ff_event_is_as_made(event_class) &&
        ff_inline_fill(event, event_class->fields, event_class->places, values))
        return event;
    if (event != NULL && ff_event_set(event_class, event, values) < 0)
        Py_CLEAR(event);
    ff_event_drop(event_class, values);
    return event;
}

/* The same by a call of the class with keywords, as wsproto makes it. */
static inline PyObject *ff_event_by_call(const ff_event_class *event_class,
                                         PyObject *const values[])
{
    PyObject *event, *names = PyTuple_New(event_class->fields);
    if (names == NULL)
        return NULL;
    for (int i = 0; i < event_class->fields; i++) {
        Py_INCREF(event_class->names[i]);
        PyTuple_SET_ITEM(names, i, event_class->names[i]);
    }
    event = PyObject_Vectorcall((PyObject *)event_class->type, values, 0, names);
    Py_DECREF(names);
    return event;
}

/* An event of what was received. As a call of the class, if that is not as wsproto has made it. */
static inline PyObject *ff_event_received(ff_event_class *event_class, PyObject *const values[])
{
    if (ff_event_is_as_made(event_class) && ff_event_init_is_unchanged(event_class))
        return ff_event_new(event_class, values);
    PyObject *event = ff_event_by_call(event_class, values);
    ff_event_drop(event_class, values);
    return event;
}

/* Takes over a reference to `payload`. */
static inline PyObject *ff_event_new_1(ff_event_class *event_class, PyObject *payload)
{
    PyObject *values[1] = {payload};
    return ff_event_received(event_class, values);
}

/* Takes over a reference to `data`. */
static inline PyObject *ff_event_new_3(ff_event_class *event_class, PyObject *data,
                                       bool frame_finished, bool message_finished)
{
    PyObject *values[3] = {data, Py_NewRef(frame_finished ? Py_True : Py_False),
                           Py_NewRef(message_finished ? Py_True : Py_False)};
    return ff_event_received(event_class, values);
}

#endif
