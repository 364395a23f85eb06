#include <config.h>

#include "compiler/tools/pcap_sort.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/sink.h"
#include "compiler/base/vec.h"

enum { DEEPEST = 64 };

struct operands {
	const char **at;
	size_t n, cap;
};

static const char *sorted(struct arena *, const char *text, size_t n, unsigned depth);

static int by_text(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* The length up to WORD outside all brackets, or to the end. */
static size_t up_to(const char *text, size_t n, const char *word)
{
	size_t depth = 0, length = strlen(word);

	for (size_t i = 0; i < n; i++) {
		depth += text[i] == '(' || text[i] == '[';
		depth -= text[i] == ')' || text[i] == ']';
		if (!depth && i + length <= n && !strncmp(text + i, word, length))
			return i;
	}
	return n;
}

static bool is_bracketed(const char *text, size_t n)
{
	size_t depth = 0;

	for (size_t i = 0; i < n; i++) {
		depth += text[i] == '(';
		depth -= text[i] == ')';
		if (!depth)
			return i + 1 == n && n > 2;
	}
	return false;
}

static const char *join(struct arena *a, struct operands *o, const char *word)
{
	struct sink s = { 0 };
	const char *text;

	qsort(o->at, o->n, sizeof(*o->at), by_text);
	for (size_t i = 0; i < o->n; i++)
		sink_printf(&s, "%s%s", i ? word : "", o->at[i]);
	text = arena_strndup(a, s.data, s.size);
	sink_free(&s);
	return text;
}

/* The parts between WORDs, sorted; NULL: there is but one. */
static const char *parted(struct arena *a, const char *text, size_t n, const char *word,
			  unsigned depth)
{
	struct operands o = { 0 };

	for (size_t i = 0; i < n;) {
		size_t length = up_to(text + i, n - i, word);

		if (!i && length == n)
			return NULL;
		vec_push(a, &o, sorted(a, text + i, length, depth + 1));
		i += length + strlen(word);
	}
	return o.n ? join(a, &o, word) : NULL;
}

static const char *sorted(struct arena *a, const char *text, size_t n, unsigned depth)
{
	const char *found = depth < DEEPEST ? parted(a, text, n, " or ", depth) : NULL;

	if (!found && depth < DEEPEST)
		found = parted(a, text, n, " and ", depth);
	if (found)
		return found;
	if (depth < DEEPEST && is_bracketed(text, n))
		return arena_printf(a, "(%s)", sorted(a, text + 1, n - 2, depth + 1));
	return arena_strndup(a, text, n);
}

const char *pcap_sort(struct arena *a, const char *filter)
{
	return sorted(a, filter, strlen(filter), 0);
}

const char *pcap_sort_texts(struct arena *a, const char *value)
{
	struct sink s = { 0 };
	const char *text;

	while (*value) {
		size_t n = strcspn(value, "'"), length;

		sink_put(&s, value, n);
		value += n;
		if (!*value)
			break;
		length = strcspn(++value, "'");
		sink_printf(&s, "'%s'", sorted(a, value, length, 0));
		value += length + (value[length] == '\'');
	}
	text = s.size ? arena_strndup(a, s.data, s.size) : "";
	sink_free(&s);
	return text;
}
