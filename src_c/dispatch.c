/* dispatch.c: which tables of kernels this CPU can run, and which one is in use. */
#include "atomic.h"
#include "kernels.h"

#include <string.h>

static bool anywhere(void) { return true; }

#if FF_X86
#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#endif

typedef struct {
    uint32_t eax, ebx, ecx, edx;
} registers;

static registers cpuid(uint32_t leaf)
{
    registers r = {0, 0, 0, 0};
#if defined(_MSC_VER)
    int values[4];
    __cpuid(values, 0);
    if ((uint32_t)values[0] >= leaf) {
        __cpuidex(values, (int)leaf, 0);
        r = (registers){(uint32_t)values[0], (uint32_t)values[1], (uint32_t)values[2],
                        (uint32_t)values[3]};
    }
#else
    (void)__get_cpuid_count(leaf, 0, &r.eax, &r.ebx, &r.ecx, &r.edx);
#endif
    return r;
}

static bool has(uint32_t value, uint32_t bits) { return (value & bits) == bits; }

enum {
    /* leaf 1, ecx */
    SSSE3 = 1 << 9,
    SSE41 = 1 << 19,
    OSXSAVE = 1 << 27,
    AVX = 1 << 28,
    /* leaf 7, ebx; BW and VL are bits 30 and 31 */
    AVX2 = 1 << 5,
    AVX512F = 1 << 16,
    /* leaf 7, ecx */
    AVX512_VBMI = 1 << 1,
    AVX512_VBMI2 = 1 << 6,
    /* XCR0: which registers the operating system saves */
    YMM_STATE = 0x06,
    ZMM_STATE = 0xE6
};

#define AVX512_BW_VL (UINT32_C(3) << 30)

static bool os_saves(uint32_t state)
{
    if (!has(cpuid(1).ecx, OSXSAVE | AVX))
        return false;
#if defined(_MSC_VER)
    return has((uint32_t)_xgetbv(0), state);
#else
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return has(low, state);
#endif
}

static bool has_sse41(void) { return has(cpuid(1).ecx, SSSE3 | SSE41); }

static bool has_avx2(void) { return os_saves(YMM_STATE) && has(cpuid(7).ebx, AVX2); }

static bool has_avx512(void)
{
    registers r = cpuid(7);
    return os_saves(ZMM_STATE) && has(r.ebx, AVX2 | AVX512F | AVX512_BW_VL) &&
           has(r.ecx, AVX512_VBMI | AVX512_VBMI2);
}
#endif

/* Best first; the last one runs anywhere. */
static const struct {
    const ff_kernels *kernels;
    bool (*runs_here)(void);
} TABLES[] = {
#if FF_X86
    {&ff_kernels_avx512, has_avx512}, {&ff_kernels_avx2, has_avx2}, {&ff_kernels_sse41, has_sse41},
#endif
#if FF_NEON
    {&ff_kernels_neon, anywhere},
#endif
    {&ff_kernels_portable, anywhere},
};

enum { TABLE_COUNT = sizeof TABLES / sizeof TABLES[0] };

/* The only global of this library: a table, or 0 until one is asked for. Tables never change, so
 * threads that ask at the same time may each choose. */
static ff_word active = 0;

const ff_kernels *ff_kernels_at(size_t i)
{
    for (size_t table = 0; table < TABLE_COUNT; table++) {
        if (TABLES[table].runs_here() && i-- == 0)
            return TABLES[table].kernels;
    }
    return NULL;
}

const ff_kernels *ff_kernels_active(void)
{
    const ff_kernels *kernels = (const ff_kernels *)ff_atomic_load(&active);
    if (kernels == NULL) {
        kernels = ff_kernels_at(0);
        (void)ff_atomic_replace(&active, 0,
                                (ff_word)kernels); /* ff_kernels_select may have been faster */
        kernels = (const ff_kernels *)ff_atomic_load(&active);
    }
    return kernels;
}

bool ff_kernels_select(const char *name)
{
    const ff_kernels *kernels;
    for (size_t i = 0; (kernels = ff_kernels_at(i)) != NULL; i++) {
        if (strcmp(kernels->name, name) == 0) {
            ff_atomic_store(&active, (ff_word)kernels);
            return true;
        }
    }
    return false;
}
