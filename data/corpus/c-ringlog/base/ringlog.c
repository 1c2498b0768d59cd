/*
 * Keeps the last numbers of a script and tells of them. The first line is how many to keep;
 * then `push N`, `pop`, `sum`.
 */
#include "ring.h"

#include <stdio.h>
#include <string.h>

enum { CAP_MAX = 4096, LINES_MAX = 100000 };

static void sum(const struct ring *ring)
{
	long total = 0, value;
	for (size_t i = 0; ring_peek(ring, i, &value); i++)
		total += value;
	printf("sum %ld of %zu\n", total, ring->count);
}

int main(int argc, char **argv)
{
	struct ring ring;
	unsigned cap;
	char word[16];
	long value;
	FILE *in = argc == 2 ? fopen(argv[1], "r") : NULL;

	if (!in || fscanf(in, "keep %u", &cap) != 1 || cap > CAP_MAX || ring_init(&ring, cap) < 0) {
		fprintf(stderr, "usage: ringlog SCRIPT\n");
		return 2;
	}
	for (int i = 0; i < LINES_MAX && fscanf(in, "%15s", word) == 1; i++) {
		if (strcmp(word, "push") == 0 && fscanf(in, "%9ld", &value) == 1)
			ring_push(&ring, value);
		else if (strcmp(word, "pop") == 0 && ring_pop(&ring, &value))
			printf("%ld\n", value);
		else if (strcmp(word, "sum") == 0)
			sum(&ring);
		else
			printf("nothing to %s\n", word);
	}
	ring_free(&ring);
	fclose(in);
	return 0;
}
