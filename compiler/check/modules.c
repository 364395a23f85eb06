/* Modules: finding, reading and parsing the files of a policy. */
#include <config.h>

#include "compiler/check/private.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compiler/base/sink.h"
#include "grammar/parse.h"

enum { NEWEST_EDITION = 1, LARGEST_SOURCE = 1 << 30 };

static const char *dir_of(struct check *c, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return ".";
	return slash == path ? "/" : arena_strndup(ARENA(c), path, (size_t)(slash - path));
}

/* Absolute and without symbolic links; the path itself where there is no file. */
static const char *real_path(struct check *c, const char *path)
{
	char buf[PATH_MAX];

	return arena_strdup(ARENA(c), realpath(path, buf) ? buf : path);
}

static bool below(const char *path, const char *dir, const char **rest)
{
	size_t n = strlen(dir);

	if (strncmp(path, dir, n) || (path[n] != '/' && strcmp(dir, "/")))
		return false;
	*rest = path + n + (path[n] == '/');
	return true;
}

/* "../lib/a.epi" as seen from the root file's directory. */
static const char *relative(struct check *c, const char *path)
{
	const char *dir = c->root_dir, *rest;
	size_t common = 0, i;
	struct sink s = { 0 };
	const char *text;

	if (below(path, dir, &rest))
		return rest;
	for (i = 0; path[i] && path[i] == dir[i]; i++)
		if (path[i] == '/')
			common = i;
	for (i = common; dir[i]; i++)
		if (dir[i] == '/' && dir[i + 1])
			sink_puts(&s, "../");
	sink_puts(&s, path + common + 1);
	text = arena_strdup(ARENA(c), s.data);
	sink_free(&s);
	return text;
}

static const char *shown_path(struct check *c, const char *path)
{
	const char *real = real_path(c, path), *rest;

	if (c->search->std && below(real, real_path(c, c->search->std), &rest))
		return arena_printf(ARENA(c), "<std>/%s", rest);
	return relative(c, real);
}

static bool read_standard_input(struct sink *s)
{
	char piece[1 << 16];
	size_t n;

	sink_put(s, "", 0);
	while ((n = fread(piece, 1, sizeof(piece), stdin)) > 0)
		sink_put(s, piece, n);
	return !ferror(stdin);
}

