#include <config.h>

#include "compiler/solve/conflict.h"

#include <math.h>
#include <string.h>

#include "compiler/base/sink.h"
#include "compiler/base/text.h"
#include "compiler/solve/relaxed.h"

/* ---- variants of an slo ---- */

static bool has_claim(const struct claim *claims, size_t n, uint32_t level, uint32_t statement)
{
	for (size_t i = 0; i < n; i++)
		if (claims[i].level == level && claims[i].statement == statement)
			return true;
	return false;
}

static void keep_statements(struct arena *a, struct ir_level *l, uint32_t level, const struct claim *claims,
			    size_t n)
{
	struct ir_statement *kept = arena_many(a, struct ir_statement, l->n_statements);
	size_t k = 0;

	for (uint32_t i = 0; i < l->n_statements; i++)
		if (has_claim(claims, n, level, i))
			kept[k++] = l->statements[i];
	l->statements = kept;
	l->n_statements = k;
}

static void drop_priorities(struct arena *a, struct ir_level *l)
{
	struct ir_member *members = arena_many(a, struct ir_member, l->n_members);

	for (size_t i = 0; i < l->n_members; i++) {
		members[i] = l->members[i];
		members[i].rank = 0;
	}
	l->members = members;
	l->n_priorities = 0;
	l->n_ranks = 1;
}

struct ir_slo *slo_with(struct arena *a, const struct ir_slo *slo, const struct claim *claims, size_t n)
{
	struct ir_slo *variant = arena_one(a, struct ir_slo);

	*variant = *slo;
	variant->levels = arena_many(a, struct ir_level, slo->n_levels);
	for (uint32_t l = 0; l < slo->n_levels; l++) {
		variant->levels[l] = slo->levels[l];
		keep_statements(a, &variant->levels[l], l, claims, n);
		if (!has_claim(claims, n, l, ID_NONE))
			drop_priorities(a, &variant->levels[l]);
	}
	return variant;
}

enum { PROBE_SECONDS = 2 };

bool slo_is_feasible(struct solving *s, const struct ir_slo *slo, bool *decided)
{
	struct arena *scratch = arena_new();
	struct sched_options options = *s->options;
	struct solving probe = { .ctx = s->ctx, .arena = scratch, .ir = s->ir, .target = s->target,
				 .slo = slo, .options = &options, .any = true };
	bool feasible;

	if (!options.time_limit || options.time_limit > PROBE_SECONDS)
		options.time_limit = PROBE_SECONDS;
	options.progress = NULL;
	solving_run(&probe);
	feasible = probe.search.best && (!probe.search.best->net->parted || probe.separable);
	*decided = feasible || !(probe.search.stopped || probe.search.cut_short);
	arena_free(scratch);
	return feasible;
}

/* ---- the conflict ---- */

static struct conflict all_claims(struct solving *s)
{
	struct conflict c = { .minimal = true };
	size_t most = 0;

	for (size_t l = 0; l < s->slo->n_levels; l++)
		most += s->slo->levels[l].n_statements + 1;
	c.claims = arena_many(s->arena, struct claim, most);
	for (uint32_t l = 0; l < s->slo->n_levels; l++) {
		for (uint32_t i = 0; i < s->slo->levels[l].n_statements; i++)
			c.claims[c.n++] = (struct claim){ l, i };
		if (s->slo->levels[l].n_priorities)
			c.claims[c.n++] = (struct claim){ l, ID_NONE };
	}
	return c;
}

static bool may_go(struct solving *s, const struct conflict *c, size_t which, bool *decided)
{
	struct arena *scratch = arena_new();
	struct claim *rest = arena_many(scratch, struct claim, c->n);
	size_t n = 0;
	bool feasible;

	for (size_t i = 0; i < c->n; i++)
		if (i != which)
			rest[n++] = c->claims[i];
	feasible = slo_is_feasible(s, slo_with(scratch, s->slo, rest, n), decided);
	arena_free(scratch);
	return *decided && !feasible;
}

/* Takes claims away one by one while the rest stays impossible; a probe without an
 * answer keeps its claim. */
