/* vector_utf8_decode.h: UTF-8 to characters of one, two or four bytes, with vectors of 16 bytes.
 *
 * The stride of the input is fixed, as the position of a character does not depend on the one
 * before: a byte *ends* a character if the next one is not a continuation. For each byte, as if it
 * ended one, the character is computed from it and the bytes before; then the lanes of those that
 * do are moved to the front.
 *
 * Included by a kernel file inside its target region, after it has defined, besides what the other
 * vector_*.h need,
 *   VECTOR16, LOAD16(p) STORE16(p, v) STORE8(p, v) AND16 OR16
 *   NOT_AND16(a, b)                            b without the bits of a
 *   SET16(byte) ZERO16 EQUAL16(a, b)
 *   IS_FIRST16(v)                              all ones where a byte is no continuation
 *   NOT_ASCII16(v)                             all ones where a byte has its top bit set
 *   SHIFT_LEFT16(v, n) SHIFT_RIGHT16(v, n)     of each byte, or of wider lanes: bits from the
 *                                              neighbour are masked off here
 *   LOW_8(a, b) HIGH_8(a, b) LOW_16(a, b) HIGH_16(a, b)   interleave the lower or upper halves,
 *                                              lanes of 8 or 16 bits
 *   LOW_SUM(a, b) HIGH_SUM(a, b)               a + 64 * b of their lower or upper bytes, in
 *                                              eight lanes of 16 bits
 *   SHUFFLE16(v, p)                            bytes of v by the 16 indices at p
 *   NARROW16(v)                                the low bytes of eight lanes of 16 bits, in the
 *                                              first eight bytes
 *   BITS16(v)                                  one bit for each byte of a comparison
 *   COUNT_BITS_8(n)                            how many of the lowest eight bits are set, and no
 *                                              other may be
 */
#include "shuffle_tables.h"

#include <string.h>

typedef struct {
    VECTOR16 low
        /* the low 16 bits of the characters that end at the first eight bytes, and at the others */
        [2];
    VECTOR16 top[2]; /* their top five bits */
    unsigned ends;   /* one bit for each byte that ends a character */
} characters_16;

/* `longest` is how many bytes the longest character may have; the compiler drops what it does not
 * need. */
FF_ALWAYS_INLINE characters_16 characters_at(const uint8_t *s, int longest)
{
    characters_16 result;
    VECTOR16 v = LOAD16(s), p1 = LOAD16(s - 1), p2 = LOAD16(s - 2), p3 = LOAD16(s - 3);
    result.ends = BITS16(IS_FIRST16(LOAD16(s + 1)));

    VECTOR16 not_ascii = NOT_ASCII16(v);
    VECTOR16 last_bits = NOT_AND16(AND16(not_ascii, SET16(0xC0)), v);
    VECTOR16 bits_before = AND16(p1, AND16(not_ascii, SET16(0x3F)));
    result.low[0] = LOW_SUM(last_bits, bits_before);
    result.low[1] = HIGH_SUM(last_bits, bits_before);
    VECTOR16 long_end = ZERO16, ends4 = ZERO16;
    if (longest > 2)
        long_end = AND16(not_ascii, EQUAL16(AND16(p2, SET16(0xF0)), SET16(0xE0)));
    if (longest > 3) {
        ends4 = AND16(not_ascii, EQUAL16(AND16(p3, SET16(0xF8)), SET16(0xF0)));
        long_end = OR16(long_end, ends4);
    }
    VECTOR16 next = AND16(long_end, AND16(SHIFT_LEFT16(p2, 4), SET16(0xF0)));
    result.low[0] = OR16(result.low[0], LOW_8(ZERO16, next));
    result.low[1] = OR16(result.low[1], HIGH_8(ZERO16, next));
    VECTOR16 top =
        OR16(AND16(SHIFT_RIGHT16(p2, 4), SET16(0x03)), AND16(SHIFT_LEFT16(p3, 2), SET16(0x1C)));
    top = AND16(ends4, top);
    result.top[0] = LOW_8(top, ZERO16);
    result.top[1] = HIGH_8(top, ZERO16);
    return result;
}

/* Writes eight lanes, of which those count whose bit is set: they come first. Returns how many they
 * are. */
FF_ALWAYS_INLINE unsigned write_8(uint8_t *dst, VECTOR16 low, VECTOR16 top, unsigned bits,
                                  unsigned width)
{
    const uint8_t *keep = ff_keep_of_8[bits];
    low = SHUFFLE16(low, keep);
    if (width == 1) {
        STORE8(dst, NARROW16(low));
    } else if (width == 2) {
        STORE16(dst, low);
    } else {
        top = SHUFFLE16(top, keep);
        STORE16(dst, LOW_16(low, top));
        STORE16(dst + 16, HIGH_16(low, top));
    }
    return COUNT_BITS_8(bits);
}

/* The characters that end in the 16 bytes at `s`. Writes room for 16 at most; returns how many
 * count. */
FF_ALWAYS_INLINE unsigned write_16(uint8_t *dst, const uint8_t *s, unsigned width, int longest)
{
    characters_16 c = characters_at(s, longest);
    unsigned first = write_8(dst, c.low[0], c.top[0], c.ends & 0xFF, width);
    return first + write_8(dst + first * width, c.low[1], c.top[1], c.ends >> 8, width);
}

FF_ALWAYS_INLINE void write_ascii_16(uint8_t *dst, const uint8_t *s, unsigned width)
{
    VECTOR16 v = LOAD16(s), low = LOW_8(v, ZERO16), high = HIGH_8(v, ZERO16);
    if (width == 1) {
        STORE16(dst, v);
    } else if (width == 2) {
        STORE16(dst, low);
        STORE16(dst + 16, high);
    } else {
        STORE16(dst, LOW_16(low, ZERO16));
        STORE16(dst + 16, HIGH_16(low, ZERO16));
        STORE16(dst + 32, LOW_16(high, ZERO16));
        STORE16(dst + 48, HIGH_16(high, ZERO16));
    }
}

FF_ALWAYS_INLINE void write_text(uint8_t *dst, const uint8_t *data, size_t length,
                                 size_t characters, unsigned width, int longest)
{
    size_t i = 0;
    while (length - i >= 32 &&
           characters >= 32) { /* room for each store, which is wider than what counts */
        if (BITS16(NOT_ASCII16(OR16(LOAD16(data + i), LOAD16(data + i + 16)))) == 0) {
            write_ascii_16(dst, data + i, width);
            write_ascii_16(dst + 16 * width, data + i + 16, width);
            dst += 32 * width;
            characters -= 32;
        } else {
            unsigned first = write_16(dst, data + i, width, longest);
            unsigned both = first + write_16(dst + first * width, data + i + 16, width, longest);
            dst += both * width;
            characters -= both;
        }
        i += 32;
    }
    for (; length - i >= 16 && characters >= 16; i += 16) {
        unsigned count = write_16(dst, data + i, width, longest);
        dst += count * width;
        characters -= count;
    }
    uint8_t rest[(16 + 16) * 4];
    size_t in_rest = 0;
    for (; i < length && in_rest < characters; i += 16)
        in_rest += write_16(rest + in_rest * width, data + i, width, longest);
    memcpy(dst, rest, characters * width);
}

FF_ALWAYS_INLINE void write_latin(uint8_t *dst, const uint8_t *data, size_t length,
                                  size_t characters)
{
    write_text(dst, data, length, characters, 1, 2);
}
