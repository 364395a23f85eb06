#include <config.h>

#include "runtime/socks/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "runtime/core/table.h"
#include "runtime/socks/session.h"

/* ---- what it is made of ---- */

struct open_bytes {
	uint64_t bytes[N_WAYS];
};

static void bytes_run(struct worker *w, void *arg)
{
	sessions_bytes(w, ((struct open_bytes *)arg)->bytes);
}

/* Bytes of connections that ended and of those that have not. */
static uint64_t count_of(struct server *s, enum counter which, const struct open_bytes *open)
{
	uint64_t n = counters_get(&s->counters, which);

	if (which == COUNT_bytes_forward)
		n += open->bytes[WAY_FORWARD];
	if (which == COUNT_bytes_back)
		n += open->bytes[WAY_BACK];
	return n;
}

static struct open_bytes open_bytes(struct server *s)
{
	struct open_bytes b = { 0 };

	for (size_t i = 0; i < s->n_workers; i++)
		worker_call(&s->workers[i], bytes_run, &b);
	return b;
}

struct flow_row {
	const struct policy_chain *chain;
	uint64_t opened, ended, bytes[N_WAYS];
};

static struct flow_row flow_at(struct server *s, size_t i)
{
	size_t n;
	struct flow_counts *f = &s->setup->flows[i];
	struct flow_row row = { .chain = &policy_chains(s->setup->policy, &n)[i],
				.ended = atomic_load(&f->ended),
				.opened = atomic_load(&f->opened) };

	for (int way = 0; way < N_WAYS; way++)
		row.bytes[way] = atomic_load(&f->bytes[way]);
	return row;
}

static const char *const roles[] = {
	[ROLE_PROXY] = "proxy",
	[ROLE_OPEN] = "open",
	[ROLE_FUNCTION] = "function",
	[ROLE_REDIRECT] = "redirect",
};

/* ---- JSON ---- */

static void json_key(struct text *t, const char *key)
{
	if (t->n && t->at[t->n - 1] != '{')
		text_puts(t, ", ");
	text_json(t, key);
	text_puts(t, ": ");
}

static void json_count(struct text *t, const char *key, uint64_t n)
{
	json_key(t, key);
	text_printf(t, "%" PRIu64, n);
}

static void json_text(struct text *t, const char *key, const char *value)
{
	json_key(t, key);
	if (value)
		text_json(t, value);
	else
		text_puts(t, "null");
}

static void json_counters(struct server *s, struct text *t)
{
	struct open_bytes open = open_bytes(s);
	const char *last = "";

	/* In the order of their names, as all keys. */
	for (int k = 0; k < N_COUNTERS; k++) {
		int next = -1;

		for (int i = 0; i < N_COUNTERS; i++)
			if (strcmp(counter_names[i], last) > 0 &&
			    (next < 0 || strcmp(counter_names[i], counter_names[next]) < 0))
				next = i;
		last = counter_names[next];
		json_count(t, last, count_of(s, (enum counter)next, &open));
	}
}

static void json_flows(struct server *s, struct text *t)
{
	for (size_t i = 0; i < s->setup->n_flows; i++) {
		struct flow_row f = flow_at(s, i);

		text_puts(t, i ? ", {" : "{");
		json_text(t, "application", f.chain->application);
		json_count(t, "bytes_back", f.bytes[WAY_BACK]);
		json_count(t, "bytes_forward", f.bytes[WAY_FORWARD]);
		json_count(t, "ended", f.ended);
		json_text(t, "file", f.chain->file);
		json_text(t, "from", f.chain->from);
		json_count(t, "line", (uint64_t)f.chain->line);
		json_count(t, "opened", f.opened);
		json_text(t, "to", f.chain->to);
		text_puts(t, "}");
	}
}

static void json_functions(struct server *s, struct text *t)
{
	for (size_t i = 0; i < s->setup->n_instances; i++) {
		struct instance *f = &s->setup->instances[i];

		text_puts(t, i ? ", {" : "{");
		json_text(t, "class", f->class ? f->class->name : NULL);
		json_text(t, "name", f->name);
		json_key(t, "status");
		text_puts(t, "{");
		if (f->function && f->class->status)
			f->class->status(f->function, t);
		text_puts(t, "}}");
	}
}

static void json_listeners(struct server *s, struct text *t)
{
	for (size_t i = 0; i < s->setup->n_fronts; i++) {
		char at[WIRE_TEXT_ROOM] = "";

		wire_address_text(&s->setup->fronts[i].at, at, sizeof(at));
		text_puts(t, i ? ", " : "");
		text_json(t, at);
	}
}

void status_json(struct server *s, struct text *t)
{
	text_puts(t, "{");
	json_key(t, "counters");
	text_puts(t, "{");
	json_counters(s, t);
	text_puts(t, "}");
	json_key(t, "flows");
	text_puts(t, "[");
	json_flows(s, t);
	text_puts(t, "]");
	json_key(t, "functions");
	text_puts(t, "[");
	json_functions(s, t);
	text_puts(t, "]");
	json_key(t, "listeners");
	text_puts(t, "[");
	json_listeners(s, t);
	text_puts(t, "]");
	json_count(t, "open", server_count(s));
	json_text(t, "plan", s->options->plan);
	json_text(t, "proxy", s->setup->policy ? policy_proxy(s->setup->policy) : NULL);
	json_count(t, "reloads", s->reloads);
	json_text(t, "role", roles[s->options->role]);
	json_text(t, "schema", "epic.socksd/1");
	json_count(t, "workers", s->n_workers);
	text_puts(t, "}\n");
}

