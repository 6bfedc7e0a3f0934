/* status.c: what each status means to a person and to the peer. */
#include "fastframe.h"

typedef struct {
    uint16_t close_code;
    const char *rule; /* a short name, for counters and logs: it stays as it is */
    const char *text;
} meaning;

enum { PROTOCOL_ERROR = 1002, INVALID_PAYLOAD = 1007, TOO_BIG = 1009 }; /* RFC 6455, 7.4.1 */

static const meaning MEANINGS[FF_STATUS_COUNT] = {
    [FF_OK] = {0, "", "no rule is broken"},
    [FF_NEED_DATA] = {0, "", "more bytes are needed"},

    [FF_ERR_RSV] = {PROTOCOL_ERROR, "reserved-bit",
                    "a reserved bit is set that no extension uses (RFC 6455, 5.2)"},
    [FF_ERR_OPCODE] = {PROTOCOL_ERROR, "opcode", "the opcode is reserved (RFC 6455, 5.2)"},
    [FF_ERR_CONTROL_FRAGMENTED] = {PROTOCOL_ERROR, "control-fragmented",
                                   "a control frame must not be fragmented (RFC 6455, 5.5)"},
    [FF_ERR_CONTROL_LENGTH] = {PROTOCOL_ERROR, "control-length",
                               "a control frame must not have more than 125 bytes (RFC 6455, 5.5)"},
    [FF_ERR_LENGTH_16_NOT_MINIMAL] =
        {PROTOCOL_ERROR, "length-16",
         "a payload of less than 126 bytes has a 16-bit length (RFC 6455, 5.2)"},
    [FF_ERR_LENGTH_64_NOT_MINIMAL] =
        {PROTOCOL_ERROR, "length-64",
         "a payload of less than 65536 bytes has a 64-bit length (RFC 6455, 5.2)"},
    [FF_ERR_LENGTH_TOP_BIT] = {PROTOCOL_ERROR, "length-top-bit",
                               "the top bit of the 64-bit payload length is set (RFC 6455, 5.2)"},
    [FF_ERR_MASKED] = {PROTOCOL_ERROR, "masked",
                       "a server must not mask its frames (RFC 6455, 5.1)"},
    [FF_ERR_UNMASKED] = {PROTOCOL_ERROR, "unmasked",
                         "a client must mask its frames (RFC 6455, 5.1)"},

    [FF_ERR_CONTINUATION_UNEXPECTED] =
        {PROTOCOL_ERROR, "continuation-unexpected",
         "a continuation frame came with no message to continue (RFC 6455, 5.4)"},
    [FF_ERR_CONTINUATION_EXPECTED] =
        {PROTOCOL_ERROR, "continuation-expected",
         "a new message began before the last one was finished (RFC 6455, 5.4)"},

    [FF_ERR_CLOSE_LENGTH] = {PROTOCOL_ERROR, "close-length",
                             "a Close payload must not have one byte (RFC 6455, 5.5.1)"},
    [FF_ERR_CLOSE_CODE] = {PROTOCOL_ERROR, "close-code",
                           "the status code must not be used in a Close frame (RFC 6455, 7.4)"},
    [FF_ERR_CLOSE_UTF8] = {INVALID_PAYLOAD, "close-utf8",
                           "the reason of a Close frame is not UTF-8 (RFC 6455, 5.5.1)"},
    [FF_ERR_TEXT_UTF8] = {INVALID_PAYLOAD, "text-utf8",
                          "a text message is not UTF-8 (RFC 6455, 8.1)"},
    [FF_ERR_DEFLATE] = {INVALID_PAYLOAD, "deflate",
                        "a compressed message is not DEFLATE (RFC 7692, 7.2.2)"},

    [FF_ERR_FRAME_TOO_BIG] = {TOO_BIG, "frame-too-big",
                              "the frame is larger than max_frame_size (RFC 6455, 10.4)"},
    [FF_ERR_MESSAGE_TOO_BIG] = {TOO_BIG, "message-too-big",
                                "the message is larger than max_message_size (RFC 6455, 10.4)"},
    [FF_ERR_HANDSHAKE] =
        {PROTOCOL_ERROR, "handshake",
         "this looks like HTTP, not like a frame: read the handshake before (RFC 6455, 4)"},

    [FF_ERR_TOO_MANY_FRAGMENTS] =
        {TOO_BIG, "too-many-fragments",
         "the message has more fragments than max_fragments (RFC 6455, 10.4)"},
};

const char *ff_status_text(ff_status status)
{
    return (unsigned)status < FF_STATUS_COUNT ? MEANINGS[status].text : "an unknown status";
}

uint16_t ff_status_close_code(ff_status status)
{
    return (unsigned)status < FF_STATUS_COUNT ? MEANINGS[status].close_code : 0;
}

const char *ff_status_rule(ff_status status)
{
    return (unsigned)status < FF_STATUS_COUNT ? MEANINGS[status].rule : "";
}
