/* Shows what a server would make of the query string in a file's first line. */
#include "query.h"

#include <stdio.h>
#include <string.h>

static int rank(const struct query *query)
{
    const char *sort = NULL;
    for (int i = 0; i < query->count; i++)
        if (strcmp(query->params[i].name, "sort") == 0)
            sort = query->params[i].value;
    return !sort ? 0 : strcmp(sort, "name") == 0 ? 1 : strcmp(sort, "date") == 0 ? 2 : 0;
}

int main(int argc, char **argv)
{
    char line[1024] = "";
    FILE *in = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (!in || !fgets(line, sizeof line, in)) {
        fprintf(stderr, "usage: querydump FILE\n");
        return 2;
    }
    fclose(in);
    line[strcspn(line, "\n")] = 0;

    struct query query;
    query_parse(&query, line);
    const char *q = query_get(&query, "q");
    printf("q=%s\n", q ? q : "");
    printf("sort=%d all=%d debug=%d\n", rank(&query), query_flag(&query, "all"),
           query_flag(&query, "debug"));
    for (int i = 0; i < query.count; i++)
        printf("%s (%zu)\n", query.params[i].name, strlen(query.params[i].value));
    return 0;
}
