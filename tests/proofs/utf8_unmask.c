/* utf8_unmask of the portable kernels, for every payload of up to eight bytes and every key: it
 * unmasks, says whether that is whole UTF-8, and measures it; after the end it writes one zero. */
#include "proof.h"

#include "kernels_portable.c"

enum { MOST = 8 };

int main(void)
{
    size_t length = any_size_up_to(MOST), characters = 0;
    uint8_t memory[MOST], *src = LAST_BYTES(memory, MOST, length), dst[MOST + 2], key[4],
                          largest = 0;
    dst[length + 1] = 0xAA;
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = nondet_byte();
    ff_text text = {0, 0};
    bool valid = utf8_unmask_portable(dst, src, length, key, &text);
    for (size_t i = 0; i < MOST; i++) {
        if (i < length) {
            assert(dst[i] == (src[i] ^ key[i % 4]));
            characters += dst[i] < 0x80 || dst[i] > 0xBF;
            largest = dst[i] > largest ? dst[i] : largest;
        }
    }
    assert(dst[length] == 0 && dst[length + 1] == 0xAA);
    assert(valid == (missing_end(dst, length) == 0));
    assert(text.characters == characters && text.largest_byte == largest);
    return 0;
}
