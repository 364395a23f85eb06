#include <config.h>

#include "runtime/dpdk/profile.h"

#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "runtime/dpdk/classes.h"
#include "runtime/dpdk/generate.h"

enum {
	WARM_UP = 16,    /* bursts before the first that counts */
	SLOWEST_IN = 20, /* of 20 bursts the slowest does not count: it was interrupted */
	SIZES_MOST = 32,
	STATES = STATE_LOST + 1
};

/* A module with packets of one size. */
struct series {
	const struct profile_item *item;
	void *instance; /* the item's */
	void *generator;
	double *rounds; /* cycles per packet */
	double size;    /* of the packets as they are */
};

struct profile {
	const struct profile_request *request;
	unsigned n_rounds, n_bursts;
	void **instances; /* by item */
	struct series *series;
	size_t n_series;
	double *cycles; /* of the bursts of a round */
	struct tally tally;
	uint64_t dropped[N_DROP_REASONS * STATES], held[STATES];
};

static bool profile_fail(struct profile_error *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool profile_fail(struct profile_error *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return false;
}

/* ---- names ---- */

static bool is_reserved(const char *word, size_t length)
{
	static const char *const words[] = {
		"edition", "module", "use",   "as",       "let", "attribute",   "function",
		"domain",  "node",   "class", "pipeline", "slo", "application", "target",
		"expect",  "and",    "or",    "not",      "in",  "otherwise",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strlen(words[i]) == length && memcmp(words[i], word, length) == 0)
			return true;
	return false;
}

static bool is_name_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Length of the identifier at the beginning; 0: there is none. */
static size_t name_length(const char *text)
{
	size_t n = 0;

	if (!is_name_byte(text[0]) || isdigit((unsigned char)text[0]))
		return 0;
	while (is_name_byte(text[n]) || (text[n] == '-' && is_name_byte(text[n + 1])))
		n++;
	return is_reserved(text, n) ? 0 : n;
}

/* Length of the module's part of `std.dataplane.acl`; 0: it is no such name. */
static size_t module_length(const char *base)
{
	const char *dot = strrchr(base, '.');

	for (const char *at = base; dot && *at; at += *at == '.') {
		size_t n = name_length(at);

		if (!n || (at[n] && at[n] != '.') || (at[n] == '.' && !at[n + 1]))
			return 0;
		at += n;
	}
	return dot ? (size_t)(dot - base) : 0;
}

/* The name behind which `use` puts the names of a module: its last part. */
static const char *prefix_of(const char *base, size_t *length)
{
	size_t n = module_length(base);
	const char *at = base + n;

	while (at > base && at[-1] != '.')
		at--;
	*length = (size_t)(base + n - at);
	return at;
}

static bool same_module(const struct profile_item *a, const struct profile_item *b)
{
	size_t n = module_length(a->base);

	return n == module_length(b->base) && memcmp(a->base, b->base, n) == 0;
}

/* Two names of the written module would be one. */
static bool clashes(const struct profile_item *a, const struct profile_item *b)
{
	size_t n, m;
	const char *p = prefix_of(a->base, &n), *q = prefix_of(b->base, &m);

	return strcmp(a->name, b->name) == 0 || (strlen(b->name) == n && !memcmp(b->name, p, n)) ||
	       (strlen(a->name) == m && !memcmp(a->name, q, m)) ||
	       (n == m && !memcmp(p, q, n) && !same_module(a, b));
}

static bool is_sound(const struct profile_request *r, struct profile_error *error)
{
	for (size_t i = 0; i < r->n_items; i++) {
		const struct profile_item *item = &r->items[i];

		if (!item->name[0] || item->name[name_length(item->name)] ||
		    !name_length(item->name))
			return profile_fail(error, "'%s' is no name for a function", item->name);
		if (!module_length(item->base))
			return profile_fail(error, "%s: '%s' names no function of a module",
					    item->name, item->base);
		if (!item->n_sizes || item->n_sizes > SIZES_MOST)
			return profile_fail(error, "%s: 1 to %d sizes are due", item->name,
					    SIZES_MOST);
		for (size_t j = 0; j < i; j++)
			if (clashes(&r->items[j], item))
				return profile_fail(error, "the names of %s (%s) and %s (%s) clash",
						    r->items[j].name, r->items[j].base, item->name,
						    item->base);
	}
	return true;
}

/* ---- setting up ---- */

static bool series_open(struct profile *p, struct series *s, unsigned bytes,
			struct profile_error *error)
{
	struct generate_class class = { .name = s->item->name,
					.bytes = bytes,
					.n_flows =
					    s->item->n_flows ? s->item->n_flows : PROFILE_FLOWS,
					.filter = s->item->filter,
					.payload = s->item->payload };
	struct generate_request wish = { .classes = &class,
					 .n_classes = 1,
					 .seed = 1,
					 .pool = p->request->pool,
					 .hz = p->request->hz,
					 .n_receive = 1,
					 .n_send = 1 };
	struct generate_error why;

	if (!(s->rounds = calloc(p->n_rounds, sizeof(*s->rounds))))
		return profile_fail(error, "no memory");
	s->generator = generate_open(&wish, &why);
	return s->generator || profile_fail(error, "%s", why.text);
}

static bool item_open(struct profile *p, size_t i, struct profile_error *error)
{
	const struct profile_item *item = &p->request->items[i];
	struct module_error why = { "it cannot be opened" };

	if (!(p->instances[i] = item->ops->open(item->spec, &why)))
		return profile_fail(error, "%s: %s", item->name, why.text);
	for (size_t k = 0; k < item->n_sizes; k++) {
		struct series *s = &p->series[p->n_series++];

		s->item = item;
		s->instance = p->instances[i];
		if (!series_open(p, s, item->sizes[k], error))
			return false;
	}
	return true;
}

static bool profile_open(struct profile *p, const struct profile_request *r,
			 struct profile_error *error)
{
	size_t n = 0;

	*p = (struct profile){ .request = r,
			       .n_rounds = r->rounds ? r->rounds : PROFILE_ROUNDS,
			       .n_bursts = r->bursts ? r->bursts : PROFILE_BURSTS };
	p->tally = (struct tally){ .dropped = p->dropped, .held = p->held, .n_states = STATES };
	for (size_t i = 0; i < r->n_items; i++)
		n += r->items[i].n_sizes;
	p->instances = calloc(r->n_items + 1, sizeof(*p->instances));
	p->series = calloc(n + 1, sizeof(*p->series));
	p->cycles = calloc(p->n_bursts, sizeof(*p->cycles));
	if (!p->instances || !p->series || !p->cycles)
		return profile_fail(error, "no memory");
	for (size_t i = 0; i < r->n_items; i++)
		if (!item_open(p, i, error))
			return false;
	return true;
}

static void profile_close(struct profile *p)
{
	for (size_t i = 0; i < p->n_series; i++) {
		if (p->series[i].generator)
			generate_ops.close(p->series[i].generator);
		free(p->series[i].rounds);
	}
	for (size_t i = 0; p->instances && i < p->request->n_items; i++)
		if (p->instances[i])
			p->request->items[i].ops->close(p->instances[i]);
	free(p->cycles);
	free(p->series);
	free(p->instances);
}

/* ---- measuring ---- */

static void run_nothing(void *instance, struct burst *b)
{
	(void)instance, (void)b;
}

static void choose_nothing(void *arg, struct burst *b, int16_t *edges)
{
	(void)arg, (void)b, (void)edges;
}

/* What is timed. */
struct deed {
	void (*run)(void *, struct burst *);
	void (*choose)(void *, struct burst *, int16_t *);
	void *instance, *choose_arg;
};

static void choose_by_module(void *arg, struct burst *b, int16_t *edges)
{
	const struct series *s = arg;

	s->item->ops->choose(s->instance, b, edges);
}

static struct deed deed_of(struct series *s)
{
	const struct module_ops *ops = s->item->ops;

	if (ops->chooses && ops->chooses(s->instance))
		return (struct deed){ ops->run, choose_by_module, s->instance, s };
	return (struct deed){ ops->run, s->item->choose ? s->item->choose : choose_nothing,
			      s->instance, s->item->choose_arg };
}

/* Frees what is left of a burst, and what the module had held and now gives back. */
static void clear(const struct series *s, struct burst *b)
{
	const struct module_ops *ops = s->item->ops;

	do {
		rte_pktmbuf_free_bulk(b->at, b->n);
		b->n = 0;
		b->now = rte_rdtsc();
		if (ops->release)
			ops->release(s->instance, b);
	} while (b->n);
}

/* Cycles of one burst per packet; -1: the pool is empty, for the module holds all packets. */
static double time_burst(struct profile *p, struct series *s, const struct deed *deed)
{
	struct burst b = { .now = rte_rdtsc(), .tally = &p->tally };
	int16_t edges[BURST];
	uint64_t begun, ended;
	unsigned n;

	n = b.n = generate_ops.receive(s->generator, 0, b.now, b.at, BURST);
	if (!n)
		return -1;
	s->size = b.at[0]->pkt_len;
	begun = rte_rdtsc_precise();
	deed->run(deed->instance, &b);
	deed->choose(deed->choose_arg, &b, edges);
	ended = rte_rdtsc_precise();
	clear(s, &b);
	return (double)(ended - begun) / n;
}

static int by_number(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The mean, but for the slowest. */
static double time_bursts(struct profile *p, struct series *s, const struct deed *deed)
{
	unsigned n = 0, kept;
	double sum = 0;

	for (unsigned i = 0; i < p->n_bursts + WARM_UP; i++) {
		double cycles = time_burst(p, s, deed);

		if (cycles >= 0 && i >= WARM_UP)
			p->cycles[n++] = cycles;
	}
	qsort(p->cycles, n, sizeof(*p->cycles), by_number);
	kept = n - n / SLOWEST_IN;
	for (unsigned i = 0; i < kept; i++)
		sum += p->cycles[i];
	return kept ? sum / kept : -1;
}

static bool run_round(struct profile *p, unsigned round, struct profile_error *error)
{
	const struct deed nothing = { run_nothing, choose_nothing, NULL, NULL };

	for (size_t i = 0; i < p->n_series; i++) {
		struct series *s = &p->series[i];
		struct deed deed = deed_of(s);
		double empty = time_bursts(p, s, &nothing), full = time_bursts(p, s, &deed);

		if (empty < 0 || full < 0)
			return profile_fail(error, "%s: it holds all packets that there are",
					    s->item->name);
		s->rounds[round] = full > empty ? full - empty : 0;
	}
	return true;
}

static double median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), by_number);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* ---- the line ---- */

