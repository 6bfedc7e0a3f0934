/* kernels.h: the tables of kernels, for dispatch.c and the kernel files only. */
#ifndef FASTFRAME_KERNELS_H
#define FASTFRAME_KERNELS_H

#include "fastframe.h"

/* Plain C for any machine. The specification that every other table is tested against. */
extern const ff_kernels ff_kernels_portable;

#endif
