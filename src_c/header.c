/* header.c: the frame header, between the wire and `ff_header` (RFC 6455, 5.2).
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-+-+-+-+-------+-+-------------+-------------------------------+
 *     |F|R|R|R| op-   |M| payload     | extended payload length:      |
 *     |I|S|S|S| code  |A| length      | 2 bytes if it says 126,       |
 *     |N|V|V|V|       |S|             | 8 bytes if it says 127        |
 *     | |1|2|3|       |K|             | then 4 bytes masking key      |
 *     +-+-+-+-+-------+-+-------------+-------------------------------+
 */
#include "fastframe.h"

#include <string.h>

enum {
    FIN_BIT = 0x80,
    RSV_SHIFT = 4,
    RSV_BITS = 0x7,
    OPCODE_BITS = 0xF,
    MASK_BIT = 0x80,
    LENGTH_BITS = 0x7F,
    LENGTH_16 = 126,
    LENGTH_64 = 127
};

#define MAX_LENGTH_16 UINT64_C(0xFFFF)
#define TOP_BIT (UINT64_C(1) << 63)

/* Two or eight bytes; written out, they are one instruction. */
static inline uint64_t load_big_endian(const uint8_t *data, unsigned bytes)
{
    if (bytes == 2)
        return (uint64_t)data[0] << 8 | data[1];
    return (uint64_t)data[0] << 56 | (uint64_t)data[1] << 48 | (uint64_t)data[2] << 40 |
           (uint64_t)data[3] << 32 | (uint64_t)data[4] << 24 | (uint64_t)data[5] << 16 |
           (uint64_t)data[6] << 8 | data[7];
}

static inline void store_big_endian_16(uint8_t *out, uint64_t value)
{
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
}

static inline void store_big_endian_64(uint8_t *out, uint64_t value)
{
    out[0] = (uint8_t)(value >> 56);
    out[1] = (uint8_t)(value >> 48);
    out[2] = (uint8_t)(value >> 40);
    out[3] = (uint8_t)(value >> 32);
    out[4] = (uint8_t)(value >> 24);
    out[5] = (uint8_t)(value >> 16);
    out[6] = (uint8_t)(value >> 8);
    out[7] = (uint8_t)value;
}

static ff_status check_opcode(const ff_header *header)
{
    switch (header->opcode) {
    case FF_OPCODE_CONTINUATION:
    case FF_OPCODE_TEXT:
    case FF_OPCODE_BINARY:
        return FF_OK;
    case FF_OPCODE_CLOSE:
    case FF_OPCODE_PING:
    case FF_OPCODE_PONG:
        return header->fin ? FF_OK : FF_ERR_CONTROL_FRAGMENTED;
    default:
        return FF_ERR_OPCODE;
    }
}

static ff_status check_extended_length(unsigned bytes, uint64_t length)
{
    if (bytes == 2 && length <= FF_MAX_CONTROL_PAYLOAD)
        return FF_ERR_LENGTH_16_NOT_MINIMAL;
    if (bytes == 8 && length <= MAX_LENGTH_16)
        return FF_ERR_LENGTH_64_NOT_MINIMAL;
    if (length & TOP_BIT)
        return FF_ERR_LENGTH_TOP_BIT;
    return FF_OK;
}

/* The payload length, and where in the header it ends. FF_NEED_DATA if that is past `length`, which
 * is 2 at least. */
static inline ff_status parse_length(const uint8_t *data, size_t length, uint64_t *payload_length,
                                     size_t *end)
{
    *payload_length = data[1] & LENGTH_BITS;
    *end = 2;
    if (*payload_length < LENGTH_16)
        return FF_OK;
    unsigned bytes = *payload_length == LENGTH_16 ? 2 : 8;
    if (length < 2 + bytes)
        return FF_NEED_DATA;
    *payload_length = load_big_endian(data + 2, bytes);
    *end += bytes;
    return check_extended_length(bytes, *payload_length);
}

