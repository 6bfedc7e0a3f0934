/* vector_utf8_encode_16.h: the steps of vector_utf8_encode.h with vectors of 16 bytes: eight lanes
 * of 16 bits, or four of 32.
 *
 * Included by vector_utf8_encode.h.
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

FF_ALWAYS_INLINE sixteen either(const sixteen *a, const sixteen *b)
{
    sixteen c = {{OR16(a->v[0], b->v[0]), OR16(a->v[1], b->v[1])}};
    return c;
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

FF_ALWAYS_INLINE pieces pack_16_of_two(const sixteen *c, unsigned two)
{
    pieces p;
    p.v[0] = pack_8_short(c->v[0], two & 0xFF);
    p.v[1] = pack_8_short(c->v[1], two >> 8);
    p.end[0] = 8 + COUNT_BITS_8(two & 0xFF);
    p.end[1] = p.end[0] + 8 + COUNT_BITS_8(two >> 8);
    return p;
}

/* 16 characters below U+0800: two pieces. */
FF_ALWAYS_INLINE pieces pack_16_short(const sixteen *c)
{
    return pack_16_of_two(
        c, BITS_16x16(GREATER_16(c->v[0], SET_16(0x7F)), GREATER_16(c->v[1], SET_16(0x7F))));
}

/* 16 characters that are all of one byte each, with a bit for each that needs two in UTF-8: two
 * pieces. */
FF_ALWAYS_INLINE pieces pack_16_latin(VECTOR16 bytes, unsigned two)
{
    sixteen c = widen_16(bytes);
    return pack_16_of_two(&c, two);
}

/* Puts eight characters behind `i` pieces, as two: four each in lanes of 32 bits, the last byte of
 * each first. For each, `sizes` has how many bytes count, less one in Gray code. */
FF_ALWAYS_INLINE void add_pieces(pieces *p, int i, VECTOR16 low, VECTOR16 high, unsigned sizes)
{
    p->v[i] = SHUFFLE16(low, ff_pack_1_to_4[sizes & 0xFF]);
    p->v[i + 1] = SHUFFLE16(high, ff_pack_1_to_4[sizes >> 8]);
    p->end[i] = (i ? p->end[i - 1] : 0) + ff_packed_size_of_4[sizes & 0xFF];
    p->end[i + 1] = p->end[i] + ff_packed_size_of_4[sizes >> 8];
}

/* Eight characters up to U+FFFF: two pieces. */
FF_ALWAYS_INLINE void add_8_basic(pieces *p, int i, VECTOR16 c)
{
    VECTOR16 one = EQUAL_16(AND16(c, SET_16(0xFF80)), ZERO16),
             up_to_two = EQUAL_16(AND16(c, SET_16(0xF800)), ZERO16);
    /* Less one, in Gray code. */
    unsigned sizes = BITS16(AND16(up_to_two, OR16(one, SET_16(0xFF00)))) ^ 0xFFFF;
    VECTOR16 pair = OR16(AND16(c, SET_16(0x3F)), AND16(SHL_16(c, 2), SET_16(0x3F00)));
    pair = OR16(pair, OR16(AND16(up_to_two, SET_16(0x4000)), SET_16(0x8080)));
    VECTOR16 last = CHOOSE16(one, c, pair), first = OR16(SHR_16(c, 12), SET_16(0xE0));
    add_pieces(p, i, LOW_16(last, first), HIGH_16(last, first), sizes);
}

/* 16 of them: four pieces. */
FF_ALWAYS_INLINE pieces pack_16_basic(const sixteen *c)
{
    pieces p;
    add_8_basic(&p, 0, c->v[0]);
    add_8_basic(&p, 2, c->v[1]);
    return p;
}

/* Four characters in lanes of 32 bits, with the last byte first, and in `sizes` how many they have,
 * less one in Gray code: as lanes of 16 bits, all ones for a bit that is set. */
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
    *sizes = LOW_AND_HIGH(NOT_AND16(four, two), three);
    return CHOOSE16(two, bytes, c);
}

/* Any 16 characters: four pieces; or the first eight of them: two. */
FF_ALWAYS_INLINE pieces pack_wide(const sixteen_wide *c, int count)
{
    pieces p;
    for (int i = 0; i < count; i += 2) {
        VECTOR16 low_sizes, high_sizes, low = lanes_of_4(c->v[i], &low_sizes),
                                        high = lanes_of_4(c->v[i + 1], &high_sizes);
        add_pieces(&p, i, low, high, BITS_16x16(low_sizes, high_sizes));
    }
    return p;
}
