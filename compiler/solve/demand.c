#include <config.h>

#include "compiler/solve/demand.h"

#include <stdlib.h>
#include <string.h>

/* A form in the making: factors by column. */
struct sum {
	struct arena *arena;
	struct rat *factor;
	bool *used;
	VEC(size_t) columns;
};

static struct sum sum_new(struct arena *a, size_t n)
{
	return (struct sum){ .arena = a, .factor = arena_many(a, struct rat, n), .used = arena_many(a, bool, n) };
}

static void sum_add(struct sum *s, size_t column, struct rat factor)
{
	if (!s->used[column]) {
		s->used[column] = true;
		s->factor[column] = RAT_ZERO;
		vec_push(s->arena, &s->columns, column);
	}
	s->factor[column] = rat_add(s->factor[column], factor);
}

static void sum_add_form(struct sum *s, struct form f, struct rat times)
{
	for (size_t i = 0; i < f.n; i++)
		sum_add(s, f.columns[i], rat_mul(f.factors[i], times));
}

static int by_number(const void *x, const void *y)
{
	size_t a = *(const size_t *)x, b = *(const size_t *)y;

	return (a > b) - (a < b);
}

/* Empties the sum for the next. */
static struct form sum_form(struct sum *s)
{
	size_t *columns = arena_many(s->arena, size_t, s->columns.n), n = 0;
	struct rat *factors = arena_many(s->arena, struct rat, s->columns.n);

	if (s->columns.n)
		qsort(s->columns.at, s->columns.n, sizeof(*s->columns.at), by_number);
	for (size_t i = 0; i < s->columns.n; i++) {
		size_t column = s->columns.at[i];

		s->used[column] = false;
		if (!rat_sign(s->factor[column]))
			continue;
		columns[n] = column;
		factors[n++] = s->factor[column];
	}
	s->columns.n = 0;
	return (struct form){ columns, factors, n };
}

/* ---- times and rates ---- */

size_t demand_delivered(const struct demand *d, uint32_t path)
{
	const struct net_path *p = &d->net->paths[path];

	return d->entitlement ? d->net->n_ways + path : p->ways[p->n - 1];
}

double demand_unit(struct form f)
{
	double sum = 0;

	for (size_t i = 0; i < f.n; i++)
		sum += rat_double(f.factors[i]);
	return sum > 0 ? sum : 1;
}

static void make_class(struct demand *d, struct sum *s, uint32_t class)
{
	const struct net_class *c = &d->net->classes[class];

	for (size_t i = 0; i < c->n_paths; i++) {
		const struct net_path *p = &d->net->paths[c->first_path + i];

		for (size_t k = p->first; k < p->n; k++)
			sum_add(s, p->ways[k], rat_mul(p->rate, p->cost[k]));
	}
	d->time[class] = sum_form(s);
	for (size_t i = 0; i < c->n_paths; i++)
		if (!d->net->paths[c->first_path + i].copy)
			sum_add(s, demand_delivered(d, (uint32_t)(c->first_path + i)),
				d->net->paths[c->first_path + i].rate);
	d->rate[class] = sum_form(s);
}

static void make_stages(struct demand *d, struct sum *s)
{
	for (size_t stage = 0; stage <= d->net->n_stages; stage++) {
		for (uint32_t c = 0; c < d->net->n_classes; c++) {
			const struct net_class *class = &d->net->classes[c];

			if ((class->named ? class->stage : d->net->n_stages) == stage)
				sum_add_form(s, d->rate[c], RAT_ONE);
		}
		d->stage[stage] = sum_form(s);
	}
}

/* ---- statements ---- */

struct reading {
	struct arena *arena;
	struct demand *demand;
	struct sum sum;
	uint32_t level;
	const struct ir_statement *statement;
	size_t stage;
};

static const struct ir_member *member_at(const struct reading *r, size_t i)
{
	const struct ir_level *level = &r->demand->net->slo->levels[r->level];

	return &level->members[r->statement->members[i]];
}

static void add_member(struct reading *r, const struct ir_member *m, const struct form *of)
{
	for (size_t i = 0; i < m->classes.n; i++) {
		uint32_t class = net_find_class(r->demand->net, m->classes.at[i]);

		if (class != ID_NONE)
			sum_add_form(&r->sum, of[class], RAT_ONE);
	}
}

static void read_ratio(struct reading *r)
{
	const struct ir_statement *st = r->statement;
	const struct form *of = st->kind == IR_CPU_RATIO ? r->demand->time : r->demand->rate;
	struct demand_ratio ratio = { .stage = r->stage, .statement = st };
	struct rat parts = RAT_ZERO;

	ratio.of_rates = st->kind == IR_THROUGHPUT_RATIO;
	for (size_t i = 0; i < st->n_members; i++) {
		parts = rat_add(parts, st->parts[i]);
		add_member(r, member_at(r, i), of);
	}
	ratio.whole = sum_form(&r->sum);
	for (size_t i = 0; i < st->n_members; i++) {
		add_member(r, member_at(r, i), of);
		ratio.member = sum_form(&r->sum);
		ratio.share = rat_div(st->parts[i], parts);
		vec_push(r->arena, &r->demand->ratios, ratio);
	}
}

/* Bits of a class are those of its packets. */
static void add_bits(struct reading *r, const struct ir_member *m)
{
	for (size_t i = 0; i < m->classes.n; i++) {
		uint32_t c = net_find_class(r->demand->net, m->classes.at[i]);

		if (c != ID_NONE && r->demand->net->classes[c].has_packet)
			sum_add_form(&r->sum, r->demand->rate[c],
				     rat_mul(r->demand->net->classes[c].packet, rat_int(8)));
	}
}

