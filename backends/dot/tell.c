/* What items of a plan tell to those who read pictures by machine, or point at them. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "backends/dot/draw.h"

/* ---- pipelines ---- */

static bool takes_edge(const struct rplan_class *c, const struct rplan_edge *e)
{
	for (size_t i = 0; i < c->paths.n; i++)
		for (size_t k = 1; k < c->paths.at[i].n; k++)
			if (!strcmp(c->paths.at[i].at[k - 1], e->from) &&
			    !strcmp(c->paths.at[i].at[k], e->to))
				return true;
	return false;
}

static bool passes_module(const struct rplan_class *c, const char *id)
{
	for (size_t i = 0; i < c->paths.n; i++)
		for (size_t k = 0; k < c->paths.at[i].n; k++)
			if (!strcmp(c->paths.at[i].at[k], id))
				return true;
	return false;
}

void tell_edge(struct picture *p, struct pic_item *item, const struct rplan_edge *e)
{
	struct pic_row *row =
	    pic_row(item, pic_text(p, "%s %s %s", e->from, e->copy ? "->>" : "->", e->to));
	FILE *to;

	pic_fact(row, "when", e->when);
	if (e->copy)
		pic_fact(row, "copy", "a copy of each such packet");
	if (e->rate_pps.present)
		pic_number(p, row, "rate_pps", e->rate_pps.value);
	for (size_t i = 0; i < p->plan->classes.n; i++)
		if (takes_edge(&p->plan->classes.at[i], e))
			pic_tag(item, TAG_CLASS, p->plan->classes.at[i].name);
	to = pic_write(p);
	if (e->copy)
		fputs("copy ", to);
	if (e->rate_pps.present)
		put_rate(to, e->rate_pps.value, "pps ");
	if (strcmp(e->when, "true"))
		fputs(e->when, to);
	item->label = pic_take(p);
}

/* Packet targets alone know where a module stands in the policy. */
static const struct rplan_place *place_of_module(const struct rplan_plan *plan, const char *id)
{
	for (size_t i = 0; i < plan->targets.n; i++) {
		const struct rplan_target *t = &plan->targets.at[i];
		const struct rplan_packet_config *c =
		    rplan_target_bess(t) ? rplan_target_bess(t) : rplan_target_dpdk(t);

		for (size_t k = 0; c && k < c->modules.n; k++)
			if (!strcmp(c->modules.at[k].id, id))
				return c->modules.at[k].source;
	}
	return NULL;
}

static void put_value(FILE *to, const struct rplan_value *v)
{
	switch (v->kind) {
	case RPLAN_NULL:
		fputs("none", to);
		break;
	case RPLAN_BOOL:
		fputs(v->truth ? "true" : "false", to);
		break;
	case RPLAN_NUMBER:
		put_number(to, v->number);
		break;
	case RPLAN_TEXT:
		fputs(v->text, to);
		break;
	case RPLAN_LIST:
		for (size_t i = 0; i < v->n_items; i++) {
			fputs(i ? ", " : "", to);
			put_value(to, &v->items[i]);
		}
		break;
	case RPLAN_OBJECT:
		for (size_t i = 0; i < v->members.n; i++) {
			fprintf(to, "%s%s: ", i ? ", " : "", v->members.at[i].key);
			put_value(to, &v->members.at[i].value);
		}
		break;
	}
}

static void tell_config(struct picture *p, struct pic_row *row, struct rplan_values config)
{
	for (size_t i = 0; i < config.n; i++) {
		const char *key = pic_text(p, "config.%s", config.at[i].key);
		FILE *to = pic_write(p);

		put_value(to, &config.at[i].value);
		pic_fact(row, key, pic_take(p));
	}
}

void tell_module(struct picture *p, struct pic_item *item, const struct rplan_module *m,
		 const char *class)
{
	struct pic_row *row = pic_row(item, m->id);

	row->place = place_of_module(p->plan, m->id);
	pic_fact(row, "function", m->function);
	pic_number(p, row, "cost_cycles", m->cost_cycles);
	if (m->cost_cycles_per_byte > 0)
		pic_number(p, row, "cost_cycles_per_byte", m->cost_cycles_per_byte);
	pic_fact(row, "schedulable", m->schedulable ? "yes" : "no");
	tell_config(p, row, m->config);
	for (size_t i = 0; i < p->plan->classes.n; i++)
		if (class ? !strcmp(class, p->plan->classes.at[i].name)
			  : passes_module(&p->plan->classes.at[i], m->id))
			pic_tag(item, TAG_CLASS, p->plan->classes.at[i].name);
}

/* ---- flows ---- */

static void tell_bridge(struct picture *p, struct pic_row *row, const struct rplan_flow *f)
{
	FILE *to;

	if (!f->bridge.n)
		return;
	to = pic_write(p);
	for (size_t i = 0; i < f->bridge.n; i++)
		fprintf(to, "%s%s on %s", i ? ", then " : "", f->bridge.at[i].function,
			f->bridge.at[i].proxy);
	pic_fact(row, "bridge", pic_take(p));
	pic_number(p, row, "setup_us", f->cost->setup_us);
	pic_number(p, row, "cost_cycles_per_packet", f->cost->cycles_per_packet);
}

static void tag_domain(struct picture *p, struct pic_item *item, const char *name)
{
	pic_tag(item, TAG_DOMAIN, pic_text(p, "%.*s", (int)name_domain(name), name));
}

void tell_flow(struct picture *p, struct pic_item *item, const struct rplan_flow *f)
{
	struct pic_row *row =
	    pic_row(item, pic_text(p, "%s: %s => %s", f->application, f->from, f->to));

	row->reason = f->reason;
	row->place = f->source;
	pic_fact(row, "status", f->status);
	if (f->code)
		pic_fact(row, "code", f->code);
	pic_fact(row, "when", f->when);
	if (f->rate_bps.present)
		pic_number(p, row, "rate_bps", f->rate_bps.value);
	if (f->carries)
		pic_fact(row, "carries", f->carries);
	pic_names(p, row, "missing", f->missing);
	tell_bridge(p, row, f);
	pic_tag(item, TAG_APPLICATION, f->application);
	pic_tag(item, TAG_STATUS, f->status);
	tag_domain(p, item, f->from);
	tag_domain(p, item, f->to);
}

/* ---- nodes ---- */

static const struct rplan_node *find_node(const struct rplan_plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->nodes.n; i++)
		if (!strcmp(plan->nodes.at[i].name, name))
			return &plan->nodes.at[i];
	return NULL;
}

static void tell_hosts(struct picture *p, struct pic_row *row, const struct rplan_node *n)
{
	for (size_t i = 0; i < n->hosts.n; i++)
		pic_fact(row, "hosts",
			 pic_text(p, "%s at port %ld", n->hosts.at[i].function,
				  (long)n->hosts.at[i].port));
}

void tell_node(struct picture *p, struct pic_item *item, const char *name)
{
	const struct rplan_node *n = find_node(p->plan, name);
	struct pic_row *row = pic_row(item, name);

	tag_domain(p, item, name);
	if (!n)
		return;
	pic_fact(row, "kind", n->kind);
	pic_names(p, row, "addresses", n->addresses);
	pic_names(p, row, "attributes", n->attributes);
	tell_hosts(p, row, n);
}
