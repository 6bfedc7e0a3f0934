/* vector_utf8_encode_avx512.h: the same as vector_utf8_encode.h with vectors of 64 bytes, and
 * compression instead of tables.
 *
 * Each character gets a lane with all the bytes that it may need: the last one of a lane is always
 * kept, the others only if their values say so.
 *
 * What a CPU has in four units (logic, addition, minimum, blending, interleaving) is preferred to
 * what it has in two: shifts, comparisons, other work with masks, and instructions that leave parts
 * of a register as they were.
 *
 * For kernels_avx512.c only, inside its target region.
 */
#define SET_16_AVX512(n) _mm512_set1_epi16((short)(n))
#define SET_32_AVX512(n) _mm512_set1_epi32((int)(n))

#if defined(__GNUC__)
/* Not loaded again each time it is needed. */
static inline __m512i in_register(__m512i v)
{
    __asm__("" : "+v"(v));
    return v;
}
#endif

/* Constants, each for lanes of 8, 16 or 32 bits: what is added to the bits of a character as it has
 * two, three or four bytes, and the least values of the bytes that are kept. */
typedef struct {
    __m512i x3F, x42, x7F, x81, xBF, xC0;
    __m512i two_16, three_16, first_of_three_16, least_16;
    __m512i two_32, three_32, four_32, least_32;
    bool careful; /* near the end of a page */
} constants;

/* In registers, from memory: gcc would compute each by several operations, in each step. Those that
 * are not needed cost nothing. */
FF_ALWAYS_INLINE constants constants_of_encoding(void)
{
    static const uint32_t CONSTANTS[] = {
        0x3F3F3F3F, 0x42424242, 0x7F7F7F7F, 0x81818181, 0xBFBFBFBF, 0xC0C0C0C0, 0x80C080C0,
        0x80808080, 0x00E000E0, 0x00C000C0, 0x80C00000, 0x8080E000, 0x808080F0, 0x00808080,
    };
    const uint32_t *p = CONSTANTS;
#if defined(__GNUC__)
    __asm__("" : "+r"(p)); /* so that it does not know them */
#define REPEATED(i) in_register(_mm512_set1_epi32((int)p[i]))
#else
#define REPEATED(i) _mm512_set1_epi32((int)p[i])
#endif
    constants k = {REPEATED(0),  REPEATED(1),  REPEATED(2),  REPEATED(3),  REPEATED(4),
                   REPEATED(5),  REPEATED(6),  REPEATED(7),  REPEATED(8),  REPEATED(9),
                   REPEATED(10), REPEATED(11), REPEATED(12), REPEATED(13), false};
    return k;
}

/* Up to 63 bytes, and zeros after them. A masked load or store that reaches into a page which is
 * not mapped does no harm, but costs hundreds of cycles. */
static inline __m512i load_some(const uint8_t *src, size_t size)
{
    return _mm512_maskz_loadu_epi8((UINT64_C(1) << size) - 1, src);
}

/* True if a masked load or store of 64 bytes that takes in the last one before `end` may reach into
 * a page that has nothing of the text. */
static inline bool ends_with_page(const uint8_t *end)
{
    return (((uintptr_t)end - 1) & 4095) >= 4096 - 64;
}

static inline bool is_far_from_pages(const uint8_t *src_end, const uint8_t *dst_end)
{
    return !ends_with_page(src_end) && !ends_with_page(dst_end);
}

/* Quarters of 16 bytes are interleaved each by itself: this moves what belongs into the lower and
 * upper halves of the result there first. */
static inline __m512i before_interleaving(__m512i v)
{
    return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7), v);
}

/* The same without a masked load. */
static inline __m512i load_carefully(const uint8_t *src, size_t size)
{
    VECTOR16 v[4];
    load_parts(v, 4, src, size);
    __m512i low = _mm512_inserti32x4(_mm512_castsi128_si512(v[0]), v[1], 1);
    return _mm512_inserti32x4(_mm512_inserti32x4(low, v[2], 2), v[3], 3);
}

