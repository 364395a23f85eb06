/* Looks for patterns in what TCP, UDP and the like carry.
 *
 *	patterns	"file:PATH", required
 *	action		pass (default), or drop: packets with a match are refused
 *
 * A line of the file is `VALUE: REGEX` or `VALUE: /REGEX/FLAGS`; empty lines and those that begin
 * with # are skipped.  Flags are Hyperscan's: i (any case), s (. is also a line end), m (^ and $
 * at each line), 8 (UTF-8), W (Unicode classes), V (may match nothing).
 *
 * VALUE is one of the values of the first derived attribute, which are taken to be declared from
 * clean to bad: the packet's tag becomes the last of those that match, or the first if nothing
 * does.  A match of the first value is no alarm.  Without a derived attribute any name will do,
 * and packets are counted by the worst name, which is the last one that the file brings up.
 *
 * Only what lies in one packet is found, and nothing in fragments: put a normalizer in front. */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hs/hs.h>

#include <rte_ether.h>

#include "runtime/dpdk/linear.h"
#include "runtime/dpdk/module.h"
#include "runtime/dpdk/symbol.h"

/* Names that the file brings up: each has a counter, beside those of all packets. */
enum { COMMON_COUNTERS = 2, MOST_NAMES = MODULE_COUNTERS - COMMON_COUNTERS };

enum { NOTHING = -1 };

struct ids {
	hs_database_t *database;
	hs_scratch_t *scratch;
	const struct module_derive *derive; /* NULL: none */
	const char *names[MOST_NAMES]; /* worse ones later; of a derived attribute its values */
	char *owned[MOST_NAMES];       /* names that are not the plan's */
	size_t n_names;
	uint8_t tag;
	bool tags, drops;
	uint64_t n_scanned, n_alarms, n_of[MOST_NAMES];
};

/* ---- the file ---- */

struct patterns {
	char **texts;
	unsigned *flags, *names, *lines;
	size_t n, room;
};

static void patterns_free(struct patterns *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->texts[i]);
	free(p->texts);
	free(p->flags);
	free(p->names);
	free(p->lines);
}

static bool patterns_grow(struct patterns *p)
{
	size_t room = p->room ? p->room * 2 : 64;
	void *texts, *flags, *names, *lines;

	if (p->n < p->room)
		return true;
	if ((texts = reallocarray(p->texts, room, sizeof(*p->texts))))
		p->texts = texts;
	if ((flags = reallocarray(p->flags, room, sizeof(*p->flags))))
		p->flags = flags;
	if ((names = reallocarray(p->names, room, sizeof(*p->names))))
		p->names = names;
	if ((lines = reallocarray(p->lines, room, sizeof(*p->lines))))
		p->lines = lines;
	if (!texts || !flags || !names || !lines)
		return false;
	p->room = room;
	return true;
}

/* A line of the file, for messages. */
struct where {
	const char *path;
	unsigned line;
	struct module_error *e;
};

/* The values of the derived attribute in one line, as far as there is room. */
static void names_list(const struct ids *s, char *to, size_t room)
{
	size_t n = 0;

	*to = '\0';
	for (size_t i = 0; i < s->n_names && n + strlen(s->names[i]) + 3 < room; i++)
		n += (size_t)snprintf(to + n, room - n, "%s%s", i ? ", " : "", s->names[i]);
}

static bool name_find(struct ids *s, const char *name, unsigned *index, const struct where *w)
{
	char list[100];

	for (size_t i = 0; i < s->n_names; i++)
		if (!strcmp(s->names[i], name)) {
			*index = (unsigned)i;
			return true;
		}
	names_list(s, list, sizeof(list));
	if (s->tags)
		return module_fail(w->e, "patterns: %s:%u: '%.40s' is no value of %s (%s)", w->path,
				   w->line, name, s->derive->attribute, list);
	if (s->n_names == MOST_NAMES)
		return module_fail(w->e, "patterns: %s:%u: more than %d names", w->path, w->line,
				   MOST_NAMES);
	if (!(s->owned[s->n_names] = strdup(name)))
		return module_fail(w->e, "no memory");
	s->names[s->n_names] = s->owned[s->n_names];
	*index = (unsigned)s->n_names++;
	return true;
}

