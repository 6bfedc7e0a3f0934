/* vector_utf8_decode_avx512.h: the same as vector_utf8_decode.h with vectors of 64 bytes, and VBMI2
 * to move what counts to the front.
 *
 * For kernels_avx512.c only, inside its target region. What comes before a vector is kept in a
 * register, so that nothing is loaded that was just stored.
 */
/* `size` bytes, less than 64, and zeros after them. */
static inline __m512i load_first(const uint8_t *src, size_t size)
{
    if (size && is_within_page(src)) /* of no bytes, the first one may be in the next page */
        return _mm512_maskz_loadu_epi8(first_64(size), src);
    uint8_t bytes[64] = {0};
    memcpy(bytes, src, size);
    return LOAD(bytes);
}

/* `size` bytes of a vector; all of it if they are 64 or more. */
static inline void store_first(uint8_t *dst, __m512i v, size_t size)
{
    if (is_within_page(dst)) {
        _mm512_mask_storeu_epi8(dst, first_64(size), v);
    } else {
        uint8_t bytes[64];
        STORE(bytes, v);
        memcpy(dst, bytes, size < 64 ? size : 64);
    }
}

/* Continuation bytes, 80 to BF, are the least of all as signed numbers. */
static inline __mmask64 first_bytes(__m512i v) { return _mm512_cmpgt_epi8_mask(v, SET1(0xBF)); }

/* Each byte replaced by the one `places` before it. */
static inline __m512i bytes_before(__m512i before, __m512i v, int places)
{
    return _mm512_permutex2var_epi8(before, _mm512_add_epi8(iota_64(), SET1(64 - places)), v);
}

/* ---- unmask, validate and measure ---- */

/* What is known of a text, up to a vector and with it. */
typedef struct {
    __m512i before; /* the last vector */
    __m512i errors, largest;
    size_t characters;
} text_so_far;

FF_ALWAYS_INLINE void take_in(text_so_far *text, __m512i v, __mmask64 here)
{
    text->errors = OR(text->errors, errors_behind(text->before, v));
    text->largest = MAX(text->largest, v);
    text->characters += (size_t)_mm_popcnt_u64(first_bytes(v) & here);
    text->before = v;
}

FF_ALWAYS_INLINE void take_in_2(text_so_far *text, __m512i a, __m512i b)
{
    __m512i both = MAX(a, b);
    text->largest = MAX(text->largest, both);
    if (IS_ASCII(both)) {
        text->errors = OR(text->errors, cut_at_end(text->before));
        text->characters += 2 * 64;
    } else {
        text->errors = OR(text->errors, OR(errors_behind(text->before, a), errors_behind(a, b)));
        text->characters +=
            (size_t)(_mm_popcnt_u64(first_bytes(a)) + _mm_popcnt_u64(first_bytes(b)));
    }
    text->before = b;
}

/* Latin-1, as long as nothing else is seen: a byte is a continuation if the one before is C2 or
 * C3. */
typedef struct {
    uint64_t errors, carry; /* carry: the last vector ends with a first byte */
    __m512i least;          /* of each byte ^ C0: 0 and 1 are errors */
    size_t first_bytes;     /* of two */
} latin_so_far;

FF_ALWAYS_INLINE void take_in_latin(latin_so_far *latin, __m512i v)
{
    uint64_t not_ascii = _mm512_movepi8_mask(v), leads = _mm512_cmpge_epu8_mask(v, SET1(0xC0));
    latin->errors |= not_ascii ^ leads ^ (leads << 1 | latin->carry);
    latin->carry = leads >> 63;
    latin->first_bytes += (size_t)_mm_popcnt_u64(leads);
    latin->least = _mm512_min_epu8(latin->least, XOR(v, SET1(0xC0)));
}

/* From the start to the first 128 bytes that have more than Latin-1; returns where that is. False
 * in `valid` if it is wrong. */
