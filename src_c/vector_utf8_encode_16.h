/* vector_utf8_encode_16.h: the steps of vector_utf8_encode.h with vectors of 16 bytes: eight lanes
 * of 16 bits, or four of 32.
 *
 * Included by a kernel file inside its target region, before vector_utf8_encode.h.
 */

/* 16 characters: in lanes of 16 bits, or of 32. */
typedef struct {
    VECTOR16 v[2];
} sixteen;

typedef struct {
    VECTOR16 v[4];
} sixteen_wide;

FF_ALWAYS_INLINE sixteen load_16(const uint8_t *s)
{
    sixteen c = {{LOAD16(s), LOAD16(s + 16)}};
    return c;
}

FF_ALWAYS_INLINE sixteen widen_16(VECTOR16 bytes)
{
    sixteen c = {{LOW_8(bytes, ZERO16), HIGH_8(bytes, ZERO16)}};
    return c;
}

/* Less than 16. */
FF_ALWAYS_INLINE sixteen load_few_16(const uint8_t *s, size_t count)
{
    sixteen c;
    load_parts(c.v, 2, s, 2 * count);
    return c;
}

FF_ALWAYS_INLINE sixteen_wide load_16_wide(const uint8_t *s)
{
    sixteen_wide c = {{LOAD16(s), LOAD16(s + 16), LOAD16(s + 32), LOAD16(s + 48)}};
    return c;
}

FF_ALWAYS_INLINE sixteen_wide load_few_16_wide(const uint8_t *s, size_t count)
{
    sixteen_wide c;
    load_parts(c.v, 4, s, 4 * count);
    return c;
}

FF_ALWAYS_INLINE VECTOR16 all_bits(const sixteen *c) { return OR16(c->v[0], c->v[1]); }

FF_ALWAYS_INLINE bool are_ascii(const sixteen *c)
{
    return HAS_NONE_OF(all_bits(c), SET_16(0xFF80));
}

FF_ALWAYS_INLINE bool are_short(const sixteen *c)
{
    return HAS_NONE_OF(all_bits(c), SET_16(0xF800));
}

/* None is past U+FFFF. */
FF_ALWAYS_INLINE bool are_basic(const sixteen_wide *c)
{
    return HAS_NONE_OF(OR16(OR16(c->v[0], c->v[1]), OR16(c->v[2], c->v[3])), SET_32(0xFFFF0000));
}

FF_ALWAYS_INLINE sixteen basic(const sixteen_wide *c)
{
    sixteen narrow = {{NARROW_2x32(c->v[0], c->v[1]), NARROW_2x32(c->v[2], c->v[3])}};
    return narrow;
}

FF_ALWAYS_INLINE VECTOR16 ascii_of(const sixteen *c) { return NARROW_2x16(c->v[0], c->v[1]); }

/* Eight characters below U+0800, with a bit for each that needs two bytes. Writes 16 bytes, of
 * which the first ones count. */
static inline unsigned write_8_short(uint8_t *dst, VECTOR16 c, unsigned two)
{
    VECTOR16 pair =
        OR16(OR16(AND16(SHL_16(c, 2), SET_16(0x1F00)), AND16(c, SET_16(0x3F))), SET_16(0xC080));
    STORE16(dst, SHUFFLE16(MAX_16(c, AND16(pair, GREATER_16(c, SET_16(0x7F)))), ff_pack_1_2[two]));
    return 8u + COUNT_BITS_8(two);
}

/* 16 characters below U+0800. May write 32 bytes. */
static inline size_t write_16_short(uint8_t *dst, const sixteen *c)
{
    unsigned two =
        BITS_16x16(GREATER_16(c->v[0], SET_16(0x7F)), GREATER_16(c->v[1], SET_16(0x7F)));
    size_t size = write_8_short(dst, c->v[0], two & 0xFF);
    return size + write_8_short(dst + size, c->v[1], two >> 8);
}

