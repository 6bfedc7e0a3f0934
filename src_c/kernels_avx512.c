/* kernels_avx512.c: vectors of 64 bytes, for Intel processors since Ice Lake and AMD's since Zen 4. */
#include "kernels.h"

#if FF_X86
#include <immintrin.h>
#include <string.h>
#include "utf8.h"
#include "vectors_x86_16.h"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,popcnt"))),             \
                             apply_to = function)
#elif defined(__GNUC__)
#pragma GCC push_options
#pragma GCC target("avx2,avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,popcnt")
#endif

#define VECTOR __m512i
#define VECTOR_SIZE 64
#define LOAD(p) _mm512_loadu_si512((const void *)(p))
#define STORE(p, v) _mm512_storeu_si512((void *)(p), v)
#define XOR(a, b) _mm512_xor_si512(a, b)
#define OR(a, b) _mm512_or_si512(a, b)
#define AND(a, b) _mm512_and_si512(a, b)
#define KEY(k) _mm512_set1_epi32((int)(k))
#define SET1(byte) _mm512_set1_epi8((char)(byte))
#define SATURATING_SUB(a, b) _mm512_subs_epu8(a, b)
#define HIGH_HALF(v) AND(_mm512_srli_epi16(v, 4), SET1(15))
#define TABLE(p) _mm512_broadcast_i32x4(_mm_loadu_si128((const void *)(p)))
#define LOOKUP(table, v) _mm512_shuffle_epi8(table, v)
#define IS_ASCII(v) (_mm512_movepi8_mask(v) == 0)
#define IS_ZERO(v) (_mm512_test_epi8_mask(v, v) == 0)

#define VECTOR32 __m256i
#define LOAD32(p) _mm256_loadu_si256((const void *)(p))
#define STORE32(p, v) _mm256_storeu_si256((void *)(p), v)
#define XOR32(a, b) _mm256_xor_si256(a, b)
#define OR32(a, b) _mm256_or_si256(a, b)
#define KEY32(k) _mm256_set1_epi32((int)(k))
#define IS_ASCII32(v) (_mm256_movemask_epi8(v) == 0)

#include "vector_mask.h"
#include "vector_utf8.h"

/* ---- text: the way of vector_text.h, with vectors of 64 bytes, and VBMI2 to move what counts to the front ---- */

#define BYTES(byte) _mm512_set1_epi8((char)(byte))
#define AT_LEAST(v, byte) _mm512_cmpge_epu8_mask(v, BYTES(byte))

typedef struct {
    __mmask64 ends;
    __m512i low, next, top;
} planes;

static inline planes planes_at(const uint8_t *s, unsigned width)
{
    __m512i v = LOAD(s), p1 = LOAD(s - 1), p2 = LOAD(s - 2), p3 = LOAD(s - 3);
    __mmask64 not_ascii = _mm512_movepi8_mask(v);
    __mmask64 ends2 = AT_LEAST(p1, 0xC0) & ~AT_LEAST(p1, 0xE0);
    __mmask64 ends3 = width > 1 ? AT_LEAST(p2, 0xE0) & ~AT_LEAST(p2, 0xF0) : 0;
    __mmask64 ends4 = width > 2 ? AT_LEAST(p3, 0xF0) : 0;

    planes result;
    result.ends = ~not_ascii | ends2 | ends3 | ends4;
    __m512i low = OR(AND(v, BYTES(0x3F)), AND(_mm512_slli_epi16(p1, 6), BYTES(0xC0)));
    result.low = _mm512_mask_blend_epi8(not_ascii, v, low);
    __m512i lead = _mm512_maskz_mov_epi8(ends3 | ends4, AND(_mm512_slli_epi16(p2, 4), BYTES(0xF0)));
    __m512i next = OR(AND(_mm512_srli_epi16(p1, 2), BYTES(0x0F)), lead);
    result.next = _mm512_maskz_mov_epi8(not_ascii, next);
    __m512i top = OR(AND(_mm512_srli_epi16(p2, 4), BYTES(0x03)), AND(_mm512_slli_epi16(p3, 2), BYTES(0x1C)));
    result.top = _mm512_maskz_mov_epi8(ends4, top);
    return result;
}

static inline __mmask64 first_64(size_t count) { return count >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << count) - 1; }