/* The first `size` bytes, up to 63, without a masked store. */
static inline void store_carefully(uint8_t *dst, __m512i v, size_t size)
{
    for (; size >= 16; size -= 16, dst += 16) {
        STORE16(dst, _mm512_castsi512_si128(v));
        v = _mm512_alignr_epi64(v, v, 2);
    }
    if (size)
        store_front(dst, _mm512_castsi512_si128(v), size);
}

/* Stores the first `size` bytes of a vector, but no more than `left`, and with anything behind them
 * if there is room for 64. Returns how many. */
FF_ALWAYS_INLINE size_t store_first_of(uint8_t *dst, __m512i v, size_t size, size_t left,
                                       const constants *k)
{
    if (left >= 64) {
        STORE(dst, v);
        return size;
    }
    size = size < left ? size : left;
    if (k->careful)
        store_carefully(dst, v, size);
    else
        _mm512_mask_storeu_epi8(dst, (UINT64_C(1) << size) - 1, v);
    return size;
}

/* Which bytes of `lanes` are kept: those that are not less than those of `least`. */
#define KEPT(lanes, least) _mm512_cmpge_epu8_mask(lanes, least)

/* ---- steps: write some characters and return how many bytes, no more than `left` ---- */

/* Room for what a step may write. */
enum { ENOUGH = 128 };

/* Where the next bytes go is computed from the input rather than from `kept`, where that costs no
 * more: loads wait for the addresses of earlier stores if one of them was a near miss. */

/* 64 characters of one byte, with a bit for each that needs two in UTF-8; or less, and zeros. */
FF_ALWAYS_INLINE size_t write_64_latin(uint8_t *dst, __m512i v, uint64_t two, const constants *k,
                                       size_t count, size_t left)
{
    v = before_interleaving(v);
    /* C2 or C3, but less than C0 for ASCII; and 80 to BF, or ASCII. */
    __m512i first = _mm512_add_epi8(_mm512_min_epu8(AND(v, k->xC0), k->x81), k->x42),
            last = MAX(AND(v, k->xBF), AND(v, k->x7F));
    __m512i low = _mm512_unpacklo_epi8(first, last), high = _mm512_unpackhi_epi8(first, last);
    size_t size = store_first_of(dst, _mm512_maskz_compress_epi8(KEPT(low, k->least_16), low),
                                 32 + (size_t)_mm_popcnt_u32((uint32_t)two), left, k);
    if (count <= 32)
        return size;
    size_t all = 64 + (size_t)_mm_popcnt_u64(two);
    store_first_of(dst + size, _mm512_maskz_compress_epi8(KEPT(high, k->least_16), high),
                   all - size, left - size, k);
    return all;
}

/* 32 characters below U+0800 in lanes of 16 bits. */
FF_ALWAYS_INLINE size_t write_32_short(uint8_t *dst, __m512i c, const constants *k, size_t left)
{
    __mmask32 two = _mm512_test_epi16_mask(c, SET_16_AVX512(0xFF80));
    __m512i one = _mm512_slli_epi16(c, 8),
            bits = OR(AND(one, SET_16_AVX512(0x3F00)), _mm512_srli_epi16(c, 6));
    __m512i lanes = _mm512_mask_blend_epi16(two, one, OR(bits, k->two_16));
    return store_first_of(dst, _mm512_maskz_compress_epi8(KEPT(lanes, k->least_16), lanes),
                          32 + (size_t)_mm_popcnt_u32(two), left, k);
}

FF_ALWAYS_INLINE size_t store_kept(uint8_t *dst, __m512i lanes, const constants *k, size_t left)
{
    __mmask64 kept = KEPT(lanes, k->least_32);
    return store_first_of(dst, _mm512_maskz_compress_epi8(kept, lanes),
                          (size_t)_mm_popcnt_u64(kept), left, k);
}

