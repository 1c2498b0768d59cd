/* Prints the numbers in a file of hexadecimal digits, unsigned and signed. */
#include "varint.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { BYTES_MAX = 4096 };

static int nibble(int c)
{
    const char *digits = "0123456789abcdef";
    const char *at = c ? strchr(digits, tolower(c)) : NULL;
    return at ? (int)(at - digits) : -1;
}

static size_t read_hex(FILE *in, uint8_t *to)
{
    size_t half = 0;
    int c;
    while ((c = getc(in)) != EOF && half < 2 * BYTES_MAX) {
        int value = nibble(c);
        if (value < 0)
            continue;
        to[half / 2] = (uint8_t)(to[half / 2] << 4 | value);
        half++;
    }
    return half / 2;
}

int main(int argc, char **argv)
{
    static uint8_t data[BYTES_MAX + 1];
    FILE *in = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (!in) {
        fprintf(stderr, "usage: varcat FILE\n");
        return 2;
    }
    size_t len = read_hex(in, data), at = 0;
    fclose(in);
    while (at < len) {
        uint64_t value;
        int used = varint_read(data + at, len - at, &value);
        if (used <= 0) {
            printf("byte %zu: %s\n", at, used ? "not a number" : "cut off");
            return 1;
        }
        printf("%" PRIu64 " %" PRId64 "\n", value, varint_unzigzag(value));
        at += (size_t)used;
    }
    return 0;
}
