/* Every header, whole and cut short, flush against a guard page. */
#include "check.h"

static guarded memory;

static ff_status parse(const uint8_t *data, size_t length, ff_header *header)
{
    return ff_header_parse(at_end(memory, data, length), length, header);
}

static void test_every_pair_of_first_bytes(void)
{
    const uint8_t no_key[4] = {0};
    uint8_t data[14] = {0, 0, 0x01, 0x00, 0, 0, 0, 0, 0, 0, 'k', 'e', 'y', 's'};
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned second = 0; second < 256; second++) {
            ff_header header;
            data[0] = (uint8_t)first;
            data[1] = (uint8_t)second;
            ff_status status = parse(data, sizeof data, &header);

            unsigned opcode = first & 15, length = second & 127;
            bool known = opcode <= 2 || (opcode >= 8 && opcode <= 10), control = opcode >= 8;
            if (!known)
                CHECK(status == FF_ERR_OPCODE);
            else if (control && !(first & 128))
                CHECK(status == FF_ERR_CONTROL_FRAGMENTED);
            else if (control && length > 125)
                CHECK(status == FF_ERR_CONTROL_LENGTH);
            else
                CHECK(status == FF_OK);
            CHECK(header.opcode == opcode && header.fin == (first >= 128) &&
                  header.masked == (second >= 128));
            CHECK(header.rsv == (first >> 4 & 7));
            if (status == FF_OK) {
                unsigned size = 2 +
                                (length == 126   ? 2
                                 : length == 127 ? 8
                                                 : 0) +
                                (second & 128 ? 4 : 0);
                CHECK(header.size == size);
                CHECK(header.payload_length == (length == 126   ? 256
                                                : length == 127 ? 1ull << 56
                                                                : length));
                CHECK(memcmp(header.masking_key, header.masked ? data + size - 4 : no_key, 4) == 0);
                uint8_t wire[FF_MAX_HEADER];
                CHECK(ff_header_write(&header, wire) == FF_OK && header.size == size &&
                      memcmp(wire, data, size) == 0);
            }
        }
    }
}

/* The glance must say yes exactly where the long way does, for a whole message in one frame, and
 * see the same. */
static void check_glance(const uint8_t *data, size_t length, ff_role receiver)
{
    ff_header slow, quick;
    memset(&quick, 0xA5, sizeof quick);
    quick.fin = false;
    bool expected = parse(data, length, &slow) == FF_OK &&
                    ff_header_check(&slow, receiver, 0) == FF_OK && slow.fin &&
                    (slow.opcode == FF_OPCODE_TEXT || slow.opcode == FF_OPCODE_BINARY) &&
                    length - slow.size >= slow.payload_length;
    CHECK(ff_header_of_whole_message(memory.end - length, length, receiver, &quick) == expected);
    if (expected)
        CHECK(quick.payload_length == slow.payload_length && quick.opcode == slow.opcode &&
              quick.rsv == slow.rsv && quick.size == slow.size && quick.fin &&
              quick.masked == slow.masked &&
              memcmp(quick.masking_key, slow.masking_key, FF_MASKING_KEY_SIZE) == 0);
}

static void test_glance(void)
{
    static uint8_t data[66000];
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned second = 0; second < 256; second++) {
            data[0] = (uint8_t)first;
            data[1] = (uint8_t)second;
            for (size_t length = 0; length < 150; length += length < 16 ? 1 : 11) {
                check_glance(data, length, FF_SERVER);
                check_glance(data, length, FF_CLIENT);
            }
        }
    }
    /* Lengths of 16 and 64 bits: minimal or not, whole or short by one. */
    const uint64_t lengths[] = {
        0, 125, 126, 127, 300, 65535, 65536, UINT64_C(1) << 62, UINT64_C(1) << 63, UINT64_MAX};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        for (unsigned wide = 0; wide < 2; wide++) {
            for (unsigned masked = 0; masked < 2; masked++) {
                unsigned bytes = wide ? 8 : 2;
                data[0] = 0x82;
                data[1] = (uint8_t)(masked << 7 | (wide ? 127 : 126));
                for (unsigned k = 0; k < bytes; k++)
                    data[2 + k] = (uint8_t)(lengths[i] >> (8 * (bytes - 1 - k)));
                size_t header = 2 + bytes + 4 * masked,
                       whole = header + (size_t)(lengths[i] < 65537 ? lengths[i] : 0);
                for (size_t length = 0; length <= header; length++)
                    check_glance(data, length, masked ? FF_SERVER : FF_CLIENT);
                for (size_t length = whole - 1; length <= whole + 1; length++)
                    check_glance(data, length, masked ? FF_SERVER : FF_CLIENT);
            }
        }
    }
}

