/* For every header, role and set of reserved bits: 5.1 and 5.2, RSV first. */
#include "proof.h"

int main(void)
{
    ff_header header;
    header.rsv = nondet_byte();
    header.masked = nondet_bool();
    uint8_t allowed = nondet_byte();
    ff_role receiver = nondet_bool() ? FF_SERVER : FF_CLIENT;
    ASSUME(header.rsv < 8 && allowed < 8);
    ff_status status = ff_header_check(&header, receiver, allowed);
    bool reserved = false;
    for (unsigned bit = 1; bit < 8; bit *= 2)
        reserved |= (header.rsv & bit) != 0 && (allowed & bit) == 0;
    if (reserved)
        assert(status == FF_ERR_RSV);
    else if (receiver == FF_SERVER)
        assert(status == (header.masked ? FF_OK : FF_ERR_UNMASKED));
    else
        assert(status == (header.masked ? FF_ERR_MASKED : FF_OK));
    return 0;
}
