/* vector_mask.h: masking with vectors, once for all instruction sets.
 *
 * Included by a kernel file inside its target region, after it has defined
 *   VECTOR, VECTOR_SIZE                 the widest vector, and its size in bytes
 *   LOAD(p) STORE(p, v) XOR(a, b) OR(a, b)
 *   KEY(k)                              the four bytes of the uint32_t k, repeated
 *   ISA(name)                           the name followed by the instruction set: perf and gdb
 *                                       tell kernels apart
 *   IS_ASCII(v)                         true if no byte has its top bit set
 * and, where VECTOR_SIZE is more than 16, the same with 16 after the name, and where it is more
 * than 32, with 32.
 *
 * Each size is done with loads and stores that overlap, instead of a loop over what is left: the
 * last vector is computed from the original bytes before anything is stored, and stored last; so it
 * is right in place, too.
 */
#include <string.h>

typedef struct {
    uint32_t whole; /* the key as it applies to the first byte */
    uint32_t end;   /* and as it applies at any multiple of four bytes before the end */
} mask_keys;

/* In a register: four bytes that were just stored one by one would not be there yet. The first byte
 * is the lowest of the word, as every machine with these vectors is little-endian. */
static inline uint32_t key_at(const uint8_t *key, size_t offset)
{
    uint32_t word;
    memcpy(&word, key, sizeof word);
    unsigned shift = 8 * (unsigned)(offset & 3);
    return word >> shift | word << (-shift & 31);
}

static inline bool mask_bytes(uint8_t *dst, const uint8_t *src, size_t length, const uint8_t *key)
{
    uint8_t seen = 0;
    for (size_t i = 0; i < length; i++)
        seen |= dst[i] = src[i] ^ key[i];
    return seen < 0x80;
}

static inline bool mask_4_to_7(uint8_t *dst, const uint8_t *src, size_t length, mask_keys keys)
{
    uint32_t head, tail;
    memcpy(&head, src, 4);
    memcpy(&tail, src + length - 4, 4);
    head ^= keys.whole;
    tail ^= keys.end;
    memcpy(dst, &head, 4);
    memcpy(dst + length - 4, &tail, 4);
    return ((head | tail) & 0x80808080u) == 0;
}

static inline bool mask_8_to_15(uint8_t *dst, const uint8_t *src, size_t length, mask_keys keys)
{
    uint64_t head, tail;
    memcpy(&head, src, 8);
    memcpy(&tail, src + length - 8, 8);
    head ^= (uint64_t)keys.whole << 32 | keys.whole;
    tail ^= (uint64_t)keys.end << 32 | keys.end;
    memcpy(dst, &head, 8);
    memcpy(dst + length - 8, &tail, 8);
    return ((head | tail) & UINT64_C(0x8080808080808080)) == 0;
}

#if VECTOR_SIZE > 16
static inline bool mask_16_to_31(uint8_t *dst, const uint8_t *src, size_t length, mask_keys keys)
{
    VECTOR16 head = XOR16(LOAD16(src), KEY16(keys.whole));
    VECTOR16 tail = XOR16(LOAD16(src + length - 16), KEY16(keys.end));
    STORE16(dst, head);
    STORE16(dst + length - 16, tail);
    return IS_ASCII16(OR16(head, tail));
}
#endif

#if VECTOR_SIZE > 32
static inline bool mask_32_to_63(uint8_t *dst, const uint8_t *src, size_t length, mask_keys keys)
{
    VECTOR32 head = XOR32(LOAD32(src), KEY32(keys.whole));
    VECTOR32 tail = XOR32(LOAD32(src + length - 32), KEY32(keys.end));
    STORE32(dst, head);
    STORE32(dst + length - 32, tail);
    return IS_ASCII32(OR32(head, tail));
}
#endif

static inline bool mask_short(uint8_t *dst, const uint8_t *src, size_t length, const uint8_t *key,
                              mask_keys keys)
{
#if VECTOR_SIZE > 32
    if (length >= 32)
        return mask_32_to_63(dst, src, length, keys);
#endif
#if VECTOR_SIZE > 16
    if (length >= 16)
        return mask_16_to_31(dst, src, length, keys);
#endif
    if (length >= 8)
        return mask_8_to_15(dst, src, length, keys);
    if (length >= 4)
        return mask_4_to_7(dst, src, length, keys);
    return mask_bytes(dst, src, length, key);
}

/* From here on the destination is aligned first: stores that cross cache lines cost more than the
 * extra vector. */
enum { MASK_ALIGN_FROM = 512 };

static inline bool mask_and_look(uint8_t *dst, const uint8_t *src, size_t length,
                                 const uint8_t *key)
{
    mask_keys keys = {key_at(key, 0), key_at(key, length)};
    if (length < VECTOR_SIZE)
        return mask_short(dst, src, length, key, keys);

    VECTOR pattern = KEY(keys.whole);
    VECTOR tail = XOR(LOAD(src + length - VECTOR_SIZE), KEY(keys.end));
    VECTOR seen = tail;
    size_t i = 0;
    if (length >= MASK_ALIGN_FROM) {
        VECTOR head = XOR(LOAD(src), pattern);
        i = VECTOR_SIZE - ((uintptr_t)dst & (VECTOR_SIZE - 1));
        pattern = KEY(key_at(key, i));
        VECTOR next =
            XOR(LOAD(src + i), pattern); /* before the store of the head, which overlaps it */
        STORE(dst, head);
        STORE(dst + i, next);
        seen = OR(seen, OR(head, next));
        i += VECTOR_SIZE;
    }
    for (; length - i > 4 * VECTOR_SIZE; i += 4 * VECTOR_SIZE) {
        VECTOR a = XOR(LOAD(src + i), pattern);
        VECTOR b = XOR(LOAD(src + i + VECTOR_SIZE), pattern);
        VECTOR c = XOR(LOAD(src + i + 2 * VECTOR_SIZE), pattern);
        VECTOR d = XOR(LOAD(src + i + 3 * VECTOR_SIZE), pattern);
        STORE(dst + i, a);
        STORE(dst + i + VECTOR_SIZE, b);
        STORE(dst + i + 2 * VECTOR_SIZE, c);
        STORE(dst + i + 3 * VECTOR_SIZE, d);
        seen = OR(seen, OR(OR(a, b), OR(c, d)));
    }
    for (; length - i > VECTOR_SIZE; i += VECTOR_SIZE) {
        VECTOR v = XOR(LOAD(src + i), pattern);
        STORE(dst + i, v);
        seen = OR(seen, v);
    }
    STORE(dst + length - VECTOR_SIZE, tail);
    return IS_ASCII(seen);
}

/* Two copies of the same code; the compiler drops what `mask` does not return. */
FF_ALIGNED static void ISA(mask)(uint8_t *dst, const uint8_t *src, size_t length,
                                 const uint8_t *key)
{
    (void)mask_and_look(dst, src, length, key);
}

FF_ALIGNED static bool ISA(mask_ascii)(uint8_t *dst, const uint8_t *src, size_t length,
                                       const uint8_t *key)
{
    return mask_and_look(dst, src, length, key);
}
