/* vector_utf8_validate_avx512.h: the kernel utf8_feed with vectors of 64 bytes.
 *
 * For kernels_avx512.c only, inside its target region, after vector_utf8_errors.h. The errors are
 * the same, but found with less work: one table of 64 says what may follow each first byte, C0 to
 * FF.
 */
static inline __mmask64 first_64(size_t count)
{
    return count >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << count) - 1;
}

/* A masked load or store that reaches into a page which is not mapped does no harm, but costs
 * hundreds of cycles. */
static inline bool is_within_page(const uint8_t *p) { return ((uintptr_t)p & 4095) <= 4096 - 64; }

static inline __m512i iota_64(void)
{
    static const uint8_t IOTA[64] = {
        0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
        22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
        44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63,
    };
    return LOAD(IOTA);
}

#define TIMES_4(a) a, a, a, a
#define TIMES_16(a) TIMES_4(a), TIMES_4(a), TIMES_4(a), TIMES_4(a)

/* What is wrong after the first bytes C0 to FF, if the byte that follows agrees. */
static const uint8_t AFTER_FIRST[64] = {
    /* C0 */ TOO_SHORT | OVERLONG_2,
    TOO_SHORT | OVERLONG_2,
    TOO_SHORT,
    TOO_SHORT,
    TIMES_4(TOO_SHORT),
    TIMES_4(TOO_SHORT),
    TIMES_4(TOO_SHORT),
    /* D0 */ TIMES_16(TOO_SHORT),
    /* E0 */ TOO_SHORT | OVERLONG_3,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TIMES_4(TOO_SHORT),
    TIMES_4(TOO_SHORT),
    TOO_SHORT,
    TOO_SHORT | SURROGATE,
    TOO_SHORT,
    TOO_SHORT,
    /* F0 */ TOO_SHORT | OVERLONG_4,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT | TOO_LARGE,
    TOO_SHORT | TOO_LARGE | TOO_LARGE_1000,
    TOO_SHORT | TOO_LARGE | TOO_LARGE_1000,
    TOO_SHORT | TOO_LARGE | TOO_LARGE_1000,
    TIMES_4(TOO_SHORT | TOO_LARGE | TOO_LARGE_1000),
    TIMES_4(TOO_SHORT | TOO_LARGE | TOO_LARGE_1000),
};

/* Not zero in some byte if a character that ends or goes on in `v` is wrong; b1, b2 and b3 are the
 * bytes one, two and three places before.
 *
 * A continuation after ASCII and one after a continuation share a bit, which is right where a third
 * or fourth byte must be: if what is before such a byte were ASCII, that would be an error by
 * itself. */
static inline __m512i errors_of(__m512i v, __m512i b1, __m512i b2, __m512i b3)
{
    /* Of this index seven bits count, and of the next one six, where the upper two are of another
     * byte: THIS_HIGH is there four times. */
    __m512i by_before =
        _mm512_permutex2var_epi8(SET1(TWO_CONTINUATIONS), MAX(b1, SET1(0x80)), LOAD(AFTER_FIRST));
    __m512i by_this = _mm512_permutexvar_epi8(_mm512_srli_epi16(v, 4), TABLE(THIS_HIGH));
    /* The top bit is set in a third or fourth byte. */
    __m512i third = SATURATING_SUB(b2, SET1(0xE0 - 0x80)),
            fourth = SATURATING_SUB(b3, SET1(0xF0 - 0x80));
    __m512i top = _mm512_ternarylogic_epi32(third, fourth, SET1(0x80), 0xA8); /* (a | b) & c */
    return _mm512_ternarylogic_epi32(by_before, by_this, top, 0x6A);          /* (a & b) ^ c */
}

/* The same for `v` after the vector `before`. Within 16 bytes, a step of any size is one
 * instruction. */
static inline __m512i errors_behind(__m512i before, __m512i v)
{
    __m512i lanes = _mm512_alignr_epi64(v, before, 6);
    return errors_of(v, _mm512_alignr_epi8(v, lanes, 15), _mm512_alignr_epi8(v, lanes, 14),
                     _mm512_alignr_epi8(v, lanes, 13));
}

/* The same for the vector at `data`. Reads three bytes before it: there are more ports to load than
 * to shuffle. */
static inline __m512i errors_at(const uint8_t *data)
{
    return errors_of(LOAD(data), LOAD(data - 1), LOAD(data - 2), LOAD(data - 3));
}

/* The last `count` bytes, less than 64, of the vector that ends at `end`, and zeros after them. */
static inline __m512i last_bytes(const uint8_t *end, size_t count)
{
    return _mm512_maskz_permutexvar_epi8(
        first_64(count), _mm512_sub_epi8(iota_64(), SET1((int)count)), LOAD(end - 64));
}

/* The same as ff_utf8_feed_cut, for what is rare. */
FF_NEVER_INLINE bool ISA(feed_cut)(ff_utf8 *state, const uint8_t *data, size_t length)
{
    return ff_utf8_feed_cut(state, data, length);
}

/* `errors` are those of the text, `last` those of a vector of which `count` bytes are its last and
 * the others zeros: a character that does not end before them is an error there, but only cut. */
FF_ALWAYS_INLINE bool feed_end(ff_utf8 *state, const uint8_t *data, size_t length, __m512i errors,
                               __m512i last, size_t count)
{
    if (IS_ZERO(OR(errors, last)))
        return true;
    return IS_ZERO(errors) && (_mm512_test_epi8_mask(last, last) & first_64(count)) == 0 &&
           ISA(feed_cut)(state, data, length);
}

