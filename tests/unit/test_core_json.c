#include <config.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/core/json_read.h"
#include "tests/unit/unit.h"

static struct tree *grown(const char *text)
{
	struct tree_error error = { "" };
	struct tree *t = tree_read(text, strlen(text), &error);

	UNIT_TEXT("", error.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	return t;
}

static const char sample[] =
    "{\"name\": \"wan\", \"n\": 5, \"rate\": 2.5, \"on\": true, \"none\": null,"
    " \"rows\": [{\"id\": \"a\"}, {\"id\": 7, \"deep\": [[1, 2], [3, \"x\"]]}], \"o\": {}}";

static void members_are_read_by_type(void)
{
	struct tree *t = grown(sample);
	const struct tree_node *root = tree_root(t), *rows, *o;
	struct tree_error error = { "" };
	const char *name, *none = "";
	double rate, n;
	int64_t i;
	bool on;

	CU_ASSERT_TRUE(tree_text(root, "name", &name, &error));
	UNIT_TEXT("wan", name);
	CU_ASSERT_TRUE(tree_text_or_null(root, "name", &name, &error));
	CU_ASSERT_TRUE(tree_text_or_null(root, "none", &none, &error));
	CU_ASSERT_PTR_NULL(none);
	CU_ASSERT_TRUE(tree_number(root, "rate", &rate, &error));
	CU_ASSERT_EQUAL(rate, 2.5);
	CU_ASSERT_TRUE(tree_number(root, "n", &n, &error));
	CU_ASSERT_EQUAL(n, 5);
	CU_ASSERT_TRUE(tree_integer(root, "n", 5, 5, &i, &error));
	CU_ASSERT_EQUAL(i, 5);
	CU_ASSERT_TRUE(tree_truth(root, "on", &on, &error) && on);
	CU_ASSERT_TRUE(tree_object(root, "o", &o, &error));
	CU_ASSERT_EQUAL(o->n_items, 0);
	CU_ASSERT_TRUE(tree_list(root, "rows", &rows, &error));
	CU_ASSERT_EQUAL(rows->n_items, 2);
	CU_ASSERT_TRUE(tree_integer(&rows->items[1], "id", 0, 9, &i, &error));
	CU_ASSERT_PTR_NULL(tree_member(root, "nothing"));
	CU_ASSERT_PTR_NULL(tree_member(rows, "id"));
	UNIT_TEXT("", error.text);
	tree_free(t);
}

static void what_is_wrong_has_its_path(void)
{
	struct tree *t = grown(sample);
	const struct tree_node *root = tree_root(t), *rows = tree_member(root, "rows"), *node;
	const struct tree_node *deep = tree_member(&rows->items[1], "deep");
	struct tree_error error;
	const char *text = "untouched";
	double number;
	int64_t i = 77;
	bool on;

	CU_ASSERT_FALSE(tree_text(&rows->items[1], "id", &text, &error));
	UNIT_TEXT("rows[1].id is not a string", error.text);
	UNIT_TEXT("untouched", text);
	CU_ASSERT_FALSE(tree_text(&rows->items[1], "name", &text, &error));
	UNIT_TEXT("rows[1].name is missing", error.text);
	CU_ASSERT_FALSE(tree_text(root, "title", &text, &error));
	UNIT_TEXT("title is missing", error.text);
	CU_ASSERT_FALSE(tree_integer(root, "rate", 0, 9, &i, &error));
	UNIT_TEXT("rate is not an integer", error.text);
	CU_ASSERT_FALSE(tree_integer(root, "n", 6, 9, &i, &error));
	UNIT_TEXT("n is not from 6 to 9", error.text);
	CU_ASSERT_EQUAL(i, 77);
	CU_ASSERT_FALSE(tree_number(&deep->items[1].items[1], NULL, &number, &error));
	UNIT_TEXT("rows[1].deep[1][1] is not a number", error.text);
	CU_ASSERT_FALSE(tree_truth(root, "none", &on, &error));
	UNIT_TEXT("none is not true or false", error.text);
	CU_ASSERT_FALSE(tree_list(root, "o", &node, &error));
	UNIT_TEXT("o is not a list", error.text);
	CU_ASSERT_FALSE(tree_object(root, NULL, &node, &error) && node != root);
	CU_ASSERT_FALSE(tree_truth(rows, "x", &on, &error));
	UNIT_TEXT("rows is no object", error.text);
	tree_free(t);
	t = grown("[1]");
	CU_ASSERT_FALSE(tree_text(tree_root(t), "x", &text, &error));
	UNIT_TEXT(". is no object", error.text);
	tree_free(t);
}

static void refuses(const char *text, size_t n, const char *why)
{
	struct tree_error error = { "" };
	struct tree *t = tree_read(text, n, &error);

	CU_ASSERT_PTR_NULL(t);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.text, why));
	tree_free(t);
}

static void what_is_no_json_is_refused_with_its_place(void)
{
	static char nested[100000];

	refuses("", 0, "line 1");
	refuses("{\"a\": 1,\n \"a\": 2}", 17, "line 2");
	refuses("{\"a\": 1} x", 10, "line 1, column 10");
	refuses("{\"a\": 01}", 9, "line 1");
	refuses("[1, 2", 5, "line 1");
	refuses("[\"\\u0000\"]", 10, "line 1");
	refuses("[\"\xff\"]", 5, "line 1");
	refuses("[1\0]", 4, "byte 2 is NUL");
	refuses("[99999999999999999999]", 22, "line 1");
	memset(nested, '[', sizeof(nested));
	refuses(nested, sizeof(nested), "depth");
}

static void a_long_path_is_cut_at_its_front(void)
{
	char text[1000] = "", path[24];
	struct tree *t;
	const struct tree_node *node;

	for (int i = 0; i < 50; i++)
		strcat(text, "{\"key\":");
	strcat(text, "[1,2]");
	for (int i = 0; i < 50; i++)
		strcat(text, "}");
	t = grown(text);
	for (node = tree_root(t); node->n_items; node = &node->items[node->n_items - 1])
		;
	UNIT_TEXT("key.key.key.key.key[1]", tree_path(node, path, sizeof(path)));
	UNIT_TEXT(".", tree_path(tree_root(t), path, sizeof(path)));
	tree_free(t);
}

static const struct unit units[] = {
	{ "members_are_read_by_type", members_are_read_by_type },
	{ "what_is_wrong_has_its_path", what_is_wrong_has_its_path },
	{ "what_is_no_json_is_refused_with_its_place", what_is_no_json_is_refused_with_its_place },
	{ "a_long_path_is_cut_at_its_front", a_long_path_is_cut_at_its_front },
};

int main(void)
{
	return unit_main("core json", units, sizeof(units) / sizeof(*units));
}