FF_ALWAYS_INLINE size_t unmask_latin(uint8_t *dst, const uint8_t *src, size_t length,
                                     __m512i pattern, text_so_far *text, bool *valid)
{
    latin_so_far latin = {0, 0, SET1(0xFF), 0};
    size_t i = 0;
    for (; length - i >= 128; i += 128) {
        __m512i a = XOR(LOAD(src + i), pattern), b = XOR(LOAD(src + i + 64), pattern),
                both = MAX(a, b);
        if (IS_ASCII(both)) {
            latin.errors |= latin.carry;
            latin.carry = 0;
        } else {
            if (_mm512_cmpgt_epu8_mask(both, SET1(0xC3)))
                break;
            take_in_latin(&latin, a);
            take_in_latin(&latin, b);
        }
        STORE(dst + i, a);
        STORE(dst + i + 64, b);
        text->before = b;
        text->largest = MAX(text->largest, both);
    }
    text->characters += i - latin.first_bytes +
                        latin.carry; /* a character that is cut here counts for what begins here */
    *valid = latin.errors == 0 && _mm512_cmplt_epu8_mask(latin.least, SET1(2)) == 0;
    return i;
}

/* What follows the `i` bytes that were taken in: vectors by one. */
FF_ALWAYS_INLINE bool unmask_last(uint8_t *dst, const uint8_t *src, size_t i, size_t length,
                                  __m512i pattern, text_so_far *so_far, ff_text *text)
{
    for (; length - i >= 64; i += 64) {
        __m512i v = XOR(LOAD(src + i), pattern);
        STORE(dst + i, v);
        take_in(so_far, v, first_64(64));
    }
    /* The rest, followed by zeros: a character that does not end before them is an error. */
    __mmask64 here = first_64(length - i);
    __m512i v = _mm512_maskz_mov_epi8(here, XOR(load_first(src + i, length - i), pattern));
    STORE(dst + i, v);
    take_in(so_far, v, here);
    text->characters = so_far->characters;
    __m256i half = _mm256_max_epu8(_mm512_castsi512_si256(so_far->largest),
                                   _mm512_extracti64x4_epi64(so_far->largest, 1));
    text->largest_byte = LARGEST_BYTE16(
        _mm_max_epu8(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1)));
    return IS_ZERO(so_far->errors);
}

/* What follows the beginning of a long text. Takes no vector as an argument: gcc would not clear
 * the upper halves of the registers before it returns, and all that comes after would be slow. */
FF_ALIGNED FF_NEVER_INLINE bool ISA(unmask_any)(uint8_t *dst, const uint8_t *src, size_t length,
                                                const uint8_t *key, const text_so_far *begun,
                                                ff_text *text)
{
    __m512i pattern = KEY(key_at(key, 0));
    text_so_far so_far = *begun;
    size_t i = 0;
    for (; length - i >= 4 * 64; i += 4 * 64) {
        __m512i a = XOR(LOAD(src + i), pattern), b = XOR(LOAD(src + i + 64), pattern);
        __m512i c = XOR(LOAD(src + i + 128), pattern), d = XOR(LOAD(src + i + 192), pattern);
        STORE(dst + i, a);
        STORE(dst + i + 64, b);
        STORE(dst + i + 128, c);
        STORE(dst + i + 192, d);
        take_in_2(&so_far, a, b);
        take_in_2(&so_far, c, d);
    }
    return unmask_last(dst, src, i, length, pattern, &so_far, text);
}

enum { LATIN_FROM = 512 };

FF_ALIGNED static bool ISA(utf8_unmask)(uint8_t *dst, const uint8_t *src, size_t length,
                                        const uint8_t *key, ff_text *text)
{
    __m512i pattern = KEY(key_at(key, 0));
    text_so_far so_far = {SET1(0), SET1(0), SET1(text->largest_byte), text->characters};
    if (length < 128)
        return unmask_last(dst, src, 0, length, pattern, &so_far, text);
    bool valid = true;
    /* Looking for Latin-1 costs other texts some nanoseconds. */
    size_t i = length < LATIN_FROM ? 0 : unmask_latin(dst, src, length, pattern, &so_far, &valid);
    return ISA(unmask_any)(dst + i, src + i, length - i, key, &so_far, text) &&
           valid; /* i is a multiple of 4 */
}

/* ---- write ---- */

typedef struct {
    __m512i low, next,
        /* of the character that ends at a byte: its low eight bits, the next eight, the top five */
        top;
} planes;

/* c ? a : b for each bit. */
static inline __m512i choose(__m512i c, __m512i a, __m512i b)
{
    return _mm512_ternarylogic_epi32(c, a, b, 0xCA);
}

