/* COUNT characters of WIDTH bytes to UTF-8 and back by the portable kernels: utf8_size refuses
 * exactly the surrogates, utf8_from writes as many bytes as it said, which are UTF-8 by RFC 3629's
 * table, and utf8_to_* gives the characters back. */
#include "proof.h"

#include "kernels_portable.c"

static size_t size_of(uint32_t c) { return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4; }

int main(void)
{
    uint8_t characters[COUNT * WIDTH], memory[COUNT * 4], back[COUNT * WIDTH];
    bool surrogate = false;
    size_t expected = 0;
    for (size_t i = 0; i < COUNT; i++) {
        uint32_t c = ff_character_at(characters, i, WIDTH);
        ASSUME(c <= 0x10FFFF); /* as in every str */
        surrogate |= c >= 0xD800 && c <= 0xDFFF;
        expected += size_of(c);
    }
    size_t size = utf8_size_portable(characters, COUNT, WIDTH);
    assert(size == (surrogate ? SIZE_MAX : expected));
    if (surrogate)
        return 0;

    uint8_t *encoded = LAST_BYTES(memory, sizeof memory, size);
    utf8_from_portable(encoded, size, characters, COUNT, WIDTH);
    assert(missing_end(encoded, size) == 0);
    ff_text text = {COUNT, 0};
    if (WIDTH == 1)
        utf8_to_latin1_portable(back, encoded, size, &text);
    else if (WIDTH == 2)
        utf8_to_ucs2_portable(back, encoded, size, &text);
    else
        utf8_to_ucs4_portable(back, encoded, size, &text);
    for (size_t i = 0; i < COUNT; i++)
        assert(ff_character_at(back, i, WIDTH) == ff_character_at(characters, i, WIDTH));
    return 0;
}