static void test_cut_headers_need_data(void)
{
    const uint64_t lengths[] = {
        0, 1, 125, 126, 0x1234, 65535, 65536, UINT64_C(1) << 32, 0x0123456789ABCDEF, INT64_MAX,
    };
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        for (int masked = 0; masked < 2; masked++) {
            ff_header header = {.payload_length = lengths[i],
                                .masking_key = "key",
                                .opcode = FF_OPCODE_BINARY,
                                .rsv = FF_RSV1,
                                .fin = true,
                                .masked = masked};
            uint8_t wire[FF_MAX_HEADER];
            CHECK(ff_header_write(&header, at_end(memory, wire, sizeof wire)) == FF_OK);
            memcpy(wire, memory.end - FF_MAX_HEADER, sizeof wire);
            unsigned bytes = lengths[i] < 126 ? 0 : lengths[i] < 65536 ? 2 : 8;
            CHECK((wire[1] & 127) == (bytes == 0 ? lengths[i] : bytes == 2 ? 126 : 127));
            for (unsigned k = 0; k < bytes; k++)
                CHECK(wire[2 + k] == (uint8_t)(lengths[i] >> (8 * (bytes - 1 - k))));

            for (size_t length = 0; length < header.size; length++) {
                ff_header parsed;
                CHECK(parse(wire, length, &parsed) == FF_NEED_DATA);
                CHECK(parsed.size == 0 ||
                      (parsed.size == header.size && parsed.payload_length == lengths[i]));
                CHECK((parsed.size != 0) ==
                      (length >= header.size - (masked ? 4u : 0u) && length >= 2));
            }
            ff_header parsed;
            CHECK(parse(wire, header.size, &parsed) == FF_OK);
            CHECK(parsed.payload_length == lengths[i] && parsed.size == header.size && parsed.fin &&
                  parsed.rsv == 4);
            CHECK(!masked || memcmp(parsed.masking_key, "key", 4) == 0);
        }
    }
}

static void test_lengths_that_are_refused(void)
{
    ff_header header;
    for (unsigned length = 0; length < 300; length++) {
        uint8_t wire[4] = {0x82, 126, (uint8_t)(length >> 8), (uint8_t)length};
        CHECK(parse(wire, sizeof wire, &header) ==
              (length < 126 ? FF_ERR_LENGTH_16_NOT_MINIMAL : FF_OK));
    }
    for (unsigned shift = 0; shift < 64; shift++) {
        uint64_t length = UINT64_C(1) << shift;
        uint8_t wire[10] = {0x82, 127, [8] = 0xFF, [9] = 0xFF};
        CHECK(parse(wire, sizeof wire, &header) == FF_ERR_LENGTH_64_NOT_MINIMAL);
        for (unsigned i = 0; i < 8; i++)
            wire[2 + i] = (uint8_t)(length >> (56 - 8 * i));
        ff_status expected = shift < 16    ? FF_ERR_LENGTH_64_NOT_MINIMAL
                             : shift == 63 ? FF_ERR_LENGTH_TOP_BIT
                                           : FF_OK;
        CHECK(parse(wire, sizeof wire, &header) == expected);
    }
}

static void test_who_must_mask(void)
{
    for (int masked = 0; masked < 2; masked++) {
        for (uint8_t rsv = 0; rsv < 8; rsv++) {
            for (uint8_t allowed = 0; allowed < 8; allowed++) {
                ff_header header = {.masked = masked, .rsv = rsv, .opcode = FF_OPCODE_TEXT};
                bool reserved = (rsv & ~allowed) != 0;
                CHECK(ff_header_check(&header, FF_SERVER, allowed) == (reserved ? FF_ERR_RSV
                                                                       : masked ? FF_OK
                                                                                : FF_ERR_UNMASKED));
                CHECK(ff_header_check(&header, FF_CLIENT, allowed) == (reserved ? FF_ERR_RSV
                                                                       : masked ? FF_ERR_MASKED
                                                                                : FF_OK));
            }
        }
    }
}

static void test_headers_that_are_not_written(void)
{
    uint8_t out[FF_MAX_HEADER];
    ff_header reserved = {.opcode = 3, .fin = true};
    ff_header fragmented = {.opcode = FF_OPCODE_PING};
    ff_header long_ping = {.opcode = FF_OPCODE_PING, .fin = true, .payload_length = 126};
    ff_header too_long = {
        .opcode = FF_OPCODE_BINARY, .fin = true, .payload_length = UINT64_C(1) << 63};
    CHECK(ff_header_write(&reserved, out) == FF_ERR_OPCODE);
    CHECK(ff_header_write(&fragmented, out) == FF_ERR_CONTROL_FRAGMENTED);
    CHECK(ff_header_write(&long_ping, out) == FF_ERR_CONTROL_LENGTH);
    CHECK(ff_header_write(&too_long, out) == FF_ERR_LENGTH_TOP_BIT);
}

static void test_every_status_has_a_text(void)
{
    for (int status = 0; status < FF_STATUS_COUNT; status++) {
        CHECK(strlen(ff_status_text((ff_status)status)) > 10);
        CHECK(strlen(ff_status_text((ff_status)status)) <= 123);
        uint16_t code = ff_status_close_code((ff_status)status);
        CHECK(status <= FF_NEED_DATA ? code == 0 : code == 1002 || code == 1007 || code == 1009);
    }
    CHECK(ff_status_text((ff_status)999) != NULL && ff_status_close_code((ff_status)999) == 0);
}

int main(void)
{
    memory = guarded_new(70000);
    test_every_pair_of_first_bytes();
    test_glance();
    test_cut_headers_need_data();
    test_lengths_that_are_refused();
    test_who_must_mask();
    test_headers_that_are_not_written();
    test_every_status_has_a_text();
    return report("header");
}
