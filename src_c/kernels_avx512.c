/* kernels_avx512.c: vectors of 64 bytes, for Intel processors since Ice Lake and AMD's since Zen
 * 4. */
#include "kernels.h"

#if FF_X86
#include <immintrin.h>
#include <string.h>
#include "utf8.h"

#if defined(__clang__)
#pragma clang attribute push(                                                                      \
    __attribute__((target("avx2,avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,popcnt"))),       \
    apply_to = function)
#elif defined(__GNUC__)
#pragma GCC push_options
#pragma GCC target("avx2,avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,popcnt")
#endif

#include "vector_x86_16.h"

#define ISA(name) name##_avx512
#define VECTOR __m512i
#define VECTOR_SIZE 64
#define LOAD(p) _mm512_loadu_si512((const void *)(p))
#define STORE(p, v) _mm512_storeu_si512((void *)(p), v)
#define XOR(a, b) _mm512_xor_si512(a, b)
#define OR(a, b) _mm512_or_si512(a, b)
#define AND(a, b) _mm512_and_si512(a, b)
#define KEY(k) _mm512_set1_epi32((int)(k))
#define SET1(byte) _mm512_set1_epi8((char)(byte))
#define MAX(a, b) _mm512_max_epu8(a, b)
#define SATURATING_SUB(a, b) _mm512_subs_epu8(a, b)
#define HIGH_HALF(v) AND(_mm512_srli_epi16(v, 4), SET1(15))
#define TABLE(p) _mm512_broadcast_i32x4(_mm_loadu_si128((const void *)(p)))
#define LOOKUP(table, v) _mm512_shuffle_epi8(table, v)
#define IS_ASCII(v) (_mm512_movepi8_mask(v) == 0)
#define IS_ZERO(v) is_zero(v)

#define VECTOR32 __m256i
#define LOAD32(p) _mm256_loadu_si256((const void *)(p))
#define STORE32(p, v) _mm256_storeu_si256((void *)(p), v)
#define XOR32(a, b) _mm256_xor_si256(a, b)
#define OR32(a, b) _mm256_or_si256(a, b)
#define KEY32(k) _mm256_set1_epi32((int)(k))
#define IS_ASCII32(v) (_mm256_movemask_epi8(v) == 0)

static inline bool is_zero(__m512i v) { return _mm512_test_epi8_mask(v, v) == 0; }

#include "vector_mask.h"
#include "vector_utf8_errors.h"

#include "vector_utf8_validate_avx512.h"
#include "vector_utf8_decode_avx512.h"
#include "vector_part.h"
#include "vector_utf8_encode_avx512.h"
#include "vector_utf8_size_avx512.h"

#define TABLE_OF_KERNELS ff_kernels_avx512
#define NAME_OF_KERNELS "avx512"
#include "vector_table.h"

#if defined(__clang__)
#pragma clang attribute pop
#elif defined(__GNUC__)
#pragma GCC pop_options
#endif
#endif
