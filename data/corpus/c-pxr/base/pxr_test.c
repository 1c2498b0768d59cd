#include "pxr.h"

#include <stdio.h>

static int count, bad;

#define TEST(name, condition) \
    do { \
        int good = (condition); \
        printf("%sok %d - %s\n", good ? "" : "not ", ++count, name); \
        bad += !good; \
    } while (0)
#define DECODE(text) pxr_decode((const unsigned char *)text, sizeof text - 1, &image)

int main(void)
{
    pxr_image image;

    TEST("other magic", DECODE("PXR2\1\0\0\0\1\0\0\0\1") == PXR_NOT_PXR);
    TEST("empty file", DECODE("") == PXR_NOT_PXR);
    TEST("cut header", DECODE("PXR1\1\0\0\0\1\0") == PXR_BAD_HEADER);
    TEST("no width", DECODE("PXR1\0\0\0\0\1\0\0\0\1") == PXR_BAD_HEADER);
    TEST("five channels", DECODE("PXR1\1\0\0\0\1\0\0\0\5") == PXR_BAD_HEADER);
    TEST("one run", DECODE("PXR1\2\0\0\0\2\0\0\0\1" "\4\0\x64") == PXR_OK);
    TEST("its mean", pxr_mean(&image, 0) == 100);
    pxr_release(&image);
    TEST("two runs", DECODE("PXR1\2\0\0\0\1\0\0\0\2" "\1\0\x0a\x14" "\1\0\x1e\x28") == PXR_OK);
    TEST("mean of the second channel", pxr_mean(&image, 1) == 30);
    pxr_release(&image);
    TEST("too many pixels", DECODE("PXR1\1\0\0\0\1\0\0\0\1" "\2\0\1") == PXR_TOO_MANY);
    TEST("pixels left out are zero", DECODE("PXR1\4\0\0\0\1\0\0\0\1" "\1\0\x64") == PXR_OK
         && pxr_mean(&image, 0) == 25);
    pxr_release(&image);
    printf("1..%d\n", count);
    return bad != 0;
}
