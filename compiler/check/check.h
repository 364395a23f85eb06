/* From trees to the model: modules, names, types, rules (doc/language.md 4 to 7).
 *
 * Reports every error of the families E00, E03, E04, E05, E0607 (for pairs that do
 * not name each other), E0703, E0704, E0708, E0801 and E0806. */
#ifndef EPIC_CHECK_H
#define EPIC_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "compiler/base/ctx.h"
#include "compiler/model/model.h"

struct search {
	const char *const *roots; /* searched in order, after the importing file's directory */
	size_t n_roots;
	const char *std; /* the standard library; NULL: none */
};

/* Loads PATH ("-": standard input) and all that it uses, and checks it.  The model
 * is returned even if there were errors; NULL if the root file cannot be read
 * (reported as E0002 or E0003). */
struct model *check_policy(struct ctx *, const char *path, const struct search *);
/* The same for a text in memory, which is called <stdin>. */
struct model *check_text(struct ctx *, const char *text, size_t size, const struct search *);

/* ---- what an expectation says, once the model is sound ---- */

enum expect_kind {
	EXPECT_REACH,
	EXPECT_BRIDGE,
	EXPECT_PATH,
	EXPECT_AREA,
	EXPECT_FEASIBLE,
	EXPECT_CLASSIFIED
};

struct expectation {
	enum expect_kind kind;
	bool negated;
	struct span span;
	struct refs from, to;     /* reach, bridge */
	bool from_all, to_all;    /* every endpoint */
	const struct fx *when;    /* NULL: true */
	struct symbol *carries;
	struct refs functions;    /* bridge */
	struct refs nodes;        /* area */
	struct m_pipeline *pipeline; /* path */
	struct numbers path;      /* instances of the pipeline */
	struct symbol *slo, *target, *class;
};

/* False: the statement is wrong (reported by check_policy already). */
bool check_expectation(struct model *, const struct m_expect *, struct expectation *);

/* The expression on its own, in the scope of the root module, for the command line:
 * a filter, a movement, a name.  False or NULL: reported. */
bool check_filter_text(struct model *, const char *text, const struct fx **);
bool check_move_text(struct model *, const char *text, struct expectation *);
struct symbol *check_name_text(struct model *, const char *text, unsigned kinds);

#endif
