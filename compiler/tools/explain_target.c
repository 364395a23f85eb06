/* `epic explain target NAME`: what a choice of backend costs.
 *
 * Delays are counted in round trips between client and proxy (CP), two proxies (PP), proxy
 * and server (PS), up to the first byte of the answer to a request that opens a connection.
 * Each leg takes one for TCP and one for the request behind it; Fast Open and connections
 * that are already open save the first one.  The figures of the published prototypes are
 * those of the EPI framework's papers, as measured. */
#include <config.h>

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "compiler/base/text.h"
#include "compiler/plan/proxy_filter.h"
#include "compiler/plan/proxy_routes.h"
#include "compiler/tools/explain_target.h"

enum { PROTO_TCP = 6, PROTO_UDP = 17, WIDTH = 96 };

struct costing {
	struct run *run;
	struct policy *p;
	struct sink *s;
	const struct ir_target *target;
	struct making making; /* asks for routes; reports nothing */
	struct ids flows;     /* those that the target has to do with */
};

#define ARENA(c) ((c)->p->ctx->arena)

static const struct ir_flow *flow_at(const struct costing *c, size_t i)
{
	return &c->p->ir->flows[c->flows.at[i]];
}

static const struct ir_application *application_of(const struct costing *c, const struct ir_flow *f)
{
	return &c->p->ir->applications[f->application];
}

static const char *flow_name(const struct costing *c, const struct ir_flow *f)
{
	return arena_printf(ARENA(c), "%s => %s", c->p->ir->nodes[f->from].name,
			    c->p->ir->nodes[f->to].name);
}

static const struct bridge *bridge_of(const struct costing *c, size_t i)
{
	return &c->p->solution->verdicts[c->flows.at[i]].bridge;
}

static const char *at_name(const struct costing *c)
{
	return c->p->ir->nodes[c->target->at].name;
}

static bool is_socks(const struct costing *c)
{
	return c->target->backend == IR_SOCKS;
}

/* A sentence in lines of WIDTH; those behind the first are indented where it warns. */
__attribute__((format(printf, 2, 3))) static void say(const struct costing *c, const char *fmt, ...)
{
	const char *text, *indent;
	size_t column = 0;
	va_list args;

	va_start(args, fmt);
	text = arena_vprintf(ARENA(c), fmt, args);
	va_end(args);
	indent = strncmp(text, "warning: ", 9) ? "" : "         ";
	while (*text) {
		size_t n = strcspn(text, " ");

		if (column && column + 1 + n > WIDTH) {
			sink_printf(c->s, "\n%s", indent);
			column = strlen(indent);
		} else if (column) {
			sink_putc(c->s, ' ');
			column++;
		}
		sink_printf(c->s, "%.*s", (int)n, text);
		column += n;
		text += n + (text[n] == ' ');
	}
	sink_putc(c->s, '\n');
}

/* ---- facts about one flow ---- */

/* Functions of the flow that run on this proxy or behind it. */
static size_t n_links(const struct costing *c, size_t i)
{
	size_t n;

	route_links(&c->making, c->flows.at[i], &n);
	return n;
}

/* The node that hands the flow to the function of this place in the whole chain. */
static uint32_t node_before(const struct costing *c, size_t i, size_t hop)
{
	const struct bridge *b = bridge_of(c, i);

	return hop == b->n_hops - n_links(c, i) ? c->target->at : b->hops[hop - 1].proxy;
}

static bool crosses(const struct costing *c, size_t i, size_t hop)
{
	return bridge_of(c, i)->hops[hop].proxy != node_before(c, i, hop);
}

/* How often the flow goes from one proxy to another one, from here on. */
static size_t n_crossings(const struct costing *c, size_t i)
{
	const struct bridge *b = bridge_of(c, i);
	size_t n = 0;

	for (size_t k = b->n_hops - n_links(c, i); k < b->n_hops; k++)
		n += crosses(c, i, k);
	return n;
}

