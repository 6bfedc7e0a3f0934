/* Every kernel of every table against a plain oracle, flush against guard pages on both sides. */
#include "check.h"

#include "utf8.h"

enum { MAX_LENGTH = 4200 };

static const ff_kernels *kernels;
static guarded from, to;

/* ---- masking: byte by byte is the oracle ---- */

static void check_mask(const uint8_t *src, uint8_t *dst, size_t length, const uint8_t *key)
{
    uint8_t expected[MAX_LENGTH];
    for (size_t i = 0; i < length; i++)
        expected[i] = src[i] ^ key[i & 3];
    kernels->mask(dst, src, length, key);
    CHECK(memcmp(dst, expected, length) == 0);
}

/* All ASCII but for one byte, which may be anywhere: found wherever it is, and not where it is
 * not. */
static void test_mask_ascii(void)
{
    uint8_t plain[700], masked[700];
    const uint8_t key[4] = {0x92, 0x07, 0xFF, 0x80};
    for (size_t length = 0; length <= sizeof plain; length += length < 300 ? 1 : 37) {
        for (size_t i = 0; i < length; i++)
            plain[i] = (uint8_t)(i * 7 % 128);
        for (size_t bad = 0; bad <= length; bad += length < 70 ? 1 : 13) {
            if (bad < length)
                plain[bad] |= 0x80;
            for (size_t i = 0; i < length; i++)
                masked[i] = plain[i] ^ key[i & 3];
            uint8_t *src = at_end(from, masked, length), *dst = to.end - length;
            CHECK(kernels->mask_ascii(dst, src, length, key) == (bad == length));
            CHECK(memcmp(dst, plain, length) == 0);
            if (bad < length)
                plain[bad] &= 0x7F;
        }
    }
}

static void test_mask(void)
{
    uint8_t data[MAX_LENGTH];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i % 251 + (i >> 3)); /* a prime, so that swapped blocks show */

    for (size_t length = 0; length <= MAX_LENGTH; length += length < 320 ? 1 : 61) {
        uint64_t bits = next_random() | 1;
        uint8_t key[4];
        memcpy(key, &bits, 4);
        check_mask(at_end(from, data, length), to.end - length, length, key);
        check_mask(at_start(from, data, length), to.start, length, key);
        check_mask(at_start(from, data, length), to.end - length, length, key);
        uint8_t *place = at_end(from, data, length);
        check_mask(place, place, length, key);
        place = at_start(from, data, length);
        check_mask(place, place, length, key);
    }
    for (size_t align = 0; align < 64; align++) {
        for (size_t length = 0; length <= 300; length++) {
            uint8_t *src = from.start + align, *dst = to.start + (align * 7 & 63);
            memcpy(src, data, length);
            dst[length] = 0xA5; /* never store past the end */
            check_mask(src, dst, length, (const uint8_t *)"\x01\x80\xFF\x5A");
            CHECK(dst[length] == 0xA5);
        }
    }
}

static void test_rotation(void)
{
    uint8_t rotated[4];
    for (uint64_t offset = 0; offset < 8; offset++) {
        ff_masking_key_rotate(rotated, (const uint8_t *)"abcd", offset + (UINT64_C(1) << 62));
        for (unsigned i = 0; i < 4; i++)
            CHECK(rotated[i] == "abcd"[(offset + i) & 3]);
    }
}

/* ---- UTF-8: decoding code points by the table of RFC 3629 is the oracle ---- */

static bool is_continuation(uint8_t byte) { return (byte & 0xC0) == 0x80; }

static bool oracle_utf8(const uint8_t *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        uint32_t point;
        unsigned more;
        if (s[i] < 0x80) {
            i++;
            continue;
        }
        if ((s[i] & 0xE0) == 0xC0) {
            more = 1;
            point = s[i] & 0x1F;
        } else if ((s[i] & 0xF0) == 0xE0) {
            more = 2;
            point = s[i] & 0x0F;
        } else if ((s[i] & 0xF8) == 0xF0) {
            more = 3;
            point = s[i] & 0x07;
        } else {
            return false;
        }
        if (n - i <= more)
            return false;
        for (unsigned k = 1; k <= more; k++) {
            if (!is_continuation(s[i + k]))
                return false;
            point = point << 6 | (s[i + k] & 0x3F);
        }
        static const uint32_t smallest[] = {0, 0x80, 0x800, 0x10000};
        if (point < smallest[more] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF))
            return false;
        i += more + 1;
    }
    return true;
}

