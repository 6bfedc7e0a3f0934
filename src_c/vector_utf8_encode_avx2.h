/* vector_utf8_encode_avx2.h: the steps of vector_utf8_encode.h with vectors of 32 bytes: 16 lanes
 * of 16 bits, or eight of 32.
 *
 * Included by vector_utf8_encode.h, for kernels_avx2.c only.
 */

/* 16 characters: in lanes of 16 bits, or of 32. */
typedef __m256i sixteen;

typedef struct {
    __m256i v[2];
} sixteen_wide;

#define HALF(v, i) _mm256_extracti128_si256(v, i)
#define SET_16_AVX2(n) _mm256_set1_epi16((short)(n))
#define SET_32_AVX2(n) _mm256_set1_epi32((int)(n))

FF_ALWAYS_INLINE sixteen load_16(const uint8_t *s) { return LOAD(s); }
FF_ALWAYS_INLINE sixteen widen_16(VECTOR16 bytes) { return _mm256_cvtepu8_epi16(bytes); }

/* Less than 16. */
FF_ALWAYS_INLINE sixteen load_few_16(const uint8_t *s, size_t count)
{
    return load_few(s, 2 * count);
}

FF_ALWAYS_INLINE sixteen_wide load_16_wide(const uint8_t *s)
{
    sixteen_wide c = {{LOAD(s), LOAD(s + 32)}};
    return c;
}

FF_ALWAYS_INLINE sixteen_wide load_few_16_wide(const uint8_t *s, size_t count)
{
    sixteen_wide c;
    VECTOR16 v[4];
    load_parts(v, 4, s, 4 * count);
    c.v[0] = FROM_2x16(v[0], v[1]);
    c.v[1] = FROM_2x16(v[2], v[3]);
    return c;
}

FF_ALWAYS_INLINE bool are_ascii(const sixteen *c)
{
    return _mm256_testz_si256(*c, SET_16_AVX2(0xFF80)) != 0;
}

FF_ALWAYS_INLINE bool are_short(const sixteen *c)
{
    return _mm256_testz_si256(*c, SET_16_AVX2(0xF800)) != 0;
}

FF_ALWAYS_INLINE sixteen either(const sixteen *a, const sixteen *b) { return OR(*a, *b); }

/* None is past U+FFFF. */
FF_ALWAYS_INLINE bool are_basic(const sixteen_wide *c)
{
    return _mm256_testz_si256(OR(c->v[0], c->v[1]), SET_32_AVX2(0xFFFF0000)) != 0;
}

FF_ALWAYS_INLINE sixteen basic(const sixteen_wide *c)
{
    return _mm256_permute4x64_epi64(_mm256_packus_epi32(c->v[0], c->v[1]), 0xD8);
}

FF_ALWAYS_INLINE VECTOR16 ascii_of(const sixteen *c)
{
    return _mm_packus_epi16(_mm256_castsi256_si128(*c), HALF(*c, 1));
}

/* 16 characters below U+0800, with a bit for each that needs two bytes. */
FF_ALWAYS_INLINE pieces pack_16_of_two(__m256i c, __m256i is_two, unsigned two)
{
    pieces p;
    __m256i first = AND(_mm256_slli_epi16(c, 2), SET_16_AVX2(0x1F00)),
            last = AND(c, SET_16_AVX2(0x3F));
    __m256i pair = OR(OR(first, last), SET_16_AVX2(0xC080));
    __m256i lanes = _mm256_max_epu16(c, AND(pair, is_two));
    p.v[0] = SHUFFLE16(_mm256_castsi256_si128(lanes), ff_pack_1_2[two & 0xFF]);
    p.v[1] = SHUFFLE16(HALF(lanes, 1), ff_pack_1_2[two >> 8]);
    p.end[0] = 8 + COUNT_BITS_8(two & 0xFF);
    p.end[1] = 16 + COUNT_BITS_8(two);
    return p;
}

/* 16 characters below U+0800: two pieces. */
FF_ALWAYS_INLINE pieces pack_16_short(const sixteen *c)
{
    __m256i is_two = _mm256_cmpgt_epi16(*c, SET_16_AVX2(0x7F));
    return pack_16_of_two(*c, is_two, BITS_16x16(_mm256_castsi256_si128(is_two), HALF(is_two, 1)));
}

/* 16 characters that are all of one byte each, with a bit for each that needs two in UTF-8: two
 * pieces. */
FF_ALWAYS_INLINE pieces pack_16_latin(VECTOR16 bytes, unsigned two)
{
    __m256i c = widen_16(bytes);
    return pack_16_of_two(c, _mm256_cmpgt_epi16(c, SET_16_AVX2(0x7F)), two);
}

/* Four characters in lanes of 32 bits, the last byte of each first. For each, `sizes` has how many
 * bytes count, less one in Gray code. */