/* Between a function that hides the bytes and its pair, as the flow comes to HOP. */
static bool is_hidden(const struct costing *c, size_t i, size_t hop)
{
	const struct bridge *b = bridge_of(c, i);

	for (size_t k = 0; k < hop; k++) {
		const struct ir_function *f = &c->p->ir->functions[b->hops[k].function];
		bool open = f->opaque != IR_OPAQUE_NONE;

		for (size_t j = k + 1; open && j < hop; j++)
			open = b->hops[j].function != f->pair;
		if (open)
			return true;
	}
	return false;
}

static bool speaks_tls(const struct costing *c, uint32_t proxy)
{
	const struct ir *ir = c->p->ir;

	for (size_t i = 0; i < ir->n_targets; i++)
		if (ir->targets[i].backend == IR_SOCKS && ir->targets[i].at == proxy &&
		    ir->targets[i].certificate)
			return true;
	return false;
}

/* nginx speaks no TLS to what comes next. */
static bool is_under_tls(const struct costing *c, size_t i, size_t hop)
{
	bool from_nginx = !is_socks(c) && node_before(c, i, hop) == c->target->at;

	return !from_nginx && speaks_tls(c, bridge_of(c, i)->hops[hop].proxy);
}

/* Somewhere between two proxies whoever taps the line reads the bytes. */
static bool is_bare_between_proxies(const struct costing *c, size_t i)
{
	const struct bridge *b = bridge_of(c, i);

	for (size_t k = b->n_hops - n_links(c, i); k < b->n_hops; k++)
		if (crosses(c, i, k) && !is_hidden(c, i, k) && !is_under_tls(c, i, k))
			return true;
	return false;
}

static bool takes(const struct costing *c, const struct ir_flow *f, uint64_t protocol)
{
	struct fields *fields = c->p->ir->fields;
	struct fx_member m = { .kind = FX_RANGE, .lo = protocol, .hi = protocol };
	const struct fx *of_it = fx_cmp(fields, fields_find(fields, "ip.proto"), &m, 1);

	return !cubes_empty(cubes_filter(fields, f->cubes, of_it));
}

/* Whether the first bytes may leave with, or before, the connection. */
static bool is_early(const struct costing *c, size_t i)
{
	return is_socks(c) && (c->target->fast_open || c->target->warm) &&
	       application_of(c, flow_at(c, i))->replay_safe;
}

/* "2 CP + 2 PP + 2 PS" */
static const char *round_trips(const struct costing *c, size_t each, size_t crossings)
{
	const char *times = each == 1 ? "" : arena_printf(ARENA(c), "%zu ", each);
	const char *between = "";

	if (crossings * each == 1)
		between = "PP + ";
	else if (crossings)
		between = arena_printf(ARENA(c), "%zu PP + ", crossings * each);
	return arena_printf(ARENA(c), "%sCP + %s%sPS", times, between, times);
}

/* ---- the flows ---- */

static const char *functions_text(const struct costing *c, size_t i)
{
	const struct bridge *b = bridge_of(c, i);
	const char *text = "";

	for (size_t k = 0; k < b->n_hops; k++) {
		bool last = k + 1 == b->n_hops || b->hops[k + 1].proxy != b->hops[k].proxy;

		text = arena_printf(ARENA(c), "%s%s%s", text, k ? ", " : "",
				    name_tail(c->p->ir->functions[b->hops[k].function].name));
		if (last)
			text = arena_printf(ARENA(c), "%s on %s", text,
					    c->p->ir->nodes[b->hops[k].proxy].name);
	}
	return text;
}

/* A datagram waits for the association once, and then for nothing. */
static const char *waiting_text(const struct costing *c, size_t i)
{
	const struct ir_flow *f = flow_at(c, i);

	if (takes(c, f, PROTO_TCP))
		return round_trips(c, is_early(c, i) ? 1 : 2, n_crossings(c, i));
	if (!is_socks(c))
		return "no TCP";
	return arena_printf(ARENA(c), "UDP, 2 CP for the association, then %s for each answer",
			    round_trips(c, 1, n_crossings(c, i)));
}

