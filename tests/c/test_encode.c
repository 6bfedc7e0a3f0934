/* Characters to UTF-8 with every table: each kind of text at each place of a step, after each other
 * kind. The encoder of one character at a time is the oracle; test_kernels.c checks that one. */
#include "check.h"

#include "utf8.h"

static const ff_kernels *kernels;
static guarded from, to;

/* The characters in every width that has them, where both they and their bytes end with a page, and
 * in the middle of pages; and no byte more is written. */
static void check_characters(const uint32_t *characters, size_t count)
{
    static uint8_t expected[4 * 512], untouched[128];
    memset(untouched, 0xA5, sizeof untouched);
    uint32_t largest = 0;
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t c = characters[i];
        largest = c > largest ? c : largest;
        length += c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    }
    ff_utf8_from(expected, characters, count, 4);
    for (unsigned width = largest < 0x100 ? 1 : largest < 0x10000 ? 2 : 4; width <= 4; width *= 2) {
        for (unsigned place = 0; place < 4; place++) {
            uint8_t *s = place & 1 ? to.end - count * width : to.start + 64 + count % 7,
                    *dst = place & 2 ? from.end - length : from.start + 64 + count % 61;
            for (size_t i = 0; i < count; i++) {
                uint16_t two = (uint16_t)characters[i];
                if (width == 1)
                    s[i] = (uint8_t)characters[i];
                else
                    memcpy(s + i * width,
                           width == 2 ? (const void *)&two : (const void *)&characters[i], width);
            }
            dst[-1] = 0xA5;
            if (!(place & 2))
                memset(dst + length, 0xA5, sizeof untouched);
            CHECK(kernels->utf8_size(s, count, width) == length);
            kernels->utf8_from(dst, length, s, count, width);
            CHECK(memcmp(dst, expected, length) == 0 && dst[-1] == 0xA5);
            CHECK(place & 2 || memcmp(dst + length, untouched, sizeof untouched) == 0);
        }
    }
}

/* Steps go another way for each kind of text, so each kind begins at each place of a step, after
 * each other; for each length, too. */
static void test_encode_between_kinds(unsigned every)
{
    static const uint32_t KINDS[][2] = {{'a', '~'},    {0, 0x7F},          {0x80, 0xFF},
                                        {0xBF, 0xC0},  {'e', 0xE9},        {0x100, 0x44F},
                                        {0x7FF, ' '},  {0x800, 0x4E2D},    {0xD7FF, 0xE000},
                                        {0xFFFF, '9'}, {0x10000, 0x1F600}, {0x10FFFF, 'x'}};
    enum { KIND_COUNT = sizeof KINDS / sizeof KINDS[0] };
    uint32_t characters[300];
    for (unsigned kinds = 0; kinds < KIND_COUNT * KIND_COUNT; kinds += every) {
        const uint32_t *a = KINDS[kinds / KIND_COUNT], *b = KINDS[kinds % KIND_COUNT];
        for (size_t at = 0; at < 140; at += at < 70 ? 1 : 7) {
            size_t count = at + (at + kinds) % 5 * (at + kinds) % 160;
            for (size_t i = 0; i < count; i++)
                characters[i] = (i < at ? a : b)[i & 1];
            check_characters(characters, count);
        }
        /* One of them among the others, and runs of a random length. */
        for (size_t count = 1; count < 150; count += 1 + kinds % 3) {
            for (size_t i = 0; i < count; i++)
                characters[i] = a[0];
            characters[next_random() % count] = b[1];
            check_characters(characters, count);
            for (size_t i = 0, run = 0, other = 0; i < count; i++) {
                if (run-- == 0) {
                    run = next_random() % 20;
                    other ^= 1;
                }
                characters[i] = (other ? a : b)[i & 1];
            }
            check_characters(characters, count);
        }
    }
}

/* A surrogate at each place of a text of each length. */
static void test_size_with_surrogates(void)
{
    static const uint32_t OTHERS[] = {'a', 0x4E2D, 0xFFFF, 0x10FFFF};
    for (unsigned other = 0; other < 4; other++) {
        unsigned width = OTHERS[other] < 0x10000 ? 2 : 4;
        for (; width <= 4; width += 2) {
            for (size_t count = 1; count < 150; count++) {
                uint8_t *s = count % 2 ? to.end - count * width : to.start + count % 64;
                for (size_t at = 0; at < count; at++) {
                    for (size_t i = 0; i < count; i++) {
                        uint32_t c = i == at ? (at % 2 ? 0xD800 : 0xDFFF) : OTHERS[other];
                        uint16_t two = (uint16_t)c;
                        memcpy(s + i * width, width == 2 ? (const void *)&two : (const void *)&c,
                               width);
                    }
                    CHECK(kernels->utf8_size(s, count, width) == SIZE_MAX);
                }
            }
        }
    }
}

int main(int argc, char **argv)
{
    unsigned every = argc > 1 && atoi(argv[1]) < 10000 ? 7 : 1; /* emulation is slow */
    from = guarded_new(4 * 512);
    to = guarded_new(4 * 512);
    for (size_t i = 0; (kernels = ff_kernels_at(i)) != NULL; i++) {
        test_encode_between_kinds(every);
        test_size_with_surrogates();
        printf("kernels: %s\n", kernels->name);
    }
    return report("encode");
}
