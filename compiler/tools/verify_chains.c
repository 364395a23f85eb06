/* chains.txt against the chains of its target. */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/text.h"
#include "compiler/tools/verify.h"

/* One line of a chain: "from 10.0.0.0/8 ..." */
struct entry {
	const char *label; /* "" where the line goes on with the links of the one before */
	const char *rest;
	size_t line;
};

struct block {
	size_t line;
	const char *head; /* "2  a => b", blanks made single */
	VEC(struct entry) entries;
};

struct blocks {
	struct block *at;
	size_t n, cap;
};

/* ---- reading ---- */

/* Words with one blank between them. */
static const char *squeezed(struct arena *a, const char *text, size_t n)
{
	char *out = arena_alloc(a, n + 1);
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		if (!strchr(" \t\r", text[i]))
			out[k++] = text[i];
		else if (k && out[k - 1] != ' ')
			out[k++] = ' ';
	k -= k && out[k - 1] == ' ';
	out[k] = '\0';
	return out;
}

static const char *label_of(struct arena *a, const char *text)
{
	static const char *const labels[] = {
		"from", "to", "when", "replay", "via", "links", "flow"
	};
	size_t n = strcspn(text, " ");

	for (size_t i = 0; i < sizeof(labels) / sizeof(*labels); i++)
		if (strlen(labels[i]) == n && !strncmp(labels[i], text, n))
			return arena_strndup(a, text, n);
	return "";
}

static void read_line(struct verifying *v, struct blocks *blocks, const char *text, size_t line)
{
	const char *label = label_of(v->arena, text), *rest = text + strlen(label);

	rest += *rest == ' ' && *label;
	if (!strcmp(label, "flow")) {
		vec_push(v->arena, blocks, (struct block){ .line = line, .head = rest });
	} else if (!blocks->n) {
		verify_find(v, line, NULL, "'%s' belongs to no flow", text);
	} else {
		vec_push(v->arena, &blocks->at[blocks->n - 1].entries,
			 (struct entry){ label, rest, line });
	}
}

static struct blocks read_blocks(struct verifying *v, const struct sink *text)
{
	struct blocks blocks = { 0 };
	size_t line = 1;

	for (const char *s = text->data ? text->data : ""; *s; line++) {
		size_t n = strcspn(s, "\n");
		const char *words = squeezed(v->arena, s, n);

		words += *words == ' ';
		if (*words && *words != '#')
			read_line(v, &blocks, words, line);
		s += n + (s[n] == '\n');
	}
	return blocks;
}

/* ---- what the plan says ---- */

static const char *texts(struct arena *a, const struct rplan_texts *t)
{
	const char *text = t->n ? t->at[0] : "-";

	for (size_t i = 1; i < t->n; i++)
		text = arena_printf(a, "%s %s", text, t->at[i]);
	return text;
}

static const char *link_text(struct verifying *v, const struct rplan_chain *c, size_t i)
{
	const struct rplan_flow *f = &v->plan->flows.at[c->flow];
	const struct rplan_hop *hop;

	if (f->bridge.n < c->links.n)
		return c->links.at[i];
	hop = &f->bridge.at[f->bridge.n - c->links.n + i];
	return arena_printf(v->arena, "%s %s on %s", c->links.at[i], name_tail(hop->function),
			    hop->proxy);
}

static void want(struct verifying *v, struct block *b, const char *label, const char *rest)
{
	vec_push(v->arena, &b->entries, (struct entry){ label, rest, 0 });
}

static struct block wanted(struct verifying *v, const struct rplan_chain *c)
{
	const struct rplan_flow *f = &v->plan->flows.at[c->flow];
	struct block b = { .head = arena_printf(v->arena, "%" PRId64 " %s => %s", c->flow, f->from,
						f->to) };

	want(v, &b, "from", texts(v->arena, &c->from));
	want(v, &b, "to", texts(v->arena, &c->to));
	want(v, &b, "when", c->when);
	if (c->replay_safe)
		want(v, &b, "replay", "safe");
	if (c->links.n)
		want(v, &b, "via", texts(v->arena, &c->via));
	else
		want(v, &b, "links", "straight to the destination");
	for (size_t i = 0; i < c->links.n; i++)
		want(v, &b, i ? "" : "links", link_text(v, c, i));
	return b;
}