/* Takes /.../FLAGS apart, in place; what does not end so is a pattern as it stands. */
static bool flags_read(char **text, unsigned *flags, const struct where *w)
{
	static const struct {
		char letter;
		unsigned flag;
	} letters[] = { { 'i', HS_FLAG_CASELESS },  { 's', HS_FLAG_DOTALL },
			{ 'm', HS_FLAG_MULTILINE }, { '8', HS_FLAG_UTF8 },
			{ 'W', HS_FLAG_UCP },       { 'V', HS_FLAG_ALLOWEMPTY } };
	char *slash = strrchr(*text, '/');

	*flags = HS_FLAG_SINGLEMATCH; /* once is enough */
	if (**text != '/' || slash == *text)
		return true;
	for (const char *c = slash + 1; *c; c++) {
		size_t i = 0;

		while (i < RTE_DIM(letters) && letters[i].letter != *c)
			i++;
		if (i == RTE_DIM(letters))
			return module_fail(w->e, "patterns: %s:%u: unknown flag '%c'", w->path,
					   w->line, *c);
		*flags |= letters[i].flag;
	}
	*slash = '\0';
	++*text;
	return true;
}

static char *blanks_skip(char *text)
{
	return text + strspn(text, " \t");
}

/* Changes the line. */
static bool line_read(struct ids *s, struct patterns *p, char *line, const struct where *w)
{
	char *name = blanks_skip(line), *colon;
	unsigned index = 0, flags = 0;

	line[strcspn(line, "\r\n")] = '\0';
	if (!*name || *name == '#')
		return true;
	colon = strchr(name, ':');
	if (!colon || colon == name)
		return module_fail(w->e, "patterns: %s:%u: 'VALUE: REGEX' is due", w->path,
				   w->line);
	*colon = '\0';
	name[strcspn(name, " \t")] = '\0';
	line = blanks_skip(colon + 1);
	if (!name_find(s, name, &index, w) || !flags_read(&line, &flags, w))
		return false;
	if (!*line)
		return module_fail(w->e, "patterns: %s:%u: the pattern is empty", w->path, w->line);
	if (!patterns_grow(p) || !(p->texts[p->n] = strdup(line)))
		return module_fail(w->e, "no memory");
	p->flags[p->n] = flags;
	p->names[p->n] = index;
	p->lines[p->n++] = w->line;
	return true;
}

static bool file_read(struct ids *s, struct patterns *p, const char *path, struct module_error *e)
{
	struct where w = { path, 0, e };
	FILE *f = fopen(path, "re");
	size_t room = 0;
	char *line = NULL;
	bool fine = true;

	if (!f)
		return module_fail(e, "patterns: cannot read %s: %s", path, strerror(errno));
	for (ssize_t n; fine && (n = getline(&line, &room, f)) >= 0;) {
		w.line++;
		fine = strlen(line) == (size_t)n
			   ? line_read(s, p, line, &w)
			   : module_fail(e, "patterns: %s:%u: a byte is 0", path, w.line);
	}
	if (fine && ferror(f))
		fine = module_fail(e, "patterns: cannot read %s: %s", path, strerror(errno));
	free(line);
	fclose(f);
	return fine && (p->n || module_fail(e, "patterns: %s holds no pattern", path));
}

static bool ids_compile(struct ids *s, const struct patterns *p, const char *path,
			struct module_error *e)
{
	hs_compile_error_t *error = NULL;

	if (hs_compile_multi((const char *const *)p->texts, p->flags, p->names, (unsigned)p->n,
			     HS_MODE_BLOCK, NULL, &s->database, &error)) {
		if (error->expression >= 0)
			module_fail(e, "patterns: %s:%u: %s", path, p->lines[error->expression],
				    error->message);
		else
			module_fail(e, "patterns: %s: %s", path, error->message);
		hs_free_compile_error(error);
		return false;
	}
	return !hs_alloc_scratch(s->database, &s->scratch) || module_fail(e, "no memory");
}

/* ---- opening ---- */

static bool names_derive(struct ids *s, const struct module_spec *spec, struct module_error *e)
{
	if (!spec->n_derives)
		return true;
	s->derive = &spec->derives[0];
	s->tags = true;
	s->tag = s->derive->tag;
	s->n_names = s->derive->values.n;
	if (!s->n_names)
		return module_fail(e, "%s: text is nothing that patterns derive",
				   s->derive->attribute);
	if (s->n_names > MOST_NAMES)
		return module_fail(e, "%s: more than %d values", s->derive->attribute, MOST_NAMES);
	memcpy(s->names, s->derive->values.at, s->n_names * sizeof(*s->names));
	return true;
}

static bool action_read(struct ids *s, const struct module_spec *spec, struct module_error *e)
{
	const char *action;

	if (!config_text(spec, "action", "pass", &action, e))
		return false;
	action = symbol_of(action);
	s->drops = !strcmp(action, "drop");
	return s->drops || !strcmp(action, "pass") ||
	       module_fail(e, "action: expected pass or drop");
}

