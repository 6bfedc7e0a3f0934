/* The portable kernel for masking, for every length up to 80, every content and key, in place or
 * not: equal to 5.3's definition. Memory is as large as the payload, so nothing outside is
 * touched. LENGTH is given: each of them is a proof of its own. */
#include "proof.h"

#include "kernels_portable.c"

int main(void)
{
    uint8_t key[FF_MASKING_KEY_SIZE], src[LENGTH], dst[LENGTH], before[LENGTH];
    for (size_t k = 0; k < sizeof key; k++)
        key[k] = nondet_byte();
    memcpy(before, src, LENGTH);
    mask_portable(dst, src, LENGTH, key);
    for (size_t i = 0; i < LENGTH; i++)
        assert(dst[i] == (before[i] ^ key[i % 4]) && src[i] == before[i]);
    mask_portable(src, src, LENGTH, key);
    for (size_t i = 0; i < LENGTH; i++)
        assert(src[i] == dst[i]);
    return 0;
}
