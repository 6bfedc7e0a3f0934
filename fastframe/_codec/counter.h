/* counter.h: numbers that one thread adds to and any thread may read, and a lock for their sums.
 *
 * Without the GIL a number is loaded and stored whole, in any order with others: on x86-64 and
 * arm64 these are the plain instructions, not atomic additions. With it nothing is needed.
 */
#ifndef FASTFRAME_COUNTER_H
#define FASTFRAME_COUNTER_H

#include <Python.h>
#include <stdint.h>
#ifdef _WIN32
#include <windows.h>
#else
#include <time.h>
#endif

#ifdef FASTFRAME_UNCOUNTED /* to measure what counting costs: benchmarks/measure/counters.py */
#define FF_COUNTS 0
#else
#define FF_COUNTS 1
#endif

/* Of a clock that only goes forward. */
static inline uint64_t ff_nanoseconds(void)
{
#ifdef _WIN32
    LARGE_INTEGER ticks, ticks_in_a_second;
    QueryPerformanceCounter(&ticks);
    QueryPerformanceFrequency(&ticks_in_a_second);
    return (uint64_t)((double)ticks.QuadPart * 1e9 / (double)ticks_in_a_second.QuadPart);
#else
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
#endif
}

#if !defined(Py_GIL_DISABLED)

static inline uint64_t ff_counted(const uint64_t *counter) { return *counter; }
static inline void ff_count(uint64_t *counter, uint64_t number)
{
    if (FF_COUNTS)
        *counter += number;
}

typedef char ff_lock;
static inline void ff_lock_take(ff_lock *lock) { (void)lock; }
static inline void ff_lock_leave(ff_lock *lock) { (void)lock; }

#else

#ifdef _MSC_VER
static inline uint64_t ff_counted(const uint64_t *counter)
{
    return *(const volatile uint64_t *)counter;
}
static inline void ff_count(uint64_t *counter, uint64_t number)
{
    *(volatile uint64_t *)counter = ff_counted(counter) + number;
}
#else
static inline uint64_t ff_counted(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}
static inline void ff_count(uint64_t *counter, uint64_t number)
{
    __atomic_store_n(counter, ff_counted(counter) + number, __ATOMIC_RELAXED);
}
#endif

typedef PyMutex ff_lock;
static inline void ff_lock_take(ff_lock *lock) { PyMutex_Lock(lock); }
static inline void ff_lock_leave(ff_lock *lock) { PyMutex_Unlock(lock); }

#endif
#endif
