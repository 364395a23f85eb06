#include <config.h>

#include "runtime/socks/functions/keyring.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "runtime/core/control.h"
#include "runtime/core/listener.h"
#include "runtime/socks/functions/key_fetch.h"
#include "runtime/socks/functions/key_files.h"
#include "runtime/socks/functions/key_thread.h"
#include "runtime/socks/functions/function_settings.h"
#include "runtime/socks/stream.h"

enum {
	LOOK = 1000, /* ms between two looks at a directory */
	HURRY = 200, /* the same while a key is waited for, and between questions to a broker */
	MOST_PAUSE = 30000, /* after a broker that could not be asked */
	SETTLED = 2         /* s until a change of a directory must show in its time */
};

struct keyring {
	atomic_uint holders;
	_Atomic int64_t sealing;
	const struct log *log;
	char *function, *directory, *broker, *name; /* directory or broker is NULL */
	struct key_broker_at at;
	pthread_t thread;
	int kick, stop; /* bells */

	pthread_mutex_t lock; /* of what follows */
	struct key_set keys;
	struct keyring_wait *waits;
	char problem[256];

	/* the thread's own */
	struct timespec changed; /* the directory's time when it was read */
	bool settled;
	int64_t looked, pause; /* when, and how long until the next time */
};

/* ---- what connections ask ---- */

int64_t keyring_sealing(const struct keyring *k)
{
	return atomic_load_explicit(&k->sealing, memory_order_acquire);
}

static bool copy_key(struct keyring *k, const struct shared_key *found, struct shared_key *key)
{
	if (found)
		*key = *found;
	pthread_mutex_unlock(&k->lock);
	return found;
}

bool keyring_current(struct keyring *k, struct shared_key *key)
{
	pthread_mutex_lock(&k->lock);
	return copy_key(k, key_set_current(&k->keys, key_now()), key);
}

bool keyring_find(struct keyring *k, uint32_t id, struct shared_key *key)
{
	pthread_mutex_lock(&k->lock);
	return copy_key(k, key_set_find(&k->keys, id), key);
}

static void unlink_wait(struct keyring_wait *w)
{
	if (!w->link)
		return;
	*w->link = w->next;
	if (w->next)
		w->next->link = w->link;
	w->link = NULL;
}

void keyring_wait(struct keyring *k, struct keyring_wait *w, struct function_wake *wake,
		  uint32_t ms)
{
	pthread_mutex_lock(&k->lock);
	unlink_wait(w);
	w->wake = wake;
	w->due = key_thread_now() + ms;
	w->next = k->waits;
	w->link = &k->waits;
	if (w->next)
		w->next->link = &w->next;
	k->waits = w;
	pthread_mutex_unlock(&k->lock);
	key_bell_ring(k->kick);
}

void keyring_wait_end(struct keyring *k, struct keyring_wait *w)
{
	pthread_mutex_lock(&k->lock);
	unlink_wait(w);
	pthread_mutex_unlock(&k->lock);
}

void keyring_status(struct keyring *k, struct text *t)
{
	const struct shared_key *next;
	char when[KEY_TIME_ROOM];

	pthread_mutex_lock(&k->lock);
	next = key_set_next(&k->keys, key_now());
	if (keyring_sealing(k) >= 0)
		text_printf(t, "\"key\": %lld", (long long)keyring_sealing(k));
	else
		text_puts(t, "\"key\": null");
	text_printf(t, ", \"keys\": %zu", k->keys.n);
	if (next) {
		key_time_write(next->from, when);
		text_printf(t, ", \"next-key\": {\"key\": %u, \"from\": \"%s\"}", next->id, when);
	}
	text_puts(t, ", \"problem\": ");
	if (k->problem[0])
		text_json(t, k->problem);
	else
		text_puts(t, "null");
	pthread_mutex_unlock(&k->lock);
}

/* ---- the thread ---- */

static void set_sealing(struct keyring *k)
{
	const struct shared_key *current = key_set_current(&k->keys, key_now());

	atomic_store_explicit(&k->sealing, current ? (int64_t)current->id : -1,
			      memory_order_release);
}