struct conflict conflict_find(struct solving *s)
{
	enum { MOST_SECONDS = 10 };
	struct conflict c = all_claims(s);
	double started = clock_now();
	size_t i = 0;

	while (i < c.n) {
		bool decided = false;

		if (clock_now() - started > MOST_SECONDS) {
			c.minimal = false;
			break;
		}
		if (may_go(s, &c, i, &decided)) {
			memmove(&c.claims[i], &c.claims[i + 1], (c.n - i - 1) * sizeof(*c.claims));
			c.n--;
		} else {
			c.minimal &= decided;
			i++;
		}
	}
	return c;
}

/* ---- words ---- */

struct span claim_span(const struct ir_slo *slo, struct claim c)
{
	const struct ir_level *l = &slo->levels[c.level];

	return c.statement == ID_NONE ? l->priorities[0].span : l->statements[c.statement].span;
}

struct unit {
	const char *name;
	int64_t num, den;
};

static const struct unit packet_units[] = { { "Gpps", 1000000000, 1 }, { "Mpps", 1000000, 1 }, { "kpps", 1000, 1 }, { "pps", 1, 1 } };
static const struct unit bit_units[] = { { "Gbps", 1000000000, 1 }, { "Mbps", 1000000, 1 }, { "kbps", 1000, 1 }, { "bps", 1, 1 } };
static const struct unit time_units[] = { { "s", 1000000000, 1 }, { "ms", 1000000, 1 }, { "us", 1000, 1 }, { "ns", 1, 1 } };
static const struct unit share_units[] = { { "%", 1, 100 } };

static const char *quantity(struct arena *a, struct rat value, const struct unit *units, size_t n)
{
	char buf[DEC_TEXT_SIZE];
	size_t i = 0;

	while (i + 1 < n && rat_cmp(value, rat_make(units[i].num, units[i].den)) < 0)
		i++;
	return arena_printf(a, "%s%s", rat_text(rat_div(value, rat_make(units[i].num, units[i].den)), buf),
			    units[i].name);
}

static const char *bound_text(struct arena *a, const struct ir_statement *st, struct rat bound)
{
	switch (st->kind) {
	case IR_CPU_BOUND:
		return quantity(a, bound, share_units, 1);
	case IR_LATENCY:
		return quantity(a, bound, time_units, 4);
	default:
		return quantity(a, bound, st->bits ? bit_units : packet_units, 4);
	}
}

static const char *member_name(const struct ir_level *l, const struct ir_statement *st, size_t i)
{
	return name_tail(l->members[st->members[i]].name);
}

static const char *ratio_text(struct arena *a, const struct ir_level *l, const struct ir_statement *st,
			      const struct rat *parts)
{
	struct sink s = { 0 };
	char buf[DEC_TEXT_SIZE];
	const char *text;

	sink_puts(&s, st->kind == IR_CPU_RATIO ? "cpu " : "throughput ");
	for (size_t i = 0; i < st->n_members; i++)
		sink_printf(&s, "%s%s", i ? " : " : "", member_name(l, st, i));
	sink_puts(&s, " =");
	for (size_t i = 0; i < st->n_members; i++)
		sink_printf(&s, "%s %s", i ? " :" : "", rat_text(parts[i], buf));
	text = arena_strndup(a, s.data, s.size);
	sink_free(&s);
	return text;
}

static const char *statement_text(struct arena *a, const struct ir_level *l, const struct ir_statement *st,
				  struct rat bound)
{
	static const char *const words[] = { [IR_CPU_BOUND] = "cpu", [IR_RATE_BOUND] = "rate", [IR_LATENCY] = "latency" };

	if (st->kind == IR_CPU_RATIO || st->kind == IR_THROUGHPUT_RATIO)
		return ratio_text(a, l, st, st->parts);
	return arena_printf(a, "%s %s %s %s", words[st->kind], member_name(l, st, 0), st->at_least ? ">=" : "<=",
			    bound_text(a, st, bound));
}

