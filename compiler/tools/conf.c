#include <config.h>

#include "compiler/tools/conf.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compiler/base/text.h"
#include "compiler/tools/settings.h"
#include "grammar/parse.h"

struct reading {
	struct options *o;
	struct ctx *ctx;
	uint32_t source;
	enum setting_rank rank;
	struct rule_levels levels;
	struct texts roots;
	struct span seen[N_SETTINGS];
	bool has[N_SETTINGS];
};

#define ARENA(r) ((r)->o->arena)

/* ---- properties ---- */

static const char *where_of(struct reading *r, struct span span)
{
	const struct source *src = source_at(&r->ctx->sources, span.source);

	return arena_printf(ARENA(r), "%s:%zu", src->path, source_place(src, span.start).line);
}

static const char *text_of(struct reading *r, struct span span)
{
	return arena_strndup(ARENA(r), source_at(&r->ctx->sources, span.source)->text + span.start,
			     span.end - span.start);
}

/* What a path means that stands in the file. */
static const char *beside_file(struct reading *r, const char *path)
{
	const char *file = source_at(&r->ctx->sources, r->source)->path,
		   *slash = strrchr(file, '/');

	if (*path == '/' || !slash)
		return arena_strdup(ARENA(r), path);
	return arena_printf(ARENA(r), "%.*s/%s", (int)(slash - file), file, path);
}

static void report_rule(struct reading *r, struct span span, const char *name)
{
	struct diag *d = diag_add(&r->ctx->diags, E0301, span, "there is no lint rule '%s'", name);
	struct nearest near = nearest_to(name);

	for (enum diag_code code = 0; code < N_DIAG_CODES; code++)
		if (lint_facts(code))
			nearest_try(&near, diag_page(code)->slug);
	if (near.name) {
		diag_label(&r->ctx->diags, d, "did you mean '%s'?", near.name);
		diag_fix(&r->ctx->diags, d, MAYBE_INCORRECT, span, near.name, "write '%s'",
			 near.name);
	} else {
		diag_help(&r->ctx->diags, d, "epic lint --rules lists them");
	}
}

static bool is_rule(const char *name)
{
	for (enum diag_code code = 0; code < N_DIAG_CODES; code++)
		if (lint_facts(code) &&
		    (!strcmp(diag_page(code)->slug, name) || !strcmp(diag_page(code)->code, name)))
			return true;
	return false;
}

static void read_rules(struct reading *r, const struct ast_stmt *s, char letter)
{
	for (size_t i = 0; i < s->property.values.n; i++) {
		struct span span = s->property.values.at[i]->span;
		const char *name = text_of(r, span);

		if (is_rule(name))
			vec_push(ARENA(r), &r->levels,
				 ((struct rule_level){ letter, name, where_of(r, span) }));
		else
			report_rule(r, span, name);
	}
}

static void read_deny(struct reading *r, const struct ast_stmt *s)
{
	read_rules(r, s, 'D');
}

static void read_warn(struct reading *r, const struct ast_stmt *s)
{
	read_rules(r, s, 'W');
}

static void read_allow(struct reading *r, const struct ast_stmt *s)
{
	read_rules(r, s, 'A');
}

static void read_include(struct reading *r, const struct ast_stmt *s)
{
	for (size_t i = 0; i < s->property.values.n; i++) {
		const struct ast_expr *e = s->property.values.at[i];

		if (e->kind == AST_STRING)
			vec_push(ARENA(r), &r->roots, beside_file(r, e->text));
		else if (e->kind != AST_ERROR)
			diag_add(&r->ctx->diags, E0401, e->span,
				 "'include' takes strings, the paths of directories");
	}
}

static const struct {
	const char *name;
	void (*read)(struct reading *, const struct ast_stmt *);
} lists[] = {
	{ "deny", read_deny },
	{ "warn", read_warn },
	{ "allow", read_allow },
	{ "include", read_include },
};

enum { N_LISTS = sizeof(lists) / sizeof(*lists) };

