/* Where a name is declared, where it is used, and another name for it. */
#include <config.h>

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/text.h"
#include "compiler/check/names.h"
#include "compiler/tools/lsp.h"
#include "grammar/parse.h"

/* ---- what is meant ---- */

/* A symbol as every file sees it: the place of its declaration. */
struct declared {
	const struct symbol *sym; /* NULL: nothing is named here */
	struct analysis *a;
	struct span at; /* where the client pointed, in the analysed text */
	struct view view;
};

static struct declared declared_at(struct call *c, enum freshness freshness)
{
	struct declared d = { .view = view_of(c->l, c->doc, freshness) };
	const struct use *use;
	uint32_t old;

	if (!view_old(&d.view, c->offset, &old) || !(use = use_at(d.view.a, old)))
		return d;
	d.a = d.view.a;
	d.sym = use->sym;
	d.at = use->span;
	return d;
}

void lsp_definition(struct call *c)
{
	struct view v = view_of(c->l, c->doc, VIEW_SOON);
	const struct use *use;
	struct span span;
	size_t start, end;
	uint32_t old;

	if (!view_old(&v, c->offset, &old) || !(use = use_at(v.a, old)))
		return;
	if (use->sym && !use->sym->module && use->sym->kind != SYM_INSTANCE)
		return; /* predefined */
	span = use->sym ? use->sym->span : (struct span){ use->module->source, 0, 0 };
	if (span.source) {
		sink_location(c->out, c->l, v.a->ctx, span);
	} else if (view_new(&v, span.start, span.end, &start, &end)) {
		sink_puts(c->out, "{\"uri\": ");
		sink_json(c->out, c->doc->uri);
		sink_puts(c->out, ", \"range\": ");
		sink_range(c->out, c->l, &c->doc->text, start, end);
		sink_putc(c->out, '}');
	}
}

void lsp_highlight(struct call *c)
{
	struct declared d = declared_at(c, VIEW_SOON);
	bool first = true;
	size_t start, end;

	sink_putc(c->out, '[');
	for (size_t i = 0; d.sym && i < d.a->model->uses.n; i++) {
		const struct use *use = &d.a->model->uses.at[i];

		if (use->sym != d.sym || use->span.source ||
		    !view_new(&d.view, use->span.start, use->span.end, &start, &end))
			continue;
		sink_puts(c->out, first ? "{\"range\": " : ", {\"range\": ");
		sink_range(c->out, c->l, &c->doc->text, start, end);
		sink_putc(c->out, '}');
		first = false;
	}
	sink_putc(c->out, ']');
}

/* ---- the files of the workspace ---- */

enum { DEEPEST_FOLDER = 8, MOST_FILES = 500 };

static bool has_path(const struct words *paths, const char *path)
{
	for (size_t i = 0; i < paths->n; i++)
		if (!strcmp(paths->at[i], path))
			return true;
	return false;
}

static bool is_policy(const char *name)
{
	size_t n = strlen(name);

	return n > 4 && !strcmp(name + n - 4, ".epi");
}

static void add_folder(struct arena *arena, const char *path, unsigned depth, struct words *paths)
{
	struct dirent **list;
	int n = depth < DEEPEST_FOLDER ? scandir(path, &list, NULL, alphasort) : -1;

	for (int i = 0; i < n; i++) {
		const char *name = list[i]->d_name,
			   *full = arena_printf(arena, "%s/%s", path, name);

		if (name[0] != '.' && paths->n < MOST_FILES) {
			if (list[i]->d_type == DT_DIR)
				add_folder(arena, full, depth + 1, paths);
			else if (is_policy(name) && !has_path(paths, full))
				vec_push(arena, paths, full);
		}
		free(list[i]);
	}
	if (n >= 0)
		free(list);
}

static struct words workspace_files(struct call *c)
{
	struct words paths = { 0 };