FF_ALWAYS_INLINE planes planes_of(__m512i before, __m512i v, int longest)
{
    __m512i p1 = bytes_before(before, v, 1), p2 = bytes_before(before, v, 2),
            p3 = bytes_before(before, v, 3);
    __mmask64 not_ascii = _mm512_movepi8_mask(v);
    __mmask64 ends4 = longest > 3 ? _mm512_cmpge_epu8_mask(p3, SET1(0xF0)) : 0;
    __mmask64 long_end =
        longest > 2 ? _mm512_mask_cmpge_epu8_mask(not_ascii, p2, SET1(0xE0)) | (ends4 & not_ascii)
                    : 0;

    planes result;
    result.low =
        _mm512_mask_mov_epi8(v, not_ascii, choose(SET1(0x3F), v, _mm512_slli_epi16(p1, 6)));
    __m512i lead = _mm512_maskz_mov_epi8(long_end, _mm512_slli_epi16(p2, 4));
    result.next =
        _mm512_maskz_mov_epi8(not_ascii, choose(SET1(0x0F), _mm512_srli_epi16(p1, 2), lead));
    __m512i top =
        choose(SET1(0x03), _mm512_srli_epi16(p2, 4), AND(_mm512_slli_epi16(p3, 2), SET1(0x1C)));
    result.top = _mm512_maskz_mov_epi8(ends4 & not_ascii, top);
    return result;
}

/* Where the bytes of 32 characters of two bytes are, in the low plane (0 to 63) and the next one
 * (64 to 127). */
#define PAIRS_4(i) (i), 64 + (i), 1 + (i), 65 + (i), 2 + (i), 66 + (i), 3 + (i), 67 + (i)
#define PAIRS_16(i) PAIRS_4(i), PAIRS_4((i) + 4), PAIRS_4((i) + 8), PAIRS_4((i) + 12)
static const uint8_t PAIRS[2][64] = {{PAIRS_16(0), PAIRS_16(16)}, {PAIRS_16(32), PAIRS_16(48)}};

/* And of 16 characters of four bytes, in 32 of two (0 to 63) and the top plane (64 to 127); the
 * fourth is zero. */
#define QUAD(pair, top) 2 * (pair), 2 * (pair) + 1, 64 + (top), 0
#define QUADS_4(p, t)                                                                              \
    QUAD(p, t), QUAD((p) + 1, (t) + 1), QUAD((p) + 2, (t) + 2), QUAD((p) + 3, (t) + 3)
#define QUADS_16(p, t)                                                                             \
    QUADS_4(p, t), QUADS_4((p) + 4, (t) + 4), QUADS_4((p) + 8, (t) + 8), QUADS_4((p) + 12, (t) + 12)
static const uint8_t QUADS[4][64] = {
    {QUADS_16(0, 0)}, {QUADS_16(16, 16)}, {QUADS_16(0, 32)}, {QUADS_16(16, 48)}};

static inline __m512i pairs_of(const planes *p, unsigned i)
{
    return _mm512_permutex2var_epi8(p->low, LOAD(PAIRS[i]), p->next);
}

static inline __m512i quads_of(__m512i pairs, const planes *p, unsigned i)
{
    return _mm512_maskz_permutex2var_epi8(UINT64_C(0x7777777777777777), pairs, LOAD(QUADS[i]),
                                          p->top);
}

/* Stores the `i`-th vector of `size` bytes in all; the whole vector if there is `room` after it. */
FF_ALWAYS_INLINE void store_part(uint8_t *dst, __m512i v, unsigned i, size_t size, bool room)
{
    if (room)
        STORE(dst + 64 * i, v);
    else if (size > 64 * i)
        store_first(dst + 64 * i, v, size - 64 * i);
}

/* Writes the first `count` characters of the planes. With `room` for 64 it may write more, which do
 * not count. */
FF_ALWAYS_INLINE void write_front(uint8_t *dst, const planes *p, size_t count, unsigned width,
                                  int longest, bool room)
{
    size_t size = count * width;
    if (width == 1) {
        store_part(dst, p->low, 0, size, room);
        return;
    }
    __m512i pairs = pairs_of(p, 0);
    if (width == 2) {
        store_part(dst, pairs, 0, size, room);
        /* Where no character has three bytes, about half of 64 end here: a branch would be a
         * guess. */
        if (longest == 2 || count > 32)
            store_part(dst, pairs_of(p, 1), 1, size, room);
        return;
    }
    store_part(dst, quads_of(pairs, p, 0), 0, size, room);
    if (count > 16) {
        store_part(dst, quads_of(pairs, p, 1), 1, size, room);
        if (count > 32) {
            pairs = pairs_of(p, 1);
            store_part(dst, quads_of(pairs, p, 2), 2, size, room);
            store_part(dst, quads_of(pairs, p, 3), 3, size, room);
        }
    }
}