static bool feed_whole(const uint8_t *data, size_t length)
{
    ff_utf8 state = ff_utf8_start();
    return kernels->utf8_feed(&state, data, length) && ff_utf8_complete(&state);
}

static bool feed_cut(const uint8_t *data, size_t length, size_t cut)
{
    ff_utf8 state = ff_utf8_start();
    return kernels->utf8_feed(&state, at_end(from, data, cut), cut) &&
           kernels->utf8_feed(&state, at_end(to, data + cut, length - cut), length - cut) &&
           ff_utf8_complete(&state);
}

/* In place, where nothing before it belongs to the text. */
static bool unmask_whole(const uint8_t *data, size_t length)
{
    uint8_t *place = to.end - FF_PADDING - length;
    ff_text text = {0, 0};
    memset(place - FF_PADDING, 0, FF_PADDING);
    memcpy(place, data, length);
    memset(place + length, 0x80, FF_PADDING);
    bool valid = kernels->utf8_unmask(place, place, length, (const uint8_t *)"\0\0\0", &text);
    CHECK(memcmp(place, data, length) == 0);
    return valid;
}

static void check_utf8(const uint8_t *data, size_t length)
{
    bool expected = oracle_utf8(data, length);
    CHECK(unmask_whole(data, length) == expected);
    CHECK(feed_whole(at_end(from, data, length), length) == expected);
    CHECK(feed_whole(at_start(from, data, length), length) == expected);
}

static void test_utf8_sequences(void)
{
    static const uint8_t EDGES[] = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF,
                                    0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE,
                                    0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF8, 0xFF};
    enum { N = sizeof EDGES };
    uint8_t data[80];
    check_utf8(data, 0);
    for (unsigned a = 0; a < 256; a++) {
        data[0] = (uint8_t)a;
        check_utf8(data, 1);
        for (unsigned b = 0; b < 256; b++) {
            data[1] = (uint8_t)b;
            check_utf8(data, 2);
        }
    }
    /* Four bytes of edges after 0 to 67 bytes of ASCII, so that they straddle the edges of any
     * block. */
    for (unsigned i = 0; i < N * N * N * N; i++) {
        size_t before = i % 68;
        memset(data, 'a', before);
        data[before] = EDGES[i % N];
        data[before + 1] = EDGES[i / N % N];
        data[before + 2] = EDGES[i / N / N % N];
        data[before + 3] = EDGES[i / N / N / N];
        check_utf8(data, before + 3);
        check_utf8(data, before + 4);
        CHECK(feed_cut(data, before + 4, before + i % 5) == oracle_utf8(data, before + 4));
    }
}

static void test_utf8_random(unsigned rounds)
{
    static const char *const CHARACTERS[] = {"a",
                                             "~",
                                             "\xC2\x80",
                                             "\xDF\xBF",
                                             "\xE0\xA0\x80",
                                             "\xED\x9F\xBF",
                                             "\xEE\x80\x80",
                                             "\xEF\xBF\xBF",
                                             "\xF0\x90\x80\x80",
                                             "\xF4\x8F\xBF\xBF"};
    uint8_t data[600];
    for (unsigned round = 0; round < rounds; round++) {
        size_t length = 0, characters = next_random() % 120;
        unsigned palette = 1 + next_random() % 10;
        for (size_t i = 0; i < characters; i++) {
            const char *character = CHARACTERS[next_random() % palette];
            memcpy(data + length, character, strlen(character));
            length += strlen(character);
        }
        if (length && next_random() % 2)
            data[next_random() % length] = (uint8_t)next_random();
        check_utf8(data, length);
        CHECK(feed_cut(data, length, length ? next_random() % (length + 1) : 0) ==
              oracle_utf8(data, length));
    }
}

/* The state after a chunk is the same with every table, wherever the chunk ends, and so is what
 * comes of the rest. The text switches between characters of two lengths every few of them, and is
 * flush against the guard pages. */