static void tell_flow(const struct costing *c, size_t i)
{
	const struct bridge *b = bridge_of(c, i);
	char setup[DEC_TEXT_SIZE], cycles[DEC_TEXT_SIZE];

	sink_printf(c->s, "  %s: %s\n", flow_name(c, flow_at(c, i)), waiting_text(c, i));
	if (!b->n_hops) {
		sink_puts(c->s, "    straight to the destination\n");
		return;
	}
	sink_printf(c->s, "    %s\n", functions_text(c, i));
	sink_printf(c->s, "    %s ms to set up, %s cycles per packet\n",
		    rat_text(rat_div(b->setup, rat_int(1000000)), setup),
		    rat_text(b->cycles, cycles));
}

static void tell_flows(const struct costing *c)
{
	sink_puts(c->s, "\nround trips for a new connection, up to the first byte of the answer\n");
	for (size_t i = 0; i < c->flows.n; i++)
		tell_flow(c, i);
	say(c, "CP, PP, PS: one between client and proxy, two proxies, proxy and server. Without a "
	       "proxy it takes 2 between client and server.");
}

/* ---- side by side ---- */

enum way_kind { WAY_NGINX, WAY_SOCKS5, WAY_SOCKS6, N_WAYS };

/* The target as nginx would serve it, whatever the range of `listen`. */
static struct entries nginx_entries(const struct costing *c)
{
	struct ir_target nginx = *c->target;
	struct making m = c->making;

	nginx.backend = IR_NGINX;
	nginx.http = c->target->backend == IR_NGINX && c->target->http;
	nginx.listen_lo = 1;
	nginx.listen_hi = UINT16_MAX;
	m.target = &nginx;
	return route_entries(&m);
}

static size_t carried_by_nginx(const struct entries *e)
{
	size_t n = 0;

	for (size_t i = 0; i < e->list.n; i++)
		n += !i || e->list.at[i].flow != e->list.at[i - 1].flow;
	return n;
}

static size_t carried_by_socks(const struct costing *c, bool version_5)
{
	size_t n = 0;

	for (size_t i = 0; i < c->flows.n; i++)
		n += proxy_filter_socks(c->p->ir->fields, flow_at(c, i)->cubes) == PROXY_FITS &&
		     !(version_5 && bridge_of(c, i)->n_hops > 1);
	return n;
}

/* Functions of this proxy that some flow passes; each listens on a port of its own. */
static size_t n_own_functions(const struct costing *c)
{
	const struct ir_node *at = &c->p->ir->nodes[c->target->at];
	size_t n = 0;

	for (size_t h = 0; h < at->n_hosts; h++) {
		bool used = false;

		for (size_t i = 0; i < c->flows.n && !used; i++)
			for (size_t k = 0; k < bridge_of(c, i)->n_hops && !used; k++)
				used = bridge_of(c, i)->hops[k].function == at->hosts[h] &&
				       bridge_of(c, i)->hops[k].proxy == c->target->at;
		n += used;
	}
	return n;
}

static void put_row(const struct costing *c, const char *label, const char *const cells[N_WAYS])
{
	sink_printf(c->s, "  %-16s", label);
	for (size_t i = 0; i < N_WAYS; i++)
		sink_printf(c->s, i + 1 < N_WAYS ? "%-24s" : "%s", cells[i]);
	sink_putc(c->s, '\n');
}

static void put_heads(const struct costing *c)
{
	static const char *const names[] = { "nginx", "SOCKS5", "SOCKS6" };
	const char *cells[N_WAYS];
	enum way_kind chosen = !is_socks(c)              ? WAY_NGINX
			       : c->target->version == 5 ? WAY_SOCKS5
							 : WAY_SOCKS6;

	for (size_t i = 0; i < N_WAYS; i++)
		cells[i] =
		    i == chosen ? arena_printf(ARENA(c), "%s (this one)", names[i]) : names[i];
	put_row(c, "", cells);
}

