/* `epic diff`: what a change means, as a list of changes.
 *
 * Both sides are plans: a policy is compiled, written as a plan and read again, so that nothing
 * but what a plan says can differ. */
#ifndef EPIC_TOOLS_DIFF_H
#define EPIC_TOOLS_DIFF_H

#include <stdbool.h>
#include <stddef.h>

#include "backends/backend.h"
#include "compiler/tools/command.h"
#include "runtime/plan/plan.h"

/* In the order in which they are shown. */
enum diff_kind {
	DIFF_FLOWS,
	DIFF_BRIDGES,
	DIFF_AREAS,
	DIFF_PIPELINES,
	DIFF_CLASSES,
	DIFF_TASKS,
	DIFF_WEIGHTS,
	DIFF_FILES,
	N_DIFF_KINDS
};
extern const char *const diff_kinds[]; /* "flows" */

struct diff_fact {
	const char *name;
	const char *old, *new; /* NULL: there was none, there is none */
	bool is_number;        /* then RELATIVE holds, unless it was 0 */
	double was, is;
};

/* Packets that were gained or lost. */
struct diff_packets {
	const char *filter;  /* NULL: none */
	const char *example; /* for people */
	const char *json;    /* the same packet, an object */
};

enum diff_way { DIFF_GAINED, DIFF_LOST, DIFF_CHANGED };

struct diff_change {
	enum diff_kind kind;
	enum diff_way way;
	const char *subject, *what; /* "class web", "gets packets" */
	struct diff_packets packets;
	VEC(struct diff_fact) facts;
	const char *detail; /* a unified diff, or NULL */
};

struct diff_side {
	const char *path;
	const struct rplan_plan *plan;
	struct policy policy;        /* of an .epi */
	struct output_files outputs; /* of an .epi */
	const char *dir;             /* of a .plan: beside it lie the files */
};

struct diffing {
	struct arena *arena;
	struct fields *fields;
	const struct diff_side *old, *new;
	VEC(struct diff_change) changes;
};

/* A change that is to be completed; it is taken back by diff_drop if nothing came of it. */
struct diff_change *diff_add(struct diffing *, enum diff_kind, enum diff_way, const char *subject,
			     const char *what);
void diff_fact(struct diffing *, struct diff_change *, const char *name, const char *old,
	       const char *new);

/* What NEW has and OLD has not; false: nothing. */
bool diff_packets(struct diffing *, const struct cubes *old, const struct cubes *new,
		  struct diff_packets *);
/* A filter of a plan as a set; NULL: it cannot be read. */
const struct cubes *diff_set(struct diffing *, const char *filter);

void diff_flows(struct diffing *);
void diff_rows(struct diffing *);
void diff_files(struct diffing *);

typedef void diff_print(const struct diffing *, const struct options *, struct sink *);
diff_print diff_print_human, diff_print_md, diff_print_json;

#endif
