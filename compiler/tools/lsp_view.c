/* Analyses: when they are made, and how an old one fits a newer text. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "compiler/base/text.h"
#include "compiler/tools/conf.h"
#include "compiler/tools/lsp.h"

/* ---- analyses ---- */

/* What is wrong in epic.conf is told at the beginning of each document that it is for. */
static void report_conf(struct analysis *a)
{
	for (size_t i = 0; i < a->conf->diags.list.n; i++) {
		const struct diag *d = a->conf->diags.list.at[i];
		bool placed = !span_is_none(d->span);
		const struct source *src =
		    placed ? source_at(&a->conf->sources, d->span.source) : NULL;

		diag_add(&a->ctx->diags, d->code, (struct span){ 0 }, "%s%s%s",
			 placed ? src->shown : "", placed ? ": " : "", d->message);
	}
}

struct analysis *analysis_new(struct lsp *l, const char *path)
{
	struct analysis *a = xrealloc(NULL, sizeof(*a));

	*a = (struct analysis){ .ctx = ctx_new(), .conf = ctx_new(), .options = l->options };
	a->options.arena = a->conf->arena;
	conf_apply(&a->options, a->conf, path);
	a->model = check_policy(a->ctx, path, &a->options.search);
	report_conf(a);
	diag_finish(&a->ctx->diags);
	a->whole = a->model && !a->model->root->ast->unclosed;
	return a;
}

void analysis_free(struct analysis *a)
{
	if (!a)
		return;
	ctx_free(a->ctx);
	ctx_free(a->conf);
	free(a);
}

static void forget_deep(struct document *doc)
{
	if (doc->deep.memory)
		arena_free(doc->deep.memory);
	memset(&doc->deep, 0, sizeof(doc->deep));
}

void doc_forget(struct document *doc)
{
	if (doc->whole != doc->now)
		analysis_free(doc->whole);
	analysis_free(doc->now);
	doc->now = doc->whole = NULL;
	forget_deep(doc);
}

/* The last analysis of a whole text is kept while the text is broken. */
static void analyse(struct lsp *l, struct document *doc)
{
	struct analysis *old = doc->now;

	doc->now = analysis_new(l, doc->path);
	doc->stale = doc->published = false;
	facts_of(l, doc->now->ctx, doc->now->model, doc->uri, &doc->now->facts);
	if (old != doc->whole)
		analysis_free(old);
	if (doc->now->whole) {
		analysis_free(doc->whole);
		doc->whole = doc->now;
	}
	lsp_log(l, "-- checked %s, version %lld", doc->uri, (long long)doc->version);
}

/* ---- old texts and new ones ---- */

/* How many bytes two texts share at their ends. */
static void compare(const char *old, size_t old_size, const char *new, size_t new_size,
		    size_t *head, size_t *tail)
{
	size_t most = old_size < new_size ? old_size : new_size;

	for (*head = 0; *head < most && old[*head] == new[*head];)
		++*head;
	for (*tail = 0;
	     *tail < most - *head && old[old_size - *tail - 1] == new[new_size - *tail - 1];)
		++*tail;
}

static const struct source *root_text(const struct analysis *a)
{
	return a->ctx->sources.list.n ? source_at(&a->ctx->sources, 0) : NULL;
}

enum { LARGE_TEXT = 64 << 10 };

static bool may_lag(const struct document *doc, enum freshness freshness)
{
	return doc->whole &&
	       (freshness == VIEW_LAST || (freshness == VIEW_SOON && doc->text.size > LARGE_TEXT));
}

struct view view_of(struct lsp *l, struct document *doc, enum freshness freshness)
{
	struct view v = { .doc = doc };
	const struct source *old;

	if (doc->stale && !may_lag(doc, freshness))
		analyse(l, doc);
	v.a = doc->whole ? doc->whole : doc->now;
	old = v.a ? root_text(v.a) : NULL;
	if (!v.a || !v.a->model || !old)
		v.a = NULL;
	else
		compare(old->text, old->size, doc->text.text, doc->text.size, &v.head, &v.tail);
	return v;
}

bool view_old(const struct view *v, size_t offset, uint32_t *old)
{
	size_t size = v->doc->text.size, old_size;

	if (!v->a)
		return false;
	old_size = root_text(v->a)->size;
	if (offset > v->head && size - offset > v->tail)
		return false;
	*old = (uint32_t)(offset <= v->head ? offset : old_size - (size - offset));
	return true;
}

