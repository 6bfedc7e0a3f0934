/* Every status code, and reasons that are and are not UTF-8, flush against a guard page. */
#include "check.h"

static bool may_be_sent(unsigned code)
{
    switch (code) {
    case 1000:
    case 1001:
    case 1002:
    case 1003:
    case 1007:
    case 1008:
    case 1009:
    case 1010:
    case 1011:
    case 1012:
    case 1013:
    case 1014:
        return true;
    default:
        return code >= 3000 && code < 5000;
    }
}

int main(void)
{
    guarded memory = guarded_new(200);
    for (size_t i = 0; ff_kernels_at(i) != NULL; i++) {
        const ff_kernels *kernels = ff_kernels_at(i);
        uint16_t code = 0;
        CHECK(ff_close_parse(kernels, memory.end, 0, &code) == FF_OK && code == FF_CLOSE_NO_STATUS);
        CHECK(ff_close_parse(kernels, at_end(memory, "\x03", 1), 1, &code) == FF_ERR_CLOSE_LENGTH);
        for (unsigned number = 0; number < 65536; number++) {
            uint8_t payload[5] = {(uint8_t)(number >> 8), (uint8_t)number, 'b', 'y', 'e'};
            ff_status expected = may_be_sent(number) ? FF_OK : FF_ERR_CLOSE_CODE;
            CHECK(ff_close_parse(kernels, at_end(memory, payload, 5), 5, &code) == expected &&
                  code == number);
            CHECK(ff_close_parse(kernels, at_end(memory, payload, 2), 2, &code) == expected);
            CHECK(ff_close_code_is_valid(number) == may_be_sent(number));
        }
        CHECK(!ff_close_code_is_valid(65536 + 1000));
        CHECK(ff_close_parse(kernels, at_end(memory, "\x03\xe8\xc3\xa9", 4), 4, &code) == FF_OK);
        CHECK(ff_close_parse(kernels, at_end(memory, "\x03\xe8\xc3", 3), 3, &code) ==
              FF_ERR_CLOSE_UTF8);
        CHECK(ff_close_parse(kernels, at_end(memory, "\x03\xe8\xff", 3), 3, &code) ==
              FF_ERR_CLOSE_UTF8);
    }
    return report("close");
}
