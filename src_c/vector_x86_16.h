/* vector_x86_16.h: the names that the vector_*.h use for vectors of 16 bytes, on x86-64 with
 * SSE4.1. Included inside a target region. */
#ifndef FASTFRAME_VECTOR_X86_16_H
#define FASTFRAME_VECTOR_X86_16_H

#define VECTOR16 __m128i
#define LOAD16(p) _mm_loadu_si128((const void *)(p))
#define STORE16(p, v) _mm_storeu_si128((void *)(p), v)
#define STORE8(p, v) _mm_storel_epi64((void *)(p), v)
#define XOR16(a, b) _mm_xor_si128(a, b)
#define OR16(a, b) _mm_or_si128(a, b)
#define AND16(a, b) _mm_and_si128(a, b)
#define NOT_AND16(a, b) _mm_andnot_si128(a, b)
#define KEY16(k) _mm_set1_epi32((int)(k))
#define SET16(byte) _mm_set1_epi8((char)(byte))
#define ZERO16 _mm_setzero_si128()
#define IS_ASCII16(v) (_mm_movemask_epi8(v) == 0)
#define EQUAL16(a, b) _mm_cmpeq_epi8(a, b)
#define NOT_ASCII16(v) _mm_cmpgt_epi8(ZERO16, v)
#define IS_FIRST16(v)                                                                              \
    _mm_cmpgt_epi8(v, SET16(0xBF)) /* continuation bytes are the least of all as signed numbers */
#define SHIFT_LEFT16(v, n) _mm_slli_epi16(v, n)
#define SHIFT_RIGHT16(v, n) _mm_srli_epi16(v, n)
#define LOW_8(a, b) _mm_unpacklo_epi8(a, b)
#define HIGH_8(a, b) _mm_unpackhi_epi8(a, b)
#define LOW_16(a, b) _mm_unpacklo_epi16(a, b)
#define HIGH_16(a, b) _mm_unpackhi_epi16(a, b)
#define LOW_SUM(a, b) _mm_maddubs_epi16(LOW_8(a, b), _mm_set1_epi16(0x4001))
#define HIGH_SUM(a, b) _mm_maddubs_epi16(HIGH_8(a, b), _mm_set1_epi16(0x4001))
#define SHUFFLE16(v, p) _mm_shuffle_epi8(v, _mm_loadu_si128((const void *)(p)))
#define NARROW16(v)                                                                                \
    _mm_shuffle_epi8(v, _mm_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, -1, -1, -1, -1, -1, -1, -1, -1))
#define BITS16(v) ((unsigned)_mm_movemask_epi8(v))

#define FROM_64(low, high) _mm_set_epi64x((long long)(high), (long long)(low))
#define LOW_64(v) ((uint64_t)_mm_cvtsi128_si64(v))
#define SET_16(n) _mm_set1_epi16((short)(n))
#define SHL_16(v, n) _mm_slli_epi16(v, n)
#define SHR_16(v, n) _mm_srli_epi16(v, n)
#define SUB_16(a, b) _mm_sub_epi16(a, b)
#define GREATER_16(a, b) _mm_cmpgt_epi16(a, b)
#define EQUAL_16(a, b) _mm_cmpeq_epi16(a, b)
#define SET_32(n) _mm_set1_epi32((int)(n))
#define SHL_32(v, n) _mm_slli_epi32(v, n)
#define GREATER_32(a, b) _mm_cmpgt_epi32(a, b)
#define MAX_16(a, b) _mm_max_epu16(a, b)
#define NARROW_2x16(a, b) _mm_packus_epi16(a, b)
#define NARROW_2x32(a, b) _mm_packus_epi32(a, b)
#define LOW_AND_HIGH(a, b) _mm_blend_epi16(a, b, 0xAA)
#define CHOOSE16(mask, a, b) _mm_blendv_epi8(b, a, mask)
#define BITS_16x16(a, b) ((unsigned)_mm_movemask_epi8(_mm_packs_epi16(a, b)))
#define HAS_NONE_OF(v, bits) (_mm_testz_si128(v, bits) != 0)
#define SUM_16(v) sum_16(v)
#define SUM_32(v) sum_32(v)
#define SUM_64(v) ((size_t)_mm_cvtsi128_si64(_mm_add_epi64(v, _mm_unpackhi_epi64(v, v))))
#define LARGEST_BYTE16(v) largest_byte_16(v)

static inline unsigned sum_32(__m128i v)
{
    __m128i pairs = _mm_add_epi32(v, _mm_srli_si128(v, 8));
    return (unsigned)(_mm_cvtsi128_si32(pairs) + _mm_extract_epi32(pairs, 1));
}

static inline unsigned sum_16(__m128i v) { return sum_32(_mm_madd_epi16(v, _mm_set1_epi16(1))); }

/* There is an instruction for the smallest of eight lanes of 16 bits, so the bytes are inverted. */
static inline uint8_t largest_byte_16(__m128i v)
{
    __m128i inverse = XOR16(v, SET16(0xFF));
    inverse = _mm_min_epu8(inverse, SHIFT_RIGHT16(inverse, 8));
    return (uint8_t)(0xFF - (_mm_cvtsi128_si32(_mm_minpos_epu16(inverse)) & 0xFF));
}

#endif
