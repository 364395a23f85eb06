/* Class "firewall": what is inside may begin a conversation, what is not may only answer.
 *
 * TCP conversations begin with a SYN; a reset, or a FIN from each side, leaves them 10 s for what
 * is still under way.  Echo requests must come from the side that began.  ICMP errors pass if
 * the packet in them belongs to a conversation, and do not prolong it.  Later fragments pass from
 * inside and are refused from elsewhere: a normaliser in front puts them together.  What is
 * neither IPv4 nor IPv6 is refused; edges can lead ARP round this module. */
#include <config.h>

#include <netinet/in.h>
#include <stdlib.h>

#include <rte_cycles.h>
#include <rte_tcp.h>

#include "runtime/dpdk/config.h"
#include "runtime/dpdk/flow.h"
#include "runtime/dpdk/module.h"

enum { CLOSING_SECONDS = 10, PASS = -1 };

struct conversation {
	uint8_t opener; /* which end of the canonical key has begun */
	uint8_t fins;   /* bit per end: it has sent its FIN */
	bool over;
};

struct firewall {
	struct flow_table *flows;
	struct address_set inside;
	uint64_t timeout, closing; /* cycles */
	uint64_t opened, refused, full, errors;
};

/* What is known of one packet of a burst. */
struct look {
	struct rte_mbuf *m;
	const struct flow_key *key;
	uint32_t found;
	uint8_t kind; /* enum flow_kind */
	uint8_t end;  /* of the canonical key, that sent it */
};

static void firewall_close(void *state)
{
	struct firewall *f = state;

	flow_table_close(f->flows);
	address_set_free(&f->inside);
	free(f);
}

static bool open_inside(const struct module_spec *spec, struct address_set *set,
			struct module_error *e)
{
	struct prefixes inside;
	bool made;

	if (!config_prefixes(spec, "inside", &inside, e))
		return false;
	made = address_set_make(set, &inside);
	if (!inside.n)
		module_fail(e, "inside: a firewall needs at least one prefix");
	else if (!made)
		module_fail(e, "inside: no memory");
	made = made && inside.n;
	prefixes_free(&inside);
	return made;
}

static bool open_table(const struct module_spec *spec, struct firewall *f, struct module_error *e)
{
	double n_flows;

	if (!config_number(spec, "flows", 1, 1 << 24, 65536, &n_flows, e) ||
	    !config_time(spec, "timeout", 120, &f->timeout, e))
		return false;
	f->closing = RTE_MIN(f->timeout, CLOSING_SECONDS * spec->world->hz);
	f->flows = flow_table_open(&(struct flow_config){ .n_flows = (uint32_t)n_flows,
							  .n_keys = 1,
							  .value_size = sizeof(struct conversation),
							  .longest = f->timeout },
				   e);
	return f->flows;
}

static void *firewall_open(const struct module_spec *spec, struct module_error *e)
{
	static const char *const names[] = { "inside", "flows", "timeout", NULL };
	struct firewall *f = calloc(1, sizeof(*f));

	if (!f) {
		module_fail(e, "no memory");
		return NULL;
	}
	if (config_known(spec, names, e) && open_inside(spec, &f->inside, e) &&
	    open_table(spec, f, e))
		return f;
	firewall_close(f);
	return NULL;
}

static bool is_inside(const struct firewall *f, const struct packet *p)
{
	return address_set_has(&f->inside, p, p->src);
}

static bool is_request(const struct packet *p)
{
	return p->icmp_type == 8 || p->icmp_type == 128;
}

static bool is_syn(const struct packet *p)
{
	const unsigned all =
	    RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG | RTE_TCP_RST_FLAG | RTE_TCP_FIN_FLAG;

	return (p->tcp_flags & all) == RTE_TCP_SYN_FLAG;
}

/* Whether the packet is one that may begin. */
static bool begins(const struct look *k, const struct packet *p)
{
	if (k->kind == FLOW_ECHO)
		return is_request(p);
	return p->proto != IPPROTO_TCP || is_syn(p);
}

static int open_flow(struct firewall *f, const struct look *k, const struct packet *p, uint64_t now)
{
	struct conversation *c;
	uint32_t flow;

	if (!is_inside(f, p) || !begins(k, p))
		return DROP_REFUSED;
	flow = flow_add(f->flows, k->key, now + f->timeout);
	if (flow == FLOW_NONE) {
		f->full++;
		return DROP_FULL;
	}
	f->opened++;
	c = flow_value(f->flows, flow);
	c->opener = k->end;
	return PASS;
}

