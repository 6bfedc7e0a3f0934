/* kernels_avx2.c: vectors of 32 bytes, for x86-64 processors since 2013. */
#include "kernels.h"

#if FF_X86
#include <immintrin.h>
#include <string.h>
#include "utf8.h"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,popcnt"))), apply_to = function)
#elif defined(__GNUC__)
#pragma GCC push_options
#pragma GCC target("avx2,popcnt")
#endif

#include "vector_x86_16.h"

#define ISA(name) name##_avx2
#define VECTOR __m256i
#define FEW_REGISTERS
#define VECTOR_SIZE 32
#define LOAD(p) _mm256_loadu_si256((const void *)(p))
#define STORE(p, v) _mm256_storeu_si256((void *)(p), v)
#define XOR(a, b) _mm256_xor_si256(a, b)
#define OR(a, b) _mm256_or_si256(a, b)
#define AND(a, b) _mm256_and_si256(a, b)
#define KEY(k) _mm256_set1_epi32((int)(k))
#define SET1(byte) _mm256_set1_epi8((char)(byte))
#define MAX(a, b) _mm256_max_epu8(a, b)
#define SATURATING_SUB(a, b) _mm256_subs_epu8(a, b)
#define HIGH_HALF(v) AND(_mm256_srli_epi16(v, 4), SET1(15))
#define TABLE(p) _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)(p)))
#define LOOKUP(table, v) _mm256_shuffle_epi8(table, v)
#define IS_ASCII(v) (_mm256_movemask_epi8(v) == 0)
#define IS_ZERO(v) is_zero(v)
#define IS_FIRST(v) _mm256_cmpgt_epi8(v, SET1(0xBF)) /* as in vector_x86_16.h */
#define UP(v, places) _mm256_alignr_epi8(v, _mm256_permute2x128_si256(v, v, 0x08), 16 - (places))
#define FROM_WORDS(a, b) _mm256_set_epi64x(0, 0, (long long)(b), (long long)(a))
#define FROM_HALVES(a, b) _mm256_inserti128_si256(_mm256_castsi128_si256(a), b, 1)
#define EQUAL(a, b) _mm256_cmpeq_epi8(a, b)
#define COUNT_FIRST(v) ((size_t)_mm_popcnt_u32((unsigned)_mm256_movemask_epi8(IS_FIRST(v))))
#define COUNT_NOT_ASCII(v) ((size_t)_mm_popcnt_u32((unsigned)_mm256_movemask_epi8(v)))
#define FROM_2x16(a, b) _mm256_set_m128i(b, a)
#define VNOT_ASCII(v) _mm256_cmpgt_epi8(SET1(0), v)
#define VSET_16(n) _mm256_set1_epi16((short)(n))
#define VSET_32(n) _mm256_set1_epi32((int)(n))
#define VADD_8(a, b) _mm256_add_epi8(a, b)
#define VADD_16(a, b) _mm256_add_epi16(a, b)
#define VADD_32(a, b) _mm256_add_epi32(a, b)
#define VSUB_8(a, b) _mm256_sub_epi8(a, b)
#define VSUB_16(a, b) _mm256_sub_epi16(a, b)
#define VSUB_32(a, b) _mm256_sub_epi32(a, b)
#define VGREATER_16(a, b) _mm256_cmpgt_epi16(a, b)
#define VGREATER_32(a, b) _mm256_cmpgt_epi32(a, b)
#define VMIN_16(a, b) _mm256_min_epu16(a, b)
#define VMIN_32(a, b) _mm256_min_epu32(a, b)
#define VEQUAL_16(a, b) _mm256_cmpeq_epi16(a, b)
#define VSUM_8(v) sum_of_bytes(v)
#define VSUM_16(v) SUM_16(_mm_add_epi16(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1)))
#define VSUM_32(v) SUM_32(_mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1)))
#define COUNT_NOT_ASCII16(v) ((size_t)_mm_popcnt_u32(BITS16(v)))
#define COUNT_BITS_8(n) ((unsigned)_mm_popcnt_u32(n))
#define LARGEST_BYTE(v)                                                                            \
    LARGEST_BYTE16(_mm_max_epu8(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1)))

static inline bool is_zero(__m256i v) { return _mm256_testz_si256(v, v) != 0; }

static inline size_t sum_of_bytes(__m256i v)
{
    __m256i sums = _mm256_sad_epu8(v, SET1(0));
    return SUM_64(_mm_add_epi64(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1)));
}

#include "vector_mask.h"
#include "vector_utf8_decode.h"
#include "vector_part.h"
#include "vector_utf8_encode.h"
#include "vector_utf8_size.h"
#include "vector_utf8_errors.h"
#include "vector_utf8_validate.h"

#define TABLE_OF_KERNELS ff_kernels_avx2
#define NAME_OF_KERNELS "avx2"
#include "vector_table.h"

#if defined(__clang__)
#pragma clang attribute pop
#elif defined(__GNUC__)
#pragma GCC pop_options
#endif
#endif
