#include <config.h>

#include "runtime/socks/functions/key_office.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/core/control.h"
#include "runtime/socks/functions/key_visit.h"
#include "runtime/socks/functions/function_settings.h"
#include "runtime/socks/functions/key_thread.h"

enum {
	MOST_VISITS = 64,
	BACKLOG = 128,
	REST = 100,   /* ms without accepting, when there was no file descriptor */
	RETRY = 5000, /* ms after a key could not be made */
	REFRESH_LEAST = 200,
	REFRESH_MOST = 60000
};

struct key_office {
	const struct log *log;
	char *function;
	pthread_t thread;
	int kick, stop; /* bells */
	_Atomic bool current;

	pthread_mutex_t lock; /* of what follows */
	struct key_sign *newest;
	struct key_store store;
	uint64_t served, refused;
	char problem[256];

	/* the thread's own */
	struct key_visit *visits[MOST_VISITS];
	size_t n_visits;
	int64_t rests, retries; /* ms, monotonic: not before */
};

/* ---- doors ---- */

/* Always false. */
static bool refuse_door(const char *text, const char *why, struct function_error *error)
{
	snprintf(error->text, sizeof(error->text), "%.100s: %.140s", text, why);
	return false;
}

static bool listen_path(struct key_door *d, struct function_error *error)
{
	struct control_error problem;

	d->on_path = listener_open(&d->listener, d->text + strlen("unix:"), &problem);
	d->fd = d->on_path ? d->listener.fd : -1;
	return d->on_path || refuse_door(d->text, problem.text, error);
}

static bool listen_address(struct key_door *d, struct function_error *error)
{
	struct wire_address a;
	struct sockaddr_storage address;
	socklen_t size;

	if (!wire_address_parse(d->text, strlen(d->text), &a) || a.kind == WIRE_NAME)
		return refuse_door(d->text, "is not ADDRESS:PORT", error);
	size = wire_address_to_sockaddr(&a, &address);
	d->fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (d->fd >= 0 &&
	    setsockopt(d->fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)) == 0 &&
	    bind(d->fd, (struct sockaddr *)&address, size) == 0 && listen(d->fd, BACKLOG) == 0)
		return true;
	return refuse_door(d->text, strerror(errno), error);
}

static void door_drop(struct key_door *d)
{
	if (!d || atomic_fetch_sub(&d->holders, 1) != 1)
		return;
	if (d->on_path)
		listener_close(&d->listener);
	else if (d->fd >= 0)
		close(d->fd);
	free(d->text);
	free(d);
}

static struct key_door *door_open(const char *text, struct function_error *error)
{
	struct key_door *d = calloc(1, sizeof(*d));

	if (!d || !(d->text = strdup(text))) {
		free(d);
		return settings_refuse("memory is exhausted", error);
	}
	atomic_init(&d->holders, 1);
	d->fd = -1;
	if (strncmp(text, "unix:", 5) ? listen_address(d, error) : listen_path(d, error))
		return d;
	door_drop(d);
	return NULL;
}

static struct key_door *door_of(const struct key_sign *old, const char *text)
{
	for (int i = 0; old && i < KEY_DOORS; i++)
		if (old->doors[i] && !strcmp(old->doors[i]->text, text))
			return old->doors[i];
	return NULL;
}

static bool open_doors(struct key_sign *sign, const char *const texts[KEY_DOORS],
		       const struct key_sign *old, struct function_error *error)
{
	for (int i = 0; i < KEY_DOORS; i++) {
		if (!texts[i])
			continue;
		if ((sign->doors[i] = door_of(old, texts[i])))
			atomic_fetch_add(&sign->doors[i]->holders, 1);
		else if (!(sign->doors[i] = door_open(texts[i], error)))
			return false;
	}
	return true;
}

/* ---- keys ---- */

static void report(struct key_office *o, const char *problem)
{
	if (!strcmp(o->problem, problem))
		return;
	snprintf(o->problem, sizeof(o->problem), "%s", problem);
	log_event(o->log, LOG_LEVEL_ERROR, "key-broker", "keys cannot be kept", "function",
		  o->function, "reason", problem, NULL);
}

