/* `stateful-firewall`: follows the connections of a flow and bounds them.
 *
 *	"allow"           [{"source": prefix, "destination": prefix, "protocol": "tcp" or "udp",
 *			    "ports": "443,8000-8999"}]: one of these must hold, a member that is
 *			  missing holds always; missing: all that the flow allows
 *	"most"            connections of one source at once; missing: no limit
 *	"new_per_second"  new ones of one source, with a burst of as many; missing: no limit
 *	"udp_seconds"     how long after a datagram of the client its server may answer (120)
 *	"log"             whether each connection is logged (false) */
#include <config.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/socks/functions/rows.h"
#include "runtime/socks/functions/function_settings.h"
#include "runtime/socks/functions/sources.h"

struct rule {
	bool has_source, has_destination;
	struct prefix source, destination;
	int protocol;       /* 0: both */
	struct ports ports; /* none: all */
};

/* What outlasts a reload. */
struct ledger {
	_Atomic unsigned holders;
	struct sources *sources;
	_Atomic uint64_t opened, refused, dropped;
};

struct function {
	struct function_site site;
	char *name;
	struct rule *rules;
	size_t n_rules;
	bool has_rules, log;
	struct pace_rate fresh;
	struct source_limits limits;
	uint64_t udp_ns;
	struct ledger *ledger;
};

struct visit {
	struct source *source;
	struct wire_address from, to;
	bool asked;     /* a datagram of the client passed */
	uint64_t since; /* ns: when it did last */
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

static bool read_rule(const struct tree_node *node, struct rule *r, struct tree_error *error)
{
	static const char *const keys[] = { "source", "destination", "protocol", "ports", NULL };
	static const char *const protocols[] = { "tcp", "udp", NULL };
	size_t protocol = 2;

	if (!settings_only(node, keys, error) ||
	    !settings_prefix(node, "source", &r->source, error) ||
	    !settings_prefix(node, "destination", &r->destination, error) ||
	    !settings_choice(node, "protocol", protocols, &protocol, error) ||
	    !settings_ports(node, "ports", &r->ports, error))
		return false;
	r->has_source = r->source.kind;
	r->has_destination = r->destination.kind;
	r->protocol = protocol == 0 ? IPPROTO_TCP : protocol == 1 ? IPPROTO_UDP : 0;
	return true;
}

static bool read_rules(struct function *f, const struct tree_node *settings,
		       struct tree_error *error)
{
	const struct tree_node *list;

	if (!settings || !tree_member(settings, "allow"))
		return true;
	if (!tree_list(settings, "allow", &list, error))
		return false;
	f->has_rules = true;
	f->rules = calloc(list->n_items + 1, sizeof(*f->rules));
	if (!f->rules)
		return tree_fail(list, NULL, "does not fit into memory", error);
	for (; f->n_rules < list->n_items; f->n_rules++)
		if (!read_rule(&list->items[f->n_rules], &f->rules[f->n_rules], error))
			return false;
	return true;
}

static bool read_settings(struct function *f, const struct tree_node *settings,
			  struct tree_error *error)
{
	static const char *const keys[] = { "allow",       "most", "new_per_second",
					    "udp_seconds", "log",  NULL };
	int64_t most = 0, fresh = 0, seconds = 120;

	if (!settings_only(settings, keys, error) || !read_rules(f, settings, error) ||
	    !settings_integer(settings, "most", 1, 1000000, &most, error) ||
	    !settings_integer(settings, "new_per_second", 1, 1000000, &fresh, error) ||
	    !settings_integer(settings, "udp_seconds", 1, 86400, &seconds, error) ||
	    !settings_truth(settings, "log", &f->log, error))
		return false;
	f->fresh = (struct pace_rate){ (uint64_t)fresh, (uint64_t)fresh };
	f->limits = (struct source_limits){ (uint64_t)most, fresh ? &f->fresh : NULL };
	f->udp_ns = (uint64_t)seconds * 1000000000;
	return true;
}

static void firewall_release(struct function *f)
{
	if (!f)
		return;
	ledger_drop(f->ledger);
	free(f->rules);
	free(f->name);
	free(f);
}

static struct function *firewall_make(const struct function_site *site, const char *name,
				      const struct tree_node *settings, struct function *was,
				      struct function_error *error)
{
	struct function *f = calloc(1, sizeof(*f));
	struct tree_error problem = { "memory is exhausted" };
	bool ok = f && (f->name = strdup(name)) && read_settings(f, settings, &problem);

