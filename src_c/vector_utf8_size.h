/* vector_utf8_size.h: how many bytes characters need in UTF-8, with vectors.
 *
 * Included by a kernel file inside its target region, after vector_part.h and after it has defined,
 * besides what the other vector_*.h need,
 *   VNOT_ASCII(v)          all ones where a byte has its top bit set
 *   VSUB_8(a, b) VSUB_16(a, b) VSUB_32(a, b) VADD_8(a, b) VADD_16(a, b) VADD_32(a, b)
 *   VSUM_8(v) VSUM_16(v) VSUM_32(v)    the sum of the lanes: of 8 bits, of 16 bits up to 0x2000
 *                          each, of 32 bits
 *   VSET_16(n) VSET_32(n) VGREATER_16(a, b) VGREATER_32(a, b)    signed comparison
 *   VMIN_16(a, b) VMIN_32(a, b)        unsigned
 *   VEQUAL_16(a, b)
 *   COUNT_NOT_ASCII16(v)   how many bytes of a VECTOR16 have their top bit set
 */

/* The last n bytes of a VECTOR are kept by LAST + 32 - VECTOR_SIZE + n. */
static const uint8_t LAST[64] = {0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,
                                 0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,
                                 0,   0,   0,   0,   0,   0,   255, 255, 255, 255, 255, 255, 255,
                                 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
                                 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};

static inline VECTOR load_last(const uint8_t *end, size_t size)
{
    return AND(LOAD(end - VECTOR_SIZE), LOAD(LAST + 32 - VECTOR_SIZE + size));
}

/* ---- characters of one byte ---- */

static inline size_t count_not_ascii(part_16 part)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    return (size_t)(((part.low >> 7 & ones) + (part.high >> 7 & ones)) * ones >> 56);
}

/* VECTOR_SIZE or more. */
FF_NEVER_INLINE size_t ISA(size_of_many_1)(const uint8_t *s, size_t count)
{
    /* A counter of eight bits for each byte of a vector; four a step, so 63 steps at most. */
    size_t more = 0, i = 0;
    while (count - i >= 4 * VECTOR_SIZE) {
        size_t steps = (count - i) / (4 * VECTOR_SIZE);
        VECTOR counters = SET1(0);
        for (steps = steps < 63 ? steps : 63; steps; steps--, i += 4 * VECTOR_SIZE) {
            VECTOR a = VNOT_ASCII(LOAD(s + i)), b = VNOT_ASCII(LOAD(s + i + VECTOR_SIZE)),
                   c = VNOT_ASCII(LOAD(s + i + 2 * VECTOR_SIZE)),
                   d = VNOT_ASCII(LOAD(s + i + 3 * VECTOR_SIZE));
            counters = VSUB_8(counters, VADD_8(VADD_8(a, b), VADD_8(c, d))); /* ones are -1 */
        }
        more += VSUM_8(counters);
    }
    VECTOR counters = SET1(0);
    for (; count - i >= VECTOR_SIZE; i += VECTOR_SIZE)
        counters = VSUB_8(counters, VNOT_ASCII(LOAD(s + i)));
    if (i < count)
        counters = VSUB_8(counters, VNOT_ASCII(load_last(s + count, count - i)));
    return count + more + VSUM_8(counters);
}

static inline size_t utf8_size_1(const uint8_t *s, size_t count)
{
    if (count < 16)
        return count + count_not_ascii(load_part(s, count));
#if VECTOR_SIZE > 16
    if (count < 32) {
        VECTOR16 last = AND16(LOAD16(s + count - 16), LOAD16(LAST + count));
        return count + COUNT_NOT_ASCII16(LOAD16(s)) + COUNT_NOT_ASCII16(last);
    }
#endif
    return ISA(size_of_many_1)(s, count);
}

/* ---- characters of two bytes ---- */

typedef struct {
    VECTOR more;  /* counts, in each lane, the bytes beyond the first */
    VECTOR least; /* the smallest character of each lane, where the surrogates begin at zero */
} measure;

static inline void measure_2(measure *m, VECTOR c)
{
    VECTOR signed_c = XOR(c, VSET_16(0x8000));
    VECTOR two = VGREATER_16(signed_c, VSET_16(0x807F)), /* all ones are -1 */
        three = VGREATER_16(signed_c, VSET_16(0x87FF));
    m->more = VSUB_16(m->more, VADD_16(two, three));
    m->least = VMIN_16(m->least, VADD_16(c, VSET_16(0x10000 - 0xD800)));
}

static inline bool any_below_0x800_16(VECTOR least)
{
    return !IS_ZERO(VEQUAL_16(AND(least, VSET_16(0xF800)), SET1(0)));
}

