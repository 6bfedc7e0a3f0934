/* utf8.h: one byte of UTF-8 at a time, for the kernels: what a vector loop leaves over goes through here. */
#ifndef FASTFRAME_UTF8_H
#define FASTFRAME_UTF8_H

#include "fastframe.h"

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

static inline bool ff_utf8_step(ff_utf8 *state, uint8_t byte)
{
    return state->missing ? ff_utf8_continue(state, byte) : ff_utf8_lead(state, byte);
}

#endif
