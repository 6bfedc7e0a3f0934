/* vector_utf8_validate.h: the kernels utf8_feed and utf8_unmask, once for all instruction sets.
 *
 * Included by a kernel file inside its target region, after vector_utf8_errors.h. With
 * UTF8_SHORT_OF_ITS_OWN it has also defined
 *   UTF8_SHORT             up to which size, and
 *   utf8_short_is_valid(data, length)   whether so many bytes are whole characters
 * and with UTF8_UNMASK_OF_ITS_OWN there is another utf8_unmask.
 */

/* For less than a vector: ASCII by words, of which the last overlaps the one before. */
static inline bool is_short_ascii(const uint8_t *data, size_t length)
{
    uint64_t seen = 0, word = 0;
    if (length < sizeof word) {
        for (size_t i = 0; i < length; i++)
            seen |= data[i];
    } else {
        for (size_t i = 0; i < length - sizeof word; i += sizeof word) {
            memcpy(&word, data + i, sizeof word);
            seen |= word;
        }
        memcpy(&word, data + length - sizeof word, sizeof word);
        seen |= word;
    }
    return (seen & UINT64_C(0x8080808080808080)) == 0;
}

/* From here on the blocks are aligned first: loads that cross cache lines take twice as long. */
enum { UTF8_ALIGN_FROM = 512 };

/* Byte by byte from `*i` to `end`. False if the text is wrong. */
static inline bool utf8_steps(ff_utf8 *state, const uint8_t *data, size_t *i, size_t end)
{
    for (; *i < end; (*i)++) {
        if (!ff_utf8_step(state, data[*i]))
            return false;
    }
    return true;
}

/* To the end of the character that is cut, if one is. */
static inline bool utf8_finish_character(ff_utf8 *state, const uint8_t *data, size_t *i,
                                         size_t length)
{
    for (; *i < length && state->missing; (*i)++) {
        if (!ff_utf8_step(state, data[*i]))
            return false;
    }
    return true;
}

/* Whole vectors from `*i` on, up to the last one before `end`. Three bytes before `*i` can be
 * read. */
static inline bool utf8_validate_blocks(const uint8_t *data, size_t *i, size_t end,
                                        const utf8_tables *tables)
{
    size_t at = *i;
    if (end - at >= UTF8_ALIGN_FROM) {
        if (!IS_ZERO(utf8_errors(data + at, tables, 4)))
            return false;
        at += VECTOR_SIZE - ((uintptr_t)(data + at) & (VECTOR_SIZE - 1));
    }
#if VECTOR_SIZE == 16
    for (; end - at >= 8 * VECTOR_SIZE; at += 8 * VECTOR_SIZE) {
        bool is_ascii = IS_ASCII(OR(or_of_4(data + at), or_of_4(data + at + 4 * VECTOR_SIZE)));
        if (is_ascii ? utf8_goes_on(data + at) : !utf8_are_valid(data + at, 8, tables))
            return false;
    }
#endif
    for (; end - at >= 4 * VECTOR_SIZE; at += 4 * VECTOR_SIZE) {
        if (IS_ASCII(or_of_4(data + at)) ? utf8_goes_on(data + at)
                                         : !utf8_are_valid(data + at, 4, tables))
            return false;
    }
    for (; end - at >= VECTOR_SIZE; at += VECTOR_SIZE) {
        if (!IS_ZERO(utf8_errors(data + at, tables, 4)))
            return false;
    }
    *i = at;
    return true;
}

/* What is left of the blocks, less than a vector that ends at `end`, with the last character
 * complete. */
static inline bool utf8_validate_tail(const uint8_t *data, size_t i, size_t end,
                                      const utf8_tables *tables)
{
    uint8_t padded[3 + VECTOR_SIZE] = {0};
    if (i == end)
        return !utf8_goes_on(data + end);
    if (end >= VECTOR_SIZE + 3) /* the last vector once more, as far back as it takes */
        return IS_ZERO(utf8_errors(data + end - VECTOR_SIZE, tables, 4)) &&
               !utf8_goes_on(data + end);
    memcpy(padded, data + i - 3, 3 + end - i);
    return IS_ZERO(utf8_errors(padded + 3, tables, 4)) && !utf8_goes_on(data + end);
}

static bool ISA(utf8_feed)(ff_utf8 *state, const uint8_t *data, size_t length)
{
    size_t i = 0;
    if (!utf8_finish_character(state, data, &i, length))
        return false;
    if (length - i < VECTOR_SIZE && is_short_ascii(data + i, length - i))
        return true;
#ifdef UTF8_SHORT_OF_ITS_OWN
    if (length - i < UTF8_SHORT) {
        size_t whole = length - ff_utf8_cut(data + i, length - i);
        return utf8_short_is_valid(data + i, whole - i) && utf8_steps(state, data, &whole, length);
    }
#endif
    /* So far in that there are three bytes to look back at, and no character is cut there. */
    if ((i < 3 && !utf8_steps(state, data, &i, length < 3 ? length : 3)) ||
        !utf8_finish_character(state, data, &i, length))
        return false;
    if (i == length)
        return true;

    utf8_tables tables = utf8_tables_load();
    size_t end = length - ff_utf8_cut(data + i, length - i);
    if (!utf8_validate_blocks(data, &i, end, &tables) || !utf8_validate_tail(data, i, end, &tables))
        return false;
    return utf8_steps(state, data, &end, length);
}

#ifndef UTF8_UNMASK_OF_ITS_OWN
/* Unmasked, validated and measured block by block, while the block is in the nearest cache. */
enum { UTF8_BLOCK = 4096 };

static bool ISA(utf8_unmask)(uint8_t *dst, const uint8_t *src, size_t length, const uint8_t *key,
                             ff_text *text)
{
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
    text->characters += characters - (i - length); /* less the zeros after the end */
    uint8_t largest_byte = LARGEST_BYTE(largest);
    if (largest_byte > text->largest_byte)
        text->largest_byte = largest_byte;
    return valid && IS_ZERO(errors) && !utf8_goes_on(dst + length);
}
#endif
