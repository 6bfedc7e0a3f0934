/* vector_utf8_validate.h: the kernels utf8_feed and utf8_unmask, for vectors of 16 and of 32 bytes.
 *
 * Included by a kernel file inside its target region, after vector_utf8_errors.h, and after it has
 * defined
 *   COUNT_FIRST(v)        how many bytes are no continuation, 80 to BF
 *   LARGEST_BYTE(v)
 *   IS_FIRST(v)           all ones where a byte is no continuation
 *   EQUAL(a, b)
 *   UP(v, places)         each byte moved up, and zeros before it
 *   FROM_WORDS(a, b)      the bytes of two uint64_t, and zeros after them
 *   FROM_HALVES(a, b)     two vectors of 16 bytes, if VECTOR_SIZE is 32
 * and FEW_REGISTERS, if there are 16 vectors.
 */
/* What is wrong in the vector at `data`, where no character has more than `longest` bytes. Reads
 * three bytes before it. */
FF_ALWAYS_INLINE VECTOR utf8_errors(const uint8_t *data, const utf8_tables *tables, int longest)
{
    VECTOR bytes = LOAD(data), b1 = LOAD(data - 1);
    if (longest == 2) {
        /* A byte is a continuation if the one before is a first byte of two, which C0 and C1 are
         * not. */
        VECTOR overlong = EQUAL(AND(b1, SET1(0xFE)), SET1(0xC0));
        VECTOR not_after_first = EQUAL(SATURATING_SUB(b1, SET1(0xBF)), SET1(0));
        return OR(overlong, XOR(IS_FIRST(bytes), not_after_first));
    }
    if (longest == 3) {
        VECTOR third = SATURATING_SUB(LOAD(data - 2), SET1(0xE0 - 0x80));
        return XOR(utf8_errors_of_two(bytes, b1, tables), AND(third, SET1(0x80)));
    }
    return utf8_errors_of(bytes, b1, LOAD(data - 2), LOAD(data - 3), tables);
}

/* One vector after the other: with 16 registers, the loads of two at once would spill the
 * tables. */
#if defined(__GNUC__) && defined(FEW_REGISTERS)
#define AFTER(data, errors) __asm__("" : "+r"(data), "+x"(errors))
#else
#define AFTER(data, errors) (void)0
#endif

/* Of two, four or eight vectors. Written out: compilers leave loops of this length as they are. */
FF_ALWAYS_INLINE VECTOR utf8_errors_of_2(const uint8_t *data, const utf8_tables *tables,
                                         int longest)
{
    VECTOR errors = utf8_errors(data, tables, longest);
    AFTER(data, errors);
    return OR(errors, utf8_errors(data + VECTOR_SIZE, tables, longest));
}

FF_ALWAYS_INLINE VECTOR utf8_errors_of_4(const uint8_t *data, const utf8_tables *tables,
                                         int longest)
{
    VECTOR errors = utf8_errors_of_2(data, tables, longest);
    data += 2 * VECTOR_SIZE;
    AFTER(data, errors);
    return OR(errors, utf8_errors_of_2(data, tables, longest));
}

FF_ALWAYS_INLINE VECTOR utf8_errors_of_vectors(const uint8_t *data, int count,
                                               const utf8_tables *tables, int longest)
{
    if (count == 2)
        return utf8_errors_of_2(data, tables, longest);
    VECTOR errors = utf8_errors_of_4(data, tables, longest);
    if (count == 4)
        return errors;
    data += 4 * VECTOR_SIZE;
    AFTER(data, errors);
    return OR(errors, utf8_errors_of_4(data, tables, longest));
}

FF_ALWAYS_INLINE VECTOR largest_of_2(const uint8_t *data)
{
    return MAX(LOAD(data), LOAD(data + VECTOR_SIZE));
}

FF_ALWAYS_INLINE VECTOR largest_of_4(const uint8_t *data)
{
    return MAX(largest_of_2(data), largest_of_2(data + 2 * VECTOR_SIZE));
}

FF_ALWAYS_INLINE VECTOR largest_of_8(const uint8_t *data)
{
    return MAX(largest_of_4(data), largest_of_4(data + 4 * VECTOR_SIZE));
}

/* True if a character that begins in the three bytes before `data` goes on there. */
static inline bool utf8_goes_on(const uint8_t *data)
{
    return data[-1] >= 0xC0 || data[-2] >= 0xE0 || data[-3] >= 0xF0;
}