static void read_setting(struct reading *r, const struct ast_stmt *s, enum setting_id id)
{
	const struct setting *setting = &settings[id];
	const struct ast_exprs *values = &s->property.values;
	const struct ast_expr *e = values->at[0];
	const char *value;

	if (r->has[id]) {
		diag_also(&r->ctx->diags,
			  diag_add(&r->ctx->diags, E0306, s->name.span, "'%s' is given twice",
				   s->name.name),
			  r->seen[id], "first here");
		return;
	}
	r->has[id] = true;
	r->seen[id] = s->name.span;
	if (e->kind == AST_ERROR)
		return;
	value = e->kind == AST_STRING ? arena_strdup(ARENA(r), e->text) : text_of(r, e->span);
	if (setting->path && e->kind == AST_STRING && *value)
		value = beside_file(r, value);
	if (values->n != 1 || (e->kind == AST_STRING) != setting->text ||
	    !setting_set(r->o, id, value, r->rank, where_of(r, s->span)))
		diag_add(&r->ctx->diags, E0401, span_join(e->span, values->at[values->n - 1]->span),
			 "'%s' takes %s", setting->name, setting->form);
}

static void report_unknown(struct reading *r, const struct ast_name *name)
{
	struct diag *d = diag_add(&r->ctx->diags, E0305, name->span,
				  "a configuration file has no property '%s'", name->name);
	struct nearest near = nearest_to(name->name);

	for (size_t i = 0; i < N_LISTS; i++)
		nearest_try(&near, lists[i].name);
	for (enum setting_id id = 0; id < N_SETTINGS; id++)
		nearest_try(&near, settings[id].name);
	if (near.name) {
		diag_label(&r->ctx->diags, d, "did you mean '%s'?", near.name);
		diag_fix(&r->ctx->diags, d, MAYBE_INCORRECT, name->span, near.name, "write '%s'",
			 near.name);
	}
}

/* What begins like a clause is the next property, behind a forgotten semicolon. */
static void report_semicolon(struct reading *r, const struct ast_stmt *s)
{
	struct span last = s->property.values.at[s->property.values.n - 1]->span;

	diag_fix(&r->ctx->diags,
		 diag_add(&r->ctx->diags, E0204, last, "a ';' is missing behind this"),
		 MACHINE_APPLICABLE, (struct span){ last.source, last.end, last.end }, ";",
		 "insert ';'");
}

/* `=` and annotations belong to policies. */
static bool is_plain_property(struct reading *r, const struct ast_stmt *s)
{
	if (s->kind == STMT_PROPERTY && !s->property.rhs && !s->annots.n) {
		if (s->property.clauses.n)
			report_semicolon(r, s);
		return !s->property.clauses.n;
	}
	diag_help(
	    &r->ctx->diags,
	    diag_add(&r->ctx->diags, E0206, s->span, "a configuration file holds properties only"),
	    "write a property like 'deny literal-secret;'; what nodes may do stands in policies "
	    "(.epi)");
	return false;
}

static void read_property(struct reading *r, const struct ast_stmt *s)
{
	enum setting_id id;

	if (!is_plain_property(r, s))
		return;
	for (size_t i = 0; i < N_LISTS; i++)
		if (!strcmp(lists[i].name, s->name.name)) {
			lists[i].read(r, s);
			return;
		}
	id = setting_find(s->name.name);
	if (id < N_SETTINGS)
		read_setting(r, s, id);
	else
		report_unknown(r, &s->name);
}

/* ---- files ---- */

static bool add_source(struct reading *r, const char *path)
{
	struct sink s = { 0 };
	size_t bad = 0;
	bool ok = file_read(path, &s);

	if (!ok)
		diag_add(&r->ctx->diags, E0002, SPAN_NONE, "cannot read %s: %s", path,
			 strerror(errno));
	else
		r->source = source_add(&r->ctx->sources, arena_strdup(r->ctx->arena, path), path,
				       arena_strndup(r->ctx->arena, s.data, s.size), s.size);
	if (ok && (!text_is_utf8(s.data, s.size, &bad) || memchr(s.data, '\0', s.size))) {
		diag_add(&r->ctx->diags, E0003, SPAN_NONE, "%s is not plain UTF-8", path);
		ok = false;
	}
	sink_free(&s);
	return ok;
}

