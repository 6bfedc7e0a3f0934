/* proof.h: for the harnesses that CBMC proves. An input is any value of its type; `size` bytes of
 * memory are exactly that many, so an access outside of them is an error. */
#ifndef PROOF_H
#define PROOF_H

#include "fastframe.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* CBMC knows functions of such names as any value. */
uint8_t nondet_byte(void);
uint64_t nondet_uint64(void);
size_t nondet_size(void);
bool nondet_bool(void);

#define ASSUME(condition) __CPROVER_assume(condition)

/* So many bytes of any content. */
static inline uint8_t *any_bytes(size_t size)
{
    uint8_t *data = malloc(size);
    ASSUME(data != NULL);
    return data;
}

static inline size_t any_size_up_to(size_t most)
{
    size_t size = nondet_size();
    ASSUME(size <= most);
    return size;
}

/* So many bytes up to the end of `memory`, of `most`: less work to prove, and as good at finding an
 * access past the end. */
#define LAST_BYTES(memory, most, size) ((memory) + (most) - (size))

/* RFC 3629, 4, as data: the ranges of the bytes of a character. */
typedef struct row {
    uint8_t size, low[4], high[4];
} row;

static const row ROWS[] = {
    {1, {0x00}, {0x7F}},
    {2, {0xC2, 0x80}, {0xDF, 0xBF}},
    {3, {0xE0, 0xA0, 0x80}, {0xE0, 0xBF, 0xBF}},
    {3, {0xE1, 0x80, 0x80}, {0xEC, 0xBF, 0xBF}},
    {3, {0xED, 0x80, 0x80}, {0xED, 0x9F, 0xBF}},
    {3, {0xEE, 0x80, 0x80}, {0xEF, 0xBF, 0xBF}},
    {4, {0xF0, 0x90, 0x80, 0x80}, {0xF0, 0xBF, 0xBF, 0xBF}},
    {4, {0xF1, 0x80, 0x80, 0x80}, {0xF3, 0xBF, 0xBF, 0xBF}},
    {4, {0xF4, 0x80, 0x80, 0x80}, {0xF4, 0x8F, 0xBF, 0xBF}},
};

enum { NOT_UTF8 = -1 };

/* How many bytes at the end of `data` begin a character that is not complete; NOT_UTF8 if no text
 * begins like this. */
static int missing_end(const uint8_t *data, size_t length)
{
    size_t at = 0;
    while (at < length) {
        const row *found = NULL;
        for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
            if (ROWS[i].low[0] <= data[at] && data[at] <= ROWS[i].high[0])
                found = &ROWS[i];
        }
        if (!found)
            return NOT_UTF8;
        for (size_t i = 1; i < 4; i++) {
            if (i < found->size && at + i < length &&
                (data[at + i] < found->low[i] || data[at + i] > found->high[i]))
                return NOT_UTF8;
        }
        if (at + found->size > length)
            return (int)(length - at);
        at += found->size;
    }
    return 0;
}

#endif
