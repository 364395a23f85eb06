/* Random policies and questions: the policy in force answers as one does that looks at one chain
 * after the other; what clients may send a redirector takes; a filter that holds does so whatever
 * the fields that a proxy does not see. */
#include <config.h>

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>

#include "tests/unit/policy_of.h"

enum {
	N_ROUNDS = 400,
	N_QUESTIONS = 250,
	N_NODES = 7,
	N_PROXIES = 3, /* the first is the one that asks */
	N_HOSTED = 3,
	N_TARGETS = 2,
	MOST_FLOWS = 24,
	MOST_CHAINS = MOST_FLOWS * N_TARGETS,
	MOST_HOPS = 4,
	MOST_PREFIXES = 3,
	MOST_PARTS = 3,
	FIRST_PORT = 100,
	TEXT_ROOM = 4096
};

typedef unsigned __int128 wide;

/* ---- chance ---- */

struct world {
	uint64_t state;
	size_t n_checks, n_failures, n_verdicts[POLICY_WRONG_WAY + 1], n_caught;
};

static uint64_t draw(struct world *w, uint64_t below)
{
	w->state ^= w->state << 13;
	w->state ^= w->state >> 7;
	w->state ^= w->state << 17;
	return (w->state >> 11) % below;
}

static void check(struct world *w, bool holds, const char *claim, const char *more)
{
	w->n_checks++;
	if (holds)
		return;
	if (w->n_failures++ < 10)
		fprintf(stderr, "does not hold: %s: %s\n", claim, more);
}

/* ---- addresses: of 10.0.0.0/24, of 2001:db8::/120 ---- */

struct address {
	int family;
	wide at;
};

struct prefix_ {
	int family;
	wide lo, hi;
	char text[64];
};

static wide base_of(int family)
{
	return family == 4 ? 10u << 24 : (wide)0x20010db800000000 << 64;
}

static struct address some_address(struct world *w)
{
	int family = draw(w, 3) ? 4 : 6;

	return (struct address){ family, base_of(family) + draw(w, 256) };
}

static const char *text_of(struct address a, char text[INET6_ADDRSTRLEN])
{
	uint8_t bytes[16];

	for (int i = 15; i >= 0; i--, a.at >>= 8)
		bytes[i] = (uint8_t)a.at;
	inet_ntop(a.family == 4 ? AF_INET : AF_INET6, a.family == 4 ? bytes + 12 : bytes, text,
		  INET6_ADDRSTRLEN);
	return text;
}

static struct prefix_ prefix_round(struct address a, int length)
{
	int bits = a.family == 4 ? 32 : 128;
	wide low = length == bits ? 0
		   : length       ? ((wide)1 << (bits - length)) - 1
		   : bits == 32   ? UINT32_MAX
				  : ~(wide)0;
	struct prefix_ p = { a.family, a.at & ~low, a.at | low, "" };
	char text[INET6_ADDRSTRLEN];

	snprintf(p.text, sizeof(p.text), "%s/%d", text_of((struct address){ a.family, p.lo }, text),
		 length);
	return p;
}

static struct prefix_ some_prefix(struct world *w)
{
	struct address a = some_address(w);
	int bits = a.family == 4 ? 32 : 128;

	return prefix_round(a, draw(w, 12) ? bits - (int)draw(w, 9) : (int)draw(w, 9));
}

static bool is_in(const struct prefix_ *p, size_t n, struct address a)
{
	for (size_t i = 0; i < n; i++)
		if (p[i].family == a.family && a.at >= p[i].lo && a.at <= p[i].hi)
			return true;
	return false;
}

static struct wire_address wire_of(struct address a, uint16_t port)
{
	struct wire_address w = { .kind = a.family == 4 ? WIRE_IPV4 : WIRE_IPV6, .port = port };
	int n = a.family == 4 ? 4 : 16;

	for (int i = n - 1; i >= 0; i--, a.at >>= 8)
		w.ip[i] = (uint8_t)a.at;
	return w;
}

