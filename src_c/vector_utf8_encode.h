/* vector_utf8_encode.h: characters of one, two or four bytes to UTF-8, with vectors.
 *
 * A step is 16 characters, in lanes of 16 bits, or of 32 if one is past U+FFFF. Each gets a lane
 * with all the bytes that it may need; then a shuffle from a table moves those that it does need to
 * the front. The last characters go through a buffer that has room for whole steps.
 *
 * Included by a kernel file inside its target region, after vector_part.h, and after it has
 * defined, for the steps of vector_utf8_encode_16.h,
 *   SET_16(n) SHL_16(v, n) SHR_16(v, n) GREATER_16(a, b) EQUAL_16(a, b)   lanes of 16 bits; signed
 *                         comparison
 *   SET_32(n) SHL_32(v, n) GREATER_32(a, b)    lanes of 32 bits; signed comparison
 *   MAX_16(a, b)           unsigned
 *   BITS_16x16(a, b)       one bit for each lane of two comparisons
 *   HAS_NONE_OF(v, bits)   true if no byte has one of these bits set
 *   NARROW_2x16(a, b)      the low bytes of 16 lanes of 16 bits, which have no other
 *   NARROW_2x32(a, b)      the low halves of eight lanes of 32 bits, which have no other
 *   LOW_AND_HIGH(a, b)     the low halves of lanes of 32 bits from a, the high ones from b
 *   CHOOSE16(mask, a, b)   the bytes of a where the mask is all ones, else of b
 */
#include "utf8.h"

/* Eight characters below U+0800 in lanes of 16 bits, with a bit for each that needs two bytes. */
FF_ALWAYS_INLINE VECTOR16 pack_8_short(VECTOR16 c, unsigned two)
{
    VECTOR16 pair =
        OR16(OR16(AND16(SHL_16(c, 2), SET_16(0x1F00)), AND16(c, SET_16(0x3F))), SET_16(0xC080));
    return SHUFFLE16(MAX_16(c, AND16(pair, GREATER_16(c, SET_16(0x7F)))), ff_pack_1_2[two]);
}

#if VECTOR_SIZE == 32
#include "vector_utf8_encode_avx2.h"
#else
#include "vector_utf8_encode_16.h"
#endif

/* ---- ASCII only ---- */

/* 16 characters that are ASCII. */
FF_ALWAYS_INLINE VECTOR16 ascii_16(const uint8_t *s, unsigned width)
{
    if (width == 1)
        return LOAD16(s);
    sixteen c;
    if (width == 2) {
        c = load_16(s);
    } else {
        sixteen_wide wide = load_16_wide(s);
        c = basic(&wide);
    }
    return ascii_of(&c);
}

FF_ALWAYS_INLINE VECTOR16 ascii_few(const uint8_t *s, size_t count, unsigned width)
{
    if (width == 1) {
        part_16 part = load_part(s, count);
        return FROM_64(part.low, part.high);
    }
    sixteen c;
    if (width == 2) {
        c = load_few_16(s, count);
    } else {
        sixteen_wide wide = load_few_16_wide(s, count);
        c = basic(&wide);
    }
    return ascii_of(&c);
}

FF_ALWAYS_INLINE void write_ascii(uint8_t *dst, const uint8_t *s, size_t count, unsigned width)
{
    if (count < 16) {
        if (count)
            store_front(dst, ascii_few(s, count, width), count);
        return;
    }
    size_t i = 0;
    if (width == 1) {
        for (; count - i >= 4 * VECTOR_SIZE; i += 4 * VECTOR_SIZE) {
            for (size_t k = 0; k < 4 * VECTOR_SIZE; k += VECTOR_SIZE)
                STORE(dst + i + k, LOAD(s + i + k));
        }
    }
    for (; count - i > 16; i += 16)
        STORE16(dst + i, ascii_16(s + i * width, width));
    STORE16(dst + count - 16, ascii_16(s + (count - 16) * width, width));
}

/* Copies ASCII; returns how many characters. Runs are long, where there are few accents. */
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

/* ---- steps ---- */

/* Writes at least the bytes of 16 characters, of which `size` are to come: no more than these if
 * `exactly`. Returns how many. */
FF_ALWAYS_INLINE size_t write_pieces(uint8_t *dst, const pieces *p, int count, size_t size,
                                     bool exactly)
{
    return exactly ? store_pieces_exactly(dst, p, count, size) : store_pieces(dst, p, count);
}

FF_ALWAYS_INLINE size_t write_latin_16(uint8_t *dst, VECTOR16 v, unsigned two, size_t size,
                                       bool exactly)
{
    pieces p = pack_16_latin(v, two);
    return write_pieces(dst, &p, 2, size, exactly);
}

FF_ALWAYS_INLINE size_t write_basic_16(uint8_t *dst, const sixteen *c, size_t size, bool exactly)
{
    pieces p;
    if (are_short(c)) {
        p = pack_16_short(c);
        return write_pieces(dst, &p, 2, size, exactly);
    }
    p = pack_16_basic(c);
    return write_pieces(dst, &p, 4, size, exactly);
}

FF_ALWAYS_INLINE size_t write_any_16(uint8_t *dst, const sixteen_wide *c, size_t size, bool exactly)
{
    if (are_basic(c)) {
        sixteen narrow = basic(c);
        return write_basic_16(dst, &narrow, size, exactly);
    }
    pieces p = pack_wide(c, 4);
    return write_pieces(dst, &p, 4, size, exactly);
}

/* ---- loops ---- */

/* Bytes that a step may write, if not exactly. */
enum { STEP_1 = 32, STEP_2 = 52, STEP_4 = 64 };

