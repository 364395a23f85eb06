/* Which packets may move between which nodes, and what became of each flow. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "compiler/tools/diff.h"
#include "compiler/tools/plan_facts.h"

struct flows {
	const struct rplan_flow **at;
	size_t n;
};

static int by_pair(const void *x, const void *y)
{
	const struct rplan_flow *a = *(const struct rplan_flow *const *)x;
	const struct rplan_flow *b = *(const struct rplan_flow *const *)y;
	int c = strcmp(a->from, b->from);

	return c ? c : strcmp(a->to, b->to);
}

static int by_flow(const void *x, const void *y)
{
	const struct rplan_flow *a = *(const struct rplan_flow *const *)x;
	const struct rplan_flow *b = *(const struct rplan_flow *const *)y;
	int c = by_pair(x, y);

	c = c ? c : strcmp(a->application, b->application);
	return c ? c : strcmp(a->when, b->when);
}

static struct flows sorted(struct diffing *d, const struct rplan_plan *plan)
{
	struct flows f = { arena_many(d->arena, const struct rplan_flow *, plan->flows.n),
			   plan->flows.n };

	for (size_t i = 0; i < f.n; i++)
		f.at[i] = &plan->flows.at[i];
	if (f.n)
		qsort(f.at, f.n, sizeof(*f.at), by_flow);
	return f;
}

static bool may_move(const struct rplan_flow *f)
{
	return !strcmp(f->status, "direct") || !strcmp(f->status, "bridged");
}

/* ---- packets ---- */

static const struct cubes *moving(struct diffing *d, const struct flows *f)
{
	const struct cubes *all = cubes_none(d->fields);

	for (size_t i = 0; all && i < f->n; i++) {
		const struct cubes *set;

		if (!may_move(f->at[i]))
			continue;
		set = diff_set(d, f->at[i]->when);
		all = set ? cubes_or(d->fields, all, set) : NULL;
	}
	return all;
}

static void compare_packets(struct diffing *d, const struct flows *old, const struct flows *new)
{
	const struct rplan_flow *any = old->n ? old->at[0] : new->at[0];
	const char *pair = plan_flow_name(d->arena, any);
	const struct cubes *was = moving(d, old), *is = moving(d, new);
	struct diff_packets p = { 0 };

	if (!was || !is) {
		diff_add(d, DIFF_FLOWS, DIFF_CHANGED, pair, "has a filter that cannot be read");
		return;
	}
	if (diff_packets(d, was, is, &p))
		diff_add(d, DIFF_FLOWS, DIFF_GAINED, pair, "may move now")->packets = p;
	if (diff_packets(d, is, was, &p))
		diff_add(d, DIFF_FLOWS, DIFF_LOST, pair, "may move no more")->packets = p;
}

/* ---- flow by flow ---- */

static bool same_bridge(const struct rplan_flow *a, const struct rplan_flow *b)
{
	if (a->bridge.n != b->bridge.n)
		return false;
	for (size_t i = 0; i < a->bridge.n; i++)
		if (strcmp(a->bridge.at[i].function, b->bridge.at[i].function) ||
		    strcmp(a->bridge.at[i].proxy, b->bridge.at[i].proxy))
			return false;
	return true;
}

static const char *bridge_text(struct diffing *d, const struct rplan_flow *f)
{
	struct sink s = { 0 };
	const char *text;

	for (size_t i = 0; i < f->bridge.n; i++)
		sink_printf(&s, "%s%s on %s", i ? ", then " : "", f->bridge.at[i].function,
			    f->bridge.at[i].proxy);
	text = s.size ? arena_strndup(d->arena, s.data, s.size) : "none";
	sink_free(&s);
	return text;
}

static const struct fact *fact_named(const struct facts *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (!strcmp(f->at[i].name, name))
			return &f->at[i];
	return NULL;
}

/* Bridges are compared whole. */
static bool is_of(const struct fact *f, enum diff_kind kind)
{
	if (!strncmp(f->name, "bridge", strlen("bridge")))
		return false;
	return (kind == DIFF_BRIDGES) == !strncmp(f->name, "cost.", strlen("cost."));
}

static void put_fact(struct diffing *d, struct diff_change *c, const struct fact *old,
		     const struct fact *new)
{
	struct diff_fact *f;

	if (old && new && !strcmp(old->text, new->text))
		return;
	diff_fact(d, c, old ? old->name : new->name, old ? old->text : NULL,
		  new ? new->text : NULL);
	f = &c->facts.at[c->facts.n - 1];
	if (old && new && old->is_number &&new->is_number)
		*f = (struct diff_fact){ f->name, f->old, f->new, true, old->number, new->number };
}