/* What is wrong in some vectors, of which `largest` are the largest bytes. In most texts characters
 * have two bytes at most, or three, which takes less work; four are asked for first, as they leave
 * the least time to ask. */
FF_ALWAYS_INLINE VECTOR utf8_errors_by_class(const uint8_t *data, int count, VECTOR largest,
                                             const utf8_tables *tables)
{
    largest = MAX(largest, LOAD(data - 3)); /* a character may begin there */
    if (!IS_ZERO(SATURATING_SUB(largest, SET1(0xEF))))
        return utf8_errors_of_vectors(data, count, tables, 4);
    if (!IS_ZERO(SATURATING_SUB(largest, SET1(0xDF))))
        return utf8_errors_of_vectors(data, count, tables, 3);
    return utf8_errors_of_vectors(data, count, tables, 2);
}

/* ---- utf8_feed ---- */

/* Less than a vector, in registers: two loads that overlap, the second one moved to its place. */
typedef struct {
    VECTOR bytes; /* and zeros after them */
    bool is_ascii;
} short_text;

FF_ALWAYS_INLINE short_text load_short(const uint8_t *data, size_t length)
{
    short_text text;
    const uint8_t *end = data + length;
    uint64_t head = 0, tail = 0;
#if VECTOR_SIZE == 32
    if (length >= 16) {
        static const uint8_t DOWN[32] = {0,   1,   2,   3,   4,   5,   6,   7,   8,   9,   10,
                                         11,  12,  13,  14,  15,  128, 128, 128, 128, 128, 128,
                                         128, 128, 128, 128, 128, 128, 128, 128, 128, 128};
        VECTOR16 low = LOAD16(data), high = LOAD16(end - 16);
        text.is_ascii = IS_ASCII16(OR16(low, high));
        text.bytes = FROM_HALVES(low, SHUFFLE16(high, DOWN + 32 - length));
        return text;
    }
#endif
    if (length >= 8) {
        memcpy(&head, data, 8);
        memcpy(&tail, end - 8, 8);
        text.is_ascii = ((head | tail) & UINT64_C(0x8080808080808080)) == 0;
        tail = tail >> 1 >> (8 * (16 - length) - 1); /* in two steps: 64 at once is undefined */
    } else {
        if (length >= 4) {
            uint32_t first, last;
            memcpy(&first, data, 4);
            memcpy(&last, end - 4, 4);
            head = first | (uint64_t)last << 8 * (length - 4);
        } else if (length) {
            head = data[0] | (uint64_t)data[length / 2] << 8 * (length / 2) |
                   (uint64_t)end[-1] << 8 * (length - 1);
        }
        text.is_ascii = (head & UINT64_C(0x8080808080808080)) == 0;
    }
    text.bytes = FROM_WORDS(head, tail);
    return text;
}

/* What is wrong in a vector where nothing is before it. */
static inline VECTOR utf8_errors_of_first(VECTOR bytes, const utf8_tables *tables)
{
    return utf8_errors_of(bytes, UP(bytes, 1), UP(bytes, 2), UP(bytes, 3), tables);
}

static inline bool short_is_valid(VECTOR bytes)
{
    utf8_tables tables = utf8_tables_load();
    return IS_ZERO(utf8_errors_of_first(bytes, &tables));
}

/* Less than a vector, which are wrong or end with a character that is cut. */
FF_NEVER_INLINE bool ISA(feed_short_cut)(ff_utf8 *state, const uint8_t *data, size_t length)
{
    size_t cut = ff_utf8_cut(data, length);
    return cut && short_is_valid(load_short(data, length - cut).bytes) &&
           ff_utf8_feed_cut(state, data, length);
}

/* A vector and no more than two bytes after it, which leave too few to look back at. */
FF_NEVER_INLINE bool ISA(feed_a_vector)(ff_utf8 *state, const uint8_t *data, size_t length)
{
    if (!short_is_valid(LOAD(data)) || !ff_utf8_feed_cut(state, data, VECTOR_SIZE))
        return false;
    for (size_t i = VECTOR_SIZE; i < length; i++) {
        if (!ff_utf8_step(state, data[i]))
            return false;
    }
    return true;
}

/* From here on the blocks are aligned first: loads that cross cache lines take twice as long. */
enum { UTF8_ALIGN_FROM = 512 };

/* How many of a vector or more are ASCII for sure: all, or the first 0, or at least seven
 * vectors. */
