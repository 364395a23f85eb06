/* Completion: the words that may stand at a place, by what stands before it. */
#include <config.h>

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/text.h"
#include "compiler/check/names.h"
#include "compiler/tools/lsp.h"

/* CompletionItemKind of the protocol. */
enum item_kind {
	ITEM_FUNCTION = 3,
	ITEM_CLASS = 7,
	ITEM_INTERFACE = 8,
	ITEM_MODULE = 9,
	ITEM_PROPERTY = 10,
	ITEM_UNIT = 11,
	ITEM_ENUM = 13,
	ITEM_KEYWORD = 14,
	ITEM_FIELD = 5,
	ITEM_CONSTANT = 21,
	ITEM_STRUCT = 22,
	ITEM_EVENT = 23
};

struct proposing {
	struct call *c;
	struct around a;
	struct model *m; /* NULL: none was ever read */
	struct symbol *block;
	size_t start;
	bool first;
};

static void propose(struct proposing *p, const char *label, enum item_kind kind, const char *detail,
		    const char *doc)
{
	struct sink *s = p->c->out;

	sink_puts(s, p->first ? "{\"label\": " : ", {\"label\": ");
	p->first = false;
	sink_json(s, label);
	sink_printf(s, ", \"kind\": %d", kind);
	if (detail) {
		sink_puts(s, ", \"detail\": ");
		sink_json(s, detail);
	}
	if (doc) {
		sink_puts(s, ", \"documentation\": ");
		sink_json(s, doc);
	}
	sink_puts(s, ", \"textEdit\": {\"range\": ");
	sink_range(s, p->c->l, &p->c->doc->text, p->start, p->c->offset);
	sink_puts(s, ", \"newText\": ");
	sink_json(s, label);
	sink_puts(s, "}}");
}

static void propose_words(struct proposing *p, const char *words, enum item_kind kind,
			  const char *detail)
{
	for (const char *w = words; *w;) {
		size_t n = strcspn(w, " ");

		if (n)
			propose(p, arena_strndup(p->c->arena, w, n), kind, detail, NULL);
		w += n + strspn(w + n, " ");
	}
}

/* ---- names ---- */

static const enum item_kind symbol_items[N_SYMBOL_KINDS] = {
	[SYM_LET] = ITEM_CONSTANT,       [SYM_ATTRIBUTE] = ITEM_ENUM,
	[SYM_FUNCTION] = ITEM_FUNCTION,  [SYM_DOMAIN] = ITEM_MODULE,
	[SYM_NODE] = ITEM_STRUCT,        [SYM_CLASS] = ITEM_CLASS,
	[SYM_PIPELINE] = ITEM_INTERFACE, [SYM_INSTANCE] = ITEM_STRUCT,
	[SYM_SLO] = ITEM_EVENT,          [SYM_GROUP] = ITEM_EVENT,
	[SYM_APPLICATION] = ITEM_CLASS,  [SYM_TARGET] = ITEM_CLASS,
};

/* What such a name leads to: `clinic` is no node but has some. */
static unsigned leads_to(enum symbol_kind kind)
{
	switch (kind) {
	case SYM_DOMAIN:
		return KIND(NODE);
	case SYM_PIPELINE:
		return KIND(INSTANCE);
	case SYM_SLO:
	case SYM_GROUP:
		return KIND(GROUP);
	default:
		return 0;
	}
}

static void propose_symbols(struct proposing *p, const struct seen_list *list, unsigned kinds)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct seen *s = &list->at[i];

		if (!s->sym)
			propose(p, s->name, ITEM_MODULE,
				arena_printf(p->c->arena, "module %s", s->module->name), NULL);
		else if ((1u << s->sym->kind | leads_to(s->sym->kind)) & kinds)
			propose(p, s->name, symbol_items[s->sym->kind],
				symbol_kind_word(s->sym->kind),
				symbol_doc(p->c->arena, p->m, s->sym));
	}
}

