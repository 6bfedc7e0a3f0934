/* vector_utf8.h: UTF-8 validation with vectors, once for all instruction sets.
 *
 * The range look-up of Keiser and Lemire ("Validating UTF-8 in less than one instruction per byte", 2020): three tables of 16,
 * looked up by the high and the low half of the byte before and the high half of each byte, answer with sets of errors; an
 * error is real if all three agree. What remains is that a third or fourth byte of a character must be a continuation.
 *
 * Included by a kernel file inside its target region, after it has defined, besides what vector_mask.h needs,
 *   AND(a, b) SATURATING_SUB(a, b) SET1(byte) HIGH_HALF(v)
 *   LOOKUP(table, v)      each byte of v, 0 to 15, replaced by that entry of a table; TABLE(p) is one of 16 bytes at p
 *   IS_ZERO(v)
 */
#include "utf8.h"

#include <string.h>

enum {
    TOO_SHORT = 1 << 0,      /* 11______ 0_______ or 11______ 11______ */
    TOO_LONG = 1 << 1,       /* 0_______ 10______ */
    OVERLONG_3 = 1 << 2,     /* 11100000 100_____ */
    TOO_LARGE = 1 << 3,      /* 11110100 1001____ and up */
    SURROGATE = 1 << 4,      /* 11101101 101_____ */
    OVERLONG_2 = 1 << 5,     /* 1100000_ 10______ */
    TOO_LARGE_1000 = 1 << 6, /* 11110101 1000____ and up */
    OVERLONG_4 = 1 << 6,     /* 11110000 1000____ */
    TWO_CONTINUATIONS = 1 << 7,
    /* What the low half of the byte before says nothing about. */
    ANY_LOW = TOO_SHORT | TOO_LONG | TWO_CONTINUATIONS
};

static const uint8_t BEFORE_HIGH[16] = {
    TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG,
    TWO_CONTINUATIONS, TWO_CONTINUATIONS, TWO_CONTINUATIONS, TWO_CONTINUATIONS,
    TOO_SHORT | OVERLONG_2,
    TOO_SHORT,
    TOO_SHORT | OVERLONG_3 | SURROGATE,
    TOO_SHORT | TOO_LARGE | TOO_LARGE_1000 | OVERLONG_4,
};

enum { PAST_F4 = ANY_LOW | TOO_LARGE | TOO_LARGE_1000 };

static const uint8_t BEFORE_LOW[16] = {
    ANY_LOW | OVERLONG_3 | OVERLONG_2 | OVERLONG_4,
    ANY_LOW | OVERLONG_2,
    ANY_LOW,
    ANY_LOW,
    ANY_LOW | TOO_LARGE,
    PAST_F4, PAST_F4, PAST_F4, PAST_F4, PAST_F4, PAST_F4, PAST_F4, PAST_F4,
    PAST_F4 | SURROGATE,
    PAST_F4, PAST_F4,
};

enum { CONTINUATION = TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS };

static const uint8_t THIS_HIGH[16] = {
    TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
    CONTINUATION | OVERLONG_3 | TOO_LARGE_1000 | OVERLONG_4,
    CONTINUATION | OVERLONG_3 | TOO_LARGE,
    CONTINUATION | SURROGATE | TOO_LARGE,
    CONTINUATION | SURROGATE | TOO_LARGE,
    TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
};

typedef struct {
    VECTOR before_high, before_low, this_high;
} utf8_tables;

/* Not zero in some byte if a character that ends or goes on in the vector at `data` is wrong. Reads three bytes before it. */
static inline VECTOR utf8_errors(const uint8_t *data, const utf8_tables *tables)
{
    VECTOR bytes = LOAD(data), before = LOAD(data - 1);
    VECTOR errors = AND(AND(LOOKUP(tables->before_high, HIGH_HALF(before)), LOOKUP(tables->before_low, AND(before, SET1(15)))),
                        LOOKUP(tables->this_high, HIGH_HALF(bytes)));
    /* The top bit is set where E0 or more stands two bytes before, or F0 or more three bytes before. */
    VECTOR third = SATURATING_SUB(LOAD(data - 2), SET1(0xE0 - 0x80));
    VECTOR fourth = SATURATING_SUB(LOAD(data - 3), SET1(0xF0 - 0x80));
    return XOR(errors, AND(OR(third, fourth), SET1(0x80)));
}

/* True if a character that begins in the three bytes before `data` goes on there. */
static inline bool utf8_goes_on(const uint8_t *data) { return data[-1] >= 0xC0 || data[-2] >= 0xE0 || data[-3] >= 0xF0; }

static bool utf8_feed(ff_utf8 *state, const uint8_t *data, size_t length)
{
    /* To the end of the character that is cut, and so far in that there are three bytes to look back at. */
    size_t i = 0;
    for (; i < length && (state->missing || i < 3); i++) {
        if (!ff_utf8_step(state, data[i]))
            return false;
    }
    if (i == length)
        return true;

    utf8_tables tables = {TABLE(BEFORE_HIGH), TABLE(BEFORE_LOW), TABLE(THIS_HIGH)};
    size_t end = length - ff_utf8_cut(data + i, length - i);
    for (; end - i >= 4 * VECTOR_SIZE; i += 4 * VECTOR_SIZE) {
        const uint8_t *block = data + i;
        if (IS_ASCII(OR(OR(LOAD(block), LOAD(block + VECTOR_SIZE)),
                        OR(LOAD(block + 2 * VECTOR_SIZE), LOAD(block + 3 * VECTOR_SIZE))))) {
            if (utf8_goes_on(block))
                return false;
            continue;
        }
        VECTOR errors = OR(OR(utf8_errors(block, &tables), utf8_errors(block + VECTOR_SIZE, &tables)),
                           OR(utf8_errors(block + 2 * VECTOR_SIZE, &tables), utf8_errors(block + 3 * VECTOR_SIZE, &tables)));
        if (!IS_ZERO(errors))
            return false;
    }
    for (; end - i >= VECTOR_SIZE; i += VECTOR_SIZE) {
        if (!IS_ZERO(utf8_errors(data + i, &tables)))
            return false;
    }
    if (i < end) {
        if (end >= VECTOR_SIZE + 3) { /* the last vector once more, as far back as it takes */
            if (!IS_ZERO(utf8_errors(data + end - VECTOR_SIZE, &tables)))
                return false;
        } else {
            uint8_t padded[3 + VECTOR_SIZE] = {0};
            memcpy(padded, data + i - 3, 3 + end - i);
            if (!IS_ZERO(utf8_errors(padded + 3, &tables)))
                return false;
        }
    }
    if (utf8_goes_on(data + end))
        return false;
    for (; end < length; end++) {
        if (!ff_utf8_step(state, data[end]))
            return false;
    }
    return true;
}