static inline size_t ascii_prefix(const uint8_t *data, size_t length)
{
    size_t i = 0;
    if (length >= 8 * VECTOR_SIZE) {
        if (!IS_ASCII(largest_of_8(data)))
            return 0;
        i = 8 * VECTOR_SIZE;
        if (length >= UTF8_ALIGN_FROM)
            i -= (uintptr_t)data & (VECTOR_SIZE - 1);
        for (; length - i >= 8 * VECTOR_SIZE; i += 8 * VECTOR_SIZE) {
            if (!IS_ASCII(largest_of_8(data + i)))
                return i;
        }
    }
    VECTOR seen = LOAD(data + length - VECTOR_SIZE);
    size_t at = i;
    if (length - at >= 4 * VECTOR_SIZE) {
        seen = OR(seen, largest_of_4(data + at));
        at += 4 * VECTOR_SIZE;
    }
    if (length - at >= 2 * VECTOR_SIZE) {
        seen = OR(seen, OR(LOAD(data + at), LOAD(data + at + VECTOR_SIZE)));
        at += 2 * VECTOR_SIZE;
    }
    if (length - at >= VECTOR_SIZE)
        seen = OR(seen, LOAD(data + at));
    return IS_ASCII(seen) ? length : i;
}

/* A block has 128 bytes. */
enum { HALF = 64 / VECTOR_SIZE, HALF_SIZE = 64 };

FF_ALWAYS_INLINE VECTOR largest_of_half(const uint8_t *data)
{
    return VECTOR_SIZE == 16 ? largest_of_4(data) : largest_of_2(data);
}

/* The rest of at least a vector and three bytes, of which the first `i` are ASCII. In a function of
 * its own, so that ASCII does not wait for the tables. */
FF_ALIGNED FF_NEVER_INLINE bool ISA(feed_any)(ff_utf8 *state, const uint8_t *data, size_t i,
                                              size_t length)
{
    utf8_tables tables = utf8_tables_load();
    VECTOR errors = SET1(0);
    if (i == 0) {
        size_t over = (uintptr_t)data & (VECTOR_SIZE - 1);
        errors = utf8_errors_of_first(LOAD(data), &tables);
        i = length < UTF8_ALIGN_FROM || over > VECTOR_SIZE - 3 ? VECTOR_SIZE : VECTOR_SIZE - over;
    }
    for (; length - i >= 2 * HALF_SIZE; i += 2 * HALF_SIZE) {
        VECTOR first = largest_of_half(data + i), second = largest_of_half(data + i + HALF_SIZE);
        if (IS_ASCII(MAX(first, second))) {
            errors = OR(errors, cut_at_end(LOAD(data + i - VECTOR_SIZE)));
            do {
                i += 2 * HALF_SIZE;
                if (length - i < 2 * HALF_SIZE)
                    break;
                first = largest_of_half(data + i);
                second = largest_of_half(data + i + HALF_SIZE);
            } while (IS_ASCII(MAX(first, second)));
            if (length - i < 2 * HALF_SIZE)
                break;
        }
        const uint8_t *at = data + i;
        bool first_is_ascii = IS_ASCII(first), second_is_ascii = IS_ASCII(second);
        if (!first_is_ascii && !second_is_ascii) {
            errors = OR(errors, utf8_errors_by_class(at, 2 * HALF, MAX(first, second), &tables));
        } else {
            const uint8_t *ascii = first_is_ascii ? at : at + HALF_SIZE,
                          *other = first_is_ascii ? at + HALF_SIZE : at;
            errors = OR(errors, cut_at_end(LOAD(ascii - VECTOR_SIZE)));
            /* An accent or two, most often: looked at as such, and again if they are not. */
            VECTOR longer = SATURATING_SUB(MAX(MAX(first, second), LOAD(other - 3)), SET1(0xDF));
            VECTOR found = OR(longer, utf8_errors_of_vectors(other, HALF, &tables, 2));
            if (IS_ZERO(OR(errors, found)))
                continue;
            errors = OR(errors, utf8_errors_of_vectors(other, HALF, &tables, 4));
        }
        if (!IS_ZERO(errors))
            return false;
    }
    /* What is left, with what was before it so that the last vector is whole. */
    const uint8_t *last = data + length - VECTOR_SIZE;
    VECTOR seen = LOAD(last);
    for (size_t k = i; k + VECTOR_SIZE < length; k += VECTOR_SIZE)
        seen = OR(seen, LOAD(data + k));
    if (IS_ASCII(seen)) {
        errors = OR(errors, cut_at_end(LOAD(data + i - VECTOR_SIZE)));
    } else {
        for (; length - i > VECTOR_SIZE; i += VECTOR_SIZE)
            errors = OR(errors, utf8_errors(data + i, &tables, 4));
        errors = OR(errors, utf8_errors(last, &tables, 4));
    }
    if (IS_ZERO(OR(errors, cut_at_end(LOAD(last)))))
        return true;
    return IS_ZERO(errors) && ff_utf8_feed_cut(state, data, length);
}

