#include <config.h>

#include "runtime/socks/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/core/text.h"
#include "runtime/socks/setup.h"

enum { MOST_BYTES = 1 << 20, N_PARTS = 3 };

static const char *const parts[N_PARTS] = { "settings", "classes", "links" };

struct settings {
	struct tree *tree;
	const struct tree_node *at[N_PARTS]; /* objects, or NULL */
};

static bool file_read(const char *path, struct text *t, struct setup_error *error)
{
	FILE *f = fopen(path, "re");
	char buf[4096];
	size_t n;

	while (f && t->n <= MOST_BYTES && (n = fread(buf, 1, sizeof(buf), f)))
		text_add(t, buf, n);
	if (!f || ferror(f))
		snprintf(error->text, sizeof(error->text), "%s: %s", path, strerror(errno));
	else if (t->n > MOST_BYTES)
		snprintf(error->text, sizeof(error->text), "%s: too long for settings", path);
	else {
		fclose(f);
		return true;
	}
	if (f)
		fclose(f);
	return false;
}

static bool is_text(const struct tree_node *n, struct tree_error *error)
{
	const char *text;

	return tree_text(n, NULL, &text, error);
}

static bool is_link(const struct tree_node *n, struct tree_error *error)
{
	struct epi_link link;
	const char *text;

	if (!tree_text(n, NULL, &text, error))
		return false;
	if (epi_link_parse((struct wire_span){ (const uint8_t *)text, strlen(text) }, &link) &&
	    link.version == 6 && link.at.kind != WIRE_NAME)
		return true;
	return tree_fail(n, NULL, "write socks6://ADDRESS:PORT", error);
}

static bool is_object(const struct tree_node *n, struct tree_error *error)
{
	const struct tree_node *object;

	return tree_object(n, NULL, &object, error);
}

static bool part_check(const struct tree_node *part, int which, struct tree_error *error)
{
	static bool (*const checks[N_PARTS])(const struct tree_node *,
					     struct tree_error *) = { is_object, is_text, is_link };

	if (!is_object(part, error))
		return false;
	for (size_t i = 0; i < part->n_items; i++)
		if (!checks[which](&part->items[i], error))
			return false;
	return true;
}

static bool parts_find(struct settings *s, struct tree_error *error)
{
	const struct tree_node *root = tree_root(s->tree);

	if (!is_object(root, error))
		return false;
	for (size_t i = 0; i < root->n_items; i++) {
		int which = 0;

		while (which < N_PARTS && strcmp(parts[which], root->items[i].key))
			which++;
		if (which == N_PARTS)
			return tree_fail(&root->items[i], NULL,
					 "unknown; there are settings, classes and links", error);
		s->at[which] = &root->items[i];
		if (!part_check(s->at[which], which, error))
			return false;
	}
	return true;
}

struct settings *settings_read(const char *path, struct setup_error *error)
{
	struct settings *s = calloc(1, sizeof(*s));
	struct tree_error why = { "no memory" };
	struct text t = { 0 };
	bool good = false;

	snprintf(error->text, sizeof(error->text), "no memory");
	if (s && file_read(path, &t, error)) {
		s->tree = t.failed ? NULL : tree_read(t.at ? t.at : "", t.n, &why);
		good = s->tree && parts_find(s, &why);
		if (!good)
			snprintf(error->text, sizeof(error->text), "%s: %s", path, why.text);
	}
	text_free(&t);
	if (good)
		return s;
	settings_free(s);
	return NULL;
}

void settings_free(struct settings *s)
{
	if (!s)
		return;
	tree_free(s->tree);
	free(s);
}

static const struct tree_node *find(const struct settings *s, int part, const char *name)
{
	return s && s->at[part] ? tree_member(s->at[part], name) : NULL;
}

const struct tree_node *settings_of(const struct settings *s, const char *name)
{
	return find(s, 0, name);
}

const char *settings_class(const struct settings *s, const char *name)
{
	const struct tree_node *n = find(s, 1, name);

	return n ? n->text : NULL;
}

bool settings_link(const struct settings *s, const char *name, struct wire_address *at)
{
	const struct tree_node *n = find(s, 2, name);
	struct epi_link link;

	if (!n ||
	    !epi_link_parse((struct wire_span){ (const uint8_t *)n->text, strlen(n->text) }, &link))
		return false;
	*at = link.at;
	return true;
}

size_t settings_count(const struct settings *s)
{
	size_t n = 0;

	for (int i = 0; i < N_PARTS; i++)
		n += s->at[i] ? s->at[i]->n_items : 0;
	return n;
}

const char *settings_name(const struct settings *s, size_t i)
{
	int part = 0;

	while (!s->at[part] || i >= s->at[part]->n_items) {
		i -= s->at[part] ? s->at[part]->n_items : 0;
		part++;
	}
	return s->at[part]->items[i].key;
}
