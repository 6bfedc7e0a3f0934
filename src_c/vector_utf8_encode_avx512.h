/* vector_utf8_encode_avx512.h: the same as vector_utf8_encode.h with vectors of 64 bytes, and
 * compression instead of tables.
 *
 * For kernels_avx512.c only, inside its target region.
 */

/* Where a character of 32 bits has the bits of its four bytes, first byte first, for the two
 * characters of 64 bits. */
#define FIELDS 18, 12, 6, 0, 50, 44, 38, 32

/* 16 characters in lanes of 32 bits; returns how many bytes they have. Writes 64 where there is
 * `room`. */
static inline size_t write_16_any(uint8_t *dst, __m512i c, __mmask16 here, bool room)
{
    static const uint8_t SHIFTS[64] = {FIELDS, FIELDS, FIELDS, FIELDS,
                                       FIELDS, FIELDS, FIELDS, FIELDS};
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

/* 32 characters below U+0800 in lanes of 16 bits; returns how many bytes they have. Writes 64 where
 * there is `room`. */
static inline size_t write_32_short(uint8_t *dst, __m512i c, __mmask32 here, bool room)
{
    __mmask32 two = _mm512_cmpgt_epu16_mask(c, _mm512_set1_epi16(0x7F));
    __m512i last = AND(_mm512_slli_epi16(c, 8), _mm512_set1_epi16(0x3F00));
    __m512i pair = OR(OR(_mm512_srli_epi16(c, 6), last), _mm512_set1_epi16((short)0x80C0));
    __m512i lanes = _mm512_mask_mov_epi16(c, two, pair);
    /* The second byte of a lane counts if there are two; the first one always, be it zero. */
    __m512i kept = _mm512_maskz_mov_epi16(here, OR(lanes, _mm512_set1_epi16(0x00FF)));
    __mmask64 bytes = _mm512_test_epi8_mask(kept, kept);
    size_t size = (size_t)_mm_popcnt_u64(bytes);
    __m512i front = _mm512_maskz_compress_epi8(bytes, lanes);
    if (room)
        STORE(dst, front);
    else
        store_first(dst, front, size);
    return size;
}

/* The first `count` characters of a vector of 64. */
FF_ALWAYS_INLINE size_t write_64_of_one_byte(uint8_t *dst, __m512i v, size_t count,
                                             const uint8_t *end)
{
    uint64_t here = first_64(count);
    size_t size = write_32_short(dst, _mm512_cvtepu8_epi16(_mm512_castsi512_si256(v)),
                                 (__mmask32)here, end - dst >= 64);
    if (count > 32) {
        __m512i high = _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(v, 1));
        size += write_32_short(dst + size, high, (__mmask32)(here >> 32), end - (dst + size) >= 64);
    }
    return size;
}

static void write_characters_of_one_byte(uint8_t *dst, size_t size, const uint8_t *s, size_t count)
{
    const uint8_t *end = dst + size;
    for (; count >= 64; count -= 64, s += 64) {
        __m512i v = LOAD(s);
        if (IS_ASCII(v)) {
            STORE(dst, v);
            dst += 64;
        } else {
            dst += write_64_of_one_byte(dst, v, 64, end);
        }
    }
    if (count)
        write_64_of_one_byte(dst, load_first(s, count), count, end);
}

static void write_characters_of_two_bytes(uint8_t *dst, size_t size, const uint8_t *s, size_t count)
{
    const uint8_t *end = dst + size;
    while (count) {
        size_t some = count < 32 ? count : 32;
        uint64_t here = first_64(some);
        __m512i c = some == 32 ? LOAD(s) : load_first(s, 2 * some);
        if (_mm512_test_epi16_mask(c, _mm512_set1_epi16((short)0xF800)) == 0) {
            dst += write_32_short(dst, c, (__mmask32)here, end - dst >= 64);
        } else {
            __m512i low = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(c));
            dst += write_16_any(dst, low, (__mmask16)here, end - dst >= 64);
            if (some > 16) {
                __m512i high = _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(c, 1));
                dst += write_16_any(dst, high, (__mmask16)(here >> 16), end - dst >= 64);
            }
        }
        s += 2 * some;
        count -= some;
    }
}

static void write_characters_of_four_bytes(uint8_t *dst, size_t size, const uint8_t *s,
                                           size_t count)
{
    const uint8_t *end = dst + size;
    for (; count >= 16; count -= 16, s += 64)
        dst += write_16_any(dst, LOAD(s), 0xFFFF, end - dst >= 64);
    if (count)
        write_16_any(dst, load_first(s, 4 * count), (__mmask16)first_64(count), false);
}

static void ISA(utf8_from)(uint8_t *dst, size_t size, const void *characters, size_t count,
                           unsigned width)
{
    if (width == 1)
        write_characters_of_one_byte(dst, size, (const uint8_t *)characters, count);
    else if (width == 2)
        write_characters_of_two_bytes(dst, size, (const uint8_t *)characters, count);
    else
        write_characters_of_four_bytes(dst, size, (const uint8_t *)characters, count);
}

/* ---- the size ---- */

static inline size_t utf8_size_1(const uint8_t *s, size_t count)
{
    size_t i = 0, more = 0;
    for (; count - i >= 64; i += 64)
        more += (size_t)_mm_popcnt_u64(_mm512_movepi8_mask(LOAD(s + i)));
    if (i < count)
        more += (size_t)_mm_popcnt_u64(_mm512_movepi8_mask(load_first(s + i, count - i)));
    return count + more;
}

static inline size_t utf8_size_4(const uint8_t *s, size_t count)
{
    size_t more = 0;
    __mmask16 surrogates = 0;
    for (size_t i = 0; i < count; i += 16) {
        __m512i c = count - i >= 16 ? LOAD(s + 4 * i) : load_first(s + 4 * i, 4 * (count - i));
        more += (size_t)_mm_popcnt_u32(_mm512_cmpgt_epu32_mask(c, _mm512_set1_epi32(0x7F)));
        more += (size_t)_mm_popcnt_u32(_mm512_cmpgt_epu32_mask(c, _mm512_set1_epi32(0x7FF)));
        more += (size_t)_mm_popcnt_u32(_mm512_cmpgt_epu32_mask(c, _mm512_set1_epi32(0xFFFF)));
        surrogates |= _mm512_cmpeq_epi32_mask(AND(c, _mm512_set1_epi32((int)0xFFFFF800)),
                                              _mm512_set1_epi32(0xD800));
    }
    return surrogates ? SIZE_MAX : count + more;
}

static inline size_t utf8_size_2(const uint8_t *s, size_t count)
{
    size_t more = 0;
    __mmask32 surrogates = 0;
    for (size_t i = 0; i < count; i += 32) {
        __m512i c = count - i >= 32 ? LOAD(s + 2 * i) : load_first(s + 2 * i, 2 * (count - i));
        more += (size_t)_mm_popcnt_u32(_mm512_cmpgt_epu16_mask(c, _mm512_set1_epi16(0x7F)));
        more += (size_t)_mm_popcnt_u32(_mm512_cmpgt_epu16_mask(c, _mm512_set1_epi16(0x7FF)));
        surrogates |= _mm512_cmpeq_epi16_mask(AND(c, _mm512_set1_epi16((short)0xF800)),
                                              _mm512_set1_epi16((short)0xD800));
    }
    return surrogates ? SIZE_MAX : count + more;
}
