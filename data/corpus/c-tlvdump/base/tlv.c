#include "tlv.h"

#include <stdarg.h>
#include <stdio.h>

static void say(tlv_out *out, const char *format, ...)
{
    va_list args;
    size_t room = out->cap - out->len;
    va_start(args, format);
    int n = vsnprintf(out->text + out->len, room, format, args);
    va_end(args);
    if (n > 0)
        out->len += (size_t)n < room ? (size_t)n : room - 1;
}

static uint32_t be(const uint8_t *p, size_t n)
{
    uint32_t value = 0;
    while (n-- > 0)
        value = value << 8 | *p++;
    return value;
}

static void text(const uint8_t *p, size_t n, tlv_out *out)
{
    for (size_t i = 0; i < n; i++)
        say(out, "%c", p[i] >= 32 && p[i] < 127 ? p[i] : '.');
}

int tlv_dump(const uint8_t *data, size_t len, unsigned depth, tlv_out *out)
{
    size_t at = 0;

    if (depth > TLV_DEPTH_MAX)
        return -1;
    while (at < len) {
        if (len - at < 5)
            return -1;
        uint8_t type = data[at];
        uint32_t size = be(data + at + 1, 4);
        const uint8_t *value = data + at + 5;
        say(out, "%*s", (int)depth * 2, "");
        switch (type) {
        case 'n':
            if (size < 1 || size > 4)
                return -1;
            say(out, "number %lu\n", (unsigned long)be(value, size));
            break;
        case 't':
            say(out, "text ");
            text(value, size, out);
            say(out, "\n");
            break;
        case 'g':
            say(out, "group\n");
            if (tlv_dump(value, size, depth + 1, out) < 0)
                return -1;
            break;
        default:
            say(out, "other, %lu bytes\n", (unsigned long)size);
        }
        at += 5 + (size_t)size;
    }
    return 0;
}
