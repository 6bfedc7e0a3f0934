/* forks.h: counts the forks that this process descends from. A pool of masking keys that is older
 * must not be used: the parent would use the same keys.
 *
 * For masking_keys.pyx only. One count for the process, as all interpreters fork together.
 */
#ifndef FASTFRAME_FORKS_H
#define FASTFRAME_FORKS_H

#ifdef _WIN32

static inline unsigned long ff_fork_generation(void) { return 0; }
static inline int ff_watch_forks(void) { return 0; }

#else

#include <pthread.h>

#include "atomic.h"

static ff_word ff_forks = 0;
static pthread_once_t ff_forks_once = PTHREAD_ONCE_INIT;
static int ff_forks_error = 0;

static void ff_count_fork(void)
{
    ff_atomic_store(&ff_forks, ff_atomic_load(&ff_forks) + 1);
} /* a child has one thread */

static void ff_begin_to_watch_forks(void)
{
    ff_forks_error = pthread_atfork(NULL, NULL, ff_count_fork);
}

static inline unsigned long ff_fork_generation(void)
{
    return (unsigned long)ff_atomic_load(&ff_forks);
}

/* 0, or the error of pthread_atfork. Any interpreter may call it, as often as it likes. */
static inline int ff_watch_forks(void)
{
    int error = pthread_once(&ff_forks_once, ff_begin_to_watch_forks);
    return error != 0 ? error : ff_forks_error;
}

#endif
#endif
