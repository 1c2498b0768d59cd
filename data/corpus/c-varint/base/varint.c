#include "varint.h"

int varint_read(const uint8_t *data, size_t len, uint64_t *value)
{
    uint64_t result = 0;
    unsigned shift = 0;

    for (size_t i = 0; i < len; i++) {
        result |= (uint64_t)(data[i] & 0x7f) << shift;
        if (!(data[i] & 0x80)) {
            *value = result;
            return (int)i + 1;
        }
        shift += 7;
    }
    return 0;
}

size_t varint_write(uint64_t value, uint8_t *to)
{
    size_t len = 0;
    while (value >= 0x80) {
        to[len++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    to[len++] = (uint8_t)value;
    return len;
}

int64_t varint_unzigzag(uint64_t value)
{
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

uint64_t varint_zigzag(int64_t value)
{
    return ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0);
}
