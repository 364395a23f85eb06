/* Hashes of lines, against the values that github/codeql-action publishes in its own tests. */
#include <config.h>

#include <string.h>

#include "compiler/tools/print.h"
#include "tests/unit/unit.h"

static void check_hashes(const char *text, const char *const *expected)
{
	struct arena *a = arena_new();
	struct sources sources = { .arena = a };
	const struct source *src =
	    source_at(&sources, source_add(&sources, "a.epi", "a.epi", text, strlen(text)));
	const char **hashes = line_hashes(a, src);
	size_t n = 0;

	for (; expected[n]; n++)
		UNIT_TEXT(expected[n], hashes[n + 1] ? hashes[n + 1] : "none");
	CU_ASSERT(src->n_lines <= n);
	arena_free(a);
}

static void an_empty_text(void)
{
	check_hashes("", (const char *const[]){ "c129715d7a2bc9a3:1", NULL });
}

static void blanks_do_not_count(void)
{
	check_hashes(" a\nb\n  \t\tc\n d",
		     (const char *const[]){ "271789c17abda88f:1", "54703d4cd895b18:1",
					    "180aee12dab6264:1", "a23a3dc5e078b07b:1", NULL });
}

static const char *const hello[] = { "e9496ae3ebfced30:1", "fb7c023a8b9ccb3f:1",
				     "ce8ba1a563dcdaca:1", "e20e36e16fcb0cc8:1",
				     "b3edc88f2938467e:1", "c8e28b0b4002a3a0:1",
				     "c129715d7a2bc9a3:1", NULL };

static void line_ends_are_alike(void)
{
	check_hashes(" hello; \t\nworld!!!\n\n\n  \t\tGreetings\n End\n", hello);
	check_hashes(" hello; \t\r\nworld!!!\r\n\r\n\r\n  \t\tGreetings\r\n End\r\n", hello);
}

static void equal_lines_are_numbered(void)
{
	char text[10 * 28 + 1] = "";

	for (int i = 0; i < 10; i++)
		strcat(text, "Lorem ipsum dolor sit amet.\n");
	check_hashes(text, (const char *const[]){
			       "a7f2ff13bc495cf2:1", "a7f2ff13bc495cf2:2", "a7f2ff13bc495cf2:3",
			       "a7f2ff13bc495cf2:4", "a7f2ff13bc495cf2:5", "a7f2ff13bc495cf2:6",
			       "a7f2ff1481e87703:1", "a9cf91f7bbf1862b:1", "55ec222b86bcae53:1",
			       "cc97dc7b1d7d8f7b:1", "c129715d7a2bc9a3:1", NULL });
}

static const struct unit units[] = {
	{ "an_empty_text_has_one_line", an_empty_text },
	{ "blanks_do_not_count", blanks_do_not_count },
	{ "line_ends_are_alike", line_ends_are_alike },
	{ "equal_lines_are_numbered", equal_lines_are_numbered },
};

int main(void)
{
	return unit_main("line_hashes", units, sizeof(units) / sizeof(*units));
}