	if (ok && was) {
		f->ledger = was->ledger;
		f->ledger->holders++;
	} else if (ok) {
		f->ledger = ledger_new();
	}
	if (!ok || !f->ledger) {
		firewall_release(f);
		return settings_refuse(problem.text, error);
	}
	f->site = *site;
	return f;
}

/* ---- connections ---- */

static bool rule_holds(const struct rule *r, const struct function_facts *facts)
{
	return (!r->has_source || prefix_holds(&r->source, &facts->source)) &&
	       (!r->has_destination || prefix_holds(&r->destination, &facts->destination)) &&
	       (!r->protocol || r->protocol == facts->protocol) &&
	       (!r->ports.n || ports_hold(&r->ports, facts->destination.port));
}

static bool is_allowed(const struct function *f, const struct function_facts *facts)
{
	for (size_t i = 0; i < f->n_rules; i++)
		if (rule_holds(&f->rules[i], facts))
			return true;
	return !f->has_rules;
}

static const char *text_of(const struct wire_address *a, char out[WIRE_TEXT_ROOM])
{
	out[wire_address_text(a, out, WIRE_TEXT_ROOM)] = '\0';
	return out;
}

/* The last two are a further pair of key and text. */
static void say(const struct function *f, const struct visit *v, const char *what, const char *key,
		const char *value)
{
	char from[WIRE_TEXT_ROOM], to[WIRE_TEXT_ROOM];

	if (f->log)
		log_event(f->site.log, LOG_LEVEL_INFO, "firewall", what, "function", f->name,
			  "source", text_of(&v->from, from), "destination", text_of(&v->to, to),
			  key, value, NULL);
}

static bool enter(struct function *f, const struct function_facts *facts, struct visit *v,
		  char *why)
{
	char from[WIRE_TEXT_ROOM], to[WIRE_TEXT_ROOM];
	enum source_answer answer;

	if (!is_allowed(f, facts)) {
		snprintf(why, 256, "no rule of the firewall allows %.100s to %.100s/%s",
			 text_of(&v->from, from), text_of(&v->to, to),
			 facts->protocol == IPPROTO_UDP ? "udp" : "tcp");
		return false;
	}
	answer =
	    sources_enter(f->ledger->sources, &facts->source, &f->limits, pace_now(), &v->source);
	if (answer != SOURCE_IN)
		source_answer_text(answer, &facts->source, &f->limits, why, 256);
	return answer == SOURCE_IN;
}

static bool firewall_open(struct function *f, const struct function_facts *facts,
			  struct function_wake *wake, void **state, char *why)
{
	struct visit *v = calloc(1, sizeof(*v));

	(void)wake;
	if (!v) {
		snprintf(why, 256, "memory is exhausted");
		return false;
	}
	v->from = facts->source;
	v->to = facts->destination;
	if (!enter(f, facts, v, why)) {
		f->ledger->refused++;
		say(f, v, "refused", "why", why);
		free(v);
		return false;
	}
	f->ledger->opened++;
	say(f, v, "open", "application", facts->application);
	*state = v;
	return true;
}

static void firewall_close(struct function *f, void *state, const uint64_t sent[N_WAYS])
{
	struct visit *v = state;
	char bytes[48];

	snprintf(bytes, sizeof(bytes), "%llu/%llu", (unsigned long long)sent[WAY_FORWARD],
		 (unsigned long long)sent[WAY_BACK]);
	say(f, v, "close", "bytes", bytes);
	sources_leave(f->ledger->sources, v->source);
	free(v);
}

/* What a server sends unasked does not pass. */
static bool firewall_datagram(struct function *f, void *state, enum way way, const uint8_t *in,
			      size_t n, struct bytes *out)
{
	struct visit *v = state;
	uint64_t now = pace_now();

	if (way == WAY_BACK && (!v->asked || now - v->since > f->udp_ns)) {
		f->ledger->dropped++;
		return false;
	}
	if (way == WAY_FORWARD) {
		v->asked = true;
		v->since = now;
	}
	bytes_add(out, in, n);
	return !out->failed;
}

static void firewall_status(struct function *f, struct text *t)
{
	uint64_t held;
	size_t sources = sources_count(f->ledger->sources, &held);

	text_printf(t,
		    "\"opened\": %llu, \"refused\": %llu, \"open\": %llu, \"sources\": %zu, "
		    "\"dropped_datagrams\": %llu",
		    (unsigned long long)f->ledger->opened, (unsigned long long)f->ledger->refused,
		    (unsigned long long)held, sources, (unsigned long long)f->ledger->dropped);
}

const struct function_class function_firewall = {
	.name = "stateful-firewall",
	.summary = "follows connections: rules, connections per source, new ones per second",
	.make = firewall_make,
	.release = firewall_release,
	.open = firewall_open,
	.close = firewall_close,
	.datagram = firewall_datagram,
	.status = firewall_status,
};
