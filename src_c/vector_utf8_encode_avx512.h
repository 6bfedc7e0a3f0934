/* vector_utf8_encode_avx512.h: the same as vector_utf8_encode.h with vectors of 64 bytes: 16 characters at a time.
 *
 * For kernels_avx512.c only, inside its target region.
 */

/* Where a character of 32 bits has the bits of its four bytes, first byte first, for the two characters of 64 bits. */
#define FIELDS 18, 12, 6, 0, 50, 44, 38, 32

/* 16 characters in lanes of 32 bits; returns how many bytes they have. Writes 64 where there is `room`. */
static inline size_t write_16_any(uint8_t *dst, __m512i c, __mmask16 here, bool room)
{
    static const uint8_t SHIFTS[64] = {FIELDS, FIELDS, FIELDS, FIELDS, FIELDS, FIELDS, FIELDS, FIELDS};
    __mmask16 two = _mm512_cmpgt_epu32_mask(c, _mm512_set1_epi32(0x7F));
    __mmask16 three = _mm512_cmpgt_epu32_mask(c, _mm512_set1_epi32(0x7FF));
    __mmask16 four = _mm512_cmpgt_epu32_mask(c, _mm512_set1_epi32(0xFFFF));
    /* What marks the first byte and the others; zero where there is none, but for the last. */
    __m512i marks = _mm512_maskz_set1_epi32(two, (int)0x80C00000);
    marks = _mm512_mask_set1_epi32(marks, three, (int)0x8080E000);
    marks = _mm512_mask_set1_epi32(marks, four, (int)0x808080F0);
    __m512i lanes = OR(AND(_mm512_multishift_epi64_epi8(LOAD(SHIFTS), c), SET1(0x3F)), marks);
    lanes = _mm512_mask_mov_epi32(_mm512_slli_epi32(c, 24), two, lanes);
    __m512i kept = _mm512_maskz_mov_epi32(here, OR(marks, _mm512_set1_epi32((int)0xFF000000)));
    __mmask64 bytes = _mm512_test_epi8_mask(kept, kept);
    size_t size = (size_t)_mm_popcnt_u64(bytes);
    __m512i front = _mm512_maskz_compress_epi8(bytes, lanes);
    if (room)
        STORE(dst, front);
    else
        store_first(dst, front, size);
    return size;
}

FF_ALWAYS_INLINE __m512i load_16_characters(const uint8_t *s, unsigned width)
{
    if (width == 1)
        return _mm512_cvtepu8_epi32(LOAD16(s));
    if (width == 2)
        return _mm512_cvtepu16_epi32(LOAD32(s));
    return LOAD(s);
}

FF_ALWAYS_INLINE void write_characters(uint8_t *dst, size_t size, const uint8_t *s, size_t count, unsigned width)
{
    const uint8_t *end = dst + size;
    for (; count >= 16; count -= 16, s += 16 * width) {
        if (width == 1 && IS_ASCII16(LOAD16(s))) {
            STORE16(dst, LOAD16(s));
            dst += 16;
        } else {
            dst += write_16_any(dst, load_16_characters(s, width), 0xFFFF, end - dst >= 64);
        }
    }
    if (count) {
        __m512i rest = load_first(s, count * width);
        uint8_t bytes[64];
        STORE(bytes, rest);
        write_16_any(dst, load_16_characters(bytes, width), (__mmask16)first_64(count), false);
    }
}

static void ISA(utf8_from)(uint8_t *dst, size_t size, const void *characters, size_t count, unsigned width)
{
    if (width == 1)
        write_characters(dst, size, (const uint8_t *)characters, count, 1);
    else if (width == 2)
        write_characters(dst, size, (const uint8_t *)characters, count, 2);
    else
        write_characters(dst, size, (const uint8_t *)characters, count, 4);
}