/* ---- filters ---- */

enum column { SRC, DST, PROTO, DPORT, SPORT, FRAG, ICMP, FLAGS, DSCP, N_FIELDS };

static const char *const fields[N_FIELDS] = { "ip.src",    "ip.dst",    "ip.proto",
					      "l4.dport",  "l4.sport",  "ip.frag",
					      "icmp.type", "tcp.flags", "ip.dscp" };

struct tree {
	enum { IS, NOT, AND, OR } kind;
	enum column field;
	struct prefix_ prefix; /* SRC, DST */
	unsigned lo, hi;
	struct tree *parts[MOST_PARTS];
	int n;
};

/* What a connection is; the last fields are seen by nobody. */
struct facts {
	int protocol;
	bool any_source;
	struct address source, to;
	unsigned dport, flags, dscp;
};

/* Whether the filter holds for sure, and whether its negation does. */
struct sure {
	bool yes, no;
};

static struct tree *some_filter(struct world *w, int depth)
{
	struct tree *t = calloc(1, sizeof(*t));
	static const unsigned most[N_FIELDS] = { 0, 0, 20, 5, 5, 1, 2, 3, 3 };

	if (depth && draw(w, 3)) {
		t->kind = NOT + (int)draw(w, 3);
		t->n = t->kind == NOT ? 1 : 2 + (int)draw(w, MOST_PARTS - 1);
		for (int i = 0; i < t->n; i++)
			t->parts[i] = some_filter(w, depth - 1);
		return t;
	}
	t->field = draw(w, 4) ? (enum column)draw(w, 4) : (enum column)draw(w, N_FIELDS);
	t->prefix = some_prefix(w);
	t->lo = t->field == PROTO && draw(w, 3) ? (draw(w, 2) ? 6 : 17)
						: (unsigned)draw(w, most[t->field] + 1);
	t->hi = t->field == PROTO && draw(w, 2)
		    ? t->lo
		    : t->lo + (unsigned)draw(w, most[t->field] + 1 - t->lo % (most[t->field] + 1));
	t->hi = t->hi > most[t->field] ? (most[t->field] > t->lo ? most[t->field] : t->lo) : t->hi;
	return t;
}

static void tree_free(struct tree *t)
{
	for (int i = 0; i < t->n; i++)
		tree_free(t->parts[i]);
	free(t);
}

static void put(char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(char *text, const char *format, ...)
{
	size_t n = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + n, TEXT_ROOM - n, format, args);
	va_end(args);
}

static void put_tree(char *text, const struct tree *t)
{
	if (t->kind == IS && t->field <= DST)
		put(text, "%s in %s", fields[t->field], t->prefix.text);
	else if (t->kind == IS && t->lo == t->hi)
		put(text, "%s == %u", fields[t->field], t->lo);
	else if (t->kind == IS)
		put(text, "%s in %u..%u", fields[t->field], t->lo, t->hi);
	for (int i = 0; i < t->n; i++) {
		put(text, "%s(",
		    t->kind == NOT   ? "not "
		    : !i             ? ""
		    : t->kind == AND ? " and "
				     : " or ");
		put_tree(text, t->parts[i]);
		put(text, ")");
	}
}

static struct sure certain(bool holds)
{
	return (struct sure){ holds, !holds };
}

static struct sure sure_of_comparison(const struct tree *t, const struct facts *f)
{
	static const struct sure nothing, both = { true, true };

	switch (t->field) {
	case SRC:
		return f->any_source ? nothing : certain(is_in(&t->prefix, 1, f->source));
	case DST:
		return certain(is_in(&t->prefix, 1, f->to));
	case PROTO:
		return certain((unsigned)f->protocol >= t->lo && (unsigned)f->protocol <= t->hi);
	case DPORT:
		return certain(f->dport >= t->lo && f->dport <= t->hi);
	case FRAG:
		return certain(!t->lo);
	case ICMP:
		return certain(false);
	case SPORT:
		return both;
	case FLAGS:
		return f->protocol == IPPROTO_UDP ? certain(false) : nothing;
	default:
		return nothing;
	}
}

