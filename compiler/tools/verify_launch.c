/* launch.json against the modules, cores and devices of its target. */
#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "compiler/tools/verify.h"
#include "runtime/core/json_read.h"

struct device {
	const char *module, *name;
};

struct launch {
	struct verifying *v;
	const char *text; /* of the file */
	const struct tree_node *root;
	const struct rplan_packet_config *config;
	VEC(struct device) devices;
};

/* ---- lines ---- */

static const char *skip_space(const char *s, size_t *line)
{
	for (; *s && strchr(" \t\r\n", *s); s++)
		*line += *s == '\n';
	return s;
}

static const char *skip_string(const char *s)
{
	for (s++; *s && *s != '"'; s++)
		s += *s == '\\' && s[1];
	return *s ? s + 1 : s;
}

/* To the sign behind the value; the text is known to be JSON. */
static const char *skip_value(const char *s, size_t *line)
{
	size_t depth = 0;

	for (; *s; s++) {
		if (*s == '"') {
			s = skip_string(s) - 1;
			continue;
		}
		if (!depth && strchr(",]}", *s))
			return s;
		depth += *s == '{' || *s == '[';
		depth -= *s == '}' || *s == ']';
		*line += *s == '\n';
	}
	return s;
}

/* The line of the INDEX-th value of a list or object that begins at S. */
static const char *item(const char *s, size_t index, bool object, size_t *line)
{
	s = skip_space(s + 1, line);
	for (;;) {
		if (object)
			s = skip_space(skip_space(skip_string(s), line) + 1, line);
		if (!index--)
			return s;
		s = skip_value(s, line);
		s = skip_space(s + 1, line);
	}
}

static const char *find_value(const struct launch *l, const struct tree_node *n, size_t *line)
{
	if (!n->parent)
		return skip_space(l->text, line);
	return item(find_value(l, n->parent, line), n->index, n->parent->kind == TREE_OBJECT, line);
}

static size_t line_of(const struct launch *l, const struct tree_node *n)
{
	size_t line = 1;

	find_value(l, n, &line);
	return line;
}

/* ---- what the plan says ---- */

static const char *device_text(struct arena *a, const struct rplan_value *v)
{
	if (v->kind == RPLAN_TEXT)
		return v->text;
	return v->kind == RPLAN_NUMBER ? arena_printf(a, "%.0f", v->number) : NULL;
}

static void find_device(struct launch *l, const struct rplan_module *m)
{
	for (size_t i = 0; i < m->config.n; i++) {
		struct device d = { m->id, device_text(l->v->arena, &m->config.at[i].value) };
		size_t k = l->devices.n;

		if (strcmp(m->config.at[i].key, "device") || !d.name)
			continue;
		vec_push(l->v->arena, &l->devices, d);
		for (; k && strcmp(l->devices.at[k - 1].module, d.module) > 0; k--)
			l->devices.at[k] = l->devices.at[k - 1];
		l->devices.at[k] = d;
	}
}

static void find_devices(struct launch *l)
{
	const struct rplan_plan *plan = l->v->plan;

	for (size_t i = 0; i < l->config->pipelines.n; i++)
		for (size_t k = 0; k < plan->pipelines.n; k++)
			for (size_t m = 0;
			     !strcmp(plan->pipelines.at[k].name, l->config->pipelines.at[i]) &&
			     m < plan->pipelines.at[k].modules.n;
			     m++)
				find_device(l, &plan->pipelines.at[k].modules.at[m]);
}

/* ---- comparing ---- */

static const char *node_text(struct arena *a, const struct tree_node *n)
{
	char path[128];

	if (n->kind == TREE_TEXT)
		return arena_printf(a, "\"%s\"", n->text);
	if (n->kind == TREE_INTEGER)
		return arena_printf(a, "%" PRId64, n->integer);
	return arena_printf(a, "the value of %s", tree_path(n, path, sizeof(path)));
}

static void compare_text(struct launch *l, const struct tree_node *in, const char *key,
			 const char *should, const char *row)
{
	const struct tree_node *n = key ? tree_member(in, key) : in;

	if (!n)
		verify_find(l->v, line_of(l, in), row, "lacks \"%s\": \"%s\"", key, should);
	else if (n->kind != TREE_TEXT || strcmp(n->text, should))
		verify_find(l->v, line_of(l, n), row, "%s%s%s is %s, and \"%s\" by the plan",
			    key ? "\"" : "", key ? key : "this", key ? "\"" : "",
			    node_text(l->v->arena, n), should);
}

