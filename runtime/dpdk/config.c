#include <config.h>

#include "runtime/dpdk/config.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- module.h ---- */

bool module_fail(struct module_error *e, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(e->text, sizeof(e->text), format, ap);
	va_end(ap);
	return false;
}

const struct rplan_value *config_value(const struct module_spec *s, const char *name)
{
	for (size_t i = 0; i < s->config->n; i++)
		if (!strcmp(s->config->at[i].key, name))
			return &s->config->at[i].value;
	return NULL;
}

static bool is_number(const struct rplan_value *v, double low, double high)
{
	return v->kind == RPLAN_NUMBER && v->number >= low && v->number <= high;
}

bool config_number(const struct module_spec *s, const char *name, double low, double high,
		   double preset, double *value, struct module_error *e)
{
	const struct rplan_value *v = config_value(s, name);

	*value = preset;
	if (!v)
		return true;
	if (!is_number(v, low, high))
		return module_fail(e, "%s: a number from %.15g to %.15g is due", name, low, high);
	*value = v->number;
	return true;
}

bool config_text(const struct module_spec *s, const char *name, const char *preset,
		 const char **value, struct module_error *e)
{
	const struct rplan_value *v = config_value(s, name);

	*value = preset;
	if (!v)
		return true;
	if (v->kind != RPLAN_TEXT)
		return module_fail(e, "%s: a text is due", name);
	*value = v->text;
	return true;
}

char *config_file(const struct module_spec *s, const char *name, struct module_error *e)
{
	static const char scheme[] = "file:";
	const char *text, *path, *directory;
	char *joined;

	if (!config_text(s, name, "", &text, e))
		return NULL;
	path = text + strlen(scheme);
	if (strncmp(text, scheme, strlen(scheme)) || !*path) {
		module_fail(e, "%s: \"file:PATH\" is due", name);
		return NULL;
	}
	directory = *path == '/' ? "" : s->world->directory;
	if (asprintf(&joined, "%s%s", directory, path) < 0) {
		module_fail(e, "%s: no memory", name);
		return NULL;
	}
	return joined;
}

/* ---- prefixes ---- */

static unsigned family_bits(int family)
{
	return family == 4 ? 32 : 128;
}

/* The mask of word I of a prefix, counted so that an IPv4 address is the last word. */
static uint32_t mask_word(const struct prefix *p, unsigned i)
{
	unsigned length = p->length + 128 - family_bits(p->family), before = 32 * i;

	if (length <= before)
		return 0;
	return length >= before + 32 ? UINT32_MAX : UINT32_MAX << (before + 32 - length);
}

static bool parse_address(const char *text, struct prefix *p)
{
	uint32_t words[4];

	memset(p, 0, sizeof(*p));
	p->family = strchr(text, ':') ? 6 : 4;
	if (inet_pton(p->family == 4 ? AF_INET : AF_INET6, text, words) != 1)
		return false;
	if (p->family == 4)
		p->at[3] = ntohl(words[0]);
	else
		for (unsigned i = 0; i < 4; i++)
			p->at[i] = ntohl(words[i]);
	return true;
}

static bool parse_length(const char *text, struct prefix *p)
{
	size_t digits = strspn(text, "0123456789");

	if (!digits || digits > 3 || text[digits] || strtoul(text, NULL, 10) > p->length)
		return false;
	p->length = (uint8_t)strtoul(text, NULL, 10);
	return true;
}

static bool has_host_bits(const struct prefix *p)
{
	for (unsigned i = 0; i < 4; i++)
		if (p->at[i] & ~mask_word(p, i))
			return true;
	return false;
}

bool prefix_parse(const char *text, struct prefix *p)
{
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	char address[64];

	if (n >= sizeof(address))
		return false;
	memcpy(address, text, n);
	address[n] = '\0';
	if (!parse_address(address, p))
		return false;
	p->length = (uint8_t)family_bits(p->family);
	return !slash || (parse_length(slash + 1, p) && !has_host_bits(p));
}

