#include "csv.h"

#include <stdlib.h>

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: csvcut COLUMN FILE\n");
		return 2;
	}
	char *end;
	unsigned long column = strtoul(argv[1], &end, 10);
	if (*end || column == 0) {
		fprintf(stderr, "csvcut: %s: not a column\n", argv[1]);
		return 2;
	}
	FILE *in = fopen(argv[2], "r");
	if (!in) {
		perror(argv[2]);
		return 1;
	}
	struct csv_row row;
	int got;
	csv_row_init(&row);
	while ((got = csv_read(in, &row)) > 0) {
		const char *text = csv_column(&row, column - 1);
		puts(text ? text : "");
	}
	csv_row_free(&row);
	fclose(in);
	return got < 0;
}
