/* mask_ascii of the portable kernels says that all is ASCII exactly where it is, for every length
 * up to 24. */
#include "proof.h"

#include "kernels_portable.c"

int main(void)
{
    size_t length = any_size_up_to(24);
    uint8_t key[FF_MASKING_KEY_SIZE], *src = any_bytes(length), dst[24];
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = nondet_byte();
    bool expected = true;
    for (size_t i = 0; i < 24; i++) {
        if (i < length && ((src[i] ^ key[i % 4]) & 0x80))
            expected = false;
    }
    assert(mask_ascii_portable(dst, src, length, key) == expected);
    return 0;
}