/* `v` are the bytes at `data`, less than 64, and zeros after them. */
FF_ALWAYS_INLINE bool feed_short(ff_utf8 *state, const uint8_t *data, size_t length, __m512i v)
{
    return IS_ASCII(v) || feed_end(state, data, length, SET1(0), errors_behind(SET1(0), v), length);
}

/* The same without a masked load, which may be slow at the end of a page: from two loads that
 * overlap. */
FF_NEVER_INLINE bool ISA(feed_at_page_end)(ff_utf8 *state, const uint8_t *data, size_t length)
{
    const uint8_t *end = data + length;
    uint64_t head = 0, tail = 0;
    __m512i both;
    size_t half = length >= 32 ? 32 : length >= 16 ? 16 : length >= 8 ? 8 : length >= 4 ? 4 : 1;
    if (half == 32) {
        both = _mm512_inserti64x4(_mm512_castsi256_si512(LOAD32(data)), LOAD32(end - 32), 1);
    } else if (half == 16) {
        both = _mm512_castsi256_si512(
            _mm256_inserti128_si256(_mm256_castsi128_si256(LOAD16(data)), LOAD16(end - 16), 1));
    } else {
        if (half == 8) {
            memcpy(&head, data, 8);
            memcpy(&tail, end - 8, 8);
        } else if (half == 4) {
            memcpy(&head, data, 4);
            memcpy(&tail, end - 4, 4);
            head |= tail << 32;
        } else { /* one to three, of which the middle one may be any */
            head =
                data[0] | (uint64_t)data[length / 2] << 8 | (uint64_t)end[-1] << 8 * (length - 1);
        }
        both = _mm512_castsi128_si512(_mm_set_epi64x((long long)tail, (long long)head));
    }
    __m512i index = _mm512_mask_add_epi8(iota_64(), ~first_64(half), iota_64(),
                                         SET1((int)(half == 1 ? 0 : 2 * half - length)));
    return feed_short(state, data, length,
                      _mm512_maskz_permutexvar_epi8(first_64(length), index, both));
}

/* From here on the blocks are aligned first: loads that cross cache lines take twice as long. */
enum { UTF8_ALIGN_FROM = 1024 };

FF_ALWAYS_INLINE bool is_ascii_128(const uint8_t *data)
{
    return IS_ASCII(OR(LOAD(data), LOAD(data + 64)));
}

/* How many of 128 bytes or more are ASCII for sure: all, or the first 0 or at least 64. */
static inline size_t ascii_prefix(const uint8_t *data, size_t length)
{
    size_t i = 128;
    if (!is_ascii_128(data))
        return 0;
    if (length >= UTF8_ALIGN_FROM)
        i -= (uintptr_t)data & 63;
    for (; length - i >= 128; i += 128) {
        if (!is_ascii_128(data + i))
            return i;
    }
    return is_ascii_128(data + length - 128) ? length : i;
}

/* The rest of 128 bytes or more, of which the first `i` are ASCII. In a function of its own, so
 * that ASCII does not wait for the tables. Takes no vector as an argument: gcc would not clear the
 * upper halves of the registers before it returns. */
FF_ALIGNED FF_NEVER_INLINE bool ISA(feed_any)(ff_utf8 *state, const uint8_t *data, size_t i,
                                              size_t length)
{
    __m512i errors = SET1(0);
    if (i == 0) {
        errors = OR(errors_behind(SET1(0), LOAD(data)), errors_at(data + 64));
        i = 128;
        if (length >= UTF8_ALIGN_FROM)
            i -= (uintptr_t)data & 63;
    }
    while (length - i >= 128) {
        const uint8_t *at = data + i;
        i += 128;
        if (is_ascii_128(at)) {
            errors = OR(errors, cut_at_end(LOAD(at - 64)));
            while (length - i >= 128 && is_ascii_128(data + i))
                i += 128;
        } else {
            errors = OR(errors, OR(errors_at(at), errors_at(at + 64)));
            if (!IS_ZERO(errors))
                return false;
        }
    }
    /* What is left, with what was before it so that the last vector is whole. */
    const uint8_t *end = data + length, *at = length - i > 64 ? data + i : end - 64;
    if (IS_ASCII(OR(LOAD(at), LOAD(end - 64)))) {
        errors = OR(errors, cut_at_end(LOAD(data + i - 64)));
    } else {
        if (length - i > 64)
            errors = OR(errors, errors_at(at));
        errors = OR(errors, errors_at(end - 64));
    }
    return feed_end(state, data, length, errors, cut_at_end(LOAD(end - 64)), 0);
}

/* 64 to 127 bytes, not all of them ASCII. */
FF_NEVER_INLINE bool ISA(feed_64)(ff_utf8 *state, const uint8_t *data, size_t length)
{
    size_t rest = length - 64;
    __m512i a = LOAD(data);
    __m512i last = rest ? errors_behind(a, last_bytes(data + length, rest)) : cut_at_end(a);
    return feed_end(state, data, length, errors_behind(SET1(0), a), last, rest);
}

FF_ALIGNED static bool ISA(utf8_feed)(ff_utf8 *state, const uint8_t *data, size_t length)
{
    if (state->missing && !ff_utf8_finish(state, &data, &length))
        return false;
    if (length >= 128) {
        size_t i = ascii_prefix(data, length);
        return i == length || ISA(feed_any)(state, data, i, length);
    }
    if (length >= 64)
        return IS_ASCII(OR(LOAD(data), LOAD(data + length - 64))) ||
               ISA(feed_64)(state, data, length);
    if (length == 0)
        return true;
    if (!is_within_page(data))
        return ISA(feed_at_page_end)(state, data, length);
    return feed_short(state, data, length, _mm512_maskz_loadu_epi8(first_64(length), data));
}
