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

#define VECTOR16 __m128i
#define LOAD16(p) LOAD(p)
#define STORE16(p, v) STORE(p, v)
#define OR16(a, b) OR(a, b)
#define STORE8(p, v) _mm_storel_epi64((void *)(p), v)
#define AND16(a, b) _mm_and_si128(a, b)
#define NOT_AND16(a, b) _mm_andnot_si128(a, b)
#define SET16(byte) _mm_set1_epi8((char)(byte))
#define ZERO16 _mm_setzero_si128()
#define AT_LEAST16(v, byte) _mm_cmpeq_epi8(_mm_max_epu8(v, SET16(byte)), v)
#define MAX16(a, b) _mm_max_epu8(a, b)
#define SHIFT_LEFT16(v, n) _mm_slli_epi16(v, n)
#define SHIFT_RIGHT16(v, n) _mm_srli_epi16(v, n)
#define LOW_8(a, b) _mm_unpacklo_epi8(a, b)
#define HIGH_8(a, b) _mm_unpackhi_epi8(a, b)
#define LOW_16(a, b) _mm_unpacklo_epi16(a, b)
#define HIGH_16(a, b) _mm_unpackhi_epi16(a, b)
#define SHUFFLE16(v, p) _mm_shuffle_epi8(v, _mm_loadu_si128((const void *)(p)))
#define NARROW16(v) _mm_shuffle_epi8(v, _mm_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, -1, -1, -1, -1, -1, -1, -1, -1))
#define BITS16(v) ((unsigned)_mm_movemask_epi8(v))

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
