/* utf8_feed of the portable kernels takes ASCII by eight bytes: from each of its states, for every
 * chunk of up to 13 bytes, it is what one byte after the other is. */
#include "proof.h"

#include "kernels_portable.c"

enum { MOST = 13 };

int main(void)
{
    static const ff_utf8 STATES[] = {
        {0, 0x80, 0xBF}, {1, 0x80, 0xBF}, {2, 0x80, 0xBF}, {2, 0xA0, 0xBF},
        {2, 0x80, 0x9F}, {3, 0x80, 0xBF}, {3, 0x90, 0xBF}, {3, 0x80, 0x8F},
    };
    size_t length = any_size_up_to(MOST), number = nondet_size();
    ASSUME(number < sizeof STATES / sizeof *STATES);
    uint8_t memory[MOST], *data = LAST_BYTES(memory, MOST, length);
    ff_utf8 chunk = STATES[number], bytes = chunk;
    bool valid = utf8_feed_portable(&chunk, data, length), expected = true;
    for (size_t i = 0; i < MOST; i++) {
        if (i < length && expected)
            expected = ff_utf8_step(&bytes, data[i]);
    }
    assert(valid == expected);
    if (valid)
        assert(chunk.missing == bytes.missing &&
               (chunk.missing == 0 || (chunk.low == bytes.low && chunk.high == bytes.high)));
    return 0;
}
