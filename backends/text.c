#include <config.h>

#include "backends/text.h"

#include "compiler/base/text.h"

size_t output_line(struct output_file *f)
{
	for (; f->n_counted < f->text.size; f->n_counted++)
		f->n_lines += f->text.data[f->n_counted] == '\n';
	return f->n_lines + 1;
}

struct output_file *output_begin(struct ctx *ctx, struct output_files *files, const struct plan *plan,
				 const struct plan_target *t, const char *name)
{
	struct output_file f = { .path = arena_printf(ctx->arena, "%s/%s", name_tail(t->name), name) };

	sink_printf(&f.text, "# Written by epic %s from module %s, target %s; do not edit.\n",
		    PACKAGE_VERSION, plan->module, t->name);
	vec_push(ctx->arena, files, f);
	return &files->at[files->n - 1];
}

void output_note(struct ctx *ctx, struct output_file *f, size_t first, struct span span,
		 const char *reason)
{
	struct output_range r = { first, output_line(f) - 1, span, reason };

	if (r.last >= first)
		vec_push(ctx->arena, &f->ranges, r);
}

const char *output_place(struct ctx *ctx, struct span span)
{
	const struct source *src = source_at(&ctx->sources, span.source);

	return arena_printf(ctx->arena, "epi:%s:%zu", src->shown, source_place(src, span.start).line);
}
