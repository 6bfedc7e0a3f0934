/* kernels.h: the tables of kernels, for dispatch.c and the kernel files only.
 *
 * A file whose instruction set is not of this build's architecture is empty. The others are
 * compiled in every build, whatever the compiler's flags: each is in a target region of its own,
 * and is only called where the CPU and the operating system have been asked. So one source builds
 * for both architectures at once (macOS's universal2), too.
 */
#ifndef FASTFRAME_KERNELS_H
#define FASTFRAME_KERNELS_H

#include "fastframe.h"

#if defined(__x86_64__) || (defined(_M_X64) && !defined(_M_ARM64EC))
#define FF_X86 1
#else
#define FF_X86 0
#endif

/* Little-endian AArch64, where NEON is part of the architecture. */
#if (defined(__aarch64__) && !defined(__AARCH64EB__)) || defined(_M_ARM64)
#define FF_NEON 1
#else
#define FF_NEON 0
#endif

/* For functions that are written once and compiled for each constant argument. */
#if defined(__GNUC__)
#define FF_ALWAYS_INLINE static inline __attribute__((always_inline))
#elif defined(_MSC_VER)
#define FF_ALWAYS_INLINE static __forceinline
#else
#define FF_ALWAYS_INLINE static inline
#endif

/* For a function whose registers are not to be shared with its caller's. */
#if defined(__GNUC__)
#define FF_NEVER_INLINE static __attribute__((noinline))
#elif defined(_MSC_VER)
#define FF_NEVER_INLINE static __declspec(noinline)
#else
#define FF_NEVER_INLINE static
#endif

/* For kernels: half a cache line further on, the same loop was 10 % slower. */
#if defined(__GNUC__)
#define FF_ALIGNED __attribute__((aligned(64)))
#else
#define FF_ALIGNED
#endif

/* Plain C for any machine. The specification that every other table is tested against. */
extern const ff_kernels ff_kernels_portable;

#if FF_X86
extern const ff_kernels ff_kernels_sse41; /* also needs SSSE3 */
extern const ff_kernels ff_kernels_avx2;
extern const ff_kernels ff_kernels_avx512; /* F, BW, VL, VBMI and VBMI2 */
#endif

#if FF_NEON
extern const ff_kernels ff_kernels_neon;
#endif

#endif
