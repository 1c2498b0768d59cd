#include "undo.h"

#include <stdlib.h>
#include <string.h>

const char *history_line(const struct history *history)
{
	return history->at ? history->states[history->at - 1] : "";
}

static void forget(struct history *history, int from)
{
	for (int i = from; i < history->count; i++)
		free(history->states[i]);
}

/* Lets the oldest state go. */
static void shift(struct history *history)
{
	free(history->states[0]);
	memmove(history->states, history->states + 1, (HISTORY_MAX - 1) * sizeof *history->states);
	history->count--;
	history->at--;
}

int history_write(struct history *history, const char *line)
{
	char *copy = strdup(line);
	if (!copy)
		return 0;
	forget(history, history->at);
	if (history->at == HISTORY_MAX)
		shift(history);
	history->states[history->at++] = copy;
	if (history->count < history->at)
		history->count = history->at;
	return 1;
}

int history_undo(struct history *history)
{
	if (history->at == 0)
		return 0;
	history->at--;
	return 1;
}

int history_redo(struct history *history)
{
	if (history->at >= history->count)
		return 0;
	history->at++;
	return 1;
}

void history_reset(struct history *history)
{
	forget(history, 0);
	history->count = history->at = 0;
}
