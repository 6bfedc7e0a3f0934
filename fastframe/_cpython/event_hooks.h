/* event_hooks.h: calls of wsproto's event classes, taken past their __init__:
 * `TextMessage(data=text)`.
 *
 * The class keeps its __init__. What changes are two slots of the type: tp_init, and tp_vectorcall,
 * which CPython calls from 3.12 on. Both take the usual calls, with the arguments and the type that
 * the class was made for, and hand anything else to what was there before, so that the dataclass
 * raises its own errors.
 *
 * If `__init__` is assigned or deleted, CPython rewrites tp_init, which switches both off, so
 * comparing tp_init is enough. A subclass inherits neither: it has its own tp_init, which calls the
 * __init__ that it finds.
 *
 * Assumes of CPython: what calls an object looks up tp_init and, from 3.12 on, tp_vectorcall in its
 * type each time; assigning `__init__` sets tp_init. Read in 3.10 to 3.15. Proof:
 * EventClass._calls_are_taken. The twin is the class as it is.
 *
 * The trick "event-slots", for wsproto/_events.pyx only.
 */
#ifndef FASTFRAME_EVENT_HOOKS_H
#define FASTFRAME_EVENT_HOOKS_H

#include "event_class.h"
#include "event_table.h"

static inline int ff_event_place_of(const ff_event_class *c, PyObject *name)
{
    for (int i = 0; i < c->fields; i++) {
        if (c->names[i] == name)
            return i;
    }
    return -1;
}

/* The defaults for what is missing. False if there is none. */
static inline bool ff_event_complete(const ff_event_class *c, PyObject **values)
{
    for (int i = 0; i < c->fields; i++) {
        if (values[i] == NULL)
            values[i] = c->defaults[i];
        if (values[i] == NULL)
            return false;
    }
    return true;
}

/* The arguments of a call as one value for each field. False for what the class's own __init__ is
 * to decide. */
static inline bool ff_event_bind(const ff_event_class *c, PyObject *const *arguments,
                                 Py_ssize_t count, PyObject *keywords, PyObject **values)
{
    Py_ssize_t named = keywords == NULL ? 0 : PyTuple_GET_SIZE(keywords);
    if (count + named > c->fields)
        return false;
    for (int i = 0; i < c->fields; i++)
        values[i] = i < count ? arguments[i] : NULL;
    for (Py_ssize_t i = 0; i < named; i++) {
        int place = ff_event_place_of(c, PyTuple_GET_ITEM(keywords, i));
        if (place < 0 ||
            values[place] != NULL) /* a name that is not interned, or unknown, or given twice */
            return false;
        values[place] = arguments[count + i];
    }
    return ff_event_complete(c, values);
}

static inline bool ff_event_bind_tuple(const ff_event_class *c, PyObject *arguments,
                                       PyObject *keywords, PyObject **values)
{
    Py_ssize_t count = PyTuple_GET_SIZE(arguments), at = 0;
    if (count > c->fields)
        return false;
    for (int i = 0; i < c->fields; i++)
        values[i] = i < count ? PyTuple_GET_ITEM(arguments, i) : NULL;
    PyObject *name, *value;
    while (keywords != NULL && PyDict_Next(keywords, &at, &name, &value)) {
        int place = ff_event_place_of(c, name);
        if (place < 0 || values[place] != NULL)
            return false;
        values[place] = value;
    }
    return ff_event_complete(c, values);
}

/* CPython's tp_init for each class with an __init__ in Python: the same for all classes and
 * interpreters. */
static ff_word ff_event_slot_init;

static int ff_event_init(PyObject *event, PyObject *arguments, PyObject *keywords)
{
    const ff_event_class *c = ff_event_class_of(Py_TYPE(event));
    PyObject *values[FF_EVENT_FIELDS];
    if (c != NULL && ff_event_init_is_unchanged(c) &&
        ff_event_bind_tuple(c, arguments, keywords, values))
        return ff_event_set(
            c, event, values); /* the event may be an old one, whose __init__ is called once more */
    return ((initproc)ff_atomic_load(&ff_event_slot_init))(event, arguments, keywords);
}