/* A lane of 16 bits counts at most two for each step, and VSUM_16 takes up to 0x2000. */
enum { LANES_16 = VECTOR_SIZE / 2, UTF8_SIZE_BLOCK = LANES_16 * 0xFF0 };

/* LANES_16 or more. */
FF_NEVER_INLINE size_t ISA(size_of_many_2)(const uint8_t *s, size_t count)
{
    measure m = {SET1(0), SET1(0xFF)}, odd = m; /* two, as one would wait for itself */
    size_t more = 0, i = 0;
    while (count - i >= LANES_16) {
        size_t block =
            count - i < UTF8_SIZE_BLOCK ? (count - i) / LANES_16 * LANES_16 : UTF8_SIZE_BLOCK;
        const size_t end = i + block;
        for (; end - i >= 2 * LANES_16; i += 2 * LANES_16) {
            measure_2(&m, LOAD(s + 2 * i));
            measure_2(&odd, LOAD(s + 2 * i + VECTOR_SIZE));
        }
        if (i < end) {
            measure_2(&m, LOAD(s + 2 * i));
            i += LANES_16;
        }
        m.more = VADD_16(m.more, odd.more);
        odd.more = SET1(0);
        if (count - i >= LANES_16) {
            more += VSUM_16(m.more);
            m.more = SET1(0);
        }
    }
    m.least = VMIN_16(m.least, odd.least);
    if (i < count)
        measure_2(&m, load_last(s + 2 * count, 2 * (count - i)));
    return any_below_0x800_16(m.least) ? SIZE_MAX : count + more + VSUM_16(m.more);
}

static inline size_t utf8_size_2(const uint8_t *s, size_t count)
{
    if (count >= LANES_16)
        return ISA(size_of_many_2)(s, count);
    measure m = {SET1(0), SET1(0xFF)};
    measure_2(&m, load_few(s, 2 * count));
    return any_below_0x800_16(m.least) ? SIZE_MAX : count + VSUM_16(m.more);
}

/* ---- characters of four bytes ---- */

static inline void measure_4(measure *m, VECTOR c)
{
    VECTOR two = VGREATER_32(c, VSET_32(0x7F)), three = VGREATER_32(c, VSET_32(0x7FF)),
           four = VGREATER_32(c, VSET_32(0xFFFF));
    m->more = VSUB_32(m->more, VADD_32(VADD_32(two, three), four));
    m->least = VMIN_32(m->least, VSUB_32(c, VSET_32(0xD800)));
}

/* The smallest is below 0x800 where what is left of it is nothing. */
static inline bool any_below_0x800_32(VECTOR least)
{
    return !IS_ZERO(VGREATER_32(VSET_32(0x800), VMIN_32(least, VSET_32(0x800))));
}

enum { LANES_32 = VECTOR_SIZE / 4 };

/* LANES_32 or more. */
FF_NEVER_INLINE size_t ISA(size_of_many_4)(const uint8_t *s, size_t count)
{
    enum { BLOCK = LANES_32 * 0x1000000 };
    measure m = {SET1(0), SET1(0xFF)}, odd = m;
    size_t more = 0, i = 0;
    while (count - i >= LANES_32) {
        size_t block = count - i < BLOCK ? (count - i) / LANES_32 * LANES_32 : BLOCK;
        const size_t end = i + block;
        for (; end - i >= 2 * LANES_32; i += 2 * LANES_32) {
            measure_4(&m, LOAD(s + 4 * i));
            measure_4(&odd, LOAD(s + 4 * i + VECTOR_SIZE));
        }
        if (i < end) {
            measure_4(&m, LOAD(s + 4 * i));
            i += LANES_32;
        }
        m.more = VADD_32(m.more, odd.more);
        odd.more = SET1(0);
        if (count - i >= LANES_32) {
            more += VSUM_32(m.more);
            m.more = SET1(0);
        }
    }
    m.least = VMIN_32(m.least, odd.least);
    if (i < count)
        measure_4(&m, load_last(s + 4 * count, 4 * (count - i)));
    return any_below_0x800_32(m.least) ? SIZE_MAX : count + more + VSUM_32(m.more);
}

static inline size_t utf8_size_4(const uint8_t *s, size_t count)
{
    if (count >= LANES_32)
        return ISA(size_of_many_4)(s, count);
    measure m = {SET1(0), SET1(0xFF)};
    measure_4(&m, load_few(s, 4 * count));
    return any_below_0x800_32(m.least) ? SIZE_MAX : count + VSUM_32(m.more);
}