static struct sure sure_of(const struct tree *t, const struct facts *f)
{
	bool all_yes = true, any_yes = false, all_no = true, any_no = false;

	if (t->kind == IS)
		return sure_of_comparison(t, f);
	for (int i = 0; i < t->n; i++) {
		struct sure s = sure_of(t->parts[i], f);

		all_yes &= s.yes, any_yes |= s.yes;
		all_no &= s.no, any_no |= s.no;
	}
	if (t->kind == NOT)
		return (struct sure){ all_no, all_yes };
	return t->kind == AND ? (struct sure){ all_yes, any_no } : (struct sure){ any_yes, all_no };
}

/* The truth, if somebody saw everything. */
static bool truth(const struct tree *t, const struct facts *f)
{
	bool any = false, all = true;

	if (t->kind == IS && t->field == FLAGS)
		return f->protocol == IPPROTO_TCP && f->flags >= t->lo && f->flags <= t->hi;
	if (t->kind == IS && t->field == DSCP)
		return f->dscp >= t->lo && f->dscp <= t->hi;
	if (t->kind == IS)
		return sure_of_comparison(t, f).yes;
	for (int i = 0; i < t->n; i++) {
		bool part = truth(t->parts[i], f);

		any |= part;
		all &= part;
	}
	return t->kind == NOT ? !any : t->kind == AND ? all : any;
}

static bool mentions(const struct tree *t, enum column field)
{
	bool found = t->kind == IS && t->field == field;

	for (int i = 0; i < t->n; i++)
		found |= mentions(t->parts[i], field);
	return found;
}

/* ---- a policy ---- */

struct place_ {
	int proxy, function;
};

struct flow_ {
	int from, to; /* nodes */
	struct tree *when;
	char text[TEXT_ROOM];
	bool allowed, forbidden;
	struct place_ hops[MOST_HOPS];
	size_t n_hops;
};

struct chain_ {
	size_t flow, target;
	size_t skipped; /* hops in front of the first link */
	bool via[N_PROXIES];
	char links[MOST_HOPS][64];
};

struct scene {
	struct prefix_ prefixes[N_NODES][MOST_PREFIXES];
	size_t n_prefixes[N_NODES];
	struct address proxies[N_PROXIES];
	struct flow_ flows[MOST_FLOWS];
	size_t n_flows;
	struct chain_ chains[MOST_CHAINS];
	size_t n_chains;

	/* the same for the writer of plans */
	char names[N_NODES + N_PROXIES][8], functions[N_PROXIES][N_HOSTED][8];
	char singles[N_PROXIES][64];
	const char *texts[N_NODES][MOST_PREFIXES], *single_texts[N_PROXIES];
	struct plan_host hosts[N_PROXIES][N_HOSTED];
	struct plan_node nodes[N_NODES + N_PROXIES];
	struct plan_hop plan_hops[MOST_FLOWS][MOST_HOPS];
	struct plan_cost cost;
	struct plan_place place;
	struct plan_flow plan_flows[MOST_FLOWS];
	const char *links[MOST_CHAINS][MOST_HOPS], *vias[MOST_CHAINS][N_PROXIES];
	char via_texts[N_PROXIES][INET6_ADDRSTRLEN];
	struct plan_chain plan_chains[N_TARGETS][MOST_FLOWS];
	struct plan_socks_config configs[N_TARGETS];
	struct plan_target targets[N_TARGETS];
	struct plan plan;
	int own[N_HOSTED]; /* the policy's numbers of the first proxy's functions */
};

