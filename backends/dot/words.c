#include <config.h>

#include "backends/dot/draw.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *name_tail(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot ? dot + 1 : name;
}

size_t name_domain(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot ? (size_t)(dot - name) : 0;
}

size_t distance(const char *a, const char *b)
{
	size_t row[33];
	size_t m = strlen(b) < 32 ? strlen(b) : 32;

	for (size_t j = 0; j <= m; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t corner = row[0];

		row[0] = i + 1;
		for (size_t j = 1; j <= m; j++) {
			size_t replaced = corner + (a[i] != b[j - 1]);

			corner = row[j];
			row[j] = corner < row[j - 1] ? corner + 1 : row[j - 1] + 1;
			row[j] = replaced < row[j] ? replaced : row[j];
		}
	}
	return row[m];
}

/* XML has no control characters, and not U+FFFE nor U+FFFF; Graphviz would refuse the label. */
static bool is_forbidden(const char *s, size_t left)
{
	unsigned char c = (unsigned char)*s;

	return c < 0x20 || c == 0x7f ||
	       (left >= 3 && !memcmp(s, "\xef\xbf", 2) && (s[2] & 0x3e) == 0x3e);
}

void put_html_n(FILE *to, const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (is_forbidden(text + i, size - i)) {
			fputc(' ', to);
			i += text[i] == '\xef' ? 2 : 0;
		} else if (text[i] == '&') {
			fputs("&amp;", to);
		} else if (text[i] == '<') {
			fputs("&lt;", to);
		} else if (text[i] == '>') {
			fputs("&gt;", to);
		} else if (text[i] == '"') {
			fputs("&quot;", to);
		} else {
			fputc(text[i], to);
		}
	}
}

void put_html(FILE *to, const char *text)
{
	put_html_n(to, text, strlen(text));
}

static bool is_middle(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* Whether the blank at S stands before a word with which a line of a filter should begin. */
static bool is_joint(const char *s)
{
	return !strncmp(s, " and ", 5) || !strncmp(s, " or ", 4);
}

/* Bytes of TEXT that make at most WIDTH characters, up to a blank if there is one; before "and"
 * or "or" if that leaves a good part of the line. */
static size_t line_length(const char *text, size_t width)
{
	size_t i = 0, characters = 0, blank = 0, joint = 0;

	for (; text[i]; i++) {
		if (is_middle(text[i]))
			continue;
		blank = text[i] == ' ' ? i : blank;
		joint = is_joint(text + i) && 3 * characters >= width ? i : joint;
		if (characters++ == width)
			return joint ? joint : blank ? blank : i;
	}
	return i;
}

void put_wrapped(FILE *to, const char *text, size_t width, size_t lines)
{
	while (*text && lines--) {
		size_t n = line_length(text, width);
		const char *rest = text + n + strspn(text + n, " ");

		put_html_n(to, text, n);
		fputs(*rest && !lines ? " \xe2\x80\xa6<BR ALIGN=\"LEFT\"/>"
				      : "<BR ALIGN=\"LEFT\"/>",
		      to);
		text = rest;
	}
}

void put_tails(FILE *to, struct rplan_texts names, size_t width, size_t lines)
{
	struct text list;
	char *joined;

	text_open(&list);
	for (size_t i = 0; i < names.n; i++)
		fprintf(list.to, "%s%s", i ? ", " : "", name_tail(names.at[i]));
	joined = text_take(&list);
	put_wrapped(to, joined, width, lines);
	free(joined);
}

void put_quoted(FILE *to, const char *text)
{
	fputc('"', to);
	for (; *text; text++) {
		if (*text == '\n')
			fputs("\\n", to);
		else if (is_forbidden(text, strlen(text)))
			fputc(' ', to);
		else if (*text == '\\')
			fputs("\\\\", to);
		else if (*text == '"')
			fputs("\\\"", to);
		else
			fputc(*text, to);
	}
	fputc('"', to);
}

void put_number(FILE *to, double x)
{
	char text[400];
	size_t n = (size_t)snprintf(text, sizeof(text), "%.3f", x);

	while (text[n - 1] == '0')
		n--;
	n -= text[n - 1] == '.';
	fwrite(text, 1, n, to);
}

void put_rate(FILE *to, double rate, const char *unit)
{
	static const struct {
		double from;
		const char *prefix;
	} scales[] = { { 1e12, "T" }, { 1e9, "G" }, { 1e6, "M" }, { 1e3, "k" }, { 0, "" } };
	size_t i = 0;

	while (fabs(rate) < scales[i].from)
		i++;
	put_number(to, scales[i].from > 0 ? rate / scales[i].from : rate);
	fprintf(to, " %s%s", scales[i].prefix, unit);
}

void put_time(FILE *to, double us)
{
	bool is_long = us >= 1e6, is_middling = us >= 1e3;

	put_number(to, is_long ? us / 1e6 : is_middling ? us / 1e3 : us);
	fputs(is_long ? " s" : is_middling ? " ms" : " \xc2\xb5s", to);
}
