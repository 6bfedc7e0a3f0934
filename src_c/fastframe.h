/* fastframe.h: the WebSocket (RFC 6455) frame codec in C.
 *
 * Strategy
 *   Every function works on memory that the caller owns: nothing here allocates, keeps a pointer or
 *   blocks. A step has three outcomes: FF_OK, FF_NEED_DATA (nothing was consumed; come back with
 *   more bytes), or an FF_ERR_* that names the one rule that was broken. No byte past `length` is
 *   ever read, no alignment is assumed, and lengths from the wire stay uint64_t until a limit has
 *   been checked.
 *
 * The bulk work (masking, UTF-8) goes through a table of kernels, one table per instruction set:
 * see `ff_kernels`.
 */
#ifndef FASTFRAME_H
#define FASTFRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- status ---------------------------------------------------------------------------------- */

typedef enum ff_status {
    FF_OK = 0,
    FF_NEED_DATA,

    /* The frame header (5.2). */
    FF_ERR_RSV,                   /* a reserved bit is set and no extension uses it (5.2) */
    FF_ERR_OPCODE,                /* a reserved opcode (5.2) */
    FF_ERR_CONTROL_FRAGMENTED,    /* a control frame without FIN (5.5) */
    FF_ERR_CONTROL_LENGTH,        /* a control frame with more than 125 bytes (5.5) */
    FF_ERR_LENGTH_16_NOT_MINIMAL, /* 16-bit length for a payload of less than 126 bytes (5.2) */
    FF_ERR_LENGTH_64_NOT_MINIMAL, /* 64-bit length for a payload of less than 65,536 bytes (5.2) */
    FF_ERR_LENGTH_TOP_BIT,        /* the most significant bit of the 64-bit length is set (5.2) */
    FF_ERR_MASKED,                /* a server's frame is masked (5.1) */
    FF_ERR_UNMASKED,              /* a client's frame is not masked (5.1) */

    /* The order of frames (5.4). */
    FF_ERR_CONTINUATION_UNEXPECTED, /* a continuation frame, and no message is open */
    FF_ERR_CONTINUATION_EXPECTED,   /* a new message inside an open one */

    /* What frames carry. */
    FF_ERR_CLOSE_LENGTH, /* a Close payload of one byte (5.5.1) */
    FF_ERR_CLOSE_CODE,   /* a status code that must not be on the wire (7.4) */
    FF_ERR_CLOSE_UTF8,   /* a Close reason that is not UTF-8 (5.5.1) */
    FF_ERR_TEXT_UTF8,    /* a text message that is not UTF-8 (8.1) */
    FF_ERR_DEFLATE,      /* a compressed message that is not DEFLATE (RFC 7692, 7.2.2) */

    /* The limits of the endpoint (10.4). */
    FF_ERR_FRAME_TOO_BIG,      /* a frame with more bytes than it may have */
    FF_ERR_MESSAGE_TOO_BIG,    /* a message with more bytes than it may have */
    FF_ERR_TOO_MANY_FRAGMENTS, /* a message in more frames than it may have */

    FF_ERR_HANDSHAKE, /* HTTP in place of the first frame (4) */

    FF_STATUS_COUNT
} ff_status;

/* One sentence for a person, naming the rule and its section. Static; never NULL. */
const char *ff_status_text(ff_status status);

/* A short name of the rule, for counters and logs: "text-utf8" for FF_ERR_TEXT_UTF8. Names stay as
 * they are. Static; "" if no rule is broken. */
const char *ff_status_rule(ff_status status);

/* The status code to close the connection with (7.4.1): 1002, 1007 or 1009; 0 for FF_OK and
 * FF_NEED_DATA. */
uint16_t ff_status_close_code(ff_status status);

/* ---- frame header (5.2)
 * ------------------------------------------------------------------------------------------ */

/* What a frame carries. */
enum {
    FF_OPCODE_CONTINUATION = 0x0,
    FF_OPCODE_TEXT = 0x1,
    FF_OPCODE_BINARY = 0x2,
    FF_OPCODE_CLOSE = 0x8,
    FF_OPCODE_PING = 0x9,
    FF_OPCODE_PONG = 0xA
};

/* The three reserved bits. */
enum { FF_RSV1 = 4, FF_RSV2 = 2, FF_RSV3 = 1 };

