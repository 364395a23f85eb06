/* What `epic compile` left in a directory: the plan, the source map, the files. */
#ifndef EPIC_TOOLS_WRITTEN_H
#define EPIC_TOOLS_WRITTEN_H

#include "compiler/tools/command.h"
#include "runtime/plan/map.h"
#include "runtime/plan/plan.h"

struct written {
	const char *dir, *name;        /* NAME.plan and NAME.map stand in DIR */
	const struct rplan_plan *plan; /* NULL: PLAN_ERROR says why */
	struct plan_error plan_error;
	bool has_map;          /* there is one that can be read */
	const char *map_error; /* else why not */
	struct source_map map;
};

/* DIR/NAME without the endings of FILES that stand in DIR, sorted. */
void written_names(struct arena *, const char *dir, const char *ending, struct texts *names);
struct written written_open(struct arena *, const char *dir, const char *name);
void written_close(struct written *);
/* The path of a generated file, as the map and the plan name it. */
const struct source_map_file *written_file(const struct written *, const char *path);
const char *written_path(struct arena *, const struct written *, const char *path);

/* A source of the policy, looked for near the plan and below the search roots. */
struct written_source {
	const char *path; /* NULL: it was not found */
	bool same;        /* it is what was compiled, as far as the plan tells */
	struct sink text;
};
struct written_source written_source(const struct options *, const struct written *,
				     const char *file);

#endif
