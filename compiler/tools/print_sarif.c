/* --format sarif: the Static Analysis Results Interchange Format, version 2.1.0. */
#include <config.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/text.h"
#include "compiler/tools/print.h"

static const char *const levels[] = { "error", "warning", "note" };

struct kept {
	bool used[N_DIAG_CODES];
	enum severity level[N_DIAG_CODES];
	size_t index[N_DIAG_CODES]; /* in rules[], in the order of use */
	VEC(enum diag_code) rules;
	VEC(const char **) hashes; /* by source of the policy at hand; NULL: not computed */
};

static struct kept *kept_of(struct run *r)
{
	if (!r->kept)
		r->kept = arena_one(r->options->arena, struct kept);
	return r->kept;
}

static size_t rule_index(struct run *r, const struct diag *d)
{
	struct kept *k = kept_of(r);

	if (!k->used[d->code]) {
		k->used[d->code] = true;
		k->level[d->code] = d->severity;
		k->index[d->code] = k->rules.n;
		vec_push(r->options->arena, &k->rules, d->code);
	}
	return k->index[d->code];
}

static const char *hash_of(struct run *r, const struct ctx *ctx, struct span span)
{
	struct kept *k = kept_of(r);
	const struct source *src = source_at(&ctx->sources, span.source);
	size_t line = source_place(src, span.start).line;

	while (k->hashes.n <= span.source)
		vec_push(r->options->arena, &k->hashes, NULL);
	if (!k->hashes.at[span.source])
		k->hashes.at[span.source] = line_hashes(r->options->arena, src);
	return k->hashes.at[span.source][line];
}

static void sarif_file(struct run *r, const struct ctx *ctx)
{
	(void)ctx;
	kept_of(r)->hashes.n = 0;
}

/* ---- places ---- */