static const char *of_all(const struct costing *c, size_t n)
{
	return arena_printf(ARENA(c), "%zu of %zu", n, c->flows.n);
}

static void put_counts(const struct costing *c)
{
	struct entries nginx = nginx_entries(c);
	size_t own = n_own_functions(c);
	const char *socks = arena_printf(ARENA(c), own ? "1 + %zu" : "1", own);
	const char *ports = arena_printf(ARENA(c), own ? "%zu + %zu" : "%zu", nginx.wanted, own);

	put_row(c, "flows carried",
		(const char *const[]){ of_all(c, carried_by_nginx(&nginx)),
				       of_all(c, carried_by_socks(c, true)),
				       of_all(c, carried_by_socks(c, false)) });
	put_row(c, "ports", (const char *const[]){ ports, socks, socks });
}

static void tell_ways(const struct costing *c)
{
	static const char *const rows[][1 + N_WAYS] = {
		{ "round trips", "2 CP + 2 PS", "2 CP + 2 PS", "2 CP + 2 PS" },
		{ "  replay safe", "2 CP + 2 PS", "CP + PS", "CP + PS" },
		{ "  published", "2 CP + 2 PS", "4 CP + 2 PS", "3 CP + 2 PS" },
		{ "request rate", "between, as published", "lowest, as published",
		  "highest, as published" },
	};
	static const char *const more[][1 + N_WAYS] = {
		{ "new plan", "reload, new workers", "in place", "in place" },
		{ "chains", "one per pair", "shared, one function", "shared" },
		{ "clients prove", "address", "password, mutual TLS", "password, mutual TLS" },
		{ "listener", "TLS in mode http", "TLS", "TLS" },
		{ "transport", "TCP", "TCP, UDP", "TCP, UDP" },
	};

	sink_puts(c->s, "\nside by side\n");
	put_heads(c);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		put_row(c, rows[i][0], rows[i] + 1);
	put_counts(c);
	for (size_t i = 0; i < sizeof(more) / sizeof(*more); i++)
		put_row(c, more[i][0], more[i] + 1);
}

/* ---- cycles ---- */

static double cycles_of(const struct ir_flow *f, const struct ir_application *a,
			const struct ir_function *function)
{
	double each = rat_double(function->cost) +
		      rat_double(function->cost_per_byte) * rat_double(a->packet);

	return f->has_rate ? rat_double(f->rate_pps) * each : 0;
}

/* Cycles per second that all flows of the plan ask of the functions on this proxy. */
static double cycles_asked(const struct costing *c)
{
	const struct ir *ir = c->p->ir;
	double sum = 0;

	for (size_t i = 0; i < ir->n_flows; i++) {
		const struct ir_flow *f = &ir->flows[i];
		const struct verdict *v = &c->p->solution->verdicts[i];

		for (size_t k = 0; v->status == FLOW_BRIDGED && k < v->bridge.n_hops; k++)
			if (v->bridge.hops[k].proxy == c->target->at)
				sum += cycles_of(f, application_of(c, f),
						 &ir->functions[v->bridge.hops[k].function]);
	}
	return sum;
}

static void tell_cycles(const struct costing *c)
{
	const struct ir_node *at = &c->p->ir->nodes[c->target->at];
	double asked = cycles_asked(c) / 1e6;

	if (asked <= 0)
		return;
	if (at->has_cores)
		say(c,
		    "At the stated rates of all flows the functions on %s spend %.1f million "
		    "cycles "
		    "a second, %.2f%% of its cores.",
		    at->name, asked,
		    100e6 * asked / (rat_double(at->cores) * rat_double(at->clock)));
	else
		say(c,
		    "At the stated rates of all flows the functions on %s spend %.1f million "
		    "cycles "
		    "a second; it states no 'cores' that would bound them.",
		    at->name, asked);
}

