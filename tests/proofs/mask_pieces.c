/* A payload that is masked in two pieces, the second with the rotated key, is what it is in one
 * piece, for every cut of every length up to 20; and rotating twice is rotating by the sum. */
#include "proof.h"

#include "kernels_portable.c"

enum { MOST = 20 };

int main(void)
{
    size_t length = any_size_up_to(MOST), cut = nondet_size(), i = nondet_size();
    ASSUME(cut <= length && i < length);
    uint8_t key[FF_MASKING_KEY_SIZE], rotated[4], twice[4], sum[4];
    uint8_t src[MOST], whole[MOST], pieces[MOST];
    for (size_t k = 0; k < sizeof key; k++)
        key[k] = nondet_byte();
    mask_portable(whole, src, length, key);
    ff_masking_key_rotate(rotated, key, cut);
    mask_portable(pieces, src, cut, key);
    mask_portable(pieces + cut, src + cut, length - cut, rotated);
    assert(pieces[i] == whole[i]);

    uint64_t a = nondet_uint64(), b = nondet_uint64();
    ff_masking_key_rotate(rotated, key, a);
    ff_masking_key_rotate(twice, rotated, b);
    ff_masking_key_rotate(sum, key, a + b);
    for (size_t k = 0; k < 4; k++)
        assert(twice[k] == sum[k]);
    return 0;
}