static void put_uri(struct sink *s, const char *path)
{
	static const char plain[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";

	for (; *path; path++)
		if (strchr(plain, *path))
			sink_putc(s, *path);
		else
			sink_printf(s, "%%%02X", (unsigned char)*path);
}

/* What lies outside the repository has a place on this machine only; standard input has none. */
static void put_artifact(struct sink *s, struct run *r, const struct source *src)
{
	const char *path = repository_path(r->options->arena, src);
	char whole[PATH_MAX];

	sink_puts(s, "\"artifactLocation\": {\"uri\": \"");
	if (path) {
		put_uri(s, path);
		sink_puts(s, "\", \"uriBaseId\": \"%SRCROOT%\"}");
	} else if (realpath(src->path, whole)) {
		sink_puts(s, "file://");
		put_uri(s, whole);
		sink_puts(s, "\"}");
	} else {
		put_uri(s, src->path);
		sink_puts(s, "\"}");
	}
}

static void put_region(struct sink *s, const char *key, const struct source *src, struct span span)
{
	struct place start = source_place(src, span.start), end = source_place(src, span.end);

	sink_printf(s,
		    "\"%s\": {\"startLine\": %zu, \"startColumn\": %zu, \"endLine\": %zu, "
		    "\"endColumn\": %zu}",
		    key, start.line, start.utf16 + 1, end.line, end.utf16 + 1);
}

static void put_physical(struct sink *s, struct run *r, const struct ctx *ctx, struct span span)
{
	const struct source *src = source_at(&ctx->sources, span.source);

	sink_puts(s, "\"physicalLocation\": {");
	put_artifact(s, r, src);
	sink_puts(s, ", ");
	put_region(s, "region", src, span);
	sink_putc(s, '}');
}

static void put_message(struct sink *s, const char *key, const char *text)
{
	sink_printf(s, "\"%s\": {\"text\": ", key);
	sink_json(s, text);
	sink_putc(s, '}');
}

/* ---- results ---- */

static void put_text(struct sink *s, const struct diag *d)
{
	struct sink text = { 0 };

	sink_puts(&text, d->message);
	for (size_t i = 0; i < d->notes.n; i++)
		sink_printf(&text, "\n%s", d->notes.at[i]);
	if (d->help)
		sink_printf(&text, "\nhelp: %s", d->help);
	put_message(s, "message", text.data);
	sink_free(&text);
}

static void put_related(struct sink *s, struct run *r, const struct ctx *ctx, const struct diag *d)
{
	sink_puts(s, ",\n        \"relatedLocations\": [");
	for (size_t i = 0; i < d->also.n; i++) {
		sink_printf(s, "%s\n          {\"id\": %zu, ", i ? "," : "", i + 1);
		put_physical(s, r, ctx, d->also.at[i].span);
		if (d->also.at[i].label) {
			sink_puts(s, ", ");
			put_message(s, "message", d->also.at[i].label);
		}
		sink_putc(s, '}');
	}
	sink_puts(s, "\n        ]");
}

static void put_change(struct sink *s, struct run *r, const struct ctx *ctx,
		       const struct diag_edit *e)
{
	const struct source *src = source_at(&ctx->sources, e->span.source);

	sink_putc(s, '{');
	put_artifact(s, r, src);
	sink_puts(s, ", \"replacements\": [{");
	put_region(s, "deletedRegion", src, e->span);
	sink_puts(s, ", ");
	put_message(s, "insertedContent", e->text);
	sink_puts(s, "}]}");
}

static void put_fixes(struct sink *s, struct run *r, const struct ctx *ctx, const struct diag *d)
{
	static const char *const words[] = { "machine-applicable", "maybe-incorrect",
					     "has-placeholders" };

	sink_puts(s, ",\n        \"fixes\": [");
	for (size_t i = 0; i < d->fixes.n; i++) {
		const struct diag_fix *f = &d->fixes.at[i];

		sink_printf(s, "%s\n          {", i ? "," : "");
		put_message(s, "description", f->message);
		sink_puts(s, ", \"artifactChanges\": [");
		for (size_t j = 0; j < f->edits.n; j++) {
			sink_puts(s, j ? ", " : "");
			put_change(s, r, ctx, &f->edits.at[j]);
		}
		sink_printf(s, "], \"properties\": {\"applicability\": \"%s\"}}",
			    words[f->applicability]);
	}
	sink_puts(s, "\n        ]");
}

static void put_primary(struct sink *s, struct run *r, const struct ctx *ctx, const struct diag *d)
{
	const char *hash = hash_of(r, ctx, d->span);

	sink_puts(s, ",\n        \"locations\": [{");
	put_physical(s, r, ctx, d->span);
	if (d->label) {
		sink_puts(s, ", ");
		put_message(s, "message", d->label);
	}
	sink_puts(s, "}]");
	if (hash)
		sink_printf(
		    s, ",\n        \"partialFingerprints\": {\"primaryLocationLineHash\": \"%s\"}",
		    hash);
}

static void sarif_one(struct run *r, const struct ctx *ctx, const struct diag *d)
{
	struct sink *s = &r->pending;

	sink_puts(s, s->size ? ",\n" : "\n");
	sink_printf(
	    s,
	    "      {\n        \"ruleId\": \"%s\", \"ruleIndex\": %zu, \"level\": \"%s\",\n        ",
	    diag_page(d->code)->code, rule_index(r, d), levels[d->severity]);
	put_text(s, d);
	if (!span_is_none(d->span))
		put_primary(s, r, ctx, d);
	if (d->also.n)
		put_related(s, r, ctx, d);
	if (d->fixes.n)
		put_fixes(s, r, ctx, d);
	sink_puts(s, "\n      }");
}

/* ---- the run ---- */

static void put_rule(struct sink *s, const struct kept *k, enum diag_code code)
{
	const struct diag_page *page = diag_page(code);

	sink_printf(s, "        {\"id\": \"%s\", \"name\": \"%s\", ", page->code, page->slug);
	put_message(s, "shortDescription", page->summary);
	sink_puts(s, ",\n         ");
	put_message(s, "fullDescription", page->why ? page->why : page->summary);
	sink_printf(
	    s, ",\n         \"help\": {\"text\": \"epic explain %s\"}, \"helpUri\": \"epic:%s\", ",
	    page->code, page->code);
	sink_printf(s, "\"defaultConfiguration\": {\"level\": \"%s\"}}", levels[k->level[code]]);
}

static void put_rules(struct sink *s, const struct kept *k)
{
	sink_puts(s, "\"rules\": [");
	for (size_t i = 0; i < k->rules.n; i++) {
		sink_puts(s, i ? ",\n" : "\n");
		put_rule(s, k, k->rules.at[i]);
	}
	sink_puts(s, k->rules.n ? "\n      ]" : "]");
}

static void sarif_end(struct run *r, int code)
{
	struct sink head = { 0 };

	sink_puts(&head, "{\n  \"$schema\": "
			 "\"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/"
			 "sarif-schema-2.1.0.json\",\n  \"version\": \"2.1.0\",\n  \"runs\": [{\n  "
			 "  \"tool\": {\"driver\": {\n"
			 "      \"name\": \"epic\", \"version\": \"" PACKAGE_VERSION "\",\n      ");
	put_rules(&head, kept_of(r));
	sink_printf(
	    &head,
	    "\n    }},\n    \"invocations\": [{\"executionSuccessful\": %s, \"exitCode\": %d}],\n",
	    code == EXIT_DONE || code == EXIT_FINDINGS || code == EXIT_IMPOSSIBLE ||
		    code == EXIT_UNDECIDED
		? "true"
		: "false",
	    code);
	sink_puts(
	    &head,
	    "    \"columnKind\": \"utf16CodeUnits\",\n    \"originalUriBaseIds\": {\"%SRCROOT%\": "
	    "{\"description\": {\"text\": \"The root of the repository.\"}}},\n    \"results\": [");
	fwrite(head.data, 1, head.size, r->out);
	fprintf(r->out, "%s%s]\n  }]\n}\n", r->pending.data ? r->pending.data : "",
		r->pending.size ? "\n    " : "");
	sink_free(&head);
}

const struct format format_sarif = { .one = sarif_one, .file = sarif_file, .end = sarif_end };
