/* The shortest edit by E. W. Myers, "An O(ND) Difference Algorithm and Its Variations" (1986);
 * beyond MOST_EDITS what is left counts as replaced. */
#include <config.h>

#include "compiler/tools/line_diff.h"

#include <stdbool.h>
#include <string.h>

#include "compiler/base/vec.h"

enum { CONTEXT = 3, MOST_EDITS = 2000, WIDEST = 160, MOST_SHOWN = 100 };

struct line {
	const char *at;
	size_t length;
	char mark; /* ' ' both, '-' old, '+' new */
};

struct lines {
	struct line *at;
	size_t n, cap;
};

static struct lines split(struct arena *a, const struct sink *text, const char *ignored)
{
	struct lines lines = { 0 };

	for (size_t i = 0; i < text->size;) {
		const char *end = memchr(text->data + i, '\n', text->size - i);
		struct line l = { text->data + i,
				  end ? (size_t)(end - text->data) - i : text->size - i, ' ' };
		size_t blanks = 0;

		i += l.length + 1;
		while (blanks < l.length && l.at[blanks] == ' ')
			blanks++;
		if (l.length - blanks >= strlen(ignored) &&
		    !strncmp(l.at + blanks, ignored, strlen(ignored)))
			continue;
		vec_push(a, &lines, l);
	}
	return lines;
}

static bool same(struct line a, struct line b)
{
	return a.length == b.length && !memcmp(a.at, b.at, a.length);
}

/* The furthest old line on each diagonal, one row per number of edits. */
struct search {
	struct arena *arena;
	const struct line *old, *new;
	size_t n_old, n_new;
	long **rows; /* rows[d][d + k] */
};

static long furthest(const struct search *s, long d, long k)
{
	const long *before = d ? s->rows[d - 1] + (d - 1) : NULL;

	if (!d)
		return 0;
	if (k == -d || (k != d && before[k - 1] < before[k + 1]))
		return before[k + 1];
	return before[k - 1] + 1;
}

/* The number of edits; -1: too many. */
static long find_edits(struct search *s)
{
	for (long d = 0; d <= MOST_EDITS && d <= (long)(s->n_old + s->n_new); d++) {
		s->rows[d] = arena_many(s->arena, long, (size_t)(2 * d + 1));
		for (long k = -d; k <= d; k += 2) {
			long x = furthest(s, d, k);

			while (x < (long)s->n_old && x - k >= 0 && x - k < (long)s->n_new &&
			       same(s->old[x], s->new[x - k]))
				x++;
			s->rows[d][d + k] = x;
			if (x >= (long)s->n_old && x - k >= (long)s->n_new)
				return d;
		}
	}
	return -1;
}

static void put(struct arena *a, struct lines *script, struct line l, char mark)
{
	l.mark = mark;
	vec_push(a, script, l);
}

static void reverse(struct lines *l)
{
	for (size_t i = 0; i < l->n / 2; i++) {
		struct line swap = l->at[i];

		l->at[i] = l->at[l->n - 1 - i];
		l->at[l->n - 1 - i] = swap;
	}
}

/* From the end back to the start. */
static struct lines walk_back(const struct search *s, long d)
{
	struct lines script = { 0 };
	long x = (long)s->n_old, y = (long)s->n_new;

	for (; d >= 0; d--) {
		long start = furthest(s, d, x - y), k = x - y;

		while (x > start && y > start - k && x > 0 && y > 0)
			x--, y--, put(s->arena, &script, s->old[x], ' ');
		if (!d)
			break;
		if (k == -d ||
		    (k != d && s->rows[d - 1][d - 1 + k - 1] < s->rows[d - 1][d - 1 + k + 1]))
			put(s->arena, &script, s->new[--y], '+');
		else
			put(s->arena, &script, s->old[--x], '-');
	}
	reverse(&script);
	return script;
}

static struct lines edit_script(struct arena *a, const struct lines *old, const struct lines *new)
{
	struct search s = { a,      old->at, new->at,
			    old->n, new->n,  arena_many(a, long *, MOST_EDITS + 1) };
	long d = find_edits(&s);
	struct lines script = { 0 };

	if (d >= 0)
		return walk_back(&s, d);
	for (size_t i = 0; i < old->n; i++)
		put(a, &script, old->at[i], '-');
	for (size_t i = 0; i < new->n; i++)
		put(a, &script, new->at[i], '+');
	return script;
}

/* ---- hunks ---- */

static void put_line(struct sink *out, struct line l)
{
	bool wide = l.length > WIDEST;

	sink_printf(out, "%c%.*s%s\n", l.mark, wide ? WIDEST : (int)l.length, l.at,
		    wide ? "..." : "");
}

static void put_hunk(struct sink *out, const struct lines *s, size_t from, size_t to)
{
	size_t old = 1, new = 1, n_old = 0, n_new = 0;

	for (size_t i = 0; i < to; i++) {
		size_t *o = i < from ? &old : &n_old, *n = i < from ? &new : &n_new;

		*o += s->at[i].mark != '+';
		*n += s->at[i].mark != '-';
	}
	sink_printf(out, "@@ -%zu,%zu +%zu,%zu @@\n", old, n_old, new, n_new);
	for (size_t i = from; i < to; i++)
		put_line(out, s->at[i]);
}

static void put_hunks(struct sink *out, const struct lines *s)
{
	size_t i = 0, n_shown = 0;

	while (i < s->n) {
		size_t from, to, last;

		while (i < s->n && s->at[i].mark == ' ')
			i++;
		if (i == s->n)
			return;
		if (n_shown > MOST_SHOWN) {
			sink_puts(out, "... and more\n");
			return;
		}
		from = i > CONTEXT ? i - CONTEXT : 0;
		for (last = to = i; to < s->n && to <= last + 2 * CONTEXT; to++)
			if (s->at[to].mark != ' ')
				last = to;
		to = last + 1 + CONTEXT < s->n ? last + 1 + CONTEXT : s->n;
		if (to - from > MOST_SHOWN)
			to = from + MOST_SHOWN;
		put_hunk(out, s, from, to);
		n_shown += to - from;
		i = to;
	}
}

struct line_diff line_diff(struct arena *a, const struct sink *old, const struct sink *new,
			   const char *ignored)
{
	struct lines o = split(a, old, ignored), n = split(a, new, ignored);
	struct lines script = edit_script(a, &o, &n);
	struct line_diff d = { 0 };
	struct sink out = { 0 };

	for (size_t i = 0; i < script.n; i++) {
		d.gained += script.at[i].mark == '+';
		d.lost += script.at[i].mark == '-';
	}
	put_hunks(&out, &script);
	d.unified = out.size ? arena_strndup(a, out.data, out.size) : "";
	sink_free(&out);
	return d;
}
