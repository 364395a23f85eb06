#include <config.h>

#include "runtime/dpdk/launch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/core/json_read.h"

enum { LAUNCH_MOST = 1 << 20, LCORE_MOST = 1023 };

static bool fail(struct launch_error *error, const char *path, const char *why)
{
	snprintf(error->text, sizeof(error->text), "%s: %s", path, why);
	return false;
}

static char *read_file(const char *path, size_t *n, struct launch_error *error)
{
	FILE *f = fopen(path, "rb");
	char *bytes = f ? malloc(LAUNCH_MOST + 1) : NULL;

	if (!bytes) {
		fail(error, path, strerror(errno));
		if (f)
			fclose(f);
		return NULL;
	}
	*n = fread(bytes, 1, LAUNCH_MOST + 1, f);
	if (ferror(f) || *n > LAUNCH_MOST) {
		fail(error, path, ferror(f) ? strerror(errno) : "no launch file is so large");
		free(bytes);
		bytes = NULL;
	}
	fclose(f);
	return bytes;
}

static char *beside(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');
	char *at;

	if (*name == '/' || !slash)
		return strdup(name);
	return asprintf(&at, "%.*s/%s", (int)(slash - path), path, name) < 0 ? NULL : at;
}

static bool read_eal(struct launch *l, const struct tree_node *list, struct tree_error *error)
{
	l->eal = calloc(list->n_items + 1, sizeof(*l->eal));
	for (size_t i = 0; l->eal && i < list->n_items; i++) {
		const char *text;

		if (!tree_text(&list->items[i], NULL, &text, error))
			return false;
		l->eal[l->n_eal] = strdup(text);
		l->n_eal += l->eal[l->n_eal] != NULL;
	}
	return l->n_eal == list->n_items;
}

static bool read_lcores(struct launch *l, const struct tree_node *list, struct tree_error *error)
{
	l->lcores = calloc(list->n_items + 1, sizeof(*l->lcores));
	for (size_t i = 0; l->lcores && i < list->n_items; i++) {
		int64_t core;

		if (!tree_integer(&list->items[i], NULL, 0, LCORE_MOST, &core, error))
			return false;
		l->lcores[l->n_lcores++] = (unsigned)core;
	}
	return l->n_lcores == list->n_items;
}

static bool read_root(const char *path, struct launch *l, const struct tree_node *root,
		      struct tree_error *error)
{
	const struct tree_node *eal, *lcores;
	const char *plan, *target;

	if (!tree_text(root, "plan", &plan, error) || !tree_text(root, "target", &target, error) ||
	    !tree_list(root, "eal", &eal, error) || !tree_list(root, "lcores", &lcores, error) ||
	    !read_eal(l, eal, error) || !read_lcores(l, lcores, error))
		return false;
	l->plan = beside(path, plan);
	l->target = strdup(target);
	return l->plan && l->target;
}

bool launch_read(const char *path, struct launch *l, struct launch_error *error)
{
	struct tree_error why = { "no memory" };
	size_t n;
	char *bytes = read_file(path, &n, error);
	struct tree *tree = bytes ? tree_read(bytes, n, &why) : NULL;
	bool good = false;

	*l = (struct launch){ 0 };
	if (tree)
		good = read_root(path, l, tree_root(tree), &why);
	if (bytes && !good)
		fail(error, path, why.text);
	if (!good)
		launch_free(l);
	tree_free(tree);
	free(bytes);
	return good;
}

void launch_free(struct launch *l)
{
	for (size_t i = 0; i < l->n_eal; i++)
		free(l->eal[i]);
	free(l->eal);
	free(l->lcores);
	free(l->plan);
	free(l->target);
	*l = (struct launch){ 0 };
}
