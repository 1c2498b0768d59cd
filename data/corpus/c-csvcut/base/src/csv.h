#ifndef CSV_H
#define CSV_H

#include <stddef.h>
#include <stdio.h>

/* One row; the fields' texts lie one after the other in `text`, each ended by a zero byte. */
struct csv_row {
	char *text;
	size_t len, cap;
	size_t *starts;
	size_t count, starts_cap;
};

void csv_row_init(struct csv_row *row);
void csv_row_free(struct csv_row *row);

/* Reads the next row: 1 if there was one, 0 at the end, -1 if memory ran out. */
int csv_read(FILE *in, struct csv_row *row);

/* The text of a column counted from 0, or NULL if the row is shorter. */
const char *csv_column(const struct csv_row *row, size_t column);

#endif
