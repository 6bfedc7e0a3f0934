/* inline_values.h: attributes stored where CPython keeps them, for an object that was just made.
 * The trick "inline-values".
 *
 * CPython 3.11 to 3.15 keep the attributes of most objects in an array of their own, in the places
 * that the class has for the names, and beside it the order in which they were set. No public
 * function fills it in less than twice the time. The layout is private: it is written to only for a
 * class of which ff_inline_places has found, on an instance made by public functions, everything
 * where it is expected. For other versions, and without the GIL, nothing is found.
 *
 * Assumes of CPython: the layout above. Read in 3.11 to 3.15. Proof: EventClass._find_places. The
 * twin is PyObject_GenericSetAttr.
 */
#ifndef FASTFRAME_INLINE_VALUES_H
#define FASTFRAME_INLINE_VALUES_H

#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

#if !defined(PYPY_VERSION) && !defined(Py_GIL_DISABLED) && PY_VERSION_HEX >= 0x030B0000 &&         \
    PY_VERSION_HEX < 0x03100000
#define FF_INLINE_VALUES 1
#else
#define FF_INLINE_VALUES 0
#endif

#if FF_INLINE_VALUES

typedef struct {
    PyObject **values; /* NULL: the object has a dict by now */
    uint8_t *used;     /* how many of them are set */
    uint8_t *order;    /* their places, in the order in which they were set */
    int step;          /* from one place in `order` to the next */
} ff_inline_values;

/* Of an object whose class has the flags that ff_inline_places asks for. */
static inline ff_inline_values ff_inline_values_of(PyObject *object)
{
    ff_inline_values found = {NULL, NULL, NULL, 1};
#if PY_VERSION_HEX >= 0x030D0000
    /* After the object's head: capacity, used, embedded, valid; the values; the order. */
    uint8_t *head = (uint8_t *)object + sizeof(PyObject);
    if (head[3]) {
        found.values = (PyObject **)(void *)(head + sizeof(PyObject *));
        found.used = head + 1;
        found.order = (uint8_t *)(found.values + head[0]);
    }
#else
    /* The array is elsewhere; before it, backwards, its size, how many are used, and the order. */
#if PY_VERSION_HEX >= 0x030C0000
    uintptr_t values =
        ((uintptr_t *)(void *)object)[-3]; /* its lowest bit says that it is not a dict */
    found.values = values & 1 ? (PyObject **)(values + 1) : NULL;
#else
    found.values =
        ((PyObject **)(void *)object)[-3] == NULL ? ((PyObject ***)(void *)object)[-4] : NULL;
#endif
    if (found.values != NULL) {
        found.used = (uint8_t *)found.values - 2;
        found.order = found.used - 1;
        found.step = -1;
    }
#endif
    return found;
}

/* Stores the values, and takes over a reference to each. False, and nothing has changed, if the
 * object is no longer new. */
static inline bool ff_inline_fill(PyObject *object, int count, const uint8_t *places,
                                  PyObject *const values[])
{
    ff_inline_values inside = ff_inline_values_of(object);
    if (inside.values == NULL || *inside.used != 0)
        return false;
    for (int i = 0; i < count; i++) {
        inside.values[places[i]] = values[i];
        inside.order[i * inside.step] = places[i];
    }
    *inside.used = (uint8_t)count;
    return true;
}

/* Where the attributes lie. `object` has had exactly `values` set, in this order, and they are
 * distinct. False if they are not found where ff_inline_fill would put them. */
static inline bool ff_inline_places(PyObject *object, int count, PyObject *const values[],
                                    uint8_t *places)
{
    unsigned long flags = Py_TYPE(object)->tp_flags;
    if (!(flags & Py_TPFLAGS_MANAGED_DICT) || (flags & Py_TPFLAGS_HAVE_GC) == 0)
        return false;
#if PY_VERSION_HEX >= 0x030D0000
    if (!(flags & Py_TPFLAGS_INLINE_VALUES) || Py_TYPE(object)->tp_basicsize != sizeof(PyObject))
        return false;
#endif
    ff_inline_values inside = ff_inline_values_of(object);
    if (inside.values == NULL || *inside.used != count)
        return false;
    for (int i = 0; i < count; i++) {
        uint8_t place = inside.order[i * inside.step];
        if (place >= count || inside.values[place] != values[i])
            return false;
        places[i] = place;
    }
    return true;
}

#else

static inline bool ff_inline_fill(PyObject *object, int count, const uint8_t *places,
                                  PyObject *const values[])
{
    (void)object, (void)count, (void)places, (void)values;
    return false;
}

static inline bool ff_inline_places(PyObject *object, int count, PyObject *const values[],
                                    uint8_t *places)
{
    (void)object, (void)count, (void)values, (void)places;
    return false;
}

#endif
#endif