/* Stronger files come first among search roots, last among levels. */
static void read_file(struct reading *r, const char *path, enum setting_rank rank)
{
	const struct ast_file *file;
	struct rule_levels weaker = r->levels;
	struct texts roots = r->roots;

	vec_push(ARENA(r), &r->o->conf_files, path);
	if (!add_source(r, path))
		return;
	r->rank = rank;
	r->levels = (struct rule_levels){ 0 };
	r->roots = (struct texts){ 0 };
	memset(r->has, 0, sizeof(r->has));
	file = parse_properties(r->ctx, r->source);
	for (size_t i = 0; i < file->items.n; i++)
		read_property(r, file->items.at[i]);
	for (size_t i = 0; i < r->levels.n; i++)
		vec_push(ARENA(r), &weaker, r->levels.at[i]);
	for (size_t i = 0; i < roots.n; i++)
		vec_push(ARENA(r), &r->roots, roots.at[i]);
	r->levels = weaker;
}

static bool is_file(const char *path)
{
	struct stat st;

	return !stat(path, &st) && !S_ISDIR(st.st_mode);
}

static bool is_directory(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* As people would name it from where they are. */
static const char *shown(struct arena *a, const char *path)
{
	char here[PATH_MAX];
	size_t n;

	if (!getcwd(here, sizeof(here)))
		return arena_strdup(a, path);
	n = strlen(here);
	return arena_strdup(a, !strncmp(path, here, n) && path[n] == '/' ? path + n + 1 : path);
}

static const char *nearest_file(struct arena *a, const char *root)
{
	char directory[PATH_MAX], *slash;

	if (!realpath(root ? root : ".", directory))
		return NULL;
	if (!is_directory(directory))
		*strrchr(directory, '/') = '\0';
	for (;;) {
		const char *path = arena_printf(a, "%s/epic.conf", directory);

		if (is_file(path))
			return shown(a, path);
		slash = strrchr(directory, '/');
		if (!slash)
			return NULL;
		*slash = '\0';
	}
}

static const char *project_file(struct options *o, const char *root)
{
	const char *variable = getenv("EPIC_CONFIG");

	if (o->config)
		return o->config;
	return variable && *variable ? variable : nearest_file(o->arena, root);
}

static const char *user_file(struct arena *a)
{
	const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME"), *path = NULL;

	if (base && *base == '/')
		path = arena_printf(a, "%s/epic/epic.conf", base);
	else if (home && *home)
		path = arena_printf(a, "%s/.config/epic/epic.conf", home);
	return path && is_file(path) ? path : NULL;
}

/* Flags come behind files in the levels, and before them among the roots. */
static void merge(struct reading *r)
{
	struct options *o = r->o;
	struct texts roots = { 0 };

	for (size_t i = 0; i < o->levels.n; i++)
		vec_push(ARENA(r), &r->levels, o->levels.at[i]);
	o->levels = r->levels;
	for (size_t i = 0; i < o->search.n_roots; i++)
		vec_push(ARENA(r), &roots, o->search.roots[i]);
	for (size_t i = 0; i < r->roots.n; i++)
		vec_push(ARENA(r), &roots, r->roots.at[i]);
	o->search.roots = roots.at;
	o->search.n_roots = roots.n;
}

bool conf_apply(struct options *o, struct ctx *ctx, const char *root)
{
	struct reading r = { .o = o, .ctx = ctx };
	size_t before = ctx->diags.n_errors;
	const char *user, *project;

	if (o->no_config)
		return true;
	user = user_file(o->arena);
	project = project_file(o, root);
	if (user)
		read_file(&r, user, FROM_USER);
	if (project)
		read_file(&r, project, FROM_PROJECT);
	merge(&r);
	settings_finish(o);
	return ctx->diags.n_errors == before;
}

/* The first argument that is there: packets, subjects and places in files are not. */
static const char *root_of(const struct options *o)
{
	struct stat st;

	for (size_t i = 0; i < o->files.n; i++)
		if (!stat(o->files.at[i], &st))
			return o->files.at[i];
	return NULL;
}

bool conf_read(struct run *r, struct options *o)
{
	struct ctx *ctx = ctx_new();
	bool ok = conf_apply(o, ctx, root_of(o));

	if (!ok) {
		print_diags(r, ctx);
		print_end(r, EXIT_USAGE);
	}
	ctx_free(ctx);
	return ok;
}
