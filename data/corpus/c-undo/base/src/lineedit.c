/* Edits one line by commands: w TEXT, u, r, x (reset), p. */
#include "undo.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	struct history history = {0};
	char command[256];
	FILE *in = argc == 2 ? fopen(argv[1], "r") : NULL;
	if (!in) {
		fprintf(stderr, "usage: lineedit COMMANDS\n");
		return 2;
	}
	while (fgets(command, sizeof command, in)) {
		command[strcspn(command, "\n")] = 0;
		switch (command[0]) {
		case 'w':
			history_write(&history, command[1] ? command + 2 : "");
			break;
		case 'u':
			if (!history_undo(&history))
				puts("nothing to undo");
			break;
		case 'r':
			if (!history_redo(&history))
				puts("nothing to redo");
			break;
		case 'x':
			history_reset(&history);
			break;
		case 'p':
			printf("|%s|\n", history_line(&history));
			break;
		default:
			printf("%c?\n", command[0]);
		}
	}
	fclose(in);
	history_reset(&history);
	return 0;
}