static void propose_names(struct proposing *p, unsigned kinds)
{
	struct seen_list list = { 0 };

	if (!p->m)
		return;
	names_in_sight(p->m, p->block, &list);
	propose_symbols(p, &list, kinds | KIND(LET));
}

static void propose_fields(struct proposing *p)
{
	for (size_t i = 0; p->m && i < fields_count(p->m->fields); i++)
		propose(p, fields_at(p->m->fields, i)->name, ITEM_FIELD, "a packet field", NULL);
}

/* "ip." gives src, "ids." what the instance finds out. */
static void propose_rest_of_fields(struct proposing *p, const char *prefix)
{
	size_t n = strlen(prefix);

	for (size_t i = 0; i < fields_count(p->m->fields); i++) {
		const char *name = fields_at(p->m->fields, i)->name;

		if (!strncmp(name, prefix, n) && name[n] == '.')
			propose(p, name + n + 1, ITEM_FIELD, "a packet field", NULL);
	}
}

static void propose_derived(struct proposing *p, const struct symbol *sym)
{
	const struct symbol *f = sym->object ? OBJECT(sym, m_instance)->function : NULL;

	for (unsigned depth = 0; f && f->object && depth < 16;
	     f = OBJECT(f, m_function)->base, depth++)
		for (size_t i = 0; i < OBJECT(f, m_function)->derives.n; i++)
			propose(p, OBJECT(f, m_function)->derives.at[i].name, ITEM_FIELD,
				"a derived attribute", NULL);
}

static void propose_behind_dot(struct proposing *p)
{
	struct seen_list list = { 0 };
	const struct symbol *sym;

	if (!p->m || !p->a.path.n)
		return;
	names_within(p->m, p->block, &p->a.path, &list);
	propose_symbols(p, &list, ~0u);
	sym = names_find(p->m, p->block, &p->a.path);
	if (sym && sym->kind == SYM_INSTANCE)
		propose_derived(p, sym);
	if (p->a.path.n == 1)
		propose_rest_of_fields(p, p->a.path.at[0]);
}

/* ---- statements ---- */

static const struct {
	const char *block, *words;
} declarations[] = {
	{ "", "edition module use let attribute function domain class pipeline slo application "
	      "target expect" },
	{ "domain", "node let" },
	{ "slo", "group let" },
	{ "group", "group let" },
	{ "pipeline", "let" },
};

static void propose_beginnings(struct proposing *p)
{
	const char *word = p->a.blocks.n ? p->a.blocks.at[p->a.blocks.n - 1].word : "", *kinds;

	for (size_t i = 0; i < sizeof(declarations) / sizeof(*declarations); i++)
		if (!strcmp(declarations[i].block, word))
			propose_words(p, declarations[i].words, ITEM_KEYWORD, NULL);
	for (const struct prop *row = around_schema(&p->a, &kinds); row; row = schema_next(row))
		if (prop_fits(row, kinds))
			propose(p, row->name, ITEM_PROPERTY,
				arena_printf(p->c->arena, "default: %s", row->initial), row->doc);
	if (!strcmp(word, "pipeline"))
		propose_names(p, KIND(INSTANCE));
}

/* ---- values ---- */

static void propose_units(struct proposing *p, const struct prop *row)
{
	const char *digits = p->a.partial;
	size_t n = strspn(digits, "0123456789_");

	for (size_t i = 0; unit_at(i); i++) {
		const struct unit *u = unit_at(i);

		if (!row || row->type != PROP_QUANTITY || row->of.dimension == u->dimension)
			propose(p, arena_printf(p->c->arena, "%.*s%s", (int)n, digits, u->text),
				ITEM_UNIT, dimension_phrase(u->dimension), NULL);
	}
}