static void read_bound(struct reading *r)
{
	const struct net *net = r->demand->net;
	const struct ir_statement *st = r->statement;
	struct demand_bound b = { .at_least = st->at_least, .stage = r->stage, .statement = st };

	if (st->kind == IR_CPU_BOUND) {
		add_member(r, member_at(r, 0), r->demand->time);
		b.bound = rat_mul(st->bound, rat_mul(net->target->clock, rat_uint(net->target->n_cores)));
	} else {
		if (st->bits)
			add_bits(r, member_at(r, 0));
		else
			add_member(r, member_at(r, 0), r->demand->rate);
		b.bound = rat_div(st->bound, rat_uint(net->target->replicas));
		b.of_rates = true;
	}
	b.form = sum_form(&r->sum);
	vec_push(r->arena, &r->demand->bounds, b);
}

/* What the path's own work leaves of the time. */
static struct rat time_for_queues(const struct net *net, const struct net_path *p, struct rat bound)
{
	struct rat cycles = RAT_ZERO;

	for (size_t k = 0; k < p->n; k++)
		cycles = rat_add(cycles, p->cost[k]);
	return rat_sub(rat_div(bound, rat_int(1000000000)), rat_div(cycles, net->target->clock));
}

static void read_latency(struct reading *r)
{
	const struct net *net = r->demand->net;
	uint32_t c = net_find_class(net, member_at(r, 0)->classes.at[0]);

	for (size_t i = 0; c != ID_NONE && i < net->classes[c].n_paths; i++) {
		size_t path = net->classes[c].first_path + i;
		const struct net_path *p = &net->paths[path];
		struct demand_latency l = { (uint32_t)path, RAT_ZERO, r->stage, r->statement };

		if (p->copy)
			continue;
		l.seconds = time_for_queues(net, p, r->statement->bound);
		vec_push(r->arena, &r->demand->latencies, l);
	}
}

static void read_statement(struct reading *r)
{
	r->stage = net_stage_of(r->demand->net, r->level, member_at(r, 0)->rank);
	switch (r->statement->kind) {
	case IR_CPU_RATIO:
	case IR_THROUGHPUT_RATIO:
		read_ratio(r);
		break;
	case IR_LATENCY:
		read_latency(r);
		break;
	default:
		read_bound(r);
	}
}

static void read_slo(struct reading *r)
{
	const struct ir_slo *slo = r->demand->net->slo;

	for (r->level = 0; r->level < slo->n_levels; r->level++)
		for (size_t i = 0; i < slo->levels[r->level].n_statements; i++) {
			r->statement = &slo->levels[r->level].statements[i];
			read_statement(r);
		}
}

/* ---- floors ---- */

static void add_floor(struct reading *r, size_t column, size_t stage)
{
	struct demand_bound b = { .at_least = true, .bound = r->demand->net->slo->floor, .stage = stage };

	sum_add(&r->sum, column, RAT_ONE);
	b.form = sum_form(&r->sum);
	vec_push(r->arena, &r->demand->bounds, b);
}

/* `useful`: at the exits of what is no copy; `entitlement`: all along. */
static void read_floors(struct reading *r)
{
	const struct demand *d = r->demand;
	const struct net *net = d->net;
	size_t *stage = arena_many(r->arena, size_t, net->n_ways);
	bool *floored = arena_many(r->arena, bool, net->n_ways);

	for (size_t i = 0; i < net->n_paths; i++) {
		const struct net_path *p = &net->paths[i];
		const struct net_class *c = &net->classes[p->class];

		if (!c->named || (p->copy && !d->entitlement))
			continue;
		for (size_t k = d->entitlement ? 0 : p->n - 1; k < p->n; k++) {
			uint32_t way = p->ways[k];

			if (!floored[way] || c->stage < stage[way])
				stage[way] = c->stage;
			floored[way] = true;
		}
	}
	for (size_t w = 0; w < net->n_ways && rat_sign(net->slo->floor); w++)
		if (floored[w])
			add_floor(r, w, stage[w]);
}

/* ---- all of it ---- */

static void keep_down(struct demand *d, struct form f)
{
	for (size_t i = 0; d->entitlement && i < f.n; i++)
		if (f.columns[i] >= d->net->n_ways)
			d->must_be_least[f.columns[i] - d->net->n_ways] = true;
}

static void find_upper_limits(struct demand *d)
{
	for (size_t i = 0; i < d->ratios.n; i++)
		if (d->ratios.at[i].of_rates)
			keep_down(d, d->ratios.at[i].whole);
	for (size_t i = 0; i < d->bounds.n; i++)
		if (d->bounds.at[i].of_rates && !d->bounds.at[i].at_least)
			keep_down(d, d->bounds.at[i].form);
}

struct demand *demand_make(struct arena *a, const struct net *net)
{
	struct demand *d = arena_one(a, struct demand);
	struct reading r = { .arena = a, .demand = d };

	d->net = net;
	d->entitlement = net->slo->entitlement;
	d->n_columns = net->n_ways + (d->entitlement ? net->n_paths : 0);
	d->time = arena_many(a, struct form, net->n_classes);
	d->rate = arena_many(a, struct form, net->n_classes);
	d->stage = arena_many(a, struct form, net->n_stages + 1);
	d->must_be_least = arena_many(a, bool, net->n_paths);
	r.sum = sum_new(a, d->n_columns);
	for (uint32_t c = 0; c < net->n_classes; c++)
		make_class(d, &r.sum, c);
	make_stages(d, &r.sum);
	read_slo(&r);
	read_floors(&r);
	find_upper_limits(d);
	return d;
}
