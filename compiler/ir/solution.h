/* What the solvers found: one verdict per flow of the graph, in the same order. */
#ifndef EPIC_IR_SOLUTION_H
#define EPIC_IR_SOLUTION_H

#include "compiler/base/diag.h"
#include "compiler/ir/ir.h"

enum verdict_status { FLOW_DIRECT, FLOW_BRIDGED, FLOW_UNBRIDGEABLE, FLOW_FORBIDDEN };

/* One function of a chain. */
struct hop {
	uint32_t function, proxy;
	bool source_side;
};

/* Which rule or default let a flow pass or stopped it, for one of its domains. */
struct decider {
	uint32_t domain;
	uint32_t rule; /* of `ir.rules`; ID_NONE: the default, or no rules at all */
	bool allows;
};

struct bridge {
	struct hop *hops; /* in chain order */
	size_t n_hops;
	struct rat setup;  /* ns */
	struct rat cycles; /* per packet of the application's size */
};

struct verdict {
	enum verdict_status status;
	bool failed;         /* `code` says why */
	enum diag_code code;
	struct ids missing;  /* whatever the status */
	struct bridge bridge; /* empty unless bridged */
	struct decider deciders[2];
	size_t n_deciders;
	const char *reason; /* one English sentence */
	/* facts for the message; which are set depends on the code */
	struct packet example;       /* E0602, E0603: a packet that is stopped */
	struct ids label_lacks;      /* E0604: attributes that the label requires */
	uint32_t label_node;         /* E0604: the node that lacks them */
};

/* A maximal set of endpoints with equal closure. */
struct area {
	struct ids attrs; /* closed */
	struct ids nodes;
};

struct solution {
	struct area *areas; /* by attributes */
	size_t n_areas;
	struct verdict *verdicts; /* ir.n_flows */
	bool limit_reached;       /* W0702: some choice was not proven best */
};

#endif