static const struct {
	const char *block, *property, *words;
	unsigned kinds;
} coded[] = {
	{ "attribute", "above", "", KIND(ATTRIBUTE) },
	{ "function", "inspects", "payload", 0 },
	{ "function", "affinity", "flow none", 0 },
	{ "function", "derives", "in via string port metadata", 0 },
	{ "domain", "permit", "", KIND(NODE) },
	{ "domain", "forbid", "", KIND(NODE) },
	{ "class", "through", "", KIND(INSTANCE) },
	{ "application", "flow", "", KIND(NODE) },
	{ "slo", "priority", "", KIND(CLASS) | KIND(GROUP) },
	{ "slo", "cpu", "", KIND(CLASS) | KIND(GROUP) },
	{ "slo", "throughput", "", KIND(CLASS) | KIND(GROUP) },
	{ "slo", "rate", "", KIND(CLASS) | KIND(GROUP) },
	{ "slo", "latency", "", KIND(CLASS) | KIND(GROUP) },
};

static void propose_coded(struct proposing *p, const struct prop *row)
{
	for (size_t i = 0; i < sizeof(coded) / sizeof(*coded); i++) {
		if (strcmp(coded[i].block, row->block) || strcmp(coded[i].property, row->name))
			continue;
		propose_words(p, coded[i].words, ITEM_ENUM, NULL);
		propose_names(p, coded[i].kinds);
		if (!strcmp(row->name, "inspects") || !strcmp(row->name, "affinity"))
			propose_fields(p);
	}
}

static void propose_filter(struct proposing *p)
{
	propose_words(p, "and or not in", ITEM_KEYWORD, NULL);
	propose_fields(p);
	propose_names(p, KIND(INSTANCE));
}

static void propose_values(struct proposing *p, const struct prop *row)
{
	switch (row->type) {
	case PROP_SYMBOL:
	case PROP_WORDS:
		propose_words(p, row->of.words, ITEM_ENUM, row->name);
		break;
	case PROP_REF:
	case PROP_REFS:
		propose_names(p, row->of.kinds);
		break;
	case PROP_FIELDS:
		propose_fields(p);
		break;
	case PROP_FILTER:
		propose_filter(p);
		break;
	case PROP_CODE:
		propose_coded(p, row);
		break;
	default:
		propose_names(p, 0);
		break;
	}
}

/* ---- clauses ---- */

/* What follows each clause word, and the statements that take it. */
static const struct {
	const char *word, *words;
	unsigned kinds;
} clause_values[] = {
	{ "carries", "", KIND(ATTRIBUTE) },
	{ "by", "", KIND(FUNCTION) },
	{ "on", "", KIND(TARGET) },
	{ "via", "port metadata", 0 },
	{ "rate", "", 0 },
};

static const char *clauses_of(const struct proposing *p)
{
	const char *first = p->a.before.at[0];

	if (!strcmp(first, "expect"))
		return "when carries by on";
	if (!strcmp(first, "permit") || !strcmp(first, "forbid"))
		return "when carries";
	if (!strcmp(first, "flow"))
		return "when rate carries";
	for (size_t i = 0; i < p->a.before.n; i++)
		if (!strcmp(p->a.before.at[i], "->") || !strcmp(p->a.before.at[i], "->>"))
			return "when rate otherwise";
	return "";
}

/* The last clause word of the statement, or NULL. */
static const char *clause_before(const struct proposing *p)
{
	static const char *const words[] = { "when", "rate", "carries", "via", "by", "on" };

	for (size_t i = p->a.before.n; i-- > 1;)
		for (size_t k = 0; k < sizeof(words) / sizeof(*words); k++)
			if (!strcmp(p->a.before.at[i], words[k]))
				return words[k];
	return NULL;
}

