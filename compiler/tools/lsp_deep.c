/* What takes its time: solving and lint.  A child does it while nothing is typed, and is ended by
 * the next edit.  It says what it found as rows of (kind, start, end, size, text). */
#include <config.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compiler/base/text.h"
#include "compiler/tools/lint.h"
#include "compiler/tools/lsp.h"

enum { LONGEST_SECONDS = 120 };

struct row {
	uint32_t kind, start, end, size;
};

/* ---- the child ---- */

static bool write_all(int fd, const void *data, size_t size)
{
	const char *at = data;

	while (size) {
		ssize_t n = write(fd, at, size);

		if (n < 0 && errno != EINTR)
			return false;
		at += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
	}
	return true;
}

static void say(int fd, const struct fact *f)
{
	struct row row = { f->kind, f->start, f->end, (uint32_t)strlen(f->text) };

	if (!write_all(fd, &row, sizeof(row)) || !write_all(fd, f->text, row.size))
		_exit(EXIT_ENVIRONMENT);
}

/* Check's own findings are with the client. */
static bool is_known(const struct document *doc, const struct fact *f)
{
	const struct facts *facts = &doc->now->facts;

	for (size_t i = 0; i < facts->n; i++)
		if (facts->at[i].kind == f->kind && facts->at[i].start == f->start &&
		    !strcmp(facts->at[i].text, f->text))
			return true;
	return false;
}

static void add_fact(struct policy *p, struct facts *facts, enum fact_kind kind, struct span span,
		     const char *text)
{
	struct fact f = { kind, span.start, span.end, text };

	if (!span_is_none(span) && span.source == 0)
		vec_push(p->ctx->arena, facts, f);
}

static const char *attrs_words(struct policy *p, struct ids attrs)
{
	const char *text = attrs.n ? "" : "nothing";

	for (size_t i = 0; i < attrs.n; i++)
		text = arena_printf(p->ctx->arena, "%s%s%s", text, i ? ", " : "",
				    name_tail(p->ir->attrs[attrs.at[i]].name));
	return text;
}

static void tell_areas(struct policy *p, struct facts *facts)
{
	struct arena *arena = p->ctx->arena;

	for (size_t i = 0; i < p->solution->n_areas; i++) {
		const struct area *a = &p->solution->areas[i];

		for (size_t k = 0; k < a->nodes.n; k++) {
			const struct ir_node *node = &p->ir->nodes[a->nodes.at[k]];

			add_fact(p, facts, FACT_HINT, node->span,
				 arena_printf(arena, "area A%zu", i + 1));
			add_fact(p, facts, FACT_HOVER, node->span,
				 arena_printf(arena, "area A%zu of %zu: %zu node%s with %s", i + 1,
					      p->solution->n_areas, a->nodes.n,
					      a->nodes.n == 1 ? "" : "s",
					      attrs_words(p, a->attrs)));
		}
	}
}

static const char *chain_words(struct policy *p, const struct bridge *b)
{
	const char *text = "";

	for (size_t i = 0; i < b->n_hops; i++)
		text = arena_printf(p->ctx->arena, "%s%s%s on %s", text, i ? ", " : "",
				    name_tail(p->ir->functions[b->hops[i].function].name),
				    p->ir->nodes[b->hops[i].proxy].name);
	return text;
}

static void tell_flow(struct policy *p, const struct ir_flow *f, const struct verdict *v,
		      struct facts *facts)
{
	static const char *const words[] = { "direct", "bridged", "unbridgeable", "forbidden" };
	struct arena *arena = p->ctx->arena;
	const char *text = arena_printf(arena, "%s => %s: %s\n\nmissing: %s\n\n%s",
					p->ir->nodes[f->from].name, p->ir->nodes[f->to].name,
					words[v->status], attrs_words(p, v->missing), v->reason);

	if (v->status == FLOW_BRIDGED) {
		text = arena_printf(arena, "%s\n\nbridge: %s", text, chain_words(p, &v->bridge));
		add_fact(p, facts, FACT_HINT, f->span,
			 arena_printf(arena, "via %s", chain_words(p, &v->bridge)));
	}
	add_fact(p, facts, FACT_HOVER, f->span, text);
}

static void say_all(int fd, const struct document *doc, const struct facts *facts)
{
	for (size_t i = 0; i < facts->n; i++)
		if (!is_known(doc, &facts->at[i]))
			say(fd, &facts->at[i]);
}

static void look(struct lsp *l, const struct document *doc, int fd)
{
	struct policy p = policy_read(&doc->now->options, doc->path, DEPTH_PLAN);
	struct facts facts = { 0 };

	diag_finish(&p.ctx->diags);
	facts_of(l, p.ctx, p.model, doc->uri, &facts);
	if (p.solution) {
		tell_areas(&p, &facts);
		for (size_t i = 0; i < p.ir->n_flows; i++)
			tell_flow(&p, &p.ir->flows[i], &p.solution->verdicts[i], &facts);
	}
	say_all(fd, doc, &facts);
}

