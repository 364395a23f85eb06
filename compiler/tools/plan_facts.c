#include <config.h>

#include "compiler/tools/plan_facts.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/sink.h"
#include "compiler/base/text.h"
#include "compiler/base/vec.h"
#include "runtime/plan/rows.h"

struct taking {
	struct arena *arena;
	const struct rplan_plan *plan; /* NULL: a flow alone */
	struct facts facts;
	const char *subject;
};

/* How rows of lists are named. */
typedef const char *naming(struct taking *, const void *row);

static void take_row(struct taking *, const struct rplan_row *, const void *row,
		     const char *prefix);

/* ---- texts ---- */

const char *plan_flow_name(struct arena *a, const struct rplan_flow *f)
{
	return arena_printf(a, "%s => %s", f->from, f->to);
}

const char *plan_task_name(struct arena *a, const struct rplan_task *t)
{
	return t->class ? arena_printf(a, "%s of class %s", t->root, t->class) : t->root;
}

const char *plan_number_text(struct arena *a, double d)
{
	char *text = arena_printf(a, "%.9f", d);
	size_t n = strlen(text);

	while (n && text[n - 1] == '0')
		n--;
	if (n && text[n - 1] == '.')
		n--;
	text[n] = '\0';
	return strcmp(text, "-0") ? text : "0";
}

static const char *joined(struct arena *a, const struct rplan_texts *t, const char *between)
{
	struct sink s = { 0 };
	const char *text;

	for (size_t i = 0; i < t->n; i++)
		sink_printf(&s, "%s%s", i ? between : "", t->at[i]);
	text = t->n ? arena_strndup(a, s.data, s.size) : "";
	sink_free(&s);
	return text;
}

static void add(struct taking *t, const char *name, const char *text)
{
	vec_push(t->arena, &t->facts,
		 (struct fact){ t->subject, name, text ? text : "none", false, 0 });
}

static void add_number(struct taking *t, const char *name, double number)
{
	vec_push(
	    t->arena, &t->facts,
	    (struct fact){ t->subject, name, plan_number_text(t->arena, number), true, number });
}

/* ---- names of rows ---- */

static const char *name_host(struct taking *t, const void *row)
{
	(void)t;
	return ((const struct rplan_host *)row)->function;
}

static const char *name_hop(struct taking *t, const void *row)
{
	return arena_printf(t->arena, "%" PRId64, ((const struct rplan_hop *)row)->order);
}

static const char *name_edge(struct taking *t, const void *row)
{
	const struct rplan_edge *e = row;

	return arena_printf(t->arena, "%s %s %s", e->from, e->copy ? "->>" : "->", e->to);
}

static const char *name_listener(struct taking *t, const void *row)
{
	return arena_printf(t->arena, "%" PRId64, ((const struct rplan_listener *)row)->port);
}

static const char *name_chain(struct taking *t, const void *row)
{
	const struct rplan_chain *c = row;

	return plan_flow_name(t->arena, &t->plan->flows.at[c->flow]);
}

static const char *name_task(struct taking *t, const void *row)
{
	return plan_task_name(t->arena, row);
}

static const char *name_area(struct taking *t, const void *row)
{
	const struct rplan_area *a = row;

	return a->attributes.n ? joined(t->arena, &a->attributes, ", ") : "no attributes";
}

