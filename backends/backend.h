/* Backends: each writes a target of the plan down as files.
 *
 * A backend reads the plan and nothing else.  It fills in texts; the caller writes
 * them.  What it cannot express was refused when the plan was made. */
#ifndef EPIC_BACKENDS_BACKEND_H
#define EPIC_BACKENDS_BACKEND_H

#include <stdbool.h>
#include <stddef.h>

#include "compiler/base/ctx.h"
#include "compiler/base/sink.h"
#include "compiler/plan/plan.h"

/* Lines of a generated file, from 1, and the statement of the policy behind them. */
struct output_range {
	size_t first, last;
	struct span policy;
	const char *reason;
};

struct output_file {
	const char *path; /* relative to the output directory, with `/` */
	struct sink text; /* owned by the caller: sink_free */
	size_t n_counted, n_lines; /* so many line ends in so many bytes of it (backends/text.h) */
	VEC(struct output_range) ranges; /* in order of their lines */
};

struct output_files {
	struct output_file *at;
	size_t n, cap;
};

struct backend {
	const char *name;
	const char *summary;
	/* Adds the target's files; NULL where another program writes them. */
	void (*emit)(struct ctx *, const struct plan *, const struct plan_target *,
		     struct output_files *);
};

extern const struct backend *const backends[]; /* NULL-terminated */
const struct backend *backend_find(const char *name); /* NULL: there is none */

#endif