/* 32 characters up to U+FFFF in lanes of 16 bits. */
FF_ALWAYS_INLINE size_t write_32_basic(uint8_t *dst, __m512i c, const constants *k, size_t count,
                                       size_t left)
{
    c = before_interleaving(c);
    __mmask32 two = _mm512_test_epi16_mask(c, SET_16_AVX512(0xFF80)),
              three = _mm512_test_epi16_mask(c, SET_16_AVX512(0xF800));
    __m512i one = _mm512_slli_epi16(c, 8),
            bits = OR(AND(one, SET_16_AVX512(0x3F00)),
                      AND(_mm512_srli_epi16(c, 6), SET_16_AVX512(0x003F))),
            marks = _mm512_mask_blend_epi16(three, k->two_16, k->three_16);
    __m512i last = _mm512_mask_blend_epi16(two, one, OR(bits, marks)),
            first = _mm512_maskz_add_epi16(three, _mm512_srli_epi16(c, 12), k->first_of_three_16);
    size_t size = store_kept(dst, _mm512_unpacklo_epi16(first, last), k, left);
    if (count > 16)
        size += store_kept(dst + size, _mm512_unpackhi_epi16(first, last), k, left - size);
    return size;
}

/* Where a character of 32 bits has the bits of its four bytes, first byte first, for the two
 * characters of 64 bits. */
#define FIELDS 18, 12, 6, 0, 50, 44, 38, 32

/* Any 16 characters in lanes of 32 bits. */
FF_ALWAYS_INLINE size_t write_16_wide(uint8_t *dst, __m512i c, const constants *k, size_t left)
{
    static const uint8_t SHIFTS[64] = {FIELDS, FIELDS, FIELDS, FIELDS,
                                       FIELDS, FIELDS, FIELDS, FIELDS};
    __mmask16 two = _mm512_test_epi32_mask(c, SET_32_AVX512(0xFFFFFF80)),
              three = _mm512_test_epi32_mask(c, SET_32_AVX512(0xFFFFF800)),
              four = _mm512_test_epi32_mask(c, SET_32_AVX512(0xFFFF0000));
    __m512i marks = _mm512_mask_blend_epi32(three, k->two_32, k->three_32);
    marks = _mm512_mask_blend_epi32(four, marks, k->four_32);
    __m512i bits = AND(_mm512_multishift_epi64_epi8(LOAD(SHIFTS), c), k->x3F);
    __m512i lanes = _mm512_mask_blend_epi32(two, _mm512_slli_epi32(c, 24), OR(bits, marks));
    return store_kept(dst, lanes, k, left);
}

FF_ALWAYS_INLINE size_t write_32(uint8_t *dst, __m512i c, const constants *k, size_t count,
                                 size_t left)
{
    if (_mm512_test_epi16_mask(c, SET_16_AVX512(0xF800)) == 0)
        return write_32_short(dst, c, k, left);
    return write_32_basic(dst, c, k, count, left);
}

FF_ALWAYS_INLINE size_t write_32_any(uint8_t *dst, const uint8_t *s, const constants *k,
                                     size_t left)
{
    __m512i a = LOAD(s), b = LOAD(s + 64);
    if (_mm512_test_epi32_mask(OR(a, b), SET_32_AVX512(0xFFFF0000)) == 0) {
        __m512i c = _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7),
                                             _mm512_packus_epi32(a, b));
        return write_32(dst, c, k, 32, left);
    }
    size_t size = write_16_wide(dst, a, k, left);
    return size + write_16_wide(dst + size, b, k, left - size);
}

/* The last characters, where a page ends behind them. */
FF_NEVER_INLINE void ISA(write_carefully)(uint8_t *dst, size_t size, const uint8_t *s, size_t count,
                                          unsigned width)
{
    const uint8_t *end = dst + size;
    const size_t step = 64 / width;
    constants k = constants_of_encoding();
    k.careful = true;
    for (; dst < end; s += 64, count -= step) {
        size_t left = (size_t)(end - dst), some = count < step ? count : step;
        __m512i c = some == step ? LOAD(s) : load_carefully(s, some * width);
        dst += width == 1   ? write_64_latin(dst, c, _mm512_movepi8_mask(c), &k, some, left)
               : width == 2 ? write_32(dst, c, &k, some, left)
                            : write_16_wide(dst, c, &k, left);
        if (some < step)
            return;
    }
}