static void wake_one(const struct keyring_wait *w)
{
	if (w->wake)
		w->wake->wake(w->wake);
}

static void wake_all(struct keyring *k)
{
	for (struct keyring_wait *w = k->waits; w; w = w->next)
		wake_one(w);
}

/* FRESH is wiped. */
static void take_keys(struct keyring *k, struct key_set *fresh)
{
	pthread_mutex_lock(&k->lock);
	k->problem[0] = '\0';
	if (!key_set_same(&k->keys, fresh)) {
		key_set_wipe(&k->keys);
		k->keys = *fresh;
		set_sealing(k);
		wake_all(k);
	}
	pthread_mutex_unlock(&k->lock);
	key_set_wipe(fresh);
}

/* Said once, not each second. */
static void report(struct keyring *k, const char *problem)
{
	bool news;

	pthread_mutex_lock(&k->lock);
	news = strcmp(k->problem, problem);
	snprintf(k->problem, sizeof(k->problem), "%s", problem);
	pthread_mutex_unlock(&k->lock);
	if (news)
		log_event(k->log, LOG_LEVEL_WARNING, "keyring", "no new keys", "function",
			  k->function, k->broker ? "broker" : "keys",
			  k->broker ? k->broker : k->directory, "reason", problem, NULL);
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* Whether the directory may hold something else than when it was read; notes its time. */
static bool is_changed(struct keyring *k)
{
	struct timespec now;
	struct stat st;
	bool same;

	if (stat(k->directory, &st) < 0)
		return true;
	clock_gettime(CLOCK_REALTIME, &now);
	same = same_time(st.st_mtim, k->changed);
	if (same && k->settled)
		return false;
	k->changed = st.st_mtim;
	k->settled = same && now.tv_sec > st.st_mtim.tv_sec + SETTLED;
	return true;
}

static void look_at_files(struct keyring *k)
{
	struct key_set fresh;
	struct key_error error;

	k->pause = LOOK;
	if (!is_changed(k))
		return;
	if (key_files_read(k->directory, &fresh, &error)) {
		take_keys(k, &fresh);
		return;
	}
	k->settled = false; /* a mode may be mended without a change of the directory */
	report(k, error.text);
}

static bool is_stopped(const struct keyring *k)
{
	struct pollfd polled = { k->stop, POLLIN, 0 };

	return poll(&polled, 1, 0) > 0;
}

static void ask_broker(struct keyring *k)
{
	struct key_set fresh = { 0 };
	struct key_error error = { "" };
	int64_t refresh;

	if (key_fetch(&k->at, k->stop, &fresh, &refresh, &error)) {
		k->pause = refresh;
		take_keys(k, &fresh);
		return;
	}
	k->pause = k->pause * 2 < MOST_PAUSE ? k->pause * 2 : MOST_PAUSE;
	if (!is_stopped(k))
		report(k, error.text);
}

/* Wakes those whose time is up, who then do not wait any longer; returns when the next is due. */
static int64_t wake_due(struct keyring *k, int64_t now)
{
	struct keyring_wait *next;
	int64_t first = INT64_MAX;

	pthread_mutex_lock(&k->lock);
	for (struct keyring_wait *w = k->waits; w; w = next) {
		next = w->next;
		if (w->due > now) {
			first = w->due < first ? w->due : first;
			continue;
		}
		unlink_wait(w);
		wake_one(w);
	}
	pthread_mutex_unlock(&k->lock);
	return first;
}

/* Returns how many ms there are until the next one begins. */
static int64_t begin_keys(struct keyring *k)
{
	const struct shared_key *next;
	int64_t now = key_now(), left, before = keyring_sealing(k);

	pthread_mutex_lock(&k->lock);
	set_sealing(k);
	if (before != keyring_sealing(k))
		wake_all(k);
	next = key_set_next(&k->keys, now);
	left = next ? next->from - now : INT64_MAX / 2;
	pthread_mutex_unlock(&k->lock);
	return left;
}

static bool rest(struct keyring *k, int64_t ms)
{
	struct pollfd polled[2] = { { k->kick, POLLIN, 0 }, { k->stop, POLLIN, 0 } };

	poll(polled, 2, ms < 0 ? 0 : ms > 60000 ? 60000 : (int)ms);
	if (polled[0].revents)
		key_bell_still(k->kick);
	return !polled[1].revents;
}

static int64_t earliest(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void *keyring_run(void *arg)
{
	struct keyring *k = arg;
	int64_t now, look, due, begins;

	do {
		now = key_thread_now();
		due = wake_due(k, now);
		look = k->looked + (due < INT64_MAX ? earliest(HURRY, k->pause) : k->pause);
		if (now >= look) {
			if (k->directory)
				look_at_files(k);
			else
				ask_broker(k);
			k->looked = key_thread_now();
			look = k->looked + (due < INT64_MAX ? HURRY : k->pause);
		}
		begins = begin_keys(k);
	} while (rest(k, earliest(earliest(look, due) - key_thread_now(), begins)));
	return NULL;
}

/* ---- settings ---- */

struct wishes {
	const char *keys, *broker, *name;
	struct tls_files tls;
};

static bool read_wishes(const struct tree_node *settings, struct wishes *w,
			struct function_error *error)
{
	struct tree_error problem;

	*w = (struct wishes){ 0 };
	if (!settings_text(settings, "keys", &w->keys, &problem) ||
	    !settings_text(settings, "broker", &w->broker, &problem) ||
	    !settings_text(settings, "broker-name", &w->name, &problem) ||
	    !settings_text(settings, "certificate", &w->tls.certificate, &problem) ||
	    !settings_text(settings, "key", &w->tls.certificate_key, &problem) ||
	    !settings_text(settings, "authority", &w->tls.authority, &problem)) {
		settings_refuse(problem.text, error);
		return false;
	}
	return true;
}

static const char *wrong_wishes(const struct wishes *w)
{
	bool on_machine = w->broker && !strncmp(w->broker, "unix:", 5);
	bool any = w->tls.certificate || w->tls.certificate_key || w->tls.authority;

	if (!w->keys == !w->broker)
		return "either keys (a directory) or broker must be given";
	if ((w->keys || on_machine) && (any || w->name))
		return "certificate, key, authority and broker-name are for a broker at "
		       "ADDRESS:PORT";
	if (w->broker && !on_machine &&
	    !(w->tls.certificate && w->tls.certificate_key && w->tls.authority))
		return "a broker at ADDRESS:PORT needs certificate, key and authority";
	return NULL;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/* What certificates hold may have changed in their files. */
static bool is_same(const struct keyring *k, const struct wishes *w)
{
	return !k->at.tls && !w->tls.certificate && same_text(k->directory, w->keys) &&
	       same_text(k->broker, w->broker);
}

static bool find_unix(struct keyring *k, const char *path, struct function_error *error)
{
	struct control_error problem;

	k->at.size = sizeof(struct sockaddr_un);
	if (listener_address(path, (struct sockaddr_un *)&k->at.address, &problem))
		return true;
	settings_refuse(problem.text, error);
	return false;
}

/* False: *ERROR says why. */
static bool find_broker(struct keyring *k, const struct wishes *w, struct function_error *error)
{
	struct wire_address a;
	struct tls_error problem;
	char host[SETTINGS_HOST_ROOM];

	if (!strncmp(w->broker, "unix:", 5))
		return find_unix(k, w->broker + 5, error);
	if (!wire_address_parse(w->broker, strlen(w->broker), &a) || a.kind == WIRE_NAME ||
	    !a.port) {
		settings_refuse("broker is neither ADDRESS:PORT nor unix:PATH", error);
		return false;
	}
	k->at.size = wire_address_to_sockaddr(&a, &k->at.address);
	k->name = strdup(w->name ? w->name : settings_host(&a, host));
	k->at.name = k->name;
	k->at.tls = tls_client(&w->tls, &problem);
	if (k->at.tls && problem.text[0])
		log_event(k->log, LOG_LEVEL_WARNING, "keyring", "certificate", "function",
			  k->function, "reason", problem.text, NULL);
	if (!k->at.tls)
		settings_refuse(problem.text, error);
	else if (!k->name)
		settings_refuse("memory is exhausted", error);
	return k->at.tls && k->name;
}

/* The first look at a directory, so that what is wrong is said at once. */
static bool find_files(struct keyring *k, struct function_error *error)
{
	struct key_error problem;

	is_changed(k);
	if (!key_files_read(k->directory, &k->keys, &problem)) {
		settings_refuse(problem.text, error);
		return false;
	}
	if (!k->keys.n) {
		snprintf(error->text, sizeof(error->text),
			 "%.120s: there is no key; `openssl rand -hex 32` makes one for 1.key",
			 k->directory);
		return false;
	}
	set_sealing(k);
	return true;
}

static bool copy_text(char **to, const char *from)
{
	return !from || (*to = strdup(from));
}

static bool prepare(struct keyring *k, const struct wishes *w, const char *function,
		    struct function_error *error)
{
	if (!copy_text(&k->function, function) || !copy_text(&k->directory, w->keys) ||
	    !copy_text(&k->broker, w->broker)) {
		settings_refuse("memory is exhausted", error);
		return false;
	}
	k->kick = key_bell();
	k->stop = key_bell();
	if (k->kick < 0 || k->stop < 0) {
		settings_refuse(strerror(errno), error);
		return false;
	}
	return k->directory ? find_files(k, error) : find_broker(k, w, error);
}

static void keyring_free(struct keyring *k)
{
	pthread_mutex_destroy(&k->lock);
	key_set_wipe(&k->keys);
	tls_drop(k->at.tls);
	if (k->kick >= 0)
		close(k->kick);
	if (k->stop >= 0)
		close(k->stop);
	free(k->function);
	free(k->directory);
	free(k->broker);
	free(k->name);
	free(k);
}

/* Until a broker under a new certificate was asked. */
static void inherit(struct keyring *k, struct keyring *was)
{
	if (!k->broker || !was || !same_text(k->broker, was->broker) ||
	    !same_text(k->name, was->name))
		return;
	pthread_mutex_lock(&was->lock);
	k->keys = was->keys;
	pthread_mutex_unlock(&was->lock);
	set_sealing(k);
}

struct keyring *keyring_open(const struct function_site *site, const char *function,
			     const struct tree_node *settings, struct keyring *was,
			     struct function_error *error)
{
	struct wishes w;
	struct keyring *k;

	if (!read_wishes(settings, &w, error))
		return NULL;
	if (wrong_wishes(&w))
		return settings_refuse(wrong_wishes(&w), error);
	if (was && is_same(was, &w))
		return keyring_hold(was);
	k = calloc(1, sizeof(*k));
	if (!k)
		return settings_refuse("memory is exhausted", error);
	atomic_init(&k->holders, 1);
	atomic_init(&k->sealing, -1);
	pthread_mutex_init(&k->lock, NULL);
	k->log = site->log;
	k->kick = k->stop = -1;
	k->pause = w.keys ? LOOK : HURRY;
	k->looked = key_thread_now() - (w.keys ? 0 : HURRY); /* a broker is asked at once */
	if (prepare(k, &w, function, error)) {
		inherit(k, was);
		if (key_thread_start(&k->thread, keyring_run, k))
			return k;
		settings_refuse("no thread can be started for the keys", error);
	}
	keyring_free(k);
	return NULL;
}

struct keyring *keyring_hold(struct keyring *k)
{
	atomic_fetch_add(&k->holders, 1);
	return k;
}

void keyring_drop(struct keyring *k)
{
	if (!k || atomic_fetch_sub(&k->holders, 1) != 1)
		return;
	key_bell_ring(k->stop);
	pthread_join(k->thread, NULL);
	keyring_free(k);
}