const char *claim_text(struct arena *a, const struct ir_slo *slo, struct claim c)
{
	const struct ir_level *l = &slo->levels[c.level];

	if (c.statement != ID_NONE)
		return statement_text(a, l, &l->statements[c.statement], l->statements[c.statement].bound);
	return arena_printf(a, "priority %s > %s", name_tail(l->members[l->priorities[0].above].name),
			    name_tail(l->members[l->priorities[0].below].name));
}

/* ---- what a ratio can reach ---- */

/* The slo with the claims of the conflict, one of which is a ratio of two that now says
 * exactly x : 1. */
static const struct ir_slo *with_ratio(struct arena *a, struct solving *s, const struct conflict *c, size_t which,
				       double x)
{
	enum { PARTS = 1 << 24 };
	struct claim claim = c->claims[which];
	struct ir_slo *slo = slo_with(a, s->slo, c->claims, c->n);
	struct ir_level *l = &slo->levels[claim.level];
	const struct ir_statement *wanted = &s->slo->levels[claim.level].statements[claim.statement];
	struct rat *parts = arena_many(a, struct rat, 2);

	parts[0] = x >= 1 ? rat_make((__int128)(x * PARTS), PARTS) : RAT_ONE;
	parts[1] = x >= 1 ? RAT_ONE : rat_make((__int128)(PARTS / x), PARTS);
	slo->tolerance = RAT_ZERO;
	for (size_t i = 0; i < l->n_statements; i++)
		if (l->statements[i].members == wanted->members)
			l->statements[i].parts = parts;
	return slo;
}

/* Whether some multipliers make it x : 1, every queue being open. */
static bool reaches(struct solving *s, const struct conflict *c, size_t which, double x)
{
	struct arena *scratch = arena_new();
	const struct net *net = net_make(scratch, s->ir, s->target, with_ratio(scratch, s, c, which, x), false);
	struct relaxed *r = relaxed_new(scratch, demand_make(scratch, net));
	double *rates = arena_many(scratch, double, net->n_stages + 1);
	bool ok = relaxed_solve(r, rates);

	relaxed_free(r);
	arena_free(scratch);
	return ok;
}

/* Some ratio that can be reached: powers of 2 from 1 outwards. */
static bool find_reachable(struct solving *s, const struct conflict *c, size_t which, double *x)
{
	enum { MOST_STEPS = 160 };

	for (int i = 0; i < MOST_STEPS; i++) {
		*x = exp2((i % 2 ? 1 : -1) * (double)((i + 1) / 2) / 8);
		if (reaches(s, c, which, *x))
			return true;
	}
	return false;
}

static double find_end(struct solving *s, const struct conflict *c, size_t which, double inside, double step)
{
	enum { MOST_DOUBLINGS = 20, HALVINGS = 40 };
	double outside = inside * step;
	int i = 0;

	while (i++ < MOST_DOUBLINGS && reaches(s, c, which, outside)) {
		inside = outside;
		outside *= step;
	}
	if (i > MOST_DOUBLINGS)
		return step > 1 ? HUGE_VAL : 0;
	for (i = 0; i < HALVINGS; i++) {
		double middle = sqrt(inside * outside);

		if (reaches(s, c, which, middle))
			inside = middle;
		else
			outside = middle;
	}
	return inside;
}

bool ratio_reach(struct solving *s, const struct conflict *c, size_t which, double *low, double *high)
{
	struct claim claim = c->claims[which];
	const struct ir_statement *st;
	double x;

	if (claim.statement == ID_NONE)
		return false;
	st = &s->slo->levels[claim.level].statements[claim.statement];
	if ((st->kind != IR_CPU_RATIO && st->kind != IR_THROUGHPUT_RATIO) || st->n_members != 2)
		return false;
	if (!find_reachable(s, c, which, &x))
		return false;
	*low = find_end(s, c, which, x, 0.5);
	*high = find_end(s, c, which, x, 2);
	/* Two decimals, rounded inwards; the simplex method is good to about 1e-7. */
	*low = ceil(*low * 100 - 1e-4) / 100;
	*high = *high == HUGE_VAL ? HUGE_VAL : floor(*high * 100 + 1e-4) / 100;
	return *low <= *high;
}