static void make_proxies(struct world *w, struct scene *s)
{
	for (int p = 0; p < N_PROXIES; p++) {
		s->proxies[p] = some_address(w);
		s->proxies[p].at = base_of(s->proxies[p].family) + 0x1000 + (wide)p;
		text_of(s->proxies[p], s->via_texts[p]);
		snprintf(s->singles[p], sizeof(s->singles[p]), "%s/%d", s->via_texts[p],
			 s->proxies[p].family == 4 ? 32 : 128);
		s->single_texts[p] = s->singles[p];
		snprintf(s->names[N_NODES + p], sizeof(s->names[0]), "p%d", p);
		for (int f = 0; f < N_HOSTED; f++) {
			snprintf(s->functions[p][f], sizeof(s->functions[p][f]), "f%d.%d", p, f);
			s->hosts[p][f] = (struct plan_host){ .function = s->functions[p][f],
							     .port = FIRST_PORT + f };
		}
		s->nodes[N_NODES + p] = (struct plan_node){ .addresses = { &s->single_texts[p], 1 },
							    .domain = "d",
							    .hosts = { s->hosts[p], N_HOSTED },
							    .kind = "proxy",
							    .name = s->names[N_NODES + p] };
	}
}

static void make_nodes(struct world *w, struct scene *s)
{
	for (int i = 0; i < N_NODES; i++) {
		s->n_prefixes[i] = draw(w, MOST_PREFIXES + 1);
		for (size_t j = 0; j < s->n_prefixes[i]; j++) {
			s->prefixes[i][j] = some_prefix(w);
			s->texts[i][j] = s->prefixes[i][j].text;
		}
		snprintf(s->names[i], sizeof(s->names[0]), "n%d", i);
		s->nodes[i] = (struct plan_node){ .addresses = { s->texts[i], s->n_prefixes[i] },
						  .domain = "d",
						  .kind = "endpoint",
						  .name = s->names[i] };
	}
	make_proxies(w, s);
}

static void make_flow(struct world *w, struct scene *s, size_t i)
{
	static const char *const words[] = { "direct", "bridged", "unbridgeable", "forbidden" };
	struct flow_ *f = &s->flows[i];
	int status = draw(w, 4) ? 1 : (int)draw(w, 4);

	*f = (struct flow_){ .from = (int)draw(w, N_NODES), .to = (int)draw(w, N_NODES) };
	f->when = some_filter(w, 1 + (int)draw(w, 2));
	put_tree(f->text, f->when);
	f->allowed = status < 2;
	f->forbidden = status >= 2;
	f->n_hops = status == 1 ? 1 + draw(w, MOST_HOPS) : 0;
	for (size_t j = 0; j < f->n_hops; j++) {
		f->hops[j] = (struct place_){ draw(w, 2) ? 0 : (int)draw(w, N_PROXIES),
					      (int)draw(w, N_HOSTED) };
		s->plan_hops[i][j] =
		    (struct plan_hop){ .function =
					   s->functions[f->hops[j].proxy][f->hops[j].function],
				       .order = (int64_t)j + 1,
				       .proxy = s->names[N_NODES + f->hops[j].proxy] };
	}
	s->plan_flows[i] = (struct plan_flow){ .application = "app",
					       .bridge = { s->plan_hops[i], f->n_hops },
					       .cost = &s->cost,
					       .from = s->names[f->from],
					       .reason = "so it is.",
					       .source = &s->place,
					       .status = words[status],
					       .to = s->names[f->to],
					       .when = f->text };
}

static void make_chain(struct world *w, struct scene *s, size_t flow, size_t target)
{
	struct chain_ *c = &s->chains[s->n_chains];
	const struct flow_ *f = &s->flows[flow];
	struct plan_chain *row = &s->plan_chains[target][s->configs[target].chains.n++];
	size_t n_via = 0;

	*c = (struct chain_){ .flow = flow, .target = target };
	c->skipped = draw(w, 2) ? 0 : draw(w, f->n_hops + 1);
	for (size_t i = c->skipped; i < f->n_hops; i++) {
		const struct place_ *at = &f->hops[i];
		bool four = s->proxies[at->proxy].family == 4;

		snprintf(c->links[i], sizeof(c->links[i]), "socks6://%s%s%s:%d", four ? "" : "[",
			 s->via_texts[at->proxy], four ? "" : "]", FIRST_PORT + at->function);
		s->links[s->n_chains][i - c->skipped] = c->links[i];
	}
	for (int p = 0; p < N_PROXIES; p++) {
		c->via[p] = draw(w, 2);
		if (c->via[p])
			s->vias[s->n_chains][n_via++] = s->via_texts[p];
	}
	*row = (struct plan_chain){
		.flow = (int64_t)flow,
		.from = s->nodes[f->from].addresses,
		.links = { s->links[s->n_chains], f->n_hops - c->skipped },
		.to = s->nodes[f->to].addresses,
		.via = { s->vias[s->n_chains], n_via },
		.when = f->text,
	};
	s->n_chains++;
}

