/* vector_utf8_encode.h: characters of one, two or four bytes to UTF-8, with vectors of 16 bytes.
 *
 * Each character gets a lane of the two or four bytes that it may need; then a shuffle from a table
 * moves the bytes that it does need to the front. 16 characters are a step; those at the end go
 * through a buffer that has room for as many.
 *
 * Included by a kernel file inside its target region, after vector_utf8_decode.h, and after it has
 * defined
 *   LOAD_8_TO_16(p) LOAD_4x16_TO_32(p)   eight bytes, or four lanes of 16 bits, widened
 *   SET_16(n) SHL_16(v, n) SUB_16(a, b) GREATER_16(a, b) EQUAL_16(a, b)   lanes of 16 bits;
 *                         signed comparison
 *   SET_32(n) SHL_32(v, n) SHR_32(v, n) GREATER_32(a, b)   lanes of 32 bits; signed comparison
 *   MAX_16(a, b)           unsigned
 *   BITS_16x16(a, b) BITS_4x32(c)   one bit for each lane of two comparisons, or of one
 *   HAS_NONE_OF(v, bits)   true if no byte has one of these bits set
 *   NARROW_2x16(a, b)      the low bytes of 16 lanes of 16 bits
 *   COUNT_NOT_ASCII(v)     how many bytes of a VECTOR have their top bit set
 *   VSET_16(n) VSUB_16(a, b) VEQUAL_16(a, b) VSUM_16(v)   the same for a VECTOR; the sum of
 *                         its lanes, each up to 0x2000
 */

#include "utf8.h"

/* ---- the size ---- */

static inline size_t utf8_size_1(const uint8_t *s, size_t count)
{
    size_t i = 0, more = 0;
    for (; count - i >= VECTOR_SIZE; i += VECTOR_SIZE)
        more += COUNT_NOT_ASCII(LOAD(s + i));
    return i + more + ff_utf8_size(s + i, count - i, 1);
}

/* A lane of 16 bits counts at most two for each step, and VSUM_16 takes less than 0x8000 in two
 * lanes. */
enum { LANES_16 = VECTOR_SIZE / 2, UTF8_SIZE_BLOCK = LANES_16 * 0x1000 };

static inline size_t utf8_size_2(const uint8_t *s, size_t count)
{
    size_t i = 0, size = 0;
    VECTOR surrogates = SET1(0);
    while (count - i >= LANES_16) {
        size_t block =
            count - i < UTF8_SIZE_BLOCK ? (count - i) / LANES_16 * LANES_16 : UTF8_SIZE_BLOCK;
        VECTOR less = SET1(0); /* bytes less than three */
        for (size_t end = i + block; i < end; i += LANES_16) {
            VECTOR c = LOAD(s + 2 * i), top = AND(c, VSET_16(0xF800));
            surrogates = OR(surrogates, VEQUAL_16(top, VSET_16(0xD800)));
            VECTOR one = VEQUAL_16(AND(c, VSET_16(0xFF80)), SET1(0)),
                   up_to_two = VEQUAL_16(top, SET1(0));
            less = VSUB_16(VSUB_16(less, one), up_to_two); /* all ones are -1 */
        }
        size += 3 * block - VSUM_16(less);
    }
    size_t rest = ff_utf8_size(s + 2 * i, count - i, 2);
    return !IS_ZERO(surrogates) || rest == SIZE_MAX ? SIZE_MAX : size + rest;
}

/* ---- the bytes: steps ---- */

/* Eight characters below U+0800 in lanes of 16 bits, with a bit for each that needs two bytes.
 * Writes 16 bytes, of which the first ones count. */
static inline unsigned write_8_short(uint8_t *dst, VECTOR16 c, unsigned two)
{
    VECTOR16 pair =
        OR16(OR16(AND16(SHL_16(c, 2), SET_16(0x1F00)), AND16(c, SET_16(0x3F))), SET_16(0xC080));
    STORE16(dst, SHUFFLE16(MAX_16(c, AND16(pair, GREATER_16(c, SET_16(0x7F)))), ff_pack_1_2[two]));
    return 8u + COUNT_BITS_8(two);
}

#ifndef STEPS_OF_ITS_OWN
/* 16 characters below U+0800, with a bit for each that needs two bytes. May write 32 bytes. */
static inline size_t write_16_short(uint8_t *dst, const uint8_t *s, unsigned width, unsigned two)
{
    VECTOR16 low = width == 1 ? LOAD_8_TO_16(s) : LOAD16(s),
             high = width == 1 ? LOAD_8_TO_16(s + 8) : LOAD16(s + 16);
    size_t size = write_8_short(dst, low, two & 0xFF);
    return size + write_8_short(dst + size, high, two >> 8);
}

