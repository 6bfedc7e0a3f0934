/* vector_table.h: the table of one instruction set. Included last by a kernel file, which has
 * defined TABLE_OF_KERNELS, its name as an identifier, and NAME_OF_KERNELS, the same as a string.
 */
FF_ALIGNED static void ISA(utf8_to_latin1)(uint8_t *dst, const uint8_t *data, size_t length,
                                           const ff_text *text)
{
    write_latin(dst, data, length, text->characters);
}

FF_ALIGNED static void ISA(utf8_to_ucs2)(uint8_t *dst, const uint8_t *data, size_t length,
                                         const ff_text *text)
{
    if (text->largest_byte < 0xE0)
        write_text(dst, data, length, text->characters, 2, 2);
    else
        write_text(dst, data, length, text->characters, 2, 3);
}

FF_ALIGNED static void ISA(utf8_to_ucs4)(uint8_t *dst, const uint8_t *data, size_t length,
                                         const ff_text *text)
{
    write_text(dst, data, length, text->characters, 4, 4);
}

static size_t ISA(utf8_size)(const void *characters, size_t count, unsigned width)
{
    if (width == 1)
        return utf8_size_1((const uint8_t *)characters, count);
    if (width == 2)
        return utf8_size_2((const uint8_t *)characters, count);
    return utf8_size_4((const uint8_t *)characters, count);
}

const ff_kernels TABLE_OF_KERNELS = {
    .name = NAME_OF_KERNELS,
    .mask = ISA(mask),
    .mask_ascii = ISA(mask_ascii),
    .utf8_feed = ISA(utf8_feed),
    .utf8_unmask = ISA(utf8_unmask),
    .utf8_to_latin1 = ISA(utf8_to_latin1),
    .utf8_to_ucs2 = ISA(utf8_to_ucs2),
    .utf8_to_ucs4 = ISA(utf8_to_ucs4),
    .utf8_size = ISA(utf8_size),
    .utf8_from = ISA(utf8_from),
    .text_is_fast = true,
};