static inline __m512i as_16(__m256i bytes) { return _mm512_cvtepu8_epi16(bytes); }
static inline __m512i as_32(__m128i bytes) { return _mm512_cvtepu8_epi32(bytes); }

/* Writes `count` characters, which stand at the front of the planes, and nothing behind them. */
static inline void write_front(uint8_t *dst, __m512i low, __m512i next, __m512i top, size_t count, unsigned width)
{
    __mmask64 keep = first_64(count);
    if (width == 1) {
        _mm512_mask_storeu_epi8(dst, keep, low);
    } else if (width == 2) {
        __m512i first = OR(as_16(_mm512_castsi512_si256(low)), _mm512_slli_epi16(as_16(_mm512_castsi512_si256(next)), 8));
        _mm512_mask_storeu_epi16(dst, (__mmask32)keep, first);
        if (count > 32) {
            __m256i low2 = _mm512_extracti64x4_epi64(low, 1), next2 = _mm512_extracti64x4_epi64(next, 1);
            __m512i second = OR(as_16(low2), _mm512_slli_epi16(as_16(next2), 8));
            _mm512_mask_storeu_epi16(dst + 64, (__mmask32)(keep >> 32), second);
        }
    } else {
        uint8_t parts[3][64];
        STORE(parts[0], low);
        STORE(parts[1], next);
        STORE(parts[2], top);
        for (size_t i = 0; i < count; i += 16) {
            __m512i characters = as_32(_mm_loadu_si128((const void *)(parts[0] + i)));
            characters = OR(characters, _mm512_slli_epi32(as_32(_mm_loadu_si128((const void *)(parts[1] + i))), 8));
            characters = OR(characters, _mm512_slli_epi32(as_32(_mm_loadu_si128((const void *)(parts[2] + i))), 16));
            _mm512_mask_storeu_epi32(dst + 4 * i, (__mmask16)(keep >> i), characters);
        }
    }
}

static inline void write_text(uint8_t *dst, const uint8_t *data, size_t length, const ff_text *text, unsigned width)
{
    (void)text;
    for (size_t i = 0; i < length; i += 64) {
        planes p = planes_at(data + i, width);
        __mmask64 ends = p.ends & first_64(length - i);
        size_t count = (size_t)_mm_popcnt_u64(ends);
        write_front(dst, _mm512_maskz_compress_epi8(ends, p.low), _mm512_maskz_compress_epi8(ends, p.next),
                    _mm512_maskz_compress_epi8(ends, p.top), count, width);
        dst += count * width;
    }
}

static void utf8_to_latin1(uint8_t *dst, const uint8_t *data, size_t length, const ff_text *text)
{
    write_text(dst, data, length, text, 1);
}

static void utf8_to_ucs2(uint8_t *dst, const uint8_t *data, size_t length, const ff_text *text)
{
    write_text(dst, data, length, text, 2);
}

static void utf8_to_ucs4(uint8_t *dst, const uint8_t *data, size_t length, const ff_text *text)
{
    write_text(dst, data, length, text, 4);
}

static void utf8_measure(ff_text *text, const uint8_t *data, size_t length)
{
    __m512i largest = BYTES(text->largest_byte);
    for (size_t i = 0; i < length; i += 64) {
        __mmask64 here = first_64(length - i);
        __m512i v = length - i >= 64 ? LOAD(data + i) : _mm512_maskz_loadu_epi8(here, data + i);
        largest = _mm512_max_epu8(largest, v);
        /* Continuation bytes, 80 to BF, are the least of all as signed numbers. */
        text->characters += (size_t)_mm_popcnt_u64(here & _mm512_cmpge_epi8_mask(v, BYTES(0xC0)));
    }
    __m256i half = _mm256_max_epu8(_mm512_castsi512_si256(largest), _mm512_extracti64x4_epi64(largest, 1));
    __m128i quarter = _mm_max_epu8(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
    uint8_t bytes[16];
    STORE16(bytes, quarter);
    for (unsigned k = 0; k < 16; k++) {
        if (bytes[k] > text->largest_byte)
            text->largest_byte = bytes[k];
    }
}

const ff_kernels ff_kernels_avx512 = {
    .name = "avx512",
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
