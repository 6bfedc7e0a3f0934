/* vector_part.h: less than a vector of 16 bytes, loaded and stored without a byte too many and
 * without going through memory: a load of what was just stored in parts would wait for it.
 *
 * Included by a kernel file inside its target region, after it has defined, besides what the other
 * vector_*.h need,
 *   FROM_64(low, high)   a vector of two uint64_t
 *   LOW_64(v)            the first of them
 */
#include <string.h>

/* Shuffles at SLIDE + n move the bytes from n on to the front, and put zeros behind them. */
static const uint8_t SLIDE[32] = {0,   1,   2,   3,   4,   5,   6,   7,   8,   9,   10,
                                  11,  12,  13,  14,  15,  128, 128, 128, 128, 128, 128,
                                  128, 128, 128, 128, 128, 128, 128, 128, 128, 128};

/* Shuffles at SLIDE_BACK + 48 - n move the bytes n places towards the end, and put zeros before
 * them. */
static const uint8_t SLIDE_BACK[64] = {
    128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128,
    128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128,
    128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128,
    0,   1,   2,   3,   4,   5,   6,   7,   8,   9,   10,  11,  12,  13,  14,  15};

typedef struct {
    uint64_t low, high;
} part_16;

/* `size` bytes, up to 15, and zeros after them. */
static inline part_16 load_part(const uint8_t *src, size_t size)
{
    part_16 part = {0, 0};
    if (size >= 8) {
        unsigned half = 4 * (16 - (unsigned)size); /* no shift may be by all 64 bits */
        memcpy(&part.low, src, 8);
        memcpy(&part.high, src + size - 8, 8);
        part.high = part.high >> half >> half;
    } else if (size >= 4) {
        uint32_t first, last;
        memcpy(&first, src, 4);
        memcpy(&last, src + size - 4, 4);
        part.low = first | (uint64_t)last << 8 * (size - 4);
    } else if (size) {
        part.low = src[0] | (uint64_t)src[size >> 1] << 8 * (size >> 1) |
                   (uint64_t)src[size - 1] << 8 * (size - 1);
    }
    return part;
}

/* The first `size` bytes of a vector, one to 16. */
static inline void store_front(uint8_t *dst, VECTOR16 v, size_t size)
{
    if (size >= 8) {
        VECTOR16 last = SHUFFLE16(v, SLIDE + size - 8);
        STORE8(dst, v);
        STORE8(dst + size - 8, last);
        return;
    }
    uint64_t bytes = LOW_64(v);
    if (size >= 4) {
        uint32_t first = (uint32_t)bytes, last = (uint32_t)(bytes >> 8 * (size - 4));
        memcpy(dst, &first, 4);
        memcpy(dst + size - 4, &last, 4);
        return;
    }
    dst[0] = (uint8_t)bytes;
    dst[size >> 1] = (uint8_t)(bytes >> 8 * (size >> 1));
    dst[size - 1] = (uint8_t)(bytes >> 8 * (size - 1));
}

/* Two or four vectors, of each of which the first bytes count, followed by zeros: those of all
 * up to the i-th are end[i] bytes together. */
typedef struct {
    VECTOR16 v[4];
    size_t end[4];
} pieces;

/* Writes them one behind the other, and up to 16 bytes more than count. */
FF_ALWAYS_INLINE size_t store_pieces(uint8_t *dst, const pieces *p, int count)
{
    STORE16(dst, p->v[0]);
    for (int i = 1; i < count; i++)
        STORE16(dst + p->end[i - 1], p->v[i]);
    return p->end[count - 1];
}

/* The same, but of their first `size` bytes, and nothing more. */
FF_ALWAYS_INLINE size_t store_pieces_exactly(uint8_t *dst, const pieces *p, int count, size_t size)
{
    size_t done = 0, all = p->end[count - 1] < size ? p->end[count - 1] : size;
    for (int i = 0; i < count; i++) {
        if (size - done < 16) {
            VECTOR16 v = p->v[i];
            for (int k = i + 1; k < count; k++)
                v = OR16(v, SHUFFLE16(p->v[k], SLIDE_BACK + 48 - (p->end[k - 1] - done)));
            store_front(dst + done, v, size - done);
            return all;
        }
        STORE16(dst + done, p->v[i]);
        done = p->end[i];
        if (done >= size)
            break;
    }
    return all;
}

/* `size` bytes as `count` vectors, and zeros after them. */
FF_ALWAYS_INLINE void load_parts(VECTOR16 *v, size_t count, const uint8_t *src, size_t size)
{
    if (size < 16) {
        part_16 part = load_part(src, size);
        v[0] = FROM_64(part.low, part.high);
        for (size_t i = 1; i < count; i++)
            v[i] = ZERO16;
        return;
    }
    v[0] = LOAD16(src);
    for (size_t i = 1; i < count; i++) {
        if (size >= 16 * (i + 1))
            v[i] = LOAD16(src + 16 * i);
        else if (size > 16 * i)
            v[i] = SHUFFLE16(LOAD16(src + size - 16), SLIDE + (16 * (i + 1) - size));
        else
            v[i] = ZERO16;
    }
}

#if VECTOR_SIZE < 64
/* Less than a VECTOR, and zeros after it. */
static inline VECTOR load_few(const uint8_t *src, size_t size)
{
#if VECTOR_SIZE == 32
    VECTOR16 v[2];
    load_parts(v, 2, src, size);
    return FROM_2x16(v[0], v[1]);
#else
    part_16 part = load_part(src, size);
    return FROM_64(part.low, part.high);
#endif
}
#endif
