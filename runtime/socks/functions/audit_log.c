/* `audit-log`: who sent what to whom, in a file that only grows and whose lines are chained.
 *
 *	"file"          missing: audit-NAME.log in $STATE_DIRECTORY or /var/lib/epic
 *	"sync"          when lines go to the disk: "each" time some are written, every "second" (as
 *			it is missing), "none"
 *	"key_file"      lines are authenticated by HMAC with its bytes, too
 *	"rotate_bytes"  a part has about as many (67108864); 0: one part
 *
 * A thread of its own writes, workers never wait for the disk.  No record, no transfer: while lines
 * cannot be written (the disk is full) or too many wait, connections are refused, and no byte of a
 * stream passes before the line that opens it was written (and is on the disk, for "each").
 * Lines of connections that were recorded are never given up; those that were refused are counted
 * in a line once lines can be written again. */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/socks/functions/audit_file.h"
#include "runtime/socks/functions/pace.h"
#include "runtime/socks/functions/rows.h"
#include "runtime/socks/functions/function_settings.h"

enum {
	MOST_WAITING = 8192, /* lines, of connections that open */
	BATCH = 512,         /* lines per write */
	REST_MS = 200,       /* between attempts while nothing can be written */
	MOST_TEXT = 320,     /* bytes of a name; what is longer is cut */
	LAST_ATTEMPTS = 5    /* when all ends */
};

enum sync { SYNC_EACH, SYNC_SECOND, SYNC_NONE };

struct record {
	struct record *next;
	struct visit *visit;
	bool opens;
	struct timespec at;
	uint64_t sent[N_WAYS], ms;
};

/* A connection; both records are there from the beginning, so that none is missing at the end. */
struct visit {
	_Atomic unsigned holders;
	_Atomic bool written; /* the line that opens it */
	bool datagrams;       /* each is decided by itself */
	uint64_t since;       /* ns */
	struct record open, close;
	char *members;
};

/* The file and its thread: what outlasts a reload. */
struct recorder {
	pthread_mutex_t lock;
	pthread_cond_t work;
	pthread_t thread;
	unsigned holders;
	const struct log *log;
	struct audit_key key;
	char path[PATH_MAX], *key_file;
	struct record *first, **last;
	size_t waiting;
	bool ending;
	bool stuck;  /* the last attempt to write failed */
	bool broken; /* the disk took back what it had */
	size_t sync;
	uint64_t rotate;
	uint64_t opened, refused, refused_noted;
	uint64_t sequence, size; /* what the thread last told */
	char hash[AUDIT_HEX + 1];
	/* The thread's alone. */
	struct audit_file *file;
	uint64_t synced; /* ns */
	bool told;       /* that it cannot rotate */
};

struct function {
	struct function_site site;
	char *name;
	struct recorder *recorder;
};

struct wishes {
	const char *file, *key_file;
	size_t sync;
	int64_t rotate;
};

/* ---- the thread ---- */

static void visit_drop(struct visit *v)
{
	if (--v->holders)
		return;
	free(v->members);
	free(v);
}

static void say(const struct recorder *r, enum log_level level, const char *what, const char *why)
{
	char sequence[24];

	snprintf(sequence, sizeof(sequence), "%" PRIu64, audit_file_chain(r->file)->sequence);
	log_event(r->log, level, "audit-log", what, "file", r->path, "why", why, "last", sequence,
		  "hash", audit_file_chain(r->file)->hash, NULL);
}

static bool add_record(struct recorder *r, const struct record *e)
{
	struct text members = { 0 };
	char time[AUDIT_TIME];
	bool ok;

	audit_time_text(&e->at, time);
	text_puts(&members, e->visit->members);
	if (!e->opens)
		text_printf(&members,
			    ",\"bytes_forward\":%" PRIu64 ",\"bytes_back\":%" PRIu64
			    ",\"milliseconds\":%" PRIu64,
			    e->sent[WAY_FORWARD], e->sent[WAY_BACK], e->ms);
	ok = !members.failed &&
	     audit_file_add(r->file, time, e->opens ? "open" : "close", members.at);
	text_free(&members);
	return ok;
}