#define NAMED_BY(row, key)                                             \
	static const char *name_##row(struct taking *t, const void *r) \
	{                                                              \
		(void)t;                                               \
		return ((const struct rplan_##row *)r)->key;           \
	}
NAMED_BY(node, name)
NAMED_BY(module, id)
NAMED_BY(class, name)
NAMED_BY(early_class, name)
NAMED_BY(derive, attribute)
NAMED_BY(packet_module, id)
NAMED_BY(pipeline, name)
NAMED_BY(schedule, target)
NAMED_BY(target, name)
#undef NAMED_BY

/* Rows with `alone` are subjects of their own. */
static const struct {
	const char *row;
	naming *name;
	bool alone;
} namings[] = {
	{ "node", name_node, true },
	{ "area", name_area, true },
	{ "host", name_host, false },
	{ "hop", name_hop, false },
	{ "module", name_module, true },
	{ "edge", name_edge, true },
	{ "pipeline", name_pipeline, true },
	{ "class", name_class, true },
	{ "early_class", name_early_class, false },
	{ "task", name_task, true },
	{ "schedule", name_schedule, true },
	{ "target", name_target, true },
	{ "listener", name_listener, false },
	{ "chain", name_chain, false },
	{ "packet_module", name_packet_module, false },
	{ "derive", name_derive, false },
};

/* Where a row stands, why, how it was found; and what is said elsewhere. */
static const char *const left_out[] = {
	"source", "reason", "id", "name", "solver", "bound", "gap", "flow", "schedule",
};

static bool is_left_out(const struct rplan_row *row, const char *key)
{
	if (!strcmp(row->name, "area") && !strcmp(key, "attributes"))
		return true;
	for (size_t i = 0; i < sizeof(left_out) / sizeof(*left_out); i++)
		if (!strcmp(left_out[i], key))
			return true;
	return false;
}

/* ---- values of configurations ---- */

static void put_value(struct sink *s, struct arena *a, const struct rplan_value *v)
{
	switch (v->kind) {
	case RPLAN_NULL:
		sink_puts(s, "null");
		break;
	case RPLAN_BOOL:
		sink_puts(s, v->truth ? "true" : "false");
		break;
	case RPLAN_NUMBER:
		sink_puts(s, plan_number_text(a, v->number));
		break;
	case RPLAN_TEXT:
		sink_puts(s, v->text);
		break;
	case RPLAN_LIST:
		for (size_t i = 0; i < v->n_items; i++) {
			sink_puts(s, i ? ", " : "");
			put_value(s, a, &v->items[i]);
		}
		break;
	default:
		for (size_t i = 0; i < v->members.n; i++) {
			sink_printf(s, "%s%s: ", i ? ", " : "", v->members.at[i].key);
			put_value(s, a, &v->members.at[i].value);
		}
	}
}

static void take_values(struct taking *t, const char *name, const struct rplan_values *v)
{
	for (size_t i = 0; i < v->n; i++) {
		struct sink s = { 0 };

		sink_puts(&s, "");
		put_value(&s, t->arena, &v->at[i].value);
		if (v->at[i].value.kind == RPLAN_NUMBER)
			add_number(t, arena_printf(t->arena, "%s.%s", name, v->at[i].key),
				   v->at[i].value.number);
		else
			add(t, arena_printf(t->arena, "%s.%s", name, v->at[i].key),
			    s.size ? arena_strndup(t->arena, s.data, s.size) : "");
		sink_free(&s);
	}
}

/* ---- trees ---- */

static const char *leaf_name(struct taking *t, const struct rplan_schedule *s, const char *id)
{
	for (size_t i = 0; id && i < s->tasks.n; i++)
		if (!strcmp(s->tasks.at[i].id, id))
			return plan_task_name(t->arena, &s->tasks.at[i]);
	return "?";
}

/* Weights are facts of the tasks. */
static void put_tree(struct taking *t, struct sink *out, const struct rplan_schedule *s,
		     const struct rplan_tree *n)
{
	if (!strcmp(n->kind, "leaf")) {
		sink_puts(out, leaf_name(t, s, n->task));
		return;
	}
	sink_printf(out, "%s(", n->kind);
	for (size_t i = 0; i < n->children.n; i++) {
		sink_puts(out, i ? ", " : "");
		put_tree(t, out, s, &n->children.at[i]);
	}
	sink_putc(out, ')');
}

static void take_tree(struct taking *t, const struct rplan_schedule *s)
{
	struct sink out = { 0 };

	if (s->tree) {
		put_tree(t, &out, s, s->tree);
		add(t, "tree", arena_strndup(t->arena, out.data, out.size));
	}
	sink_free(&out);
}

/* ---- rows ---- */

static const char *name_of_row(struct taking *t, const char *row, const void *at, bool *alone)
{
	*alone = false;
	for (size_t i = 0; i < sizeof(namings) / sizeof(*namings); i++)
		if (!strcmp(namings[i].row, row)) {
			*alone = namings[i].alone;
			return namings[i].name(t, at);
		}
	return "";
}

struct list {
	const char *at;
	size_t n;
};

static void take_list(struct taking *t, const char *name, const char *of, const struct list *list)
{
	const struct rplan_row *row = rplan_row(of);
	const char *outer = t->subject;

	for (size_t i = 0; i < list->n; i++) {
		const void *at = list->at + i * row->size;
		bool alone;
		const char *key = name_of_row(t, of, at, &alone);
		const char *path = arena_printf(t->arena, "%s[%s]", name, key);

		if (alone) {
			t->subject = *outer ? arena_printf(t->arena, "%s.%s", outer, path) : path;
			add(t, "", key);
			take_row(t, row, at, "");
			t->subject = outer;
		} else {
			take_row(t, row, at, arena_printf(t->arena, "%s.", path));
		}
	}
}

static void take_lists(struct taking *t, const char *name, const struct rplan_lists *lists)
{
	for (size_t i = 0; i < lists->n; i++)
		add(t, arena_printf(t->arena, "%s[%zu]", name, i),
		    joined(t->arena, &lists->at[i], " > "));
}

/* A path is known by its modules. */
static void take_paths(struct taking *t, const struct rplan_lists *lists)
{
	for (size_t i = 0; i < lists->n; i++)
		add(t, arena_printf(t->arena, "path %s", joined(t->arena, &lists->at[i], " > ")),
		    "");
}

static const char *ints_text(struct arena *a, const struct rplan_ints *v)
{
	struct sink s = { 0 };
	const char *text;

	for (size_t i = 0; i < v->n; i++)
		sink_printf(&s, "%s%" PRId64, i ? ", " : "", v->at[i]);
	text = v->n ? arena_strndup(a, s.data, s.size) : "";
	sink_free(&s);
	return text;
}

static void take_map(struct taking *t, const char *name, const char *of, const void *at)
{
	const struct {
		const char *const *names;
		const char *at;
		size_t n;
	} *map = at;
	const struct rplan_row *row = rplan_row(of);

	for (size_t i = 0; i < map->n; i++)
		take_row(t, row, map->at + i * row->size,
			 arena_printf(t->arena, "%s[%s].", name, map->names[i]));
}

static void take_numbers(struct taking *t, const char *name, const struct rplan_map_num *map)
{
	for (size_t i = 0; i < map->n; i++)
		add_number(t, arena_printf(t->arena, "%s[%s]", name, map->at[i].key),
			   map->at[i].value);
}

static void take_one(struct taking *t, const char *name, const char *of, const void *row)
{
	if (row)
		take_row(t, rplan_row(of), row, arena_printf(t->arena, "%s.", name));
}

static void take_choice(struct taking *t, const char *name, const void *target, const void *config)
{
	const struct rplan_row *row = rplan_choice(((const struct rplan_target *)target)->backend);

	if (row)
		take_row(t, row, config, arena_printf(t->arena, "%s.", name));
}

#define AS(type) (*(type const *)at)

static void take_key(struct taking *t, const struct rplan_key *k, const void *row, const char *name)
{
	const void *at = (const char *)row + k->offset;

	switch (k->kind) {
	case RPLAN_KIND_INT:
		add_number(t, name, (double)AS(int64_t));
		break;
	case RPLAN_KIND_INT_NULL:
		if (AS(struct rplan_int).present)
			add_number(t, name, (double)AS(struct rplan_int).value);
		break;
	case RPLAN_KIND_NUM:
		add_number(t, name, AS(double));
		break;
	case RPLAN_KIND_NUM_NULL:
		if (AS(struct rplan_num).present)
			add_number(t, name, AS(struct rplan_num).value);
		break;
	case RPLAN_KIND_BOOL:
		add(t, name, AS(bool) ? "yes" : "no");
		break;
	case RPLAN_KIND_TEXTS:
		add(t, name, joined(t->arena, at, ", "));
		break;
	case RPLAN_KIND_INTS:
		add(t, name, ints_text(t->arena, at));
		break;
	case RPLAN_KIND_LISTS:
		strcmp(k->name, "paths") ? take_lists(t, name, at) : take_paths(t, at);
		break;
	case RPLAN_KIND_LIST:
		take_list(t, name, k->of, at);
		break;
	case RPLAN_KIND_ONE:
	case RPLAN_KIND_ONE_NULL:
		take_one(t, name, k->of, AS(const void *));
		break;
	case RPLAN_KIND_MAP:
		take_map(t, name, k->of, at);
		break;
	case RPLAN_KIND_MAP_NUM:
		take_numbers(t, name, at);
		break;
	case RPLAN_KIND_VALUES:
		take_values(t, name, at);
		break;
	case RPLAN_KIND_CHOICE:
		take_choice(t, name, row, AS(const void *));
		break;
	default:
		if (AS(const char *))
			add(t, name, AS(const char *));
	}
}

static void take_row(struct taking *t, const struct rplan_row *row, const void *at,
		     const char *prefix)
{
	for (size_t i = 0; i < row->n_keys; i++) {
		const struct rplan_key *k = &row->keys[i];

		if (!strcmp(row->name, "schedule") && !strcmp(k->name, "tree"))
			take_tree(t, at);
		else if (!is_left_out(row, k->name))
			take_key(t, k, at, arena_printf(t->arena, "%s%s", prefix, k->name));
	}
}

static int by_subject(const void *x, const void *y)
{
	const struct fact *a = x, *b = y;
	int c = strcmp(a->subject, b->subject);

	c = c ? c : strcmp(a->name, b->name);
	return c ? c : strcmp(a->text, b->text);
}

static void sort_facts(struct facts *f)
{
	if (f->n)
		qsort(f->at, f->n, sizeof(*f->at), by_subject);
}

struct facts plan_facts(struct arena *a, const struct rplan_plan *plan)
{
	struct taking t = { .arena = a, .plan = plan, .subject = "" };
	struct rplan_plan rest = *plan;

	rest.flows.n = rest.sources.n = 0;
	take_row(&t, rplan_row("plan"), &rest, "");
	sort_facts(&t.facts);
	return t.facts;
}

struct facts plan_flow_facts(struct arena *a, const struct rplan_flow *f)
{
	struct taking t = { .arena = a, .subject = "" };

	take_row(&t, rplan_row("flow"), f, "");
	sort_facts(&t.facts);
	return t.facts;
}