enum {
    FF_MAX_HEADER = 14, /* 2 + 8 for the extended payload length + 4 for the masking key */
    FF_MAX_CONTROL_PAYLOAD = 125, /* bytes of a control frame (5.5) */
    FF_MASKING_KEY_SIZE = 4
};

/* One end of a connection. */
typedef enum ff_role { FF_CLIENT, FF_SERVER } ff_role;

/* A frame header. */
typedef struct ff_header {
    uint64_t payload_length;                  /* in bytes */
    uint8_t masking_key[FF_MASKING_KEY_SIZE]; /* zeros, which change nothing, unless `masked` */
    uint8_t opcode;
    uint8_t rsv; /* FF_RSV1 | FF_RSV2 | FF_RSV3 */
    /* of the header on the wire in bytes, masking key included; 0 while the payload length
     * is unknown */
    uint8_t size;
    bool fin;
    bool masked;
} ff_header;

/* True for Close, Ping and Pong, and for the reserved opcodes of control frames (5.5). */
static inline bool ff_opcode_is_control(uint8_t opcode) { return (opcode & 0x8) != 0; }

/* Reads the header at `data`, and checks the rules that a header breaks all by itself: opcode,
 * control frames, length.
 *
 * FF_NEED_DATA comes back with `header` filled as far as it is known, so that a caller may refuse
 * early: with two bytes, everything but payload_length and masking_key; once `size` is not 0,
 * payload_length as well. */
ff_status ff_header_parse(const uint8_t *data, size_t length, ff_header *header);

/* True for the rules that only the extended payload length can break. Report them after
 * ff_header_check and after the order of frames, which the first two bytes decide: then the error
 * is the same however much of the header arrives at once. */
static inline bool ff_status_is_of_extended_length(ff_status status)
{
    return status == FF_ERR_LENGTH_16_NOT_MINIMAL || status == FF_ERR_LENGTH_64_NOT_MINIMAL ||
           status == FF_ERR_LENGTH_TOP_BIT;
}

/* Checks the rules that depend on who receives: `receiver` is the role of this endpoint,
 * `rsv_allowed` the reserved bits that a negotiated extension uses. Needs the first two bytes of
 * the header only. */
ff_status ff_header_check(const ff_header *header, ff_role receiver, uint8_t rsv_allowed);

/* The fast path: true, with `header` filled, if `data` begins with a text or binary message in one
 * frame, all of it here, that `receiver` may take without an extension. False says nothing: then
 * see ff_header_parse. */
bool ff_header_of_whole_message(const uint8_t *data, size_t length, ff_role receiver,
                                ff_header *header);

/* Writes `header` to `out`, which has room for FF_MAX_HEADER bytes, and sets `header->size` to the
 * bytes written. Refuses what ff_header_parse would refuse; then nothing is written. */
ff_status ff_header_write(ff_header *header, uint8_t *out);

/* ---- UTF-8 (8.1, RFC 3629)
 * --------------------------------------------------------------------------------------- */

/* The state of a text between two chunks: how many continuation bytes are missing, and the range of
 * the next one. */
typedef struct ff_utf8 {
    uint8_t missing;
    uint8_t low;
    uint8_t high;
} ff_utf8;

/* The state at the start of a text. */
static inline ff_utf8 ff_utf8_start(void)
{
    ff_utf8 state = {0, 0x80, 0xBF};
    return state;
}

/* True where a text may end: no character is cut. */
static inline bool ff_utf8_complete(const ff_utf8 *state) { return state->missing == 0; }

/* What a text needs as a string: its length in characters (code points), and its largest byte,
 * which tells the largest character: below 0x80 it is ASCII, below 0xC4 Latin-1, below 0xF0 in the
 * basic plane. */
typedef struct ff_text {
    size_t characters;
    uint8_t largest_byte;
} ff_text;

/* How many bytes at the end of well-formed text belong to a character that is incomplete: 0 to
 * 3. */
size_t ff_utf8_cut(const uint8_t *data, size_t length);

/* ---- kernels --------------------------------------------------------------------------------- */

/* What every instruction set provides. All tables behave alike; `kernels_portable.c` is the
 * specification. */
