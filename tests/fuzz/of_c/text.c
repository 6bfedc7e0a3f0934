/* From the wire to characters and back on every table: the first four bytes are the masking key. */
#include "fuzz.h"

typedef void decode(uint8_t *, const uint8_t *, size_t, const ff_text *);

static void there_and_back(const ff_kernels *kernels, const uint8_t *scratch, size_t length,
                           const ff_text *measure)
{
    unsigned width = measure->largest_byte < 0xC4 ? 1 : measure->largest_byte < 0xF0 ? 2 : 4;
    decode *write = width == 1   ? kernels->utf8_to_latin1
                    : width == 2 ? kernels->utf8_to_ucs2
                                 : kernels->utf8_to_ucs4;
    uint8_t *characters = copy_of(scratch, 0);
    characters = realloc(characters, measure->characters * width + 1);
    MUST(characters != NULL);
    write(characters, scratch, length, measure);
    uint8_t *exact = copy_of(characters, measure->characters * width);
    MUST(kernels->utf8_size(exact, measure->characters, width) == length);
    uint8_t *encoded = copy_of(scratch, length);
    memset(encoded, 0, length);
    kernels->utf8_from(encoded, length, exact, measure->characters, width);
    MUST(memcmp(encoded, scratch, length) == 0);
    free(characters);
    free(exact);
    free(encoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < FF_MASKING_KEY_SIZE)
        return 0;
    const uint8_t *key = data;
    size_t length = size - FF_MASKING_KEY_SIZE;
    uint8_t *wire = copy_of(data + FF_MASKING_KEY_SIZE, length);
    uint8_t *expected = calloc(1, length + 2 * FF_PADDING);
    uint8_t *scratch = calloc(1, length + 2 * FF_PADDING), *ascii = copy_of(wire, length);
    MUST(expected && scratch);
    ff_text expected_measure = {0, 0};
    bool expected_valid =
        portable()->utf8_unmask(expected + FF_PADDING, wire, length, key, &expected_measure);
    for (size_t i = 0; ff_kernels_at(i); i++) {
        const ff_kernels *kernels = ff_kernels_at(i);
        ff_text measure = {0, 0};
        memset(scratch, 0, length + 2 * FF_PADDING);
        bool valid = kernels->utf8_unmask(scratch + FF_PADDING, wire, length, key, &measure);
        MUST(valid == expected_valid);
        MUST(memcmp(scratch + FF_PADDING, expected + FF_PADDING, length) == 0);
        bool is_ascii = kernels->mask_ascii(ascii, wire, length, key);
        MUST(is_ascii == (expected_measure.largest_byte < 0x80));
        if (!valid)
            continue;
        MUST(measure.characters == expected_measure.characters &&
             measure.largest_byte == expected_measure.largest_byte);
        there_and_back(kernels, scratch + FF_PADDING, length, &measure);
    }
    free(wire);
    free(expected);
    free(scratch);
    free(ascii);
    return 0;
}