/* ---- Prometheus ---- */

static void prometheus_counters(struct server *s, struct text *t)
{
	struct open_bytes open = open_bytes(s);
	static const char *const none[] = { NULL };

	for (int i = 0; i < N_COUNTERS; i++) {
		char name[80];

		snprintf(name, sizeof(name), "epic_socksd_%s_total", counter_names[i]);
		prometheus_family(t, name, PROMETHEUS_COUNTER, counter_helps[i]);
		prometheus_sample(t, name, (double)count_of(s, (enum counter)i, &open), none);
	}
	prometheus_family(t, "epic_socksd_open_connections", PROMETHEUS_GAUGE,
			  "connections that are open");
	prometheus_sample(t, "epic_socksd_open_connections", (double)server_count(s), none);
	prometheus_family(t, "epic_socksd_reloads_total", PROMETHEUS_COUNTER,
			  "policies put in force");
	prometheus_sample(t, "epic_socksd_reloads_total", (double)s->reloads, none);
}

static void prometheus_flows(struct server *s, struct text *t, const char *name, const char *help,
			     uint64_t (*value)(const struct flow_row *))
{
	prometheus_family(t, name, PROMETHEUS_COUNTER, help);
	for (size_t i = 0; i < s->setup->n_flows; i++) {
		struct flow_row f = flow_at(s, i);
		const char *const labels[] = { "application", f.chain->application,
					       "from",        f.chain->from,
					       "to",          f.chain->to,
					       NULL };

		prometheus_sample(t, name, (double)value(&f), labels);
	}
}

static uint64_t opened_of(const struct flow_row *f)
{
	return f->opened;
}

static uint64_t ended_of(const struct flow_row *f)
{
	return f->ended;
}

static uint64_t forward_of(const struct flow_row *f)
{
	return f->bytes[WAY_FORWARD];
}

static uint64_t back_of(const struct flow_row *f)
{
	return f->bytes[WAY_BACK];
}

void status_prometheus(struct server *s, struct text *t)
{
	prometheus_counters(s, t);
	if (!s->setup->n_flows)
		return;
	prometheus_flows(s, t, "epic_socksd_flow_opened_total", "connections of a flow", opened_of);
	prometheus_flows(s, t, "epic_socksd_flow_ended_total", "connections of a flow that ended",
			 ended_of);
	prometheus_flows(s, t, "epic_socksd_flow_bytes_forward_total",
			 "bytes to the flow's receiver, of connections that ended", forward_of);
	prometheus_flows(s, t, "epic_socksd_flow_bytes_back_total",
			 "bytes to the flow's sender, of connections that ended", back_of);
}

/* ---- for people ---- */

static void human_flows(struct server *s, struct text *t)
{
	struct table *table = table_new("flow");

	table_column(table, "application", "application", TABLE_LEFT);
	table_column(table, "from", "from", TABLE_LEFT);
	table_column(table, "to", "to", TABLE_LEFT);
	table_column(table, "opened", "opened", TABLE_RIGHT);
	table_column(table, "open", "open", TABLE_RIGHT);
	table_column(table, "forward", "bytes forward", TABLE_RIGHT);
	table_column(table, "back", "bytes back", TABLE_RIGHT);
	for (size_t i = 0; i < s->setup->n_flows; i++) {
		struct flow_row f = flow_at(s, i);

		table_text(table, f.chain->application);
		table_text(table, f.chain->from);
		table_text(table, f.chain->to);
		table_number(table, (double)f.opened);
		table_number(table, (double)(f.opened - f.ended));
		table_number(table, (double)f.bytes[WAY_FORWARD]);
		table_number(table, (double)f.bytes[WAY_BACK]);
	}
	table_draw(table, 0, t);
	table_free(table);
}

static void human_counters(struct server *s, struct text *t)
{
	struct open_bytes open = open_bytes(s);

	for (int i = 0; i < N_COUNTERS; i++) {
		uint64_t n = count_of(s, (enum counter)i, &open);

		if (n)
			text_printf(t, "%12" PRIu64 "  %s\n", n, counter_helps[i]);
	}
}

void status_human(struct server *s, struct text *t)
{
	text_printf(t, "%s %s, %zu connections open, %" PRIu64 " reloads\n\n",
		    roles[s->options->role],
		    s->setup->policy ? policy_proxy(s->setup->policy) : "without a policy",
		    server_count(s), s->reloads);
	human_flows(s, t);
	if (s->setup->n_flows)
		text_puts(t, "\n");
	human_counters(s, t);
}

/* ---- connections ---- */

struct listing {
	struct text *text;
	size_t most;
};

static void list_run(struct worker *w, void *arg)
{
	struct listing *l = arg;

	sessions_list(w, l->text, l->most);
}

void status_connections(struct server *s, struct text *t, size_t most)
{
	struct listing l = { t, most };

	for (size_t i = 0; i < s->n_workers; i++)
		worker_call(&s->workers[i], list_run, &l);
}