	for (size_t i = 0; i < c->l->n_docs; i++)
		vec_push(c->arena, &paths, c->l->docs[i]->path);
	for (size_t i = 0; i < c->l->n_folders; i++)
		add_folder(c->arena, c->l->folders[i], 0, &paths);
	return paths;
}

/* ---- uses in all of them ---- */

struct place_of_use {
	const char *path; /* real */
	uint32_t start, end;
	struct source text;
};

struct places {
	struct place_of_use *at;
	size_t n, cap;
};

static const char *real_source(struct call *c, const struct analysis *a, uint32_t source)
{
	char *path = real_name(source_at(&a->ctx->sources, source)->path);
	const char *copy = arena_strdup(c->arena, path);

	free(path);
	return copy;
}

static bool same_declaration(struct call *c, const struct analysis *a, const struct symbol *sym,
			     const char *path, uint32_t start)
{
	return sym->span.start == start && sym->module &&
	       !strcmp(real_source(c, a, sym->span.source), path);
}

static bool is_listed(const struct places *places, const char *path, uint32_t start)
{
	for (size_t i = 0; i < places->n; i++)
		if (places->at[i].start == start && !strcmp(places->at[i].path, path))
			return true;
	return false;
}

static void add_uses(struct call *c, struct analysis *a, const char *path, uint32_t start,
		     const char *name, struct places *places)
{
	uses_sort(a);
	for (size_t i = 0; i < a->model->uses.n; i++) {
		const struct use *use = &a->model->uses.at[i];
		const struct source *src;
		struct place_of_use p;

		if (!use->sym || strcmp(use->sym->name, name) ||
		    !same_declaration(c, a, use->sym, path, start))
			continue;
		src = source_at(&a->ctx->sources, use->span.source);
		p = (struct place_of_use){ real_source(c, a, use->span.source), use->span.start,
					   use->span.end, *src };
		if (!is_listed(places, p.path, p.start))
			vec_push(c->arena, places, p);
	}
}

static int place_cmp(const void *x, const void *y)
{
	const struct place_of_use *a = x, *b = y;
	int by_path = strcmp(a->path, b->path);

	return by_path ? by_path : (a->start > b->start) - (a->start < b->start);
}

/* The analyses are handed out for their texts; the caller frees them. */
static struct places places_of(struct call *c, const struct declared *d, struct analysis ***made,
			       size_t *n)
{
	const char *path = real_source(c, d->a, d->sym->span.source);
	struct words files = workspace_files(c);
	struct places places = { 0 };

	*made = arena_many(c->arena, struct analysis *, files.n + 1);
	*n = 0;
	add_uses(c, d->a, path, d->sym->span.start, d->sym->name, &places);
	for (size_t i = 0; i < files.n; i++) {
		struct analysis *a = analysis_new(c->l, files.at[i]);

		(*made)[(*n)++] = a;
		if (a->model)
			add_uses(c, a, path, d->sym->span.start, d->sym->name, &places);
	}
	if (places.n)
		qsort(places.at, places.n, sizeof(*places.at), place_cmp);
	return places;
}

void lsp_references(struct call *c)
{
	struct declared d = declared_at(c, VIEW_NEW);
	const struct tree_node *context = json_member(c->params, "context");
	struct analysis **made;
	struct places places;
	bool with_declaration = true, first = true;
	const char *home;
	size_t n;

	if (!d.sym || !d.sym->module)
		return;
	json_truth(context, "includeDeclaration", &with_declaration);
	home = real_source(c, d.a, d.sym->span.source);
	places = places_of(c, &d, &made, &n);
	sink_putc(c->out, '[');
	for (size_t i = 0; i < places.n; i++) {
		const struct place_of_use *p = &places.at[i];

		if (!with_declaration && p->start == d.sym->span.start && !strcmp(p->path, home))
			continue;
		sink_puts(c->out, first ? "{\"uri\": " : ", {\"uri\": ");
		sink_json(c->out, path_uri(c->l, c->arena, p->path));
		sink_puts(c->out, ", \"range\": ");
		sink_range(c->out, c->l, &p->text, p->start, p->end);
		sink_putc(c->out, '}');
		first = false;
	}
	sink_putc(c->out, ']');
	while (n)
		analysis_free(made[--n]);
}

