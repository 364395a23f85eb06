/* Hover: what a name stands for, what a property means, what became of a flow. */
#include <config.h>

#include <string.h>

#include "compiler/base/text.h"
#include "compiler/check/names.h"
#include "compiler/tools/lsp.h"

/* ---- words ---- */

const char *rate_words(struct arena *arena, struct rat rate, bool packets)
{
	static const struct {
		int64_t scale;
		const char *prefix;
	} scales[] = { { 1000000000, "G" }, { 1000000, "M" }, { 1000, "k" }, { 1, "" } };
	char buf[DEC_TEXT_SIZE];
	size_t i = 0;
	double thousandths;

	while (scales[i].scale > 1 && rat_cmp(rate, rat_int(scales[i].scale)) < 0)
		i++;
	thousandths = rat_double(rate) / (double)scales[i].scale * 1000 + 0.5;
	if (thousandths > 9e15)
		thousandths = 9e15;
	rat_text(rat_make((int64_t)thousandths, 1000), buf);
	return arena_printf(arena, "%s%s%s", buf, scales[i].prefix, packets ? "pps" : "bps");
}

static const char *kind_word(const struct symbol *sym)
{
	const char *words = symbol_kind_word(sym->kind), *blank = strchr(words, ' ');

	return blank ? blank + 1 : words;
}

/* Is there nothing but blanks and one line end between two places? */
static bool joins(const struct source *src, size_t from, size_t to)
{
	size_t lines = 0;

	for (size_t i = from; i < to; i++) {
		if (!strchr(" \t\r\n", src->text[i]))
			return false;
		lines += src->text[i] == '\n';
	}
	return lines == 1;
}

static const char *comment_text(struct arena *arena, const struct source *src, struct span span)
{
	size_t start = span.start + 2;

	while (start < span.end && src->text[start] == ' ')
		start++;
	return arena_strndup(arena, src->text + start, span.end - start);
}

const char *symbol_doc(struct arena *arena, const struct model *m, const struct symbol *sym)
{
	const struct ast_file *file = sym->module ? sym->module->ast : NULL;
	const char *text = NULL;
	const struct source *src;
	size_t at;

	if (!file || !sym->stmt)
		return NULL;
	src = source_at(&m->ctx->sources, file->source);
	at = sym->stmt->annots.n ? sym->stmt->annots.at[0].span.start : sym->stmt->span.start;
	for (size_t i = file->comments.n; i-- > 0;) {
		struct span span = file->comments.at[i].span;
		const char *line;

		if (span.start >= at)
			continue;
		if (!joins(src, span.end, at) || span.end - span.start < 2 ||
		    src->text[span.start + 1] != '#')
			break;
		line = comment_text(arena, src, span);
		text = text ? arena_printf(arena, "%s\n%s", line, text) : line;
		at = span.start;
	}
	return text;
}

/* ---- what there is to say about each kind ---- */

struct describing {
	const struct model *m;
	struct arena *arena;
	struct sink *s;
};

static void put_refs(struct describing *d, const char *title, const struct refs *refs)
{
	if (!refs->n)
		return;
	sink_printf(d->s, "\n- %s: ", title);
	for (size_t i = 0; i < refs->n; i++)
		sink_printf(d->s, "%s%s", i ? ", " : "",
			    refs->at[i] ? refs->at[i]->canonical : "?");
}

/* REFS and all that these imply. */
static void close_over(struct arena *arena, const struct refs *refs, struct refs *closed)
{
	for (size_t i = 0; i < refs->n; i++) {
		bool known = !refs->at[i];

		for (size_t k = 0; k < closed->n; k++)
			known |= closed->at[k] == refs->at[i];
		if (known)
			continue;
		vec_push(arena, closed, refs->at[i]);
		if (refs->at[i]->object)
			close_over(arena, &OBJECT(refs->at[i], m_attribute)->implies, closed);
	}
}

static void put_closure(struct describing *d, const char *title, const struct refs *refs)
{
	struct refs closed = { 0 };

	close_over(d->arena, refs, &closed);
	put_refs(d, title, &closed);
}

static void put_rat(struct describing *d, const char *title, struct rat r, struct rat scale,
		    const char *unit)
{
	char buf[DEC_TEXT_SIZE];

	if (rat_given(r) && rat_sign(r))
		sink_printf(d->s, "\n- %s: %s%s", title, rat_text(rat_div(r, scale), buf), unit);
}

static void describe_attribute(struct describing *d, const struct symbol *sym)
{
	const struct m_attribute *a = sym->object;

	put_closure(d, "implies", &a->implies);
	put_refs(d, "above", &a->above);
	put_closure(d, "requires", &a->requires);
}

