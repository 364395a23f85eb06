#include <config.h>

#include "runtime/core/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 256, DIGITS = 17 };

/* Room for MORE bytes and the NUL. */
static bool text_reserve(struct text *t, size_t more)
{
	size_t room = t->room ? t->room : FIRST_ROOM;
	char *at;

	if (t->failed)
		return false;
	if (more < t->room - t->n)
		return true;
	while (room - t->n <= more && room <= SIZE_MAX / 2)
		room *= 2;
	at = room - t->n > more ? realloc(t->at, room) : NULL;
	if (!at) {
		t->failed = true;
		return false;
	}
	t->at = at;
	t->room = room;
	return true;
}

void text_add(struct text *t, const char *bytes, size_t n)
{
	if (!text_reserve(t, n))
		return;
	if (n)
		memcpy(t->at + t->n, bytes, n);
	t->n += n;
	t->at[t->n] = '\0';
}

void text_puts(struct text *t, const char *s)
{
	text_add(t, s, strlen(s));
}

void text_printf(struct text *t, const char *format, ...)
{
	va_list args, again;
	int n;

	va_start(args, format);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		t->failed = true;
	else if (text_reserve(t, (size_t)n)) {
		vsnprintf(t->at + t->n, (size_t)n + 1, format, again);
		t->n += (size_t)n;
	}
	va_end(again);
}

void text_free(struct text *t)
{
	free(t->at);
	*t = (struct text){ 0 };
}

/* Length of the UTF-8 sequence at S, 0 if it is none (RFC 3629); stops at NUL. */
static size_t utf8_sequence(const unsigned char *s)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	uint32_t code = s[0] & (0x7f >> length);

	if (length <= 1 || s[0] > 0xf4)
		return s[0] > 0xf4 ? 0 : length;
	for (size_t i = 1; i < length; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	return code < least[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)
		   ? 0
		   : length;
}

/* ESCAPE writes the one-byte characters. */
static void put_clean(struct text *t, const char *s, void (*escape)(struct text *, char))
{
	while (*s) {
		size_t n = utf8_sequence((const unsigned char *)s);

		if (n == 1)
			escape(t, *s);
		else if (n)
			text_add(t, s, n);
		else
			text_puts(t, "\xef\xbf\xbd");
		s += n ? n : 1;
	}
}

static void escape_json(struct text *t, char c)
{
	static const char escaped[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
	const char *e = strchr(escaped, c);

	if (e)
		text_printf(t, "\\%c", letters[e - escaped]);
	else if ((unsigned char)c < 0x20)
		text_printf(t, "\\u%04x", (unsigned)c);
	else
		text_add(t, &c, 1);
}

void text_json(struct text *t, const char *s)
{
	text_puts(t, "\"");
	put_clean(t, s, escape_json);
	text_puts(t, "\"");
}

/* The fewest digits that read back as the VALUE > 0, without the point; returns how many, and in
 * *POINT where the point stands. */
static int shortest_digits(double value, char digits[DIGITS], int *point)
{
	char buf[32];
	int n = 0, exponent = 0;

	for (int p = 0; p < DIGITS; p++) {
		snprintf(buf, sizeof(buf), "%.*e", p, value);
		if (strtod(buf, NULL) == value)
			break;
	}
	for (const char *s = buf; *s; s++) {
		if (*s == 'e') {
			exponent = atoi(s + 1);
			break;
		}
		if (*s >= '0' && *s <= '9' && n < DIGITS)
			digits[n++] = *s;
	}
	while (n > 1 && digits[n - 1] == '0')
		n--;
	*point = exponent + 1;
	return n;
}

static void put_zeros(struct text *t, int n)
{
	while (n-- > 0)
		text_add(t, "0", 1);
}

void text_number(struct text *t, double value)
{
	char digits[DIGITS];
	int n, point;

	if (!isfinite(value)) {
		text_puts(t, "null");
		return;
	}
	if (value == 0) {
		text_puts(t, "0");
		return;
	}
	n = shortest_digits(fabs(value), digits, &point);
	text_puts(t, value < 0 ? "-" : "");
	text_puts(t, point <= 0 ? "0." : "");
	put_zeros(t, -point);
	text_add(t, digits, (size_t)(point > 0 && point < n ? point : n));
	put_zeros(t, point - n);
	if (point > 0 && point < n) {
		text_puts(t, ".");
		text_add(t, digits + point, (size_t)(n - point));
	}
}

/* ---- Prometheus ---- */

static void escape_help(struct text *t, char c)
{
	if (c == '\n')
		text_puts(t, "\\n");
	else if (c == '\\')
		text_puts(t, "\\\\");
	else
		text_add(t, &c, 1);
}

static void escape_label(struct text *t, char c)
{
	if (c == '"')
		text_puts(t, "\\\"");
	else
		escape_help(t, c);
}

void prometheus_family(struct text *t, const char *name, enum prometheus_kind kind,
		       const char *help)
{
	static const char *const kinds[] = { "counter", "gauge", "summary" };

	text_printf(t, "# HELP %s ", name);
	put_clean(t, help, escape_help);
	text_printf(t, "\n# TYPE %s %s\n", name, kinds[kind]);
}

static void put_labels(struct text *t, const char *const *labels)
{
	for (size_t i = 0; labels[i]; i += 2) {
		text_printf(t, "%c%s=\"", i ? ',' : '{', labels[i]);
		put_clean(t, labels[i + 1], escape_label);
		text_puts(t, "\"");
	}
	if (labels[0])
		text_puts(t, "}");
}

void prometheus_sample(struct text *t, const char *name, double value, const char *const *labels)
{
	text_puts(t, name);
	put_labels(t, labels);
	text_puts(t, " ");
	if (isfinite(value))
		text_number(t, value);
	else
		text_puts(t, isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
	text_puts(t, "\n");
}