/* ---- ASCII only ---- */

/* The low bytes of 64 characters that are ASCII. */
static inline __m512i ascii_64(__m512i a, __m512i b)
{
    return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7),
                                    _mm512_packus_epi16(a, b));
}

static inline void write_ascii_few(uint8_t *dst, const uint8_t *s, size_t count)
{
    if (count >= 32) {
        __m256i last = LOAD32(s + count - 32);
        STORE32(dst, LOAD32(s));
        STORE32(dst + count - 32, last);
    } else if (count >= 16) {
        VECTOR16 last = LOAD16(s + count - 16);
        STORE16(dst, LOAD16(s));
        STORE16(dst + count - 16, last);
    } else if (count) {
        part_16 part = load_part(s, count);
        store_front(dst, FROM_64(part.low, part.high), count);
    }
}

FF_NEVER_INLINE void ISA(write_ascii_1)(uint8_t *dst, const uint8_t *s, size_t count)
{
    if (count < 64) {
        write_ascii_few(dst, s, count);
        return;
    }
    if (count >= 1 << 16) { /* there are instructions that need not read what is overwritten */
        memcpy(dst, s, count);
        return;
    }
    __m512i last = LOAD(s + count - 64);
    /* From where the destination is aligned: such stores are done sooner, and loads may wait for
     * them. */
    STORE(dst, LOAD(s));
    size_t i = 64 - ((uintptr_t)dst & 63);
    for (; count - i >= 256; i += 256) {
        __m512i v[4] = {LOAD(s + i), LOAD(s + i + 64), LOAD(s + i + 128), LOAD(s + i + 192)};
        for (size_t k = 0; k < 4; k++)
            STORE(dst + i + 64 * k, v[k]);
    }
    for (; count - i > 64; i += 64)
        STORE(dst + i, LOAD(s + i));
    STORE(dst + count - 64, last);
}

FF_NEVER_INLINE void ISA(write_ascii_2)(uint8_t *dst, const uint8_t *s, size_t count)
{
    if (count < 32) {
        if (!is_far_from_pages(s + 2 * count, dst + count))
            ISA(write_carefully)(dst, count, s, count, 2);
        else
            _mm512_mask_storeu_epi8(dst, (UINT64_C(1) << count) - 1,
                                    ascii_64(load_some(s, 2 * count), SET1(0)));
        return;
    }
    size_t i = 0;
    for (; count - i >= 64; i += 64)
        STORE(dst + i, ascii_64(LOAD(s + 2 * i), LOAD(s + 2 * i + 64)));
    for (; i < count; i += 32) {
        size_t at = count - i < 32 ? count - 32 : i;
        STORE32(dst + at, _mm512_cvtepi16_epi8(LOAD(s + 2 * at)));
    }
}

FF_NEVER_INLINE void ISA(write_ascii_4)(uint8_t *dst, const uint8_t *s, size_t count)
{
    if (count < 16) {
        if (!is_far_from_pages(s + 4 * count, dst + count))
            ISA(write_carefully)(dst, count, s, count, 4);
        else if (count)
            store_front(dst, _mm512_cvtepi32_epi8(load_some(s, 4 * count)), count);
        return;
    }
    for (size_t i = 0; i < count; i += 16) {
        size_t at = count - i < 16 ? count - 16 : i;
        STORE16(dst + at, _mm512_cvtepi32_epi8(LOAD(s + 4 * at)));
    }
}

/* ---- loops; as no character has less than a byte, there is room for as many bytes ---- */

