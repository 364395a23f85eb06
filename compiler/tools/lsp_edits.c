/* Edits that the client is offered: the canonical layout, and the fixes of findings. */
#include <config.h>

#include <string.h>

#include "compiler/base/text.h"
#include "compiler/tools/fmt.h"
#include "compiler/tools/lsp.h"
#include "grammar/parse.h"

/* ---- layout ---- */

/* One edit of what differs, so that the cursor stays where it is elsewhere. */
static void put_difference(struct call *c, const struct source *old, const struct sink *new)
{
	size_t most = old->size < new->size ? old->size : new->size, head = 0, tail = 0;

	while (head < most && old->text[head] == new->data[head])
		head++;
	while (tail < most - head &&
	       old->text[old->size - tail - 1] == new->data[new->size - tail - 1])
		tail++;
	/* Not in the middle of a character, nor of a line end. */
	while (head &&
	       (((unsigned char)old->text[head] & 0xc0) == 0x80 || old->text[head - 1] == '\r'))
		head--;
	while (tail && (((unsigned char)old->text[old->size - tail] & 0xc0) == 0x80 ||
			old->text[old->size - tail] == '\n'))
		tail--;
	sink_putc(c->out, '[');
	if (head < old->size - tail || head < new->size - tail) {
		sink_puts(c->out, "{\"range\": ");
		sink_range(c->out, c->l, old, head, old->size - tail);
		sink_puts(c->out, ", \"newText\": ");
		sink_json(c->out,
			  arena_strndup(c->arena, new->data + head, new->size - tail - head));
		sink_putc(c->out, '}');
	}
	sink_putc(c->out, ']');
}

void lsp_formatting(struct call *c)
{
	const struct source *text = &c->doc->text;
	struct ctx *ctx = ctx_new();
	struct sink out = { 0 };
	uint32_t source =
	    source_add(&ctx->sources, c->doc->path, c->doc->path, text->text, text->size);

	sink_puts(&out, "");
	parse_file(ctx, source);
	if (ctx->diags.n_errors)
		call_refuse(c, RPC_FAILED,
			    "the file has syntax errors; it is laid out once they are mended");
	else if (!fmt_source(ctx, source, &out))
		call_refuse(c, RPC_FAILED,
			    "formatting would change what the file means, so it was left alone");
	else
		put_difference(c, text, &out);
	sink_free(&out);
	ctx_free(ctx);
}

/* ---- fixes ---- */

struct offering {
	struct call *c;
	size_t from, to;
	bool first;
};

static void offer(struct offering *o, const struct fact *finding, const struct fact *action)
{
	struct sink *s = o->c->out;

	sink_puts(s, o->first ? "{\"diagnostics\": [{\"range\": "
			      : ", {\"diagnostics\": [{\"range\": ");
	o->first = false;
	sink_range(s, o->c->l, &o->c->doc->text, finding->start, finding->end);
	sink_printf(s, ", %s}], %s}", finding->text, action->text);
}

static void offer_all(struct offering *o, const struct facts *facts)
{
	const struct fact *finding = NULL;

	for (size_t i = 0; i < facts->n; i++) {
		const struct fact *f = &facts->at[i];

		if (f->kind == FACT_FINDING)
			finding = f;
		else if ((f->kind == FACT_ACTION || f->kind == FACT_FIX) && finding &&
			 f->start <= o->to && f->end >= o->from)
			offer(o, finding, f);
	}
}

static bool wants_fixes(const struct tree_node *only)
{
	if (!only || only->kind != TREE_LIST)
		return true;
	for (size_t i = 0; i < only->n_items; i++)
		if (only->items[i].kind == TREE_TEXT &&
		    !strncmp(only->items[i].text, "quickfix", 8))
			return true;
	return false;
}

/* Fixes that solving or lint proposed count bytes of the text that they saw. */
static bool deep_is_new(const struct document *doc)
{
	return doc->deep.memory && doc->deep.size == doc->text.size &&
	       !memcmp(doc->deep.text, doc->text.text, doc->text.size);
}

void lsp_actions(struct call *c)
{
	const struct tree_node *range = json_member(c->params, "range");
	struct offering o = { .c = c, .first = true };

	if (!place_offset(c->l, &c->doc->text, json_member(range, "start"), &o.from) ||
	    !place_offset(c->l, &c->doc->text, json_member(range, "end"), &o.to)) {
		call_refuse(c, RPC_INVALID_PARAMS, "a range is due here");
		return;
	}
	view_of(c->l, c->doc, VIEW_NEW);
	sink_putc(c->out, '[');
	if (wants_fixes(json_member(json_member(c->params, "context"), "only"))) {
		offer_all(&o, &c->doc->now->facts);
		if (deep_is_new(c->doc))
			offer_all(&o, &c->doc->deep.facts);
	}
	sink_putc(c->out, ']');
}
