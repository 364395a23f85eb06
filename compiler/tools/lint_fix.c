/* Lint: texts with their machine-applicable fixes. */
#include <config.h>

#include "compiler/tools/lint_parts.h"

#include <stdlib.h>

static bool overlap(struct span a, struct span b)
{
	/* Two insertions at one place have no order. */
	return a.start == b.start || (a.start < b.end && b.start < a.end);
}

static bool meet(const struct diag_fix *x, const struct diag_fix *y)
{
	for (size_t i = 0; i < x->edits.n; i++)
		for (size_t k = 0; k < y->edits.n; k++)
			if (overlap(x->edits.at[i].span, y->edits.at[k].span))
				return true;
	return false;
}

/* All of its edits lie in the source and meet no fix that was taken. */
static bool fits(const struct lint_fixes *taken, const struct diag_fix *f, uint32_t source)
{
	for (size_t i = 0; i < f->edits.n; i++)
		if (f->edits.at[i].span.source != source)
			return false;
	for (size_t i = 0; i < taken->n; i++)
		if (meet(taken->at[i], f))
			return false;
	return true;
}

static const struct diag_fix *fix_of(const struct diag *d)
{
	for (size_t i = 0; i < d->fixes.n; i++)
		if (d->fixes.at[i].applicability == MACHINE_APPLICABLE)
			return &d->fixes.at[i];
	return NULL;
}

struct lint_fixes lint_fixes_of(const struct ctx *ctx, uint32_t source)
{
	struct lint_fixes taken = { 0 };

	for (size_t i = 0; i < ctx->diags.list.n; i++) {
		const struct diag_fix *f = fix_of(ctx->diags.list.at[i]);

		if (f && fits(&taken, f, source))
			vec_push(ctx->arena, &taken, f);
	}
	return taken;
}

static int by_place(const void *x, const void *y)
{
	return span_cmp(((const struct diag_edit *)x)->span, ((const struct diag_edit *)y)->span);
}

void lint_apply_fixes(const struct ctx *ctx, uint32_t source, const struct lint_fixes *fixes,
		      struct sink *text)
{
	const struct source *src = source_at(&ctx->sources, source);
	VEC(struct diag_edit) edits = { 0 };
	size_t at = 0;

	for (size_t i = 0; i < fixes->n; i++)
		for (size_t k = 0; k < fixes->at[i]->edits.n; k++)
			vec_push(ctx->arena, &edits, fixes->at[i]->edits.at[k]);
	if (edits.n)
		qsort(edits.at, edits.n, sizeof(*edits.at), by_place);
	for (size_t i = 0; i < edits.n; i++) {
		sink_put(text, src->text + at, edits.at[i].span.start - at);
		sink_puts(text, edits.at[i].text);
		at = edits.at[i].span.end;
	}
	sink_put(text, src->text + at, src->size - at);
}