/* Of four characters in lanes of 32 bits, all bits, each where its byte will be. */
static inline VECTOR16 bits_of_4(VECTOR16 c)
{
    VECTOR16 last = OR16(SHL_32(AND16(c, SET_32(0x3F)), 24), SHL_32(AND16(c, SET_32(0xFC0)), 10));
    VECTOR16 first = OR16(AND16(SHR_32(c, 4), SET_32(0x3F00)), SHR_32(c, 18));
    return OR16(first, last);
}

FF_ALWAYS_INLINE unsigned write_4_any(uint8_t *dst, VECTOR16 c, unsigned width)
{
    VECTOR16 two = GREATER_32(c, SET_32(0x7F)), three = GREATER_32(c, SET_32(0x7FF)),
             odd = XOR16(two, three);
    VECTOR16 marks = XOR16(SET_32(0x80C00000), AND16(three, SET_32(0x80C00000 ^ 0x8080E000)));
    if (width > 2) {
        VECTOR16 four = GREATER_32(c, SET_32(0xFFFF));
        marks = XOR16(marks, AND16(four, SET_32(0x8080E000 ^ 0x808080F0)));
        odd = XOR16(odd, four);
    }
    VECTOR16 lanes = OR16(NOT_AND16(two, SHL_32(c, 24)), AND16(two, OR16(bits_of_4(c), marks)));
    unsigned one_more = BITS_4x32(odd), two_more = BITS_4x32(three),
             index = one_more | two_more << 4;
    STORE16(dst, SHUFFLE16(lanes, ff_pack_1_to_4[index]));
    return 4u + COUNT_BITS_8(index) + COUNT_BITS_8(two_more);
}

/* Any eight characters of two or four bytes. May write 32 bytes. */
FF_ALWAYS_INLINE size_t write_8_any(uint8_t *dst, const uint8_t *s, unsigned width)
{
    VECTOR16 low = width == 2 ? LOAD_4x16_TO_32(s) : LOAD16(s),
             high = width == 2 ? LOAD_4x16_TO_32(s + 8) : LOAD16(s + 16);
    size_t size = write_4_any(dst, low, width);
    return size + write_4_any(dst + size, high, width);
}

/* Eight characters from U+0800 to U+FFFF. Writes 28 bytes, of which the first 24 count. */
static inline size_t write_8_of_three(uint8_t *dst, const uint8_t *s)
{
    VECTOR16 marks = SET_32(0x8080E000);
    STORE16(dst, SHUFFLE16(OR16(bits_of_4(LOAD_4x16_TO_32(s)), marks), ff_pack_1_to_4[0xF0]));
    STORE16(dst + 12,
            SHUFFLE16(OR16(bits_of_4(LOAD_4x16_TO_32(s + 8)), marks), ff_pack_1_to_4[0xF0]));
    return 24;
}
#endif

/* Eight characters of two bytes each. */
static inline size_t write_8_of_two_bytes(uint8_t *dst, const uint8_t *s)
{
    VECTOR16 short_ones = EQUAL_16(AND16(LOAD16(s), SET_16(0xF800)), ZERO16);
    return BITS16(short_ones) == 0 ? write_8_of_three(dst, s) : write_8_any(dst, s, 2);
}

/* 16 characters that are not all ASCII; returns how many bytes count. May write 64. */
FF_ALWAYS_INLINE size_t write_16_other(uint8_t *dst, const uint8_t *s, unsigned width)
{
    if (width == 1)
        return write_16_short(dst, s, 1, BITS16(NOT_ASCII16(LOAD16(s))));
    if (width == 2) {
        VECTOR16 a = LOAD16(s), b = LOAD16(s + 16);
        if (HAS_NONE_OF(OR16(a, b), SET_16(0xF800)))
            return write_16_short(
                dst, s, 2, BITS_16x16(GREATER_16(a, SET_16(0x7F)), GREATER_16(b, SET_16(0x7F))));
        size_t size = write_8_of_two_bytes(dst, s);
        return size + write_8_of_two_bytes(dst + size, s + 16);
    }
    size_t size = write_8_any(dst, s, 4);
    return size + write_8_any(dst + size, s + 32, 4);
}

