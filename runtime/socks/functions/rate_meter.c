/* `rate-meter`: so many bits per second of each way, by not reading further; datagrams beyond are
 * dropped.
 *
 *	"rate"            bits per second (required)
 *	"burst"           bytes that may go at once; missing: of 20 ms, 16 KiB at least
 *	"per"             whose rate it is: each "connection" (as it is missing), each "source", or
 *			  "all"
 *	"new_per_second"  new connections of the same, with a burst of as many; of each source where
 *			  "per" is "connection"; missing: no limit
 *
 * Who shares a rate shares it evenly: whoever has to wait books a portion, and portions go in the
 * order in which they were booked, one per connection. */
#include <config.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/socks/functions/rows.h"
#include "runtime/socks/functions/function_settings.h"
#include "runtime/socks/functions/sources.h"

enum { LEAST_PORTION = 1500, MOST_PORTION = 65536, LEAST_BURST = 16384, MOST_BURST = 1 << 30 };
enum per { PER_CONNECTION, PER_SOURCE, PER_ALL };

/* What outlasts a reload. */
struct ledger {
	_Atomic unsigned holders;
	struct sources *sources;
	struct pace fresh, ways[N_WAYS]; /* PER_ALL */
	_Atomic uint64_t opened, refused, delayed, dropped;
	_Atomic uint64_t passed[N_WAYS]; /* bytes */
};

struct function {
	size_t per;
	struct pace_rate bits, fresh;
	struct source_limits limits;
	size_t portion; /* bytes */
	struct ledger *ledger;
};

struct visit {
	struct source *source; /* NULL: PER_ALL */
	bool datagrams;        /* each is decided by itself */
	struct pace own[N_WAYS];
	struct pace *paces[N_WAYS];
	struct booking {
		size_t n; /* bytes; 0: none */
		uint64_t due;
	} booked[N_WAYS];
};

/* ---- settings ---- */

static struct ledger *ledger_new(void)
{
	struct ledger *l = calloc(1, sizeof(*l));

	if (l && !(l->sources = sources_new())) {
		free(l);
		return NULL;
	}
	if (l)
		l->holders = 1;
	return l;
}

static void ledger_drop(struct ledger *l)
{
	if (!l || --l->holders)
		return;
	sources_drop(l->sources);
	free(l);
}

static int64_t between(int64_t low, int64_t value, int64_t high)
{
	return value < low ? low : value > high ? high : value;
}

static bool read_settings(struct function *f, const struct tree_node *settings,
			  struct tree_error *error)
{
	static const char *const keys[] = { "rate", "burst", "per", "new_per_second", NULL };
	static const char *const pers[] = { "connection", "source", "all", NULL };
	int64_t rate = 0, burst = 0, fresh = 0;

	if (!settings) {
		snprintf(error->text, sizeof(error->text), "rate is missing");
		return false;
	}
	if (!settings_only(settings, keys, error) ||
	    !tree_integer(settings, "rate", 1000, INT64_C(1000000000000), &rate, error) ||
	    !settings_integer(settings, "burst", LEAST_PORTION, MOST_BURST, &burst, error) ||
	    !settings_choice(settings, "per", pers, &f->per, error) ||
	    !settings_integer(settings, "new_per_second", 1, 1000000, &fresh, error))
		return false;
	if (!burst)
		burst = between(LEAST_BURST, rate / 8 / 50, MOST_BURST);
	f->portion = (size_t)between(LEAST_PORTION, rate / 8 / 100, MOST_PORTION);
	f->portion = (size_t)between(1, (int64_t)f->portion, burst);
	f->bits = (struct pace_rate){ (uint64_t)rate, (uint64_t)burst * 8 };
	f->fresh = (struct pace_rate){ (uint64_t)fresh, (uint64_t)fresh };
	f->limits.fresh = fresh && f->per != PER_ALL ? &f->fresh : NULL;
	return true;
}

static void meter_release(struct function *f)
{
	if (!f)
		return;
	ledger_drop(f->ledger);
	free(f);
}

static struct function *meter_make(const struct function_site *site, const char *name,
				   const struct tree_node *settings, struct function *was,
				   struct function_error *error)
{
	struct function *f = calloc(1, sizeof(*f));
	struct tree_error problem = { "memory is exhausted" };
	bool ok = f && read_settings(f, settings, &problem);

	(void)site;
	(void)name;
	if (ok && was) {
		f->ledger = was->ledger;
		f->ledger->holders++;
	} else if (ok) {
		f->ledger = ledger_new();
	}
	if (ok && f->ledger)
		return f;
	meter_release(f);
	return settings_refuse(problem.text, error);
}

/* ---- connections ---- */

