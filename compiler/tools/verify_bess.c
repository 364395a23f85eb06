/* A BESS script against what the plan's pipelines and schedules come to.
 *
 * The layout is made anew from the plan; which readings of its `otherwise` were meant is settled
 * by the script, the one that fits best. */
#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "compiler/plan/bess_layout.h"
#include "compiler/tools/pcap_sort.h"
#include "compiler/tools/script_read.h"
#include "compiler/tools/verify.h"

enum { MOST_SHOWN = 80 };

struct comparing {
	struct verifying *v;
	const struct script *is, *should;
	const struct bess_layout *layout;
	bool *met; /* by statement of SHOULD */
	bool quiet;
	size_t n_odd;
};

/* ---- what a statement is about ---- */

/* Statements of one key stand for each other: "rx", "rx.connect 0", "bess.add_tc w0_early". */
static const char *key_of(struct arena *a, const struct script_statement *s)
{
	static const struct {
		const char *callee, *argument;
	} keys[] = { { "add_worker", "wid" },
		     { "add_tc", "name" },
		     { "attach_task", "module_taskid" } };
	const char *value = NULL;

	if (s->assigns)
		return s->object;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (!strcmp(keys[i].callee, s->callee))
			value = script_argument(s, keys[i].argument);
	if (!strcmp(s->callee, "connect") && s->n > 1)
		value = s->at[1].value;
	return arena_printf(a, "%s.%s %s", s->object, s->callee, value ? value : "");
}

static const struct bess_node *node_named(const struct comparing *c, const char *name)
{
	for (size_t i = 0; i < c->layout->nodes.n; i++)
		if (!strcmp(c->layout->nodes.at[i].name, name))
			return &c->layout->nodes.at[i];
	return NULL;
}

static const char *first_pipeline(const struct comparing *c)
{
	const struct rplan_packet_config *config = rplan_target_bess(c->v->target);

	return config->pipelines.n ? config->pipelines.at[0] : "";
}

static const char *module_row(const struct comparing *c, const char *name)
{
	const struct bess_node *n = node_named(c, name);

	if (!n)
		return arena_printf(c->v->arena, "pipelines[%s].modules", first_pipeline(c));
	if (n->module)
		return arena_printf(c->v->arena, "pipelines[%s].modules[%s]", first_pipeline(c),
				    n->module->id);
	return arena_printf(c->v->arena, "pipelines[%s]. %s", first_pipeline(c), n->reason);
}

static const char *wire_row(const struct comparing *c, const struct script_statement *s)
{
	for (size_t i = 0; i < c->layout->wires.n; i++) {
		const struct bess_wire *w = &c->layout->wires.at[i];

		if (s->n > 1 && !strcmp(c->layout->nodes.at[w->from].name, s->object) &&
		    !strcmp(arena_printf(c->v->arena, "%u", w->gate), s->at[1].value))
			return arena_printf(c->v->arena, "pipelines[%s].edges, from %s. %s",
					    first_pipeline(c),
					    c->layout->nodes.at[w->from].module
						? c->layout->nodes.at[w->from].module->id
						: c->layout->nodes.at[w->from].name,
					    w->reason);
	}
	return arena_printf(c->v->arena, "pipelines[%s].edges", first_pipeline(c));
}

static const char *task_row(const struct comparing *c, const struct script_statement *s)
{
	for (size_t i = 0; i < c->layout->tasks.n; i++) {
		const struct bess_task *t = &c->layout->tasks.at[i];

		if (!strcmp(c->layout->nodes.at[t->node].name, s->object))
			return arena_printf(c->v->arena, "schedules[%s].tasks. %s",
					    c->v->target->name, t->reason);
	}
	return arena_printf(c->v->arena, "schedules[%s].tasks", c->v->target->name);
}

static const char *row_of(const struct comparing *c, const struct script_statement *s)
{
	if (s->assigns)
		return module_row(c, s->object);
	if (!strcmp(s->callee, "connect"))
		return wire_row(c, s);
	if (!strcmp(s->callee, "attach_task"))
		return task_row(c, s);
	if (!strcmp(s->callee, "add_tc"))
		return arena_printf(c->v->arena, "schedules[%s].tree", c->v->target->name);
	if (!strcmp(s->callee, "add_worker"))
		return verify_row(c->v, "config.cores");
	return module_row(c, s->object);
}

/* ---- findings ---- */

static const char *cut(struct arena *a, const char *text)
{
	return strlen(text) > MOST_SHOWN ? arena_printf(a, "%.*s...", MOST_SHOWN, text) : text;
}