void profile_fit(const double *sizes, const double *costs, size_t n, double *fixed, double *slope)
{
	double x = 0, y = 0, xx = 0, xy = 0, down;

	assert(n);
	for (size_t i = 0; i < n; i++) {
		x += sizes[i];
		y += costs[i];
		xx += sizes[i] * sizes[i];
		xy += sizes[i] * costs[i];
	}
	down = (double)n * xx - x * x;
	*slope = down > 0 ? ((double)n * xy - x * y) / down : 0;
	if (*slope < 0)
		*slope = 0;
	*fixed = (y - *slope * x) / (double)n;
	if (*fixed < 0) {
		*fixed = 0;
		*slope = xx > 0 ? xy / xx : 0;
	}
}

/* ---- writing ---- */

/* As the language writes numbers: no exponent, no zeros at the end. */
static void put_number(FILE *out, double value, int places)
{
	char text[64];
	size_t n = (size_t)snprintf(text, sizeof(text), "%.*f", places, value);

	while (text[n - 1] == '0')
		n--;
	n -= text[n - 1] == '.';
	fprintf(out, "%.*s", (int)n, text);
}

/* Within a string of the language; bytes that may not stand there become blanks. */
static void put_words(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc(*text < ' ' || *text > '~' || *text == '"' || *text == '\\' ? ' ' : *text,
		      out);
}