static void check_cuts(const uint8_t *data, size_t length)
{
    for (size_t cut = 0; cut <= length; cut++) {
        ff_utf8 state = ff_utf8_start(), expected = ff_utf8_start();
        const uint8_t *first = at_end(from, data, cut),
                      *second = at_end(to, data + cut, length - cut);
        bool alive = ff_kernels_portable.utf8_feed(&expected, first, cut);
        CHECK(kernels->utf8_feed(&state, first, cut) == alive);
        CHECK(!alive || memcmp(&state, &expected, sizeof state) == 0);
        if (!alive)
            continue;
        alive = ff_kernels_portable.utf8_feed(&expected, second, length - cut);
        CHECK(kernels->utf8_feed(&state, second, length - cut) == alive);
        CHECK(!alive || memcmp(&state, &expected, sizeof state) == 0);
    }
}

static void test_utf8_mixtures(unsigned rounds)
{
    static const char *const RUNS[4][3] = {
        {"a", "Z", "~"},
        {"\xC3\xA9", "\xD1\x8F", "\xDF\xBF"},
        {"\xE4\xB8\xAD", "\xE0\xA0\x80", "\xED\x9F\xBF"},
        {"\xF0\x9F\x98\x80", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}};
    static const uint8_t WRONG[] = {0x80, 0xBF, 0xC0, 0xC1, 0xE0, 0xED, 0xF0, 0xF4, 0xF5, 0xFF};
    uint8_t data[1500];
    for (unsigned round = 0; round < rounds; round++) {
        size_t length = 0, end = round % 16 ? next_random() % 200 : next_random() % 1400,
               run = (size_t)1 << next_random() % 7;
        unsigned pair[2] = {next_random() % 4, next_random() % 4};
        for (unsigned turn = 0; length < end; turn++) {
            for (size_t left = 1 + next_random() % run; left && length < end; left--) {
                const char *character = RUNS[pair[turn % 2]][next_random() % 3];
                memcpy(data + length, character, strlen(character));
                length += strlen(character);
            }
        }
        if (length && round % 3 == 0)
            data[next_random() % length] = WRONG[next_random() % sizeof WRONG];
        check_cuts(data, length);
        check_utf8(data, length);
    }
}

/* Every length to 300 at every place in a cache line, cut anywhere, with and without a wrong
 * byte. */
static void test_utf8_alignments(void)
{
    static const char *const MIXED =
        "plain, \xC3\xA9t\xC3\xA9 \xD1\x8F\xD0\xB6 \xE4\xB8\xAD\xE6\x96\x87 \xF0\x9F\x98\x80!";
    uint8_t text[301];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)MIXED[i % strlen(MIXED)];
    for (size_t align = 0; align < 64; align++) {
        for (size_t length = 0; length <= 300; length++) {
            uint8_t *data = from.start + align, *place = to.start + FF_PADDING + (align * 5 & 63);
            ff_text measure = {0, 0};
            memcpy(data, text, length);
            if (length && align % 2)
                data[(align * 37 + length) % length] = 0xC1;
            bool expected = oracle_utf8(data, length);
            CHECK(feed_whole(data, length) == expected);
            memset(place - FF_PADDING, 0, FF_PADDING);
            CHECK(kernels->utf8_unmask(place, data, length, (const uint8_t *)"\0\0\0", &measure) ==
                  expected);
            CHECK(memcmp(place, data, length) == 0);
        }
    }
}

/* Three bytes around each place where a block may end, after and before texts of characters of one
 * length each: kernels go another way for each length, and must agree on what is cut between two
 * blocks. */
static void test_utf8_between_blocks(void)
{
    static const char *const TEXTS[4] = {"abcdefghijkl",
                                         "\xC3\xA9\xC3\xA9\xD1\x8F\xD0\xB6\xDF\xBF\xC2\x80",
                                         "\xE4\xBD\xA0\xE0\xA0\x80\xED\x9F\xBF\xEF\xBF\xBF",
                                         "\xF0\x9F\x98\x80\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"};
    static const uint8_t EDGES[] = {'a',  0x80, 0xAF, 0xBF, 0xC0, 0xC1, 0xC2,
                                    0xDF, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 0xF5};
    enum { LENGTH = 768, EDGE_COUNT = sizeof EDGES };
    static const size_t BORDERS[] = {16,  19,  32,  35,  64,  67,  128, 131,
                                     192, 195, 256, 259, 384, 387, 512, 515};
    for (unsigned texts = 0; texts < 16; texts++) {
        for (size_t border = 0; border < sizeof BORDERS / sizeof BORDERS[0]; border++) {
            for (unsigned edges = next_random() % 4; edges < EDGE_COUNT * EDGE_COUNT * EDGE_COUNT;
                 edges += 1 + next_random() % 7) {
                /* Where the border is depends on how the data are aligned, so both move. */
                size_t align = next_random() % 64,
                       at = (BORDERS[border] + next_random() % 3) / 12 * 12 + next_random() % 12;
                uint8_t *data = from.start + align;
                for (size_t i = 0; i < LENGTH; i++)
                    data[i] =
                        (uint8_t)(i < at / 12 * 12 ? TEXTS[texts / 4] : TEXTS[texts % 4])[i % 12];
                data[at] = EDGES[edges % EDGE_COUNT];
                data[at + 1] = EDGES[edges / EDGE_COUNT % EDGE_COUNT];
                data[at + 2] = EDGES[edges / EDGE_COUNT / EDGE_COUNT];
                CHECK(feed_whole(data, LENGTH) == oracle_utf8(data, LENGTH));
                size_t length = at + 3 + next_random() % 140; /* and what is left varies, too */
                CHECK(feed_whole(data, length) == oracle_utf8(data, length));
            }
        }
    }
}