static bool enter_all(struct function *f, char *why)
{
	if (!f->fresh.per_second || pace_take(&f->ledger->fresh, &f->fresh, pace_now(), 1))
		return true;
	snprintf(why, 256, "more than %llu connections per second",
		 (unsigned long long)f->fresh.per_second);
	return false;
}

static bool enter_source(struct function *f, const struct wire_address *who, struct visit *v,
			 char *why)
{
	enum source_answer answer =
	    sources_enter(f->ledger->sources, who, &f->limits, pace_now(), &v->source);

	if (answer == SOURCE_IN)
		return true;
	source_answer_text(answer, who, &f->limits, why, 256);
	return false;
}

static void choose_paces(struct function *f, struct visit *v)
{
	for (enum way w = 0; w < N_WAYS; w++)
		v->paces[w] = f->per == PER_CONNECTION ? &v->own[w]
			      : f->per == PER_SOURCE   ? &v->source->ways[w]
						       : &f->ledger->ways[w];
}

static bool meter_open(struct function *f, const struct function_facts *facts,
		       struct function_wake *wake, void **state, char *why)
{
	struct visit *v = calloc(1, sizeof(*v));

	(void)wake;
	if (!v) {
		snprintf(why, 256, "memory is exhausted");
		return false;
	}
	if (!(f->per == PER_ALL ? enter_all(f, why) : enter_source(f, &facts->source, v, why))) {
		f->ledger->refused++;
		free(v);
		return false;
	}
	choose_paces(f, v);
	v->datagrams = facts->protocol == IPPROTO_UDP;
	f->ledger->opened++;
	*state = v;
	return true;
}

static void meter_close(struct function *f, void *state, const uint64_t sent[N_WAYS])
{
	struct visit *v = state;

	(void)sent;
	for (enum way w = 0; w < N_WAYS; w++)
		if (v->booked[w].n)
			pace_return(v->paces[w], &f->bits, v->booked[w].n * 8);
	if (v->source)
		sources_leave(f->ledger->sources, v->source);
	free(v);
}

static uint32_t ms_until(uint64_t due, uint64_t now)
{
	uint64_t ms = (due - now + 999999) / 1000000;

	return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

/* One portion, N bytes at most; 0: it is not due yet. */
static size_t admit_portion(struct function *f, struct visit *v, enum way w, size_t n, uint64_t now)
{
	struct booking *b = &v->booked[w];
	size_t granted;

	if (!b->n) {
		b->n = n < f->portion ? n : f->portion;
		b->due = pace_book(v->paces[w], &f->bits, now, b->n * 8);
	}
	if (b->due > now)
		return 0;
	granted = b->n < n ? b->n : n;
	if (granted < b->n)
		pace_return(v->paces[w], &f->bits, (b->n - granted) * 8);
	b->n = 0;
	return granted;
}

static size_t meter_admit(struct function *f, void *state, enum way w, size_t n, uint32_t *retry_ms)
{
	struct visit *v = state;
	uint64_t now = pace_now();
	size_t admitted = 0, portion = 1;

	if (v->datagrams)
		return n;
	while (portion && admitted < n) {
		portion = admit_portion(f, v, w, n - admitted, now);
		admitted += portion;
	}
	if (admitted < n) {
		*retry_ms = ms_until(v->booked[w].due, now);
		f->ledger->delayed++;
	}
	f->ledger->passed[w] += admitted;
	return admitted;
}

static bool meter_datagram(struct function *f, void *state, enum way w, const uint8_t *in, size_t n,
			   struct bytes *out)
{
	struct visit *v = state;
	uint64_t bits = (uint64_t)n * 8;

	/* One that is longer than the burst must find the bucket full. */
	if (!pace_take(v->paces[w], &f->bits, pace_now(),
		       bits < f->bits.burst ? bits : f->bits.burst)) {
		f->ledger->dropped++;
		return false;
	}
	f->ledger->passed[w] += n;
	bytes_add(out, in, n);
	return !out->failed;
}

static void meter_status(struct function *f, struct text *t)
{
	const struct ledger *l = f->ledger;

	text_printf(t,
		    "\"opened\": %llu, \"refused\": %llu, \"bytes_forward\": %llu, "
		    "\"bytes_back\": %llu, \"delayed\": %llu, \"dropped_datagrams\": %llu",
		    (unsigned long long)l->opened, (unsigned long long)l->refused,
		    (unsigned long long)l->passed[WAY_FORWARD],
		    (unsigned long long)l->passed[WAY_BACK], (unsigned long long)l->delayed,
		    (unsigned long long)l->dropped);
}

const struct function_class function_rate_meter = {
	.name = "rate-meter",
	.summary = "bits per second of a connection, of a source, or of all",
	.make = meter_make,
	.release = meter_release,
	.open = meter_open,
	.close = meter_close,
	.datagram = meter_datagram,
	.admit = meter_admit,
	.status = meter_status,
};
