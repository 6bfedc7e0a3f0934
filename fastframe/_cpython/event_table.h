/* event_table.h: the event classes of all interpreters whose calls are taken, by their address.
 *
 * Assumes of CPython: nothing that is not documented. For event_hooks.h only.
 */
#ifndef FASTFRAME_EVENT_TABLE_H
#define FASTFRAME_EVENT_TABLE_H

#include "atomic.h"
#include "event_class.h"

/* The hooked classes of all interpreters: a slot function is given the type, and its module cannot
 * be asked in less time than is to be saved. A type is in one of the WAYS entries that its address
 * chooses. An entry is only read by the interpreter whose type it is; others compare the pointer.
 * */
enum { FF_EVENT_SETS = 64, FF_EVENT_WAYS = 8 };

typedef struct {
    ff_word type; /* written last: what the entry says is complete when its type is found */
    ff_event_class *event_class;
} ff_event_entry;

enum { FF_EVENT_FREE = 0, FF_EVENT_TAKEN = 1 }; /* instead of a type */

static ff_event_entry ff_event_entries[FF_EVENT_SETS][FF_EVENT_WAYS];

static inline ff_event_entry *ff_event_set_of(PyTypeObject *type)
{
    uintptr_t address = (uintptr_t)type;
    return ff_event_entries[(address >> 6 ^ address >> 12) % FF_EVENT_SETS];
}

/* The entry of a type, or NULL. */
static inline ff_event_entry *ff_event_entry_of(PyTypeObject *type)
{
    ff_event_entry *entry = ff_event_set_of(type);
    for (int i = 0; i < FF_EVENT_WAYS; i++) {
        if (ff_atomic_load(&entry[i].type) == (ff_word)type)
            return &entry[i];
    }
    return NULL;
}

static inline ff_event_class *ff_event_class_of(PyTypeObject *type)
{
    ff_event_entry *entry = ff_event_entry_of(type);
    return entry == NULL ? NULL : entry->event_class;
}

/* An entry of the type's set that is free, and is now the caller's; or NULL. */
static inline ff_event_entry *ff_event_take_entry(PyTypeObject *type)
{
    ff_event_entry *entry = ff_event_set_of(type);
    for (int i = 0; i < FF_EVENT_WAYS; i++) {
        if (ff_atomic_replace(&entry[i].type, FF_EVENT_FREE, FF_EVENT_TAKEN))
            return &entry[i];
    }
    return NULL;
}

#endif