/* The other findings of such a look are told already. */
static void look_for_rules(struct lsp *l, const struct document *doc, int fd)
{
	struct policy p = lint_read(l->run, &doc->now->options, doc->path);
	struct diags *ds = &p.ctx->diags;
	struct facts facts = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < ds->list.n; i++)
		if (lint_facts(ds->list.at[i]->code))
			ds->list.at[n++] = ds->list.at[i];
	ds->list.n = n;
	facts_of(l, p.ctx, p.model, doc->uri, &facts);
	say_all(fd, doc, &facts);
}

/* As `epic test`, of the text that is open. */
static void run_expectations(const struct document *doc, int fd)
{
	struct options o = doc->now->options;
	struct run r = { .options = &o, .out = fdopen(fd, "w") };

	o.files = (struct texts){ 0 };
	vec_push(o.arena, &o.files, doc->path);
	o.format = FORMAT_PLAIN;
	o.color = false;
	r.err = r.out;
	if (!r.out)
		return;
	command_find("test")->run(&r);
	fflush(r.out);
}

/* ---- the server ---- */

static bool start(struct lsp *l, struct document *doc, bool tests)
{
	int fds[2];
	pid_t child;

	if (pipe(fds))
		return false;
	child = fork();
	if (child == 0) {
		signal(SIGINT, SIG_DFL);
		alarm(LONGEST_SECONDS);
		close(fds[0]);
		if (tests) {
			run_expectations(doc, fds[1]);
			_exit(EXIT_DONE);
		}
		look_for_rules(l, doc, fds[1]);
		look(l, doc, fds[1]);
		_exit(EXIT_DONE);
	}
	close(fds[1]);
	if (child < 0) {
		close(fds[0]);
		return false;
	}
	l->deep = (struct deep_run){ tests, child, fds[0], doc, { 0 } };
	return true;
}

bool deep_start(struct lsp *l)
{
	if (l->deep.child)
		return false;
	for (size_t i = 0; i < l->n_docs; i++) {
		struct document *doc = l->docs[i];

		if (!doc->deep_due || doc->stale || !doc->published)
			continue;
		doc->deep_due = false;
		if (doc->now->whole && !doc->now->model->root->ast->broken)
			return start(l, doc, false);
	}
	return false;
}

bool deep_test(struct lsp *l, struct document *doc)
{
	view_of(l, doc, VIEW_NEW);
	deep_stop(l);
	return start(l, doc, true);
}

static void end_run(struct lsp *l)
{
	close(l->deep.fd);
	waitpid(l->deep.child, NULL, 0);
	sink_free(&l->deep.coming);
	l->deep = (struct deep_run){ 0 };
}

void deep_stop(struct lsp *l)
{
	if (!l->deep.child)
		return;
	kill(l->deep.child, SIGKILL);
	l->deep.doc->deep_due |= !l->deep.tests;
	end_run(l);
}

static void show_outcome(struct lsp *l, const struct sink *said)
{
	struct sink s = { 0 };
	bool failed = said->size && strstr(said->data, "error[") != NULL;

	sink_printf(&s,
		    "{\"jsonrpc\": \"2.0\", \"method\": \"window/showMessage\", \"params\": "
		    "{\"type\": %d, \"message\": ",
		    failed ? 1 : 3);
	sink_json(&s, said->size ? said->data : "the expectations could not be run");
	sink_puts(&s, "}}");
	wire_send(l, &s);
	sink_free(&s);
}

static void keep_facts(struct document *doc, const struct sink *coming)
{
	struct arena *memory = arena_new();
	size_t at = 0;
	struct row row;

	if (doc->deep.memory)
		arena_free(doc->deep.memory);
	memset(&doc->deep, 0, sizeof(doc->deep));
	doc->deep.memory = memory;
	doc->deep.size = doc->text.size;
	doc->deep.text = arena_strndup(memory, doc->text.text, doc->text.size);
	while (coming->size - at >= sizeof(row)) {
		struct fact f;

		memcpy(&row, coming->data + at, sizeof(row));
		at += sizeof(row);
		if (row.size > coming->size - at)
			return;
		f = (struct fact){ row.kind, row.start, row.end,
				   arena_strndup(memory, coming->data + at, row.size) };
		vec_push(memory, &doc->deep.facts, f);
		at += row.size;
	}
}

static void ask_for_hints(struct lsp *l)
{
	struct sink s = { 0 };

	if (!l->refreshes_hints)
		return;
	sink_printf(&s,
		    "{\"jsonrpc\": \"2.0\", \"id\": \"epic-%lld\", \"method\": "
		    "\"workspace/inlayHint/refresh\"}",
		    (long long)++l->n_sent);
	wire_send(l, &s);
	sink_free(&s);
}

void deep_read(struct lsp *l)
{
	char piece[1 << 16];
	ssize_t n = read(l->deep.fd, piece, sizeof(piece));
	struct document *doc = l->deep.doc;

	if (n > 0) {
		sink_put(&l->deep.coming, piece, (size_t)n);
		return;
	}
	if (n < 0 && errno == EINTR)
		return;
	if (l->deep.tests) {
		show_outcome(l, &l->deep.coming);
		end_run(l);
		return;
	}
	keep_facts(doc, &l->deep.coming);
	end_run(l);
	doc_publish(l, doc);
	ask_for_hints(l);
}