static void make_targets(struct world *w, struct scene *s)
{
	for (size_t t = 0; t < N_TARGETS; t++) {
		s->configs[t] = (struct plan_socks_config){ .at = s->names[N_NODES],
							    .auth = "none",
							    .chains = { s->plan_chains[t], 0 },
							    .dialect = "draft",
							    .listen = 1080 + (int64_t)t,
							    .version = 6 };
		s->targets[t] = (struct plan_target){ .backend = "socks",
						      .config = &s->configs[t],
						      .name = t ? "t1" : "t0" };
	}
	for (size_t i = 0; i < s->n_flows; i++)
		for (size_t t = 0; t < N_TARGETS; t++)
			if (s->flows[i].allowed && draw(w, 3))
				make_chain(w, s, i, t);
}

/* Functions are numbered in the order of the proxy, those that no link names are left out. */
static void number_functions(struct scene *s)
{
	bool used[N_HOSTED] = { 0 };
	int n = 0;

	for (size_t i = 0; i < s->n_chains; i++) {
		const struct flow_ *f = &s->flows[s->chains[i].flow];

		for (size_t j = s->chains[i].skipped; j < f->n_hops; j++)
			used[f->hops[j].function] |= !f->hops[j].proxy;
	}
	for (int i = 0; i < N_HOSTED; i++)
		s->own[i] = used[i] ? n++ : -1;
}

static struct policy *make_scene(struct world *w, struct scene *s)
{
	struct policy_error error;
	struct policy *p;

	memset(s, 0, sizeof(*s));
	s->place = (struct plan_place){ .col = 1, .file = "x.epi", .line = 1 };
	make_nodes(w, s);
	s->n_flows = 1 + draw(w, MOST_FLOWS);
	for (size_t i = 0; i < s->n_flows; i++)
		make_flow(w, s, i);
	make_targets(w, s);
	number_functions(s);
	s->plan = (struct plan){ .edition = 1,
				 .epic_plan = 1,
				 .flows = { s->plan_flows, s->n_flows },
				 .module = "m",
				 .nodes = { s->nodes, N_NODES + N_PROXIES },
				 .targets = { s->targets, N_TARGETS } };
	p = policy_of(&s->plan, NULL, 0, &error);
	check(w, p, "the plan is taken", error.text);
	return p;
}

/* ---- the same questions, answered slowly ---- */

struct asked {
	struct policy_question question;
	struct facts facts;
	struct address peer;
	int function; /* of the proxy; -1: a target's own port */
	struct wire_address links[MOST_HOPS];
};

struct expected {
	enum policy_verdict verdict;
	const struct chain_ *chain;
	size_t first;
};

static bool flow_meets(const struct scene *s, const struct flow_ *f, const struct facts *facts)
{
	return (facts->any_source ||
		is_in(s->prefixes[f->from], s->n_prefixes[f->from], facts->source)) &&
	       is_in(s->prefixes[f->to], s->n_prefixes[f->to], facts->to) &&
	       sure_of(f->when, facts).yes;
}

static bool same_address(struct address a, struct address b)
{
	return a.family == b.family && a.at == b.at;
}

static enum policy_verdict verdict_of_flows(const struct scene *s, const struct facts *facts)
{
	bool allowed = false;

