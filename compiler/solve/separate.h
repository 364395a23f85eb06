/* Telling classes apart by the header of a packet that enters. */
#ifndef EPIC_SOLVE_SEPARATE_H
#define EPIC_SOLVE_SEPARATE_H

#include "compiler/ir/ir.h"

struct class_overlap {
	uint32_t a, b; /* classes */
	struct packet example;
};

/* Whether the named classes of the slo have disjoint header filters. */
bool classes_separable(struct arena *, const struct ir *, const struct ir_slo *, struct class_overlap *);
/* Some priority would have no effect without parting the classes: every module of a
 * class below lies on paths of what is above. */
bool priority_is_idle(struct arena *, const struct ir *, const struct ir_target *, const struct ir_slo *);

#endif