/* The last characters, whose `size` bytes are less than a step may write. */
FF_ALWAYS_INLINE void write_last(uint8_t *dst, size_t size, const uint8_t *s, size_t count,
                                 unsigned width)
{
    while (size) {
        size_t done;
        if (width == 1) {
            if (count <= 8) {
                part_16 part = load_part(s, count);
                VECTOR16 few = FROM_64(part.low, 0);
                VECTOR16 p = pack_8_short(LOW_8(few, ZERO16), BITS16(NOT_ASCII16(few)));
                store_front(dst, p, size);
                return;
            }
            VECTOR16 v;
            if (count >= 16) {
                v = LOAD16(s);
            } else {
                part_16 part = load_part(s, count);
                v = FROM_64(part.low, part.high);
            }
            done = write_latin_16(dst, v, BITS16(NOT_ASCII16(v)), size, true);
        } else if (width == 2) {
            sixteen c = count >= 16 ? load_16(s) : load_few_16(s, count);
            done = write_basic_16(dst, &c, size, true);
        } else {
            sixteen_wide c = count >= 16 ? load_16_wide(s) : load_few_16_wide(s, count);
            if (count <= 8) {
                pieces p = pack_wide(&c, 2);
                done = store_pieces_exactly(dst, &p, 2, size);
            } else {
                done = write_any_16(dst, &c, size, true);
            }
        }
        dst += done;
        size -= done;
        s += 16 * width;
        count -= 16;
    }
}

/* In these loops, room for what a step may write means that there are characters enough for it:
 * none has more than two, three or four bytes. */

FF_ALWAYS_INLINE void write_latin_text(uint8_t *dst, size_t size, const uint8_t *s, size_t count)
{
    const uint8_t *end = dst + size, *s_end = s + count;
    while (end - dst >= 2 * STEP_1) {
        VECTOR16 a = LOAD16(s), b = LOAD16(s + 16);
        if (IS_ASCII16(OR16(a, b))) {
            STORE16(dst, a);
            STORE16(dst + 16, b);
            size_t run = write_ascii_run(dst + 32, s + 32, (size_t)(s_end - s) - 32);
            dst += run;
            s += run;
        } else {
            pieces p = pack_16_latin(a, BITS16(NOT_ASCII16(a)));
            uint8_t *middle = dst + store_pieces(dst, &p, 2);
            p = pack_16_latin(b, BITS16(NOT_ASCII16(b)));
            dst = middle + store_pieces(middle, &p, 2) - 32;
        }
        dst += 32;
        s += 32;
    }
    if (end - dst >= STEP_1) {
        VECTOR16 v = LOAD16(s);
        dst += write_latin_16(dst, v, BITS16(NOT_ASCII16(v)), 0, false);
        s += 16;
    }
    write_last(dst, (size_t)(end - dst), s, (size_t)(s_end - s), 1);
}

/* By 32: whether they are ASCII, or short, depends less on where runs begin than by 16. */
FF_ALWAYS_INLINE void write_basic_text(uint8_t *dst, size_t size, const uint8_t *s, size_t count)
{
    const uint8_t *end = dst + size, *s_end = s + 2 * count;
    for (; end - dst >= 2 * STEP_2; s += 64) {
        sixteen a = load_16(s), b = load_16(s + 32), both = either(&a, &b);
        if (are_ascii(&both)) {
            STORE16(dst, ascii_of(&a));
            STORE16(dst + 16, ascii_of(&b));
            dst += 32;
        } else if (are_short(&both)) {
            pieces p = pack_16_short(&a), q = pack_16_short(&b);
            dst += store_pieces(dst, &p, 2);
            dst += store_pieces(dst, &q, 2);
        } else {
            pieces p = pack_16_basic(&a);
            dst += store_pieces(dst, &p, 4);
            p = pack_16_basic(&b);
            dst += store_pieces(dst, &p, 4);
        }
    }
    for (; end - dst >= STEP_2; s += 32) {
        sixteen c = load_16(s);
        dst += write_basic_16(dst, &c, 0, false);
    }
    write_last(dst, (size_t)(end - dst), s, (size_t)(s_end - s) / 2, 2);
}

FF_ALWAYS_INLINE void write_any_text(uint8_t *dst, size_t size, const uint8_t *s, size_t count)
{
    const uint8_t *end = dst + size, *s_end = s + 4 * count;
    for (; end - dst >= STEP_4; s += 64) {
        sixteen_wide wide = load_16_wide(s);
        if (!are_basic(&wide)) {
            pieces p = pack_wide(&wide, 4);
            dst += store_pieces(dst, &p, 4);
            continue;
        }
        sixteen c = basic(&wide);
        if (are_ascii(&c)) {
            STORE16(dst, ascii_of(&c));
            dst += 16;
        } else {
            dst += write_basic_16(dst, &c, 0, false);
        }
    }
    write_last(dst, (size_t)(end - dst), s, (size_t)(s_end - s) / 4, 4);
}

FF_ALWAYS_INLINE void write_characters(uint8_t *dst, size_t size, const uint8_t *s, size_t count,
                                       unsigned width)
{
    if (size == count) {
        write_ascii(dst, s, count, width);
        return;
    }
    if (count < (width == 4 && VECTOR_SIZE == 16 ? 8 : 4)) { /* set-up would cost more */
        ff_utf8_from(dst, s, count, width);
        return;
    }
    if (width == 1)
        write_latin_text(dst, size, s, count);
    else if (width == 2)
        write_basic_text(dst, size, s, count);
    else
        write_any_text(dst, size, s, count);
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