	if (facts->any_source)
		return POLICY_NO_FLOW;
	for (size_t i = 0; i < s->n_flows; i++) {
		if (!flow_meets(s, &s->flows[i], facts))
			continue;
		if (s->flows[i].forbidden)
			return POLICY_FORBIDDEN;
		allowed = true;
	}
	return allowed ? POLICY_WRONG_WAY : POLICY_NO_FLOW;
}

/* The first chain for clients of SOURCE; *BEHIND: there is one that begins elsewhere. */
static const struct chain_ *chain_for(const struct scene *s, const struct asked *a,
				      struct address source, bool *behind)
{
	struct facts facts = a->facts;

	facts.source = source;
	for (size_t i = 0; i < s->n_chains; i++) {
		const struct chain_ *c = &s->chains[i];

		if (c->target != a->question.target || !flow_meets(s, &s->flows[c->flow], &facts))
			continue;
		if (!c->skipped)
			return c;
		*behind = true;
	}
	return NULL;
}

static struct expected expect_at_target(const struct scene *s, const struct asked *a)
{
	bool behind = false, speaks = a->question.told && !same_address(a->peer, a->facts.source);
	const struct chain_ *c = chain_for(s, a, a->peer, &behind);
	struct facts facts = a->facts;

	if (c && !speaks)
		return (struct expected){ POLICY_ALLOWED, c, 0 };
	if (c || (speaks && chain_for(s, a, a->facts.source, &behind)))
		return (struct expected){ POLICY_WRONG_PEER, NULL, 0 };
	facts.source = a->peer;
	return (struct expected){ behind ? POLICY_WRONG_WAY : verdict_of_flows(s, &facts), NULL,
				  0 };
}

static bool comes_from_before(const struct scene *s, const struct chain_ *c, size_t hop,
			      struct address peer)
{
	if (hop > c->skipped)
		return same_address(s->proxies[s->flows[c->flow].hops[hop - 1].proxy], peer);
	for (int p = 0; p < N_PROXIES; p++)
		if (c->via[p] && same_address(s->proxies[p], peer))
			return true;
	return false;
}

static bool is_rest(const struct scene *s, const struct chain_ *c, size_t hop,
		    const struct asked *a)
{
	const struct flow_ *f = &s->flows[c->flow];

	if (!a->question.links)
		return true;
	if (a->question.n_links != f->n_hops - hop)
		return false;
	for (size_t i = hop; i < f->n_hops; i++) {
		struct wire_address at = wire_of(s->proxies[f->hops[i].proxy],
						 (uint16_t)(FIRST_PORT + f->hops[i].function));

		if (!wire_address_same(&at, &a->question.links[i - hop]))
			return false;
	}
	return true;
}

static bool rests_differ(const struct scene *s, const struct expected *a, const struct expected *b)
{
	const struct flow_ *f = &s->flows[a->chain->flow], *g = &s->flows[b->chain->flow];
	size_t i = a->chain->skipped + a->first, j = b->chain->skipped + b->first;

	if (f->n_hops - i != g->n_hops - j)
		return true;
	for (; i < f->n_hops; i++, j++)
		if (f->hops[i].proxy != g->hops[j].proxy ||
		    f->hops[i].function != g->hops[j].function)
			return true;
	return false;
}

static struct expected expect_at_function(const struct scene *s, const struct asked *a)
{
	struct expected best = { .verdict = POLICY_NO_FLOW };
	bool off_chain = false, peer = false, other_rest = false;