static void describe_function(struct describing *d, const struct symbol *sym)
{
	const struct m_function *f = sym->object;

	if (f->base)
		sink_printf(d->s, "\n- based on %s", f->base->canonical);
	put_closure(d, "provides", &f->provides);
	if (f->pair)
		sink_printf(d->s, "\n- pair: %s", f->pair->canonical);
	put_refs(d, "before", &f->before);
	put_refs(d, "after", &f->after);
	put_rat(d, "cost", f->cost.cost, RAT_ONE, "cycles");
	put_rat(d, "cost per byte", f->cost.per_byte, RAT_ONE, "cycles/B");
	put_rat(d, "setup", f->setup, rat_int(1000000), "ms");
}

static void describe_node(struct describing *d, const struct symbol *sym)
{
	static const char *const kinds[] = { "endpoint", "proxy", "server", "switch" };
	const struct m_node *n = sym->object;

	sink_printf(d->s, "\n- %s", kinds[n->kind]);
	put_closure(d, "attributes", &n->attributes);
	put_refs(d, "hosts", &n->hosts);
}

static void describe_domain(struct describing *d, const struct symbol *sym)
{
	const struct m_domain *dom = sym->object;

	if (dom->decides != DEFAULT_NONE)
		sink_printf(d->s, "\n- default: %s",
			    dom->decides == DEFAULT_ALLOW ? "allow" : "deny");
	if (dom->contact)
		sink_printf(d->s, "\n- contact: %s", dom->contact);
	put_refs(d, "nodes", &dom->nodes);
}

static void put_pps(struct describing *d, const char *title, struct rat pps, struct rat packet)
{
	if (!rat_given(pps) || !rat_sign(pps))
		return;
	sink_printf(d->s, "\n- %s: %s", title, rate_words(d->arena, pps, true));
	if (rat_given(packet) && rat_sign(packet))
		sink_printf(d->s, " (%s)",
			    rate_words(d->arena, rat_mul(rat_mul(pps, packet), rat_int(8)), false));
}

static void describe_class(struct describing *d, const struct symbol *sym)
{
	const struct m_class *c = sym->object;

	if (c->match)
		sink_printf(d->s, "\n- match: `%s`", fx_text(d->m->fields, c->match));
	put_pps(d, "rate", c->rate_pps, c->packet_bytes);
	put_refs(d, "pipelines", &c->pipelines);
	if (c->paths.n)
		sink_printf(d->s, "\n- paths: %zu", c->paths.n);
}

static void describe_pipeline(struct describing *d, const struct symbol *sym)
{
	const struct m_pipeline *p = sym->object;

	sink_printf(d->s, "\n- %zu instances, %zu edges", p->instances.n, p->edges.n);
	put_rat(d, "packet", p->packet, RAT_ONE, "B");
}

static struct rat rate_through(const struct m_pipeline *p, size_t index, bool in)
{
	struct rat sum = RAT_ZERO;

	for (size_t i = 0; i < p->edges.n; i++) {
		const struct m_edge *e = &p->edges.at[i];

		if ((in ? e->to : e->from) == index && e->has_rate && rat_given(e->rate))
			sum = rat_add(sum, e->rate);
	}
	return sum;
}

static void describe_instance(struct describing *d, const struct symbol *sym)
{
	const struct m_instance *i = sym->object;
	const struct m_pipeline *p = i->pipeline ? i->pipeline->object : NULL;

	if (i->function)
		sink_printf(d->s, "\n- instance of %s", i->function->canonical);
	if (p) {
		put_pps(d, "arriving", rate_through(p, i->index, true), p->packet);
		put_pps(d, "leaving", rate_through(p, i->index, false), p->packet);
	}
	put_rat(d, "cost", i->cycles, RAT_ONE, "cycles");
	put_rat(d, "cost per byte", i->cycles_per_byte, RAT_ONE, "cycles/B");
}

static void describe_slo(struct describing *d, const struct symbol *sym)
{
	put_refs(d, "classes", &OBJECT(sym, m_slo)->classes);
}

static void describe_application(struct describing *d, const struct symbol *sym)
{
	const struct m_application *a = sym->object;

	if (a->purpose)
		sink_printf(d->s, "\n- purpose: %s", a->purpose);
	sink_printf(d->s, "\n- %zu flow%s", a->flows.n, a->flows.n == 1 ? "" : "s");
}

static void describe_target(struct describing *d, const struct symbol *sym)
{
	const struct m_target *t = sym->object;

	put_refs(d, "for", &t->subjects);
	if (t->at)
		sink_printf(d->s, "\n- at: %s", t->at->canonical);
	if (t->on)
		sink_printf(d->s, "\n- on: %s", t->on->canonical);
}