bool prefix_covers(const struct prefix *outer, const struct prefix *inner)
{
	if (outer->family != inner->family || outer->length > inner->length)
		return false;
	for (unsigned i = 0; i < 4; i++)
		if ((outer->at[i] ^ inner->at[i]) & mask_word(outer, i))
			return false;
	return true;
}

struct prefix prefix_outer(const struct prefix *p, unsigned length)
{
	struct prefix outer = *p;

	outer.length = (uint8_t)length;
	for (unsigned i = 0; i < 4; i++)
		outer.at[i] &= mask_word(&outer, i);
	return outer;
}

static int compare_words(const uint32_t a[4], const uint32_t b[4])
{
	for (unsigned i = 0; i < 4; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return 0;
}

int prefix_compare(const struct prefix *a, const struct prefix *b)
{
	int order = a->family - b->family;

	if (!order)
		order = compare_words(a->at, b->at);
	return order ? order : a->length - b->length;
}

void prefix_text(const struct prefix *p, char text[64])
{
	char address[INET6_ADDRSTRLEN];
	uint32_t words[4];

	for (unsigned i = 0; i < 4; i++)
		words[i] = htonl(p->at[i]);
	inet_ntop(p->family == 4 ? AF_INET : AF_INET6, p->family == 4 ? words + 3 : words, address,
		  sizeof(address));
	snprintf(text, 64, "%s/%u", address, p->length);
}

/* The members of a set; a single value is a set of one. */
static size_t members(const struct rplan_value *v, const struct rplan_value **at)
{
	*at = v && v->kind == RPLAN_LIST ? v->items : v;
	return !v ? 0 : v->kind == RPLAN_LIST ? v->n_items : 1;
}

bool config_prefixes(const struct module_spec *s, const char *name, struct prefixes *to,
		     struct module_error *e)
{
	const struct rplan_value *at;
	size_t n = members(config_value(s, name), &at);

	*to = (struct prefixes){ 0 };
	if (n && !(to->at = calloc(n, sizeof(*to->at))))
		return module_fail(e, "%s: no memory", name);
	for (size_t i = 0; i < n; i++) {
		if (at[i].kind == RPLAN_TEXT && prefix_parse(at[i].text, &to->at[to->n])) {
			to->n++;
			continue;
		}
		prefixes_free(to);
		return module_fail(e, "%s: %s is no prefix", name,
				   at[i].kind == RPLAN_TEXT ? at[i].text : "what is given");
	}
	return true;
}

void prefixes_free(struct prefixes *p)
{
	free(p->at);
	*p = (struct prefixes){ 0 };
}

/* ---- sets of addresses ---- */

static int compare_ranges(const void *a, const void *b)
{
	const struct address_range *x = a, *y = b;

	return compare_words(x->lo, y->lo);
}

static struct address_range range_of(const struct prefix *p)
{
	struct address_range r;

	for (unsigned i = 0; i < 4; i++) {
		r.lo[i] = p->at[i];
		r.hi[i] = p->at[i] | ~mask_word(p, i);
	}
	return r;
}

/* Prefixes are nested or disjoint: one that begins in the range before it lies in it. */
static size_t without_nested(struct address_range *ranges, size_t n)
{
	size_t kept = 0;

	qsort(ranges, n, sizeof(*ranges), compare_ranges);
	for (size_t i = 0; i < n; i++) {
		if (!kept || compare_words(ranges[i].lo, ranges[kept - 1].hi) > 0)
			ranges[kept++] = ranges[i];
		else if (compare_words(ranges[i].hi, ranges[kept - 1].hi) > 0)
			ranges[kept - 1] = ranges[i];
	}
	return kept;
}

bool address_set_make(struct address_set *s, const struct prefixes *p)
{
	*s = (struct address_set){ .v4 = calloc(p->n + 1, sizeof(*s->v4)),
				   .v6 = calloc(p->n + 1, sizeof(*s->v6)) };
	if (!s->v4 || !s->v6) {
		address_set_free(s);
		return false;
	}
	for (size_t i = 0; i < p->n; i++)
		if (p->at[i].family == 4)
			s->v4[s->n_v4++] = range_of(&p->at[i]);
		else
			s->v6[s->n_v6++] = range_of(&p->at[i]);
	s->n_v4 = without_nested(s->v4, s->n_v4);
	s->n_v6 = without_nested(s->v6, s->n_v6);
	return true;
}

void address_set_free(struct address_set *s)
{
	free(s->v4);
	free(s->v6);
	*s = (struct address_set){ 0 };
}

bool address_set_has6(const struct address_set *s, const uint32_t at[4])
{
	size_t from = 0, to = s->n_v6;

	while (from < to) {
		size_t middle = (from + to) / 2;

		if (compare_words(at, s->v6[middle].hi) > 0)
			from = middle + 1;
		else if (compare_words(at, s->v6[middle].lo) < 0)
			to = middle;
		else
			return true;
	}
	return false;
}

/* ---- numbers and words ---- */

/* HIGH is at most UINT32_MAX, LOW at least 0. */
static bool is_whole(const struct rplan_value *v, double low, double high)
{
	return is_number(v, low, high) && v->number == (double)(uint32_t)v->number;
}

bool config_range(const struct module_spec *s, const char *name, uint32_t low, uint32_t high,
		  struct number_range *range, struct module_error *e)
{
	const struct rplan_value *at;
	size_t n = members(config_value(s, name), &at);

	if (!config_value(s, name))
		return true;
	if (n < 1 || n > 2 || !is_whole(at, low, high) || !is_whole(at + n - 1, low, high) ||
	    at[0].number > at[n - 1].number)
		return module_fail(e, "%s: a range within %u..%u is due", name, low, high);
	*range = (struct number_range){ (uint32_t)at[0].number, (uint32_t)at[n - 1].number };
	return true;
}

bool config_numbers(const struct module_spec *s, const char *name, double low, double high,
		    uint32_t *numbers, size_t n, struct module_error *e)
{
	const struct rplan_value *at;
	size_t n_given = members(config_value(s, name), &at);

	if (!config_value(s, name))
		return true;
	if (n_given != n)
		return module_fail(e, "%s: %zu numbers are due, not %zu", name, n, n_given);
	for (size_t i = 0; i < n; i++) {
		if (!is_whole(at + i, low, high))
			return module_fail(e, "%s: whole numbers from %.15g to %.15g are due", name,
					   low, high);
		numbers[i] = (uint32_t)at[i].number;
	}
	return true;
}

bool config_time(const struct module_spec *s, const char *name, double preset, uint64_t *cycles,
		 struct module_error *e)
{
	const double ms = 1e6, days = 86400e9;
	double ns;

	if (!config_number(s, name, ms, 30 * days, preset * 1e9, &ns, e))
		return false;
	*cycles = (uint64_t)(ns * (double)s->world->hz / 1e9);
	return true;
}

bool config_word(const struct module_spec *s, const char *name, const char *const *words,
		 size_t *index, struct module_error *e)
{
	const char *text, *dot;

	if (!config_text(s, name, NULL, &text, e))
		return false;
	if (!text)
		return true;
	dot = strrchr(text, '.');
	for (size_t i = 0; words[i]; i++)
		if (!strcmp(dot ? dot + 1 : text, words[i])) {
			*index = i;
			return true;
		}
	return module_fail(e, "%s: '%s' is not among its words; the first is '%s'", name, text,
			   words[0]);
}

bool config_known(const struct module_spec *s, const char *const *names, struct module_error *e)
{
	for (size_t i = 0; i < s->config->n; i++) {
		size_t j = 0;

		while (names[j] && strcmp(names[j], s->config->at[i].key))
			j++;
		if (!names[j])
			return module_fail(e, "%s: class %s has no such setting",
					   s->config->at[i].key, s->class);
	}
	return true;
}
