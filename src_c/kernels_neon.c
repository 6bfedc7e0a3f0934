/* kernels_neon.c: vectors of 16 bytes, for every AArch64 processor. */
#include "kernels.h"

#if FF_NEON
#include <arm_neon.h>

/* vld1q_u8 and vst1q_u8 want no alignment; their wider brothers may. */
#define VECTOR uint8x16_t
#define VECTOR_SIZE 16
#define LOAD(p) vld1q_u8(p)
#define STORE(p, v) vst1q_u8(p, v)
#define XOR(a, b) veorq_u8(a, b)
#define OR(a, b) vorrq_u8(a, b)
#define AND(a, b) vandq_u8(a, b)
#define KEY(k) vreinterpretq_u8_u32(vdupq_n_u32(k))
#define SET1(byte) vdupq_n_u8((uint8_t)(byte))
#define SATURATING_SUB(a, b) vqsubq_u8(a, b)
#define HIGH_HALF(v) vshrq_n_u8(v, 4)
#define TABLE(p) vld1q_u8(p)
#define LOOKUP(table, v) vqtbl1q_u8(table, v)
#define IS_ASCII(v) (vmaxvq_u8(v) < 0x80)
#define IS_ZERO(v) (vmaxvq_u8(v) == 0)

#include "vector_mask.h"
#include "vector_utf8.h"

const ff_kernels ff_kernels_neon = {.name = "neon", .mask = mask, .mask_ascii = mask_ascii, .utf8_feed = utf8_feed};
#endif
