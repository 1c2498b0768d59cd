#ifndef TLV_H
#define TLV_H

#include <stddef.h>
#include <stdint.h>

/*
 * Records: one byte of type, four of length (big endian), then the value.
 *   'n'  a number of one to four bytes
 *   't'  text
 *   'g'  a group: records inside
 * Other types are told by their length alone.
 */
enum { TLV_DEPTH_MAX = 8 };

typedef struct {
    char *text;
    size_t len, cap;
} tlv_out;

/* Writes one line for each record; 0, or -1 where the data are no records. */
int tlv_dump(const uint8_t *data, size_t len, unsigned depth, tlv_out *out);

#endif