/* The same if they are all ASCII; else 0. Writes 16. */
FF_ALWAYS_INLINE size_t write_16_ascii(uint8_t *dst, const uint8_t *s, unsigned width)
{
    if (width == 1 && IS_ASCII16(LOAD16(s))) {
        STORE16(dst, LOAD16(s));
        return 16;
    }
    if (width == 2 && HAS_NONE_OF(OR16(LOAD16(s), LOAD16(s + 16)), SET_16(0xFF80))) {
        STORE16(dst, NARROW_2x16(LOAD16(s), LOAD16(s + 16)));
        return 16;
    }
    return 0;
}

/* Runs of ASCII are long, where there are few accents. */
static inline size_t write_ascii_run(uint8_t *dst, const uint8_t *s, size_t count)
{
    size_t i = 0;
    for (; count - i >= 2 * VECTOR_SIZE; i += 2 * VECTOR_SIZE) {
        VECTOR a = LOAD(s + i), b = LOAD(s + i + VECTOR_SIZE);
        if (!IS_ASCII(OR(a, b)))
            break;
        STORE(dst + i, a);
        STORE(dst + i + VECTOR_SIZE, b);
    }
    return i;
}

/* ---- the bytes: loops ---- */

/* Up to 64 bytes, without a call of memcpy. */
static inline void copy_short(uint8_t *dst, const uint8_t *src, size_t size)
{
    if (size >= 16) {
        size_t i = 0;
        VECTOR16 last = LOAD16(src + size - 16);
        for (; size - i > 16; i += 16)
            STORE16(dst + i, LOAD16(src + i));
        STORE16(dst + size - 16, last);
        return;
    }
    uint64_t first, last;
    if (size >= 8) {
        memcpy(&first, src, 8);
        memcpy(&last, src + size - 8, 8);
        memcpy(dst, &first, 8);
        memcpy(dst + size - 8, &last, 8);
        return;
    }
    for (size_t i = 0; i < size; i++)
        dst[i] = src[i];
}

/* Eight characters; returns how many bytes count. May write 16 for characters of one byte, else
 * 32. */
FF_ALWAYS_INLINE size_t write_8_characters(uint8_t *dst, const uint8_t *s, unsigned width)
{
    if (width == 1) {
        VECTOR16 c = LOAD_8_TO_16(s);
        return write_8_short(dst, c, BITS_16x16(GREATER_16(c, SET_16(0x7F)), ZERO16));
    }
    return width == 2 ? write_8_of_two_bytes(dst, s) : write_8_any(dst, s, 4);
}

/* Encodes the last 16 characters before `s` again and stores only the final `missing` bytes. */
FF_ALWAYS_INLINE void write_last(uint8_t *dst, size_t missing, const uint8_t *s, unsigned width)
{
    uint8_t bytes[64];
    size_t size = write_16_other(bytes, s - 16 * width, width);
    copy_short(dst, bytes + size - missing, missing);
}

FF_ALWAYS_INLINE void write_characters(uint8_t *dst, size_t size, const uint8_t *s, size_t count,
                                       unsigned width)
{
    const uint8_t *end = dst + size;
    const ptrdiff_t room = width == 1 ? 16 : 32; /* for eight characters */
    bool few = count < 16;
    while (count >= 16) {
        size_t ascii = write_16_ascii(dst, s, width);
        if (ascii && width == 1)
            ascii += write_ascii_run(dst + 16, s + 16, count - 16);
        if (ascii)
            dst += ascii;
        else if (end - dst >= 2 * room)
            dst += write_16_other(dst, s, width);
        else
            break;
        size_t done = ascii ? ascii : 16;
        s += done * width;
        count -= done;
    }
    for (; count >= 8 && end - dst >= room; count -= 8, s += 8 * width)
        dst += write_8_characters(dst, s, width);
    /* Now at most 31 bytes are missing, or the characters are less than eight. */
    if (few || count > 16)
        ff_utf8_from(dst, s, count, width);
    else if (count)
        write_last(dst, (size_t)(end - dst), s + count * width, width);
}

static void ISA(utf8_from)(uint8_t *dst, size_t size, const void *characters, size_t count,
                           unsigned width)
{
    if (width == 1)
        write_characters(dst, size, (const uint8_t *)characters, count, 1);
    else if (width == 2)
        write_characters(dst, size, (const uint8_t *)characters, count, 2);
    else
        write_characters(dst, size, (const uint8_t *)characters, count, 4);
}
