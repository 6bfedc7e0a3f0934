/* turns.h: who may use an object now.
 *
 * A caller's turn is for an object that serves one call at a time: a second call is refused,
 * whether it comes from another thread or from inside the first one. A thread's turn is for an
 * object that one thread may use at a time, and enter again inside itself.
 *
 * With a GIL the first is a flag, and the second is nothing: threads take turns by themselves.
 * During a quick call no Python code and no other thread runs, so with the GIL the flag is only
 * read.
 *
 * Assumes of CPython, without the GIL only: _Py_ThreadId names a thread; an object is nobody else's
 * if this thread made it (ob_tid), and its two counts are 1 and 0. Read in 3.13 to 3.15. Proof:
 * _sees_only_references in _codec/message_assembler.pyx, and tests/threads. The twin of
 * ff_is_only_reference, the trick "only-reference", is to say no.
 */
#ifndef FASTFRAME_TURNS_H
#define FASTFRAME_TURNS_H

#include <Python.h>
#include <stdbool.h>

#ifdef Py_GIL_DISABLED

#include "atomic.h"

#define FF_WITHOUT_GIL 1

typedef struct {
    ff_word taken;
} ff_callers_turn;

static inline bool ff_callers_turn_begin(ff_callers_turn *turn)
{
    return ff_atomic_exchange(&turn->taken, 1) == 0;
}
static inline void ff_callers_turn_end(ff_callers_turn *turn) { ff_atomic_store(&turn->taken, 0); }
static inline bool ff_quick_turn_begin(ff_callers_turn *turn)
{
    return ff_callers_turn_begin(turn);
}
static inline void ff_quick_turn_end(ff_callers_turn *turn) { ff_callers_turn_end(turn); }

typedef struct {
    ff_word thread; /* 0: none */
    unsigned depth; /* how often that thread has begun it inside itself */
} ff_threads_turn;

static inline bool ff_threads_turn_begin(ff_threads_turn *turn)
{
    ff_word me = (ff_word)_Py_ThreadId();
    if (ff_atomic_replace(&turn->thread, 0, me))
        return true;
    if (ff_atomic_load(&turn->thread) != me)
        return false;
    turn->depth++;
    return true;
}

static inline void ff_threads_turn_end(ff_threads_turn *turn)
{
    if (turn->depth > 0)
        turn->depth--;
    else
        ff_atomic_store(&turn->thread, 0);
}

typedef struct {
    ff_word is_set;
} ff_shared_flag;

static inline bool ff_shared_flag_get(ff_shared_flag *flag)
{
    return ff_atomic_load(&flag->is_set) != 0;
}
static inline void ff_shared_flag_set(ff_shared_flag *flag, bool value)
{
    ff_atomic_store(&flag->is_set, value);
}

/* Is this the first item of the list, which other threads may change? */
static inline bool ff_is_first_item(PyObject *list, PyObject *item)
{
    PyObject *first = PyList_GetItemRef(list, 0);
    bool is_first = first == item;
    if (first == NULL)
        PyErr_Clear();
    Py_XDECREF(first);
    return is_first;
}

/* May the object be changed in place: does nobody refer to it but the caller, and did this thread
 * make it? */
static inline bool ff_is_only_reference(PyObject *object)
{
#if PY_VERSION_HEX < 0x03100000 /* tricks.READ_UP_TO */
    return _Py_atomic_load_uintptr_relaxed(&object->ob_tid) == _Py_ThreadId() &&
           _Py_atomic_load_uint32_relaxed(&object->ob_ref_local) == 1 &&
           _Py_atomic_load_ssize_relaxed(&object->ob_ref_shared) == 0;
#else
    (void)object;
    return false;
#endif
}

#else

#define FF_WITHOUT_GIL 0

typedef struct {
    bool taken;
} ff_callers_turn;

static inline bool ff_callers_turn_begin(ff_callers_turn *turn)
{
    bool is_free = !turn->taken;
    turn->taken = true;
    return is_free;
}

static inline void ff_callers_turn_end(ff_callers_turn *turn) { turn->taken = false; }
/* The build with sanitizers sees a quick call that runs other code. */
#ifdef FASTFRAME_CHECK_TURNS
static inline bool ff_quick_turn_begin(ff_callers_turn *turn)
{
    return ff_callers_turn_begin(turn);
}
static inline void ff_quick_turn_end(ff_callers_turn *turn) { ff_callers_turn_end(turn); }
#else
static inline bool ff_quick_turn_begin(ff_callers_turn *turn) { return !turn->taken; }
static inline void ff_quick_turn_end(ff_callers_turn *turn) { (void)turn; }
#endif

typedef char ff_threads_turn;

static inline bool ff_threads_turn_begin(ff_threads_turn *turn)
{
    (void)turn;
    return true;
}

static inline void ff_threads_turn_end(ff_threads_turn *turn) { (void)turn; }

typedef bool ff_shared_flag;

static inline bool ff_shared_flag_get(const ff_shared_flag *flag) { return *flag; }
static inline void ff_shared_flag_set(ff_shared_flag *flag, bool value) { *flag = value; }

static inline bool ff_is_first_item(PyObject *list, PyObject *item)
{
    return PyList_GET_ITEM(list, 0) == item;
}

static inline bool ff_is_only_reference(PyObject *object) { return Py_REFCNT(object) == 1; }

#endif
#endif
