/* Where a name that was not found is declared: in a module of the standard library that the file
 * does not use.  The library is read once, when the first name is missing. */
#include <config.h>

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/sink.h"
#include "compiler/check/private.h"
#include "grammar/parse.h"

struct offer {
	const char *name;
	const char *module; /* std.services */
	unsigned kinds;
};

struct offers {
	struct offer *at;
	size_t n, cap;
};

static unsigned kind_of(const struct ast_stmt *s)
{
	static const unsigned kinds[N_DECLS] = {
		[DECL_ATTRIBUTE] = KIND(ATTRIBUTE),
		[DECL_FUNCTION] = KIND(FUNCTION),
		[DECL_DOMAIN] = KIND(DOMAIN),
	};

	return s->kind == STMT_LET          ? KIND(LET)
	       : s->kind == STMT_ATTRIBUTES ? KIND(ATTRIBUTE)
	       : s->kind == STMT_DECL       ? kinds[s->decl.kind]
					    : 0;
}

static void offer(struct check *c, const char *module, const struct ast_stmt *s)
{
	struct offer o = { s->name.name, module, kind_of(s) };

	if (s->kind != STMT_ATTRIBUTES) {
		if (o.kinds)
			vec_push(ARENA(c), c->offers, o);
		return;
	}
	for (size_t i = 0; i < s->attributes.n; i++) {
		o.name = s->attributes.at[i].name;
		vec_push(ARENA(c), c->offers, o);
	}
}

/* What is wrong in the library is of no interest here. */
static void offer_file(struct check *c, const char *path)
{
	struct ctx quiet = *c->ctx;
	struct sink s = { 0 };
	struct ast_file *ast;
	const char *module;
	size_t bad;

	if (!file_read(path, &s) || !text_is_utf8(s.data, s.size, &bad)) {
		sink_free(&s);
		return;
	}
	quiet.diags = (struct diags){ .arena = ARENA(c) };
	quiet.sources = (struct sources){ .arena = ARENA(c) };
	ast = parse_file(&quiet, source_add(&quiet.sources, path, path,
					    arena_strndup(ARENA(c), s.data, s.size), s.size));
	module = ast->has_module ? ast_names_text(ARENA(c), &ast->module) : NULL;
	for (size_t i = 0; i < ast->items.n && module; i++)
		offer(c, module, ast->items.at[i]);
	sink_free(&s);
}

static int by_text(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static void read_library(struct check *c)
{
	DIR *dir = c->model->std ? opendir(c->model->std) : NULL;
	struct words paths = { 0 };
	struct dirent *e;

	c->offers = arena_one(ARENA(c), struct offers);
	while (dir && (e = readdir(dir)))
		if (strlen(e->d_name) > 4 && !strcmp(e->d_name + strlen(e->d_name) - 4, ".epi"))
			vec_push(ARENA(c), &paths,
				 arena_printf(ARENA(c), "%s/%s", c->model->std, e->d_name));
	if (dir)
		closedir(dir);
	if (paths.n)
		qsort(paths.at, paths.n, sizeof(*paths.at), by_text);
	for (size_t i = 0; i < paths.n; i++)
		offer_file(c, paths.at[i]);
}

const char *module_that_offers(struct check *c, const char *name, unsigned kinds)
{
	if (!c->offers)
		read_library(c);
	for (size_t i = 0; i < c->offers->n; i++)
		if (c->offers->at[i].name == name && c->offers->at[i].kinds & kinds)
			return c->offers->at[i].module;
	return NULL;
}