/* What a matcher decides can be cut into rules in several ways, and from the text of a filter
 * others may come than from the policy.  Where nothing was touched, that is all there is to it. */
static bool is_about_rules(const struct script_statement *s)
{
	static const char *const matchers[] = { "BPF", "WildcardMatch" };

	if (!s->assigns)
		return !strcmp(s->callee, "add") && !script_argument(s, "prefix");
	for (size_t i = 0; i < sizeof(matchers) / sizeof(*matchers); i++)
		if (!strcmp(s->callee, matchers[i]))
			return true;
	return false;
}

static void odd(struct comparing *c, size_t line, const struct script_statement *about,
		const char *message)
{
	if (c->v->untouched && is_about_rules(about))
		return;
	c->n_odd++;
	if (!c->quiet)
		verify_find(c->v, line, row_of(c, about), "%s", message);
}

/* From where two values differ on. */
static const char *from_difference(const char *value, const char *other, struct arena *a)
{
	size_t n = 0;

	while (value[n] && value[n] == other[n])
		n++;
	n = n > 20 ? n - 20 : 0;
	return cut(a, n ? arena_printf(a, "...%s", value + n) : value);
}

static void compare_argument(struct comparing *c, const struct script_statement *is,
			     const struct script_statement *should, const char *name,
			     const char *value, const char *wanted)
{
	struct arena *a = c->v->arena;

	if (!value)
		odd(c, is->line, should, arena_printf(a, "lacks %s=%s", name, cut(a, wanted)));
	else if (!wanted)
		odd(c, is->line, should,
		    arena_printf(a, "says %s=%s, which does not follow from the plan", name,
				 cut(a, value)));
	else if (strcmp(value, wanted))
		odd(c, is->line, should,
		    arena_printf(a, "says %s=%s, and %s by the plan", name,
				 from_difference(value, wanted, a),
				 from_difference(wanted, value, a)));
}

static const char *place_name(struct arena *a, const struct script_statement *s, size_t i)
{
	static const char *const connect[] = { "the next module", "the output gate",
					       "the input gate" };

	if (!strcmp(s->callee, "connect") && i < 3)
		return connect[i];
	return arena_printf(a, "argument %zu", i + 1);
}

static const char *by_place(const struct script_statement *s, size_t i)
{
	return i < s->n && !s->at[i].name ? s->at[i].value : NULL;
}

static void compare_statement(struct comparing *c, const struct script_statement *is,
			      const struct script_statement *should)
{
	struct arena *a = c->v->arena;

	if (strcmp(is->callee, should->callee))
		odd(c, is->line, should,
		    arena_printf(a, "'%s' is a %s, and a %s by the plan", is->object, is->callee,
				 should->callee));
	for (size_t i = 0; by_place(is, i) || by_place(should, i); i++)
		compare_argument(c, is, should, place_name(a, should, i), by_place(is, i),
				 by_place(should, i));
	for (size_t i = 0; i < should->n; i++)
		if (should->at[i].name)
			compare_argument(c, is, should, should->at[i].name,
					 script_argument(is, should->at[i].name),
					 should->at[i].value);
	for (size_t i = 0; i < is->n; i++)
		if (is->at[i].name && !script_argument(should, is->at[i].name))
			compare_argument(c, is, should, is->at[i].name, is->at[i].value, NULL);
}

/* ---- matching statements ---- */

/* Interned, so that equal ones are equal pointers. */
struct named {
	const char *key, *text;
};

static struct named *names_of(struct comparing *c, const struct script *s)
{
	struct named *names = arena_many(c->v->arena, struct named, s->n);
	struct interner *in = c->v->again.ctx->names;

	for (size_t i = 0; i < s->n; i++) {
		names[i].key = intern_text(in, key_of(c->v->arena, &s->at[i]));
		names[i].text = intern_text(in, script_text(c->v->arena, &s->at[i]));
	}
	return names;
}

/* The first that was not met, of that key, and alike if ALIKE. */
static size_t find(const struct comparing *c, const struct named *should, struct named is,
		   bool alike)
{
	size_t i = 0;

	while (i < c->should->n &&
	       (c->met[i] || (alike ? should[i].text != is.text : should[i].key != is.key)))
		i++;
	return i;
}

