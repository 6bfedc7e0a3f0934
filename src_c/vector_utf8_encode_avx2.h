/* vector_utf8_encode_avx2.h: the steps of vector_utf8_encode.h with vectors of 32 bytes: 16 lanes
 * of 16 bits, or eight of 32.
 *
 * For kernels_avx2.c only, inside its target region, before vector_utf8_encode.h.
 */
#define STEPS_OF_ITS_OWN

#define HALF(v, i) _mm256_extracti128_si256(v, i)

static inline size_t write_16_short(uint8_t *dst, const uint8_t *s, unsigned width, unsigned two)
{
    __m256i c = width == 1 ? _mm256_cvtepu8_epi16(LOAD16(s)) : LOAD(s);
    __m256i first = AND(_mm256_slli_epi16(c, 2), _mm256_set1_epi16(0x1F00)),
            last = AND(c, _mm256_set1_epi16(0x3F));
    __m256i pair = OR(OR(first, last), _mm256_set1_epi16((short)0xC080));
    __m256i lanes = _mm256_max_epu16(c, AND(pair, _mm256_cmpgt_epi16(c, _mm256_set1_epi16(0x7F))));
    size_t size = 8 + COUNT_BITS_8(two & 0xFF);
    STORE16(dst, SHUFFLE16(_mm256_castsi256_si128(lanes), ff_pack_1_2[two & 0xFF]));
    STORE16(dst + size, SHUFFLE16(HALF(lanes, 1), ff_pack_1_2[two >> 8]));
    return size + 8 + COUNT_BITS_8(two >> 8);
}

static inline __m256i bits_of_8(__m256i c)
{
    __m256i last = _mm256_slli_epi32(AND(c, _mm256_set1_epi32(0x3F)), 24);
    __m256i third = _mm256_slli_epi32(AND(c, _mm256_set1_epi32(0xFC0)), 10);
    __m256i second = AND(_mm256_srli_epi32(c, 4), _mm256_set1_epi32(0x3F00)),
            first = _mm256_srli_epi32(c, 18);
    return OR(OR(first, second), OR(third, last));
}

static inline unsigned bits_8x32(__m256i comparison)
{
    return (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(comparison));
}

FF_ALWAYS_INLINE size_t write_8_any(uint8_t *dst, const uint8_t *s, unsigned width)
{
    __m256i c = width == 2 ? _mm256_cvtepu16_epi32(LOAD16(s)) : LOAD(s);
    __m256i two = _mm256_cmpgt_epi32(c, _mm256_set1_epi32(0x7F)),
            three = _mm256_cmpgt_epi32(c, _mm256_set1_epi32(0x7FF));
    __m256i odd = XOR(two, three);
    __m256i marks = XOR(_mm256_set1_epi32((int)0x80C00000),
                        AND(three, _mm256_set1_epi32(0x80C00000 ^ 0x8080E000)));
    if (width > 2) {
        __m256i four = _mm256_cmpgt_epi32(c, _mm256_set1_epi32(0xFFFF));
        marks = XOR(marks, AND(four, _mm256_set1_epi32(0x8080E000 ^ 0x808080F0)));
        odd = XOR(odd, four);
    }
    __m256i one = _mm256_andnot_si256(two, _mm256_slli_epi32(c, 24));
    __m256i lanes = OR(one, AND(two, OR(bits_of_8(c), marks)));
    unsigned one_more = bits_8x32(odd), two_more = bits_8x32(three);
    unsigned low = (one_more & 0xF) | (two_more & 0xF) << 4,
             high = one_more >> 4 | (two_more & 0xF0);
    size_t size = 4 + COUNT_BITS_8(low) + COUNT_BITS_8(two_more & 0xF);
    STORE16(dst, SHUFFLE16(_mm256_castsi256_si128(lanes), ff_pack_1_to_4[low]));
    STORE16(dst + size, SHUFFLE16(HALF(lanes, 1), ff_pack_1_to_4[high]));
    return size + 4 + COUNT_BITS_8(high) + COUNT_BITS_8(two_more >> 4);
}

static inline size_t write_8_of_three(uint8_t *dst, const uint8_t *s)
{
    __m256i lanes =
        OR(bits_of_8(_mm256_cvtepu16_epi32(LOAD16(s))), _mm256_set1_epi32((int)0x8080E000));
    lanes = _mm256_shuffle_epi8(lanes, TABLE(ff_pack_1_to_4[0xF0]));
    STORE16(dst, _mm256_castsi256_si128(lanes));
    STORE16(dst + 12, HALF(lanes, 1));
    return 24;
}
