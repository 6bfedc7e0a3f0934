/* vector_utf8_encode.h: characters of one, two or four bytes to UTF-8, with vectors of 16 bytes.
 *
 * Each character gets a lane of the two or four bytes that it may need, last byte last; then the bytes that it does need are
 * moved to the front.
 *
 * Included by a kernel file inside its target region, after vector_utf8_decode.h, and after it has defined
 *   LOAD_8_TO_16(p) LOAD_4x16_TO_32(p)   eight bytes, or four lanes of 16 bits, widened
 *   SET_16(n) SHL_16(v, n) SHR_16(v, n) GREATER_16(a, b) EQUAL_16(a, b)   lanes of 16 bits; signed comparison
 *   SET_32(n) SHL_32(v, n) SHR_32(v, n) GREATER_32(a, b)  lanes of 32 bits; signed comparison
 *   LOOKUP16(v, indices)   bytes of v by the indices in another vector
 */

#include "utf8.h"

/* Of each lane of `lanes` the bytes whose bit is set; returns how many. Writes up to 16. */
static inline unsigned write_kept(uint8_t *dst, VECTOR16 lanes, unsigned bits)
{
    unsigned low = bits & 0xFF, high = bits >> 8, first = COUNT_OF_8[low];
    /* The tables are for lanes of two bytes: half of each second index is the index of a byte. */
    VECTOR16 keep_low = NARROW16(AND16(SHR_16(LOAD16(KEEP_OF_8[low]), 1), SET16(7)));
    VECTOR16 keep_high = NARROW16(AND16(SHR_16(LOAD16(KEEP_OF_8[high]), 1), SET16(7)));
    STORE8(dst, LOOKUP16(lanes, keep_low));
    STORE8(dst + first, LOOKUP16(lanes, OR16(keep_high, SET16(8))));
    return first + COUNT_OF_8[high];
}

/* Eight characters below U+0800, in lanes of 16 bits. */
static inline unsigned write_8_short(uint8_t *dst, VECTOR16 c)
{
    VECTOR16 not_ascii = GREATER_16(c, SET_16(0x7F));
    VECTOR16 two = OR16(OR16(AND16(SHR_16(c, 6), SET_16(0x1F)), SHL_16(AND16(c, SET_16(0x3F)), 8)), SET_16(0x80C0));
    VECTOR16 lanes = OR16(AND16(not_ascii, two), NOT_AND16(not_ascii, SHL_16(c, 8)));
    return write_kept(dst, lanes, BITS16(OR16(not_ascii, SET_16(0xFF00))));
}

/* Any four characters, in lanes of 32 bits. */
static inline unsigned write_4_any(uint8_t *dst, VECTOR16 c)
{
    VECTOR16 two = GREATER_32(c, SET_32(0x7F)), three = GREATER_32(c, SET_32(0x7FF)), four = GREATER_32(c, SET_32(0xFFFF));
    VECTOR16 last = OR16(SHL_32(AND16(c, SET_32(0x3F)), 24), SHL_32(AND16(c, SET_32(0xFC0)), 10));
    VECTOR16 first = OR16(AND16(SHR_32(c, 4), SET_32(0x3F00)), SHR_32(c, 18));
    /* What marks the first byte and the others, for two bytes and changed for more. */
    VECTOR16 marks = SET_32(0x80C00000);
    marks = OR16(NOT_AND16(three, marks), AND16(three, SET_32(0x8080E000)));
    marks = OR16(NOT_AND16(four, marks), AND16(four, SET_32(0x808080F0)));
    VECTOR16 lanes = OR16(OR16(first, last), marks);
    lanes = OR16(AND16(two, lanes), NOT_AND16(two, SHL_32(c, 24)));
    VECTOR16 kept = OR16(SET_32(0xFF000000), AND16(two, SET_32(0x00FF0000)));
    kept = OR16(kept, OR16(AND16(three, SET_32(0x0000FF00)), AND16(four, SET_32(0x000000FF))));
    return write_kept(dst, lanes, BITS16(kept));
}

/* Four characters of three bytes each, in lanes of 32 bits. Writes 16 bytes, of which the first 12 count. */
static inline void write_4_of_three(uint8_t *dst, VECTOR16 c)
{
    static const uint8_t THREE[16] = {1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15, 128, 128, 128, 128};
    VECTOR16 last = OR16(SHL_32(AND16(c, SET_32(0x3F)), 24), SHL_32(AND16(c, SET_32(0xFC0)), 10));
    VECTOR16 first = AND16(SHR_32(c, 4), SET_32(0x0F00));
    STORE16(dst, SHUFFLE16(OR16(OR16(first, last), SET_32(0x8080E000)), THREE));
}

static inline bool all_zero(VECTOR16 v) { return BITS16(EQUAL16(v, ZERO16)) == 0xFFFF; }

static inline bool none_zero_16(VECTOR16 v) { return BITS16(EQUAL_16(v, ZERO16)) == 0; }

static void ISA(utf8_from)(uint8_t *dst, size_t size, const void *characters, size_t count, unsigned width)
{
    const uint8_t *s = (const uint8_t *)characters;
    const uint8_t *end = dst + size;
    while (count >= 8 && end - dst >= 32) { /* room for each store, which is wider than what counts */
        if (width == 4) {
            dst += write_4_any(dst, LOAD16(s));
            dst += write_4_any(dst, LOAD16(s + 16));
        } else {
            VECTOR16 c = width == 1 ? LOAD_8_TO_16(s) : LOAD16(s);
            if (all_zero(AND16(c, SET_16(0xFF80)))) {
                STORE8(dst, NARROW16(c));
                dst += 8;
            } else if (width == 1 || all_zero(AND16(c, SET_16(0xF800)))) {
                dst += write_8_short(dst, c);
            } else if (none_zero_16(AND16(c, SET_16(0xF800)))) {
                write_4_of_three(dst, LOAD_4x16_TO_32(s));
                write_4_of_three(dst + 12, LOAD_4x16_TO_32(s + 8));
                dst += 24;
            } else {
                dst += write_4_any(dst, LOAD_4x16_TO_32(s));
                dst += write_4_any(dst, LOAD_4x16_TO_32(s + 8));
            }
        }
        s += 8 * width;
        count -= 8;
    }
    ff_utf8_from(dst, s, count, width);
}
