#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <semaphore.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/socks/server.h"
#include "runtime/socks/session.h"

enum {
	BACKLOG = 4096,
	FAST_OPEN_QUEUE = 256,
	REST_MS = 100,
	DEFER_SECONDS = 3, /* SOCKS clients speak first: a connection without a byte is none yet */
	LINES_PER_SECOND = 50
};

/* ---- doors ---- */

static void door_fast_open(const struct door *d)
{
	int queue = d->front->fast_open ? FAST_OPEN_QUEUE : 0;

	setsockopt(d->watch.fd, IPPROTO_TCP, TCP_FASTOPEN, &queue, sizeof(queue));
}

static bool door_bind(struct door *d, int family)
{
	const struct front *f = d->front;
	int fd = d->watch.fd, one = 1, seconds = DEFER_SECONDS;
	struct sockaddr_storage at;
	socklen_t n = wire_address_to_sockaddr(&f->at, &at);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (f->transparent)
		setsockopt(fd, family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP,
			   family == AF_INET6 ? IPV6_TRANSPARENT : IP_TRANSPARENT, &one,
			   sizeof(one));
	stream_hurry(fd);
	stream_keep_alive(fd);
	if (f->kind != FRONT_REDIRECT)
		setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds));
	if (f->fast_open)
		door_fast_open(d);
	return !bind(fd, (struct sockaddr *)&at, n) && !listen(fd, BACKLOG);
}

static void door_close(struct door *d)
{
	if (!d)
		return;
	loop_forget_closing(d->worker->loop, &d->watch);
	if (d->watch.fd >= 0)
		close(d->watch.fd);
	free(d);
}

static void doors_watch(struct worker *w, uint32_t events)
{
	for (size_t i = 0; i < w->n_doors; i++)
		loop_events(w->loop, &w->doors[i]->watch, events);
}

static void rest_ends(struct timer *t)
{
	doors_watch((struct worker *)((char *)t - offsetof(struct worker, rest)), EPOLLIN);
}

/* Another thread took the spare descriptor: the loop must not turn in vain. */
static void doors_rest(struct worker *w)
{
	doors_watch(w, 0);
	w->rest.ring = rest_ends;
	timer_set(w->loop, &w->rest, REST_MS);
}

/* With the process's last spare descriptor, so that clients see a refusal and the loop does not
 * turn in vain. */
static void door_turn_away(struct door *d)
{
	struct worker *w = d->worker;
	int fd;

	if (w->spare >= 0)
		close(w->spare);
	fd = accept4(d->watch.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0) {
		struct stream s = { .fd = fd };

		stream_reset(&s);
	} else {
		doors_rest(w);
	}
	w->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	counters_add(&w->server->counters, COUNT_refused_limit, 1);
	if (worker_may_log(w))
		log_event(w->server->log, LOG_LEVEL_WARNING, "limit",
			  "no descriptors are left: a connection is refused", NULL);
}

