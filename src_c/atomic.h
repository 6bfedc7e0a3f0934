/* atomic.h: words of memory that several threads read and write.
 *
 * A load sees everything that the thread did before the store whose value it reads (acquire and
 * release). On x86-64 and arm64 both are one plain instruction. C11's <stdatomic.h> would do as
 * well, but MSVC needs a switch for it.
 */
#ifndef FASTFRAME_ATOMIC_H
#define FASTFRAME_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

typedef uintptr_t ff_word; /* a number or a pointer */

#if defined(_MSC_VER)
#include <intrin.h>

static inline void *ff_atomic_swap(ff_word *word, ff_word value)
{
    return _InterlockedExchangePointer((void *volatile *)word, (void *)value);
}

static inline void *ff_atomic_swap_if(ff_word *word, ff_word expected, ff_word value)
{
    return _InterlockedCompareExchangePointer((void *volatile *)word, (void *)value,
                                              (void *)expected);
}

static inline ff_word ff_atomic_load(ff_word *word)
{
    return (ff_word)ff_atomic_swap_if(word, 0, 0);
}
static inline ff_word ff_atomic_load_relaxed(ff_word *word) { return *(volatile ff_word *)word; }
static inline void ff_atomic_store(ff_word *word, ff_word value)
{
    (void)ff_atomic_swap(word, value);
}
static inline ff_word ff_atomic_exchange(ff_word *word, ff_word value)
{
    return (ff_word)ff_atomic_swap(word, value);
}

static inline bool ff_atomic_replace(ff_word *word, ff_word expected, ff_word value)
{
    return (ff_word)ff_atomic_swap_if(word, expected, value) == expected;
}

#else

static inline ff_word ff_atomic_load(ff_word *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}
static inline ff_word ff_atomic_load_relaxed(ff_word *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}
static inline void ff_atomic_store(ff_word *word, ff_word value)
{
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static inline ff_word ff_atomic_exchange(ff_word *word, ff_word value)
{
    return __atomic_exchange_n(word, value, __ATOMIC_ACQ_REL);
}

/* Stores `value` if the word is `expected`; true if it was. */
static inline bool ff_atomic_replace(ff_word *word, ff_word expected, ff_word value)
{
    return __atomic_compare_exchange_n(word, &expected, value, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}

#endif
#endif