/* The same call without the hook. */
static PyObject *ff_event_call(PyObject *type, PyObject *const *arguments, Py_ssize_t count,
                               PyObject *keywords)
{
    PyObject *event = NULL, *named = NULL, *positional = PyTuple_New(count);
    if (positional == NULL)
        return NULL;
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_INCREF(arguments[i]);
        PyTuple_SET_ITEM(positional, i, arguments[i]);
    }
    if (keywords != NULL && PyTuple_GET_SIZE(keywords)) {
        named = PyDict_New();
        if (named == NULL)
            goto done;
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(keywords); i++) {
            if (PyDict_SetItem(named, PyTuple_GET_ITEM(keywords, i), arguments[count + i]) < 0)
                goto done;
        }
    }
    event = Py_TYPE(type)->tp_call(type, positional, named);
done:
    Py_DECREF(positional);
    Py_XDECREF(named);
    return event;
}

static PyObject *ff_event_vectorcall(PyObject *type, PyObject *const *arguments,
                                     size_t count_and_flag, PyObject *keywords)
{
    Py_ssize_t count = PyVectorcall_NARGS(count_and_flag);
    ff_event_class *c = ff_event_class_of((PyTypeObject *)type);
    PyObject *values[FF_EVENT_FIELDS];
    if (c != NULL && c->type->tp_init == ff_event_init &&
        c->type->tp_new == PyBaseObject_Type.tp_new && ff_event_init_is_unchanged(c) &&
        ff_event_bind(c, arguments, count, keywords, values)) {
        for (int i = 0; i < c->fields; i++)
            Py_INCREF(values[i]);
        return ff_event_new(c, values);
    }
    return ff_event_call(type, arguments, count, keywords);
}

/* Hooks the class. False, and nothing has changed, if the table has no entry for it, or the
 * interpreter has no GIL. */
static inline bool ff_event_hook(ff_event_class *c)
{
#ifdef Py_GIL_DISABLED
    (void)c;
    return false;
#else
    if (c->type->tp_init == ff_event_init) /* by another ff_event_class */
        return false;
    ff_event_entry *entry = ff_event_entry_of(
        c->type); /* of one that was unhooked while other code had replaced the slot */
    if (entry == NULL)
        entry = ff_event_take_entry(c->type);
    if (entry == NULL)
        return false;
    entry->event_class = c;
    ff_atomic_store(&ff_event_slot_init, (ff_word)c->type->tp_init);
    ff_atomic_store(&entry->type, (ff_word)c->type);
    c->type->tp_init = ff_event_init;
    c->type->tp_vectorcall = ff_event_vectorcall;
    return true;
#endif
}

/* Takes the hook away, where it still is. */
static inline void ff_event_unhook(ff_event_class *c)
{
    ff_event_entry *entry = ff_event_entry_of(c->type);
    if (entry == NULL || entry->event_class != c)
        return;
    if (c->type->tp_init == ff_event_init)
        c->type->tp_init = (initproc)ff_atomic_load(&ff_event_slot_init);
    if (c->type->tp_vectorcall == ff_event_vectorcall)
        c->type->tp_vectorcall = NULL;
    ff_atomic_store(&entry->type, FF_EVENT_FREE);
}

/* Are the slots those of a class that has an __init__ in Python and nothing else? */
static inline bool ff_event_slots_are_usual(const ff_event_class *c)
{
    return c->type->tp_vectorcall == NULL && c->type->tp_new == PyBaseObject_Type.tp_new;
}

static inline bool ff_event_is_hooked(const ff_event_class *c)
{
    return c->type->tp_init == ff_event_init && ff_event_class_of(c->type) == c;
}

#endif