static bool add_refused(struct recorder *r, uint64_t n)
{
	char members[64], time[AUDIT_TIME];

	audit_time(time);
	snprintf(members, sizeof(members), ",\"connections\":%" PRIu64, n);
	return audit_file_add(r->file, time, "refused", members);
}

/* Until it is done, or all ends and it cannot be done. */
static bool insist(struct recorder *r, bool (*deed)(struct audit_file *))
{
	bool ok, ending = false;

	for (int attempts = 0; !(ok = deed(r->file)) && attempts < LAST_ATTEMPTS;
	     attempts += ending) {
		struct timespec rest = { 0, REST_MS * 1000000L };
		int why = errno;

		pthread_mutex_lock(&r->lock);
		ending = r->ending;
		if (!r->stuck)
			say(r, LOG_LEVEL_ERROR, "cannot write; connections are refused",
			    strerror(why));
		r->stuck = true;
		pthread_mutex_unlock(&r->lock);
		nanosleep(&rest, NULL);
	}
	pthread_mutex_lock(&r->lock);
	if (r->stuck && ok)
		say(r, LOG_LEVEL_WARNING, "writes again", "");
	r->stuck = !ok;
	pthread_mutex_unlock(&r->lock);
	return ok;
}

/* What fdatasync refused once may be lost, whatever it says later. */
static bool sync_now(struct recorder *r)
{
	bool ok = audit_file_sync(r->file);
	int why = errno;

	r->synced = pace_now();
	if (ok)
		return true;
	say(r, LOG_LEVEL_ERROR, "cannot sync; connections are refused", strerror(why));
	pthread_mutex_lock(&r->lock);
	r->broken = true;
	pthread_mutex_unlock(&r->lock);
	return false;
}

static void rotate(struct recorder *r)
{
	char time[AUDIT_TIME];

	audit_time(time);
	if (!audit_file_rotate(r->file, time)) {
		if (!r->told)
			say(r, LOG_LEVEL_WARNING, "cannot begin a new part", strerror(errno));
		r->told = true;
		return;
	}
	say(r, LOG_LEVEL_INFO, "began a new part", "");
	insist(r, audit_file_flush);
}

/* Takes up to BATCH records away; false: there is nothing to do. */
static bool take(struct recorder *r, struct record **batch, uint64_t *refused)
{
	struct record **end = &r->first;

	*refused = r->stuck ? 0 : r->refused - r->refused_noted;
	for (size_t n = 0; *end && n < BATCH; n++)
		end = &(*end)->next;
	*batch = end == &r->first ? NULL : r->first;
	r->first = *end;
	*end = NULL;
	if (!r->first)
		r->last = &r->first;
	return *batch || *refused;
}

static bool add_batch(struct recorder *r, struct record *batch, uint64_t refused)
{
	struct timespec rest = { 0, REST_MS * 1000000L };

	for (struct record *e = batch; e; e = e->next)
		while (!add_record(r, e))
			nanosleep(&rest, NULL); /* for memory */
	return refused && add_refused(r, refused);
}

static void finish_batch(struct recorder *r, struct record *batch, bool ok, uint64_t refused)
{
	struct record *next;
	size_t n = 0;

	for (; batch; batch = next, n++) {
		next = batch->next;
		if (batch->opens && ok)
			batch->visit->written = true;
		visit_drop(batch->visit);
	}
	pthread_mutex_lock(&r->lock);
	r->waiting -= n;
	r->refused_noted += refused;
	r->sequence = audit_file_chain(r->file)->sequence;
	r->size = audit_file_size(r->file);
	memcpy(r->hash, audit_file_chain(r->file)->hash, sizeof(r->hash));
	pthread_mutex_unlock(&r->lock);
}

static void write_batch(struct recorder *r, struct record *batch, uint64_t refused, size_t sync,
			uint64_t limit)
{
	bool noted = add_batch(r, batch, refused);
	bool ok = insist(r, audit_file_flush);

	if (ok &&
	    (sync == SYNC_EACH || (sync == SYNC_SECOND && pace_now() - r->synced >= 1000000000)))
		ok = sync_now(r);
	if (ok && limit && audit_file_size(r->file) >= limit)
		rotate(r);
	finish_batch(r, batch, ok, noted ? refused : 0);
}