FF_ALWAYS_INLINE void write_ascii(uint8_t *dst, __m512i v, unsigned width)
{
    uint8_t bytes[64];
    if (width == 1) {
        STORE(dst, v);
    } else if (width == 2) {
        STORE(dst, _mm512_cvtepu8_epi16(_mm512_castsi512_si256(v)));
        STORE(dst + 64, _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(v, 1)));
    } else {
        STORE(bytes, v);
        for (unsigned i = 0; i < 4; i++)
            STORE(dst + 64 * i, _mm512_cvtepu8_epi32(LOAD16(bytes + 16 * i)));
    }
}

FF_ALWAYS_INLINE void write_text(uint8_t *dst, const uint8_t *data, size_t length,
                                 size_t characters, unsigned width, int longest)
{
    __m512i before = SET1(0);
    for (size_t i = 0; i < length; i += 64) {
        __m512i v = LOAD(data + i);
        size_t count = 64;
        if (IS_ASCII(v) && length - i >= 64) {
            write_ascii(dst, v, width);
        } else {
            /* A byte ends a character if the next one is the first of another, or there is none. */
            __mmask64 ends = first_bytes(v) >> 1;
            if (length - i <= 64)
                ends = (ends | UINT64_C(1) << (length - i - 1)) & first_64(length - i);
            else
                ends |= (uint64_t)((data[i + 64] & 0xC0) != 0x80) << 63;
            count = (size_t)_mm_popcnt_u64(ends);
            planes p = planes_of(before, v, longest);
            p.low = _mm512_maskz_compress_epi8(ends, p.low);
            p.next = _mm512_maskz_compress_epi8(ends, p.next);
            p.top = _mm512_maskz_compress_epi8(ends, p.top);
            if (characters >= 64)
                write_front(dst, &p, count, width, longest, true);
            else
                write_front(dst, &p, count, width, longest, false);
        }
        dst += count * width;
        characters -= count;
        before = v;
    }
}

/* Well-formed Latin-1: a byte after C3 gets 40 more, and the first bytes go. */
FF_ALWAYS_INLINE void write_latin(uint8_t *dst, const uint8_t *data, size_t length,
                                  size_t characters)
{
    uint64_t carry = 0; /* the last vector ends with C3 */
    size_t i = 0;
    for (; length - i >= 128 && characters >= 128;
         i += 128) { /* room for each store, which is wider than what counts */
        __m512i a = LOAD(data + i), b = LOAD(data + i + 64);
        size_t count = 128;
        if (IS_ASCII(OR(a, b))) {
            STORE(dst, a);
            STORE(dst + 64, b);
            carry = 0;
        } else {
            uint64_t leads_a = _mm512_cmpge_epu8_mask(a, SET1(0xC0)),
                     three_a = _mm512_cmpeq_epi8_mask(a, SET1(0xC3));
            uint64_t leads_b = _mm512_cmpge_epu8_mask(b, SET1(0xC0)),
                     three_b = _mm512_cmpeq_epi8_mask(b, SET1(0xC3));
            a = _mm512_mask_add_epi8(a, three_a << 1 | carry, a, SET1(0x40));
            b = _mm512_mask_add_epi8(b, three_b << 1 | three_a >> 63, b, SET1(0x40));
            carry = three_b >> 63;
            size_t first = 64 - (size_t)_mm_popcnt_u64(leads_a);
            STORE(dst, _mm512_maskz_compress_epi8(~leads_a, a));
            STORE(dst + first, _mm512_maskz_compress_epi8(~leads_b, b));
            count = first + 64 - (size_t)_mm_popcnt_u64(leads_b);
        }
        dst += count;
        characters -= count;
    }
    for (; i < length; i += 64) {
        __m512i v = LOAD(data + i);
        uint64_t leads = _mm512_cmpge_epu8_mask(v, SET1(0xC0)),
                 three = _mm512_cmpeq_epi8_mask(v, SET1(0xC3));
        v = _mm512_mask_add_epi8(v, three << 1 | carry, v, SET1(0x40));
        carry = three >> 63;
        uint64_t kept = ~leads & first_64(length - i);
        size_t count = (size_t)_mm_popcnt_u64(kept);
        store_first(dst, _mm512_maskz_compress_epi8(kept, v), count);
        dst += count;
    }
}
