/* Which flows, rules and edges of a policy its expectations touch (doc/cli.md, test).
 *
 * An expectation about movement touches the flows it speaks of and the rules that meet them, one
 * about paths or classes the edges on its way.  What stands in the standard library does not count,
 * nor do copies (->>), of which no expectation speaks.
 * Needs the graph; everything lives in the policy's arena. */
#ifndef EPIC_TOOLS_COVERAGE_H
#define EPIC_TOOLS_COVERAGE_H

#include "compiler/tools/command.h"

struct coverage;

struct coverage *coverage_new(struct policy *);
void coverage_touch(struct coverage *, const struct expectation *);
/* Prints the totals and what is untouched, as the format asks.  False: less than the threshold. */
bool coverage_report(struct run *, struct coverage *, const char *path);

#endif
