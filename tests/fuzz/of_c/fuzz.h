/* fuzz.h: for the targets of libFuzzer. */
#ifndef FUZZ_H
#define FUZZ_H

#include "fastframe.h"

#include <stdlib.h>
#include <string.h>

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The table with the given name, which every machine has. */
static inline const ff_kernels *portable(void)
{
    const ff_kernels *last = NULL;
    for (size_t i = 0; ff_kernels_at(i); i++)
        last = ff_kernels_at(i);
    return last;
}

/* A copy that is exactly as large, so that AddressSanitizer sees each access outside. */
static inline uint8_t *copy_of(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    MUST(copy != NULL);
    if (size)
        memcpy(copy, data, size);
    return copy;
}

#endif
