/* Parameters of a query string. */
#ifndef QUERY_H
#define QUERY_H

#define QUERY_PARAMS_MAX 32

struct query {
    struct {
        char *name, *value;
    } params[QUERY_PARAMS_MAX];
    int count;
};

/* Splits and decodes a string where it stands. Parameters beyond the most are left out. */
void query_parse(struct query *query, char *string);
const char *query_get(const struct query *query, const char *name);
/* 1 for "1", "yes", "on" and "true", otherwise 0. */
int query_flag(const struct query *query, const char *name);

#endif