/* The list KEY, if it has N items; what is too little or too much is reported. */
static const struct tree_node *list_of(struct launch *l, const char *key, size_t n, const char *row)
{
	const struct tree_node *list = tree_member(l->root, key);

	if (!list || list->kind != TREE_LIST) {
		verify_find(l->v, list ? line_of(l, list) : 1, row, "there is no list \"%s\"", key);
		return NULL;
	}
	if (list->n_items != n)
		verify_find(l->v, line_of(l, list), row,
			    "\"%s\" has %zu items, and %zu by the plan", key, list->n_items, n);
	return list->n_items == n ? list : NULL;
}

static void check_devices(struct launch *l)
{
	const struct tree_node *list =
	    list_of(l, "devices", l->devices.n,
		    arena_printf(l->v->arena, "pipelines[%s].modules",
				 l->config->pipelines.n ? l->config->pipelines.at[0] : ""));

	for (size_t i = 0; list && i < l->devices.n; i++) {
		const struct device *d = &l->devices.at[i];
		const char *row =
		    arena_printf(l->v->arena, "the module %s, config.device", d->module);

		compare_text(l, &list->items[i], "device", d->name, row);
		compare_text(l, &list->items[i], "module", d->module, row);
		if (list->items[i].n_items > 2)
			verify_find(l->v, line_of(l, &list->items[i]), row,
				    "this device has further keys");
	}
}

static void check_lcores(struct launch *l)
{
	const struct rplan_ints *c = &l->config->cores;
	int64_t stride = c->n ? c->at[c->n - 1] - c->at[0] + 1 : 0;
	const char *row = verify_row(l->v, "config.cores, config.replicas");
	const struct tree_node *list =
	    list_of(l, "lcores", c->n * (size_t)l->config->replicas, row);

	for (size_t i = 0; list && i < list->n_items; i++) {
		const struct tree_node *n = &list->items[i];
		int64_t core = c->at[i % c->n] + (int64_t)(i / c->n) * stride;

		if (n->kind != TREE_INTEGER || n->integer != core)
			verify_find(l->v, line_of(l, n), row,
				    "this core is %s, and %" PRId64 " by the plan",
				    node_text(l->v->arena, n), core);
	}
}

/* ---- arguments of DPDK ---- */

static bool is_pci(const char *device)
{
	size_t digits = strspn(device, "0123456789abcdefABCDEF");

	return (digits == 2 || digits == 4) && device[digits] == ':' && strchr(device, '.');
}

static bool is_repeated(const struct launch *l, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (!strcmp(l->devices.at[k].name, l->devices.at[i].name))
			return true;
	return false;
}

static void check_eal(struct launch *l)
{
	struct arena *a = l->v->arena;
	struct texts should = { 0 };
	const char *row = verify_row(l->v, "config.modules");
	const struct tree_node *list;
	bool pci = false;

	for (size_t i = 0; i < l->devices.n; i++) {
		const char *name = l->devices.at[i].name;

		pci = pci || is_pci(name);
		if (is_repeated(l, i) || (!is_pci(name) && strncmp(name, "net_", 4)))
			continue;
		vec_push(a, &should, is_pci(name) ? "-a" : "--vdev");
		vec_push(a, &should, name);
	}
	if (!pci)
		vec_push(a, &should, "--no-pci");
	list = list_of(l, "eal", should.n, row);
	for (size_t i = 0; list && i < should.n; i++)
		compare_text(l, &list->items[i], NULL, should.at[i], row);
}

static void check_keys(struct launch *l)
{
	static const char *const keys[] = { "devices", "eal", "lcores", "plan", "target" };

	for (size_t i = 0; i < l->root->n_items; i++) {
		bool known = false;

		for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++)
			known = known || !strcmp(keys[k], l->root->items[i].key);
		if (!known)
			verify_find(l->v, line_of(l, &l->root->items[i]),
				    verify_row(l->v, "config"),
				    "\"%s\" does not follow from the plan", l->root->items[i].key);
	}
}

static void check_root(struct launch *l)
{
	find_devices(l);
	check_keys(l);
	check_devices(l);
	check_eal(l);
	check_lcores(l);
	compare_text(l, l->root, "plan",
		     arena_printf(l->v->arena, "../%s.plan", l->v->written->name),
		     "the file itself");
	compare_text(l, l->root, "target", l->v->target->name, verify_row(l->v, "name"));
}

void verify_launch(struct verifying *v, const struct sink *text)
{
	struct launch l = { .v = v,
			    .text = text->data ? text->data : "",
			    .config = rplan_target_dpdk(v->target) };
	struct tree_error error;
	struct tree *tree = tree_read(l.text, text->size, &error);

	if (!tree) {
		verify_find(v, 0, NULL, "is no JSON: %s", error.text);
		return;
	}
	l.root = tree_root(tree);
	if (l.root->kind == TREE_OBJECT)
		check_root(&l);
	else
		verify_find(v, 1, NULL, "is no JSON object");
	tree_free(tree);
}