static void door_ready(struct watch *watch, uint32_t events)
{
	struct door *d = (struct door *)watch;
	struct sockaddr_storage peer;
	socklen_t n = sizeof(peer);
	int fd = accept4(watch->fd, (struct sockaddr *)&peer, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	if (fd >= 0)
		session_open(d, fd, (struct sockaddr *)&peer, n);
	else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
		door_turn_away(d);
}

static struct door *door_open(struct worker *w, struct setup *setup, const struct front *front,
			      struct server_error *error)
{
	struct door *d = calloc(1, sizeof(*d));
	int family = front->at.kind == WIRE_IPV6 ? AF_INET6 : AF_INET;
	char at[WIRE_TEXT_ROOM];

	if (!d)
		return NULL;
	*d = (struct door){ .worker = w, .setup = setup, .front = front };
	d->watch = (struct watch){
		.fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
		.ready = door_ready,
	};
	if (d->watch.fd >= 0 && door_bind(d, family))
		return d;
	wire_address_text(&front->at, at, sizeof(at));
	snprintf(error->text, sizeof(error->text), "cannot listen on %s: %s", at, strerror(errno));
	door_close(d);
	return NULL;
}

static struct door *door_find(struct worker *w, const struct front *front)
{
	for (size_t i = 0; i < w->n_doors; i++)
		if (wire_address_same(&w->doors[i]->front->at, &front->at))
			return w->doors[i];
	return NULL;
}

/* Workers share an address, other processes must not: they would get some of the connections. */
static bool address_free(const struct front *front, struct server_error *error)
{
	int family = front->at.kind == WIRE_IPV6 ? AF_INET6 : AF_INET, one = 1;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_storage at;
	socklen_t n = wire_address_to_sockaddr(&front->at, &at);
	char text[WIRE_TEXT_ROOM];
	bool good;

	if (fd < 0)
		return true; /* opening the door will say why */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	good = !bind(fd, (struct sockaddr *)&at, n) || errno != EADDRINUSE;
	close(fd);
	wire_address_text(&front->at, text, sizeof(text));
	if (!good)
		snprintf(error->text, sizeof(error->text), "cannot listen on %s: it is in use",
			 text);
	return good;
}

bool doors_open(struct worker *w, struct setup *setup, struct new_doors *doors,
		struct server_error *error)
{
	snprintf(error->text, sizeof(error->text), "no memory");
	*doors = (struct new_doors){ .at = calloc(setup->n_fronts + 1, sizeof(struct door *)) };
	for (size_t i = 0; doors->at && !w->draining && i < setup->n_fronts; i++) {
		const struct front *f = &setup->fronts[i];

		if (door_find(w, f))
			continue;
		doors->at[doors->n] =
		    w->index || address_free(f, error) ? door_open(w, setup, f, error) : NULL;
		if (!doors->at[doors->n]) {
			doors_drop(doors);
			return false;
		}
		doors->n++;
	}
	return doors->at;
}

void doors_drop(struct new_doors *doors)
{
	for (size_t i = 0; i < doors->n; i++)
		door_close(doors->at[i]);
	free(doors->at);
	*doors = (struct new_doors){ 0 };
}

static void doors_keep(struct worker *w, struct setup *setup)
{
	for (size_t i = 0; i < setup->n_fronts; i++) {
		const struct front *f = &setup->fronts[i];
		struct door *d = door_find(w, f);
		bool changed = d && d->front->fast_open != f->fast_open;

		if (!d)
			continue;
		d->keep = true;
		d->setup = setup;
		d->front = f;
		if (changed)
			door_fast_open(d);
	}
}

static void doors_sweep(struct worker *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_doors; i++) {
		if (w->doors[i]->keep)
			w->doors[n++] = w->doors[i];
		else
			door_close(w->doors[i]);
	}
	w->n_doors = n;
	for (size_t i = 0; i < n; i++)
		w->doors[i]->keep = false;
}

/* The rows of kept doors and new ones become one array, the new one's. */
static void doors_join(struct worker *w, struct new_doors *doors)
{
	struct door **all = calloc(w->n_doors + doors->n + 1, sizeof(struct door *));

	if (!all) {
		doors_drop(doors);
		return;
	}
	memcpy(all, w->doors ? w->doors : all, w->n_doors * sizeof(struct door *));
	for (size_t i = 0; i < doors->n; i++)
		if (loop_watch(w->loop, &doors->at[i]->watch, EPOLLIN))
			all[w->n_doors++] = doors->at[i];
		else
			door_close(doors->at[i]);
	free(w->doors);
	free(doors->at);
	w->doors = all;
	*doors = (struct new_doors){ 0 };
}

/* ---- setups ---- */

/* Each worker keeps its part. */
static unsigned warm_share(const struct worker *w, unsigned all)
{
	unsigned n = (unsigned)w->server->n_workers;

	return (all + n - 1) / n;
}

