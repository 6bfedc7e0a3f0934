/* utf8_feed of the portable kernels, for every text of up to five bytes, cut anywhere: the language
 * of RFC 3629's table, the same in one piece and in two, and no state but eight, each of which at
 * most three bytes lead to. docs/explanation/assurance.md says why that is enough for texts of any
 * length. */
#include "proof.h"

#include "kernels_portable.c"

enum { MOST = 5 };

static bool is_one_of_the_states(ff_utf8 state)
{
    static const ff_utf8 STATES[] = {
        {0, 0x80, 0xBF}, {1, 0x80, 0xBF}, {2, 0x80, 0xBF}, {2, 0xA0, 0xBF},
        {2, 0x80, 0x9F}, {3, 0x80, 0xBF}, {3, 0x90, 0xBF}, {3, 0x80, 0x8F},
    };
    for (size_t i = 0; i < sizeof STATES / sizeof *STATES; i++) {
        if (state.missing == STATES[i].missing && state.low == STATES[i].low &&
            state.high == STATES[i].high)
            return true;
    }
    return false;
}

int main(void)
{
    size_t length = any_size_up_to(MOST), cut = nondet_size();
    ASSUME(cut <= length);
    uint8_t memory[MOST], *data = LAST_BYTES(memory, MOST, length);
    int end = missing_end(data, length);

    ff_utf8 whole = ff_utf8_start();
    bool valid = utf8_feed_portable(&whole, data, length);
    assert(valid == (end != NOT_UTF8));
    if (valid) {
        assert(ff_utf8_complete(&whole) == (end == 0));
        assert(is_one_of_the_states(whole));
        assert(ff_utf8_cut(data, length) == (size_t)end);
    }

    ff_utf8 pieces = ff_utf8_start();
    bool both = utf8_feed_portable(&pieces, data, cut);
    if (both)
        both = utf8_feed_portable(&pieces, data + cut, length - cut);
    assert(both == valid);
    if (valid)
        assert(pieces.missing == whole.missing && pieces.low == whole.low &&
               pieces.high == whole.high);
    return 0;
}
