/* Prints an ini file as section.key=value lines. */
#include "ini.h"

#include <stdio.h>
#include <stdlib.h>

enum { FILE_MAX = 1 << 16 };

static int print(void *user, const char *section, const char *key, const char *value)
{
	(void)user;
	printf("%s%s%s=%s\n", section, *section ? "." : "", key, value);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: inikv FILE\n");
		return 2;
	}
	FILE *in = fopen(argv[1], "r");
	if (!in) {
		perror(argv[1]);
		return 1;
	}
	char *text = malloc(FILE_MAX + 1);
	if (!text)
		return 1;
	text[fread(text, 1, FILE_MAX, in)] = 0;
	fclose(in);
	int got = ini_parse(text, print, NULL);
	if (got < 0)
		printf("line %d is neither a section nor a key\n", -got);
	free(text);
	return got != 0;
}