static void compare_scripts(struct comparing *c, const struct named *is, const struct named *should)
{
	bool *fits = arena_many(c->v->arena, bool, c->is->n);

	for (int alike = 1; alike >= 0; alike--)
		for (size_t i = 0; i < c->is->n; i++) {
			size_t found = fits[i] ? c->should->n : find(c, should, is[i], alike);

			if (found == c->should->n)
				continue;
			if (!alike)
				compare_statement(c, &c->is->at[i], &c->should->at[found]);
			fits[i] = c->met[found] = true;
		}
	for (size_t i = 0; i < c->is->n; i++)
		if (!fits[i])
			odd(c, c->is->at[i].line, &c->is->at[i],
			    arena_printf(c->v->arena,
					 "says '%s', which does not follow from the plan",
					 cut(c->v->arena, is[i].text)));
}

/* What is missing is reported behind the last statement that stands before it in the plan's
 * order and is there. */
static void report_missing(struct comparing *c, const struct named *is, const struct named *should)
{
	size_t line = 1;

	for (size_t i = 0; i < c->should->n; i++) {
		if (!c->met[i])
			odd(c, line, &c->should->at[i],
			    arena_printf(c->v->arena, "'%s' is missing behind this line",
					 cut(c->v->arena, should[i].text)));
		for (size_t k = 0; c->met[i] && !c->quiet && k < c->is->n; k++)
			if (is[k].text == should[i].text)
				line = c->is->at[k].line;
	}
}

/* ---- filters ---- */

/* The operands of `and` and `or` in a pcap filter come in the order in which the sets of packets
 * were found, which means nothing. */
static void sort_filters(struct arena *a, struct script *s)
{
	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; k < s->at[i].n && !strcmp(s->at[i].callee, "BPF"); k++)
			if (s->at[i].at[k].name && !strcmp(s->at[i].at[k].name, "filters"))
				s->at[i].at[k].value = pcap_sort_texts(a, s->at[i].at[k].value);
}

/* ---- readings ---- */

/* How many statements do not fit; they are reported unless QUIET. */
static size_t compare_with_plan(struct verifying *v, const struct script *is, bool quiet)
{
	struct output_files files = { 0 };
	struct script should;
	struct comparing c = { .v = v, .is = is, .should = &should, .quiet = quiet };
	const struct plan_packet_config *config = v->again.plan->targets.at[v->target_index].config;

	if (!verify_again(v, &files)) {
		const struct diags *d = &v->again.ctx->diags;

		if (!quiet)
			verify_find(v, 0, verify_row(v, "config"),
				    "no script can be made from the plan: %s",
				    v->again.trouble ? v->again.trouble
				    : d->list.n      ? d->list.at[d->list.n - 1]->message
						     : "the backend refuses it");
		return SIZE_MAX;
	}
	should = script_read(v->arena, &files.at[0].text);
	sort_filters(v->arena, &should);
	c.layout = config->layout;
	c.met = arena_many(v->arena, bool, should.n);
	compare_scripts(&c, names_of(&c, is), names_of(&c, &should));
	report_missing(&c, names_of(&c, is), names_of(&c, &should));
	sink_free(&files.at[0].text);
	return c.n_odd;
}

/* Tries the other readings of one module; the best stays. */
static size_t settle(struct verifying *v, const struct script *is, struct ir_pipeline *p,
		     uint32_t module, size_t least)
{
	size_t n = plan_again_open(&v->again, p, module), best = n > 1;

	for (size_t reading = 0; n > 1 && reading < n && least; reading++) {
		size_t odd_ones;

		plan_again_choose(&v->again, p, module, reading);
		odd_ones = compare_with_plan(v, is, true);
		if (odd_ones < least) {
			least = odd_ones;
			best = reading;
		}
	}
	if (n > 1)
		plan_again_choose(&v->again, p, module, best);
	return least;
}

void verify_bess(struct verifying *v, const struct sink *text)
{
	struct script is = script_read(v->arena, text);
	const struct ir_target *t;
	size_t least;

	if (is.bad_line) {
		verify_find(v, is.bad_line, NULL,
			    "this is no statement of a BESS script as epic writes them");
		return;
	}
	sort_filters(v->arena, &is);
	least = compare_with_plan(v, &is, true);
	t = v->again.ir ? &v->again.ir->targets[v->target_index] : NULL;
	for (size_t i = 0; t && !v->again.trouble && i < t->pipelines.n; i++) {
		struct ir_pipeline *p = &v->again.ir->pipelines[t->pipelines.at[i]];

		for (uint32_t m = 0; m < p->n_modules && least; m++)
			least = settle(v, &is, p, m, least);
	}
	if (least)
		compare_with_plan(v, &is, false);
}