typedef struct ff_kernels {
    const char *name; /* "portable", "sse41", "avx2", "avx512", "neon" */

    /* dst[i] = src[i] ^ key[i & 3]. `dst` and `src` are the same or do not overlap. */
    void (*mask)(uint8_t *dst, const uint8_t *src, size_t length,
                 const uint8_t key[FF_MASKING_KEY_SIZE]);

    /* The same; true if all that was written to `dst` is ASCII. */
    bool (*mask_ascii)(uint8_t *dst, const uint8_t *src, size_t length,
                       const uint8_t key[FF_MASKING_KEY_SIZE]);

    /* Continues `state` over one chunk of a text. False as soon as a byte proves that the text is
     * not UTF-8; `state` is then of no further use. */
    bool (*utf8_feed)(ff_utf8 *state, const uint8_t *data, size_t length);

    /* Unmasks whole characters into `dst`, and adds them to `text`. False if what is then there is
     * not UTF-8; it is unmasked all the same. The FF_PADDING bytes before `dst` can be read, and
     * are no part of a character; those after the end are overwritten: the first one with zero, the
     * others with anything. `dst` and `src` are the same or do not overlap. */
    bool (*utf8_unmask)(uint8_t *dst, const uint8_t *src, size_t length,
                        const uint8_t key[FF_MASKING_KEY_SIZE], ff_text *text);

    /* Well-formed, whole UTF-8 as characters of one, two or four bytes in the machine's order,
     * which must be wide enough; `text` is its measure. FF_PADDING bytes before and after the data
     * can be read, and are no part of its characters: the first one after it is no continuation
     * byte. Nothing is written past the last character. */
    void (*utf8_to_latin1)(uint8_t *dst, const uint8_t *data, size_t length, const ff_text *text);
    void (*utf8_to_ucs2)(uint8_t *dst, const uint8_t *data, size_t length, const ff_text *text);
    void (*utf8_to_ucs4)(uint8_t *dst, const uint8_t *data, size_t length, const ff_text *text);

    /* How many bytes `count` characters need in UTF-8; SIZE_MAX if one of them is a surrogate,
     * which none can have. Each character has `width` bytes, one, two or four, in the machine's
     * order; four hold no more than 10FFFF. */
    size_t (*utf8_size)(const void *characters, size_t count, unsigned width);

    /* Writes them; `size` is what utf8_size said. */
    void (*utf8_from)(uint8_t *dst, size_t size, const void *characters, size_t count,
                      unsigned width);

    /* False if utf8_unmask, utf8_to_* and utf8_from are plain loops, which a good scalar codec
     * beats. */
    bool text_is_fast;
} ff_kernels;

enum { FF_PADDING = 64 }; /* bytes that must be there before and after a text, see ff_kernels */

/* The table in use: chosen for this CPU when first asked for, or by ff_kernels_select. Never
 * NULL. */
const ff_kernels *ff_kernels_active(void);

/* Uses the table called `name` from now on. False, and nothing changes, if this build or this CPU
 * does not have it. */
bool ff_kernels_select(const char *name);

/* The i-th table that this build has and this CPU can run, best first; NULL past the last. */
const ff_kernels *ff_kernels_at(size_t i);

/* The masking key as it applies `offset` bytes into the payload (5.3). */
static inline void ff_masking_key_rotate(uint8_t *rotated, const uint8_t *key, uint64_t offset)
{
    for (unsigned i = 0; i < FF_MASKING_KEY_SIZE; i++)
        rotated[i] = key[(offset + i) & 3];
}

/* ---- Close (5.5.1, 7.4)
 * ------------------------------------------------------------------------------------------ */

enum {
    /* stands for an empty Close payload; never on the wire (7.1.5) */
    FF_CLOSE_NO_STATUS = 1005
};

/* True for a status code that an endpoint may send: 7.4.1, 7.4.2 and the IANA registry. */
bool ff_close_code_is_valid(uint32_t code);

/* The same in words. */
#define FF_CLOSE_CODES_TO_SEND "1000 to 1003, 1007 to 1014 and 3000 to 4999"

/* Checks an unmasked Close payload and stores its status code; the reason is what follows the first
 * two bytes. */
ff_status ff_close_parse(const ff_kernels *kernels, const uint8_t *payload, size_t length,
                         uint16_t *code);

#ifdef __cplusplus
}
#endif

#endif
