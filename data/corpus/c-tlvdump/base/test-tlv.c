#include "tlv.h"

#include <stdio.h>
#include <string.h>

static int n, failures;
static char shown[4096];

static void expect(const char *name, const void *data, size_t len, int result, const char *text)
{
    tlv_out out = {shown, 0, sizeof shown};
    shown[0] = 0;
    int got = tlv_dump(data, len, 0, &out);
    int good = got == result && strcmp(shown, text) == 0;
    printf("%s %d - %s\n", good ? "ok" : "not ok", ++n, name);
    failures += !good;
}

#define EXPECT(name, data, result, text) expect(name, data, sizeof data - 1, result, text)

int main(void)
{
    EXPECT("nothing", "", 0, "");
    EXPECT("a byte", "n\0\0\0\1\7", 0, "number 7\n");
    EXPECT("two bytes", "n\0\0\0\2\1\2", 0, "number 258\n");
    EXPECT("text", "t\0\0\0\2hi", 0, "text hi\n");
    EXPECT("unprintable text", "t\0\0\0\3a\tb", 0, "text a.b\n");
    EXPECT("group", "g\0\0\0\7t\0\0\0\2hi", 0, "group\n  text hi\n");
    EXPECT("two records", "t\0\0\0\1at\0\0\0\1b", 0, "text a\ntext b\n");
    EXPECT("other type", "x\0\0\0\3abc", 0, "other, 3 bytes\n");
    EXPECT("cut header", "t\0\0\0", -1, "");
    EXPECT("number of five bytes", "n\0\0\0\5abcde", -1, "");
    printf("1..%d\n", n);
    return failures > 0;
}