static void put_uses(FILE *out, const struct profile_request *r)
{
	for (size_t i = 0; i < r->n_items; i++) {
		size_t k = 0;

		while (!same_module(&r->items[k], &r->items[i]))
			k++;
		if (k == i)
			fprintf(out, "use %.*s;\n", (int)module_length(r->items[i].base),
				r->items[i].base);
	}
}

static void put_measured(FILE *out, const struct profile *p, const struct series *s, size_t n,
			 const char *processor)
{
	fputs("  measured      \"", out);
	put_words(out, processor);
	fprintf(out, ", %.0f MHz TSC, burst %d, sizes", (double)p->request->hz / 1e6, BURST);
	for (size_t i = 0; i < n; i++)
		fprintf(out, " %.0f", s[i].size);
	fputs(", ", out);
	put_words(out, p->request->date);
	fputs("\";\n", out);
}

/* One function from its N series. */
static void put_function(FILE *out, const struct profile *p, struct series *s, size_t n,
			 const char *processor)
{
	const struct profile_item *item = s->item;
	double sizes[SIZES_MOST], costs[SIZES_MOST], fixed, slope;
	size_t prefix_length;
	const char *prefix = prefix_of(item->base, &prefix_length);

	for (size_t i = 0; i < n; i++) {
		sizes[i] = s[i].size;
		costs[i] = median(s[i].rounds, p->n_rounds);
	}
	profile_fit(sizes, costs, n, &fixed, &slope);
	fprintf(out, "\nfunction %s : %s {\n  cost          ", item->name, prefix);
	put_number(out, fixed, 1);
	fputs("cycles;\n  cost-per-byte ", out);
	put_number(out, slope, 4);
	fputs("cycles/B;\n", out);
	put_measured(out, p, s, n, processor);
	fputs("}\n", out);
}

/* What Linux calls the processor. */
static void find_processor(char *name, size_t room)
{
	FILE *f = fopen("/proc/cpuinfo", "r");
	char line[256];

	snprintf(name, room, "unknown processor");
	while (f && fgets(line, sizeof(line), f)) {
		const char *colon = strncmp(line, "model name", 10) == 0 ? strchr(line, ':') : NULL;

		if (colon) {
			snprintf(name, room, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
			break;
		}
	}
	if (f)
		fclose(f);
}

static bool put_all(FILE *out, struct profile *p, struct profile_error *error)
{
	const char *processor = p->request->processor;
	struct series *s = p->series;
	char found[160];

	find_processor(found, sizeof(found));
	fputs("edition 1;\nmodule std.measured;\n", out);
	put_uses(out, p->request);
	for (size_t i = 0; i < p->request->n_items; s += p->request->items[i++].n_sizes)
		put_function(out, p, s, p->request->items[i].n_sizes,
			     processor ? processor : found);
	return (fflush(out) == 0 && !ferror(out)) ||
	       profile_fail(error, "the measured costs could not be written");
}

bool profile_run(const struct profile_request *r, FILE *out, struct profile_error *error)
{
	struct profile p;
	bool ok;

	if (!is_sound(r, error))
		return false;
	ok = profile_open(&p, r, error);
	for (unsigned round = 0; ok && round < p.n_rounds; round++)
		ok = run_round(&p, round, error);
	ok = ok && put_all(out, &p, error);
	profile_close(&p);
	return ok;
}
