/* The one door to GLPK: programs with columns that are 0 or 1.
 *
 * Its answers are doubles; whoever asks checks them again in exact numbers.
 * Nothing is printed, and nothing is left allocated. */
#ifndef EPIC_SOLVE_GLPK_DOOR_H
#define EPIC_SOLVE_GLPK_DOOR_H

#include <stdbool.h>
#include <stddef.h>

struct program_row {
	const size_t *columns; /* distinct */
	const double *factors;
	size_t n;
	double lower, upper; /* -HUGE_VAL, HUGE_VAL: no bound */
};

enum program_fix { PROGRAM_FREE, PROGRAM_ZERO, PROGRAM_ONE };

struct program {
	size_t n_columns;
	const double *costs; /* their sum over the columns that are 1 is minimised */
	const enum program_fix *fixed;
	const struct program_row *rows;
	size_t n_rows;
	int max_nodes; /* of the search tree */
	int n_nodes;   /* out: those that were looked at */
};

enum program_status {
	PROGRAM_BEST,
	PROGRAM_IMPOSSIBLE,
	PROGRAM_LIMIT,  /* VALUES may hold an answer: then *FOUND */
	PROGRAM_FAILED, /* the library gave up */
};

/* VALUES has room for n_columns; it is filled in if *FOUND. */
enum program_status program_solve(struct program *, bool *values, bool *found);

#endif
