/* Findings and their fixes as members of LSP objects. */
#include <config.h>

#include <string.h>

#include "compiler/base/text.h"
#include "compiler/tools/lsp.h"

struct telling {
	struct lsp *l;
	struct ctx *ctx;
	struct model *model;
	const char *uri; /* of the document */
	struct facts *facts;
	struct sink s;
};

static void tell(struct telling *t, enum fact_kind kind, struct span at)
{
	struct fact f = { kind, at.start, at.end, arena_strdup(t->ctx->arena, t->s.data) };

	vec_push(t->ctx->arena, t->facts, f);
	sink_free(&t->s);
	t->s = (struct sink){ 0 };
}

/* ---- where a finding is shown ---- */

/* Is FROM the module, or does it use it, directly or not?  Imports have no cycles; one that was
 * refused is not followed for ever. */
static bool leads_to(const struct model *m, const struct module *from, uint32_t source,
		     unsigned depth)
{
	if (!from || depth > m->modules.n)
		return false;
	if (from->source == source)
		return true;
	for (size_t i = 0; i < from->ast->items.n; i++) {
		const struct ast_stmt *s = from->ast->items.at[i];

		for (size_t k = 0; s->kind == STMT_USE && k < m->uses.n; k++)
			if (!span_cmp(m->uses.at[k].span, s->use.module_span) &&
			    leads_to(m, m->uses.at[k].module, source, depth + 1))
				return true;
	}
	return false;
}

/* What is wrong in a used file is shown at the `use` that leads there. */
static struct span shown_at(struct telling *t, struct span span)
{
	const struct model *m = t->model;

	if (span_is_none(span) || !m)
		return (struct span){ 0 };
	if (span.source == 0)
		return span;
	for (size_t i = 0; i < m->uses.n; i++) {
		const struct use *use = &m->uses.at[i];

		if (use->span.source == 0 && use->module &&
		    leads_to(m, use->module, span.source, 0))
			return use->span;
	}
	return (struct span){ 0 };
}

/* ---- a finding ---- */

static void put_related(struct telling *t, struct span span, const char *label, bool *first)
{
	if (span_is_none(span))
		return;
	sink_puts(&t->s, *first ? ", \"relatedInformation\": [" : ", ");
	sink_puts(&t->s, "{\"location\": ");
	sink_location(&t->s, t->l, t->ctx, span);
	sink_puts(&t->s, ", \"message\": ");
	sink_json(&t->s, label);
	sink_putc(&t->s, '}');
	*first = false;
}

static const char *full_message(struct telling *t, const struct diag *d)
{
	struct sink s = { 0 };
	const char *text;

	if (!span_is_none(d->span) && d->span.source)
		sink_printf(&s, "in %s: ", source_at(&t->ctx->sources, d->span.source)->shown);
	sink_puts(&s, d->message);
	if (d->label)
		sink_printf(&s, "; %s", d->label);
	for (size_t i = 0; i < d->notes.n; i++)
		sink_printf(&s, "\nnote: %s", d->notes.at[i]);
	if (d->help)
		sink_printf(&s, "\nhelp: %s", d->help);
	text = arena_strdup(t->ctx->arena, s.data);
	sink_free(&s);
	return text;
}

/* What an editor may show in its own way. */
static const struct {
	enum diag_code code;
	int tag; /* 1: unnecessary, 2: deprecated */
} tags[] = { { L1004, 1 }, { L1005, 1 }, { L1009, 1 }, { L1012, 2 } };

static void put_finding(struct telling *t, const struct diag *d)
{
	bool first = true;

	sink_printf(&t->s,
		    "\"severity\": %d, \"code\": \"%s\", \"source\": \"epic\", \"message\": ",
		    d->severity == SEVERITY_ERROR     ? 1
		    : d->severity == SEVERITY_WARNING ? 2
						      : 3,
		    diag_page(d->code)->code);
	sink_json(&t->s, full_message(t, d));
	for (size_t i = 0; i < sizeof(tags) / sizeof(*tags); i++)
		if (tags[i].code == d->code)
			sink_printf(&t->s, ", \"tags\": [%d]", tags[i].tag);
	if (!span_is_none(d->span) && d->span.source)
		put_related(t, d->span, d->label ? d->label : d->message, &first);
	for (size_t i = 0; i < d->also.n; i++)
		put_related(t, d->also.at[i].span, d->also.at[i].label, &first);
	if (!first)
		sink_putc(&t->s, ']');
	tell(t, FACT_FINDING, shown_at(t, d->span));
}

/* ---- its fixes ---- */

static bool edits_first_source(const struct diag_fix *fix)
{
	for (size_t i = 0; i < fix->edits.n; i++)
		if (fix->edits.at[i].span.source)
			return false;
	return fix->edits.n > 0;
}

static void put_edits(struct telling *t, const struct diag_fix *fix)
{
	const struct source *src = source_at(&t->ctx->sources, 0);

	for (size_t i = 0; i < fix->edits.n; i++) {
		const struct diag_edit *e = &fix->edits.at[i];

		sink_puts(&t->s, i ? ", {\"range\": " : "{\"range\": ");
		sink_range(&t->s, t->l, src, e->span.start, e->span.end);
		sink_puts(&t->s, ", \"newText\": ");
		sink_json(&t->s, e->text);
		sink_putc(&t->s, '}');
	}
}

static void put_action(struct telling *t, const struct diag *d, const struct diag_fix *fix)
{
	static const char *const suffixes[] = {
		[MACHINE_APPLICABLE] = "",
		[MAYBE_INCORRECT] = " (please check)",
		[HAS_PLACEHOLDERS] = " (fill in)",
	};
	bool sure = fix->applicability == MACHINE_APPLICABLE;

	sink_puts(&t->s, "\"title\": ");
	sink_json(&t->s,
		  arena_printf(t->ctx->arena, "%s%s", fix->message, suffixes[fix->applicability]));
	sink_printf(&t->s,
		    ", \"kind\": \"quickfix\", \"isPreferred\": %s, \"edit\": {\"changes\": {",
		    sure ? "true" : "false");
	sink_json(&t->s, t->uri);
	sink_puts(&t->s, ": [");
	put_edits(t, fix);
	sink_puts(&t->s, "]}}");
	tell(t, sure ? FACT_FIX : FACT_ACTION, shown_at(t, d->span));
}

void facts_of(struct lsp *l, struct ctx *ctx, struct model *m, const char *uri, struct facts *facts)
{
	struct telling t = { .l = l, .ctx = ctx, .model = m, .uri = uri, .facts = facts };

	for (size_t i = 0; i < ctx->diags.list.n; i++) {
		const struct diag *d = ctx->diags.list.at[i];

		put_finding(&t, d);
		for (size_t k = 0; k < d->fixes.n; k++)
			if (edits_first_source(&d->fixes.at[k]))
				put_action(&t, d, &d->fixes.at[k]);
	}
}
