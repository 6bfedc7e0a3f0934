/* vector_utf8_size_avx512.h: the same as vector_utf8_size.h with vectors of 64 bytes.
 *
 * For kernels_avx512.c only, inside its target region, after vector_utf8_encode_avx512.h.
 */

/* One for each lane that has one of these bits. */
#define ONES_8(v, bits) _mm512_min_epu8(AND(v, SET1(bits)), SET1(1))
#define ONES_16(v, bits) _mm512_min_epu16(AND(v, SET_16_AVX512(bits)), SET_16_AVX512(1))
#define ONES_32(v, bits) _mm512_min_epu32(AND(v, SET_32_AVX512(bits)), SET_32_AVX512(1))

/* Of up to 63 bytes, and `s` is where they end. */
FF_NEVER_INLINE size_t ISA(size_carefully)(const uint8_t *end, size_t bytes, unsigned width)
{
    return ff_utf8_size(end - bytes, bytes / width, width);
}

/* More than 63. */
FF_NEVER_INLINE size_t ISA(size_of_long_1)(const uint8_t *s, size_t count)
{
    /* A long text from its end, as then the part that is encoded first is still in the cache. A
     * short one from its beginning: what was stored last may look as if it were its end, as only
     * some bits of addresses are compared at first. */
    const bool backwards = count >= 1 << 16;
    size_t blocks = count / 256, i = blocks * 256, more = 0;
    size_t at = backwards ? i - 256 : 0;
    const size_t step = backwards ? (size_t)-256 : 256;
    while (blocks) {
        /* A counter of eight bits for each of the 64 places. */
        size_t some = blocks < 63 ? blocks : 63;
        __m512i a = SET1(0), b = SET1(0);
        for (size_t n = some; n; n--, at += step) {
            const uint8_t *p = s + at;
            a = _mm512_add_epi8(a, ONES_8(LOAD(p), 0x80));
            b = _mm512_add_epi8(b, ONES_8(LOAD(p + 64), 0x80));
            a = _mm512_add_epi8(a, ONES_8(LOAD(p + 128), 0x80));
            b = _mm512_add_epi8(b, ONES_8(LOAD(p + 192), 0x80));
        }
        blocks -= some;
        more += (size_t)_mm512_reduce_add_epi64(
            _mm512_add_epi64(_mm512_sad_epu8(a, SET1(0)), _mm512_sad_epu8(b, SET1(0))));
    }
    for (; count - i >= 64; i += 64)
        more += (size_t)_mm_popcnt_u64(_mm512_movepi8_mask(LOAD(s + i)));
    if (i < count) { /* with others that were counted */
        uint64_t two = _mm512_movepi8_mask(LOAD(s + count - 64)) >> (64 - (count - i));
        more += (size_t)_mm_popcnt_u64(two);
    }
    return count + more;
}

static inline size_t utf8_size_1(const uint8_t *s, size_t count)
{
    if (count >= 64)
        return ISA(size_of_long_1)(s, count);
    if (ends_with_page(s + count))
        return ISA(size_carefully)(s + count, count, 1);
    return count + (size_t)_mm_popcnt_u64(_mm512_movepi8_mask(load_some(s, count)));
}

typedef struct {
    __m512i more;  /* counts, in each lane, the bytes beyond the first */
    __m512i least; /* the smallest character of each lane, where the surrogates begin at zero */
} measure;

FF_ALWAYS_INLINE void measure_2(measure *m, __m512i c)
{
    __m512i more = _mm512_add_epi16(ONES_16(c, 0xFF80), ONES_16(c, 0xF800));
    m->more = _mm512_add_epi16(m->more, more);
    m->least = _mm512_min_epu16(m->least, _mm512_sub_epi16(c, SET_16_AVX512(0xD800)));
}

FF_ALWAYS_INLINE void measure_4(measure *m, __m512i c)
{
    __m512i more = _mm512_add_epi32(ONES_32(c, 0xFFFFFF80), ONES_32(c, 0xFFFFF800));
    m->more = _mm512_add_epi32(m->more, _mm512_add_epi32(more, ONES_32(c, 0xFFFF0000)));
    m->least = _mm512_min_epu32(m->least, _mm512_sub_epi32(c, SET_32_AVX512(0xD800)));
}

static inline size_t sum_of_16(__m512i v)
{
    return (size_t)_mm512_reduce_add_epi32(_mm512_madd_epi16(v, SET_16_AVX512(1)));
}