static bool carry(size_t head, size_t tail, size_t old_size, size_t new_size, size_t start,
		  size_t end, size_t *new_start, size_t *new_end)
{
	bool behind = start >= old_size - tail && old_size - tail >= head;

	if (end > head && !behind)
		return false;
	*new_start = end <= head ? start : new_size - (old_size - start);
	*new_end = end <= head ? end : new_size - (old_size - end);
	return true;
}

bool view_new(const struct view *v, uint32_t start, uint32_t end, size_t *new_start,
	      size_t *new_end)
{
	return carry(v->head, v->tail, root_text(v->a)->size, v->doc->text.size, start, end,
		     new_start, new_end);
}

/* ---- uses ---- */

static int use_cmp(const void *x, const void *y)
{
	const struct use *a = x, *b = y;

	return span_cmp(a->span, b->span);
}

void uses_sort(struct analysis *a)
{
	struct uses *uses = &a->model->uses;
	size_t n = 0;

	if (a->sorted)
		return;
	a->sorted = true;
	if (uses->n)
		qsort(uses->at, uses->n, sizeof(*uses->at), use_cmp);
	for (size_t i = 0; i < uses->n; i++)
		if (!n || span_cmp(uses->at[n - 1].span, uses->at[i].span))
			uses->at[n++] = uses->at[i];
	uses->n = n;
}

/* Spans of uses do not overlap, and the document's stand first. */
const struct use *use_at(struct analysis *a, uint32_t offset)
{
	size_t low = 0, high;
	const struct uses *uses = &a->model->uses;

	uses_sort(a);
	high = uses->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct span span = uses->at[middle].span;

		if (span.source == 0 && span.start <= offset && offset <= span.end)
			return &uses->at[middle];
		if (span.source == 0 && span.end < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* ---- findings ---- */

bool deep_place(const struct document *doc, const struct fact *f, size_t *start, size_t *end)
{
	size_t head, tail;

	if (!doc->deep.memory)
		return false;
	compare(doc->deep.text, doc->deep.size, doc->text.text, doc->text.size, &head, &tail);
	return carry(head, tail, doc->deep.size, doc->text.size, f->start, f->end, start, end);
}

static void put_finding(struct sink *s, struct lsp *l, const struct document *doc,
			const struct fact *f, size_t start, size_t end, bool *first)
{
	sink_puts(s, *first ? "{\"range\": " : ", {\"range\": ");
	sink_range(s, l, &doc->text, start, end);
	sink_printf(s, ", %s}", f->text);
	*first = false;
}

static void deep_findings(struct sink *s, struct lsp *l, const struct document *doc, bool *first)
{
	size_t start, end;

	for (size_t i = 0; i < doc->deep.facts.n; i++) {
		const struct fact *f = &doc->deep.facts.at[i];

		if (f->kind == FACT_FINDING && deep_place(doc, f, &start, &end))
			put_finding(s, l, doc, f, start, end, first);
	}
}

void doc_publish(struct lsp *l, struct document *doc)
{
	const struct facts *facts = &doc->now->facts;
	struct sink s = { 0 };
	bool first = true;

	sink_puts(&s, "{\"jsonrpc\": \"2.0\", \"method\": \"textDocument/publishDiagnostics\", "
		      "\"params\": {\"uri\": ");
	sink_json(&s, doc->uri);
	sink_printf(&s, ", \"version\": %lld, \"diagnostics\": [", (long long)doc->version);
	for (size_t i = 0; i < facts->n; i++)
		if (facts->at[i].kind == FACT_FINDING)
			put_finding(&s, l, doc, &facts->at[i], facts->at[i].start, facts->at[i].end,
				    &first);
	deep_findings(&s, l, doc, &first);
	sink_puts(&s, "]}}");
	wire_send(l, &s);
	sink_free(&s);
}

bool docs_refresh(struct lsp *l)
{
	for (size_t i = 0; i < l->n_docs; i++) {
		struct document *doc = l->docs[i];

		if (!doc->stale && doc->published)
			continue;
		if (doc->stale)
			analyse(l, doc);
		doc_publish(l, doc);
		doc->published = true;
		return true;
	}
	return false;
}
