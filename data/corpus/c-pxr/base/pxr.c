#include "pxr.h"

#include <stdlib.h>
#include <string.h>

#define HEADER_LEN 13

static uint32_t get_le32(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static pxr_status read_header(const unsigned char *data, size_t len, pxr_image *image)
{
    if (len < 4 || memcmp(data, "PXR1", 4) != 0)
        return PXR_NOT_PXR;
    if (len < HEADER_LEN)
        return PXR_BAD_HEADER;
    image->width = get_le32(data + 4);
    image->height = get_le32(data + 8);
    image->channels = data[12];
    if (image->width == 0 || image->height == 0)
        return PXR_BAD_HEADER;
    if (image->channels < 1 || image->channels > 4)
        return PXR_BAD_HEADER;
    return PXR_OK;
}

pxr_status pxr_decode(const unsigned char *data, size_t len, pxr_image *image)
{
    memset(image, 0, sizeof *image);
    pxr_status status = read_header(data, len, image);
    if (status != PXR_OK)
        return status;

    uint32_t size = image->width * image->height * image->channels;
    image->pixels = calloc(size, 1);
    if (!image->pixels)
        return PXR_NO_MEMORY;

    uint64_t left = (uint64_t)image->width * image->height;
    unsigned char *to = image->pixels;
    size_t at = HEADER_LEN;
    while (at + 2 + image->channels <= len) {
        unsigned count = data[at] | data[at + 1] << 8;
        if (count > left) {
            pxr_release(image);
            return PXR_TOO_MANY;
        }
        left -= count;
        for (; count > 0; count--) {
            memcpy(to, data + at + 2, image->channels);
            to += image->channels;
        }
        at += 2 + image->channels;
    }
    return PXR_OK;
}

void pxr_release(pxr_image *image)
{
    free(image->pixels);
    image->pixels = NULL;
}

unsigned pxr_mean(const pxr_image *image, unsigned channel)
{
    uint64_t pixels = (uint64_t)image->width * image->height, sum = 0;
    for (uint64_t i = 0; i < pixels; i++)
        sum += image->pixels[i * image->channels + channel];
    return (unsigned)(sum / pixels);
}

const char *pxr_message(pxr_status status)
{
    switch (status) {
    case PXR_OK: return "ok";
    case PXR_NOT_PXR: return "not a pxr file";
    case PXR_BAD_HEADER: return "bad header";
    case PXR_TOO_MANY: return "more pixels than the header says";
    case PXR_NO_MEMORY: return "out of memory";
    }
    return "unknown";
}
