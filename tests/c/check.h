/* check.h: checks for the C tests, and memory that ends, or begins, where reading must stop. */
#ifndef CHECK_H
#define CHECK_H

#include "fastframe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        checks++;                                                                                  \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static unsigned long checks;

/* The next of a fixed series of pseudo-random numbers (xorshift64*): the same on every machine. */
static uint64_t random_state = 0x9E3779B97F4A7C15u;

static inline uint64_t next_random(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545F4914F6CDD1Du;
}

/* A run of readable bytes between two pages that are not: one byte too far in either direction ends
 * the test. */
typedef struct guarded {
    uint8_t *start; /* the first byte after the lower guard page */
    uint8_t *end;   /* the upper guard page */
} guarded;

static inline guarded guarded_new(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t body = (size + page - 1) / page * page;
    uint8_t *map =
        mmap(NULL, body + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(map != MAP_FAILED);
    CHECK(mprotect(map, page, PROT_NONE) == 0);
    CHECK(mprotect(map + page + body, page, PROT_NONE) == 0);
    guarded memory = {map + page, map + page + body};
    return memory;
}

/* A copy of `data` whose last byte is the last before the guard page. */
static inline uint8_t *at_end(guarded memory, const void *data, size_t length)
{
    uint8_t *copy = memory.end - length;
    if (length)
        memcpy(copy, data, length);
    return copy;
}

static inline uint8_t *at_start(guarded memory, const void *data, size_t length)
{
    if (length)
        memcpy(memory.start, data, length);
    return memory.start;
}

static inline int report(const char *name)
{
    printf("%s: %lu checks passed\n", name, checks);
    return 0;
}

#endif