/* ---- in sentences ---- */

/* What a client waits for that sends nothing before the answer is there: TCP, the method and
 * the password of version 5, the request, and what it asks its server. */
static const char *patient_client(const struct costing *c)
{
	if (c->target->version == 6)
		return "3 CP";
	return strcmp(c->target->auth, "password") ? "4 CP" : "5 CP";
}

static void tell_delay(const struct costing *c)
{
	if (!is_socks(c)) {
		say(c,
		    "nginx waits for TCP on both sides and for nothing else; so does epic-socksd "
		    "with clients that know SOCKS and send handshake and request in one segment.");
		return;
	}
	say(c,
	    "These are the figures of clients that send handshake and request in one segment, as "
	    "epic-socksd does. A client that waits for each answer takes %s in place of 2.",
	    patient_client(c));
	if (c->target->certificate)
		say(c, "TLS at the listener takes one CP more.");
	if (c->target->fast_open || c->target->warm)
		say(c, "%s saves a round trip on each leg, for flows that say 'replay safe'.",
		    c->target->fast_open ? "Fast Open" : "A warm connection");
	else
		say(c, "'fast-open yes;' or 'warm' would save a round trip on each leg, for flows "
		       "that say 'replay safe'.");
}

static void tell_ports(const struct costing *c)
{
	size_t own = n_own_functions(c);
	const char *more = "";

	if (own)
		more = arena_printf(ARENA(c), "; %zu more %s for the functions on %s", own,
				    own == 1 ? "is" : "are", at_name(c));
	if (is_socks(c))
		say(c, "One port serves all flows, whatever their number%s.", more);
	else
		say(c,
		    "Each flow and destination takes a port of its own, which the client must "
		    "know%s.",
		    more);
}

static void tell_reconfiguration(const struct costing *c)
{
	if (is_socks(c))
		say(c, "A new plan is taken over in place: only flows that lost their permit end. "
		       "Chains are rows of a table; all flows share the functions.");
	else
		say(c,
		    "A new plan is a reload: new workers take new connections, the old ones stay "
		    "until theirs end, allowed or not. Each pair has a chain of its own, which "
		    "its port names.");
}

static void tell_clients(const struct costing *c)
{
	if (is_socks(c) && !strcmp(c->target->auth, "mtls"))
		say(c, "Clients prove who they are by certificates.");
	else if (is_socks(c) && !strcmp(c->target->auth, "password"))
		say(c, "Clients prove who they are by name and password.");
	else
		say(c,
		    "Clients prove nothing: whoever sends from an address of a flow is taken for "
		    "its source.");
}

static void tell_hidden(const struct costing *c, size_t i)
{
	const struct bridge *b = bridge_of(c, i);

	for (size_t k = 0; k < b->n_hops; k++) {
		const struct ir_function *f = &c->p->ir->functions[b->hops[k].function];

		if (f->opaque != IR_OPAQUE_NONE && f->pair != ID_NONE)
			say(c, "From %s on %s to %s the %s of %s are hidden.", name_tail(f->name),
			    c->p->ir->nodes[b->hops[k].proxy].name,
			    name_tail(c->p->ir->functions[f->pair].name),
			    f->opaque == IR_OPAQUE_HEADERS ? "headers" : "bytes",
			    flow_name(c, flow_at(c, i)));
	}
}

static void tell_sight(const struct costing *c)
{
	if (c->target->certificate)
		say(c, "The listener speaks TLS; %s sees what is inside.", at_name(c));
	else
		say(c,
		    "The listener speaks no TLS: what the application does not encrypt can be "
		    "read on the way to %s, and there.",
		    at_name(c));
	for (size_t i = 0; i < c->flows.n; i++)
		tell_hidden(c, i);
}

static void tell_words(const struct costing *c)
{
	sink_putc(c->s, '\n');
	tell_delay(c);
	tell_cycles(c);
	tell_ports(c);
	tell_reconfiguration(c);
	tell_clients(c);
	tell_sight(c);
}

