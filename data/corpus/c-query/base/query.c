#include "query.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static int hex(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : (tolower((unsigned char)c) - 'a') + 10;
}

/* Decodes plus signs and percent codes in place. */
static char *decode(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        if (*from == '+') {
            *to++ = ' ';
        } else if (*from == '%' && isxdigit((unsigned char)from[1])
                   && isxdigit((unsigned char)from[2])) {
            *to++ = (char)(hex(from[1]) << 4 | hex(from[2]));
            from += 2;
        } else {
            *to++ = *from;
        }
    }
    *to = 0;
    return text;
}

void query_parse(struct query *query, char *string)
{
    char *next = string;
    query->count = 0;
    while (next && query->count < QUERY_PARAMS_MAX) {
        char *part = next;
        next = strchr(part, '&');
        if (next)
            *next++ = 0;
        if (*part == 0)
            continue;
        char *equals = strchr(part, '=');
        if (equals)
            *equals++ = 0;
        query->params[query->count].name = decode(part);
        query->params[query->count].value = equals;
        if (equals)
            decode(equals);
        query->count++;
    }
}

const char *query_get(const struct query *query, const char *name)
{
    for (int i = 0; i < query->count; i++)
        if (strcmp(query->params[i].name, name) == 0)
            return query->params[i].value;
    return NULL;
}

int query_flag(const struct query *query, const char *name)
{
    static const char *const yes[] = {"1", "yes", "on", "true"};
    for (int i = 0; i < query->count; i++) {
        if (strcmp(query->params[i].name, name) != 0)
            continue;
        for (size_t k = 0; k < sizeof yes / sizeof *yes; k++)
            if (strcasecmp(query->params[i].value, yes[k]) == 0)
                return 1;
        return 0;
    }
    return 0;
}