/* Under the lock.  False: a second is over and lines are to be synced. */
static bool wait_for_work(struct recorder *r)
{
	struct timespec until;

	if (r->sync != SYNC_SECOND) {
		pthread_cond_wait(&r->work, &r->lock);
		return true;
	}
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	return pthread_cond_timedwait(&r->work, &r->lock, &until) != ETIMEDOUT;
}

static void end_log(struct recorder *r)
{
	char time[AUDIT_TIME];

	audit_time(time);
	if (!audit_file_add(r->file, time, "end", "") || !insist(r, audit_file_flush) ||
	    !sync_now(r))
		say(r, LOG_LEVEL_ERROR, "ends without its last lines", strerror(errno));
}

static void *run(void *arg)
{
	struct recorder *r = arg;
	struct record *batch;
	uint64_t refused, limit;
	size_t sync;

	pthread_mutex_lock(&r->lock);
	for (;;) {
		bool idle = !take(r, &batch, &refused), overdue = false;

		if (idle && r->ending)
			break;
		if (idle)
			overdue = !wait_for_work(r);
		sync = r->sync;
		limit = r->rotate;
		pthread_mutex_unlock(&r->lock);
		if (overdue)
			sync_now(r);
		if (!idle)
			write_batch(r, batch, refused, sync, limit);
		pthread_mutex_lock(&r->lock);
	}
	pthread_mutex_unlock(&r->lock);
	end_log(r);
	return NULL;
}

/* ---- the recorder ---- */

static void recorder_free(struct recorder *r)
{
	audit_file_close(r->file);
	pthread_cond_destroy(&r->work);
	pthread_mutex_destroy(&r->lock);
	OPENSSL_cleanse(&r->key, sizeof(r->key));
	free(r->key_file);
	free(r);
}

static void recorder_drop(struct recorder *r)
{
	bool last;

	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	last = !--r->holders;
	r->ending = r->ending || last;
	pthread_cond_signal(&r->work);
	pthread_mutex_unlock(&r->lock);
	if (!last)
		return;
	pthread_join(r->thread, NULL);
	recorder_free(r);
}

/* Signals are for the other threads. */
static bool start_thread(struct recorder *r, struct function_error *error)
{
	sigset_t all, before;
	int why;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	why = pthread_create(&r->thread, NULL, run, r);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (why)
		settings_refuse(strerror(why), error);
	return !why;
}

static struct recorder *recorder_alloc(const struct function_site *site, const char *path)
{
	struct recorder *r = calloc(1, sizeof(*r));
	pthread_condattr_t monotonic;

	if (!r)
		return NULL;
	pthread_mutex_init(&r->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&r->work, &monotonic);
	pthread_condattr_destroy(&monotonic);
	r->holders = 1;
	r->last = &r->first;
	r->log = site->log;
	snprintf(r->path, sizeof(r->path), "%s", path);
	return r;
}

static struct recorder *recorder_new(const struct function_site *site, const char *path,
				     const struct wishes *w, struct function_error *error)
{
	struct recorder *r = recorder_alloc(site, path);

	if (!r)
		return settings_refuse("memory is exhausted", error);
	if (w->key_file && !(r->key_file = strdup(w->key_file)))
		settings_refuse("memory is exhausted", error);
	else if (!w->key_file || audit_key_read(w->key_file, &r->key, error))
		r->file = audit_file_open(path, &r->key, error);
	if (!r->file) {
		recorder_free(r);
		return NULL;
	}
	r->sync = w->sync;
	r->rotate = (uint64_t)w->rotate;
	r->sequence = audit_file_chain(r->file)->sequence;
	r->size = audit_file_size(r->file);
	memcpy(r->hash, audit_file_chain(r->file)->hash, sizeof(r->hash));
	if (audit_file_repaired(r->file))
		say(r, LOG_LEVEL_WARNING, "the last line was cut, which is noted", "");
	if (start_thread(r, error))
		return r;
	recorder_free(r);
	return NULL;
}

/* The same file goes on, with the key that was read when it was opened: this process may have lost
 * the right to read it since. */
