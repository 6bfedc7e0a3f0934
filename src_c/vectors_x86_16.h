/* vectors_x86_16.h: the names that vector_mask.h and vector_text.h use for vectors of 16 bytes, on x86-64 with SSE4.1. */
#ifndef FASTFRAME_VECTORS_X86_16_H
#define FASTFRAME_VECTORS_X86_16_H

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

#endif
