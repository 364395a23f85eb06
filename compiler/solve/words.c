#include <config.h>

#include "compiler/solve/words.h"

#include "compiler/base/sink.h"
#include "compiler/base/text.h"
#include "compiler/solve/rules.h"

static const char *sink_take(struct arena *a, struct sink *s)
{
	const char *text = arena_strndup(a, s->data ? s->data : "", s->size);

	sink_free(s);
	return text;
}

/* What stands before member I of N. */
static const char *joint(size_t i, size_t n)
{
	return i == 0 ? "" : i + 1 == n ? " and " : ", ";
}

const char *words_attrs(struct arena *a, const struct ir *ir, struct ids attrs, char quoted)
{
	struct sink s = { 0 };

	for (size_t i = 0; i < attrs.n; i++) {
		sink_puts(&s, joint(i, attrs.n));
		if (quoted)
			sink_putc(&s, quoted);
		sink_puts(&s, name_tail(ir->attrs[attrs.at[i]].name));
		if (quoted)
			sink_putc(&s, quoted);
	}
	return sink_take(a, &s);
}

static struct ids proxies_of(struct arena *a, const struct bridge *b)
{
	uint32_t *at = arena_many(a, uint32_t, b->n_hops);

	for (size_t i = 0; i < b->n_hops; i++)
		at[i] = b->hops[i].proxy;
	return ids_from(a, at, b->n_hops);
}

static const char *words_nodes(struct arena *a, const struct ir *ir, struct ids nodes)
{
	struct sink s = { 0 };

	for (size_t i = 0; i < nodes.n; i++) {
		sink_puts(&s, joint(i, nodes.n));
		sink_puts(&s, ir->nodes[nodes.at[i]].name);
	}
	return sink_take(a, &s);
}

static const char *words_count(struct arena *a, size_t n)
{
	static const char *const words[] = { "no",   "one",    "two",   "three", "four",
					     "five", "six",    "seven", "eight", "nine",
					     "ten",  "eleven", "twelve" };

	return n < sizeof(words) / sizeof(*words) ? words[n] : arena_printf(a, "%zu", n);
}

static const char *reason_bridged(struct arena *a, const struct ir *ir, const struct ir_flow *f,
				  const struct verdict *v)
{
	size_t n = v->bridge.n_hops;

	return arena_printf(a, "%s lacks %s; %s function%s on %s %s %s.", ir->nodes[f->to].name,
			    words_attrs(a, ir, v->missing, 0), words_count(a, n), n == 1 ? "" : "s",
			    words_nodes(a, ir, proxies_of(a, &v->bridge)),
			    n == 1 ? "supplies" : "supply", v->missing.n == 1 ? "it" : "them");
}

static const char *reason_label(struct arena *a, const struct ir *ir, const struct ir_flow *f,
				const struct verdict *v)
{
	return arena_printf(a, "%s requires %s, which %s lacks.",
			    name_tail(ir->attrs[f->carries].name),
			    words_attrs(a, ir, v->label_lacks, 0), ir->nodes[v->label_node].name);
}

static const char *reason_refused(struct arena *a, const struct ir *ir, const struct verdict *v)
{
	const char *domain = ir->domains[rules_refusal(v)->domain].name;
	const char *packet = words_packet(a, &v->example);

	if (v->code == E0602)
		return arena_printf(a, "%s forbids it, for example for %s.", domain, packet);
	return arena_printf(a, "%s does not permit it, for example for %s.", domain, packet);
}

/* How the sentence goes on that began with what the receiver lacks. */
static const char *why_no_bridge(enum diag_code code)
{
	switch (code) {
	case E0605:
		return "no legal order is left for the functions that would help";
	case E0606:
		return "the proxies have no room for the functions that would help";
	case E0607:
		return "the functions that would help lack their other halves";
	default:
		return "no bridge makes up for it";
	}
}

static const char *reason_unbridgeable(struct arena *a, const struct ir *ir,
				       const struct ir_flow *f, const struct verdict *v)
{
	return arena_printf(a, "%s lacks %s; %s.", ir->nodes[f->to].name,
			    words_attrs(a, ir, v->missing, 0), why_no_bridge(v->code));
}

const char *words_reason(struct arena *a, const struct ir *ir, const struct ir_flow *f,
			 const struct verdict *v)
{
	if (v->failed && v->code == E0604)
		return reason_label(a, ir, f, v);
	switch (v->status) {
	case FLOW_DIRECT:
		return arena_printf(a, "%s has everything that %s has.", ir->nodes[f->to].name,
				    ir->nodes[f->from].name);
	case FLOW_BRIDGED:
		return reason_bridged(a, ir, f, v);
	case FLOW_FORBIDDEN:
		return reason_refused(a, ir, v);
	default:
		return reason_unbridgeable(a, ir, f, v);
	}
}

const char *words_time(struct arena *a, struct rat ns)
{
	static const struct {
		const char *name;
		int64_t size;
	} units[] = { { "d", 86400000000000 }, { "h", 3600000000000 }, { "min", 60000000000 },
		      { "s", 1000000000 },     { "ms", 1000000 },      { "us", 1000 } };
	char buf[DEC_TEXT_SIZE];

	if (!rat_sign(ns))
		return "0ms";
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		struct rat n = rat_div(ns, rat_int(units[i].size));

		if (rat_is_int(n))
			return arena_printf(a, "%s%s", rat_text(n, buf), units[i].name);
	}
	return arena_printf(a, "%sns", rat_text(ns, buf));
}

const char *words_packet(struct arena *a, const struct packet *p)
{
	struct sink s = { 0 };

	/* What is implied is not printed, so nothing may be left. */
	packet_print(&s, p);
	return s.size ? sink_take(a, &s) : "any packet";
}
