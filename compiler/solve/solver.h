/* What the program says about its solver. */
#ifndef EPIC_SOLVE_SOLVER_H
#define EPIC_SOLVE_SOLVER_H

const char *solver_version(void);

#endif
