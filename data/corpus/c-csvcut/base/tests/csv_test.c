#include "csv.h"

#include <string.h>

static int number, failed;

static void ok(int good, const char *name)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++number, name);
	failed += !good;
}

static struct csv_row row;
static FILE *in;

static int first(const char *text)
{
	if (in)
		fclose(in);
	in = fmemopen((void *)text, strlen(text), "r");
	return csv_read(in, &row);
}

static int is(size_t column, const char *text)
{
	const char *got = csv_column(&row, column);
	return got && strcmp(got, text) == 0;
}

int main(void)
{
	csv_row_init(&row);
	first("a,b,c\n");
	ok(row.count == 3 && is(0, "a") && is(2, "c"), "plain fields");
	first("a,,c\n");
	ok(row.count == 3 && is(1, ""), "an empty field");
	first("\"a,b\",c\n");
	ok(row.count == 2 && is(0, "a,b"), "a comma in quotes");
	first("\"say \"\"hi\"\"\"\n");
	ok(is(0, "say \"hi\""), "doubled quotes");
	first("\"two\nlines\",x\n");
	ok(is(0, "two\nlines") && is(1, "x"), "a line break in quotes");
	first("a,b\r\nc\r\n");
	ok(is(1, "b"), "carriage returns are dropped");
	ok(csv_read(in, &row) == 1 && row.count == 1 && is(0, "c"), "the second row");
	ok(csv_read(in, &row) == 0, "the end");
	ok(csv_column(&row, 7) == NULL, "no such column");
	printf("1..%d\n", number);
	csv_row_free(&row);
	return failed != 0;
}