static void warm_prepare(struct worker *w, struct setup *setup)
{
	size_t n, n_targets;
	const struct policy_chain *chains;
	const struct policy_target *targets;

	if (setup->options->role == ROLE_REDIRECT)
		warm_keep(w->warm, &setup->options->proxy, warm_share(w, setup->options->warm),
			  setup->clients[0], NULL, setup->options->mark, NULL);
	if (!setup->policy || setup->options->role != ROLE_PROXY)
		return;
	chains = policy_chains(setup->policy, &n);
	targets = policy_targets(setup->policy, &n_targets);
	for (size_t i = 0; i < n; i++) {
		const struct policy_target *t = &targets[chains[i].target];
		size_t k = 0;

		while (k < chains[i].n_links && chains[i].links[k].own >= 0)
			k++;
		if (t->warm && k < chains[i].n_links)
			warm_keep(w->warm, &chains[i].links[k].at, warm_share(w, t->warm),
				  chains[i].links[k].tls ? setup->clients[chains[i].target] : NULL,
				  NULL, setup->options->mark,
				  setup_from(setup, &chains[i].links[k].at));
	}
}

void worker_take(struct worker *w, struct setup *setup, struct new_doors *doors)
{
	struct setup *was = w->setup;

	w->setup = setup_hold(setup);
	doors_keep(w, setup);
	doors_sweep(w);
	doors_join(w, doors);
	warm_close(w->warm);
	w->warm = warm_open(w->loop);
	if (w->warm)
		warm_prepare(w, setup);
	setup_drop(was);
}

void worker_shut(struct worker *w)
{
	doors_sweep(w);
	w->draining = true;
}

/* ---- the thread ---- */

bool worker_open(struct worker *w, struct server *server, unsigned index)
{
	*w = (struct worker){ .server = server, .index = index };
	w->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	w->loop = loop_open();
	w->pool = w->loop ? relay_pool_open(w->loop) : NULL;
	w->warm = w->loop ? warm_open(w->loop) : NULL;
	return w->pool && w->warm;
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;

	loop_run(w->loop);
	return NULL;
}

bool worker_start(struct worker *w)
{
	int e = pthread_create(&w->thread, NULL, worker_main, w);

	errno = e;
	w->running = !e;
	return !e;
}

void worker_close(struct worker *w)
{
	if (w->running) {
		loop_end(w->loop);
		pthread_join(w->thread, NULL);
	}
	if (w->loop) {
		sessions_end(w);
		doors_sweep(w);
		warm_close(w->warm);
		relay_pool_close(w->pool);
	}
	loop_close(w->loop);
	setup_drop(w->setup);
	free(w->doors);
	if (w->spare >= 0)
		close(w->spare);
}

struct call {
	struct work work;
	struct worker *worker;
	void (*run)(struct worker *, void *arg);
	void *arg;
	sem_t done;
};

static void call_run(struct work *work)
{
	struct call *c = (struct call *)work;

	c->run(c->worker, c->arg);
	sem_post(&c->done);
}

void worker_call(struct worker *w, void (*run)(struct worker *, void *arg), void *arg)
{
	struct call c = { .work = { .run = call_run }, .worker = w, .run = run, .arg = arg };

	if (!w->running) {
		run(w, arg);
		return;
	}
	sem_init(&c.done, 0, 0);
	loop_post(w->loop, &c.work);
	while (sem_wait(&c.done) && errno == EINTR)
		;
	sem_destroy(&c.done);
}

bool worker_may_log(struct worker *w)
{
	uint64_t second = loop_now(w->loop) / 1000;
	char lost[16];

	if (second != w->lines_second && w->lines_lost) {
		snprintf(lost, sizeof(lost), "%u", w->lines_lost);
		log_event(w->server->log, LOG_LEVEL_WARNING, "log", "lines were left out", "lines",
			  lost, NULL);
	}
	if (second != w->lines_second) {
		w->lines_second = second;
		w->lines = w->lines_lost = 0;
	}
	if (w->lines < LINES_PER_SECOND) {
		w->lines++;
		return true;
	}
	w->lines_lost++;
	return false;
}