	for (size_t i = 0; i < s->n_chains; i++) {
		const struct chain_ *c = &s->chains[i];
		const struct flow_ *f = &s->flows[c->flow];
		bool taken = false;

		if (!flow_meets(s, f, &a->facts))
			continue;
		off_chain = true;
		for (size_t j = c->skipped; j < f->n_hops && !taken; j++) {
			struct expected one = { POLICY_ALLOWED, c, j - c->skipped };

			if (f->hops[j].proxy || f->hops[j].function != a->function)
				continue;
			if (!comes_from_before(s, c, j, a->peer)) {
				peer = true;
				continue;
			}
			if (!is_rest(s, c, j, a)) {
				other_rest = true;
				continue;
			}
			taken = true;
			if (!best.chain)
				best = one;
			else if (!a->question.told && !a->question.links &&
				 rests_differ(s, &best, &one))
				best.verdict = POLICY_WRONG_WAY;
		}
	}
	if (!best.chain)
		best.verdict = other_rest  ? POLICY_WRONG_WAY
			       : peer      ? POLICY_WRONG_PEER
			       : off_chain ? POLICY_WRONG_WAY
					   : verdict_of_flows(s, &a->facts);
	return best;
}

/* ---- asking ---- */

/* Often what some chain would allow. */
static struct address near_address(struct world *w, const struct scene *s, int node)
{
	struct address a = some_address(w);
	const struct prefix_ *p;

	if (!s->n_prefixes[node] || !draw(w, 4))
		return a;
	p = &s->prefixes[node][draw(w, s->n_prefixes[node])];
	return (struct address){
		p->family, p->lo + (draw(w, 2) ? draw(w, 256) & (uint64_t)(p->hi - p->lo) : 0)
	};
}

static void draw_links(struct world *w, const struct scene *s, const struct chain_ *c,
		       struct asked *a)
{
	const struct flow_ *f = &s->flows[c->flow];
	size_t from = c->skipped;

	if (draw(w, 3))
		return;
	while (from < f->n_hops && (f->hops[from].proxy || f->hops[from].function != a->function))
		from++;
	a->question.links = a->links;
	for (size_t i = from; i < f->n_hops; i++)
		a->links[a->question.n_links++] = wire_of(
		    s->proxies[f->hops[i].proxy], (uint16_t)(FIRST_PORT + f->hops[i].function));
	if (a->question.n_links && !draw(w, 4))
		a->links[draw(w, a->question.n_links)].port ^= 1;
	if (a->question.n_links && !draw(w, 6))
		a->question.n_links--;
}

static void draw_question(struct world *w, const struct scene *s, struct asked *a)
{
	const struct chain_ *c = s->n_chains ? &s->chains[draw(w, s->n_chains)] : NULL;
	const struct flow_ *f = &s->flows[c ? c->flow : draw(w, s->n_flows)];
	struct policy_question *q = &a->question;

	*a = (struct asked){ .function = draw(w, 2) ? -1 : (int)draw(w, N_HOSTED) };
	if (a->function >= 0 && s->own[a->function] < 0)
		a->function = -1;
	a->facts = (struct facts){ .protocol = draw(w, 2) ? IPPROTO_TCP : IPPROTO_UDP,
				   .source = near_address(w, s, f->from),
				   .to = near_address(w, s, f->to),
				   .dport = (unsigned)draw(w, 7),
				   .flags = (unsigned)draw(w, 5),
				   .dscp = (unsigned)draw(w, 5) };
	q->told = a->function < 0 ? !draw(w, 3) : draw(w, 4);
	a->peer = a->function >= 0        ? s->proxies[draw(w, N_PROXIES)]
		  : q->told && draw(w, 2) ? near_address(w, s, (int)draw(w, N_NODES))
					  : a->facts.source;
	a->facts.any_source = a->function >= 0 && !q->told;
	q->protocol = a->facts.protocol;
	q->function = a->function < 0 ? -1 : s->own[a->function];
	q->target = draw(w, N_TARGETS);
	q->peer = wire_of(a->peer, 9999);
	q->source = q->told ? wire_of(a->facts.source, 1234) : q->peer;
	q->to = wire_of(a->facts.to, (uint16_t)a->facts.dport);
	if (a->function >= 0 && c)
		draw_links(w, s, c, a);
}

