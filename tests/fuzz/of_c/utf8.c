/* UTF-8 in cuts: the first byte says how long the pieces are. Every table is in the same state
 * after each of them. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    size_t piece = 1 + data[0], length = size - 1;
    for (size_t i = 0; ff_kernels_at(i); i++) {
        ff_utf8 state = ff_utf8_start(), expected = ff_utf8_start();
        bool valid = true, expected_valid = true;
        for (size_t at = 0; at < length && valid; at += piece) {
            size_t count = length - at < piece ? length - at : piece;
            uint8_t *chunk = copy_of(data + 1 + at, count);
            valid = ff_kernels_at(i)->utf8_feed(&state, chunk, count);
            expected_valid = portable()->utf8_feed(&expected, chunk, count);
            free(chunk);
            MUST(valid == expected_valid);
            MUST(!valid || (state.missing == expected.missing &&
                            (state.missing == 0 ||
                             (state.low == expected.low && state.high == expected.high))));
        }
    }
    return 0;
}
