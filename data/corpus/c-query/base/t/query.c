#include "query.h"

#include <stdio.h>
#include <string.h>

static int n, failed;
static char text[256];
static struct query query;

static void ok(int good, const char *name)
{
    printf("%s %d - %s\n", good ? "ok" : "not ok", ++n, name);
    failed |= !good;
}

static void parse(const char *string)
{
    strcpy(text, string);
    query_parse(&query, text);
}

static int is(const char *name, const char *value)
{
    const char *got = query_get(&query, name);
    return got && strcmp(got, value) == 0;
}

int main(void)
{
    parse("");
    ok(query.count == 0, "nothing");
    parse("a=1&b=2");
    ok(query.count == 2 && is("a", "1") && is("b", "2"), "two parameters");
    parse("a=1&&b=2&");
    ok(query.count == 2, "empty parts are left out");
    parse("q=a+b%21%zz");
    ok(is("q", "a b!%zz"), "decoding");
    parse("a=b=c");
    ok(is("a", "b=c"), "the first sign divides");
    parse("x=Yes&y=0");
    ok(query_flag(&query, "x"), "a flag that is set");
    ok(!query_flag(&query, "y") && !query_flag(&query, "z"), "flags that are not");
    ok(query_get(&query, "none") == NULL, "no such parameter");
    printf("1..%d\n", n);
    return failed;
}
