#include <config.h>

#include "runtime/socks/functions/sources.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "runtime/socks/functions/function_settings.h"

enum { HEADS = SOURCES_MOST };

struct sources {
	pthread_mutex_t lock;
	unsigned holders;
	uint64_t seed; /* nobody outside can choose addresses of the same hash */
	size_t n;
	uint64_t held;
	struct source *oldest, *newest; /* that nobody holds */
	struct source *heads[HEADS];
};

struct sources *sources_new(void)
{
	struct sources *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	if (getrandom(&t->seed, sizeof(t->seed), 0) != sizeof(t->seed))
		t->seed = pace_now();
	pthread_mutex_init(&t->lock, NULL);
	t->holders = 1;
	return t;
}

struct sources *sources_hold(struct sources *t)
{
	pthread_mutex_lock(&t->lock);
	t->holders++;
	pthread_mutex_unlock(&t->lock);
	return t;
}

static void free_all(struct sources *t)
{
	for (size_t i = 0; i < HEADS; i++)
		for (struct source *s = t->heads[i], *next; s; s = next) {
			next = s->next;
			free(s);
		}
	pthread_mutex_destroy(&t->lock);
	free(t);
}

void sources_drop(struct sources *t)
{
	bool last;

	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	last = !--t->holders;
	pthread_mutex_unlock(&t->lock);
	if (last)
		free_all(t);
}

/* ---- rows ---- */

static struct source **head_of(struct sources *t, const struct wire_address *who)
{
	uint64_t h = t->seed ^ who->kind, word;

	for (size_t i = 0; i < sizeof(who->ip); i += sizeof(word)) {
		memcpy(&word, who->ip + i, sizeof(word));
		h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
		h = (h ^ t->seed) * UINT64_C(0xbf58476d1ce4e5b9);
		h ^= h >> 32;
	}
	return &t->heads[h % HEADS];
}

static void unlist(struct sources *t, struct source *s)
{
	*(s->older ? &s->older->newer : &t->oldest) = s->newer;
	*(s->newer ? &s->newer->older : &t->newest) = s->older;
	s->older = s->newer = NULL;
}

static void list(struct sources *t, struct source *s)
{
	s->older = t->newest;
	s->newer = NULL;
	*(t->newest ? &t->newest->newer : &t->oldest) = s;
	t->newest = s;
}

static struct source *find(struct sources *t, const struct wire_address *who)
{
	struct source *s = *head_of(t, who);

	while (s && !wire_address_same(&s->who, who))
		s = s->next;
	return s;
}

static bool make_room(struct sources *t)
{
	struct source *s = t->oldest, **link;

	if (t->n < SOURCES_MOST)
		return true;
	if (!s)
		return false;
	link = head_of(t, &s->who);
	while (*link != s)
		link = &(*link)->next;
	*link = s->next;
	unlist(t, s);
	free(s);
	t->n--;
	return true;
}

static enum source_answer add(struct sources *t, const struct wire_address *who,
			      struct source **out)
{
	struct source **head, *s;

	if (!make_room(t))
		return SOURCE_FULL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return SOURCE_MEMORY;
	head = head_of(t, who);
	s->who = *who;
	s->next = *head;
	*head = s;
	t->n++;
	list(t, s);
	*out = s;
	return SOURCE_IN;
}

static enum source_answer enter(struct sources *t, const struct wire_address *who,
				const struct source_limits *l, uint64_t now, struct source **out)
{
	struct source *s = find(t, who);
	enum source_answer answer = s ? SOURCE_IN : add(t, who, &s);

	if (answer != SOURCE_IN)
		return answer;
	if (l->most && s->held >= l->most)
		return SOURCE_MANY;
	if (l->fresh && !pace_take(&s->fresh, l->fresh, now, 1))
		return SOURCE_FAST;
	if (!s->held++)
		unlist(t, s);
	t->held++;
	*out = s;
	return SOURCE_IN;
}

enum source_answer sources_enter(struct sources *t, const struct wire_address *who,
				 const struct source_limits *l, uint64_t now, struct source **out)
{
	struct wire_address host = { .kind = who->kind };
	enum source_answer answer;

	memcpy(host.ip, who->ip, sizeof(host.ip));
	pthread_mutex_lock(&t->lock);
	answer = enter(t, &host, l, now, out);
	pthread_mutex_unlock(&t->lock);
	return answer;
}

void sources_leave(struct sources *t, struct source *s)
{
	pthread_mutex_lock(&t->lock);
	t->held--;
	if (!--s->held)
		list(t, s);
	pthread_mutex_unlock(&t->lock);
}

size_t sources_count(struct sources *t, uint64_t *held)
{
	size_t n;

	pthread_mutex_lock(&t->lock);
	n = t->n;
	*held = t->held;
	pthread_mutex_unlock(&t->lock);
	return n;
}

void source_answer_text(enum source_answer a, const struct wire_address *who,
			const struct source_limits *l, char *why, size_t room)
{
	char host[SETTINGS_HOST_ROOM];

	settings_host(who, host);
	switch (a) {
	case SOURCE_MANY:
		snprintf(why, room, "%s has %llu connections, the most that one source may have",
			 host, (unsigned long long)l->most);
		return;
	case SOURCE_FAST:
		snprintf(why, room, "%s opens more than %llu connections per second", host,
			 (unsigned long long)l->fresh->per_second);
		return;
	case SOURCE_FULL:
		snprintf(why, room, "%d sources are connected, there is no room for %s",
			 SOURCES_MOST, host);
		return;
	case SOURCE_MEMORY:
	case SOURCE_IN:
		snprintf(why, room, "memory is exhausted");
		return;
	}
}