FF_ALIGNED static bool ISA(utf8_feed)(ff_utf8 *state, const uint8_t *data, size_t length)
{
    if (state->missing && !ff_utf8_finish(state, &data, &length))
        return false;
    if (length < VECTOR_SIZE) {
        short_text text = load_short(data, length);
        return text.is_ascii || short_is_valid(text.bytes) ||
               ISA(feed_short_cut)(state, data, length);
    }
    size_t i = ascii_prefix(data, length);
    if (i == length)
        return true;
    if (length >= VECTOR_SIZE + 3)
        return ISA(feed_any)(state, data, i, length);
    VECTOR v = LOAD(data);
    utf8_tables tables = utf8_tables_load();
    return (length == VECTOR_SIZE &&
            IS_ZERO(OR(utf8_errors_of_first(v, &tables), cut_at_end(v)))) ||
           ISA(feed_a_vector)(state, data, length);
}

/* ---- utf8_unmask ---- */

/* Unmasked, validated and measured block by block, while the block is in the nearest cache. */
enum { UTF8_BLOCK = 4096 };

static inline void add_to_text(ff_text *text, size_t characters, VECTOR largest)
{
    uint8_t largest_byte = LARGEST_BYTE(largest);
    text->characters += characters;
    if (largest_byte > text->largest_byte)
        text->largest_byte = largest_byte;
}

/* Less than a vector. What was just stored in parts would take long to load as a whole. In a
 * function of its own: the loop for what is longer needs its registers. */
FF_NEVER_INLINE bool ISA(unmask_short)(uint8_t *dst, const uint8_t *src, size_t length,
                                       const uint8_t *key, ff_text *text)
{
    static const uint8_t ONES[2 * VECTOR_SIZE] = {
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
#if VECTOR_SIZE == 32
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
#endif
    };
    VECTOR pattern = AND(KEY(key_at(key, 0)), LOAD(ONES + VECTOR_SIZE - length));
    VECTOR v = XOR(load_short(src, length).bytes, pattern);
    utf8_tables tables = utf8_tables_load();
    STORE(dst, v);
    add_to_text(text, COUNT_FIRST(v) - (VECTOR_SIZE - length), v);
    return IS_ZERO(utf8_errors_of_first(v, &tables));
}

FF_ALIGNED static bool ISA(utf8_unmask)(uint8_t *dst, const uint8_t *src, size_t length,
                                        const uint8_t *key, ff_text *text)
{
    if (length < VECTOR_SIZE)
        return ISA(unmask_short)(dst, src, length, key, text);
    utf8_tables tables = utf8_tables_load();
    VECTOR errors = SET1(0), largest = SET1(0);
    bool valid = true;
    size_t unmasked = 0, i = 0, characters = 0;
    while (unmasked < length) {
        size_t size = length - unmasked < UTF8_BLOCK ? length - unmasked : UTF8_BLOCK;
        ISA(mask)(dst + unmasked, src + unmasked, size, key);
        unmasked += size;
        for (; unmasked - i >= 4 * VECTOR_SIZE; i += 2 * VECTOR_SIZE) {
            VECTOR a = LOAD(dst + i), b = LOAD(dst + i + VECTOR_SIZE), both = MAX(a, b);
            largest = MAX(largest, both);
            if (IS_ASCII(both)) {
                valid = valid && !utf8_goes_on(dst + i);
                characters += 2 * VECTOR_SIZE;
            } else {
                errors = OR(errors, utf8_errors_of_2(dst + i, &tables, 4));
                characters += COUNT_FIRST(a) + COUNT_FIRST(b);
            }
        }
    }
    memset(dst + length, 0, VECTOR_SIZE);
    for (; i < length; i += VECTOR_SIZE) {
        VECTOR v = LOAD(dst + i);
        errors = OR(errors, utf8_errors(dst + i, &tables, 4));
        largest = MAX(largest, v);
        characters += COUNT_FIRST(v);
    }
    add_to_text(text, characters - (i - length), largest); /* less the zeros after the end */
    return valid && IS_ZERO(errors) && !utf8_goes_on(dst + length);
}
