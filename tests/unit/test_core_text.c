#include <config.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/core/table.h"
#include "runtime/core/text.h"
#include "tests/unit/unit.h"

static void shows(const char *expected, struct text *t)
{
	CU_ASSERT_FALSE(t->failed);
	UNIT_TEXT(expected, t->at ? t->at : "(nothing)");
	text_free(t);
}

static void a_text_grows_and_ends_with_nul(void)
{
	struct text t = { 0 };

	for (int i = 0; i < 10000; i++)
		text_printf(&t, "%04d", i);
	CU_ASSERT_EQUAL(t.n, 40000);
	CU_ASSERT_EQUAL(strlen(t.at), 40000);
	CU_ASSERT_TRUE(!strncmp(t.at + 39992, "99989999", 8));
	text_free(&t);
	CU_ASSERT_PTR_NULL(t.at);
	text_puts(&t, "");
	shows("", &t);
}

static void a_text_is_right_at_every_length(void)
{
	for (size_t n = 0; n < 1100; n++) {
		struct text t = { 0 };
		char expected[1101];

		memset(expected, 'x', n);
		expected[n] = '\0';
		for (size_t i = 0; i < n; i++)
			text_add(&t, "x", 1);
		text_puts(&t, "");
		UNIT_TEXT(expected, t.at);
		text_free(&t);
		text_printf(&t, "%s", expected);
		shows(expected, &t);
	}
}

static void a_text_too_large_fails_and_stays_as_it_was(void)
{
	struct text t = { 0 };

	text_puts(&t, "kept");
	text_add(&t, "", SIZE_MAX - 3);
	CU_ASSERT_TRUE(t.failed);
	text_puts(&t, "more");
	UNIT_TEXT("kept", t.at);
	text_free(&t);
}

static void json_strings_are_escaped(void)
{
	struct text t = { 0 };

	text_json(&t, "a\"b\\c\n\t\r\b\f\x01\x1f\x7f /\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
	shows("\"a\\\"b\\\\c\\n\\t\\r\\b\\f\\u0001\\u001f\x7f "
	      "/\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"",
	      &t);
}

#define REPLACED "\xef\xbf\xbd"

static void bytes_that_are_no_utf8_are_replaced(void)
{
	static const struct {
		const char *from, *to;
	} cases[] = {
		{ "a\xff"
		  "b",
		  "\"a" REPLACED "b\"" },
		{ "\xc3", "\"" REPLACED "\"" },
		{ "\xc0\x80", "\"" REPLACED REPLACED "\"" },
		{ "\xe0\x80\x80", "\"" REPLACED REPLACED REPLACED "\"" },
		{ "\xed\xa0\x80", "\"" REPLACED REPLACED REPLACED "\"" },
		{ "\xf4\x90\x80\x80", "\"" REPLACED REPLACED REPLACED REPLACED "\"" },
		{ "\xf0\x9f\x98", "\"" REPLACED REPLACED REPLACED "\"" },
		{ "\xf8\x80", "\"" REPLACED REPLACED "\"" },
		{ "\xf4\x8f\xbf\xbf", "\"\xf4\x8f\xbf\xbf\"" },
		{ "\xe2\x82\"", "\"" REPLACED REPLACED "\\\"\"" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct text t = { 0 };

		text_json(&t, cases[i].from);
		shows(cases[i].to, &t);
	}
}

static void numbers_have_no_exponent_and_no_trailing_zeros(void)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ -0.0, "0" },
		{ 1, "1" },
		{ -1, "-1" },
		{ 0.1, "0.1" },
		{ 0.1 + 0.2, "0.30000000000000004" },
		{ 1e-9, "0.000000001" },
		{ 1e21, "1000000000000000000000" },
		{ 1500, "1500" },
		{ 12.5, "12.5" },
		{ -0.0625, "-0.0625" },
		{ 9007199254740993.0, "9007199254740992" },
		{ 100, "100" },
		{ 123456.789, "123456.789" },
		{ NAN, "null" },
		{ INFINITY, "null" },
		{ -INFINITY, "null" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct text t = { 0 };

		text_number(&t, cases[i].value);
		shows(cases[i].text, &t);
	}
}

static uint64_t random_next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void every_number_reads_back_as_itself(void)
{
	const char *scale = getenv("EPIC_TEST_SCALE");
	int n = 20000 / (scale && atoi(scale) > 0 ? atoi(scale) : 1);
	uint64_t seed = 88172645463325252ull;

	for (int i = 0; i < n; i++) {
		uint64_t bits = random_next(&seed);
		struct text t = { 0 };
		double value;

		memcpy(&value, &bits, sizeof(value));
		if (i % 2)
			value = (double)(random_next(&seed) % 1000000) / 1000;
		if (!isfinite(value))
			continue;
		text_number(&t, value);
		CU_ASSERT_TRUE(strtod(t.at, NULL) == value);
		CU_ASSERT_EQUAL(strspn(t.at, "-0123456789."), t.n);
		CU_ASSERT_TRUE(!strchr(t.at, '.') || t.at[t.n - 1] != '0');
		text_free(&t);
	}
}

