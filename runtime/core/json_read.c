#include <config.h>

#include "runtime/core/json_read.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tree {
	json_t *json; /* owns texts and keys */
	struct tree_node *nodes;
	size_t n_nodes; /* filled in so far */
};

static const char *const kinds[] = {
	[TREE_NULL] = "null",        [TREE_TRUTH] = "true or false", [TREE_INTEGER] = "an integer",
	[TREE_NUMBER] = "a number",  [TREE_TEXT] = "a string",       [TREE_LIST] = "a list",
	[TREE_OBJECT] = "an object",
};

/* ---- from jansson's values to ours ---- */

static size_t count_nodes(json_t *json)
{
	size_t n = 1, i;
	const char *key;
	json_t *item;

	if (json_is_array(json))
		json_array_foreach(json, i, item) n += count_nodes(item);
	if (json_is_object(json))
		json_object_foreach(json, key, item) n += count_nodes(item);
	return n;
}

static struct tree_node *add_items(struct tree *t, struct tree_node *parent, size_t n)
{
	struct tree_node *items = t->nodes + t->n_nodes;

	t->n_nodes += n;
	parent->items = items;
	parent->n_items = n;
	for (size_t i = 0; i < n; i++) {
		items[i].parent = parent;
		items[i].index = i;
	}
	return items;
}

static void fill_node(struct tree *t, struct tree_node *node, json_t *json);

static void fill_list(struct tree *t, struct tree_node *node, json_t *json)
{
	struct tree_node *items = add_items(t, node, json_array_size(json));

	node->kind = TREE_LIST;
	for (size_t i = 0; i < node->n_items; i++)
		fill_node(t, &items[i], json_array_get(json, i));
}

static void fill_object(struct tree *t, struct tree_node *node, json_t *json)
{
	struct tree_node *item = add_items(t, node, json_object_size(json));
	const char *key;
	json_t *value;

	node->kind = TREE_OBJECT;
	json_object_foreach(json, key, value)
	{
		item->key = key;
		fill_node(t, item++, value);
	}
}

static void fill_node(struct tree *t, struct tree_node *node, json_t *json)
{
	switch (json_typeof(json)) {
	case JSON_OBJECT:
		fill_object(t, node, json);
		return;
	case JSON_ARRAY:
		fill_list(t, node, json);
		return;
	case JSON_STRING:
		node->kind = TREE_TEXT;
		node->text = json_string_value(json);
		return;
	case JSON_INTEGER:
		node->kind = TREE_INTEGER;
		node->integer = json_integer_value(json);
		node->number = (double)node->integer;
		return;
	case JSON_REAL:
		node->kind = TREE_NUMBER;
		node->number = json_real_value(json);
		return;
	case JSON_TRUE:
	case JSON_FALSE:
		node->kind = TREE_TRUTH;
		node->truth = json_is_true(json);
		return;
	case JSON_NULL:
		node->kind = TREE_NULL;
		return;
	}
}

