/* libFuzzer entry: whatever the bytes, the reader of JSON takes or refuses them; of what it has
 * taken every value can be asked for by every type, and its path names it. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "runtime/core/json_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void insist(bool holds)
{
	if (!holds)
		abort();
}

/* Exactly the type that it has is given out; the others are refused with a reason. */
static void ask_all(const struct tree_node *node)
{
	struct tree_error error = { "" };
	const struct tree_node *inner;
	const char *text;
	int64_t integer;
	double number;
	bool truth;

	insist(tree_text(node, NULL, &text, &error) == (node->kind == TREE_TEXT));
	insist(tree_truth(node, NULL, &truth, &error) == (node->kind == TREE_TRUTH));
	insist(tree_number(node, NULL, &number, &error) ==
	       (node->kind == TREE_NUMBER || node->kind == TREE_INTEGER));
	insist(tree_integer(node, NULL, INT64_MIN, INT64_MAX, &integer, &error) ==
	       (node->kind == TREE_INTEGER));
	insist(tree_list(node, NULL, &inner, &error) == (node->kind == TREE_LIST));
	insist(tree_object(node, NULL, &inner, &error) == (node->kind == TREE_OBJECT));
	insist(tree_text_or_null(node, NULL, &text, &error) ==
	       (node->kind == TREE_TEXT || node->kind == TREE_NULL));
	insist(error.text[0] && memchr(error.text, 0, sizeof(error.text)));
}

static void check_path(const struct tree_node *node)
{
	for (size_t room = 1; room < 64; room += 9) {
		char *path = malloc(room);

		insist(path && tree_path(node, path, room) == path && strlen(path) < room);
		free(path);
	}
}

static void visit(const struct tree_node *node)
{
	ask_all(node);
	check_path(node);
	for (size_t i = 0; i < node->n_items; i++) {
		const struct tree_node *item = &node->items[i];

		insist(item->parent == node && item->index == i);
		insist((node->kind == TREE_OBJECT) == (item->key != NULL));
		insist(!item->key || tree_member(node, item->key) == item);
		visit(item);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct tree_error error = { "" };
	struct tree *tree = tree_read((const char *)bytes, size, &error);

	insist(!tree == !!error.text[0]);
	if (tree)
		visit(tree_root(tree));
	tree_free(tree);
	return 0;
}
