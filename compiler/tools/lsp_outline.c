/* What an editor shows beside the text: outline, inlay hints, lenses. */
#include <config.h>

#include <string.h>

#include "compiler/base/text.h"
#include "compiler/tools/lsp.h"
#include "grammar/parse.h"

/* ---- outline ---- */

/* SymbolKind of the protocol. */
static const int decl_kinds[N_DECLS] = {
	[DECL_ATTRIBUTE] = 10, /* enum */
	[DECL_FUNCTION] = 12,
	[DECL_DOMAIN] = 3 /* namespace */,
	[DECL_NODE] = 19 /* object */,
	[DECL_CLASS] = 5,
	[DECL_PIPELINE] = 11 /* interface */,
	[DECL_SLO] = 24 /* event */,
	[DECL_APPLICATION] = 2 /* module */,
	[DECL_TARGET] = 4 /* package */,
	[DECL_INSTANCE] = 8 /* field */,
	[DECL_GROUP] = 24,
};

enum { KIND_CONSTANT = 14 };

struct outline {
	struct call *c;
	struct sink *s;
};

static void put_list(struct outline *o, const struct ast_stmts *stmts);

static void put_symbol(struct outline *o, const struct ast_name *name, int kind, const char *detail,
		       struct span span, const struct ast_stmts *body, bool *first)
{
	sink_puts(o->s, *first ? "{\"name\": " : ", {\"name\": ");
	*first = false;
	sink_json(o->s, name->name);
	sink_printf(o->s, ", \"kind\": %d, \"detail\": \"%s\", \"range\": ", kind, detail);
	sink_range(o->s, o->c->l, &o->c->doc->text, span.start, span.end);
	sink_puts(o->s, ", \"selectionRange\": ");
	sink_range(o->s, o->c->l, &o->c->doc->text, name->span.start, name->span.end);
	if (body) {
		sink_puts(o->s, ", \"children\": ");
		put_list(o, body);
	}
	sink_putc(o->s, '}');
}

static void put_stmt(struct outline *o, const struct ast_stmt *s, bool *first)
{
	switch (s->kind) {
	case STMT_DECL:
		put_symbol(o, &s->name, decl_kinds[s->decl.kind], decl_word(s->decl.kind), s->span,
			   &s->decl.body, first);
		break;
	case STMT_LET:
		put_symbol(o, &s->name, KIND_CONSTANT, "let", s->span, NULL, first);
		break;
	case STMT_ATTRIBUTES:
		for (size_t i = 0; i < s->attributes.n; i++)
			put_symbol(o, &s->attributes.at[i], decl_kinds[DECL_ATTRIBUTE], "attribute",
				   s->attributes.at[i].span, NULL, first);
		break;
	default:
		break;
	}
}

static void put_list(struct outline *o, const struct ast_stmts *stmts)
{
	bool first = true;

	sink_putc(o->s, '[');
	for (size_t i = 0; i < stmts->n; i++)
		put_stmt(o, stmts->at[i], &first);
	sink_putc(o->s, ']');
}

/* The tree of the text as it is; a broken one has gaps.  Parsing is enough. */
void lsp_symbols(struct call *c)
{
	struct outline o = { c, c->out };
	const struct source *text = &c->doc->text;
	struct ctx *ctx = ctx_new();

	put_list(&o, &parse_file(ctx, source_add(&ctx->sources, c->doc->path, c->doc->path,
						 text->text, text->size))
			  ->items);
	ctx_free(ctx);
}

/* ---- hints ---- */

struct hinting {
	struct call *c;
	struct view view;
	size_t from, to; /* what the client shows */
	bool first;
};

static void put_hint(struct hinting *h, size_t at, const char *text, const char *tip)
{
	struct sink *s = h->c->out;

	if (at < h->from || at > h->to)
		return;
	sink_puts(s, h->first ? "{\"position\": " : ", {\"position\": ");
	h->first = false;
	sink_place(s, h->c->l, &h->c->doc->text, at);
	sink_puts(s, ", \"label\": ");
	sink_json(s, text);
	sink_puts(s, ", \"tooltip\": ");
	sink_json(s, tip);
	sink_puts(s, ", \"paddingLeft\": true}");
}

/* An edge's span may end with its semicolon. */
static size_t before_semicolon(const struct hinting *h, size_t end)
{
	const char *text = h->c->doc->text.text;

	while (end && (text[end - 1] == ';' || text[end - 1] == ' '))
		end--;
	return end;
}

static void edge_hint(struct hinting *h, const struct m_pipeline *p, const struct m_edge *e)
{
	struct arena *arena = h->c->arena;
	const char *packets, *bits;
	size_t start, end;

	if (!e->has_rate || e->stated || !rat_given(e->rate) || e->span.source ||
	    !view_new(&h->view, e->span.start, e->span.end, &start, &end))
		return;
	packets = rate_words(arena, e->rate, true);
	bits = rat_given(p->packet) && rat_sign(p->packet)
		   ? rate_words(arena, rat_mul(rat_mul(e->rate, p->packet), rat_int(8)), false)
		   : NULL;
	put_hint(
	    h, before_semicolon(h, end), arena_printf(arena, "rate %s", bits ? bits : packets),
	    arena_printf(arena, "inferred: %s%s%s", packets, bits ? ", " : "", bits ? bits : ""));
}

static void rate_hints(struct hinting *h)
{
	const struct refs *pipelines = h->view.a ? &h->view.a->model->pipelines : NULL;

	for (size_t i = 0; pipelines && i < pipelines->n; i++) {
		const struct m_pipeline *p = pipelines->at[i]->object;

		for (size_t k = 0; k < p->edges.n; k++)
			edge_hint(h, p, &p->edges.at[k]);
	}
}

static void deep_hints(struct hinting *h)
{
	const struct document *doc = h->c->doc;
	size_t start, end;

	for (size_t i = 0; i < doc->deep.facts.n; i++) {
		const struct fact *f = &doc->deep.facts.at[i];

		if (f->kind == FACT_HINT && deep_place(doc, f, &start, &end))
			put_hint(h, end, f->text, "found by solving");
	}
}

void lsp_hints(struct call *c)
{
	struct hinting h = { .c = c, .first = true, .view = view_of(c->l, c->doc, VIEW_SOON) };
	const struct tree_node *range = json_member(c->params, "range");

	if (!place_offset(c->l, &c->doc->text, json_member(range, "start"), &h.from) ||
	    !place_offset(c->l, &c->doc->text, json_member(range, "end"), &h.to)) {
		h.from = 0;
		h.to = c->doc->text.size;
	}
	sink_putc(c->out, '[');
	rate_hints(&h);
	deep_hints(&h);
	sink_putc(c->out, ']');
}