/* Keys that came since there were BEFORE. */
static void report_made(struct key_office *o, uint64_t before)
{
	const struct key_set *keys = &o->store.keys;
	char id[16], from[KEY_TIME_ROOM];

	if (before == o->store.made || !keys->n)
		return;
	snprintf(id, sizeof(id), "%u", keys->keys[keys->n - 1].id);
	key_time_write(keys->keys[keys->n - 1].from, from);
	log_event(o->log, LOG_LEVEL_INFO, "key-broker", "a key was made", "function", o->function,
		  "key", id, "from", from, NULL);
}

static void note_current(struct key_office *o)
{
	atomic_store(&o->current, key_set_current(&o->store.keys, key_now()) != NULL);
}

static void tick(struct key_office *o)
{
	struct key_error problem;
	uint64_t made = o->store.made;

	if (key_thread_now() >= o->retries) {
		if (key_store_tick(&o->store, key_now(), &problem)) {
			o->problem[0] = '\0';
		} else {
			report(o, problem.text);
			o->retries = key_thread_now() + RETRY;
		}
		report_made(o, made);
	}
	note_current(o);
}

/* Who asks so often has each key before it begins. */
static int64_t refresh_of(const struct key_office *o)
{
	int64_t half = o->store.rules.ahead / 2;

	return half < REFRESH_LEAST ? REFRESH_LEAST : half > REFRESH_MOST ? REFRESH_MOST : half;
}

/* ---- visits ---- */

static bool is_client(const struct key_sign *sign, const char *peer)
{
	for (size_t i = 0; i < sign->n_clients; i++)
		if (!strcmp(sign->clients[i], peer) ||
		    (!strncmp(peer, "CN=", 3) && !strcmp(sign->clients[i], peer + 3)))
			return true;
	return false;
}

static void answer(struct key_office *o, struct key_visit *v)
{
	char peer[KEY_PEER_ROOM];
	bool known = key_visit_peer(v, peer) && strlen(peer) < sizeof(peer) - 1; /* not cut */

	pthread_mutex_lock(&o->lock);
	if (known && (!v->tls || (o->newest && is_client(o->newest, peer)))) {
		v->n_answer = key_answer_write(&o->store.keys, refresh_of(o), v->answer);
		o->served++;
	} else {
		v->n_answer = key_refusal_write("this client is not allowed", v->answer);
		o->refused++;
	}
	pthread_mutex_unlock(&o->lock);
	if (v->tls)
		log_event(o->log, LOG_LEVEL_DEBUG, "key-broker", "asked", "function", o->function,
			  "client", peer, NULL);
	v->state = KEY_VISIT_HEARS;
}

static void visit_end(struct key_office *o, size_t i)
{
	key_visit_close(o->visits[i]);
	o->visits[i] = o->visits[--o->n_visits];
}

static void visits_go(struct key_office *o, const struct pollfd *polled, size_t n)
{
	int64_t now = key_thread_now();

	for (size_t i = n; i-- > 0;) {
		struct key_visit *v = o->visits[i];

		if (polled[i].revents) {
			key_visit_go(v);
			if (v->state == KEY_VISIT_ASKED) {
				answer(o, v);
				key_visit_go(v);
			}
		}
		if (v->state == KEY_VISIT_OVER || now >= v->due)
			visit_end(o, i);
	}
}

/* Who was there for longest makes room: a stranger must not keep others out. */
static void make_room(struct key_office *o)
{
	size_t oldest = 0;

	if (o->n_visits < MOST_VISITS)
		return;
	for (size_t i = 1; i < o->n_visits; i++)
		if (o->visits[i]->due < o->visits[oldest]->due)
			oldest = i;
	visit_end(o, oldest);
}

static void accept_at(struct key_office *o, const struct key_door *d, struct tls_side *side)
{
	for (int i = 0; i < BACKLOG; i++) {
		int fd = accept4(d->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		struct key_visit *v;

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
			    errno == ENOBUFS)
				o->rests = key_thread_now() + REST;
			return;
		}
		make_room(o);
		v = key_visit_open(fd, d->on_path ? NULL : side, key_thread_now());
		if (v)
			o->visits[o->n_visits++] = v;
		else
			o->refused++;
	}
}

/* ---- the thread ---- */

enum { KICK, STOP, DOORS, VISITS = DOORS + KEY_DOORS, MOST_POLLED = VISITS + MOST_VISITS };

