/* What lint rules have found out for each other; see lint_shared.h. */
#ifndef EPIC_TOOLS_LINT_MEMO_H
#define EPIC_TOOLS_LINT_MEMO_H

#include "compiler/base/map.h"
#include "compiler/tools/lint_shared.h"

struct lint_shared {
	struct map arriving; /* pipeline -> struct lint_way [n] */
	struct map rulings;  /* domain -> struct ruling of lint_permits.c */
	size_t spent;        /* boxes that were made for them */
	bool has_filters;
	struct lint_filters filters;
};

struct lint_shared *lint_memo(struct linting *);

#endif
