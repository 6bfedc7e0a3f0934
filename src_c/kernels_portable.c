/* kernels_portable.c: the kernels in plain C, for any machine. Short and unclever on purpose: this
 * is the specification. */
#include "kernels.h"
#include "utf8.h"

#include <string.h>

#define ASCII_WORD_BITS UINT64_C(0x8080808080808080)

static void mask_portable(uint8_t *dst, const uint8_t *src, size_t length,
                          const uint8_t key[FF_MASKING_KEY_SIZE])
{
    uint8_t pattern[8];
    memcpy(pattern, key, 4);
    memcpy(pattern + 4, key, 4);
    uint64_t key_word; /* copied as bytes, so that it is right whatever the byte order */
    memcpy(&key_word, pattern, sizeof key_word);

    size_t i = 0;
    for (; length - i >= sizeof key_word; i += sizeof key_word) {
        uint64_t word;
        memcpy(&word, src + i, sizeof word);
        word ^= key_word;
        memcpy(dst + i, &word, sizeof word);
    }
    for (; i < length; i++)
        dst[i] = src[i] ^ key[i & 3];
}

static bool mask_ascii_portable(uint8_t *dst, const uint8_t *src, size_t length,
                                const uint8_t key[FF_MASKING_KEY_SIZE])
{
    mask_portable(dst, src, length, key);
    uint8_t seen = 0;
    for (size_t i = 0; i < length; i++)
        seen |= dst[i];
    return seen < 0x80;
}

static bool utf8_feed_portable(ff_utf8 *state, const uint8_t *data, size_t length)
{
    size_t i = 0;
    while (i < length) {
        if (state->missing == 0) {
            for (uint64_t word; length - i >= sizeof word; i += sizeof word) {
                memcpy(&word, data + i, sizeof word);
                if (word & ASCII_WORD_BITS)
                    break;
            }
            if (i == length)
                break;
        }
        if (!ff_utf8_step(state, data[i]))
            return false;
        i++;
    }
    return true;
}

static bool utf8_unmask_portable(uint8_t *dst, const uint8_t *src, size_t length,
                                 const uint8_t key[FF_MASKING_KEY_SIZE], ff_text *text)
{
    mask_portable(dst, src, length, key);
    for (size_t i = 0; i < length; i++) {
        text->characters += (dst[i] & 0xC0) != 0x80;
        if (dst[i] > text->largest_byte)
            text->largest_byte = dst[i];
    }
    dst[length] = 0;
    ff_utf8 state = ff_utf8_start();
    return utf8_feed_portable(&state, dst, length) && ff_utf8_complete(&state);
}

static void utf8_to_latin1_portable(uint8_t *dst, const uint8_t *data, size_t length,
                                    const ff_text *text)
{
    (void)length;
    ff_utf8_write(dst, data, text->characters, 1);
}

static void utf8_to_ucs2_portable(uint8_t *dst, const uint8_t *data, size_t length,
                                  const ff_text *text)
{
    (void)length;
    ff_utf8_write(dst, data, text->characters, 2);
}

static void utf8_to_ucs4_portable(uint8_t *dst, const uint8_t *data, size_t length,
                                  const ff_text *text)
{
    (void)length;
    ff_utf8_write(dst, data, text->characters, 4);
}

static size_t utf8_size_portable(const void *characters, size_t count, unsigned width)
{
    return ff_utf8_size(characters, count, width);
}

static void utf8_from_portable(uint8_t *dst, size_t size, const void *characters, size_t count,
                               unsigned width)
{
    (void)size;
    ff_utf8_from(dst, characters, count, width);
}

const ff_kernels ff_kernels_portable = {
    .name = "portable",
    .mask = mask_portable,
    .mask_ascii = mask_ascii_portable,
    .utf8_feed = utf8_feed_portable,
    .utf8_unmask = utf8_unmask_portable,
    .utf8_to_latin1 = utf8_to_latin1_portable,
    .utf8_to_ucs2 = utf8_to_ucs2_portable,
    .utf8_to_ucs4 = utf8_to_ucs4_portable,
    .utf8_size = utf8_size_portable,
    .utf8_from = utf8_from_portable,
    .text_is_fast = false,
};