static bool propose_in_clause(struct proposing *p)
{
	const char *clause = clause_before(p), *last = p->a.before.at[p->a.before.n - 1];

	if (!clause)
		return false;
	if (!strcmp(clause, "when"))
		propose_filter(p);
	for (size_t i = 0; i < sizeof(clause_values) / sizeof(*clause_values); i++) {
		if (strcmp(clause, clause_values[i].word))
			continue;
		propose_words(p, clause_values[i].words, ITEM_ENUM, clause);
		propose_names(p, clause_values[i].kinds);
	}
	if (strcmp(last, clause) && !p->a.sets)
		propose_words(p, clauses_of(p), ITEM_KEYWORD, NULL);
	return true;
}

/* ---- declarations, imports, expectations ---- */

static bool ends_with_policy(const char *name)
{
	size_t n = strlen(name);

	return n > 4 && !strcmp(name + n - 4, ".epi");
}

static void propose_modules_in(struct proposing *p, const char *folder, const char *prefix)
{
	struct dirent **list;
	int n = folder ? scandir(folder, &list, NULL, alphasort) : -1;

	for (int i = 0; i < n; i++) {
		const char *name = list[i]->d_name;

		if (ends_with_policy(name))
			propose(p,
				arena_printf(p->c->arena, "%s%.*s", prefix, (int)strlen(name) - 4,
					     name),
				ITEM_MODULE, NULL, NULL);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
}

/* A file beside the document that uses one module, to learn what that offers. */
struct probe {
	struct lsp *l;
	const char *path, *text;
};

static bool find_probe(void *data, const char *path, const char **text, size_t *size)
{
	const struct probe *probe = data;

	if (strcmp(path, probe->path))
		return docs_find_text(probe->l, path, text, size);
	*text = probe->text;
	*size = strlen(probe->text);
	return true;
}

static void propose_offered(struct proposing *p, const struct model *m, const char *name)
{
	struct seen_list list = { 0 };
	const struct module *module = m ? names_module(m, intern_text(m->ctx->names, name)) : NULL;
	struct model *own = p->m;

	if (!module)
		return;
	p->m = (struct model *)m;
	names_offered(m, module, &list);
	propose_symbols(p, &list, ~0u);
	p->m = own;
}

/* The import is being written, so that no analysis has seen it. */
static void propose_from(struct proposing *p, const char *name)
{
	struct arena *arena = p->c->arena;
	struct probe probe = { p->c->l, arena_printf(arena, "%s.probe", p->c->doc->path),
			       arena_printf(arena, "edition 1; use %s;", name) };
	struct search search = p->c->l->options.search;
	struct ctx *ctx = ctx_new();

	search.find_text = find_probe;
	search.data = &probe;
	propose_offered(p, check_policy(ctx, probe.path, &search), name);
	ctx_free(ctx);
}

static void propose_modules(struct proposing *p)
{
	const char *std = p->c->l->options.search.std, *path = p->c->doc->path;
	const char *slash = strrchr(path, '/');

	if (p->a.path.n) {
		if (p->a.path.n == 1 && !strcmp(p->a.path.at[0], "std"))
			propose_modules_in(p, std, "");
		return;
	}
	propose_modules_in(p, std, "std.");
	if (slash)
		propose_modules_in(p, arena_strndup(p->c->arena, path, (size_t)(slash - path)), "");
}

static void propose_import(struct proposing *p)
{
	const struct words *w = &p->a.before;
	const char *name = "";

	if (!p->a.sets) {
		propose_modules(p);
		return;
	}
	for (size_t i = 1; i < w->n && strcmp(w->at[i], "{"); i++)
		name = arena_printf(p->c->arena, "%s%s", name, w->at[i]);
	propose_from(p, name);
}

static const struct {
	const char *word, *words;
	unsigned kinds;
} parents[] = {
	{ "target", "bess dpdk nginx socks dot", 0 },
	{ "node", "proxy server switch", 0 },
	{ "attribute", "label", 0 },
	{ "function", "", KIND(FUNCTION) },
};

/* Behind "target x :".  An instance's colon comes second. */
static bool propose_parent(struct proposing *p)
{
	const struct words *w = &p->a.before;
	bool instance = w->n >= 2 && !strcmp(w->at[1], ":") && p->a.blocks.n;

	if (instance)
		propose_names(p, KIND(FUNCTION));
	for (size_t i = 0; !instance && w->n >= 3 && !strcmp(w->at[2], ":") &&
			   i < sizeof(parents) / sizeof(*parents);
	     i++)
		if (!strcmp(parents[i].word, w->at[0])) {
			propose_words(p, parents[i].words, ITEM_ENUM, NULL);
			propose_names(p, parents[i].kinds);
			return true;
		}
	return instance;
}

static const struct {
	const char *word;
	unsigned kinds;
} expectations[] = {
	{ "reach", KIND(NODE) }, { "bridge", KIND(NODE) },  { "path", KIND(INSTANCE) },
	{ "area", KIND(NODE) },  { "feasible", KIND(SLO) }, { "classified", KIND(CLASS) },
};

static void propose_expectation(struct proposing *p)
{
	const struct words *w = &p->a.before;
	size_t kind = w->n > 1 && !strcmp(w->at[1], "not") ? 2 : 1;

	if (w->n <= kind) {
		propose_words(p,
			      kind == 1 ? "not reach bridge path area feasible classified"
					: "reach bridge path area feasible classified",
			      ITEM_KEYWORD, NULL);
		return;
	}
	for (size_t i = 0; i < sizeof(expectations) / sizeof(*expectations); i++)
		if (!strcmp(expectations[i].word, w->at[kind]))
			propose_names(p, expectations[i].kinds);
	if (w->n > kind + 1)
		propose_words(p, clauses_of(p), ITEM_KEYWORD, NULL);
}

static void propose_annotation(struct proposing *p)
{
	const struct words *w = &p->a.before;

	if (w->n == 1)
		propose_words(p, "owner expires allow id deprecated", ITEM_KEYWORD,
			      "an annotation");
	else if (w->n == 3 && !strcmp(w->at[1], "allow"))
		for (int code = 0; code < N_DIAG_CODES; code++)
			if (lint_facts((enum diag_code)code))
				propose(p, diag_page((enum diag_code)code)->slug, ITEM_ENUM,
					diag_page((enum diag_code)code)->code,
					diag_page((enum diag_code)code)->summary);
}

/* ---- the place ---- */

static void propose_in_statement(struct proposing *p)
{
	const char *first = p->a.before.at[0];
	const struct prop *row = around_property(&p->a);

	if (!strcmp(first, "@")) {
		propose_annotation(p);
	} else if (!strcmp(first, "use")) {
		propose_import(p);
	} else if (p->a.path.n) {
		propose_behind_dot(p);
	} else if (isdigit((unsigned char)*p->a.partial)) {
		propose_units(p, row);
	} else if (!propose_parent(p) && !propose_in_clause(p)) {
		if (!strcmp(first, "expect"))
			propose_expectation(p);
		else if (row)
			propose_values(p, row);
		else if (!strcmp(first, "let"))
			propose_names(p, ~0u);
		else
			propose_names(p, KIND(INSTANCE));
		if (p->a.before.n > 1 && !p->a.sets && strcmp(first, "expect"))
			propose_words(p, clauses_of(p), ITEM_KEYWORD, NULL);
	}
}

void lsp_completion(struct call *c)
{
	struct proposing p = { .c = c,
			       .first = true,
			       .a = around_of(c->arena, &c->doc->text, c->offset) };
	struct view v = view_of(c->l, c->doc, VIEW_LAST);

	p.start = p.a.start;
	p.m = v.a ? v.a->model : NULL;
	p.block = p.m ? names_block(p.m, &p.a.names) : NULL;
	sink_puts(c->out, "{\"isIncomplete\": false, \"items\": [");
	if (!p.a.in_text) {
		if (p.a.before.n)
			propose_in_statement(&p);
		else
			propose_beginnings(&p);
	}
	sink_puts(c->out, "]}");
}
