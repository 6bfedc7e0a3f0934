/* close.c: what a Close frame may carry (RFC 6455, 5.5.1 and 7.4). */
#include "fastframe.h"

bool ff_close_code_is_valid(uint32_t code)
{
    if (code >= 3000 && code <= 4999) /* libraries and applications (7.4.2) */
        return true;
    if (code >= 1007 && code <= 1014) /* 7.4.1; 1012 to 1014 from the IANA registry */
        return true;
    /* Not 1004 (reserved), nor 1005, 1006 and 1015 (never on the wire, 7.4.1). */
    return code >= 1000 && code <= 1003;
}

ff_status ff_close_parse(const ff_kernels *kernels, const uint8_t *payload, size_t length,
                         uint16_t *code)
{
    if (length == 0) {
        *code = FF_CLOSE_NO_STATUS;
        return FF_OK;
    }
    if (length == 1)
        return FF_ERR_CLOSE_LENGTH;

    *code = (uint16_t)(payload[0] << 8 | payload[1]);
    if (!ff_close_code_is_valid(*code))
        return FF_ERR_CLOSE_CODE;

    ff_utf8 reason = ff_utf8_start();
    if (!kernels->utf8_feed(&reason, payload + 2, length - 2) || !ff_utf8_complete(&reason))
        return FF_ERR_CLOSE_UTF8;
    return FF_OK;
}
