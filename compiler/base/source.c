#include <config.h>

#include "compiler/base/source.h"

#include <assert.h>

static void index_lines(struct sources *s, struct source *src)
{
	VEC(uint32_t) lines = { 0 };

	vec_push(s->arena, &lines, 0);
	for (size_t i = 0; i < src->size; i++)
		if (src->text[i] == '\n')
			vec_push(s->arena, &lines, (uint32_t)(i + 1));
	src->lines = lines.at;
	src->n_lines = lines.n;
}

uint32_t source_add(struct sources *s, const char *path, const char *shown, const char *text,
		    size_t size)
{
	struct source src = { .path = path, .shown = shown, .text = text, .size = size };

	index_lines(s, &src);
	vec_push(s->arena, &s->list, src);
	return (uint32_t)(s->list.n - 1);
}

const struct source *source_at(const struct sources *s, uint32_t source)
{
	assert(source < s->list.n);
	return &s->list.at[source];
}

static size_t line_of(const struct source *src, size_t offset)
{
	size_t low = 0, high = src->n_lines;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (src->lines[middle] <= offset)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* UTF-16 units of a UTF-8 text: one per lead byte, two where it needs four bytes. */
static size_t utf16_units(const char *s, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)s[i];

		n += (c & 0xc0) != 0x80;
		n += c >= 0xf0;
	}
	return n;
}

struct place source_place(const struct source *src, size_t offset)
{
	size_t line = line_of(src, offset), start = src->lines[line];

	return (struct place){ line + 1, offset - start + 1,
			       utf16_units(src->text + start, offset - start) };
}

const char *source_line(const struct source *src, size_t line, size_t *length)
{
	const char *start = src->text + src->lines[line - 1];
	size_t end = line < src->n_lines ? src->lines[line] : src->size;

	*length = end - src->lines[line - 1];
	while (*length && (start[*length - 1] == '\n' || start[*length - 1] == '\r'))
		--*length;
	return start;
}

bool span_is_none(struct span s)
{
	return s.source == UINT32_MAX;
}

struct span span_join(struct span first, struct span last)
{
	return (struct span){ first.source, first.start, last.end };
}

int span_cmp(struct span a, struct span b)
{
	if (a.source != b.source)
		return a.source < b.source ? -1 : 1;
	if (a.start != b.start)
		return a.start < b.start ? -1 : 1;
	return (a.end > b.end) - (a.end < b.end);
}
