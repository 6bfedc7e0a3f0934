/* kernels_sse41.c: vectors of 16 bytes, for x86-64 processors since 2008. */
#include "kernels.h"

#if FF_X86
#include <smmintrin.h>
#include <string.h>
#include "utf8.h"
#include "vectors_x86_16.h"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("ssse3,sse4.1"))), apply_to = function)
#elif defined(__GNUC__)
#pragma GCC push_options
#pragma GCC target("ssse3,sse4.1")
#endif

#define VECTOR VECTOR16
#define VECTOR_SIZE 16
#define LOAD(p) LOAD16(p)
#define STORE(p, v) STORE16(p, v)
#define XOR(a, b) XOR16(a, b)
#define OR(a, b) OR16(a, b)
#define AND(a, b) AND16(a, b)
#define KEY(k) KEY16(k)
#define SET1(byte) SET16(byte)
#define SATURATING_SUB(a, b) _mm_subs_epu8(a, b)
#define HIGH_HALF(v) AND16(SHIFT_RIGHT16(v, 4), SET16(15))
#define TABLE(p) LOAD16(p)
#define LOOKUP(table, v) _mm_shuffle_epi8(table, v)
#define IS_ASCII(v) IS_ASCII16(v)
#define IS_ZERO(v) (_mm_testz_si128(v, v) != 0)

#include "vector_mask.h"
#include "vector_text.h"
#include "vector_utf8.h"

const ff_kernels ff_kernels_sse41 = {
    .name = "sse41",
    .mask = mask,
    .mask_ascii = mask_ascii,
    .utf8_feed = utf8_feed,
    .utf8_measure = utf8_measure,
    .utf8_to_latin1 = utf8_to_latin1,
    .utf8_to_ucs2 = utf8_to_ucs2,
    .utf8_to_ucs4 = utf8_to_ucs4,
    .text_is_fast = true,
};

#if defined(__clang__)
#pragma clang attribute pop
#elif defined(__GNUC__)
#pragma GCC pop_options
#endif
#endif
