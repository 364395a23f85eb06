/* Reads JSON (RFC 8259) into a tree and hands out its members by type.
 *
 * It distrusts its text: nesting is bounded, a key given twice is refused.  A getter that does not
 * find what it wants says so with the path of the key, `workers[2].busy`. */
#ifndef EPIC_CORE_JSON_READ_H
#define EPIC_CORE_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tree_kind {
	TREE_NULL,
	TREE_TRUTH,
	TREE_INTEGER,
	TREE_NUMBER,
	TREE_TEXT,
	TREE_LIST,
	TREE_OBJECT
};

/* One value.  Members of an object are in the order of the text. */
struct tree_node {
	enum tree_kind kind;
	const struct tree_node *parent; /* NULL: the whole text */
	const char *key;                /* in its object, or NULL */
	size_t index;                   /* in its list or object */
	bool truth;
	int64_t integer;
	double number; /* of TREE_INTEGER, too */
	const char *text;
	const struct tree_node *items; /* of TREE_LIST and TREE_OBJECT */
	size_t n_items;
};

struct tree_error {
	char text[256];
};

struct tree;

/* NULL: *ERROR says why, with line and column.  Any value may stand at the top. */
struct tree *tree_read(const char *bytes, size_t n, struct tree_error *);
const struct tree_node *tree_root(const struct tree *); /* lives as long as the tree */
void tree_free(struct tree *);                          /* NULL is fine */

/* The member KEY; NULL: NODE is no object or has none. */
const struct tree_node *tree_member(const struct tree_node *, const char *key);
/* Writes the path of NODE, "." for the top; cut where it is too long.  Returns BUF. */
char *tree_path(const struct tree_node *, char *buf, size_t size);
/* Puts the path of NODE, or of its member KEY, in front of WHAT; always false. */
bool tree_fail(const struct tree_node *, const char *key, const char *what, struct tree_error *);

/* The member KEY of NODE, which must be of that type; false: *ERROR says what is wrong and *VALUE
 * is left alone.  With KEY NULL it is NODE itself that is meant. */
bool tree_text(const struct tree_node *, const char *key, const char **value, struct tree_error *);
bool tree_text_or_null(const struct tree_node *, const char *key, const char **value,
		       struct tree_error *);
bool tree_number(const struct tree_node *, const char *key, double *value, struct tree_error *);
bool tree_integer(const struct tree_node *, const char *key, int64_t low, int64_t high,
		  int64_t *value, struct tree_error *);
bool tree_truth(const struct tree_node *, const char *key, bool *value, struct tree_error *);
bool tree_list(const struct tree_node *, const char *key, const struct tree_node **value,
	       struct tree_error *);
bool tree_object(const struct tree_node *, const char *key, const struct tree_node **value,
		 struct tree_error *);

#endif