static void describe_let(struct describing *d, const struct symbol *sym)
{
	const struct ast_expr *e = sym->stmt->let;
	const struct source *src = source_at(&d->m->ctx->sources, e->span.source);

	sink_printf(d->s, "\n- value: `%.*s`", (int)(e->span.end - e->span.start),
		    src->text + e->span.start);
}

static void (*const describers[N_SYMBOL_KINDS])(struct describing *, const struct symbol *) = {
	[SYM_LET] = describe_let,
	[SYM_ATTRIBUTE] = describe_attribute,
	[SYM_FUNCTION] = describe_function,
	[SYM_DOMAIN] = describe_domain,
	[SYM_NODE] = describe_node,
	[SYM_CLASS] = describe_class,
	[SYM_PIPELINE] = describe_pipeline,
	[SYM_INSTANCE] = describe_instance,
	[SYM_SLO] = describe_slo,
	[SYM_GROUP] = describe_slo,
	[SYM_APPLICATION] = describe_application,
	[SYM_TARGET] = describe_target,
};

static void describe(struct describing *d, const struct symbol *sym)
{
	const char *doc = symbol_doc(d->arena, d->m, sym);

	sink_printf(d->s, "**%s** `%s`\n", kind_word(sym), sym->canonical);
	if (doc)
		sink_printf(d->s, "\n%s\n", doc);
	if (sym->object || sym->kind == SYM_LET)
		describers[sym->kind](d, sym);
	sink_putc(d->s, '\n');
}

/* The comment at the head of a module's file is its documentation. */
static void describe_module(struct describing *d, const struct module *module)
{
	const struct source *src = source_at(&d->m->ctx->sources, module->source);

	sink_printf(d->s, "**module** `%s`\n\n%s\n", module->name, src->shown);
}

/* ---- properties ---- */

static bool hover_property(struct call *c, struct sink *s, size_t *start, size_t *end)
{
	struct words path = word_path_at(c->arena, &c->doc->text, c->offset, start, end);
	struct around a = around_of(c->arena, &c->doc->text, *start);
	const struct prop *first, *p;
	const char *kinds;

	if (path.n != 1 || a.before.n || a.in_text)
		return false;
	first = around_schema(&a, &kinds);
	p = first ? schema_find(first->block, path.at[0]) : NULL;
	if (!p)
		return false;
	sink_printf(s, "**property** `%s` of %s\n\n%s\n", p->name, p->block, p->doc);
	if (p->of.words && *p->of.words && (p->type == PROP_SYMBOL || p->type == PROP_WORDS))
		sink_printf(s, "\n- values: %s", p->of.words);
	if (*p->initial)
		sink_printf(s, "\n- default: %s", p->initial);
	sink_printf(s, "%s%s\n", prop_is_required(p) ? "\n- required" : "",
		    prop_may_repeat(p) ? "\n- may be given several times" : "");
	return true;
}

/* ---- the answer ---- */

static void hover_name(struct call *c, struct sink *s, size_t *start, size_t *end)
{
	struct view v = view_of(c->l, c->doc, VIEW_SOON);
	const struct use *use;
	uint32_t old;

	if (!view_old(&v, c->offset, &old) || !(use = use_at(v.a, old)) ||
	    !view_new(&v, use->span.start, use->span.end, start, end))
		return;
	if (use->sym)
		describe(&(struct describing){ v.a->model, c->arena, s }, use->sym);
	else
		describe_module(&(struct describing){ v.a->model, c->arena, s }, use->module);
}

/* What solving said of the place: the area of a node, the way of a flow. */
static void hover_deep(struct call *c, struct sink *s, size_t *start, size_t *end)
{
	for (size_t i = 0; i < c->doc->deep.facts.n; i++) {
		const struct fact *f = &c->doc->deep.facts.at[i];
		size_t from, to;

		if (f->kind != FACT_HOVER || !deep_place(c->doc, f, &from, &to) ||
		    c->offset < from || c->offset > to)
			continue;
		if (!s->size) {
			*start = from;
			*end = to;
		}
		sink_printf(s, "%s%s\n", s->size ? "\n---\n" : "", f->text);
	}
}

void lsp_hover(struct call *c)
{
	struct sink s = { 0 };
	size_t start = 0, end = 0;

	if (!hover_property(c, &s, &start, &end))
		hover_name(c, &s, &start, &end);
	hover_deep(c, &s, &start, &end);
	if (s.size) {
		sink_puts(c->out, "{\"contents\": {\"kind\": \"markdown\", \"value\": ");
		sink_json(c->out, s.data);
		sink_puts(c->out, "}, \"range\": ");
		sink_range(c->out, c->l, &c->doc->text, start, end);
		sink_putc(c->out, '}');
	}
	sink_free(&s);
}
