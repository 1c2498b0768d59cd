#include "ring.h"

#include <stdio.h>

static int tests, bad;
static struct ring ring;

static void check(const char *name, int good)
{
	printf("%s %d - %s\n", good ? "ok" : "not ok", ++tests, name);
	bad += !good;
}

static int pops(long wanted)
{
	long value;
	return ring_pop(&ring, &value) && value == wanted;
}

static void test_order(void)
{
	ring_push(&ring, 1);
	ring_push(&ring, 2);
	check("the oldest comes first", pops(1) && pops(2));
}

static void test_empty(void)
{
	long value;
	check("an empty ring gives nothing", !ring_pop(&ring, &value));
}

static void test_full(void)
{
	for (long i = 0; i < 7; i++)
		ring_push(&ring, i);
	check("the oldest gives way", ring.count == 4);
	check("it is gone", pops(3));
}

static void test_peek(void)
{
	long value;
	check("peek at the second", ring_peek(&ring, 1, &value) && value == 5);
	check("peek past the end", !ring_peek(&ring, 3, &value));
	check("peek takes nothing", ring.count == 3);
}

int main(void)
{
	check("no ring of nothing", ring_init(&ring, 0) < 0);
	ring_init(&ring, 4);
	test_order();
	test_empty();
	ring_free(&ring);
	ring_init(&ring, 4);
	test_full();
	ring_free(&ring);
	ring_init(&ring, 5);
	for (long i = 4; i < 7; i++)
		ring_push(&ring, i);
	test_peek();
	ring_free(&ring);
	printf("1..%d\n", tests);
	return bad != 0;
}