static json_t *load(const char *bytes, size_t n, struct tree_error *error)
{
	const char *nul = n ? memchr(bytes, '\0', n) : NULL;
	json_error_t problem;
	json_t *json;

	if (nul) { /* jansson would skip it */
		snprintf(error->text, sizeof(error->text), "byte %zu is NUL",
			 (size_t)(nul - bytes));
		return NULL;
	}
	json = json_loadb(n ? bytes : "", n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
	if (!json)
		snprintf(error->text, sizeof(error->text), "line %d, column %d: %s", problem.line,
			 problem.column, problem.text);
	return json;
}

struct tree *tree_read(const char *bytes, size_t n, struct tree_error *error)
{
	json_t *json = load(bytes, n, error);
	struct tree *t;

	if (!json)
		return NULL;
	t = calloc(1, sizeof(*t));
	if (t)
		t->nodes = calloc(count_nodes(json), sizeof(*t->nodes));
	if (!t || !t->nodes) {
		snprintf(error->text, sizeof(error->text), "memory is exhausted");
		json_decref(json);
		free(t);
		return NULL;
	}
	t->json = json;
	t->n_nodes = 1;
	fill_node(t, t->nodes, json);
	return t;
}

const struct tree_node *tree_root(const struct tree *t)
{
	return t->nodes;
}

void tree_free(struct tree *t)
{
	if (!t)
		return;
	json_decref(t->json);
	free(t->nodes);
	free(t);
}

/* ---- finding ---- */

const struct tree_node *tree_member(const struct tree_node *node, const char *key)
{
	for (size_t i = 0; node->kind == TREE_OBJECT && i < node->n_items; i++)
		if (!strcmp(node->items[i].key, key))
			return &node->items[i];
	return NULL;
}

/* Puts one step in front of what begins at AT; returns where it begins now, or NULL if it does
 * not fit behind BUF. */
static char *put_step(char *buf, char *at, const struct tree_node *node)
{
	char index[32];
	const char *step = node->key;
	size_t n;

	if (!step) {
		snprintf(index, sizeof(index), "[%zu]", node->index);
		step = index;
	}
	n = strlen(step);
	if (n + 1 > (size_t)(at - buf))
		return NULL;
	if (*at && *at != '[')
		*--at = '.';
	return memcpy(at - n, step, n);
}

char *tree_path(const struct tree_node *node, char *buf, size_t size)
{
	char *at = buf + size - 1, *next;

	*at = '\0';
	for (; node->parent; node = node->parent) {
		next = put_step(buf, at, node);
		if (!next)
			break;
		at = next;
	}
	memmove(buf, at, (size_t)(buf + size - at));
	if (!*buf)
		snprintf(buf, size, ".");
	return buf;
}

bool tree_fail(const struct tree_node *node, const char *key, const char *what,
	       struct tree_error *error)
{
	char path[160];
	bool top = !node->parent;

	tree_path(node, path, sizeof(path));
	snprintf(error->text, sizeof(error->text), "%s%s%.40s %s", key && top ? "" : path,
		 key && !top ? "." : "", key ? key : "", what);
	return false;
}

/* The node that is meant; NULL: *ERROR says that it is missing. */
static const struct tree_node *find(const struct tree_node *node, const char *key,
				    struct tree_error *error)
{
	const struct tree_node *found = key ? tree_member(node, key) : node;

	if (!found && node->kind == TREE_OBJECT)
		tree_fail(node, key, "is missing", error);
	else if (!found)
		tree_fail(node, NULL, "is no object", error);
	return found;
}

/* The same, of one KIND. */
static const struct tree_node *find_kind(const struct tree_node *node, const char *key,
					 enum tree_kind kind, struct tree_error *error)
{
	const struct tree_node *found = find(node, key, error);
	char what[40];

	if (!found || found->kind == kind || (kind == TREE_NUMBER && found->kind == TREE_INTEGER))
		return found;
	snprintf(what, sizeof(what), "is not %s", kinds[kind]);
	tree_fail(found, NULL, what, error);
	return NULL;
}

/* ---- by type ---- */

bool tree_text(const struct tree_node *node, const char *key, const char **value,
	       struct tree_error *error)
{
	const struct tree_node *found = find_kind(node, key, TREE_TEXT, error);

	if (found)
		*value = found->text;
	return found;
}

bool tree_text_or_null(const struct tree_node *node, const char *key, const char **value,
		       struct tree_error *error)
{
	const struct tree_node *found = find(node, key, error);

	if (!found || found->kind != TREE_NULL)
		return found && tree_text(found, NULL, value, error);
	*value = NULL;
	return true;
}

bool tree_number(const struct tree_node *node, const char *key, double *value,
		 struct tree_error *error)
{
	const struct tree_node *found = find_kind(node, key, TREE_NUMBER, error);

	if (found)
		*value = found->number;
	return found;
}

bool tree_integer(const struct tree_node *node, const char *key, int64_t low, int64_t high,
		  int64_t *value, struct tree_error *error)
{
	const struct tree_node *found = find_kind(node, key, TREE_INTEGER, error);
	char what[80];

	if (!found)
		return false;
	if (found->integer < low || found->integer > high) {
		snprintf(what, sizeof(what), "is not from %lld to %lld", (long long)low,
			 (long long)high);
		return tree_fail(found, NULL, what, error);
	}
	*value = found->integer;
	return true;
}

bool tree_truth(const struct tree_node *node, const char *key, bool *value,
		struct tree_error *error)
{
	const struct tree_node *found = find_kind(node, key, TREE_TRUTH, error);

	if (found)
		*value = found->truth;
	return found;
}

bool tree_list(const struct tree_node *node, const char *key, const struct tree_node **value,
	       struct tree_error *error)
{
	const struct tree_node *found = find_kind(node, key, TREE_LIST, error);

	if (found)
		*value = found;
	return found;
}

bool tree_object(const struct tree_node *node, const char *key, const struct tree_node **value,
		 struct tree_error *error)
{
	const struct tree_node *found = find_kind(node, key, TREE_OBJECT, error);

	if (found)
		*value = found;
	return found;
}
