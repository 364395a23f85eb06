#include <config.h>

#include "runtime/socks/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/socks/session.h"

enum { MOST_SESSIONS = 4096, RESOLVER_THREADS = 2 };

static bool fail(struct server_error *error, const char *what)
{
	snprintf(error->text, sizeof(error->text), "%s", what);
	return false;
}

static bool parts_open(struct server *s, unsigned n_workers)
{
	s->clients = clients_open(s->limits.most_each, s->limits.most);
	s->sessions = sessions_open(MOST_SESSIONS);
	s->resolver = resolver_open(RESOLVER_THREADS);
	s->workers = calloc(n_workers, sizeof(*s->workers));
	if (!s->clients || !s->sessions || !s->resolver || !s->workers)
		return false;
	for (; s->n_workers < n_workers; s->n_workers++)
		if (!worker_open(&s->workers[s->n_workers], s, (unsigned)s->n_workers))
			return s->n_workers++, false;
	return true;
}

/* ---- setups ---- */

struct taking {
	struct setup *setup;
	struct new_doors doors;
	struct reload_facts facts;
};

static void take_run(struct worker *w, void *arg)
{
	struct taking *t = arg;

	worker_take(w, t->setup, &t->doors);
	sessions_review(w, &t->facts);
}

/* All doors are open before the first worker takes the setup, so that it is in force everywhere or
 * nowhere. */
static bool setup_take(struct server *s, struct setup *setup, struct reload_facts *facts,
		       struct server_error *error)
{
	struct taking *t = calloc(s->n_workers, sizeof(*t));
	size_t n = 0;

	if (!t)
		return fail(error, "no memory");
	while (n < s->n_workers && doors_open(&s->workers[n], setup, &t[n].doors, error))
		n++;
	if (n < s->n_workers) {
		while (n--)
			doors_drop(&t[n].doors);
		free(t);
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		t[i].setup = setup;
		worker_call(&s->workers[i], take_run, &t[i]);
		facts->kept += t[i].facts.kept;
		facts->ended += t[i].facts.ended;
	}
	free(t);
	return true;
}

bool server_open(struct server *s, unsigned n_workers, struct server_error *error)
{
	struct reload_facts facts = { 0 };
	struct setup_error why;

	error->is_setup = false;
	if (!parts_open(s, n_workers))
		return fail(error, strerror(errno ? errno : ENOMEM));
	s->setup = setup_open(s->options, s->sessions, &(struct setups){ 0 }, &why);
	error->is_setup = !s->setup;
	return s->setup ? setup_take(s, s->setup, &facts, error) : fail(error, why.text);
}

bool server_start(struct server *s, struct server_error *error)
{
	for (size_t i = 0; i < s->n_workers; i++)
		if (!worker_start(&s->workers[i]))
			return fail(error, strerror(errno));
	return true;
}

bool server_reload(struct server *s, struct reload_facts *facts, struct server_error *error)
{
	struct setup **old = realloc(s->old, (s->n_old + 1) * sizeof(struct setup *));
	struct setup_error why;
	struct setup *setup;

	*facts = (struct reload_facts){ 0 };
	if (!old)
		return fail(error, "no memory");
	s->old = old;
	s->old[s->n_old] = s->setup;
	setup = setup_open(s->options, s->sessions, &(struct setups){ s->old, s->n_old + 1 }, &why);
	if (!setup)
		return fail(error, why.text);
	if (!setup_take(s, setup, facts, error)) {
		setup_drop(setup);
		return false;
	}
	setup_loosen(s->old[s->n_old++]);
	s->setup = setup;
	s->reloads++;
	counters_add(&s->counters, COUNT_ended_by_reload, facts->ended);
	return true;
}

/* The last one to drop a setup waits for its functions to end, which workers must not do. */
void server_reap(struct server *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_old; i++) {
		if (atomic_load(&s->old[i]->n_holds) == 1) {
			setup_release(s->old[i]);
			continue;
		}
		setup_shrink(s->old[i]);
		s->old[n++] = s->old[i];
	}
	s->n_old = n;
}

/* ---- the end ---- */

static void shut_run(struct worker *w, void *arg)
{
	(void)arg;
	worker_shut(w);
}

void server_drain(struct server *s)
{
	for (size_t i = 0; i < s->n_workers; i++)
		worker_call(&s->workers[i], shut_run, NULL);
}

size_t server_count(struct server *s)
{
	return clients_count(s->clients);
}

void server_close(struct server *s)
{
	for (size_t i = 0; i < s->n_workers; i++)
		worker_close(&s->workers[i]);
	for (size_t i = 0; i < s->n_old; i++)
		setup_release(s->old[i]);
	setup_drop(s->setup);
	resolver_close(s->resolver);
	sessions_close(s->sessions);
	clients_close(s->clients);
	free(s->workers);
	free(s->old);
}
