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
	/* Gives the text that stands for a file, e.g. one that an editor has not saved;
	 * false: the file itself counts.  NULL: there are no such texts. */
	bool (*find_text)(void *data, const char *path, const char **text, size_t *size);
	void *data;
	bool keeps_uses; /* the model lists where each name is used */
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

/* ---- filters as they were written, for advice ---- */

enum filter_part_kind {
	PART_AND,
	PART_OR,
	PART_NOT,
	PART_COMPARISON,
	PART_SERVICES, /* a set; its members are the parts */
	PART_OTHER
};

/* Constants are looked through: AT may lie in another declaration, or another file. */
struct filter_part {
	enum filter_part_kind kind;
	const struct ast_expr *e;
	struct span at;
	const struct fx *fx;
	const struct field *field; /* of a comparison */
	bool differs;              /* a comparison with != */
	const struct filter_part **parts;
	size_t n_parts;
};

/* E in the scope of a declaration, once the model is sound. */
const struct filter_part *check_filter_parts(struct model *, const struct symbol *block,
					     const struct ast_expr *);

#endif