/* ---- repairs ---- */

/* VALUE with three digits, rounded down or up. */
static struct rat three_digits(double value, bool up)
{
	double size = value > 0 ? floor(log10(value)) - 2 : 0, unit = pow(10, fabs(size));
	double digits = size >= 0 ? value / unit : value * unit;
	struct rat whole = rat_int((int64_t)(up ? ceil(digits - 1e-9) : floor(digits + 1e-9)));

	return size >= 0 ? rat_mul(whole, rat_int((int64_t)unit)) : rat_div(whole, rat_int((int64_t)unit));
}

struct repair {
	struct solving *s;
	const struct conflict *c;
	size_t which;
	struct arena *scratch;
	struct ir_slo *slo;              /* all claims of the author */
	struct ir_statement *statement;  /* the one that changes, in SLO */
};

static bool works(struct repair *r)
{
	bool decided;

	return slo_is_feasible(r->s, r->slo, &decided);
}

static bool works_with_bound(struct repair *r, double bound)
{
	r->statement->bound = rat_make((__int128)(bound * 1e6), 1000000);
	return works(r);
}

/* How far the bound has to give, by factors of STEP and then closer. */
static bool find_bound(struct repair *r, double step, double *bound)
{
	enum { DOUBLINGS = 12, HALVINGS = 14 };
	double good = *bound, bad = *bound;
	int i = 0;

	do
		good *= step;
	while (i++ < DOUBLINGS && !works_with_bound(r, good));
	if (i > DOUBLINGS)
		return false;
	for (i = 0; i < HALVINGS; i++) {
		double middle = (good + bad) / 2;

		if (works_with_bound(r, middle))
			good = middle;
		else
			bad = middle;
	}
	*bound = good;
	return true;
}

static const char *repair_bound(struct repair *r, double *change)
{
	double stated = rat_double(r->statement->bound), bound = stated;

	if (!find_bound(r, r->statement->at_least ? 0.5 : 2, &bound))
		return NULL;
	r->statement->bound = three_digits(bound, !r->statement->at_least);
	if (!works(r))
		return NULL;
	*change = fabs(log(rat_double(r->statement->bound) / stated));
	return statement_text(r->s->arena, &r->slo->levels[r->c->claims[r->which].level], r->statement,
			      r->statement->bound);
}

static const char *repair_ratio(struct repair *r, double *change)
{
	struct rat *parts = arena_many(r->s->arena, struct rat, 2);
	double low, high, stated = rat_double(rat_div(r->statement->parts[0], r->statement->parts[1])), x;

	if (!ratio_reach(r->s, r->c, r->which, &low, &high))
		return NULL;
	x = stated < low ? low : high;
	if (x == HUGE_VAL || x <= 0 || (stated >= low && stated <= high))
		return NULL;
	parts[0] = rat_make((__int128)lround(x * 100), 100);
	parts[1] = RAT_ONE;
	r->statement->parts = parts;
	if (!works(r))
		return NULL;
	*change = fabs(log(x / stated));
	return ratio_text(r->s->arena, &r->slo->levels[r->c->claims[r->which].level], r->statement, parts);
}

static struct ir_statement *statement_in(struct ir_slo *slo, const struct solving *s, struct claim claim)
{
	const struct ir_statement *wanted = &s->slo->levels[claim.level].statements[claim.statement];
	struct ir_level *l = &slo->levels[claim.level];

	for (size_t i = 0; i < l->n_statements; i++)
		if (l->statements[i].members == wanted->members)
			return &l->statements[i];
	return NULL;
}

static const char *repair_one(struct solving *s, const struct conflict *c, const struct conflict *all,
			      size_t which, double *change)
{
	struct repair r = { .s = s, .c = c, .which = which, .scratch = arena_new() };
	const char *text = NULL;

	r.slo = slo_with(r.scratch, s->slo, all->claims, all->n);
	r.statement = c->claims[which].statement == ID_NONE ? NULL : statement_in(r.slo, s, c->claims[which]);
	if (!r.statement)
		text = NULL;
	else if (r.statement->kind == IR_CPU_RATIO || r.statement->kind == IR_THROUGHPUT_RATIO)
		text = repair_ratio(&r, change);
	else
		text = repair_bound(&r, change);
	arena_free(r.scratch);
	return text;
}

