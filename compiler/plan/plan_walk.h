/* One walk over a plan for all that write it down whole.
 *
 * The walk knows the rows (plan_rows) and asks a form for each thing that it
 * meets, in the order in which it is to be written. */
#ifndef EPIC_PLAN_WALK_H
#define EPIC_PLAN_WALK_H

#include "compiler/plan/plan.h"

/* How a form writes things; OUT is its own.  An object of N members gets N pairs of
 * `key` and one value, a list N values, then `end` once. */
struct plan_form {
	void (*null)(void *out);
	void (*truth)(void *out, bool);
	void (*integer)(void *out, int64_t);
	void (*number)(void *out, struct dec);
	void (*text)(void *out, const char *);
	void (*list)(void *out, size_t n);
	void (*object)(void *out, size_t n);
	void (*key)(void *out, const char *);
	void (*end)(void *out);
	/* The order of keys, as strcmp. */
	int (*compare)(const char *, const char *);
};

/* PLAN must be complete: NULL stands only where the rows allow null.  Lists are taken
 * as sorted, keys are brought into the form's order here. */
void plan_walk(const struct plan *, const struct plan_form *, void *out);

/* Whether all texts and keys are UTF-8 and nothing nests deeper than a reader takes
 * (doc/plan.md); what is not cannot be written. */
bool plan_is_writable(const struct plan *);

/* Levels of lists and objects in a plan, the outermost included. */
enum { PLAN_DEPTH = 64 };

#endif