/* More than 32. */
FF_NEVER_INLINE size_t ISA(size_of_long_2)(const uint8_t *s, size_t count)
{
    enum { BLOCK = 32 * 0x3000 }; /* at most two more each time, in lanes of 15 bits */
    measure m = {SET1(0), SET1(0xFF)}, odd = m; /* two, as one would wait for itself */
    size_t more = 0, i = 0;
    while (count - i >= 32) {
        size_t block = count - i < BLOCK ? (count - i) / 32 * 32 : BLOCK;
        const size_t end = i + block;
        for (; end - i >= 64; i += 64) {
            measure_2(&m, LOAD(s + 2 * i));
            measure_2(&odd, LOAD(s + 2 * i + 64));
        }
        if (i < end) {
            measure_2(&m, LOAD(s + 2 * i));
            i += 32;
        }
        m.more = _mm512_add_epi16(m.more, odd.more);
        odd.more = SET1(0);
        if (count - i >= 32) {
            more += sum_of_16(m.more);
            m.more = SET1(0);
        }
    }
    m.least = _mm512_min_epu16(m.least, odd.least);
    if (i < count) {
        __mmask32 rest = (__mmask32)(UINT32_MAX << (32 - (count - i)));
        measure_2(&m, _mm512_maskz_mov_epi16(rest, LOAD(s + 2 * count - 64)));
    }
    if (_mm512_cmplt_epu16_mask(m.least, SET_16_AVX512(0x800)))
        return SIZE_MAX;
    return count + more + sum_of_16(m.more);
}

/* How many bytes beyond the first 32 characters need. */
static inline unsigned more_of_32(__m512i c, __mmask32 *surrogates)
{
    __m512i top = AND(c, SET_16_AVX512(0xF800));
    *surrogates |= _mm512_cmpeq_epi16_mask(top, SET_16_AVX512(0xD800));
    return (unsigned)_mm_popcnt_u32(_mm512_test_epi16_mask(c, SET_16_AVX512(0xFF80))) +
           (unsigned)_mm_popcnt_u32(_mm512_test_epi16_mask(top, top));
}

static inline size_t utf8_size_2(const uint8_t *s, size_t count)
{
    __mmask32 surrogates = 0;
    size_t size = count;
    if (count > 64)
        return ISA(size_of_long_2)(s, count);
    if (count >= 32) {
        __mmask32 rest = (__mmask32)(~UINT64_C(0) << (64 - count));
        __m512i last = _mm512_maskz_mov_epi16(rest, LOAD(s + 2 * count - 64));
        size += more_of_32(LOAD(s), &surrogates) + more_of_32(last, &surrogates);
    } else if (ends_with_page(s + 2 * count)) {
        return ISA(size_carefully)(s + 2 * count, 2 * count, 2);
    } else {
        size += more_of_32(load_some(s, 2 * count), &surrogates);
    }
    return surrogates ? SIZE_MAX : size;
}

/* 16 or more. */
FF_NEVER_INLINE size_t ISA(size_of_long_4)(const uint8_t *s, size_t count)
{
    enum { BLOCK = 16 * 0x1000000 };
    measure m = {SET1(0), SET1(0xFF)}, odd = m;
    size_t more = 0, i = 0;
    while (count - i >= 16) {
        size_t block = count - i < BLOCK ? (count - i) / 16 * 16 : BLOCK;
        const size_t end = i + block;
        for (; end - i >= 32; i += 32) {
            measure_4(&m, LOAD(s + 4 * i));
            measure_4(&odd, LOAD(s + 4 * i + 64));
        }
        if (i < end) {
            measure_4(&m, LOAD(s + 4 * i));
            i += 16;
        }
        m.more = _mm512_add_epi32(m.more, odd.more);
        odd.more = SET1(0);
        if (count - i >= 16) {
            more += (size_t)(unsigned)_mm512_reduce_add_epi32(m.more);
            m.more = SET1(0);
        }
    }
    m.least = _mm512_min_epu32(m.least, odd.least);
    if (i < count) {
        __mmask16 rest = (__mmask16)(0xFFFFu << (16 - (count - i)));
        measure_4(&m, _mm512_maskz_mov_epi32(rest, LOAD(s + 4 * count - 64)));
    }
    if (_mm512_cmplt_epu32_mask(m.least, SET_32_AVX512(0x800)))
        return SIZE_MAX;
    return count + more + (size_t)(unsigned)_mm512_reduce_add_epi32(m.more);
}

static inline size_t utf8_size_4(const uint8_t *s, size_t count)
{
    if (count >= 16)
        return ISA(size_of_long_4)(s, count);
    if (ends_with_page(s + 4 * count))
        return ISA(size_carefully)(s + 4 * count, 4 * count, 4);
    __m512i c = load_some(s, 4 * count);
    unsigned more = (unsigned)_mm_popcnt_u32(_mm512_test_epi32_mask(c, SET_32_AVX512(0xFFFFFF80)));
    more += (unsigned)_mm_popcnt_u32(_mm512_test_epi32_mask(c, SET_32_AVX512(0xFFFFF800)));
    more += (unsigned)_mm_popcnt_u32(_mm512_test_epi32_mask(c, SET_32_AVX512(0xFFFF0000)));
    __mmask16 surrogates =
        _mm512_cmpeq_epi32_mask(AND(c, SET_32_AVX512(0xFFFFF800)), SET_32_AVX512(0xD800));
    return surrogates ? SIZE_MAX : count + more;
}
