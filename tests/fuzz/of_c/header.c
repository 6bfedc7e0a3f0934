/* The frame header: an answer never changes when more arrives, what is accepted is written back to
 * the same bytes, and the fast path agrees. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t length = size < FF_MAX_HEADER + 2 ? size : FF_MAX_HEADER + 2;
    uint8_t *input = copy_of(data, length);
    ff_header header, earlier, fast;
    ff_status status = ff_header_parse(input, length, &header);
    for (size_t less = 0; less < length; less++) {
        ff_status before = ff_header_parse(input, less, &earlier);
        MUST(before == FF_NEED_DATA || before == status);
    }
    if (status == FF_OK) {
        uint8_t out[FF_MAX_HEADER];
        ff_header again = header;
        MUST(ff_header_write(&again, out) == FF_OK && again.size == header.size);
        MUST(memcmp(out, input, header.size) == 0);
    }
    for (int role = 0; role < 2; role++) {
        ff_role receiver = role ? FF_SERVER : FF_CLIENT;
        bool whole = ff_header_of_whole_message(input, length, receiver, &fast);
        bool expected = status == FF_OK && ff_header_check(&header, receiver, 0) == FF_OK &&
                        header.fin && (header.opcode == 1 || header.opcode == 2) &&
                        header.payload_length <= length - header.size;
        MUST(whole == expected);
        if (whole)
            MUST(fast.payload_length == header.payload_length && fast.size == header.size);
    }
    free(input);
    return 0;
}