static struct recorder *recorder_again(struct recorder *r, const struct wishes *w,
				       struct function_error *error)
{
	const char *was = r->key_file ? r->key_file : "", *is = w->key_file ? w->key_file : "";

	if (strcmp(was, is))
		return settings_refuse("key_file is another: a file has one key", error);
	pthread_mutex_lock(&r->lock);
	r->holders++;
	r->sync = w->sync;
	r->rotate = (uint64_t)w->rotate;
	pthread_cond_signal(&r->work);
	pthread_mutex_unlock(&r->lock);
	return r;
}

/* ---- settings ---- */

static bool read_wishes(const struct tree_node *settings, struct wishes *w,
			struct tree_error *error)
{
	static const char *const keys[] = { "file", "sync", "key_file", "rotate_bytes", NULL };
	static const char *const syncs[] = { "each", "second", "none", NULL };

	*w = (struct wishes){ .sync = SYNC_SECOND, .rotate = 67108864 };
	return settings_only(settings, keys, error) &&
	       settings_text(settings, "file", &w->file, error) &&
	       settings_text(settings, "key_file", &w->key_file, error) &&
	       settings_choice(settings, "sync", syncs, &w->sync, error) &&
	       settings_integer(settings, "rotate_bytes", 0, INT64_MAX, &w->rotate, error);
}

static void choose_path(const char *file, const char *name, char path[PATH_MAX])
{
	const char *state = getenv("STATE_DIRECTORY");

	if (!state || !*state)
		state = "/var/lib/epic";
	if (file)
		snprintf(path, PATH_MAX, "%s", file);
	else
		snprintf(path, PATH_MAX, "%.*s/audit-%s.log", (int)strcspn(state, ":"), state,
			 name);
}

static void audit_release(struct function *f)
{
	if (!f)
		return;
	recorder_drop(f->recorder);
	free(f->name);
	free(f);
}

static bool settle(struct function *f, const struct tree_node *settings, struct function *was,
		   struct function_error *error)
{
	struct wishes w;
	struct tree_error problem;
	char path[PATH_MAX];

	if (!read_wishes(settings, &w, &problem)) {
		settings_refuse(problem.text, error);
		return false;
	}
	choose_path(w.file, f->name, path);
	if (was && !strcmp(was->recorder->path, path))
		f->recorder = recorder_again(was->recorder, &w, error);
	else
		f->recorder = recorder_new(&f->site, path, &w, error);
	return f->recorder;
}

static struct function *audit_make(const struct function_site *site, const char *name,
				   const struct tree_node *settings, struct function *was,
				   struct function_error *error)
{
	struct function *f = calloc(1, sizeof(*f));

	settings_refuse("memory is exhausted", error);
	if (f) {
		f->site = *site;
		f->name = strdup(name);
	}
	if (f && f->name && settle(f, settings, was, error))
		return f;
	audit_release(f);
	return NULL;
}

/* ---- connections ---- */

static void put_member(struct text *t, const char *key, const char *value)
{
	char cut[MOST_TEXT];

	snprintf(cut, sizeof(cut), "%s", value ? value : "");
	text_printf(t, ",\"%s\":", key);
	text_json(t, cut);
}

static char *make_members(const struct function *f, const struct function_facts *facts)
{
	struct text t = { 0 };
	char address[WIRE_TEXT_ROOM], *fitting;

	text_printf(&t, ",\"connection\":%" PRIu64, facts->connection);
	put_member(&t, "application", facts->application);
	put_member(&t, "from", facts->from);
	put_member(&t, "to", facts->to);
	address[wire_address_text(&facts->source, address, sizeof(address))] = '\0';
	put_member(&t, "source", address);
	address[wire_address_text(&facts->destination, address, sizeof(address))] = '\0';
	put_member(&t, "destination", address);
	put_member(&t, "protocol", facts->protocol == IPPROTO_UDP ? "udp" : "tcp");
	put_member(&t, "function", facts->function);
	put_member(&t, "proxy", f->site.proxy);
	put_member(&t, "file", facts->file);
	text_printf(&t, ",\"line\":%" PRId64, facts->line);
	if (t.failed) {
		text_free(&t);
		return NULL;
	}
	fitting = realloc(t.at, t.n + 1);
	return fitting ? fitting : t.at;
}

