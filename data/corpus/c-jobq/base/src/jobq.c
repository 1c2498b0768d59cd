/* Reads commands: add TITLE, take, done, drop TITLE, clear, show. */
#include "queue.h"

#include <stdio.h>
#include <string.h>

static void show(const struct queue *queue)
{
	const char *current = queue_current(queue);
	printf("now: %s\n", current ? current : "-");
	for (const struct job *job = queue->first; job; job = job->next)
		printf("  %s\n", job->title);
}

static void run(struct queue *queue, const char *word, const char *title)
{
	const char *taken;
	if (strcmp(word, "add") == 0)
		queue_add(queue, title);
	else if (strcmp(word, "take") == 0)
		printf("take: %s\n", (taken = queue_take(queue)) ? taken : "-");
	else if (strcmp(word, "done") == 0)
		printf("done: %s\n", queue_done(queue) ? "yes" : "no");
	else if (strcmp(word, "drop") == 0)
		printf("drop: %s\n", queue_drop(queue, title) ? "yes" : "no");
	else if (strcmp(word, "clear") == 0)
		queue_clear(queue);
	else if (strcmp(word, "show") == 0)
		show(queue);
	else
		printf("%s?\n", word);
}

int main(int argc, char **argv)
{
	struct queue queue = {NULL, NULL};
	char line[128], word[16], title[100];
	FILE *in = argc == 2 ? fopen(argv[1], "r") : NULL;
	if (!in) {
		fprintf(stderr, "usage: jobq COMMANDS\n");
		return 2;
	}
	while (fgets(line, sizeof line, in)) {
		title[0] = 0;
		if (sscanf(line, "%15s %99[^\n]", word, title) >= 1)
			run(&queue, word, title);
	}
	fclose(in);
	queue_clear(&queue);
	return 0;
}