/* Returns how long to wait at most. */
static int prepare(struct key_office *o, struct pollfd polled[MOST_POLLED])
{
	int64_t now = key_thread_now(), left = 60000, due;

	polled[KICK] = (struct pollfd){ o->kick, POLLIN, 0 };
	polled[STOP] = (struct pollfd){ o->stop, POLLIN, 0 };
	for (int i = 0; i < KEY_DOORS; i++)
		polled[DOORS + i] = (struct pollfd){ -1, POLLIN, 0 };
	for (int i = 0; o->newest && now >= o->rests && i < KEY_DOORS; i++)
		if (o->newest->doors[i])
			polled[DOORS + i].fd = o->newest->doors[i]->fd;
	for (size_t i = 0; i < o->n_visits; i++) {
		polled[VISITS + i] =
		    (struct pollfd){ o->visits[i]->stream.fd, key_visit_events(o->visits[i]), 0 };
		if (o->visits[i]->due - now < left)
			left = o->visits[i]->due - now;
	}
	due = key_store_due(&o->store, key_now());
	if (due < INT64_MAX && due - key_now() < left)
		left = due - key_now();
	if (o->retries > now && left < o->retries - now)
		left = left < 1 ? o->retries - now : left;
	if (o->rests > now && o->rests - now < left)
		left = o->rests - now;
	return left < 0 ? 0 : (int)left;
}

static void accept_all(struct key_office *o, const struct pollfd *polled)
{
	for (int i = 0; o->newest && i < KEY_DOORS; i++)
		if (o->newest->doors[i] && polled[DOORS + i].revents &&
		    polled[DOORS + i].fd == o->newest->doors[i]->fd)
			accept_at(o, o->newest->doors[i], o->newest->tls);
}

static void *office_run(void *arg)
{
	struct key_office *o = arg;
	struct pollfd polled[MOST_POLLED];
	size_t n;
	int wait;

	for (;;) {
		pthread_mutex_lock(&o->lock);
		tick(o);
		wait = prepare(o, polled);
		pthread_mutex_unlock(&o->lock);
		n = o->n_visits;
		if (poll(polled, VISITS + n, wait) < 0)
			continue;
		if (polled[STOP].revents)
			return NULL;
		if (polled[KICK].revents)
			key_bell_still(o->kick);
		visits_go(o, polled + VISITS, n);
		pthread_mutex_lock(&o->lock);
		accept_all(o, polled);
		pthread_mutex_unlock(&o->lock);
	}
}

/* ---- entering and leaving ---- */

static void office_free(struct key_office *o)
{
	while (o->n_visits)
		visit_end(o, o->n_visits - 1);
	pthread_mutex_destroy(&o->lock);
	key_store_close(&o->store);
	if (o->kick >= 0)
		close(o->kick);
	if (o->stop >= 0)
		close(o->stop);
	free(o->function);
	free(o);
}

static struct key_office *office_open(const struct function_site *site, const char *function,
				      const char *directory, const struct key_rules *rules,
				      struct function_error *error)
{
	struct key_office *o = calloc(1, sizeof(*o));
	struct key_error problem = { "memory is exhausted" };

	if (!o)
		return settings_refuse(problem.text, error);
	pthread_mutex_init(&o->lock, NULL);
	o->log = site->log;
	o->function = strdup(function);
	o->kick = key_bell();
	o->stop = key_bell();
	if (o->function && o->kick >= 0 && o->stop >= 0 &&
	    key_store_open(&o->store, directory, rules, &problem)) {
		/* So that a key is there before the first connection. */
		if (key_store_tick(&o->store, key_now(), &problem)) {
			note_current(o);
			return o;
		}
	}
	settings_refuse(problem.text, error);
	office_free(o);
	return NULL;
}

static struct key_office *office_new(const struct function_site *site, const char *function,
				     const char *directory, struct key_sign *sign,
				     struct function_error *error)
{
	struct key_office *o = office_open(site, function, directory, &sign->rules, error);

	if (!o)
		return NULL;
	o->newest = sign;
	if (key_thread_start(&o->thread, office_run, o))
		return o;
	settings_refuse("no thread can be started for the broker", error);
	office_free(o);
	return NULL;
}

static struct key_office *office_join(struct key_office *o, struct key_sign *sign,
				      struct function_error *error)
{
	struct key_error problem;
	bool ok;

