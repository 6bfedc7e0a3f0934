/* vector_utf8_encode.h: characters of one, two or four bytes to UTF-8, with vectors.
 *
 * A step is 16 characters, in lanes of 16 bits, or of 32 if one is past U+FFFF. Each gets a lane
 * with all the bytes that it may need; then a shuffle from a table moves those that it does need to
 * the front. The last characters go through a buffer that has room for whole steps.
 *
 * Included by a kernel file inside its target region, after vector_part.h and the steps
 * (vector_utf8_encode_16.h or vector_utf8_encode_avx2.h), and after it has defined, for those,
 *   SET_16(n) SHL_16(v, n) SHR_16(v, n) GREATER_16(a, b) EQUAL_16(a, b)   lanes of 16 bits; signed
 *                         comparison
 *   SET_32(n) SHL_32(v, n) GREATER_32(a, b)    lanes of 32 bits; signed comparison
 *   MAX_16(a, b)           unsigned
 *   BITS_16x16(a, b)       one bit for each lane of two comparisons
 *   HAS_NONE_OF(v, bits)   true if no byte has one of these bits set
 *   NARROW_2x16(a, b)      the low bytes of 16 lanes of 16 bits, which have no other
 *   NARROW_2x32(a, b)      the low halves of eight lanes of 32 bits, which have no other
 *   NARROW_2x32_SIGNED(a, b)   the same for numbers that may be negative, but fit
 */

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
            store_part(dst, ascii_few(s, count, width), count);
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

/* How many of the characters are ASCII, in whole steps; and writes them. Runs of ASCII are long,
 * where there are few accents. */
FF_ALWAYS_INLINE size_t write_ascii_run(uint8_t *dst, const uint8_t *s, size_t count,
                                        unsigned width)
{
    size_t i = 0;
    if (width == 1) {
        for (; count - i >= 2 * VECTOR_SIZE; i += 2 * VECTOR_SIZE) {
            VECTOR a = LOAD(s + i), b = LOAD(s + i + VECTOR_SIZE);
            if (!IS_ASCII(OR(a, b)))
                break;
            STORE(dst + i, a);
            STORE(dst + i + VECTOR_SIZE, b);
        }
    }
    return i;
}

/* ---- steps ---- */

/* Bytes that a step may write. */
enum { STEP_1 = 32, STEP_2 = 52, STEP_4 = 64 };

FF_ALWAYS_INLINE size_t encode_16(uint8_t *dst, const sixteen *c)
{
    if (are_short(c))
        return write_16_short(dst, c);
    return write_16_basic(dst, c);
}

FF_ALWAYS_INLINE size_t encode_16_any(uint8_t *dst, const sixteen_wide *c)
{
    if (!are_basic(c))
        return write_16_wide(dst, c);
    sixteen narrow = basic(c);
    return encode_16(dst, &narrow);
}

/* ---- loops ---- */

/* `size` bytes: up to 63, from a buffer where 16 can be read. */
static inline void copy_short(uint8_t *dst, const uint8_t *src, size_t size)
{
    if (size < 16) {
        store_part(dst, LOAD16(src), size);
        return;
    }
    VECTOR16 last = LOAD16(src + size - 16);
    for (size_t i = 0; size - i > 16; i += 16)
        STORE16(dst + i, LOAD16(src + i));
    STORE16(dst + size - 16, last);
}

/* The last characters, whose `size` bytes are less than a step may write. */
FF_ALWAYS_INLINE void write_last(uint8_t *dst, size_t size, const uint8_t *s, size_t count,
                                 unsigned width)
{
    uint8_t bytes[4 * 64];
    uint8_t *to = bytes;
    for (; count >= 16; count -= 16, s += 16 * width) {
        if (width == 1) {
            VECTOR16 v = LOAD16(s);
            to += write_16_latin(to, v, BITS16(NOT_ASCII16(v)));
        } else if (width == 2) {
            sixteen c = load_16(s);
            to += encode_16(to, &c);
        } else {
            sixteen_wide c = load_16_wide(s);
            to += encode_16_any(to, &c);
        }
    }
    if (count && width == 1) {
        part_16 part = load_part(s, count);
        VECTOR16 v = FROM_64(part.low, part.high);
        write_16_latin(to, v, BITS16(NOT_ASCII16(v)));
    } else if (count && width == 2) {
        sixteen c = load_few_16(s, count);
        encode_16(to, &c);
    } else if (count) {
        sixteen_wide c = load_few_16_wide(s, count);
        encode_16_any(to, &c);
    }
    copy_short(dst, bytes, size);
}

FF_ALWAYS_INLINE void write_characters(uint8_t *dst, size_t size, const uint8_t *s, size_t count,
                                       unsigned width)
{
    const uint8_t *end = dst + size;
    const ptrdiff_t room = width == 1 ? STEP_1 : width == 2 ? STEP_2 : STEP_4;
    if (size == count) {
        write_ascii(dst, s, count, width);
        return;
    }
    while (count >= 16) {
        size_t done = 16;
        if (width == 1) {
            VECTOR16 v = LOAD16(s);
            unsigned two = BITS16(NOT_ASCII16(v));
            if (two == 0) {
                STORE16(dst, v);
                done += write_ascii_run(dst + 16, s + 16, count - 16, 1);
                dst += done;
            } else {
                if (end - dst < room)
                    break;
                dst += write_16_latin(dst, v, two);
            }
        } else if (width == 2) {
            sixteen c = load_16(s);
            if (are_ascii(&c)) {
                STORE16(dst, ascii_of(&c));
                dst += 16;
            } else {
                if (end - dst < room)
                    break;
                dst += encode_16(dst, &c);
            }
        } else {
            if (end - dst < room)
                break;
            sixteen_wide wide = load_16_wide(s);
            if (!are_basic(&wide)) {
                dst += write_16_wide(dst, &wide);
            } else {
                sixteen c = basic(&wide);
                if (are_ascii(&c)) {
                    STORE16(dst, ascii_of(&c));
                    dst += 16;
                } else {
                    dst += encode_16(dst, &c);
                }
            }
        }
        s += done * width;
        count -= done;
    }
    if (count)
        write_last(dst, (size_t)(end - dst), s, count, width);
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
