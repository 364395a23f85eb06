/* What a redirector should take. */
#include <config.h>

#include "runtime/socks/policy_private.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

/* Rows are products of a chain's prefixes and ports: a plan can ask for more than there is
 * memory. */
enum { MOST_CATCHES = 1 << 20, PREFIX_ROOM = 64 };

static const int protocols[2] = { IPPROTO_TCP, IPPROTO_UDP };

static const char *prefix_text(struct policy_reading *r, const struct filter_range *p)
{
	char *text = policy_take(r, PREFIX_ROOM, 1);
	char ip[INET6_ADDRSTRLEN];
	uint32_t words[4];

	for (size_t i = 0; i < 4; i++)
		words[i] = htonl(p->lo[i]);
	if (text && inet_ntop(p->family == 4 ? AF_INET : AF_INET6,
			      p->family == 4 ? &words[3] : words, ip, sizeof(ip)))
		snprintf(text, PREFIX_ROOM, "%s/%u", ip, p->length);
	return text;
}

static const char **prefix_texts(struct policy_reading *r, const struct policy_prefixes *p)
{
	const char **texts = policy_take(r, p->n, sizeof(*texts));

	for (size_t i = 0; texts && i < p->n; i++)
		if (!(texts[i] = prefix_text(r, &p->at[i])))
			return NULL;
	return texts;
}

/* How many rows a chain has; more than MOST_CATCHES are too many. */
static size_t count_chain(const struct policy *p, size_t chain)
{
	const struct policy_scope *s = &p->by_chain.scopes[chain];
	size_t rows;

	if (p->entries[chain].begins)
		return 0;
	if (__builtin_mul_overflow(s->from.n, s->to.n, &rows) ||
	    __builtin_mul_overflow(rows, s->when->ports[0].n + s->when->ports[1].n, &rows) ||
	    rows > MOST_CATCHES)
		return MOST_CATCHES + 1;
	return rows;
}

static void add_product(struct policy *p, const struct policy_scope *s, size_t protocol,
			const char **from, const char **to)
{
	const struct policy_filter *f = s->when;

	for (size_t i = 0; i < s->from.n; i++)
		for (size_t j = 0; j < s->to.n; j++)
			for (size_t k = 0; k < f->ports[protocol].n; k++) {
				const struct policy_ports *ports = &f->ports[protocol].at[k];

				if (s->from.at[i].family == s->to.at[j].family)
					p->catches[p->n_catches++] =
					    (struct policy_catch){ protocols[protocol], to[j],
								   from[i], ports->low,
								   ports->high };
			}
}

static bool add_chain(struct policy_reading *r, size_t chain)
{
	struct policy *p = r->policy;
	const struct policy_scope *s = &p->by_chain.scopes[chain];
	const char **from, **to;

	if (p->entries[chain].begins)
		return true;
	from = prefix_texts(r, &s->from);
	to = prefix_texts(r, &s->to);
	if (!from || !to)
		return false;
	for (size_t i = 0; i < 2; i++)
		add_product(p, s, i, from, to);
	return true;
}

static int catch_cmp(const void *a, const void *b)
{
	const struct policy_catch *x = a, *y = b;
	int prefix = strcmp(x->prefix, y->prefix), source = strcmp(x->source, y->source);

	if (prefix || source)
		return prefix ? prefix : source;
	if (x->protocol != y->protocol)
		return x->protocol - y->protocol;
	return x->low != y->low ? x->low - y->low : x->high - y->high;
}

static void sort_catches(struct policy *p)
{
	size_t n = 0;

	if (p->n_catches)
		qsort(p->catches, p->n_catches, sizeof(*p->catches), catch_cmp);
	for (size_t i = 0; i < p->n_catches; i++)
		if (!n || catch_cmp(&p->catches[n - 1], &p->catches[i]))
			p->catches[n++] = p->catches[i];
	p->n_catches = n;
}

bool policy_make_catches(struct policy_reading *r)
{
	struct policy *p = r->policy;
	size_t total = 0;

	for (size_t i = 0; i < p->n_chains; i++) {
		total += count_chain(p, i);
		if (total > MOST_CATCHES)
			return policy_fail(r,
					   "the chains name more than %d pairs of prefixes and "
					   "ranges of ports",
					   MOST_CATCHES);
	}
	p->catches = policy_take(r, total, sizeof(*p->catches));
	if (!p->catches)
		return false;
	for (size_t i = 0; i < p->n_chains; i++)
		if (!add_chain(r, i))
			return false;
	sort_catches(p);
	return true;
}