/* ---- comparing ---- */

static const char *entry_text(struct arena *a, const struct entry *e)
{
	return *e->label ? arena_printf(a, "%s %s", e->label, e->rest) : e->rest;
}

/* The order of the lines counts, as that of the links does. */
static void compare(struct verifying *v, const char *row, const struct block *is,
		    const struct block *should)
{
	size_t k = 0;

	for (size_t i = 0; i < should->entries.n; i++) {
		const struct entry *s = &should->entries.at[i];
		const struct entry *e = k < is->entries.n ? &is->entries.at[k] : NULL;

		if (!e || strcmp(e->label, s->label)) {
			verify_find(v, e ? e->line : is->line, row, "this chain lacks '%s'",
				    entry_text(v->arena, s));
			continue;
		}
		k++;
		if (strcmp(e->rest, s->rest))
			verify_find(v, e->line, row, "says '%s', and the plan '%s'",
				    entry_text(v->arena, e), entry_text(v->arena, s));
	}
	for (; k < is->entries.n; k++)
		verify_find(v, is->entries.at[k].line, row,
			    "says '%s', which does not follow from the plan",
			    entry_text(v->arena, &is->entries.at[k]));
}

static const char *row_of(struct verifying *v, const struct rplan_socks_config *c, size_t i)
{
	const struct rplan_flow *f = &v->plan->flows.at[c->chains.at[i].flow];

	return verify_row(v, "config.chains[%zu], for %s => %s", i, f->from, f->to);
}

/* The head names target, version, proxy and port; it is a comment, but people go by it. */
static void check_head(struct verifying *v, const struct sink *text,
		       const struct rplan_socks_config *c)
{
	const char *head =
	    arena_printf(v->arena, "target %s, SOCKS %" PRId64 " on %s, port %" PRId64 "\n",
			 v->target->name, c->version, c->at, c->listen);
	const char *end = strstr(text->data ? text->data : "", "\nflow ");
	const char *found = strstr(text->data ? text->data : "", head);

	if (!found || (end && found > end))
		verify_find(v, 2, verify_row(v, "config.listen"), "the head does not say '%.*s'",
			    (int)strlen(head) - 1, head);
}

static void check_chain(struct verifying *v, const char *row, const struct block *is,
			const struct block *should)
{
	if (strcmp(is->head, should->head))
		verify_find(v, is->line, row, "says 'flow %s', and the plan 'flow %s'", is->head,
			    should->head);
	compare(v, row, is, should);
}

/* The block with that head, or with any; it is used up. */
static struct block *take(struct blocks *blocks, const char *head)
{
	for (size_t i = 0; i < blocks->n; i++)
		if (blocks->at[i].head && (!head || !strcmp(blocks->at[i].head, head)))
			return &blocks->at[i];
	return NULL;
}

void verify_chains(struct verifying *v, const struct sink *text)
{
	const struct rplan_socks_config *c = rplan_target_socks(v->target);
	struct blocks blocks = read_blocks(v, text);
	bool *done = arena_many(v->arena, bool, c->chains.n);

	check_head(v, text, c);
	for (int any = 0; any < 2; any++)
		for (size_t i = 0; i < c->chains.n; i++) {
			struct block should = wanted(v, &c->chains.at[i]);
			struct block *is = done[i] ? NULL : take(&blocks, any ? NULL : should.head);

			if (is)
				check_chain(v, row_of(v, c, i), is, &should);
			else if (any && !done[i])
				verify_find(v, 0, row_of(v, c, i), "flow %s is missing",
					    should.head);
			if (is)
				done[i] = true, is->head = NULL;
		}
	for (size_t i = 0; i < blocks.n; i++)
		if (blocks.at[i].head)
			verify_find(v, blocks.at[i].line, verify_row(v, "config.chains"),
				    "'flow %s' is in no chain of the plan", blocks.at[i].head);
}
