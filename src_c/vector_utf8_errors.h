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
 *   COUNT_FIRST(v)        how many bytes are no continuation, 80 to BF
 *   LARGEST_BYTE(v)
 *   IS_FIRST(v)           all ones where a byte is no continuation
 *   EQUAL(a, b)
 * and FEW_REGISTERS, if there are 16 vectors; or LONGEST_IS_4 instead of the last two, if shorter
 * characters are to take no shorter way.
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

/* The same for the vector at `data`, where no character has more than `longest` bytes. Reads three
 * bytes before it. */
FF_ALWAYS_INLINE VECTOR utf8_errors(const uint8_t *data, const utf8_tables *tables, int longest)
{
    VECTOR bytes = LOAD(data), b1 = LOAD(data - 1);
#ifndef LONGEST_IS_4
    if (longest ==
        /* a byte is a continuation if the one before is a first byte of two, which C0 and C1 are
         * not */
        2) {
        VECTOR overlong = EQUAL(AND(b1, SET1(0xFE)), SET1(0xC0));
        VECTOR not_after_first = EQUAL(SATURATING_SUB(b1, SET1(0xBF)), SET1(0));
        return OR(overlong, XOR(IS_FIRST(bytes), not_after_first));
    }
    if (longest == 3) {
        VECTOR third = SATURATING_SUB(LOAD(data - 2), SET1(0xE0 - 0x80));
        return XOR(utf8_errors_of_two(bytes, b1, tables), AND(third, SET1(0x80)));
    }
#endif
    (void)longest;
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
    AFTER(data, errors);
    return OR(errors, utf8_errors_of_2(data + 2 * VECTOR_SIZE, tables, longest));
}

FF_ALWAYS_INLINE VECTOR utf8_errors_of_vectors(const uint8_t *data, int count,
                                               const utf8_tables *tables, int longest)
{
    VECTOR errors = utf8_errors_of_4(data, tables, longest);
    if (count == 4)
        return errors;
    data += 4 * VECTOR_SIZE;
    AFTER(data, errors);
    return OR(errors, utf8_errors_of_4(data, tables, longest));
}

FF_ALWAYS_INLINE VECTOR or_of_4(const uint8_t *data)
{
    return OR(OR(LOAD(data), LOAD(data + VECTOR_SIZE)),
              OR(LOAD(data + 2 * VECTOR_SIZE), LOAD(data + 3 * VECTOR_SIZE)));
}

FF_ALWAYS_INLINE VECTOR largest_of_4(const uint8_t *data)
{
    return MAX(MAX(LOAD(data), LOAD(data + VECTOR_SIZE)),
               MAX(LOAD(data + 2 * VECTOR_SIZE), LOAD(data + 3 * VECTOR_SIZE)));
}

/* True if a character that begins in the three bytes before `data` goes on there. */
static inline bool utf8_goes_on(const uint8_t *data)
{
    return data[-1] >= 0xC0 || data[-2] >= 0xE0 || data[-3] >= 0xF0;
}

/* Are four or eight vectors right, that are not all ASCII? In most texts characters have two bytes
 * at most, or three, which takes less work. */
FF_ALWAYS_INLINE bool utf8_are_valid(const uint8_t *data, int count, const utf8_tables *tables)
{
#ifndef LONGEST_IS_4
    VECTOR largest = count == 4 ? largest_of_4(data)
                                : MAX(largest_of_4(data), largest_of_4(data + 4 * VECTOR_SIZE));
    if (IS_ZERO(SATURATING_SUB(largest, SET1(0xDF))) && data[-1] < 0xE0 && data[-2] < 0xE0 &&
        data[-3] < 0xF0)
        return IS_ZERO(utf8_errors_of_vectors(data, count, tables, 2));
    if (IS_ZERO(SATURATING_SUB(largest, SET1(0xEF))) && data[-1] < 0xF0 && data[-2] < 0xF0 &&
        data[-3] < 0xF0)
        return IS_ZERO(utf8_errors_of_vectors(data, count, tables, 3));
#endif
    return IS_ZERO(utf8_errors_of_vectors(data, count, tables, 4));
}