static void families_and_samples_are_escaped(void)
{
	const char *const none[] = { NULL };
	const char *const two[] = { "a", "x\"y\\z\n", "b", "", NULL };
	struct text t = { 0 };

	prometheus_family(&t, "f_total", PROMETHEUS_COUNTER, "Help \\ with\nlines \"quoted\".");
	prometheus_sample(&t, "f_total", 1.5, two);
	prometheus_sample(&t, "f_total", INFINITY, none);
	prometheus_sample(&t, "f_total", -INFINITY, none);
	prometheus_sample(&t, "f_total", NAN, none);
	prometheus_family(&t, "g", PROMETHEUS_GAUGE, "");
	prometheus_family(&t, "s", PROMETHEUS_SUMMARY, "x\xff");
	shows("# HELP f_total Help \\\\ with\\nlines \"quoted\".\n# TYPE f_total counter\n"
	      "f_total{a=\"x\\\"y\\\\z\\n\",b=\"\"} 1.5\nf_total +Inf\nf_total -Inf\nf_total NaN\n"
	      "# HELP g \n# TYPE g gauge\n# HELP s x" REPLACED "\n# TYPE s summary\n",
	      &t);
}

static void units_keep_three_digits(void)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {
		{ 0, "0" },           { 7, "7" },
		{ 999, "999" },       { 0.5, "0.50" },
		{ 9.996, "10.0" },    { 99.96, "100" },
		{ 999.4, "999" },     { 999.6, "1.00 k" },
		{ 1000, "1.00 k" },   { 1234567, "1.23 M" },
		{ 45.6e9, "45.6 G" }, { 999.6e6, "1.00 G" },
		{ 1.8e19, "18.0 E" }, { -1234, "-1.23 k" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct text t = { 0 };

		text_si(&t, cases[i].value);
		shows(cases[i].text, &t);
	}
}

static void names_are_cut_in_the_middle(void)
{
	static const struct {
		size_t width;
		const char *text;
	} cases[] = {
		{ 10, "abcdefghij" }, { 9, "abcd~ghij" }, { 4, "ab~j" }, { 1, "~" }, { 0, "" }
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct text t = { 0 };

		text_puts(&t, "");
		text_cut(&t, "abcdefghij", cases[i].width);
		shows(cases[i].text, &t);
	}
}

static struct table *sample_table(void)
{
	struct table *t = table_new("row");

	table_column(t, "name", "NAME", TABLE_LEFT);
	table_column(t, "rate", "rate/s", TABLE_RIGHT);
	table_column(t, "wait", "wait", TABLE_RIGHT);
	table_column(t, "fill", "fill", TABLE_RIGHT);
	table_text(t, "a.very.long.name.of.a.module");
	table_number(t, 1234567);
	table_time(t, 12.34e-6);
	table_bar(t, 0.5);
	table_text(t, "b \"quoted\"\x1b");
	table_none(t);
	table_time(t, NAN);
	table_share(t, 0.1234);
	return t;
}

static void tables_are_as_wide_as_they_must_be(void)
{
	struct table *t = sample_table();
	struct text out = { 0 };

	table_draw(t, 0, &out);
	shows("NAME                          rate/s     wait                fill\n"
	      "a.very.long.name.of.a.module  1.23 M  12.3 us  [#####.....]  50 %\n"
	      "b \"quoted\"?                        -        -              12.3 %\n",
	      &out);
	table_draw(t, 50, &out);
	shows("NAME           rate/s     wait                fill\n"
	      "a.very~module  1.23 M  12.3 us  [#####.....]  50 %\n"
	      "b \"quoted\"?         -        -              12.3 %\n",
	      &out);
	table_draw(t, 12, &out);
	shows("NAME      ra\na.ve~ule  1.\nb \"q~d\"?\n", &out);
	table_free(t);
}

static void a_table_is_lines_too(void)
{
	struct table *t = sample_table();
	struct text out = { 0 };

	table_lines(t, &out);
	shows("row name=a.very.long.name.of.a.module rate=1234567 wait=0.00001234 fill=0.5\n"
	      "row name=\"b \\\"quoted\\\"\\u001b\" rate=- wait=- fill=0.1234\n",
	      &out);
	table_free(t);
}

static void a_table_without_rows_is_not_drawn(void)
{
	struct table *t = table_new("row");
	struct text out = { 0 };

	table_column(t, "name", "NAME", TABLE_LEFT);
	table_draw(t, 0, &out);
	CU_ASSERT_EQUAL(out.n, 0);
	CU_ASSERT_FALSE(out.failed);
	table_free(t);
}

static const struct unit units[] = {
	{ "a_text_grows_and_ends_with_nul", a_text_grows_and_ends_with_nul },
	{ "a_text_is_right_at_every_length", a_text_is_right_at_every_length },
	{ "a_text_too_large_fails_and_stays_as_it_was",
	  a_text_too_large_fails_and_stays_as_it_was },
	{ "json_strings_are_escaped", json_strings_are_escaped },
	{ "bytes_that_are_no_utf8_are_replaced", bytes_that_are_no_utf8_are_replaced },
	{ "numbers_have_no_exponent_and_no_trailing_zeros",
	  numbers_have_no_exponent_and_no_trailing_zeros },
	{ "every_number_reads_back_as_itself", every_number_reads_back_as_itself },
	{ "families_and_samples_are_escaped", families_and_samples_are_escaped },
	{ "units_keep_three_digits", units_keep_three_digits },
	{ "names_are_cut_in_the_middle", names_are_cut_in_the_middle },
	{ "tables_are_as_wide_as_they_must_be", tables_are_as_wide_as_they_must_be },
	{ "a_table_is_lines_too", a_table_is_lines_too },
	{ "a_table_without_rows_is_not_drawn", a_table_without_rows_is_not_drawn },
};

int main(void)
{
	return unit_main("core text", units, sizeof(units) / sizeof(*units));
}
