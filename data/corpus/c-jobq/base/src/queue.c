#include "queue.h"

#include <stdlib.h>
#include <string.h>

int queue_add(struct queue *queue, const char *title)
{
	struct job **at = &queue->first;
	struct job *job = malloc(sizeof *job);
	if (!job)
		return 0;
	job->title = strdup(title);
	job->next = NULL;
	if (!job->title) {
		free(job);
		return 0;
	}
	while (*at)
		at = &(*at)->next;
	*at = job;
	return 1;
}

static void destroy(struct job *job)
{
	free(job->title);
	free(job);
}

static void unlink_job(struct queue *queue, struct job **at)
{
	struct job *job = *at;
	(void)queue;
	*at = job->next;
	destroy(job);
}

const char *queue_take(struct queue *queue)
{
	queue->current = queue->first;
	return queue_current(queue);
}

const char *queue_current(const struct queue *queue)
{
	return queue->current ? queue->current->title : NULL;
}

int queue_done(struct queue *queue)
{
	struct job **at = &queue->first;
	if (!queue->current)
		return 0;
	while (*at && *at != queue->current)
		at = &(*at)->next;
	if (*at)
		unlink_job(queue, at);
	queue->current = NULL;
	return 1;
}

int queue_drop(struct queue *queue, const char *title)
{
	for (struct job **at = &queue->first; *at; at = &(*at)->next) {
		if (strcmp((*at)->title, title) == 0) {
			unlink_job(queue, at);
			return 1;
		}
	}
	return 0;
}

void queue_clear(struct queue *queue)
{
	while (queue->first)
		unlink_job(queue, &queue->first);
}
