/* For every input of up to 16 bytes: the status is that of the first broken rule in RFC 6455's
 * order, FF_NEED_DATA is the answer only where the header goes on, the answer stays the same
 * however much more has arrived, and a header that is accepted is written back to the same
 * bytes. */
#include "proof.h"

/* 5.2 and 5.5, one rule after the other. `size` gets what the header needs, if that is known. */
static ff_status expected(const uint8_t *data, size_t length, size_t *size)
{
    *size = 2;
    if (length < 2)
        return FF_NEED_DATA;
    uint8_t opcode = data[0] % 16, short_length = data[1] % 128;
    bool fin = data[0] / 128, masked = data[1] / 128;
    if ((opcode > 2 && opcode < 8) || opcode > 10)
        return FF_ERR_OPCODE;
    if (opcode >= 8 && !fin)
        return FF_ERR_CONTROL_FRAGMENTED;
    if (opcode >= 8 && short_length > 125)
        return FF_ERR_CONTROL_LENGTH;
    size_t extended = short_length == 126 ? 2 : short_length == 127 ? 8 : 0;
    *size = 2 + extended;
    if (length < *size)
        return FF_NEED_DATA;
    uint64_t payload = 0;
    for (size_t i = 0; i < 8; i++) {
        if (i < extended)
            payload = payload * 256 + data[2 + i];
    }
    if (extended == 2 && payload < 126)
        return FF_ERR_LENGTH_16_NOT_MINIMAL;
    if (extended == 8 && payload < 65536)
        return FF_ERR_LENGTH_64_NOT_MINIMAL;
    if (extended == 8 && data[2] >= 128)
        return FF_ERR_LENGTH_TOP_BIT;
    *size += masked ? 4 : 0;
    return length < *size ? FF_NEED_DATA : FF_OK;
}

int main(void)
{
    size_t length = any_size_up_to(16), size, less = any_size_up_to(16);
    uint8_t *data = any_bytes(length);
    ff_header header;
    ff_status status = ff_header_parse(data, length, &header);
    assert(status == expected(data, length, &size));

    /* One more byte can change the answer, and only then is it asked for. */
    if (status == FF_NEED_DATA)
        assert(length < size && size <= FF_MAX_HEADER);
    if (length >= FF_MAX_HEADER)
        assert(status != FF_NEED_DATA);

    /* The answer to less of it was to wait, or the same. */
    if (less <= length) {
        ff_header earlier;
        ff_status before = ff_header_parse(data, less, &earlier);
        assert(before == FF_NEED_DATA || before == status);
        if (less >= 2 && length >= 2)
            assert(earlier.fin == header.fin && earlier.rsv == header.rsv &&
                   earlier.opcode == header.opcode && earlier.masked == header.masked);
    }

    if (status == FF_OK) {
        assert(header.size == size && 2 <= size && size <= FF_MAX_HEADER);
        uint8_t out[FF_MAX_HEADER];
        ff_header again = header;
        assert(ff_header_write(&again, out) == FF_OK && again.size == size);
        for (size_t i = 0; i < FF_MAX_HEADER; i++) {
            if (i < size)
                assert(out[i] == data[i]);
        }
    }
    return 0;
}
