#ifndef INI_H
#define INI_H

#define INI_NAME_MAX 64

/*
 * Called for each key. `section` is "" before the first one. What it returns, if not zero, ends
 * the reading and is returned by ini_parse.
 */
typedef int (*ini_handler)(void *user, const char *section, const char *key, const char *value);

/* Parses text; gives 0, what the handler returned, or the negative number of a bad line. */
int ini_parse(char *text, ini_handler handler, void *user);

#endif