static bool ids_configure(struct ids *s, const struct module_spec *spec, struct module_error *e)
{
	struct patterns p = { 0 };
	char *path;
	bool fine;

	if (!names_derive(s, spec, e) || !action_read(s, spec, e))
		return false;
	if (!config_value(spec, "patterns"))
		return module_fail(e, "patterns: which file holds the patterns?");
	if (hs_valid_platform())
		return module_fail(e, "patterns: Hyperscan does not run on this processor");
	if (!(path = config_file(spec, "patterns", e)))
		return false;
	fine = file_read(s, &p, path, e) && ids_compile(s, &p, path, e);
	patterns_free(&p);
	free(path);
	s->derive = NULL; /* the specification's; was for messages */
	return fine;
}

static void ids_close(void *state)
{
	struct ids *s = state;

	if (!s)
		return;
	hs_free_scratch(s->scratch);
	hs_free_database(s->database);
	for (size_t i = 0; i < MOST_NAMES; i++)
		free(s->owned[i]);
	free(s);
}

static void *ids_open(const struct module_spec *spec, struct module_error *e)
{
	struct ids *s = calloc(1, sizeof(*s));

	if (!s) {
		module_fail(e, "no memory");
		return NULL;
	}
	if (ids_configure(s, spec, e))
		return s;
	ids_close(s);
	return NULL;
}

/* ---- packets ---- */

struct scan {
	int worst, most;
};

static int scan_match(unsigned name, unsigned long long from, unsigned long long to, unsigned flags,
		      void *arg)
{
	struct scan *scan = arg;

	(void)from, (void)to, (void)flags;
	if ((int)name > scan->worst)
		scan->worst = (int)name;
	return scan->worst == scan->most; /* it cannot become worse */
}

/* Where the IP packet ends; what is behind it was not sent by anybody. */
static uint32_t end_of(struct rte_mbuf *m)
{
	const struct packet *p = packet_of(m);
	const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, p->l3);
	uint32_t end = m->data_len;

	if (p->present & PACKET_IP4)
		end = p->l3 + (ip[2] * 256u + ip[3]);
	else if (p->present & PACKET_IP6)
		end = p->l3 + 40 + (ip[4] * 256u + ip[5]);
	return end < m->data_len ? end : m->data_len;
}

/* The worst name that matches, or NOTHING. */
static int ids_scan(struct ids *s, struct rte_mbuf *m)
{
	struct scan scan = { NOTHING, (int)s->n_names - 1 };
	const struct packet *p = packet_of(m);
	uint32_t end = end_of(m);

	if (!(p->present & (PACKET_L4 | PACKET_ICMP)) || p->payload >= end)
		return NOTHING;
	hs_scan(s->database, rte_pktmbuf_mtod_offset(m, const char *, p->payload), end - p->payload,
		0, s->scratch, scan_match, &scan);
	return scan.worst;
}

/* Whether the packet goes on. */
static bool ids_judge(struct ids *s, struct rte_mbuf *m)
{
	int worst;

	if (!packet_linear(m)) /* what cannot be looked at */
		return false;
	worst = ids_scan(s, m);
	if (s->tags && worst == NOTHING)
		worst = 0;
	s->n_scanned++;
	if (worst != NOTHING)
		s->n_of[worst]++;
	if (s->tags)
		packet_of(m)->tags[s->tag] = (uint16_t)worst;
	if (worst == NOTHING || (s->tags && !worst))
		return true;
	s->n_alarms++;
	return !s->drops;
}

static void ids_run(void *state, struct burst *b)
{
	struct ids *s = state;
	unsigned out = 0;

	for (unsigned i = 0; i < b->n; i++)
		if (ids_judge(s, b->at[i]))
			b->at[out++] = b->at[i];
		else
			burst_drop(b, b->at[i], DROP_REFUSED);
	b->n = out;
}

static size_t ids_counters(const void *state, struct module_counter *c)
{
	const struct ids *s = state;
	size_t n = 0;

	c[n++] = (struct module_counter){ "scanned", s->n_scanned };
	c[n++] = (struct module_counter){ "alarms", s->n_alarms };
	for (size_t i = 0; i < s->n_names; i++)
		c[n++] = (struct module_counter){ s->names[i], s->n_of[i] };
	return n;
}

const struct module_ops module_ids = {
	.class = "ids",
	.summary = "looks for patterns in payloads",
	.open = ids_open,
	.close = ids_close,
	.run = ids_run,
	.counters = ids_counters,
};
