/* What the scheduler found for one target: tasks, their weights, the tree.
 *
 * One copy of the pipeline; `replicas` copies run.  Module numbers are those of
 * the target's pipeline, class numbers those of the graph, or ID_REST.  Numbers are exact unless they need more than 127
 * bits (base/rat.h). */
#ifndef EPIC_IR_SCHEDULE_H
#define EPIC_IR_SCHEDULE_H

#include "compiler/base/diag.h"
#include "compiler/ir/ir.h"

/* A connected run of modules below its root (doc/language.md 5.5). */
struct sched_task {
	uint32_t root;
	uint32_t copy; /* the class whose early queue feeds it or is upstream of it,
			* ID_REST; ID_NONE: the classes are not parted here */
	struct ids modules; /* all that it runs, the root among them */
	bool queue;         /* one was put before the root */
	uint32_t worker;
	struct rat service; /* v */
	struct rat load;    /* L, cycles/s, queue-cost and classify-cost included */
	uint32_t rank;      /* at the root level of the slo */
	bool weighted;      /* hangs below a weighted node */
	struct rat weight;  /* L / sum over the weighted tasks of its worker; 1 for the only
			     * task of a worker without priorities */
	struct rat *share;  /* per row of `classes`: fraction of its cycles; sums to 1, the
			     * first class that it serves has it all if the load is 0 */
};

/* A class that the classifier parts from the others. */
struct sched_part {
	uint32_t class; /* or ID_REST, last */
	const struct fx *when;
};

/* A class that passes the pipeline, or the rest if it has a rate. */
struct sched_class {
	uint32_t class; /* or ID_REST, last */
	struct rat time; /* T, cycles/s */
	struct rat offered; /* the cycles/s that all of it would take */
	struct rat rate; /* R, packets/s of one copy */
};

enum sched_why {
	PARTED_FOR_ASKING,   /* --partition front */
	PARTED_FOR_PRIORITY, /* it would have no effect otherwise */
	PARTED_FOR_ANSWER,   /* there is no other */
	PARTED_FOR_RATE,     /* more is delivered */
};

enum sched_kind { SCHED_PRIORITY, SCHED_WEIGHTED, SCHED_LEAF };

struct sched_node {
	enum sched_kind kind;
	uint32_t level; /* of the slo; ID_NONE for a leaf and a node that joins tasks of one rank */
	uint32_t task;  /* of a leaf */
	bool ranked;    /* child of a priority node */
	uint32_t rank;
	bool weighted;  /* some node above is a weighted one */
	struct rat weight; /* sum of the weights of the leaves below */
	struct sched_node *children;
	size_t n_children;
};

struct schedule {
	uint32_t target;
	bool solved;          /* tasks are there */
	bool failed;
	enum diag_code code;  /* of the failure */
	bool parted;          /* classes are told apart behind the sources */
	enum sched_why why_parted;
	struct ids sources;   /* of the classifier */
	struct sched_part *parts;
	size_t n_parts;
	struct sched_task *tasks; /* by root, then by the name of the copy, ID_NONE first */
	size_t n_tasks;
	struct sched_class *classes;
	size_t n_classes;
	struct sched_node *tree; /* NULL unless solved */
	/* what was optimised: of all named classes over all copies, packets/s */
	struct rat rate;
	struct rat bound; /* of the leading criterion: tasks, or rate of the first rank's
			   * classes over all copies */
	bool optimal;
	struct rat gap;
	const char *solver;
	uint64_t n_nodes;
	bool timed;     /* SECONDS may be written down */
	double seconds;
};

#endif
