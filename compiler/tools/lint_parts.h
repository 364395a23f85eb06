/* The parts of `epic lint` and what they offer each other; rules need lint.h alone. */
#ifndef EPIC_TOOLS_LINT_PARTS_H
#define EPIC_TOOLS_LINT_PARTS_H

#include "compiler/tools/lint.h"

/* ---- levels and the catalogue: lint_levels.c ---- */

enum lint_level { LEVEL_BY_RULE, LEVEL_ERROR, LEVEL_WARNING, LEVEL_INFO, LEVEL_OFF };

struct lint_levels {
	enum lint_level of[N_DIAG_CODES];
	enum severity fails; /* findings from this level on make exit code 1 */
	bool shows_infos;
};

/* As the options say, later ones first.  False: reported. */
bool lint_levels_read(struct run *, struct lint_levels *);
/* By id or slug; false: there is none, and *NEAR is the nearest slug or id, or NULL. */
bool lint_rule_find(const char *name, enum diag_code *, const char **near);
/* Sets the severity; false: the finding is not shown. */
bool lint_level_apply(const struct lint_levels *, struct diag *);
bool lint_catalogue(struct run *);
/* Findings that belong to no declaration, wherever they are shown. */
bool lint_is_about_file(enum diag_code);

/* ---- @allow: lint_allow.c ---- */

struct allowance {
	const struct ast_annot *annot;
	struct span covers;
	const char *slug; /* as written */
	bool known;       /* there is such a rule */
	enum diag_code code;
	bool used;
};

struct allowances {
	struct allowance *at;
	size_t n, cap;
};

/* Every @allow of the root file and of modules that are no part of the library. */
struct allowances lint_allowances(struct linting *);
/* L1010 for those of the root file. */
void lint_check_reasons(struct linting *, const struct allowances *);
/* True: an @allow covers the finding. */
bool lint_is_allowed(struct allowances *, const struct diag *);
/* L1009 for those of the root file that exempted nothing. */
void lint_check_unused(struct linting *, struct allowances *);

/* ---- baselines: lint_baseline.c ---- */

struct baseline {
	struct texts lines; /* "SLUG SYMBOL", sorted */
};

/* False: reported. */
bool baseline_read(struct run *, const char *path, struct baseline *);
bool baseline_has(const struct baseline *, const char *line);
/* The line of a finding, in the arena of the policy. */
const char *baseline_line(const struct linting *, const struct diag *);
/* Sorts the lines and writes them; false: reported. */
bool baseline_write(struct run *, const char *path, struct baseline *);

/* ---- fixes: lint_fix.c ---- */

struct lint_fixes {
	const struct diag_fix **at;
	size_t n, cap;
};

/* The machine-applicable fixes in SOURCE, of overlapping ones the first. */
struct lint_fixes lint_fixes_of(const struct ctx *, uint32_t source);
void lint_apply_fixes(const struct ctx *, uint32_t source, const struct lint_fixes *,
		      struct sink *text);

/* ---- for rules about the text: lint_text.c ---- */

/* Days since 1970-01-01 of year * 10000 + month * 100 + day. */
long lint_day_number(uint32_t date);
/* What is to be deleted so that SPAN vanishes and the layout stays canonical. */
struct span lint_span_with_layout(const struct source *, struct span);
/* From the first annotation to the end. */
struct span lint_statement_span(const struct ast_stmt *);

#endif
