#include "tlv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    static char shown[1 << 16];
    static uint8_t buffer[1 << 14];
    FILE *in = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (!in) {
        fprintf(stderr, "usage: tlvdump FILE\n");
        return 2;
    }
    size_t len = fread(buffer, 1, sizeof buffer, in);
    fclose(in);
    uint8_t *data = malloc(len ? len : 1);
    if (!data)
        return 1;
    memcpy(data, buffer, len);
    tlv_out out = {shown, 0, sizeof shown};
    int got = tlv_dump(data, len, 0, &out);
    fputs(shown, stdout);
    if (got < 0)
        printf("not well formed\n");
    free(data);
    return got < 0;
}