/* ---- warnings ---- */

static void warn_nginx(const struct costing *c, size_t i)
{
	const struct ir_flow *f = flow_at(c, i);

	if (takes(c, f, PROTO_UDP))
		say(c,
		    "warning: %s takes in UDP, which nginx does not carry here (E0803); SOCKS "
		    "does.",
		    flow_name(c, f));
	if (c->target->http && n_links(c, i))
		say(c,
		    "warning: mode http cannot lead %s to its functions (E0802); mode stream can.",
		    flow_name(c, f));
}

static void warn_flow(const struct costing *c, size_t i)
{
	const struct ir_flow *f = flow_at(c, i);
	const struct ir_attr *label = f->carries == ID_NONE ? NULL : &c->p->ir->attrs[f->carries];

	if (!is_socks(c))
		warn_nginx(c, i);
	else if (c->target->version == 5 && bridge_of(c, i)->n_hops > 1)
		say(c,
		    "warning: SOCKS5 has no room for the position in a chain, and %s passes %zu "
		    "functions (E0805); SOCKS6 has.",
		    flow_name(c, f), bridge_of(c, i)->n_hops);
	if (label && label->requires.n && is_bare_between_proxies(c, i))
		say(c,
		    "warning: %s carries %s, and nothing but the application itself hides it "
		    "between the proxies. A function like seal does%s.",
		    flow_name(c, f), name_tail(label->name),
		    is_socks(c) ? ", or a certificate of the SOCKS target at the next proxy" : "");
}

static bool any_replay_safe(const struct costing *c)
{
	for (size_t i = 0; i < c->flows.n; i++)
		if (application_of(c, flow_at(c, i))->replay_safe)
			return true;
	return false;
}

static void warn_target(const struct costing *c)
{
	if (!is_socks(c))
		return;
	if (!strcmp(c->target->auth, "password") && !c->target->certificate)
		say(c, "warning: without a certificate, passwords pass in clear.");
	if ((c->target->fast_open || c->target->warm) && !any_replay_safe(c))
		say(c,
		    "warning: %s changes nothing, for no application of these flows says 'replay "
		    "safe'.",
		    c->target->fast_open ? "fast-open" : "warm");
}

static void tell_warnings(const struct costing *c)
{
	size_t before;

	sink_putc(c->s, '\n');
	before = c->s->size;
	for (size_t i = 0; i < c->flows.n; i++)
		warn_flow(c, i);
	warn_target(c);
	if (c->s->size == before)
		say(c, "Nothing that the flows need contradicts this choice.");
}

/* ---- proxies ---- */

static void collect_flows(struct costing *c)
{
	VEC(uint32_t) found = { 0 };

	for (uint32_t i = 0; i < c->p->ir->n_flows; i++)
		if (route_passes(&c->making, i))
			vec_push(ARENA(c), &found, i);
	c->flows = (struct ids){ found.at, found.n };
}

static const char *ports_text(const struct costing *c)
{
	const struct ir_target *t = c->target;

	if (t->listen_lo == t->listen_hi)
		return arena_printf(ARENA(c), "port %" PRIu64, t->listen_lo);
	return arena_printf(ARENA(c), "ports %" PRIu64 " to %" PRIu64, t->listen_lo, t->listen_hi);
}

static void tell_proxy(struct costing *c)
{
	const char *kind = is_socks(c) ? arena_printf(ARENA(c), "SOCKS%" PRIu64, c->target->version)
				       : arena_printf(ARENA(c), "nginx, mode %s",
						      c->target->http ? "http" : "stream");

	collect_flows(c);
	sink_printf(c->s, "target %s: %s on %s, %s\n", name_tail(c->target->name), kind, at_name(c),
		    ports_text(c));
	if (!c->flows.n) {
		say(c,
		    "It carries nothing: no flow that may move starts in the domain of %s or has "
		    "a function on it.",
		    at_name(c));
		return;
	}
	tell_flows(c);
	tell_ways(c);
	tell_words(c);
	tell_warnings(c);
}

