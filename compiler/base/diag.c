#include <config.h>

#include "compiler/base/diag.h"

#include <stdlib.h>
#include <string.h>

static const struct diag_page pages[] = {
#define DIAG(code, slug, summary, why, bad, good) { #code, slug, summary, why, bad, good },
#include "grammar/diag.def"
#undef DIAG
#define LINT(code, slug, level, fix, star, summary, why, bad, good)                                \
	{ #code, slug, summary, why, bad, good },
#include "grammar/lint.def"
#undef LINT
};

enum { FIRST_LINT = L1001 };

static const struct lint_facts facts[] = {
#define LINT(code, slug, level, fix, star, summary, why, bad, good)                                \
	[code - FIRST_LINT] = { SEVERITY_##level, LINT_FIX_##fix, star },
#include "grammar/lint.def"
#undef LINT
};

const struct lint_facts *lint_facts(enum diag_code code)
{
	return (int)code < FIRST_LINT ? NULL : &facts[(int)code - FIRST_LINT];
}

const struct diag_page *diag_page(enum diag_code code)
{
	return &pages[code];
}

const struct diag_page *diag_page_find(const char *name)
{
	for (size_t i = 0; i < N_DIAG_CODES; i++)
		if (!strcmp(pages[i].code, name) || !strcmp(pages[i].slug, name))
			return &pages[i];
	return NULL;
}

enum diag_code diag_page_code(const struct diag_page *page)
{
	return (enum diag_code)(page - pages);
}

static enum severity severity_of(enum diag_code code)
{
	if ((int)code >= FIRST_LINT)
		return facts[(int)code - FIRST_LINT].level;
	switch (pages[code].code[0]) {
	case 'W':
		return SEVERITY_WARNING;
	case 'I':
		return SEVERITY_INFO;
	default:
		return SEVERITY_ERROR;
	}
}

#define FORMAT(arena, text, fmt)                                                                   \
	do {                                                                                       \
		va_list args;                                                                      \
		va_start(args, fmt);                                                               \
		(text) = arena_vprintf((arena), (fmt), args);                                      \
		va_end(args);                                                                      \
	} while (0)

struct diag *diag_add(struct diags *ds, enum diag_code code, struct span span, const char *fmt, ...)
{
	struct diag *d = arena_one(ds->arena, struct diag);

	d->code = code;
	d->severity = severity_of(code);
	d->span = span;
	FORMAT(ds->arena, d->message, fmt);
	vec_push(ds->arena, &ds->list, d);
	if (d->severity == SEVERITY_ERROR)
		ds->n_errors++;
	return d;
}

void diag_label(struct diags *ds, struct diag *d, const char *fmt, ...)
{
	FORMAT(ds->arena, d->label, fmt);
}

void diag_help(struct diags *ds, struct diag *d, const char *fmt, ...)
{
	FORMAT(ds->arena, d->help, fmt);
}

void diag_data(struct diags *ds, struct diag *d, const char *fmt, ...)
{
	FORMAT(ds->arena, d->data, fmt);
}

void diag_note(struct diags *ds, struct diag *d, const char *fmt, ...)
{
	const char *note;

	FORMAT(ds->arena, note, fmt);
	vec_push(ds->arena, &d->notes, note);
}

void diag_also(struct diags *ds, struct diag *d, struct span span, const char *fmt, ...)
{
	struct diag_also also = { .span = span };

	FORMAT(ds->arena, also.label, fmt);
	vec_push(ds->arena, &d->also, also);
}

void diag_fix(struct diags *ds, struct diag *d, enum applicability applicability, struct span span,
	      const char *text, const char *fmt, ...)
{
	struct diag_fix fix = { .applicability = applicability };
	struct diag_edit edit = { span, text };

	FORMAT(ds->arena, fix.message, fmt);
	vec_push(ds->arena, &fix.edits, edit);
	vec_push(ds->arena, &d->fixes, fix);
}

size_t diag_count(const struct diags *ds, enum diag_code code)
{
	size_t n = 0;

	for (size_t i = 0; i < ds->list.n; i++)
		n += ds->list.at[i]->code == code;
	return n;
}

static int diag_order(const void *x, const void *y)
{
	const struct diag *a = *(struct diag *const *)x, *b = *(struct diag *const *)y;
	int by_place = span_cmp(a->span, b->span);

	return by_place ? by_place : (a->code > b->code) - (a->code < b->code);
}

static bool same_finding(const struct diag *a, const struct diag *b)
{
	return a->code == b->code && !span_cmp(a->span, b->span) &&
	       (!span_is_none(a->span) || !strcmp(a->message, b->message));
}

/* Merge sort: qsort promises no stability, and which of two diagnostics at one
 * place is kept must not depend on the C library. */
static void sort_stably(struct diag **at, struct diag **spare, size_t n)
{
	size_t half = n / 2, i = 0, j = half, k = 0;

	if (n < 2)
		return;
	sort_stably(at, spare, half);
	sort_stably(at + half, spare, n - half);
	while (i < half || j < n)
		spare[k++] = j == n || (i < half && diag_order(&at[i], &at[j]) <= 0) ? at[i++] : at[j++];
	memcpy(at, spare, n * sizeof(*at));
}

void diag_finish(struct diags *ds)
{
	struct diag **at = ds->list.at;
	size_t n = 0;

	sort_stably(at, arena_many(ds->arena, struct diag *, ds->list.n), ds->list.n);
	for (size_t i = 0; i < ds->list.n; i++) {
		if (n && same_finding(at[n - 1], at[i])) {
			ds->n_errors -= at[i]->severity == SEVERITY_ERROR;
			continue;
		}
		at[n++] = at[i];
	}
	ds->list.n = n;
}
