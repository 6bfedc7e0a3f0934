/* shuffle_tables.h: byte shuffles that move what counts of a vector of 16 bytes to the front; 128
 * makes a byte zero. */
#ifndef FASTFRAME_SHUFFLE_TABLES_H
#define FASTFRAME_SHUFFLE_TABLES_H

#include <stdint.h>

/* How many of eight bits are set. */
extern const uint8_t ff_count_of_8[256];

/* Of eight lanes of two bytes, those whose bit is set. */
extern const uint8_t ff_keep_of_8[256][16];

/* Of eight lanes of two bytes, the second byte and then the first where the bit is set, else only
 * the first. */
extern const uint8_t ff_pack_1_2[256][16];

/* Of four lanes of four bytes, the first ones in reverse order. How many there are of lane i, less
 * one in Gray code, is in bits 2i and 2i + 1: 00, 01, 11 and 10 are one to four. */
extern const uint8_t ff_pack_1_to_4[256][16];

/* How many these are together. */
extern const uint8_t ff_packed_size_of_4[256];

#endif