/* Invalid bytes are shown at their place; the text up to there is the source. */
static void report_not_utf8(struct check *c, uint32_t source, const char *text, size_t size, size_t bad)
{
	const void *nul = memchr(text, '\0', size);
	size_t at = nul ? (size_t)((const char *)nul - text) : bad;
	struct span span = { source, (uint32_t)at, (uint32_t)at + 1 };

	if (size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		diag_add(DIAGS(c), E0003, (struct span){ source, 0, 3 },
			 "the file begins with a byte-order mark; save it as UTF-8 without one");
	else if (nul)
		diag_add(DIAGS(c), E0003, span, "the file holds a NUL byte, so it is not a text");
	else
		diag_add(DIAGS(c), E0003, span, "this byte is not UTF-8 (0x%02x)",
			 (unsigned char)text[at]);
}

static bool is_plain_text(struct check *c, uint32_t source)
{
	const struct source *src = source_at(&c->ctx->sources, source);
	size_t bad = 0;
	bool utf8 = text_is_utf8(src->text, src->size, &bad);

	if (utf8 && !memchr(src->text, '\0', src->size) &&
	    (src->size < 3 || memcmp(src->text, "\xef\xbb\xbf", 3)))
		return true;
	report_not_utf8(c, source, src->text, src->size, bad);
	return false;
}

/* A file, or the text that stands for it.  False with errno set. */
static bool read_text(struct check *c, const char *path, struct sink *s)
{
	const struct search *search = c->search;
	const char *text;
	size_t size;

	if (!search->find_text || !search->find_text(search->data, path, &text, &size))
		return file_read(path, s);
	sink_put(s, text, size);
	return true;
}

/* Reads a file into a new source.  False: reported at USE. */
static bool read_source(struct check *c, const char *path, struct span use, uint32_t *source)
{
	struct sink s = { 0 };
	bool from_stdin = !strcmp(path, "-");
	const char *shown;

	if (!(from_stdin ? read_standard_input(&s) : read_text(c, path, &s)) || s.size > LARGEST_SOURCE) {
		diag_add(DIAGS(c), E0002, use, "cannot read %s: %s", path,
			 s.size > LARGEST_SOURCE ? "it is larger than 1 GiB" : strerror(errno));
		sink_free(&s);
		return false;
	}
	shown = from_stdin ? "<stdin>" : shown_path(c, path);
	*source = source_add(&c->ctx->sources, from_stdin ? "<stdin>" : path, shown,
			     arena_strndup(ARENA(c), s.data, s.size), s.size);
	sink_free(&s);
	return is_plain_text(c, *source);
}

static const char *stem_of(struct check *c, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	const char *dot = strrchr(name, '.');

	if (!strcmp(path, "-"))
		return "stdin";
	return intern(c->ctx->names, name, dot && dot > name ? (size_t)(dot - name) : strlen(name));
}

static void check_edition(struct check *c, const struct ast_file *ast)
{
	if (ast->has_edition && ast->edition > NEWEST_EDITION)
		diag_add(DIAGS(c), E0001, ast->edition_span,
			 "this file needs an epic that knows edition %llu; this one knows edition %d",
			 (unsigned long long)ast->edition, NEWEST_EDITION);
	else if (ast->has_edition && ast->edition == 0)
		diag_add(DIAGS(c), E0404, ast->edition_span, "editions are counted from 1");
}

static struct module *module_new(struct check *c, const char *path, uint32_t source)
{
	struct module *m = arena_one(ARENA(c), struct module);

	m->source = source;
	m->loading = true;
	m->ast = parse_file(c->ctx, source);
	m->name = m->ast->has_module ?
			  intern_text(c->ctx->names, ast_names_text(ARENA(c), &m->ast->module)) :
			  stem_of(c, path);
	m->prefix = c->model->modules.n ? m->name : "";
	check_edition(c, m->ast);
	vec_push(ARENA(c), &c->model->modules, m);
	if (strcmp(path, "-"))
		map_put(&c->by_path, intern_text(c->ctx->names, real_path(c, path)), m);
	return m;
}

/* ---- looking for a module ---- */

struct request {
	const struct ast_stmt *use;
	const char *name;     /* a.b */
	const char *long_path, *short_path; /* a/b.epi, b.epi */
	struct sink tried;
};

static bool exists(struct check *c, const char *path)
{
	const struct search *search = c->search;
	const char *text;
	size_t size;

	return (search->find_text && search->find_text(search->data, path, &text, &size)) ||
	       access(path, F_OK) == 0;
}

static struct module *load(struct check *, const char *path, struct span use);

/* A file that was found by its short path counts only if it says the module's name. */
static struct module *try_file(struct check *c, struct request *r, const char *root, const char *tail,
			       bool must_say_so, bool *wrong_name)
{
	const char *path = !strcmp(root, ".") ? tail : arena_printf(ARENA(c), "%s/%s", root, tail);
	struct module *m;

	sink_printf(&r->tried, "%s%s", r->tried.size ? "\n" : "", path);
	if (!exists(c, path))
		return NULL;
	m = map_get(&c->by_path, intern_text(c->ctx->names, real_path(c, path)));
	if (!m && must_say_so) {
		/* Only its module line matters so far; errors in it are of no interest. */
		struct ctx quiet = *c->ctx;
		struct sink s = { 0 };
		struct ast_file *ast;
		bool says_so;
		size_t bad;

		if (!read_text(c, path, &s) || !text_is_utf8(s.data, s.size, &bad)) {
			sink_free(&s);
			return NULL;
		}
		quiet.diags = (struct diags){ .arena = ARENA(c) };
		quiet.sources = (struct sources){ .arena = ARENA(c) };
		ast = parse_file(&quiet, source_add(&quiet.sources, path, path,
						    arena_strndup(ARENA(c), s.data, s.size), s.size));
		says_so = ast->has_module && !strcmp(ast_names_text(ARENA(c), &ast->module), r->name);
		sink_free(&s);
		if (!says_so)
			return NULL;
	}
	if (!m)
		m = load(c, path, r->use->use.module_span);
	if (m && strcmp(m->name, r->name)) {
		if (must_say_so)
			return NULL;
		*wrong_name = true;
		diag_add(DIAGS(c), E0006, r->use->use.module_span, "%s says that it is module %s, not %s",
			 path, m->name, r->name);
		return NULL;
	}
	return m;
}

static struct module *try_root(struct check *c, struct request *r, const char *root, bool *stop)
{
	size_t before = c->ctx->diags.list.n;
	struct module *m = try_file(c, r, root, r->long_path, false, stop);

	if (!m && !*stop && c->ctx->diags.list.n > before)
		*stop = true; /* found, but unreadable */
	if (!m && !*stop && strcmp(r->long_path, r->short_path))
		m = try_file(c, r, root, r->short_path, true, stop);
	return m;
}

static void propose_standard(struct check *c, struct diag *d, const char *name)
{
	static const char *const modules[] = { "bridges", "dataplane", "nets", "nf", "privacy", "security", "services" };
	struct nearest near = nearest_to(name);

	for (size_t i = 0; i < sizeof(modules) / sizeof(*modules); i++)
		nearest_try(&near, modules[i]);
	if (near.name)
		diag_label(DIAGS(c), d, "did you mean 'std.%s'?", near.name);
	diag_help(DIAGS(c), d, "the standard library has bridges, dataplane, nets, nf, privacy, security and services");
}

static void report_not_found(struct check *c, struct request *r)
{
	struct diag *d = diag_add(DIAGS(c), E0004, r->use->use.module_span, "there is no module %s", r->name);
	char *line = strtok(r->tried.data, "\n");

	for (; line; line = strtok(NULL, "\n"))
		diag_note(DIAGS(c), d, "looked for %s", line);
	if (!strncmp(r->name, "std.", 4))
		propose_standard(c, d, r->name + 4);
	else
		diag_help(DIAGS(c), d, "put the file there, or name its folder with -I or in 'include' of epic.conf");
}

static struct module *find_module(struct check *c, const struct module *from, struct request *r)
{
	const char *path = source_at(&c->ctx->sources, from->source)->path;
	bool stop = false;
	struct module *m = try_root(c, r, strcmp(path, "<stdin>") ? dir_of(c, path) : ".", &stop);

	for (size_t i = 0; !m && !stop && i < c->search->n_roots; i++)
		m = try_root(c, r, c->search->roots[i], &stop);
	if (!m && !stop && c->search->std)
		m = try_root(c, r, c->search->std, &stop);
	if (!m && !stop)
		report_not_found(c, r);
	return m;
}

static const char *module_path(struct check *c, const struct ast_names *names)
{
	char *path = arena_printf(ARENA(c), "%s.epi", ast_names_text(ARENA(c), names));

	for (char *p = path; p[4]; p++)
		if (*p == '.')
			*p = '/';
	return path;
}

static void report_cycle(struct check *c, const struct module *m, const struct module *used, struct span at)
{
	if (m != used)
		diag_help(DIAGS(c),
			  diag_add(DIAGS(c), E0005, at, "module %s uses %s, which leads back to it", m->name, used->name),
			  "put what both need into a third module");
	else
		diag_help(DIAGS(c), diag_add(DIAGS(c), E0005, at, "module %s uses itself", m->name),
			  "leave this line out: a file knows its own names");
}

static void import(struct check *c, struct module *m, const struct ast_stmt *use)
{
	struct request r = { .use = use };
	struct module *used;

	r.name = ast_names_text(ARENA(c), &use->use.module);
	r.long_path = module_path(c, &use->use.module);
	r.short_path = arena_printf(ARENA(c), "%s.epi", use->use.module.at[use->use.module.n - 1].name);
	used = find_module(c, m, &r);
	sink_free(&r.tried);
	if (!used)
		return;
	if (used->loading) {
		report_cycle(c, m, used, use->use.module_span);
		return;
	}
	note_use(c, use->use.module_span, NULL, used);
	if (use->use.has_alias)
		note_use(c, use->name.span, NULL, used);
	declare_import(c, m, use, used);
}

/* The names of what M uses are there before M's own are looked up. */
static struct module *load_source(struct check *c, const char *path, uint32_t source)
{
	struct module *m = module_new(c, path, source);

	declare_module(c, m);
	for (size_t i = 0; i < m->ast->items.n; i++)
		if (m->ast->items.at[i]->kind == STMT_USE)
			import(c, m, m->ast->items.at[i]);
	m->loading = false;
	return m;
}

static struct module *load(struct check *c, const char *path, struct span use)
{
	uint32_t source;

	if (!read_source(c, path, use, &source))
		return NULL;
	return load_source(c, path, source);
}

struct module *modules_load_text(struct check *c, const char *text, size_t size)
{
	uint32_t source = source_add(&c->ctx->sources, "<stdin>", "<stdin>",
				     arena_strndup(ARENA(c), text, size), size);

	c->root_dir = real_path(c, ".");
	return is_plain_text(c, source) ? load_source(c, "-", source) : NULL;
}

struct module *modules_load(struct check *c, const char *path)
{
	const char *dir = real_path(c, strcmp(path, "-") ? dir_of(c, path) : ".");

	c->root_dir = dir;
	return load(c, path, SPAN_NONE);
}
