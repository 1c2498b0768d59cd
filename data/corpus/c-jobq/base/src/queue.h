#ifndef QUEUE_H
#define QUEUE_H

struct job {
	char *title;
	struct job *next;
};

struct queue {
	struct job *first;
	struct job *current;	/* what is being worked on, still in the queue */
};

int queue_add(struct queue *queue, const char *title);
/* Begins with the first job; its title, or NULL if there is none. */
const char *queue_take(struct queue *queue);
/* The title of the current job, or NULL. */
const char *queue_current(const struct queue *queue);
/* Ends the current job and removes it; says whether there was one. */
int queue_done(struct queue *queue);
/* Removes the first job with this title; says whether there was one. */
int queue_drop(struct queue *queue, const char *title);
void queue_clear(struct queue *queue);

#endif
