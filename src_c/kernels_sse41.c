/* kernels_sse41.c: vectors of 16 bytes, for x86-64 processors since 2008. */
#include "kernels.h"

#if FF_X86
#include <smmintrin.h>
#include <string.h>
#include "utf8.h"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("ssse3,sse4.1"))), apply_to = function)
#elif defined(__GNUC__)
#pragma GCC push_options
#pragma GCC target("ssse3,sse4.1")
#endif

#define VECTOR __m128i
#define VECTOR_SIZE 16
#define LOAD(p) _mm_loadu_si128((const void *)(p))
#define STORE(p, v) _mm_storeu_si128((void *)(p), v)
#define XOR(a, b) _mm_xor_si128(a, b)
#define OR(a, b) _mm_or_si128(a, b)
#define AND(a, b) _mm_and_si128(a, b)
#define KEY(k) _mm_set1_epi32((int)(k))
#define SET1(byte) _mm_set1_epi8((char)(byte))
#define SATURATING_SUB(a, b) _mm_subs_epu8(a, b)
#define HIGH_HALF(v) AND(_mm_srli_epi16(v, 4), SET1(15))
#define TABLE(p) LOAD(p)
#define LOOKUP(table, v) _mm_shuffle_epi8(table, v)
#define IS_ASCII(v) (_mm_movemask_epi8(v) == 0)
#define IS_ZERO(v) (_mm_testz_si128(v, v) != 0)

#include "vector_mask.h"
#include "vector_utf8.h"

const ff_kernels ff_kernels_sse41 = {.name = "sse41", .mask = mask, .mask_ascii = mask_ascii, .utf8_feed = utf8_feed};

#if defined(__clang__)
#pragma clang attribute pop
#elif defined(__GNUC__)
#pragma GCC pop_options
#endif
#endif