/* ---- another name ---- */

static bool in_library(struct call *c, const char *path)
{
	const char *std = c->l->options.search.std;
	char *real = std ? realpath(std, NULL) : NULL;
	bool below = real && !strncmp(path, real, strlen(real)) && path[strlen(real)] == '/';

	free(real);
	return below;
}

static bool may_rename(struct call *c, const struct declared *d)
{
	if (!d->sym) {
		call_refuse(c, RPC_FAILED, "there is no name here that could be changed");
		return false;
	}
	if (!d->sym->module) {
		call_refuse(c, RPC_FAILED, "'%s' is predefined and keeps its name", d->sym->name);
		return false;
	}
	if (in_library(c, real_source(c, d->a, d->sym->span.source))) {
		call_refuse(c, RPC_FAILED,
			    "'%s' belongs to the standard library and keeps its name",
			    d->sym->canonical);
		return false;
	}
	if (d->a != c->doc->now || c->doc->now->model->root->ast->broken) {
		call_refuse(c, RPC_FAILED,
			    "the file has syntax errors; mend them before names are changed");
		return false;
	}
	return true;
}

void lsp_prepare_rename(struct call *c)
{
	struct declared d = declared_at(c, VIEW_NEW);

	if (!may_rename(c, &d))
		return;
	sink_puts(c->out, "{\"range\": ");
	sink_range(c->out, c->l, &c->doc->text, d.at.start, d.at.end);
	sink_puts(c->out, ", \"placeholder\": ");
	sink_json(c->out, d.sym->name);
	sink_putc(c->out, '}');
}

static bool is_name(const char *name)
{
	if (!isalpha((unsigned char)*name) && *name != '_')
		return false;
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '_' &&
		    !(*p == '-' && (isalnum((unsigned char)p[1]) || p[1] == '_')))
			return false;
	for (const char *const *w = reserved_words(); *w; w++)
		if (!strcmp(*w, name))
			return false;
	return true;
}

static void put_edits(struct call *c, const struct places *places, const char *name)
{
	sink_puts(c->out, "{\"changes\": {");
	for (size_t i = 0; i < places->n; i++) {
		const struct place_of_use *p = &places->at[i];
		bool new_file = !i || strcmp(p->path, p[-1].path);

		if (new_file) {
			sink_puts(c->out, i ? "], " : "");
			sink_json(c->out, path_uri(c->l, c->arena, p->path));
			sink_puts(c->out, ": [");
		}
		sink_puts(c->out, new_file ? "{\"range\": " : ", {\"range\": ");
		sink_range(c->out, c->l, &p->text, p->start, p->end);
		sink_puts(c->out, ", \"newText\": ");
		sink_json(c->out, name);
		sink_putc(c->out, '}');
	}
	sink_puts(c->out, places->n ? "]}}" : "}}");
}

void lsp_rename(struct call *c)
{
	struct declared d = declared_at(c, VIEW_NEW);
	struct analysis **made;
	struct places places;
	const char *name;
	size_t n;

	if (!may_rename(c, &d))
		return;
	if (!json_text(c->params, "newName", &name) || !is_name(name)) {
		call_refuse(c, RPC_INVALID_PARAMS,
			    "a name begins with a letter and has letters, digits, '_' and '-'; "
			    "reserved words are none");
		return;
	}
	if (names_sibling(d.a->model, d.sym, name)) {
		call_refuse(c, RPC_FAILED, "'%s' is declared already", name);
		return;
	}
	places = places_of(c, &d, &made, &n);
	put_edits(c, &places, name);
	while (n)
		analysis_free(made[--n]);
}
