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

#include "vector_x86_16.h"

#define ISA(name) name##_sse41
#define VECTOR VECTOR16
#define FEW_REGISTERS
#define VECTOR_SIZE 16
#define LOAD(p) LOAD16(p)
#define STORE(p, v) STORE16(p, v)
#define XOR(a, b) XOR16(a, b)
#define OR(a, b) OR16(a, b)
#define AND(a, b) AND16(a, b)
#define KEY(k) KEY16(k)
#define SET1(byte) SET16(byte)
#define MAX(a, b) _mm_max_epu8(a, b)
#define SATURATING_SUB(a, b) _mm_subs_epu8(a, b)
#define HIGH_HALF(v) AND16(SHIFT_RIGHT16(v, 4), SET16(15))
#define TABLE(p) LOAD16(p)
#define LOOKUP(table, v) _mm_shuffle_epi8(table, v)
#define IS_ASCII(v) IS_ASCII16(v)
#define IS_ZERO(v) is_zero(v)
#define IS_FIRST(v) IS_FIRST16(v)
#define UP(v, places) _mm_slli_si128(v, places)
#define FROM_WORDS(a, b) _mm_set_epi64x((long long)(b), (long long)(a))
#define EQUAL(a, b) EQUAL16(a, b)
#define COUNT_FIRST(v) count_ones(AND16(IS_FIRST16(v), SET16(1)))
#define COUNT_NOT_ASCII(v) count_ones(AND16(SHIFT_RIGHT16(v, 7), SET16(1)))
#define VNOT_ASCII(v) NOT_ASCII16(v)
#define VSET_16(n) SET_16(n)
#define VSET_32(n) SET_32(n)
#define VADD_8(a, b) _mm_add_epi8(a, b)
#define VADD_16(a, b) _mm_add_epi16(a, b)
#define VADD_32(a, b) _mm_add_epi32(a, b)
#define VSUB_8(a, b) _mm_sub_epi8(a, b)
#define VSUB_16(a, b) SUB_16(a, b)
#define VSUB_32(a, b) _mm_sub_epi32(a, b)
#define VGREATER_16(a, b) GREATER_16(a, b)
#define VGREATER_32(a, b) GREATER_32(a, b)
#define VMIN_16(a, b) _mm_min_epu16(a, b)
#define VMIN_32(a, b) _mm_min_epu32(a, b)
#define VEQUAL_16(a, b) EQUAL_16(a, b)
#define VSUM_8(v) SUM_64(_mm_sad_epu8(v, ZERO16))
#define VSUM_16(v) SUM_16(v)
#define VSUM_32(v) SUM_32(v)
#define COUNT_BITS_8(n) ff_count_of_8[n]
#define LARGEST_BYTE(v) LARGEST_BYTE16(v)

static inline bool is_zero(__m128i v) { return _mm_testz_si128(v, v) != 0; }

static inline size_t count_ones(__m128i ones)
{
    __m128i sums = _mm_sad_epu8(ones, ZERO16);
    return (size_t)(_mm_cvtsi128_si32(sums) + _mm_extract_epi16(sums, 4));
}

#include "vector_mask.h"
#include "vector_utf8_decode.h"
#include "vector_part.h"
#include "vector_utf8_encode.h"
#include "vector_utf8_size.h"
#include "vector_utf8_errors.h"
#include "vector_utf8_validate.h"

#define TABLE_OF_KERNELS ff_kernels_sse41
#define NAME_OF_KERNELS "sse41"
#include "vector_table.h"

#if defined(__clang__)
#pragma clang attribute pop
#elif defined(__GNUC__)
#pragma GCC pop_options
#endif
#endif
