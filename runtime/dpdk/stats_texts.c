/* Makes a snapshot independent of the plan from which its texts are. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "runtime/dpdk/stats.h"

/* Calls EACH for every text of the snapshot. */
static void visit(struct stats *s, void (*each)(const char **, void *arg), void *arg)
{
	each(&s->plan, arg);
	each(&s->target, arg);
	each(&s->pipeline, arg);
	each(&s->slo, arg);
	for (size_t i = 0; i < s->n_tasks; i++) {
		each(&s->tasks[i].id, arg);
		each(&s->tasks[i].root, arg);
		each(&s->tasks[i].early, arg);
	}
	for (size_t i = 0; i < s->n_modules; i++) {
		each(&s->modules[i].id, arg);
		each(&s->modules[i].function, arg);
	}
	for (size_t i = 0; i < s->n_classes; i++)
		each(&s->classes[i].name, arg);
}

static void measure(const char **text, void *arg)
{
	*(size_t *)arg += *text ? strlen(*text) + 1 : 0;
}

static void move(const char **text, void *arg)
{
	char **to = arg;
	size_t n;

	if (!*text)
		return;
	n = strlen(*text) + 1;
	memcpy(*to, *text, n);
	*text = *to;
	*to += n;
}

bool stats_own_texts(struct stats *s)
{
	size_t n = 1;
	char *at;

	visit(s, measure, &n);
	at = malloc(n);
	if (!at)
		return false;
	s->texts = at;
	visit(s, move, &at);
	return true;
}