static void follow_tcp(struct conversation *c, const struct look *k, uint8_t flags)
{
	if (flags & RTE_TCP_FIN_FLAG)
		c->fins |= (uint8_t)(1 << k->end);
	if (flags & RTE_TCP_RST_FLAG || c->fins == 3)
		c->over = true;
}

/* A packet of a conversation that is known. */
static int follow(struct firewall *f, const struct look *k, const struct packet *p, uint64_t now)
{
	uint32_t flow = k->found >> 1;
	struct conversation *c = flow_value(f->flows, flow);

	if (k->kind == FLOW_ECHO && is_request(p) && k->end != c->opener)
		return DROP_REFUSED;
	if (p->proto == IPPROTO_TCP) {
		if (c->over && is_syn(p)) { /* the same ports again, for a new connection */
			if (!is_inside(f, p))
				return DROP_REFUSED;
			*c = (struct conversation){ .opener = k->end };
		}
		follow_tcp(c, k, p->tcp_flags);
	}
	flow_keep(f->flows, flow, now + (c->over ? f->closing : f->timeout));
	return PASS;
}

static int judge(struct firewall *f, struct look *k, uint64_t now)
{
	const struct packet *p = packet_of(k->m);

	switch ((enum flow_kind)k->kind) {
	case FLOW_ALIEN:
		return DROP_REFUSED;
	case FLOW_BROKEN:
		return DROP_MALFORMED;
	case FLOW_FRAGMENT:
		return is_inside(f, p) ? PASS : DROP_REFUSED;
	case FLOW_ERROR:
		f->errors += k->found != FLOW_NONE;
		return k->found != FLOW_NONE ? PASS : DROP_REFUSED;
	case FLOW_BARE:
	case FLOW_PORTS:
	case FLOW_ECHO:
		break;
	}
	if (k->found == FLOW_NONE) /* an earlier packet of the burst may have begun it */
		k->found = flow_find(f->flows, k->key, now);
	return k->found == FLOW_NONE ? open_flow(f, k, p, now) : follow(f, k, p, now);
}

static void firewall_run(void *state, struct burst *b)
{
	struct firewall *f = state;
	struct flow_key keys[BURST];
	struct look looks[BURST];
	uint32_t found[BURST];
	struct flow_inner inner;
	unsigned n = 0;

	flow_advance(f->flows, b->now);
	for (unsigned i = 0; i < b->n; i++) {
		looks[i] = (struct look){ .m = b->at[i], .key = &keys[i] };
		looks[i].kind = (uint8_t)flow_key_of(b->at[i], &keys[i], &inner);
		looks[i].end = flow_canonical(&keys[i]);
	}
	flow_lookup(f->flows, keys, b->n, b->now, found);
	for (unsigned i = 0; i < b->n; i++) {
		int verdict;

		looks[i].found = found[i];
		verdict = judge(f, &looks[i], b->now);
		f->refused += verdict == DROP_REFUSED;
		if (verdict == PASS)
			b->at[n++] = b->at[i];
		else
			burst_drop(b, b->at[i], (enum drop_reason)verdict);
	}
	b->n = n;
}

/* The address that has begun the conversation. */
static bool still_inside(const struct firewall *f, const struct flow_table *flows, uint32_t flow)
{
	const struct conversation *c = flow_value(flows, flow);
	const struct flow_key *key = flow_key(flows, flow, 0);
	const uint32_t *at = key->addr[c->opener];

	return key->family == 4 ? address_set_has4(&f->inside, at[3])
				: address_set_has6(&f->inside, at);
}

static void firewall_adopt(void *state, void *old)
{
	struct firewall *f = state, *from = old;
	uint64_t now = rte_rdtsc();

	for (uint32_t i = 0; (i = flow_next(from->flows, i)) != FLOW_NONE; i++)
		if (still_inside(f, from->flows, i))
			flow_copy(f->flows, from->flows, i, now, f->timeout);
}

static size_t firewall_counters(const void *state, struct module_counter *to)
{
	const struct firewall *f = state;
	const struct module_counter all[] = {
		{ "flows", flow_count(f->flows) },
		{ "opened", f->opened },
		{ "expired", flow_expired(f->flows) },
		{ "refused", f->refused },
		{ "full", f->full },
		{ "errors", f->errors },
	};

	memcpy(to, all, sizeof(all));
	return RTE_DIM(all);
}

const struct module_ops module_firewall = {
	.class = "firewall",
	.summary = "lets in what answers to what has gone out",
	.open = firewall_open,
	.close = firewall_close,
	.run = firewall_run,
	.adopt = firewall_adopt,
	.counters = firewall_counters,
};