/* The masking key at `key`, or zeros for a frame without one. */
static inline void copy_key(ff_header *header, const uint8_t *key)
{
    if (header->masked)
        memcpy(header->masking_key, key, FF_MASKING_KEY_SIZE);
    else
        memset(header->masking_key, 0, FF_MASKING_KEY_SIZE);
}

ff_status ff_header_parse(const uint8_t *data, size_t length, ff_header *header)
{
    header->size = 0;
    if (length < 2)
        return FF_NEED_DATA;

    header->fin = (data[0] & FIN_BIT) != 0;
    header->rsv = data[0] >> RSV_SHIFT & RSV_BITS;
    header->opcode = data[0] & OPCODE_BITS;
    header->masked = (data[1] & MASK_BIT) != 0;

    ff_status status = check_opcode(header);
    if (status != FF_OK)
        return status;

    if (ff_opcode_is_control(header->opcode) && (data[1] & LENGTH_BITS) > FF_MAX_CONTROL_PAYLOAD)
        return FF_ERR_CONTROL_LENGTH;

    size_t key_at;
    status = parse_length(data, length, &header->payload_length, &key_at);
    if (status != FF_OK)
        return status;
    header->size = (uint8_t)(key_at + (header->masked ? FF_MASKING_KEY_SIZE : 0));
    if (length < header->size)
        return FF_NEED_DATA;
    copy_key(header, data + key_at);
    return FF_OK;
}

ff_status ff_header_check(const ff_header *header, ff_role receiver, uint8_t rsv_allowed)
{
    if (header->rsv & (uint8_t)~rsv_allowed)
        return FF_ERR_RSV;
    if (receiver == FF_CLIENT && header->masked)
        return FF_ERR_MASKED;
    if (receiver == FF_SERVER && !header->masked)
        return FF_ERR_UNMASKED;
    return FF_OK;
}

bool ff_header_of_whole_message(const uint8_t *data, size_t length, ff_role receiver,
                                ff_header *header)
{
    bool masked = receiver == FF_SERVER; /* 5.1 */
    if (length < 2 ||
        (data[0] != (FIN_BIT | FF_OPCODE_TEXT) && data[0] != (FIN_BIT | FF_OPCODE_BINARY)) ||
        ((data[1] & MASK_BIT) != 0) != masked)
        return false;

    size_t key_at;
    if (parse_length(data, length, &header->payload_length, &key_at) != FF_OK)
        return false;
    size_t size = key_at + (masked ? FF_MASKING_KEY_SIZE : 0);
    if (length < size || length - size < header->payload_length)
        return false;

    header->opcode = data[0] & OPCODE_BITS;
    header->rsv = 0;
    header->size = (uint8_t)size;
    header->fin = true;
    header->masked = masked;
    copy_key(header, data + key_at);
    return true;
}

ff_status ff_header_write(ff_header *header, uint8_t *out)
{
    ff_status status = check_opcode(header);
    if (status != FF_OK)
        return status;
    if (header->payload_length & TOP_BIT)
        return FF_ERR_LENGTH_TOP_BIT;

    unsigned bytes = 0;
    uint8_t short_length = (uint8_t)header->payload_length;
    if (header->payload_length > FF_MAX_CONTROL_PAYLOAD) {
        if (ff_opcode_is_control(header->opcode))
            return FF_ERR_CONTROL_LENGTH;
        bytes = header->payload_length <= MAX_LENGTH_16 ? 2 : 8;
        short_length = bytes == 2 ? LENGTH_16 : LENGTH_64;
    }

    out[0] = (uint8_t)((header->fin ? FIN_BIT : 0) | (header->rsv & RSV_BITS) << RSV_SHIFT |
                       header->opcode);
    out[1] = (uint8_t)((header->masked ? MASK_BIT : 0) | short_length);
    if (bytes == 2)
        store_big_endian_16(out + 2, header->payload_length);
    else if (bytes == 8)
        store_big_endian_64(out + 2, header->payload_length);
    header->size = (uint8_t)(2 + bytes);
    if (header->masked) {
        memcpy(out + header->size, header->masking_key, FF_MASKING_KEY_SIZE);
        header->size += FF_MASKING_KEY_SIZE;
    }
    return FF_OK;
}
