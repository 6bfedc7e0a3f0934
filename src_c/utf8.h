/* utf8.h: one byte of UTF-8 at a time, for the kernels: what a vector loop leaves over goes through
 * here. */
#ifndef FASTFRAME_UTF8_H
#define FASTFRAME_UTF8_H

#include "fastframe.h"
#include "kernels.h"

#include <string.h>

/* The first byte of a character decides how many follow, and narrows the range of the second (RFC
 * 3629, 4; the Unicode Standard, table 3-7). False for a byte that cannot be first: 80 to C1, and
 * F5 and up. */
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

/* The character at `*data`, which is well-formed; moves past it. */
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

/* ---- the other way ---- */

static inline uint32_t ff_character_at(const void *characters, size_t i, unsigned width)
{
    uint16_t two;
    uint32_t four;
    if (width == 1)
        return ((const uint8_t *)characters)[i];
    if (width == 2) {
        memcpy(&two, (const uint8_t *)characters + 2 * i, 2);
        return two;
    }
    memcpy(&four, (const uint8_t *)characters + 4 * i, 4);
    return four;
}

/* Of at most 4096 characters, so that a counter of 16 bits will do, as vectors like it. */
FF_ALWAYS_INLINE size_t ff_utf8_size_of_some(const void *characters, size_t count, unsigned width)
{
    uint16_t more = 0, surrogates = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t c = ff_character_at(characters, i, width);
        more = (uint16_t)(more + (c >= 0x80) + (c >= 0x800) + (c >= 0x10000));
        surrogates = (uint16_t)(surrogates + (c >= 0xD800 && c <= 0xDFFF));
    }
    return surrogates ? SIZE_MAX : count + more;
}

FF_ALWAYS_INLINE size_t ff_utf8_size_of(const void *characters, size_t count, unsigned width)
{
    const uint8_t *s = (const uint8_t *)characters;
    size_t size = 0;
    while (count) {
        size_t some = count < 4096 ? count : 4096, more = ff_utf8_size_of_some(s, some, width);
        if (more == SIZE_MAX)
            return SIZE_MAX;
        size += more;
        s += some * width;
        count -= some;
    }
    return size;
}

/* The kernel `utf8_size`: plain loops without a branch, which the compiler makes into vectors. */
static inline size_t ff_utf8_size(const void *characters, size_t count, unsigned width)
{
    if (width == 1)
        return ff_utf8_size_of(characters, count, 1);
    if (width == 2)
        return ff_utf8_size_of(characters, count, 2);
    return ff_utf8_size_of(characters, count, 4);
}

/* `count` characters as UTF-8. */
static inline void ff_utf8_from(uint8_t *dst, const void *characters, size_t count, unsigned width)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t c = ff_character_at(characters, i, width);
        if (c < 0x80) {
            *dst++ = (uint8_t)c;
            continue;
        }
        if (c < 0x800) {
            *dst++ = (uint8_t)(0xC0 | c >> 6);
        } else {
            if (c < 0x10000) {
                *dst++ = (uint8_t)(0xE0 | c >> 12);
            } else {
                *dst++ = (uint8_t)(0xF0 | c >> 18);
                *dst++ = (uint8_t)(0x80 | (c >> 12 & 0x3F));
            }
            *dst++ = (uint8_t)(0x80 | (c >> 6 & 0x3F));
        }
        *dst++ = (uint8_t)(0x80 | (c & 0x3F));
    }
}

static inline bool ff_utf8_step(ff_utf8 *state, uint8_t byte)
{
    return state->missing ? ff_utf8_continue(state, byte) : ff_utf8_lead(state, byte);
}

/* Moves past what goes on with the character that is cut. */
static inline bool ff_utf8_finish(ff_utf8 *state, const uint8_t **data, size_t *length)
{
    for (; *length && state->missing; ++*data, --*length) {
        if (!ff_utf8_continue(state, **data))
            return false;
    }
    return true;
}

/* What is left to do where all is right but for the last character, which may be cut. */
static inline bool ff_utf8_feed_cut(ff_utf8 *state, const uint8_t *data, size_t length)
{
    for (size_t i = length - ff_utf8_cut(data, length); i < length; i++) {
        if (!ff_utf8_step(state, data[i]))
            return false;
    }
    return true;
}

#endif