	pthread_mutex_lock(&o->lock);
	ok = key_store_read(&o->store, &problem);
	if (ok) {
		sign->older = o->newest;
		o->newest = sign;
		o->store.rules = sign->rules;
		note_current(o);
	}
	pthread_mutex_unlock(&o->lock);
	if (!ok)
		return settings_refuse(problem.text, error);
	key_bell_ring(o->kick);
	return o;
}

struct key_office *key_office_enter(const struct function_site *site, const char *function,
				    const char *directory, const char *const texts[KEY_DOORS],
				    struct key_sign *sign, struct key_office *office,
				    struct key_sign *old, struct function_error *error)
{
	bool joins = office && !strcmp(office->store.directory, directory);

	if (!open_doors(sign, texts, joins ? old : NULL, error))
		return NULL;
	return joins ? office_join(office, sign, error)
		     : office_new(site, function, directory, sign, error);
}

void key_office_leave(struct key_office *o, struct key_sign *sign)
{
	struct key_sign **link = &o->newest;
	bool last;

	pthread_mutex_lock(&o->lock);
	while (*link != sign)
		link = &(*link)->older;
	*link = sign->older;
	last = !o->newest;
	if (!last)
		o->store.rules = o->newest->rules;
	pthread_mutex_unlock(&o->lock);
	key_bell_ring(last ? o->stop : o->kick);
	if (!last)
		return;
	pthread_join(o->thread, NULL);
	office_free(o);
}

void key_sign_free(struct key_sign *s)
{
	for (int i = 0; i < KEY_DOORS; i++)
		door_drop(s->doors[i]);
	tls_drop(s->tls);
	for (size_t i = 0; i < s->n_clients; i++)
		free(s->clients[i]);
	free(s->clients);
}

/* ---- what it is asked ---- */

bool key_office_current(const struct key_office *o)
{
	return atomic_load(&o->current);
}

static void put_key(struct text *t, const char *name, const struct shared_key *key)
{
	char from[KEY_TIME_ROOM];

	if (!key) {
		text_printf(t, "\"%s\": null, ", name);
		return;
	}
	key_time_write(key->from, from);
	text_printf(t, "\"%s\": {\"key\": %u, \"from\": \"%s\"}, ", name, key->id, from);
}

void key_office_status(struct key_office *o, struct text *t)
{
	int64_t now = key_now();

	pthread_mutex_lock(&o->lock);
	put_key(t, "current", key_set_current(&o->store.keys, now));
	put_key(t, "next", key_set_next(&o->store.keys, now));
	text_printf(t, "\"keys\": %zu, \"made\": %llu, \"revoked\": %llu, ", o->store.keys.n,
		    (unsigned long long)o->store.made, (unsigned long long)o->store.revoked);
	text_printf(t, "\"served\": %llu, \"refused\": %llu, \"problem\": ",
		    (unsigned long long)o->served, (unsigned long long)o->refused);
	if (o->problem[0])
		text_json(t, o->problem);
	else
		text_puts(t, "null");
	pthread_mutex_unlock(&o->lock);
}

bool key_office_rotate(struct key_office *o, struct text *answer)
{
	struct key_error problem;
	const struct shared_key *key;
	char from[KEY_TIME_ROOM];
	uint64_t made;
	bool ok;

	pthread_mutex_lock(&o->lock);
	made = o->store.made;
	ok = key_store_rotate(&o->store, key_now(), &problem);
	if (ok) {
		key = &o->store.keys.keys[o->store.keys.n - 1];
		key_time_write(key->from, from);
		text_printf(answer, "key %u begins at %s\n", key->id, from);
	} else {
		text_printf(answer, "%s\n", problem.text);
	}
	report_made(o, made);
	note_current(o);
	pthread_mutex_unlock(&o->lock);
	key_bell_ring(o->kick);
	return ok;
}

bool key_office_revoke(struct key_office *o, uint32_t id, struct text *answer)
{
	struct key_error problem;
	bool ok;

	pthread_mutex_lock(&o->lock);
	ok = key_store_revoke(&o->store, id, &problem);
	if (ok)
		text_printf(answer, "key %u is revoked\n", id);
	else
		text_printf(answer, "%s\n", problem.text);
	note_current(o);
	pthread_mutex_unlock(&o->lock);
	key_bell_ring(o->kick);
	return ok;
}
