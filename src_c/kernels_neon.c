/* kernels_neon.c: vectors of 16 bytes, for every AArch64 processor. */
#include "kernels.h"

#if FF_NEON
#include <arm_neon.h>

/* vld1q_u8 and vst1q_u8 want no alignment; wider variants may require alignment. */
#define ISA(name) name##_neon
#define VECTOR uint8x16_t
#define VECTOR_SIZE 16
#define LOAD(p) vld1q_u8(p)
#define STORE(p, v) vst1q_u8(p, v)
#define XOR(a, b) veorq_u8(a, b)
#define OR(a, b) vorrq_u8(a, b)
#define AND(a, b) vandq_u8(a, b)
#define KEY(k) vreinterpretq_u8_u32(vdupq_n_u32(k))
#define SET1(byte) vdupq_n_u8((uint8_t)(byte))
#define MAX(a, b) vmaxq_u8(a, b)
#define SATURATING_SUB(a, b) vqsubq_u8(a, b)
#define HIGH_HALF(v) vshrq_n_u8(v, 4)
#define TABLE(p) vld1q_u8(p)
#define LOOKUP(table, v) vqtbl1q_u8(table, v)
#define IS_ASCII(v) (vmaxvq_u8(v) < 0x80)
#define IS_ZERO(v) (vmaxvq_u8(v) == 0)
#define IS_FIRST(v) IS_FIRST16(v)
#define UP(v, places) vextq_u8(vdupq_n_u8(0), v, 16 - (places))
#define FROM_WORDS(a, b) vcombine_u8(vcreate_u8(a), vcreate_u8(b))
#define EQUAL(a, b) EQUAL16(a, b)
#define COUNT_FIRST(v) ((size_t)vaddvq_u8(AND16(IS_FIRST16(v), SET16(1))))
#define COUNT_NOT_ASCII(v) ((size_t)vaddvq_u8(vshrq_n_u8(v, 7)))
#define VNOT_ASCII(v) NOT_ASCII16(v)
#define VSET_16(n) SET_16(n)
#define VSET_32(n) SET_32(n)
#define VADD_8(a, b) vaddq_u8(a, b)
#define VADD_32(a, b) FROM_32(vaddq_u32(U32(a), U32(b)))
#define VADD_16(a, b) FROM_16(vaddq_u16(U16(a), U16(b)))
#define VSUB_8(a, b) vsubq_u8(a, b)
#define VSUB_16(a, b) SUB_16(a, b)
#define VSUB_32(a, b) FROM_32(vsubq_u32(U32(a), U32(b)))
#define VGREATER_16(a, b) GREATER_16(a, b)
#define VGREATER_32(a, b) GREATER_32(a, b)
#define VMIN_16(a, b) FROM_16(vminq_u16(U16(a), U16(b)))
#define VMIN_32(a, b) FROM_32(vminq_u32(U32(a), U32(b)))
#define VEQUAL_16(a, b) EQUAL_16(a, b)
#define VSUM_8(v) ((size_t)vaddlvq_u8(v))
#define VSUM_16(v) vaddlvq_u16(U16(v))
#define VSUM_32(v) ((size_t)vaddlvq_u32(U32(v)))
#define COUNT_BITS_8(n) ff_count_of_8[n]
#define LARGEST_BYTE(v) vmaxvq_u8(v)

#define VECTOR16 uint8x16_t
#define LOAD16(p) vld1q_u8(p)
#define STORE16(p, v) vst1q_u8(p, v)
#define STORE8(p, v) vst1_u8(p, vget_low_u8(v))
#define XOR16(a, b) veorq_u8(a, b)
#define AND16(a, b) vandq_u8(a, b)
#define OR16(a, b) vorrq_u8(a, b)
#define NOT_AND16(a, b) vbicq_u8(b, a)
#define SET16(byte) vdupq_n_u8((uint8_t)(byte))
#define ZERO16 vdupq_n_u8(0)
#define EQUAL16(a, b) vceqq_u8(a, b)
#define IS_ASCII16(v) IS_ASCII(v)
#define NOT_ASCII16(v) vcgeq_u8(v, SET16(0x80))
#define IS_FIRST16(v)                                                                              \
    vcgtq_s8(vreinterpretq_s8_u8(v),                                                               \
             vdupq_n_s8(-65)) /* continuation bytes are the least as signed numbers */
