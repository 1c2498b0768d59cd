#include "ring.h"

#include <stdlib.h>

int ring_init(struct ring *ring, size_t cap)
{
	ring->slots = cap ? malloc(cap * sizeof *ring->slots) : NULL;
	ring->cap = cap;
	ring->head = ring->count = 0;
	return ring->slots ? 0 : -1;
}

void ring_free(struct ring *ring)
{
	free(ring->slots);
	ring->slots = NULL;
	ring->cap = ring->count = 0;
}

/* The slot that lies some steps after the oldest one. */
static size_t slot(const struct ring *ring, size_t steps)
{
	size_t at = ring->head + steps;
	if (at > ring->cap)
		at -= ring->cap;
	return at;
}

void ring_push(struct ring *ring, long value)
{
	if (ring->count == ring->cap) {
		ring->slots[ring->head] = value;
		if (++ring->head == ring->cap)
			ring->head = 0;
		return;
	}
	ring->slots[slot(ring, ring->count)] = value;
	ring->count++;
}

int ring_pop(struct ring *ring, long *value)
{
	if (ring->count == 0)
		return 0;
	*value = ring->slots[ring->head];
	if (++ring->head == ring->cap)
		ring->head = 0;
	ring->count--;
	return 1;
}

int ring_peek(const struct ring *ring, size_t at, long *value)
{
	if (at >= ring->count)
		return 0;
	*value = ring->slots[slot(ring, at)];
	return 1;
}
