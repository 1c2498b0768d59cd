#include "undo.h"

#include <stdio.h>
#include <string.h>

static int n, bad;
static struct history h;

static void line_is(const char *line, const char *name)
{
	int good = strcmp(history_line(&h), line) == 0;
	printf("%s %d - %s\n", good ? "ok" : "not ok", ++n, name);
	bad |= !good;
}

int main(void)
{
	line_is("", "a line is empty at first");
	history_write(&h, "one");
	history_write(&h, "two");
	line_is("two", "the last one written");
	history_undo(&h);
	line_is("one", "undo");
	history_redo(&h);
	line_is("two", "redo");
	history_undo(&h);
	history_undo(&h);
	history_undo(&h);
	line_is("", "undo to the beginning");
	history_reset(&h);
	line_is("", "reset");
	for (int i = 0; i < HISTORY_MAX + 5; i++)
		history_write(&h, i % 2 ? "odd" : "even");
	line_is("even", "more lines than are kept");
	while (history_undo(&h))
		;
	line_is("", "and back");
	printf("1..%d\n", n);
	return bad;
}
