#include <config.h>

#include "backends/socks/socks.h"

#include <assert.h>

#include "backends/text.h"
#include "compiler/base/text.h"

static void put_texts(struct sink *s, const char *label, const struct plan_texts *texts,
		      const char *none)
{
	sink_printf(s, "  %-7s", label);
	for (size_t i = 0; i < texts->n; i++)
		sink_printf(s, " %s", texts->at[i]);
	sink_puts(s, texts->n ? "\n" : none);
}

/* The links are the last functions of the flow's bridge, each with its place. */
static void put_links(struct sink *s, const struct plan_flow *f, const struct plan_chain *c)
{
	size_t first = f->bridge.n - c->links.n;

	assert(f->bridge.n >= c->links.n);
	if (!c->links.n) {
		sink_puts(s, "  links   straight to the destination\n");
		return;
	}
	for (size_t i = 0; i < c->links.n; i++)
		sink_printf(s, "  %-7s %-31s %s on %s\n", i ? "" : "links", c->links.at[i],
			    name_tail(f->bridge.at[first + i].function),
			    f->bridge.at[first + i].proxy);
}

static void put_chain(struct ctx *ctx, const struct plan *plan, const struct plan_chain *c,
		      struct output_file *file)
{
	const struct plan_flow *f = &plan->flows.at[c->flow];
	size_t first;

	sink_putc(&file->text, '\n');
	first = output_line(file);
	sink_printf(&file->text, "# %s\nflow %lld  %s => %s\n", output_place(ctx, c->span),
		    (long long)c->flow, f->from, f->to);
	put_texts(&file->text, "from", &c->from, " -\n");
	put_texts(&file->text, "to", &c->to, " -\n");
	sink_printf(&file->text, "  when    %s\n", c->when);
	if (c->replay_safe)
		sink_puts(&file->text, "  replay  safe\n");
	if (c->links.n)
		put_texts(&file->text, "via", &c->via, " -\n");
	put_links(&file->text, f, c);
	output_note(ctx, file, first, c->span,
		    arena_printf(ctx->arena, "the chain of %s => %s", f->from, f->to));
}

static void emit(struct ctx *ctx, const struct plan *plan, const struct plan_target *t,
		 struct output_files *files)
{
	const struct plan_socks_config *c = t->config;
	struct output_file *file = output_begin(ctx, files, plan, t, "chains.txt");

	sink_printf(&file->text, "# %s: target %s, SOCKS %lld on %s, port %lld\n",
		    output_place(ctx, t->span), t->name, (long long)c->version, c->at,
		    (long long)c->listen);
	sink_printf(&file->text, "# dialect %s, authentication %s, %s%s", c->dialect, c->auth,
		    c->certificate ? "under TLS" : "without TLS",
		    c->fast_open ? ", Fast Open" : "");
	if (c->warm)
		sink_printf(&file->text, ", %lld warm connections for each next hop",
			    (long long)c->warm);
	sink_putc(&file->text, '\n');
	sink_puts(&file->text,
		  "# For people and diffs; epic-socksd reads the same table from the plan.\n");
	output_note(ctx, file, 1, t->span, "the target");
	for (size_t i = 0; i < c->chains.n; i++)
		put_chain(ctx, plan, &c->chains.at[i], file);
}

const struct backend backend_socks = { .name = "socks",
				       .summary = "the chain table of a SOCKS proxy",
				       .emit = emit };
