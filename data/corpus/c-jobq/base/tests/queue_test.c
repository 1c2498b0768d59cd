#include "queue.h"

#include <stdio.h>
#include <string.h>

static int n, bad;

static void ok(int good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++n, what);
	bad |= !good;
}

static int same(const char *a, const char *b)
{
	return a && strcmp(a, b) == 0;
}

int main(void)
{
	struct queue q = {0};
	ok(queue_take(&q) == NULL, "nothing to take");
	ok(!queue_done(&q), "nothing to end");
	queue_add(&q, "wash");
	queue_add(&q, "dry");
	ok(same(queue_take(&q), "wash"), "the first is taken");
	ok(same(queue_current(&q), "wash"), "and is the current one");
	ok(queue_drop(&q, "dry"), "another is dropped");
	ok(same(queue_current(&q), "wash"), "which leaves the current one");
	ok(queue_done(&q) && q.first == NULL, "the current one ends");
	ok(queue_current(&q) == NULL, "then there is none");
	ok(!queue_drop(&q, "dry"), "it was dropped once");
	queue_add(&q, "fold");
	queue_clear(&q);
	ok(q.first == NULL, "clear");
	printf("1..%d\n", n);
	return bad;
}
