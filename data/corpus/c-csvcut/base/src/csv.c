#include "csv.h"

#include <stdlib.h>

enum { FIRST_CAP = 32 };

void csv_row_init(struct csv_row *row)
{
	*row = (struct csv_row){0};
}

void csv_row_free(struct csv_row *row)
{
	free(row->text);
	free(row->starts);
	csv_row_init(row);
}

static int reserve(struct csv_row *row)
{
	if (row->len < row->cap)
		return 0;
	size_t cap = row->cap ? row->cap * 2 : FIRST_CAP;
	char *text = realloc(row->text, cap);
	if (!text)
		return -1;
	row->text = text;
	row->cap = cap;
	return 0;
}

static int put(struct csv_row *row, int c)
{
	if (reserve(row) < 0)
		return -1;
	row->text[row->len++] = (char)c;
	return 0;
}

static int begin_field(struct csv_row *row)
{
	if (row->count == row->starts_cap) {
		size_t cap = row->starts_cap ? row->starts_cap * 2 : 8;
		size_t *starts = realloc(row->starts, cap * sizeof *starts);
		if (!starts)
			return -1;
		row->starts = starts;
		row->starts_cap = cap;
	}
	row->starts[row->count++] = row->len;
	return 0;
}

/* Reads up to the closing quote. */
static int read_quoted(FILE *in, struct csv_row *row)
{
	int c;

	while ((c = getc(in)) != EOF) {
		if (c == '"') {
			int next = getc(in);
			if (next != '"') {
				ungetc(next, in);
				return 0;
			}
			row->text[row->len++] = '"';
			continue;
		}
		if (put(row, c) < 0)
			return -1;
	}
	return 0;
}

int csv_read(FILE *in, struct csv_row *row)
{
	int c = getc(in);

	row->len = row->count = 0;
	if (c == EOF)
		return 0;
	if (begin_field(row) < 0 || reserve(row) < 0)
		return -1;
	for (; c != EOF && c != '\n'; c = getc(in)) {
		int bad = 0;
		if (c == ',')
			bad = put(row, 0) < 0 || begin_field(row) < 0;
		else if (c == '"')
			bad = read_quoted(in, row) < 0;
		else if (c != '\r')
			bad = put(row, c) < 0;
		if (bad)
			return -1;
	}
	return put(row, 0) < 0 ? -1 : 1;
}

const char *csv_column(const struct csv_row *row, size_t column)
{
	return column < row->count ? row->text + row->starts[column] : NULL;
}
