#include "varint.h"

#include <stdio.h>
#include <string.h>

static int n, bad;

static void ok(int good, const char *name)
{
    printf("%s %d - %s\n", good ? "ok" : "not ok", ++n, name);
    bad |= !good;
}

static uint64_t value;

static int reads(const char *data, size_t len)
{
    return varint_read((const uint8_t *)data, len, &value);
}

static int there_and_back(uint64_t number)
{
    uint8_t data[VARINT_LEN_MAX];
    size_t len = varint_write(number, data);
    return reads((char *)data, len) == (int)len && value == number;
}

int main(void)
{
    ok(reads("\x05", 1) == 1 && value == 5, "one byte");
    ok(reads("\xac\x02", 2) == 2 && value == 300, "two bytes");
    ok(reads("\x05\x06", 2) == 1, "what follows is left");
    ok(reads("\xac", 1) == 0, "cut off");
    ok(reads("", 0) == 0, "nothing");
    ok(there_and_back(0) && there_and_back(127) && there_and_back(128), "small ones");
    ok(there_and_back(UINT64_MAX), "the largest");
    ok(varint_unzigzag(3) == -2 && varint_zigzag(-2) == 3, "signed");
    ok(varint_unzigzag(varint_zigzag(INT64_MIN)) == INT64_MIN, "the lowest");
    printf("1..%d\n", n);
    return bad;
}