/* ---- pipelines and drawings ---- */

static void tell_schedule(const struct costing *c)
{
	const struct ir_target *t = c->target;
	const struct schedule *s = c->p->schedules[t - c->p->ir->targets];
	const char *slo;

	if (t->enforce == ID_NONE) {
		say(c, "It enforces no slo: each source is a task, and they take turns.");
		return;
	}
	slo = name_tail(c->p->ir->slos[t->enforce].name);
	if (s && s->solved)
		say(c,
		    "It meets slo %s with %zu task%s%s; `epic explain slo %s` says what each "
		    "statement costs.",
		    slo, s->n_tasks, s->n_tasks == 1 ? "" : "s",
		    s->parted ? " behind a classifier" : "", slo);
	else
		say(c, "It does not meet slo %s.", slo);
}

static void tell_packets(struct costing *c)
{
	const struct ir_target *t = c->target;
	char queue[DEC_TEXT_SIZE], classify[DEC_TEXT_SIZE];

	sink_printf(c->s, "target %s: %s on %zu core%s", name_tail(t->name),
		    t->backend == IR_BESS ? "BESS" : "epic-dpdkd", t->n_cores,
		    t->n_cores == 1 ? "" : "s");
	if (t->replicas > 1)
		sink_printf(c->s, " for each of %" PRIu64 " copies", t->replicas);
	for (size_t i = 0; i < t->pipelines.n; i++)
		sink_printf(c->s, "%s %s", i ? "," : ", runs",
			    c->p->ir->pipelines[t->pipelines.at[i]].name);
	sink_puts(c->s, "\n\n");
	tell_schedule(c);
	say(c, "A queue that the compiler puts in costs %s cycles per packet, a classifier %s.",
	    rat_text(t->queue_cost, queue), rat_text(t->classify_cost, classify));
	say(c, "It moves packets of any protocol and ends no connection: it adds no round trips, "
	       "takes no ports, and asks nobody who he is.");
	if (t->backend == IR_BESS)
		say(c,
		    "A new plan is a new script: bessd stops its workers and builds the pipeline "
		    "anew.");
	else
		say(c, "A new plan is taken over while packets flow, without loss.");
}

static void tell_drawing(struct costing *c)
{
	sink_printf(c->s,
		    "target %s: a drawing (%s, %s)\n\nIt carries no traffic and costs nothing "
		    "while the network runs.\n",
		    name_tail(c->target->name), c->target->view, c->target->format);
}

static void tell_target(struct costing *c)
{
	switch (c->target->backend) {
	case IR_NGINX:
	case IR_SOCKS:
		return tell_proxy(c);
	case IR_BESS:
	case IR_DPDK:
		return tell_packets(c);
	case IR_DOT:
		return tell_drawing(c);
	}
}

/* ---- finding it ---- */

static void refuse_name(struct run *r, const struct policy *p, const char *name)
{
	struct nearest near = nearest_to(name);

	for (size_t i = 0; i < p->ir->n_targets; i++)
		nearest_try(&near, name_tail(p->ir->targets[i].name));
	if (near.name)
		run_error(r, "there is no target '%s' in %s; did you mean '%s'?", name, p->path,
			  near.name);
	else
		run_error(r, "there is no target '%s' in %s", name, p->path);
}

bool explain_target(struct run *r, struct policy *p, const char *name, struct sink *s)
{
	for (size_t i = 0; i < p->ir->n_targets; i++) {
		const struct ir_target *t = &p->ir->targets[i];
		struct costing c = { .run = r, .p = p, .s = s, .target = t };

		if (strcmp(t->name, name) && strcmp(name_tail(t->name), name))
			continue;
		c.making = (struct making){ p->ctx, p->ir, p->solution, t, .quiet = true };
		tell_target(&c);
		return true;
	}
	refuse_name(r, p, name);
	return false;
}
