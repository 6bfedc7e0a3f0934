/* For every Close payload of up to seven bytes: 5.5.1 and 7.4, with the status codes of 7.4.1 and
 * IANA's registry one by one. */
#include "proof.h"

#include "kernels_portable.c"

enum { MOST = 7 };

static bool may_be_sent(uint16_t code)
{
    switch (code) {
    case 1000: /* normal closure */
    case 1001: /* going away */
    case 1002: /* protocol error */
    case 1003: /* unsupported data */
    case 1007: /* invalid frame payload data */
    case 1008: /* policy violation */
    case 1009: /* message too big */
    case 1010: /* mandatory extension */
    case 1011: /* internal error */
    case 1012: /* service restart */
    case 1013: /* try again later */
    case 1014: /* bad gateway */
        return true;
    default:
        return code >= 3000 && code < 5000; /* registered or private */
    }
}

int main(void)
{
    size_t length = any_size_up_to(MOST);
    uint8_t memory[MOST], *payload = LAST_BYTES(memory, MOST, length);
    uint16_t code = 0;
    ff_status status = ff_close_parse(&ff_kernels_portable, payload, length, &code);
    if (length == 0) {
        assert(status == FF_OK && code == FF_CLOSE_NO_STATUS);
    } else if (length == 1) {
        assert(status == FF_ERR_CLOSE_LENGTH);
    } else {
        uint16_t expected = (uint16_t)(payload[0] * 256 + payload[1]);
        if (!may_be_sent(expected))
            assert(status == FF_ERR_CLOSE_CODE);
        else if (missing_end(payload + 2, length - 2) != 0)
            assert(status == FF_ERR_CLOSE_UTF8);
        else
            assert(status == FF_OK && code == expected);
    }
    return 0;
}
