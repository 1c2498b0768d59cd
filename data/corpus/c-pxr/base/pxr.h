/* pxr: run-length coded pictures. */
#ifndef PXR_H
#define PXR_H

#include <stddef.h>
#include <stdint.h>

/*
 * A file is "PXR1", the width and the height (32 bits each, little endian), the number of
 * channels (1 to 4), and then runs: a count (16 bits) and one byte for each channel.
 * Pixels that no run covers are zero.
 */
typedef struct {
    uint32_t width, height;
    uint32_t channels;
    unsigned char *pixels;
} pxr_image;

typedef enum { PXR_OK, PXR_NOT_PXR, PXR_BAD_HEADER, PXR_TOO_MANY, PXR_NO_MEMORY } pxr_status;

pxr_status pxr_decode(const unsigned char *data, size_t len, pxr_image *image);
void pxr_release(pxr_image *image);
unsigned pxr_mean(const pxr_image *image, unsigned channel);
const char *pxr_message(pxr_status status);

#endif
