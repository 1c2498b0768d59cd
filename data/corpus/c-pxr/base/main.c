#include "pxr.h"

#include <stdio.h>

static unsigned char buffer[1 << 16];

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: pxrinfo FILE\n");
        return 2;
    }
    FILE *in = fopen(argv[1], "rb");
    if (!in) {
        perror(argv[1]);
        return 1;
    }
    size_t len = fread(buffer, 1, sizeof buffer, in);
    fclose(in);

    pxr_image image;
    pxr_status status = pxr_decode(buffer, len, &image);
    if (status != PXR_OK) {
        printf("%s\n", pxr_message(status));
        return 1;
    }
    printf("%ux%u, %u channels, mean", (unsigned)image.width, (unsigned)image.height,
           (unsigned)image.channels);
    for (unsigned c = 0; c < image.channels; c++)
        printf(" %u", pxr_mean(&image, c));
    printf("\n");
    pxr_release(&image);
    return 0;
}
