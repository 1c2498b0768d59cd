#ifndef RING_H
#define RING_H

#include <stddef.h>

/* Holds the last numbers that were pushed, up to its capacity. */
struct ring {
	long *slots;
	size_t cap, head, count;
};

int ring_init(struct ring *ring, size_t cap);
void ring_free(struct ring *ring);
void ring_push(struct ring *ring, long value);
int ring_pop(struct ring *ring, long *value);
/* The item at a position counted from the oldest one. */
int ring_peek(const struct ring *ring, size_t at, long *value);

#endif
