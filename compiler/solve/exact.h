/* Small linear programs in exact numbers (GMP), solved lexicographically.
 *
 * Columns are >= 0.  A row says `sum of factors * columns <= bound`; it is in force
 * from the moment it is asked for.  Objectives are maximised one after the other,
 * each keeping what the ones before it reached. */
#ifndef EPIC_SOLVE_EXACT_H
#define EPIC_SOLVE_EXACT_H

#include <stdbool.h>
#include <stddef.h>

#include "compiler/base/rat.h"

/* A linear form: the columns are distinct. */
struct form {
	const size_t *columns;
	const struct rat *factors;
	size_t n;
};

struct exact;

struct exact *exact_new(size_t n_columns);
void exact_free(struct exact *);

/* The row's number.  It is not in force yet. */
size_t exact_row(struct exact *, struct form, struct rat bound);
/* False: it cannot be met together with the rows in force and the maxima found; the
 * program is then of no further use. */
bool exact_enforce(struct exact *, size_t row);
/* False: there is no maximum. */
bool exact_maximise(struct exact *, struct form);

/* Of the current point.  Exact up to 127 bits (base/rat.h). */
struct rat exact_value(const struct exact *, size_t column);
struct rat exact_form(const struct exact *, struct form);

#endif