FF_ALWAYS_INLINE VECTOR16 pack_4(VECTOR16 lanes, unsigned sizes)
{
    return SHUFFLE16(lanes, ff_pack_1_to_4[sizes & 0xFF]);
}

/* 16 characters up to U+FFFF: four pieces. */
FF_ALWAYS_INLINE pieces pack_16_basic(const sixteen *characters)
{
    pieces p;
    __m256i c = *characters, one = _mm256_cmpeq_epi16(AND(c, SET_16_AVX2(0xFF80)), SET1(0)),
            up_to_two = _mm256_cmpeq_epi16(AND(c, SET_16_AVX2(0xF800)), SET1(0));
    unsigned sizes = ~(unsigned)_mm256_movemask_epi8(AND(up_to_two, OR(one, SET_16_AVX2(0xFF00))));
    __m256i pair = OR(AND(c, SET_16_AVX2(0x3F)), AND(_mm256_slli_epi16(c, 2), SET_16_AVX2(0x3F00)));
    pair = OR(pair, OR(AND(up_to_two, SET_16_AVX2(0x4000)), SET_16_AVX2(0x8080)));
    __m256i last = _mm256_blendv_epi8(pair, c, one),
            first = OR(_mm256_srli_epi16(c, 12), SET_16_AVX2(0xE0));
    __m256i a = _mm256_unpacklo_epi16(last, first), b = _mm256_unpackhi_epi16(last, first);
    /* No code has the upper bit only, so each bit is one more byte. */
    p.end[0] = 4 + COUNT_BITS_8(sizes & 0xFF);
    p.end[1] = 8 + COUNT_BITS_8(sizes & 0xFFFF);
    p.end[2] = 12 + COUNT_BITS_8(sizes & 0xFFFFFF);
    p.end[3] = 16 + COUNT_BITS_8(sizes);
    p.v[0] = pack_4(_mm256_castsi256_si128(a), sizes);
    p.v[1] = pack_4(_mm256_castsi256_si128(b), sizes >> 8);
    p.v[2] = pack_4(HALF(a, 1), sizes >> 16);
    p.v[3] = pack_4(HALF(b, 1), sizes >> 24);
    return p;
}

/* Eight characters in lanes of 32 bits, with the last byte first, and in `sizes` how many they
 * have, less one in Gray code: as lanes of 16 bits, all ones for a bit that is set. */
static inline __m256i lanes_of_8(__m256i c, __m256i *sizes)
{
    __m256i two = _mm256_cmpgt_epi32(c, SET_32_AVX2(0x7F)),
            three = _mm256_cmpgt_epi32(c, SET_32_AVX2(0x7FF)),
            four = _mm256_cmpgt_epi32(c, SET_32_AVX2(0xFFFF));
    __m256i marks = XOR(SET_32_AVX2(0xC080), AND(three, SET_32_AVX2(0xE08080 ^ 0xC080)));
    marks = XOR(marks, AND(four, SET_32_AVX2(0xF0808080 ^ 0xE08080)));
    __m256i low = OR(AND(c, SET_32_AVX2(0x3F)), AND(_mm256_slli_epi32(c, 2), SET_32_AVX2(0x3F00))),
            high = OR(AND(_mm256_slli_epi32(c, 4), SET_32_AVX2(0x3F0000)),
                      AND(_mm256_slli_epi32(c, 6), SET_32_AVX2(0x3F000000)));
    *sizes = _mm256_blend_epi16(_mm256_andnot_si256(four, two), three, 0xAA);
    return _mm256_blendv_epi8(c, OR(OR(low, high), marks), two);
}

/* Any 16 characters: four pieces; or the first eight of them: two. */
FF_ALWAYS_INLINE pieces pack_wide(const sixteen_wide *c, int count)
{
    pieces p;
    __m256i low_sizes, low = lanes_of_8(c->v[0], &low_sizes), high_sizes = low_sizes, high = low;
    if (count > 2)
        high = lanes_of_8(c->v[1], &high_sizes);
    /* Characters 0 to 3, 8 to 11, 4 to 7, and 12 to 15. */
    unsigned sizes = (unsigned)_mm256_movemask_epi8(_mm256_packs_epi16(low_sizes, high_sizes));
    p.end[0] = ff_packed_size_of_4[sizes & 0xFF];
    p.end[1] = p.end[0] + ff_packed_size_of_4[sizes >> 16 & 0xFF];
    p.v[0] = pack_4(_mm256_castsi256_si128(low), sizes);
    p.v[1] = pack_4(HALF(low, 1), sizes >> 16);
    if (count > 2) {
        p.end[2] = p.end[1] + ff_packed_size_of_4[sizes >> 8 & 0xFF];
        p.end[3] = p.end[2] + ff_packed_size_of_4[sizes >> 24];
        p.v[2] = pack_4(_mm256_castsi256_si128(high), sizes >> 8);
        p.v[3] = pack_4(HALF(high, 1), sizes >> 24);
    }
    return p;
}
