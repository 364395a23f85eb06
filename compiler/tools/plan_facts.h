/* A plan taken apart into facts: "the weight of task rx of target rack is 0.3".
 *
 * Each row of a list is known by what names it to people (a module by its id, a listener by its
 * port, a task by its root and class), never by its number, so that the facts of two plans can be
 * laid side by side.  What is no decision is left out: places in sources, reasons, hashes, how
 * long the solver took. */
#ifndef EPIC_TOOLS_PLAN_FACTS_H
#define EPIC_TOOLS_PLAN_FACTS_H

#include <stdbool.h>
#include <stddef.h>

#include "compiler/base/arena.h"
#include "runtime/plan/plan.h"

struct fact {
	const char *subject; /* "classes[web]", "pipelines[fw].modules[fw.acl]" */
	const char *name;    /* "rate_pps", "config.device"; "" for the subject itself */
	const char *text;
	bool is_number;
	double number;
};

struct facts {
	struct fact *at; /* by subject and name */
	size_t n, cap;
};

/* All of the plan but its flows. */
struct facts plan_facts(struct arena *, const struct rplan_plan *);
/* Those of one flow, without its application and nodes; subjects are empty. */
struct facts plan_flow_facts(struct arena *, const struct rplan_flow *);

/* "app: a => b" without application: "a => b". */
const char *plan_flow_name(struct arena *, const struct rplan_flow *);
/* "rx", or "rx of class web" where the class has a queue of its own. */
const char *plan_task_name(struct arena *, const struct rplan_task *);
/* As the plan writes numbers. */
const char *plan_number_text(struct arena *, double);

#endif
