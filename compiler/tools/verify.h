/* `epic verify`: plan, source map and generated files against each other.
 *
 * Each generated file is read by a reader of its own language and compared with what the plan
 * says; layout and comments do not matter.  What differs is a finding: where, what, and the row of
 * the plan that says otherwise. */
#ifndef EPIC_TOOLS_VERIFY_H
#define EPIC_TOOLS_VERIFY_H

#include <stdbool.h>
#include <stddef.h>

#include "compiler/tools/command.h"
#include "compiler/tools/plan_again.h"
#include "compiler/tools/written.h"

struct verify_finding {
	const char *file; /* as shown */
	size_t line;      /* 0: of no line */
	const char *message;
	const char *row; /* of the plan; NULL: none says anything about it */
	size_t order;
};

struct verifying {
	struct run *run;
	struct arena *arena;
	struct written *written;
	const struct rplan_plan *plan;
	struct plan_again again;
	VEC(struct verify_finding) findings;
	size_t n_files;
	bool unsound; /* the plan contradicts itself, so that nothing is made of it anew */
	/* the file at hand */
	const char *path;
	const struct rplan_target *target;
	size_t target_index;
	bool untouched; /* file and plan are, by their hashes, as they were written together */
};

/* About the file at hand. */
void verify_find(struct verifying *, size_t line, const char *row, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* "targets[web].config.KEY" */
const char *verify_row(struct verifying *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The plan by itself; what a checker can rely on (doc/plan.md). */
void verify_plan(struct verifying *);
void verify_schedules(struct verifying *);
void verify_proxies(struct verifying *); /* the rows of nginx and SOCKS against the flows */

/* The texts that the target's backend writes for the plan; false: it cannot.  The caller frees
 * them. */
bool verify_again(struct verifying *, struct output_files *);

/* A generated file against the target. */
typedef void verify_file(struct verifying *, const struct sink *text);
verify_file verify_nginx, verify_chains, verify_launch, verify_bess;

#endif