/* A prefix must be refused exactly if nothing that follows could make it valid. */
static void test_utf8_earliest(void)
{
    for (unsigned a = 0; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++) {
            uint8_t data[5] = {(uint8_t)a, (uint8_t)b, 0, 0x80, 0x80};
            bool can_be_saved = oracle_utf8(data, 2);
            for (unsigned next = 0x80; next < 0xC0; next++) {
                data[2] = (uint8_t)next;
                for (unsigned length = 3; length <= 5; length++)
                    can_be_saved |= oracle_utf8(data, length);
            }
            ff_utf8 state = ff_utf8_start();
            bool alive =
                kernels->utf8_feed(&state, data, 1) && kernels->utf8_feed(&state, data + 1, 1);
            CHECK(alive == can_be_saved);
        }
    }
}

/* A character whose end comes late: what stands between is one byte, a word, or many vectors. */
static void test_utf8_interrupted(void)
{
    static const char *const CHARACTERS[] = {"\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
    for (size_t i = 0; i < 3; i++) {
        size_t size = strlen(CHARACTERS[i]);
        for (size_t begun = 1; begun < size; begun++) {
            for (size_t between = 1; between < 300; between++) {
                uint8_t data[304];
                memcpy(data, CHARACTERS[i], begun);
                memset(data + begun, 'a', between);
                memcpy(data + begun + between, CHARACTERS[i] + begun, size - begun);
                check_utf8(data, size + between);
                ff_utf8 state = ff_utf8_start();
                CHECK(kernels->utf8_feed(&state, data, begun));
                CHECK(!kernels->utf8_feed(&state, data + begun, between));
            }
        }
    }
}

/* After each kind of character, the whole and each beginning of another one. */
static void test_utf8_cut(void)
{
    static const char *const CHARACTERS[] = {"",
                                             "a",
                                             "\x7F",
                                             "\xC2\x80",
                                             "\xDF\xBF",
                                             "\xE0\xA0\x80",
                                             "\xED\x9F\xBF",
                                             "\xEF\xBF\xBF",
                                             "\xF0\x90\x80\x80",
                                             "\xF4\x8F\xBF\xBF"};
    enum { COUNT = sizeof CHARACTERS / sizeof CHARACTERS[0] };
    for (unsigned i = 0; i < COUNT * COUNT; i++) {
        const char *before = CHARACTERS[i / COUNT], *after = CHARACTERS[i % COUNT];
        for (size_t some = 0; some <= strlen(after); some++) {
            char text[9];
            size_t length = (size_t)snprintf(text, sizeof text, "%s%.*s", before, (int)some, after);
            CHECK(ff_utf8_cut(at_start(from, text, length), length) ==
                  (some < strlen(after) ? some : 0));
        }
    }
}

/* ---- text: the scalar decoder of the table is the oracle ---- */

static size_t oracle_decode(uint32_t *out, const uint8_t *s, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; count++) {
        unsigned more = s[i] < 0x80 ? 0 : s[i] < 0xE0 ? 1 : s[i] < 0xF0 ? 2 : 3;
        out[count] = more == 0 ? s[i] : s[i] & (0x3Fu >> more);
        for (unsigned k = 1; k <= more; k++)
            out[count] = out[count] << 6 | (s[i + k] & 0x3F);
        i += more + 1;
    }
    return count;
}

