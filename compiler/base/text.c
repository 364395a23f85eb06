#include <config.h>

#include "compiler/base/text.h"

#include <stdint.h>
#include <string.h>

enum { LONGEST_NAME = 64, TOO_FAR = 1000 };

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Damerau-Levenshtein distance with adjacent swaps (optimal string alignment). */
static size_t edit_distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	size_t rows[3][LONGEST_NAME + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];

	if (n > LONGEST_NAME || m > LONGEST_NAME)
		return TOO_FAR;
	for (size_t j = 0; j <= m; j++)
		last[j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *recycled = before;

		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			row[j] = min3(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		before = last;
		last = row;
		row = recycled;
	}
	return last[m];
}

struct nearest nearest_to(const char *wanted)
{
	size_t limit = strlen(wanted) / 3;

	limit = limit < 1 ? 1 : limit > 3 ? 3 : limit;
	if (strlen(wanted) < 2)
		limit = 0; /* every other letter would be near */
	return (struct nearest){ wanted, NULL, limit + 1 };
}

void nearest_try(struct nearest *near, const char *candidate)
{
	size_t distance = edit_distance(near->wanted, candidate);

	if (distance >= near->distance)
		return;
	near->name = candidate;
	near->distance = distance;
}

/* Length of the UTF-8 sequence at S, 0 if it is none (RFC 3629). */
static size_t utf8_sequence(const unsigned char *s, size_t size)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	uint32_t code;

	if (length <= 1)
		return length;
	if (length > size || s[0] > 0xf4)
		return 0;
	code = s[0] & (0x7f >> length);
	for (size_t i = 1; i < length; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return length;
}

bool text_is_utf8(const char *text, size_t size, size_t *bad_offset)
{
	const unsigned char *s = (const unsigned char *)text;

	for (size_t i = 0; i < size;) {
		size_t length = utf8_sequence(s + i, size - i);

		if (!length) {
			*bad_offset = i;
			return false;
		}
		i += length;
	}
	return true;
}

void sink_json(struct sink *s, const char *text)
{
	static const char escaped[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";

	sink_putc(s, '"');
	for (; *text; text++) {
		const char *e = strchr(escaped, *text);

		if (e)
			sink_printf(s, "\\%c", letters[e - escaped]);
		else if ((unsigned char)*text < 0x20)
			sink_printf(s, "\\u%04x", *text);
		else
			sink_putc(s, *text);
	}
	sink_putc(s, '"');
}

const char *name_tail(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot ? dot + 1 : name;
}
