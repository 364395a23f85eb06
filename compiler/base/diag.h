/* Diagnostics: what is wrong, where, and the way out.
 *
 * Codes, slugs and pages come from grammar/diag.def, those of lint rules from
 * grammar/lint.def.  Diagnostics are collected
 * while the stages run; diag_finish puts them into source order and drops
 * repetitions of one code at one place.  How they look is decided by the
 * printers of compiler/driver. */
#ifndef EPIC_BASE_DIAG_H
#define EPIC_BASE_DIAG_H

#include <stdbool.h>
#include <stddef.h>

#include "compiler/base/source.h"
#include "compiler/base/vec.h"

enum diag_code {
#define DIAG(code, slug, summary, why, bad, good) code,
#include "grammar/diag.def"
#undef DIAG
#define LINT(code, slug, level, fix, star, summary, why, bad, good) code,
#include "grammar/lint.def"
#undef LINT
	N_DIAG_CODES
};

enum severity { SEVERITY_ERROR, SEVERITY_WARNING, SEVERITY_INFO };

enum applicability { MACHINE_APPLICABLE, MAYBE_INCORRECT, HAS_PLACEHOLDERS };

struct diag_edit {
	struct span span; /* replaced by TEXT; empty to insert */
	const char *text;
};

struct diag_fix {
	const char *message;
	enum applicability applicability;
	VEC(struct diag_edit) edits;
};

struct diag_also {
	struct span span;
	const char *label;
};

struct diag {
	enum diag_code code;
	enum severity severity;
	struct span span; /* SPAN_NONE: not about a place in a policy */
	const char *message;
	const char *label; /* beside the caret; may be NULL */
	const char *help;  /* may be NULL */
	const char *data;  /* facts by code, a JSON object; NULL: {} */
	VEC(struct diag_also) also;
	VEC(const char *) notes;
	VEC(struct diag_fix) fixes;
};

struct diags {
	struct arena *arena;
	VEC(struct diag *) list;
	size_t n_errors;
};

/* The row of grammar/diag.def or lint.def. */
struct diag_page {
	const char *code, *slug, *summary, *why, *bad, *good;
};
const struct diag_page *diag_page(enum diag_code);
/* What a lint rule is beside its page; NULL: CODE is none. */
enum lint_fix { LINT_FIX_NONE, LINT_FIX_SUGGESTED, LINT_FIX_FIXED };
struct lint_facts {
	enum severity level; /* by default */
	enum lint_fix fix;
	bool star; /* cannot be allowed, lowered or put into a baseline */
};
const struct lint_facts *lint_facts(enum diag_code);
/* By code or slug; NULL if there is none. */
const struct diag_page *diag_page_find(const char *code_or_slug);
enum diag_code diag_page_code(const struct diag_page *);

/* Records a diagnostic; the severity follows from the code's first letter, or the
 * rule's level.
 * The result may be completed by the calls below.  Never NULL. */
struct diag *diag_add(struct diags *, enum diag_code, struct span, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

void diag_label(struct diags *, struct diag *, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void diag_help(struct diags *, struct diag *, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void diag_note(struct diags *, struct diag *, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void diag_data(struct diags *, struct diag *, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void diag_also(struct diags *, struct diag *, struct span, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* A fix that replaces SPAN by TEXT. */
void diag_fix(struct diags *, struct diag *, enum applicability, struct span, const char *text,
	      const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/* How many diagnostics carry this code. */
size_t diag_count(const struct diags *, enum diag_code);

/* Sorts by place and drops all but the first of each (code, span). */
void diag_finish(struct diags *);

#endif
