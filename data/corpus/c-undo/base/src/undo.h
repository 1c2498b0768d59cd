#ifndef UNDO_H
#define UNDO_H

#define HISTORY_MAX 16

/* A line of text, what it was before, and what was undone. */
struct history {
	char *states[HISTORY_MAX];
	int count;	/* states that are there, undone ones among them */
	int at;		/* how many of them lead to the line as it is */
};

const char *history_line(const struct history *history);
/* Makes the line another one; what was undone is forgotten. 0 if memory runs out. */
int history_write(struct history *history, const char *line);
int history_undo(struct history *history);
int history_redo(struct history *history);
void history_reset(struct history *history);

#endif
