#ifndef VARINT_H
#define VARINT_H

#include <stddef.h>
#include <stdint.h>

#define VARINT_LEN_MAX 10

/* Numbers of seven bits a byte, the lowest first; the top bit says that more follow. */

/* The number of bytes read, 0 where the data end too early, -1 where they are no number. */
int varint_read(const uint8_t *data, size_t len, uint64_t *value);
/* The number of bytes written to a buffer of VARINT_LEN_MAX. */
size_t varint_write(uint64_t value, uint8_t *to);
/* Signed numbers, small ones of either sign being short. */
int64_t varint_unzigzag(uint64_t value);
uint64_t varint_zigzag(int64_t value);

#endif
