/* dispatch.c: which table of kernels is in use. */
#include "kernels.h"

#include <string.h>

/* Best first. A table that needs more than the baseline of its architecture stands here with a test of the CPU. */
static const ff_kernels *const TABLES[] = {
    &ff_kernels_portable,
};

enum { TABLE_COUNT = sizeof TABLES / sizeof TABLES[0] };

/* The only global of this library. Set once at import; tests set it again. */
static const ff_kernels *active = NULL;

const ff_kernels *ff_kernels_at(size_t i) { return i < TABLE_COUNT ? TABLES[i] : NULL; }

const ff_kernels *ff_kernels_active(void)
{
    if (active == NULL)
        active = TABLES[0];
    return active;
}

bool ff_kernels_select(const char *name)
{
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        if (strcmp(TABLES[i]->name, name) == 0) {
            active = TABLES[i];
            return true;
        }
    }
    return false;
}