/* Unmasks well-formed text between guard pages, and checks what is written and measured. */
static void check_unmask(const uint8_t *data, size_t length, size_t characters, uint8_t largest)
{
    static const uint8_t zeros[FF_PADDING];
    uint8_t key[4], *masked = from.end - length, *dst = to.end - FF_PADDING - length;
    uint64_t bits = next_random();
    memcpy(key, &bits, 4);
    for (size_t i = 0; i < length; i++)
        masked[i] = data[i] ^ key[i & 3];
    memcpy(dst - FF_PADDING, zeros, FF_PADDING);
    memset(dst + length, 0xA5, FF_PADDING);
    ff_text text = {7, 0x10};
    CHECK(kernels->utf8_unmask(dst, masked, length, key, &text));
    CHECK(memcmp(dst, data, length) == 0 && dst[length] == 0);
    CHECK(text.characters == 7 + characters &&
          text.largest_byte == (largest > 0x10 ? largest : 0x10));
}

static void check_text(const uint8_t *padded, size_t length)
{
    static uint32_t expected[4 * MAX_LENGTH];
    const uint8_t *data = padded + FF_PADDING;
    size_t characters = oracle_decode(expected, data, length);
    uint8_t largest = 0;
    for (size_t i = 0; i < length; i++)
        largest = data[i] > largest ? data[i] : largest;
    check_unmask(data, length, characters, largest);

    ff_text text = {characters, largest};
    void (*const write[])(uint8_t *, const uint8_t *, size_t, const ff_text *) = {
        NULL, kernels->utf8_to_latin1, kernels->utf8_to_ucs2, NULL, kernels->utf8_to_ucs4};
    for (unsigned width = largest < 0xC4 ? 1 : largest < 0xF0 ? 2 : 4; width <= 4; width *= 2) {
        uint8_t *dst = to.end - characters * width; /* one byte too far ends the test */
        write[width](dst, data, length, &text);
        for (size_t i = 0; i < characters; i++) {
            uint32_t four;
            uint16_t two;
            memcpy(&four, dst + i * width, width == 4 ? 4 : 0);
            memcpy(&two, dst + i * width, width == 2 ? 2 : 0);
            CHECK(expected[i] == (width == 4 ? four : width == 2 ? two : dst[i]));
        }
    }
}

/* ---- characters to UTF-8: from the characters that the oracle decoded, back to the same bytes
 * ---- */

static void check_encode(const uint8_t *data, size_t length)
{
    static uint32_t decoded[4 * MAX_LENGTH];
    size_t count = oracle_decode(decoded, data, length);
    uint32_t largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = decoded[i] > largest ? decoded[i] : largest;
    for (unsigned width = largest < 0x100 ? 1 : largest < 0x10000 ? 2 : 4; width <= 4; width *= 2) {
        uint8_t *characters = to.end - count * width, *dst = from.end - length;
        for (size_t i = 0; i < count; i++) {
            uint16_t two = (uint16_t)decoded[i];
            if (width == 1)
                characters[i] = (uint8_t)decoded[i];
            else
                memcpy(characters + i * width,
                       width == 2 ? (const void *)&two : (const void *)&decoded[i], width);
        }
        CHECK(kernels->utf8_size(characters, count, width) == length);
        dst[-1] = 0xA5;
        kernels->utf8_from(dst, length, characters, count, width);
        CHECK(memcmp(dst, data, length) == 0 && dst[-1] == 0xA5);
    }
}

/* Every character by itself, in the middle of others; and no surrogate, wherever it is. */
static void test_encode_every_character(void)
{
    uint32_t characters[40];
    uint8_t out[4 * 40], expected[4];
    for (uint32_t c = 0; c <= 0x10FFFF; c += c < 0x11000 ? 1 : 61) {
        bool surrogate = c >= 0xD800 && c <= 0xDFFF;
        size_t at = c % 40, length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        uint16_t two[40];
        for (size_t i = 0; i < 40; i++) {
            characters[i] = i == at ? c : 'a';
            two[i] = (uint16_t)characters[i];
        }
        size_t size = kernels->utf8_size(characters, 40, 4);
        CHECK(size == (surrogate ? SIZE_MAX : 39 + length));
        if (c < 0x10000)
            CHECK(kernels->utf8_size(two, 40, 2) == size);
        if (surrogate)
            continue;
        kernels->utf8_from(out, size, characters, 40, 4);
        ff_utf8_from(expected, &c, 1, 4);
        uint32_t back = 0;
        CHECK(oracle_decode(&back, expected, length) == 1 && back == c);
        CHECK(memcmp(out + at, expected, length) == 0);
        if (c < 0x10000) {
            memset(out, 0, sizeof out);
            kernels->utf8_from(out, size, two, 40, 2);
            CHECK(memcmp(out + at, expected, length) == 0);
        }
    }
}

