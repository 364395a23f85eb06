#include <config.h>

#include "runtime/dpdk/filter_private.h"

#include <stdlib.h>
#include <string.h>

enum {
	MOST_FILTERS = 4096,
	FEW = 40 /* comparisons; code for fewer of them is faster than one look-up by rte_acl */
};

struct chooser {
	const struct filter **filters;
	size_t n;
	size_t n_asked;            /* what is behind them is never the first */
	bool same_first, same_all; /* the answer is the same for each packet */
	int16_t first;
	uint64_t all;
	struct chooser_bpf *bpf, *bpf_masks;
	struct chooser_acl *acl, *acl_masks;
	const char *name;
};

/* ---- what does not depend on the packet ---- */

static void find_first(struct chooser *c)
{
	size_t i = 0;

	while (i < c->n && !filter_constant(c->filters[i]))
		i++;
	c->same_first = i == c->n || filter_constant(c->filters[i]) == 1;
	c->first = i == c->n ? -1 : (int16_t)i;
	for (c->n_asked = i; c->n_asked < c->n;)
		if (filter_constant(c->filters[c->n_asked++]) == 1)
			break;
}

static void find_all(struct chooser *c)
{
	c->same_all = true;
	for (size_t i = 0; i < c->n && i < CHOOSER_MASKED; i++) {
		int constant = filter_constant(c->filters[i]);

		c->same_all = c->same_all && constant >= 0;
		if (constant == 1)
			c->all |= UINT64_C(1) << i;
	}
}

/* ---- ways ---- */

static bool has_masks(const struct chooser *c)
{
	return c->n <= CHOOSER_MASKED;
}

/* Each of these opens nothing where the answer is the same for all packets. */
static bool open_bpf(struct chooser *c, struct filter_error *error)
{
	if (!c->same_first)
		c->bpf = chooser_bpf_open(c->filters, c->n_asked, false, error);
	if (c->bpf)
		c->name = "bpf";
	return c->same_first || c->bpf;
}

static bool open_bpf_masks(struct chooser *c, struct filter_error *error)
{
	if (has_masks(c) && !c->same_all)
		c->bpf_masks = chooser_bpf_open(c->filters, c->n, true, error);
	return !has_masks(c) || c->same_all || c->bpf_masks;
}

static bool open_acl(struct chooser *c, struct filter_error *error)
{
	if (!c->same_first)
		c->acl = chooser_acl_open(c->filters, c->n_asked, false, error);
	if (c->acl)
		c->name = "acl";
	return c->same_first || c->acl;
}

static bool open_acl_masks(struct chooser *c, struct filter_error *error)
{
	if (has_masks(c) && !c->same_all)
		c->acl_masks = chooser_acl_open(c->filters, c->n, true, error);
	return !has_masks(c) || c->same_all || c->acl_masks;
}

static size_t comparisons(const struct chooser *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += filter_comparisons(c->filters[i]);
	return n;
}

/* The fastest way that can be gone: for masks, rte_acl looks up once for each set of filters. */
static void open_fastest(struct chooser *c, struct filter_error *error)
{
	size_t sets = (c->n + CHOOSER_SET - 1) / CHOOSER_SET;

	if (comparisons(c) < FEW || !open_acl(c, error))
		open_bpf(c, error);
	if (comparisons(c) < FEW * sets || !open_acl_masks(c, error))
		open_bpf_masks(c, error);
}

static bool open_way(struct chooser *c, enum chooser_how how, struct filter_error *error)
{
	switch (how) {
	case CHOOSER_BPF:
		return open_bpf(c, error) && open_bpf_masks(c, error);
	case CHOOSER_ACL:
		return open_acl(c, error) && open_acl_masks(c, error);
	case CHOOSER_AUTO:
		open_fastest(c, error);
		break;
	case CHOOSER_PLAIN:
		break;
	}
	return true;
}

static struct chooser *chooser_new(const struct filter *const *filters, size_t n)
{
	struct chooser *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->filters = calloc(n + 1, sizeof(*c->filters));
	if (!c->filters) {
		free(c);
		return NULL;
	}
	if (n)
		memcpy(c->filters, filters, n * sizeof(*filters));
	c->n = n;
	c->name = "plain";
	return c;
}

struct chooser *chooser_open(const char *name, const struct filter *const *filters, size_t n,
			     enum chooser_how how, struct filter_error *error)
{
	struct chooser *c;

	if (n > MOST_FILTERS) {
		filter_fail(error, "%s: more than %d filters", name, MOST_FILTERS);
		return NULL;
	}
	c = chooser_new(filters, n);
	if (!c) {
		filter_fail(error, "%s: out of memory", name);
		return NULL;
	}
	find_first(c);
	find_all(c);
	if (open_way(c, how, error))
		return c;
	chooser_close(c);
	return NULL;
}

void chooser_close(struct chooser *c)
{
	if (!c)
		return;
	chooser_bpf_close(c->bpf);
	chooser_bpf_close(c->bpf_masks);
	chooser_acl_close(c->acl);
	chooser_acl_close(c->acl_masks);
	free(c->filters);
	free(c);
}

const char *chooser_name(const struct chooser *c)
{
	return c->name;
}

/* ---- choosing ---- */

static int16_t plain_first(const struct chooser *c, const struct packet *p)
{
	for (size_t i = 0; i < c->n_asked; i++)
		if (filter_holds(c->filters[i], p))
			return (int16_t)i;
	return -1;
}

static uint64_t plain_all(const struct chooser *c, const struct packet *p)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < c->n && i < CHOOSER_MASKED; i++)
		mask |= (uint64_t)filter_holds(c->filters[i], p) << i;
	return mask;
}

void chooser_first(const struct chooser *c, struct rte_mbuf *const *packets, unsigned n,
		   int16_t *first)
{
	if (c->same_first)
		for (unsigned i = 0; i < n; i++)
			first[i] = c->first;
	else if (c->bpf)
		chooser_bpf_first(c->bpf, packets, n, first);
	else if (c->acl)
		chooser_acl_first(c->acl, packets, n, first);
	else
		for (unsigned i = 0; i < n; i++)
			first[i] = plain_first(c, packet_of(packets[i]));
}

void chooser_all(const struct chooser *c, struct rte_mbuf *const *packets, unsigned n,
		 uint64_t *masks)
{
	if (c->same_all)
		for (unsigned i = 0; i < n; i++)
			masks[i] = c->all;
	else if (c->bpf_masks)
		chooser_bpf_all(c->bpf_masks, packets, n, masks);
	else if (c->acl_masks)
		chooser_acl_all(c->acl_masks, packets, n, masks);
	else
		for (unsigned i = 0; i < n; i++)
			masks[i] = plain_all(c, packet_of(packets[i]));
}
