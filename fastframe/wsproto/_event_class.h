/* _event_class.h: instances of wsproto's event classes, made without a call of their __init__.
 *
 * The classes are frozen dataclasses. Their __init__ sets each field by object.__setattr__, which is PyObject_GenericSetAttr;
 * the functions here do the same, in the same order, without the Python function around it.
 */
#ifndef FASTFRAME_EVENT_CLASS_H
#define FASTFRAME_EVENT_CLASS_H

#include <Python.h>

#include "_inline_values.h"

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
    unsigned int version; /* of the type, when it had no property or the like in place of a field; 0 is none */
    /* The class's own __init__, and what it was made of: calls of the class obey whoever changes one of them. */
    PyObject *init, *init_code, *init_defaults;
} ff_event_class;

static inline int ff_event_set(const ff_event_class *event_class, PyObject *event, PyObject *const values[])
{
    for (int i = 0; i < event_class->fields; i++) {
        if (PyObject_GenericSetAttr(event, event_class->names[i], values[i]) < 0)
            return -1;
    }
    return 0;
}

/* CPython gives a type another version whenever it, or a base of it, gets another attribute. */
static inline bool ff_event_fields_are_plain(ff_event_class *event_class)
{
    PyTypeObject *type = event_class->type;
    if (type->tp_version_tag != 0 && type->tp_version_tag == event_class->version)
        return true;
    for (int i = 0; i < event_class->fields; i++) {
        PyObject *attribute = _PyType_Lookup(type, event_class->names[i]); /* also makes the version */
        if (attribute != NULL && Py_TYPE(attribute)->tp_descr_set != NULL)
            return false;
    }
    event_class->version = type->tp_version_tag;
    return event_class->version != 0;
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
    if (event != NULL && event_class->has_inline_values && ff_event_fields_are_plain(event_class) &&
        ff_inline_fill(event, event_class->fields, event_class->places, values))
        return event;
    if (event != NULL && ff_event_set(event_class, event, values) < 0)
        Py_CLEAR(event);
    ff_event_drop(event_class, values);
    return event;
}

/* Takes over a reference to `payload`. */
static inline PyObject *ff_event_new_1(ff_event_class *event_class, PyObject *payload)
{
    PyObject *values[1] = {payload};
    return ff_event_new(event_class, values);
}

/* Takes over a reference to `data`. */
static inline PyObject *ff_event_new_3(ff_event_class *event_class, PyObject *data, bool frame_finished, bool message_finished)
{
    PyObject *values[3] = {data, Py_NewRef(frame_finished ? Py_True : Py_False),
                           Py_NewRef(message_finished ? Py_True : Py_False)};
    return ff_event_new(event_class, values);
}

#endif