/* More characters than a counter of a kernel may hold; and one surrogate among them. */
static void test_size_of_long_text(void)
{
    enum { COUNT = 300007 };
    static uint16_t two[COUNT];
    static uint8_t one[COUNT];
    const uint16_t characters[3] = {'a', 0xE9, 0x4E16};
    for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; j < COUNT; j++) {
            two[j] = characters[i];
            one[j] = (uint8_t)characters[i];
        }
        CHECK(kernels->utf8_size(two, COUNT, 2) == (i + 1) * COUNT);
        if (i < 2)
            CHECK(kernels->utf8_size(one, COUNT, 1) == (i + 1) * COUNT);
        for (size_t at = 0; at < COUNT; at += at < 100 ? 1 : 4099) {
            two[at] = (uint16_t)(0xD800 + at % 0x800);
            CHECK(kernels->utf8_size(two, COUNT, 2) == SIZE_MAX);
            two[at] = characters[i];
        }
    }
}

static void test_text(unsigned rounds)
{
    static const char *const CHARACTERS[] = {"a",
                                             "~",
                                             "\xC2\x80",
                                             "\xC3\xBF",
                                             "\xC4\x80",
                                             "\xDF\xBF",
                                             "\xE0\xA0\x80",
                                             "\xE4\xB8\xAD",
                                             "\xED\x9F\xBF",
                                             "\xEF\xBF\xBF",
                                             "\xF0\x90\x80\x80",
                                             "\xF0\x9F\x98\x80",
                                             "\xF4\x8F\xBF\xBF"};
    static const unsigned PALETTES[] = {1, 2, 4, 6, 10, 13};
    static uint8_t padded[FF_PADDING + 1200 + FF_PADDING];
    for (unsigned round = 0; round < rounds; round++) {
        uint8_t *data = padded + FF_PADDING;
        size_t length = 0, characters = next_random() % (round % 8 ? 90 : 290);
        unsigned palette = PALETTES[next_random() % 6], sparse = next_random() % 3;
        memset(padded, 0, FF_PADDING);
        for (size_t i = 0; i < characters; i++) {
            const char *character =
                CHARACTERS[sparse && next_random() % 16 ? 0 : next_random() % palette];
            memcpy(data + length, character, strlen(character));
            length += strlen(character);
        }
        memset(data + length, round % 2 ? 0xFF : 0x80,
               FF_PADDING); /* what follows must not matter */
        data[length] = 0;
        check_text(padded, length);
        check_encode(data, length);
    }
}

static void test_selection(void)
{
    CHECK(ff_kernels_active() == ff_kernels_at(0));
    CHECK(!ff_kernels_select("nonesuch") && ff_kernels_active() == ff_kernels_at(0));
    for (size_t i = 0; ff_kernels_at(i) != NULL; i++) {
        CHECK(ff_kernels_select(ff_kernels_at(i)->name));
        CHECK(ff_kernels_active() == ff_kernels_at(i));
    }
    CHECK(strcmp(ff_kernels_active()->name, "portable") == 0); /* the last one runs anywhere */
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 100000;
    from = guarded_new(MAX_LENGTH + 64);
    to = guarded_new(4 * MAX_LENGTH);
    test_selection();
    test_rotation();
    test_utf8_cut();
    for (size_t i = 0; (kernels = ff_kernels_at(i)) != NULL; i++) {
        test_mask();
        test_mask_ascii();
        test_utf8_sequences();
        test_utf8_random(rounds);
        test_utf8_between_blocks();
        test_utf8_mixtures(rounds / 200);
        test_utf8_earliest();
        test_utf8_interrupted();
        test_utf8_alignments();
        test_text(rounds);
        test_encode_every_character();
        test_size_of_long_text();
        printf("kernels: %s\n", kernels->name);
    }
    return report("kernels");
}
