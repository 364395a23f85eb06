/* Lint: rules that advise (doc/lint.md).  The catalogue is grammar/lint.def; each rule is a
 * function in one of the files lint_*.c and a row of its table.
 *
 * A rule runs on a policy whose names, types and pipelines are right (errors from E0601 on may be
 * there); those on the text run on every file that can be read, and have no plan then.  It reports
 * by diag_add with its code.  What is
 * done with a finding, its level, @allow, baseline, is lint.c's. */
#ifndef EPIC_TOOLS_LINT_H
#define EPIC_TOOLS_LINT_H

#include "compiler/tools/command.h"

struct linting {
	struct run *run;
	struct policy *policy; /* with a plan, but no schedules: policy_plan_quietly */
	struct ctx *ctx;       /* policy->ctx */
	uint32_t today;        /* year * 10000 + month * 100 + day */
	struct lint_shared *shared; /* what rules have found out for each other; NULL at first */
	struct lint_places *places; /* where names are used: lint_names.h; NULL at first */
};

struct lint_rule {
	enum diag_code code;
	void (*run)(struct linting *);
};

/* For those who show findings in their own way: PATH as `epic lint` with these options would see
 * it.  The findings of check and of the rules are in the context. */
struct policy lint_read(struct run *, const struct options *, const char *path);

/* Each ends with a NULL run. */
extern const struct lint_rule lint_text_rules[], lint_filter_rules[], lint_movement_rules[],
    lint_data_rules[], lint_objective_rules[], lint_output_rules[];

#endif