static bool text_holds(const char *text, struct address a)
{
	uint8_t bytes[16] = { 0 };
	int length = atoi(strchr(text, '/') + 1);
	char address[64];
	struct address b = { strchr(text, ':') ? 6 : 4, 0 };
	struct prefix_ p;

	snprintf(address, sizeof(address), "%.*s", (int)strcspn(text, "/"), text);
	inet_pton(b.family == 4 ? AF_INET : AF_INET6, address, b.family == 4 ? bytes + 12 : bytes);
	for (int i = 0; i < 16; i++)
		b.at = b.at << 8 | bytes[i];
	p = prefix_round(b, length);
	return is_in(&p, 1, a);
}

static bool is_caught(const struct policy *p, const struct facts *f)
{
	size_t n;
	const struct policy_catch *c = policy_catches(p, &n);

	for (size_t i = 0; i < n; i++)
		if (c[i].protocol == f->protocol && f->dport >= c[i].low && f->dport <= c[i].high &&
		    text_holds(c[i].prefix, f->to) && text_holds(c[i].source, f->source))
			return true;
	return false;
}

/* What holds of any chain that was allowed. */
static void check_allowed(struct world *w, const struct scene *s, const struct policy *p,
			  const struct asked *a, const struct policy_answer *answer)
{
	const struct tree *when = s->flows[answer->chain->flow].when;
	struct policy_answer again;

	check(w, mentions(when, SPORT) || a->facts.any_source || truth(when, &a->facts),
	      "what passes meets the filter", s->flows[answer->chain->flow].text);
	check(w, policy_still(p, &a->question, answer->chain, answer->first, &again),
	      "what passes does so under the same policy", again.why);
	/* What is redirected is of one family. */
	if (a->function < 0 && a->facts.source.family == a->facts.to.family) {
		check(w, is_caught(p, &a->facts), "what passes is caught",
		      s->flows[answer->chain->flow].text);
		w->n_caught++;
	}
}

static void ask_once(struct world *w, const struct scene *s, const struct policy *p)
{
	struct policy_answer answer;
	struct expected expected;
	struct asked a;
	bool allowed;

	draw_question(w, s, &a);
	expected = a.function < 0 ? expect_at_target(s, &a) : expect_at_function(s, &a);
	allowed = policy_ask(p, &a.question, &answer);
	w->n_verdicts[answer.verdict]++;
	check(w, allowed == (answer.verdict == POLICY_ALLOWED), "it returns its verdict",
	      answer.why);
	check(w, answer.verdict == expected.verdict, "the verdict is right", answer.why);
	check(w, allowed ? !answer.why[0] : answer.why[0], "refusals have reasons", answer.why);
	if (!allowed || expected.verdict != POLICY_ALLOWED)
		return;
	check(w,
	      answer.chain->flow == expected.chain->flow &&
		  answer.chain->target == expected.chain->target,
	      "the first chain is taken", s->flows[answer.chain->flow].text);
	check(w, answer.first == expected.first, "at its link", "");
	check_allowed(w, s, p, &a, &answer);
}

static void round_of(struct world *w, struct scene *s)
{
	struct policy *p = make_scene(w, s);

	for (int i = 0; p && i < N_QUESTIONS; i++)
		ask_once(w, s, p);
	policy_drop(p);
	for (size_t i = 0; i < s->n_flows; i++)
		tree_free(s->flows[i].when);
}

static unsigned scale(void)
{
	const char *text = getenv("EPIC_TEST_SCALE");
	int n = text ? atoi(text) : 1;

	return n > 0 ? (unsigned)n : 1;
}

int main(void)
{
	struct world w = { .state = 20261121 };
	struct scene *s = calloc(1, sizeof(*s));
	bool all = true;

	for (unsigned i = 0; i < N_ROUNDS / scale(); i++)
		round_of(&w, s);
	printf("%zu checks, %zu failures; verdicts", w.n_checks, w.n_failures);
	for (int i = 0; i <= POLICY_WRONG_WAY; i++) {
		printf(" %zu", w.n_verdicts[i]);
		all = all && w.n_verdicts[i];
	}
	printf("; %zu caught\n", w.n_caught);
	free(s);
	return w.n_failures || !all || !w.n_caught;
}