static void put_facts(struct diffing *d, struct diff_change *c, const struct rplan_flow *old,
		      const struct rplan_flow *new)
{
	struct facts was = plan_flow_facts(d->arena, old), is = plan_flow_facts(d->arena, new);

	for (size_t i = 0; i < is.n; i++)
		if (is_of(&is.at[i], c->kind))
			put_fact(d, c, fact_named(&was, is.at[i].name), &is.at[i]);
	for (size_t i = 0; i < was.n; i++)
		if (is_of(&was.at[i], c->kind) && !fact_named(&is, was.at[i].name))
			put_fact(d, c, &was.at[i], NULL);
}

static const char *flow_subject(struct diffing *d, const struct rplan_flow *f)
{
	return arena_printf(d->arena, "%s (%s)", plan_flow_name(d->arena, f), f->application);
}

static void compare_flow(struct diffing *d, const struct rplan_flow *old,
			 const struct rplan_flow *new)
{
	static const enum diff_kind kinds[] = { DIFF_FLOWS, DIFF_BRIDGES };

	for (size_t i = 0; i < 2; i++) {
		struct diff_change *c = diff_add(d, kinds[i], DIFF_CHANGED, flow_subject(d, new),
						 i ? "takes another bridge" : "changes");

		if (i && !same_bridge(old, new))
			diff_fact(d, c, "bridge", bridge_text(d, old), bridge_text(d, new));
		else if (i)
			c->what = "costs another amount";
		put_facts(d, c, old, new);
		if (!c->facts.n)
			d->changes.n--;
	}
}

static void put_new_facts(struct diffing *d, struct diff_change *c, const struct rplan_flow *f)
{
	bool gained = c->way == DIFF_GAINED;
	const struct {
		const char *name, *text;
	} facts[] = { { "status", f->status }, { "when", f->when }, { "carries", f->carries } };

	for (size_t i = 0; i < 3; i++)
		if (facts[i].text)
			diff_fact(d, c, facts[i].name, gained ? NULL : facts[i].text,
				  gained ? facts[i].text : NULL);
	if (f->bridge.n)
		diff_fact(d, c, "bridge", gained ? NULL : bridge_text(d, f),
			  gained ? bridge_text(d, f) : NULL);
}

static void put_alone(struct diffing *d, enum diff_way way, const struct rplan_flow *f)
{
	put_new_facts(d,
		      diff_add(d, DIFF_FLOWS, way, flow_subject(d, f),
			       way == DIFF_GAINED ? "is stated now" : "is stated no more"),
		      f);
}

static bool same_application(const struct rplan_flow *a, const struct rplan_flow *b)
{
	return !strcmp(a->application, b->application);
}

/* Of the same application, and first with the same filter; *TAKEN tells which were found. */
static const struct rplan_flow *partner(const struct flows *in, bool *taken,
					const struct rplan_flow *f, bool same_filter)
{
	for (size_t i = 0; i < in->n; i++)
		if (!taken[i] && same_application(in->at[i], f) &&
		    (!same_filter || !strcmp(in->at[i]->when, f->when))) {
			taken[i] = true;
			return in->at[i];
		}
	return NULL;
}

static void compare_pair(struct diffing *d, const struct flows *old, const struct flows *new)
{
	bool *taken = arena_many(d->arena, bool, old->n);
	const struct rplan_flow **found = arena_many(d->arena, const struct rplan_flow *, new->n);

	compare_packets(d, old, new);
	for (int same_filter = 1; same_filter >= 0; same_filter--)
		for (size_t i = 0; i < new->n; i++)
			if (!found[i])
				found[i] = partner(old, taken, new->at[i], same_filter);
	for (size_t i = 0; i < new->n; i++)
		if (found[i])
			compare_flow(d, found[i], new->at[i]);
		else
			put_alone(d, DIFF_GAINED, new->at[i]);
	for (size_t i = 0; i < old->n; i++)
		if (!taken[i])
			put_alone(d, DIFF_LOST, old->at[i]);
}

/* Those at the head of F that go between the nodes of FIRST. */
static struct flows take_pair(struct flows *f, const struct rplan_flow *first)
{
	struct flows pair = { f->at, 0 };

	while (pair.n < f->n && !by_pair(&f->at[pair.n], &first))
		pair.n++;
	f->at += pair.n;
	f->n -= pair.n;
	return pair;
}

void diff_flows(struct diffing *d)
{
	struct flows old = sorted(d, d->old->plan), new = sorted(d, d->new->plan);

	while (old.n || new.n) {
		const struct rplan_flow *first =
		    !new.n || (old.n && by_pair(&old.at[0], &new.at[0]) < 0) ? old.at[0]
									     : new.at[0];
		struct flows was = take_pair(&old, first), is = take_pair(&new, first);

		compare_pair(d, &was, &is);
	}
}
