/* The payload of a Close: the same on every table. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t length = size < FF_MAX_CONTROL_PAYLOAD ? size : FF_MAX_CONTROL_PAYLOAD;
    uint8_t *payload = copy_of(data, length);
    uint16_t code, expected_code;
    ff_status expected = ff_close_parse(portable(), payload, length, &expected_code);
    for (size_t i = 0; ff_kernels_at(i); i++) {
        MUST(ff_close_parse(ff_kernels_at(i), payload, length, &code) == expected);
        MUST(expected != FF_OK || code == expected_code);
    }
    MUST(*ff_status_text(expected) != 0);
    free(payload);
    return 0;
}