#define SHIFT_LEFT16(v, n) vshlq_n_u8(v, n)
#define SHIFT_RIGHT16(v, n) vshrq_n_u8(v, n)
#define LOW_8(a, b) vzip1q_u8(a, b)
#define HIGH_8(a, b) vzip2q_u8(a, b)
#define LOW_16(a, b)                                                                               \
    vreinterpretq_u8_u16(vzip1q_u16(vreinterpretq_u16_u8(a), vreinterpretq_u16_u8(b)))
#define HIGH_16(a, b)                                                                              \
    vreinterpretq_u8_u16(vzip2q_u16(vreinterpretq_u16_u8(a), vreinterpretq_u16_u8(b)))
#define LOW_SUM(a, b) vreinterpretq_u8_u16(vaddw_u8(vshll_n_u8(vget_low_u8(b), 6), vget_low_u8(a)))
#define HIGH_SUM(a, b)                                                                             \
    vreinterpretq_u8_u16(vaddw_u8(vshll_n_u8(vget_high_u8(b), 6), vget_high_u8(a)))
#define SHUFFLE16(v, p) vqtbl1q_u8(v, vld1q_u8(p))
#define NARROW16(v) vuzp1q_u8(v, v)
#define BITS16(v) neon_bits(v)

#define U16(v) vreinterpretq_u16_u8(v)
#define U32(v) vreinterpretq_u32_u8(v)
#define FROM_16(v) vreinterpretq_u8_u16(v)
#define FROM_32(v) vreinterpretq_u8_u32(v)
#define FROM_64(low, high) vreinterpretq_u8_u64(vcombine_u64(vcreate_u64(low), vcreate_u64(high)))
#define LOW_64(v) vgetq_lane_u64(vreinterpretq_u64_u8(v), 0)
#define SET_16(n) FROM_16(vdupq_n_u16((uint16_t)(n)))
#define SHL_16(v, n) FROM_16(vshlq_n_u16(U16(v), n))
#define SHR_16(v, n) FROM_16(vshrq_n_u16(U16(v), n))
#define SUB_16(a, b) FROM_16(vsubq_u16(U16(a), U16(b)))
#define GREATER_16(a, b) FROM_16(vcgtq_s16(vreinterpretq_s16_u8(a), vreinterpretq_s16_u8(b)))
#define EQUAL_16(a, b) FROM_16(vceqq_u16(U16(a), U16(b)))
#define SET_32(n) FROM_32(vdupq_n_u32((uint32_t)(n)))
#define SHL_32(v, n) FROM_32(vshlq_n_u32(U32(v), n))
#define GREATER_32(a, b) FROM_32(vcgtq_s32(vreinterpretq_s32_u8(a), vreinterpretq_s32_u8(b)))

#define MAX_16(a, b) FROM_16(vmaxq_u16(U16(a), U16(b)))
#define NARROW_2x16(a, b) vuzp1q_u8(a, b)
#define NARROW_2x32(a, b) FROM_16(vuzp1q_u16(U16(a), U16(b)))
#define LOW_AND_HIGH(a, b) CHOOSE16(SET_32(0xFFFF), a, b)
#define CHOOSE16(mask, a, b) vbslq_u8(mask, a, b)
#define BITS_16x16(a, b) BITS16(vuzp1q_u8(a, b))
#define HAS_NONE_OF(v, bits) (vmaxvq_u8(AND16(v, bits)) == 0)

static inline unsigned neon_bits(uint8x16_t comparison)
{
    static const uint8_t WEIGHTS[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t bits = vandq_u8(comparison, vld1q_u8(WEIGHTS));
    return vaddv_u8(vget_low_u8(bits)) | (unsigned)vaddv_u8(vget_high_u8(bits)) << 8;
}

#include "vector_mask.h"
#include "vector_utf8_decode.h"
#include "vector_part.h"
#include "vector_utf8_encode.h"
#include "vector_utf8_size.h"
#include "vector_utf8_errors.h"
#include "vector_utf8_validate.h"

#define TABLE_OF_KERNELS ff_kernels_neon
#define NAME_OF_KERNELS "neon"
#include "vector_table.h"
#endif