static bool lower_floor_helps(struct solving *s, const struct conflict *all)
{
	struct arena *scratch = arena_new();
	struct ir_slo *slo = slo_with(scratch, s->slo, all->claims, all->n);
	bool decided, helps;

	slo->floor = RAT_ZERO;
	helps = rat_sign(s->slo->floor) && slo_is_feasible(s, slo, &decided);
	arena_free(scratch);
	return helps;
}

static bool has_ratio(const struct ir_slo *slo)
{
	for (size_t l = 0; l < slo->n_levels; l++)
		for (size_t i = 0; i < slo->levels[l].n_statements; i++)
			if (slo->levels[l].statements[i].kind == IR_CPU_RATIO ||
			    slo->levels[l].statements[i].kind == IR_THROUGHPUT_RATIO)
				return true;
	return false;
}

/* The least change of one claim that makes BESIDE feasible. */
static const char *least_repair(struct solving *s, const struct conflict *c, const struct conflict *beside,
				size_t *which)
{
	const char *best = NULL;
	double least = HUGE_VAL;

	for (size_t i = 0; i < c->n; i++) {
		double change = HUGE_VAL;
		const char *text = repair_one(s, c, beside, i, &change);

		if (text && change < least) {
			least = change;
			best = text;
			*which = i;
		}
	}
	return best;
}

/* Where there are several conflicts, at least this one is resolved. */
const char *conflict_repair(struct solving *s, const struct conflict *c, size_t *which)
{
	struct conflict all = all_claims(s);
	const char *best = least_repair(s, c, &all, which);

	if (!best && c->n < all.n)
		best = least_repair(s, c, c, which);
	if (!best && !has_ratio(s->slo) && lower_floor_helps(s, &all)) {
		*which = c->n;
		best = "floor 0%";
	}
	return best;
}

/* ---- what comes first takes too much ---- */

static double offered_by(const struct solving *s, const struct ir_member *m)
{
	double sum = 0;

	for (size_t i = 0; i < m->classes.n; i++)
		if (m->classes.at[i] != ID_REST)
			sum += rat_double(s->ir->classes[m->classes.at[i]].rate_pps);
	return sum;
}

static struct ir_statement *add_cap(struct arena *a, struct ir_level *l, uint32_t member)
{
	struct ir_statement *statements = arena_many(a, struct ir_statement, l->n_statements + 1);
	uint32_t *members = arena_one(a, uint32_t);

	if (l->n_statements)
		memcpy(statements, l->statements, l->n_statements * sizeof(*statements));
	*members = member;
	statements[l->n_statements] = (struct ir_statement){ .kind = IR_RATE_BOUND, .members = members,
							     .n_members = 1, .span = l->span };
	l->statements = statements;
	return &statements[l->n_statements++];
}

static const char *cap_above(struct solving *s, const struct conflict *all, uint32_t level)
{
	struct repair r = { .s = s, .scratch = arena_new() };
	struct ir_level *l;
	uint32_t above = s->slo->levels[level].priorities[0].above;
	double bound;
	const char *text = NULL;

	r.slo = slo_with(r.scratch, s->slo, all->claims, all->n);
	l = &r.slo->levels[level];
	r.statement = add_cap(r.scratch, l, above);
	bound = offered_by(s, &l->members[above]);
	if (find_bound(&r, 0.5, &bound)) {
		r.statement->bound = three_digits(bound, false);
		if (works(&r))
			text = statement_text(s->arena, l, r.statement, r.statement->bound);
	}
	arena_free(r.scratch);
	return text;
}

const char *conflict_cap(struct solving *s, const struct conflict *c)
{
	struct conflict all = all_claims(s);

	for (size_t i = 0; i < c->n; i++)
		if (c->claims[i].statement == ID_NONE)
			return cap_above(s, &all, c->claims[i].level);
	return NULL;
}
