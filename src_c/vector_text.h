/* vector_text.h: UTF-8 to characters of one, two or four bytes, with vectors of 16 bytes.
 *
 * The stride of the input is fixed, as the position of a character does not depend on the one before: a byte *ends* a
 * character if it is ASCII, or stands where a first byte one, two or three places before says. For these bytes, and for
 * nothing at the others, the character is computed in planes: its low eight bits, the next eight, the top five. Then the
 * planes are interleaved, and the lanes that hold characters are moved to the front.
 *
 * Included by a kernel file inside its target region, after it has defined, besides what the other vector_*.h need,
 *   VECTOR16, LOAD16(p) STORE16(p, v) STORE8(p, v) AND16 OR16 NOT_AND16(a, b)   b without the bits of a
 *   SET16(byte) ZERO16 AT_LEAST16(v, byte)     all ones where v >= byte
 *   SHIFT_LEFT16(v, n) SHIFT_RIGHT16(v, n)     of each byte, or of wider lanes: bits from the neighbour are masked off here
 *   LOW_8(a, b) HIGH_8(a, b) LOW_16(a, b) HIGH_16(a, b)   interleave the lower or upper halves, lanes of 8 or 16 bits
 *   SHUFFLE16(v, p)                            bytes of v by the 16 indices at p
 *   NARROW16(v)                                the low bytes of eight lanes of 16 bits, in the first eight bytes
 *   BITS16(v)                                  one bit for each byte of a comparison
 */
#include "compress_tables.h"
#include "utf8.h"

typedef struct {
    VECTOR16 ends, low, next, top;
} planes;

/* `largest` is how many bytes the longest character may have; the compiler drops what it does not need. */
static inline planes planes_at(const uint8_t *s, int largest)
{
    VECTOR16 v = LOAD16(s), p1 = LOAD16(s - 1), p2 = LOAD16(s - 2), p3 = LOAD16(s - 3);
    VECTOR16 not_ascii = AT_LEAST16(v, 0x80);
    VECTOR16 ends2 = NOT_AND16(AT_LEAST16(p1, 0xE0), AT_LEAST16(p1, 0xC0));
    VECTOR16 ends3 = NOT_AND16(AT_LEAST16(p2, 0xF0), AT_LEAST16(p2, 0xE0));
    VECTOR16 ends4 = AT_LEAST16(p3, 0xF0);
    VECTOR16 long_end = largest > 3 ? OR16(ends3, ends4) : ends3;

    planes result;
    VECTOR16 low = OR16(AND16(v, SET16(0x3F)), AND16(SHIFT_LEFT16(p1, 6), SET16(0xC0)));
    result.low = OR16(AND16(not_ascii, low), NOT_AND16(not_ascii, v));
    VECTOR16 next = AND16(SHIFT_RIGHT16(p1, 2), SET16(0x0F));
    next = OR16(next, AND16(long_end, AND16(SHIFT_LEFT16(p2, 4), SET16(0xF0))));
    result.next = AND16(not_ascii, next);
    VECTOR16 top = OR16(AND16(SHIFT_RIGHT16(p2, 4), SET16(0x03)), AND16(SHIFT_LEFT16(p3, 2), SET16(0x1C)));
    result.top = AND16(ends4, top);
    VECTOR16 ends = largest > 2 ? OR16(ends2, long_end) : ends2;
    result.ends = OR16(ends, NOT_AND16(not_ascii, SET16(0xFF)));
    return result;
}

static inline unsigned count_bits(unsigned bits) /* of eight */
{
    bits -= bits >> 1 & 0x55;
    bits = (bits & 0x33) + (bits >> 2 & 0x33);
    return (bits + (bits >> 4)) & 0x0F;
}

static inline VECTOR16 keep_8(VECTOR16 lanes, unsigned bits) { return SHUFFLE16(lanes, KEEP_OF_8[bits]); }

/* Writes at least one vector's worth and at most 16 characters; returns how many count. */
static inline unsigned write_planes(uint8_t *dst, planes p, unsigned width)
{
    unsigned bits = BITS16(p.ends), first = count_bits(bits & 0xFF), second = count_bits(bits >> 8);
    VECTOR16 a = LOW_8(p.low, p.next), b = HIGH_8(p.low, p.next);
    if (width == 1) {
        STORE8(dst, NARROW16(keep_8(a, bits & 0xFF)));
        STORE8(dst + first, NARROW16(keep_8(b, bits >> 8)));
    } else if (width == 2) {
        STORE16(dst, keep_8(a, bits & 0xFF));
        STORE16(dst + 2 * first, keep_8(b, bits >> 8));
    } else {
        VECTOR16 top_a = LOW_8(p.top, ZERO16), top_b = HIGH_8(p.top, ZERO16);
        VECTOR16 lanes[4] = {LOW_16(a, top_a), HIGH_16(a, top_a), LOW_16(b, top_b), HIGH_16(b, top_b)};
        for (unsigned i = 0; i < 4; i++) {
            unsigned keep = bits >> (4 * i) & 15;
            STORE16(dst, SHUFFLE16(lanes[i], KEEP_OF_4[keep]));
            dst += 4 * count_bits(keep);
        }
    }
    return first + second;
}

static inline void write_text(uint8_t *dst, const uint8_t *data, size_t length, const ff_text *text, unsigned width)
{
    size_t i = 0, written = 0;
    /* Sixteen characters' room, as every store is a whole vector. */
    for (; length - i >= 16 && text->characters - written >= 16; i += 16)
        written += write_planes(dst + written * width, planes_at(data + i, width == 1 ? 2 : width == 2 ? 3 : 4), width);
    i -= ff_utf8_cut(data, i);
    ff_utf8_write(dst + written * width, data + i, text->characters - written, width);
}

static void utf8_to_latin1(uint8_t *dst, const uint8_t *data, size_t length, const ff_text *text)
{
    write_text(dst, data, length, text, 1);
}

static void utf8_to_ucs2(uint8_t *dst, const uint8_t *data, size_t length, const ff_text *text)
{
    write_text(dst, data, length, text, 2);
}

static void utf8_to_ucs4(uint8_t *dst, const uint8_t *data, size_t length, const ff_text *text)
{
    write_text(dst, data, length, text, 4);
}

static void utf8_measure(ff_text *text, const uint8_t *data, size_t length)
{
    size_t i = 0, continuations = 0;
    VECTOR16 largest = ZERO16;
    for (; length - i >= 16; i += 16) {
        VECTOR16 v = LOAD16(data + i);
        unsigned bits = BITS16(NOT_AND16(AT_LEAST16(v, 0xC0), AT_LEAST16(v, 0x80)));
        continuations += count_bits(bits & 0xFF) + count_bits(bits >> 8);
        largest = MAX16(largest, v);
    }
    uint8_t bytes[16];
    STORE16(bytes, largest);
    for (unsigned k = 0; k < 16; k++) {
        if (bytes[k] > text->largest_byte)
            text->largest_byte = bytes[k];
    }
    text->characters += i - continuations;
    for (; i < length; i++) {
        text->characters += (data[i] & 0xC0) != 0x80;
        if (data[i] > text->largest_byte)
            text->largest_byte = data[i];
    }
}
