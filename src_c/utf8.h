/* utf8.h: one byte of UTF-8 at a time, for the kernels: what a vector loop leaves over goes through here. */
#ifndef FASTFRAME_UTF8_H
#define FASTFRAME_UTF8_H

#include "fastframe.h"

#include <string.h>

/* The first byte of a character decides how many follow, and narrows the range of the second (RFC 3629, 4; the Unicode
 * Standard, table 3-7). False for a byte that cannot be first: 80 to C1, and F5 and up. */
static inline bool ff_utf8_lead(ff_utf8 *state, uint8_t byte)
{
    state->low = 0x80;
    state->high = 0xBF;
    if (byte < 0x80) {
        state->missing = 0;
    } else if (byte < 0xC2) { /* a continuation byte, or the overlong C0 and C1 */
        return false;
    } else if (byte < 0xE0) {
        state->missing = 1;
    } else if (byte < 0xF0) {
        state->missing = 2;
        if (byte == 0xE0)
            state->low = 0xA0; /* less would be overlong */
        if (byte == 0xED)
            state->high = 0x9F; /* more would be a surrogate, U+D800 to U+DFFF */
    } else if (byte < 0xF5) {
        state->missing = 3;
        if (byte == 0xF0)
            state->low = 0x90; /* less would be overlong */
        if (byte == 0xF4)
            state->high = 0x8F; /* more would be past U+10FFFF */
    } else {
        return false;
    }
    return true;
}

static inline bool ff_utf8_continue(ff_utf8 *state, uint8_t byte)
{
    if (byte < state->low || byte > state->high)
        return false;
    state->missing--;
    state->low = 0x80;
    state->high = 0xBF;
    return true;
}

/* The character at `*data`, which is well-formed; moves behind it. */
static inline uint32_t ff_utf8_next(const uint8_t **data)
{
    const uint8_t *s = *data;
    if (s[0] < 0x80) {
        *data += 1;
        return s[0];
    }
    if (s[0] < 0xE0) {
        *data += 2;
        return (s[0] & 0x1Fu) << 6 | (s[1] & 0x3Fu);
    }
    if (s[0] < 0xF0) {
        *data += 3;
        return (s[0] & 0x0Fu) << 12 | (s[1] & 0x3Fu) << 6 | (s[2] & 0x3Fu);
    }
    *data += 4;
    return (s[0] & 0x07u) << 18 | (s[1] & 0x3Fu) << 12 | (s[2] & 0x3Fu) << 6 | (s[3] & 0x3Fu);
}

/* `count` characters from `data`, each in `width` bytes. */
static inline void ff_utf8_write(uint8_t *dst, const uint8_t *data, size_t count, unsigned width)
{
    for (; count; count--, dst += width) {
        uint32_t character = ff_utf8_next(&data);
        uint16_t two = (uint16_t)character;
        if (width == 1)
            *dst = (uint8_t)character;
        else if (width == 2)
            memcpy(dst, &two, 2);
        else
            memcpy(dst, &character, 4);
    }
}

static inline bool ff_utf8_step(ff_utf8 *state, uint8_t byte)
{
    return state->missing ? ff_utf8_continue(state, byte) : ff_utf8_lead(state, byte);
}

#endif
