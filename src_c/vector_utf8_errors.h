/* vector_utf8_errors.h: what is wrong in a vector of UTF-8, once for all instruction sets.
 *
 * The range look-up of Keiser and Lemire ("Validating UTF-8 in less than one instruction per byte",
 * 2020): three tables of 16, looked up by the high and the low half of the byte before and the high
 * half of each byte, answer with sets of errors; an error is real if all three agree. What remains
 * is that a third or fourth byte of a character must be a continuation.
 *
 * Included by a kernel file inside its target region, after it has defined, besides what
 * vector_mask.h needs,
 *   AND(a, b) MAX(a, b) SATURATING_SUB(a, b) SET1(byte) HIGH_HALF(v)
 *   LOOKUP(table, v)      each byte of v, 0 to 15, replaced by that entry of a table;
 *                         TABLE(p) is one of 16 bytes at p
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
    TOO_LONG,
    TOO_LONG,
    TOO_LONG,
    TOO_LONG,
    TOO_LONG,
    TOO_LONG,
    TOO_LONG,
    TOO_LONG,
    TWO_CONTINUATIONS,
    TWO_CONTINUATIONS,
    TWO_CONTINUATIONS,
    TWO_CONTINUATIONS,
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
    PAST_F4,
    PAST_F4,
    PAST_F4,
    PAST_F4,
    PAST_F4,
    PAST_F4,
    PAST_F4,
    PAST_F4,
    PAST_F4 | SURROGATE,
    PAST_F4,
    PAST_F4,
};

enum { CONTINUATION = TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS };

static const uint8_t THIS_HIGH[16] = {
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    CONTINUATION | OVERLONG_3 | TOO_LARGE_1000 | OVERLONG_4,
    CONTINUATION | OVERLONG_3 | TOO_LARGE,
    CONTINUATION | SURROGATE | TOO_LARGE,
    CONTINUATION | SURROGATE | TOO_LARGE,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
};

typedef struct {
    VECTOR before_high, before_low, this_high;
} utf8_tables;

static inline utf8_tables utf8_tables_load(void)
{
    utf8_tables tables = {TABLE(BEFORE_HIGH), TABLE(BEFORE_LOW), TABLE(THIS_HIGH)};
    return tables;
}

/* Not zero in some byte if what can be told from two bytes is wrong; b1 are the bytes one place
 * before. The top bit also stands for two continuations, which are right as the third and fourth
 * byte of a character. */
static inline VECTOR utf8_errors_of_two(VECTOR bytes, VECTOR b1, const utf8_tables *tables)
{
    return AND(AND(LOOKUP(tables->before_high, HIGH_HALF(b1)),
                   LOOKUP(tables->before_low, AND(b1, SET1(15)))),
               LOOKUP(tables->this_high, HIGH_HALF(bytes)));
}

/* Not zero in some byte if a character that ends or goes on in `bytes` is wrong. b2 and b3 are the
 * bytes two and three places before. */
static inline VECTOR utf8_errors_of(VECTOR bytes, VECTOR b1, VECTOR b2, VECTOR b3,
                                    const utf8_tables *tables)
{
    /* The top bit is set where the byte two places before is E0 or more, or the byte three places
     * before F0 or more. */
    VECTOR third = SATURATING_SUB(b2, SET1(0xE0 - 0x80));
    VECTOR fourth = SATURATING_SUB(b3, SET1(0xF0 - 0x80));
    return XOR(utf8_errors_of_two(bytes, b1, tables), AND(OR(third, fourth), SET1(0x80)));
}

/* Not zero if a character begins too near the end of `v` to end there. */
static inline VECTOR cut_at_end(VECTOR v)
{
    static const uint8_t LARGEST_THAT_END[64] = {
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,  255,  255,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,  255,  255,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,  255,  255,
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0xEF, 0xDF, 0xBF,
    };
    return SATURATING_SUB(v, LOAD(LARGEST_THAT_END + 64 - VECTOR_SIZE));
}