/* 16 characters that are all of one byte each, with a bit for each that needs two in UTF-8. */
static inline size_t write_16_latin(uint8_t *dst, VECTOR16 bytes, unsigned two)
{
    sixteen c = widen_16(bytes);
    size_t size = write_8_short(dst, c.v[0], two & 0xFF);
    return size + write_8_short(dst + size, c.v[1], two >> 8);
}

/* Four characters in lanes of 32 bits, the last byte of each first. Writes 16 bytes, of which the
 * first ones count. */
FF_ALWAYS_INLINE unsigned pack_4(uint8_t *dst, VECTOR16 lanes, unsigned sizes)
{
    STORE16(dst, SHUFFLE16(lanes, ff_pack_1_to_4[sizes]));
    return ff_packed_size_of_4[sizes];
}

/* Eight characters up to U+FFFF. May write 28 bytes. */
static inline size_t write_8_basic(uint8_t *dst, VECTOR16 c)
{
    VECTOR16 one = EQUAL_16(AND16(c, SET_16(0xFF80)), ZERO16),
             up_to_two = EQUAL_16(AND16(c, SET_16(0xF800)), ZERO16);
    /* Less one, in Gray code. */
    unsigned sizes = BITS16(AND16(up_to_two, OR16(one, SET_16(0xFF00)))) ^ 0xFFFF;
    VECTOR16 pair = OR16(AND16(c, SET_16(0x3F)), AND16(SHL_16(c, 2), SET_16(0x3F00)));
    pair = OR16(pair, OR16(AND16(up_to_two, SET_16(0x4000)), SET_16(0x8080)));
    VECTOR16 last = OR16(AND16(one, c), NOT_AND16(one, pair)),
             first = OR16(SHR_16(c, 12), SET_16(0xE0));
    size_t size = pack_4(dst, LOW_16(last, first), sizes & 0xFF);
    return size + pack_4(dst + size, HIGH_16(last, first), sizes >> 8);
}

/* 16 of them. May write 52 bytes. */
static inline size_t write_16_basic(uint8_t *dst, const sixteen *c)
{
    size_t size = write_8_basic(dst, c->v[0]);
    return size + write_8_basic(dst + size, c->v[1]);
}

/* Four characters in lanes of 32 bits, with the last byte first, and in `sizes` how many they have,
 * less one in Gray code: as the top bits of the lower two bytes. */
static inline VECTOR16 lanes_of_4(VECTOR16 c, VECTOR16 *sizes)
{
    VECTOR16 two = GREATER_32(c, SET_32(0x7F)), three = GREATER_32(c, SET_32(0x7FF)),
             four = GREATER_32(c, SET_32(0xFFFF));
    VECTOR16 marks = XOR16(SET_32(0xC080), AND16(three, SET_32(0xE08080 ^ 0xC080)));
    marks = XOR16(marks, AND16(four, SET_32(0xF0808080 ^ 0xE08080)));
    VECTOR16 low = OR16(AND16(c, SET_32(0x3F)), AND16(SHL_32(c, 2), SET_32(0x3F00))),
             high = OR16(AND16(SHL_32(c, 4), SET_32(0x3F0000)),
                         AND16(SHL_32(c, 6), SET_32(0x3F000000)));
    VECTOR16 bytes = OR16(OR16(low, high), marks);
    *sizes = OR16(AND16(three, SET_32(0xFFFFFF00)), AND16(NOT_AND16(four, two), SET_32(0x80)));
    return OR16(AND16(two, bytes), NOT_AND16(two, c));
}

/* Any 16 characters. May write 64 bytes. */
static inline size_t write_16_wide(uint8_t *dst, const sixteen_wide *c)
{
    size_t size = 0;
    for (int i = 0; i < 4; i += 2) {
        VECTOR16 low_sizes, high_sizes, low = lanes_of_4(c->v[i], &low_sizes),
                                        high = lanes_of_4(c->v[i + 1], &high_sizes);
        unsigned sizes = BITS16(NARROW_2x32_SIGNED(low_sizes, high_sizes));
        size += pack_4(dst + size, low, sizes & 0xFF);
        size += pack_4(dst + size, high, sizes >> 8);
    }
    return size;
}