/* Under the lock. */
static void enqueue(struct recorder *r, struct record *e)
{
	e->next = NULL;
	*r->last = e;
	r->last = &e->next;
	r->waiting++;
	pthread_cond_signal(&r->work);
}

static struct visit *visit_new(const struct function *f, const struct function_facts *facts)
{
	struct visit *v = calloc(1, sizeof(*v));

	if (!v || !(v->members = make_members(f, facts))) {
		free(v);
		return NULL;
	}
	v->holders = 2; /* the connection and its first record */
	v->since = pace_now();
	v->datagrams = facts->protocol == IPPROTO_UDP;
	v->open = (struct record){ .visit = v, .opens = true };
	v->close = (struct record){ .visit = v };
	clock_gettime(CLOCK_REALTIME, &v->open.at);
	return v;
}

static bool audit_open(struct function *f, const struct function_facts *facts,
		       struct function_wake *wake, void **state, char *why)
{
	struct recorder *r = f->recorder;
	struct visit *v = visit_new(f, facts);
	const char *fault = NULL;

	(void)wake;
	pthread_mutex_lock(&r->lock);
	if (!v)
		fault = "memory is exhausted";
	else if (r->stuck || r->broken)
		fault = "the audit log cannot be written";
	else if (r->waiting >= MOST_WAITING)
		fault = "the audit log is behind";
	if (fault) {
		r->refused++;
	} else {
		r->opened++;
		enqueue(r, &v->open);
	}
	pthread_mutex_unlock(&r->lock);
	if (!fault) {
		*state = v;
		return true;
	}
	snprintf(why, 256, "%s", fault);
	if (v) {
		free(v->members);
		free(v);
	}
	return false;
}

/* The connection's share of the visit becomes that of its second record. */
static void audit_close(struct function *f, void *state, const uint64_t sent[N_WAYS])
{
	struct visit *v = state;
	struct recorder *r = f->recorder;

	clock_gettime(CLOCK_REALTIME, &v->close.at);
	memcpy(v->close.sent, sent, sizeof(v->close.sent));
	v->close.ms = (pace_now() - v->since) / 1000000;
	pthread_mutex_lock(&r->lock);
	enqueue(r, &v->close);
	pthread_mutex_unlock(&r->lock);
}

static bool is_healthy(struct recorder *r)
{
	bool ok;

	pthread_mutex_lock(&r->lock);
	ok = !r->stuck && !r->broken;
	pthread_mutex_unlock(&r->lock);
	return ok;
}

static size_t audit_admit(struct function *f, void *state, enum way way, size_t n,
			  uint32_t *retry_ms)
{
	struct visit *v = state;

	(void)way;
	if (v->written || v->datagrams)
		return n;
	*retry_ms = is_healthy(f->recorder) ? 1 : REST_MS;
	return 0;
}

/* The first datagram does not wait for its line, which is on its way: it would be lost. */
static bool audit_datagram(struct function *f, void *state, enum way way, const uint8_t *in,
			   size_t n, struct bytes *out)
{
	struct visit *v = state;

	(void)way;
	if (!v->written && !is_healthy(f->recorder))
		return false;
	bytes_add(out, in, n);
	return !out->failed;
}

static void audit_status(struct function *f, struct text *t)
{
	struct recorder *r = f->recorder;

	pthread_mutex_lock(&r->lock);
	text_printf(t,
		    "\"opened\": %" PRIu64 ", \"refused\": %" PRIu64
		    ", \"waiting\": %zu, \"bytes\": %" PRIu64 ", \"last\": %" PRIu64
		    ", \"hash\": \"%s\", \"works\": %s, \"file\": ",
		    r->opened, r->refused, r->waiting, r->size, r->sequence, r->hash,
		    r->stuck || r->broken ? "false" : "true");
	text_json(t, r->path);
	pthread_mutex_unlock(&r->lock);
}

const struct function_class function_audit_log = {
	.name = "audit-log",
	.summary = "an append-only, hash-chained record of each connection",
	.make = audit_make,
	.release = audit_release,
	.open = audit_open,
	.close = audit_close,
	.datagram = audit_datagram,
	.admit = audit_admit,
	.status = audit_status,
};
