/* For every ff_header: what is written is read back as the same, in as few bytes as can be; what is
 * refused would be refused when read, for the same rule, and nothing is written. */
#include "proof.h"

int main(void)
{
    ff_header header;
    header.payload_length = nondet_uint64();
    for (size_t i = 0; i < FF_MASKING_KEY_SIZE; i++)
        header.masking_key[i] = nondet_byte();
    header.opcode = nondet_byte();
    header.rsv = nondet_byte();
    header.size = nondet_byte();
    header.fin = nondet_bool();
    header.masked = nondet_bool();
    ASSUME(header.opcode < 16 && header.rsv < 8);

    uint8_t out[FF_MAX_HEADER], before[FF_MAX_HEADER];
    memcpy(before, out, sizeof out);
    ff_header written = header;
    ff_status status = ff_header_write(&written, out);

    bool is_control = header.opcode >= 8;
    size_t extended = header.payload_length < 126 ? 0 : header.payload_length < 65536 ? 2 : 8;
    if (status == FF_OK) {
        assert(written.size == 2 + extended + (header.masked ? 4u : 0u));
        ff_header read;
        assert(ff_header_parse(out, written.size, &read) == FF_OK);
        assert(read.payload_length == header.payload_length && read.opcode == header.opcode &&
               read.rsv == header.rsv && read.fin == header.fin && read.masked == header.masked &&
               read.size == written.size);
        for (size_t i = 0; i < FF_MASKING_KEY_SIZE; i++)
            assert(read.masking_key[i] == (header.masked ? header.masking_key[i] : 0));
        return 0;
    }
    for (size_t i = 0; i < FF_MAX_HEADER; i++)
        assert(out[i] == before[i]);
    assert(written.size == header.size);

    /* The same by hand, as it would be on the wire. */
    uint8_t wire[FF_MAX_HEADER] = {0};
    wire[0] = (uint8_t)(header.fin * 128 + header.rsv * 16 + header.opcode);
    wire[1] = (uint8_t)(extended == 0 ? header.payload_length : extended == 2 ? 126 : 127);
    for (size_t i = 0; i < extended; i++)
        wire[2 + i] = (uint8_t)(header.payload_length >> 8 * (extended - 1 - i));
    ff_header read;
    ff_status refused = ff_header_parse(wire, sizeof wire, &read);
    assert(refused == status ||
           (is_control && status == FF_ERR_LENGTH_TOP_BIT && refused == FF_ERR_CONTROL_LENGTH));
    return 0;
}
