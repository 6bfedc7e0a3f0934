/* For every input of up to 16 bytes and both roles: the fast path says yes only where parse and
 * check do, for a text or binary message that is all there, and always there; with the same
 * header. */
#include "proof.h"

int main(void)
{
    size_t length = any_size_up_to(16);
    uint8_t *data = any_bytes(length);
    ff_role receiver = nondet_bool() ? FF_SERVER : FF_CLIENT;
    ff_header fast, slow;
    bool whole = ff_header_of_whole_message(data, length, receiver, &fast);
    ff_status status = ff_header_parse(data, length, &slow);
    bool expected = status == FF_OK && ff_header_check(&slow, receiver, 0) == FF_OK && slow.fin &&
                    (slow.opcode == FF_OPCODE_TEXT || slow.opcode == FF_OPCODE_BINARY) &&
                    slow.payload_length <= length - slow.size;
    assert(whole == expected);
    if (whole) {
        assert(fast.payload_length == slow.payload_length && fast.opcode == slow.opcode &&
               fast.rsv == slow.rsv && fast.size == slow.size && fast.fin == slow.fin &&
               fast.masked == slow.masked);
        for (size_t i = 0; i < FF_MASKING_KEY_SIZE; i++)
            assert(fast.masking_key[i] == slow.masking_key[i]);
    }
    return 0;
}