FF_NEVER_INLINE void ISA(write_latin_1)(uint8_t *dst, size_t size, const uint8_t *s, size_t count)
{
    const uint8_t *end = dst + size;
    const constants k = constants_of_encoding();
    /* By 128: where runs of ASCII are short, no branch depends on them. */
    while (count >= 2 * ENOUGH) {
        __m512i a = LOAD(s), b = LOAD(s + 64);
        uint64_t two_a = _mm512_movepi8_mask(a), two_b = _mm512_movepi8_mask(b);
        if ((two_a | two_b) == 0) {
            STORE(dst, a);
            STORE(dst + 64, b);
            dst += 128;
        } else {
            dst += write_64_latin(dst, a, two_a, &k, 64, ENOUGH);
            dst += write_64_latin(dst, b, two_b, &k, 64, ENOUGH);
        }
        s += 128;
        count -= 128;
    }
    for (; count >= ENOUGH; count -= 64, s += 64) {
        __m512i v = LOAD(s);
        dst += write_64_latin(dst, v, _mm512_movepi8_mask(v), &k, 64, ENOUGH);
    }
    if (!is_far_from_pages(s + count, end)) {
        ISA(write_carefully)(dst, (size_t)(end - dst), s, count, 1);
        return;
    }
    if (count >= 64) {
        __m512i v = LOAD(s);
        dst += write_64_latin(dst, v, _mm512_movepi8_mask(v), &k, 64, (size_t)(end - dst));
        count -= 64;
        s += 64;
    }
    if (count) {
        __m512i v = load_some(s, count);
        write_64_latin(dst, v, _mm512_movepi8_mask(v), &k, count, (size_t)(end - dst));
    }
}

FF_NEVER_INLINE void ISA(write_basic_2)(uint8_t *dst, size_t size, const uint8_t *s, size_t count)
{
    const uint8_t *end = dst + size;
    const constants k = constants_of_encoding();
    for (; count >= 64 && end - dst >= 2 * ENOUGH; count -= 64, s += 128) {
        __m512i a = LOAD(s), b = LOAD(s + 64);
        if (_mm512_test_epi16_mask(OR(a, b), SET_16_AVX512(0xFF80)) == 0) {
            STORE(dst, ascii_64(a, b));
            dst += 64;
        } else {
            dst += write_32(dst, a, &k, 32, ENOUGH);
            dst += write_32(dst, b, &k, 32, ENOUGH);
        }
    }
    for (; count >= 32 && end - dst >= ENOUGH; count -= 32, s += 64)
        dst += write_32(dst, LOAD(s), &k, 32, ENOUGH);
    if (!is_far_from_pages(s + 2 * count, end)) {
        ISA(write_carefully)(dst, (size_t)(end - dst), s, count, 2);
        return;
    }
    for (; count >= 32; count -= 32, s += 64)
        dst += write_32(dst, LOAD(s), &k, 32, (size_t)(end - dst));
    if (count)
        write_32(dst, load_some(s, 2 * count), &k, count, (size_t)(end - dst));
}

FF_NEVER_INLINE void ISA(write_any_4)(uint8_t *dst, size_t size, const uint8_t *s, size_t count)
{
    const uint8_t *end = dst + size;
    const constants k = constants_of_encoding();
    for (; count >= 32 && end - dst >= ENOUGH; count -= 32, s += 128)
        dst += write_32_any(dst, s, &k, ENOUGH);
    if (!is_far_from_pages(s + 4 * count, end)) {
        ISA(write_carefully)(dst, (size_t)(end - dst), s, count, 4);
        return;
    }
    for (; count >= 16; count -= 16, s += 64)
        dst += write_16_wide(dst, LOAD(s), &k, (size_t)(end - dst));
    if (count)
        write_16_wide(dst, load_some(s, 4 * count), &k, (size_t)(end - dst));
}

static void ISA(utf8_from)(uint8_t *dst, size_t size, const void *characters, size_t count,
                           unsigned width)
{
    const uint8_t *s = (const uint8_t *)characters;
    if (width == 1)
        size == count ? ISA(write_ascii_1)(dst, s, count) : ISA(write_latin_1)(dst, size, s, count);
    else if (width == 2)
        size == count ? ISA(write_ascii_2)(dst, s, count) : ISA(write_basic_2)(dst, size, s, count);
    else
        size == count ? ISA(write_ascii_4)(dst, s, count) : ISA(write_any_4)(dst, size, s, count);
}
