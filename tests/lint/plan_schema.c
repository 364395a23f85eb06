/* Prints grammar/plan.cddl or grammar/plan.schema.json from grammar/plan_keys.def:
 *
 *	plan_schema cddl > grammar/plan.cddl
 *	plan_schema json > grammar/plan.schema.json
 */
#include <config.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct key {
	const char *name, *kind, *of, *doc;
};

struct row {
	const char *name, *doc;
	const struct key *keys;
	size_t n_keys;
};

#define PLAN_SIDE(row, ...)
#define PLAN_CHOICE(row, key, word, of)

#define PLAN_BEGIN(row, doc) static const struct key keys_of_##row[] = {
#define PLAN_KEY(row, kind, key, of, doc) { #key, #kind, #of, doc },
#define PLAN_END(row) \
	}             \
	;
#include "grammar/plan_keys.def"
#undef PLAN_BEGIN
#undef PLAN_KEY
#undef PLAN_END

#define PLAN_BEGIN(row, doc) \
	{ #row, doc, keys_of_##row, sizeof(keys_of_##row) / sizeof(*keys_of_##row) },
#define PLAN_KEY(row, kind, key, of, doc)
#define PLAN_END(row)
static const struct row rows[] = {
#include "grammar/plan_keys.def"
};
#undef PLAN_BEGIN
#undef PLAN_KEY
#undef PLAN_END
#undef PLAN_CHOICE

#define PLAN_BEGIN(row, doc)
#define PLAN_KEY(row, kind, key, of, doc)
#define PLAN_END(row)
#define PLAN_CHOICE(row, key, word, of) { #row, #word, #of },
static const struct choice {
	const char *row, *word, *of;
} choices[] = {
#include "grammar/plan_keys.def"
};

enum { N_ROWS = sizeof(rows) / sizeof(*rows), N_CHOICES = sizeof(choices) / sizeof(*choices) };

/* How a kind is written in either language; `%` stands for the row, `$` for the words. */
static const struct form {
	const char *kind, *cddl, *json;
} forms[] = {
	{ "TEXT", "tstr", "\"type\": \"string\"" },
	{ "TEXT_NULL", "tstr / null", "\"type\": [\"string\", \"null\"]" },
	{ "WORD", "$", "\"enum\": [$]" },
	{ "WORD_NULL", "$ / null", "\"enum\": [$, null]" },
	{ "INT", "int", "\"type\": \"integer\"" },
	{ "INT_NULL", "int / null", "\"type\": [\"integer\", \"null\"]" },
	{ "NUM", "number", "\"type\": \"number\"" },
	{ "NUM_NULL", "number / null", "\"type\": [\"number\", \"null\"]" },
	{ "BOOL", "bool", "\"type\": \"boolean\"" },
	{ "TEXTS", "[* tstr]", "\"type\": \"array\", \"items\": {\"type\": \"string\"}" },
	{ "INTS", "[* int]", "\"type\": \"array\", \"items\": {\"type\": \"integer\"}" },
	{ "LISTS", "[* [* tstr]]",
	  "\"type\": \"array\", \"items\": {\"type\": \"array\", \"items\": {\"type\": "
	  "\"string\"}}" },
	{ "LIST", "[* %]", "\"type\": \"array\", \"items\": {\"$ref\": \"#/$defs/%\"}" },
	{ "ONE", "%", "\"$ref\": \"#/$defs/%\"" },
	{ "ONE_NULL", "% / null", "\"anyOf\": [{\"$ref\": \"#/$defs/%\"}, {\"type\": \"null\"}]" },
	{ "MAP", "{* tstr => %}",
	  "\"type\": \"object\", \"additionalProperties\": {\"$ref\": \"#/$defs/%\"}" },
	{ "MAP_NUM", "{* tstr => number}",
	  "\"type\": \"object\", \"additionalProperties\": {\"type\": \"number\"}" },
	{ "VALUES", "{* tstr => any}", "\"type\": \"object\", \"additionalProperties\": true" },
	{ "CHOICE", "{* tstr => any}", "\"type\": \"object\"" },
};

static const struct form *form_of(const struct key *k)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		if (!strcmp(forms[i].kind, k->kind))
			return &forms[i];
	return NULL;
}

/* The words of OF, which is a C string literal, each in quotes, with SEPARATOR between. */
static void print_words(const char *of, const char *separator)
{
	putchar('"');
	for (of++; *of != '"'; of++)
		if (*of == ' ')
			printf("\"%s\"", separator);
		else
			putchar(*of);
	putchar('"');
}

static void print_form(const char *form, const struct key *k, const char *separator)
{
	for (; *form; form++)
		if (*form == '%')
			fputs(k->of, stdout);
		else if (*form == '$' && strncmp(form, "$ref", 4) && strncmp(form, "$defs", 5))
			print_words(k->of, separator);
		else
			putchar(*form);
}

static bool is_version(const struct row *r, const struct key *k)
{
	return !strcmp(r->name, "plan") && !strcmp(k->name, "epic_plan");
}

/* ---- CDDL ---- */

static void cddl_key(const struct row *r, const struct key *k, const struct choice *choice)
{
	printf("  %s: ", k->name);
	if (is_version(r, k))
		fputs("1", stdout);
	else if (choice && !strcmp(k->kind, "CHOICE"))
		fputs(choice->of, stdout);
	else if (choice && !strcmp(k->name, "backend"))
		printf("\"%s\"", choice->word);
	else
		print_form(form_of(k)->cddl, k, " / ");
	printf(", ; %s\n", k->doc);
}

static void cddl_row(const struct row *r, const struct choice *choice)
{
	fputs("{\n", stdout);
	for (size_t i = 0; i < r->n_keys; i++)
		cddl_key(r, &r->keys[i], choice);
	fputs("  * tstr => any,\n}", stdout);
}

/* A row with a CHOICE is one alternative per word of its `backend`. */
static void cddl_choices(const struct row *r)
{
	const char *between = "";

	for (size_t i = 0; i < N_CHOICES; i++) {
		if (strcmp(choices[i].row, r->name))
			continue;
		fputs(between, stdout);
		cddl_row(r, &choices[i]);
		between = " / ";
	}
}

static bool has_choice(const struct row *r)
{
	for (size_t i = 0; i < N_CHOICES; i++)
		if (!strcmp(choices[i].row, r->name))
			return true;
	return false;
}

static void print_cddl(void)
{
	puts("; NAME.plan, version 1 (doc/plan.md).  Made from plan_keys.def; do not edit.\n"
	     "; Deterministically encoded (RFC 8949, section 4.2.1).\n\n"
	     "plan-file = #6.55799(plan)");
	for (size_t i = N_ROWS; i--;) {
		printf("\n; %s\n%s = ", rows[i].doc, rows[i].name);
		if (has_choice(&rows[i]))
			cddl_choices(&rows[i]);
		else
			cddl_row(&rows[i], NULL);
		putchar('\n');
	}
}

/* ---- JSON Schema ---- */

static void json_text(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	putchar('"');
}

static void json_required(const struct row *r, int blanks)
{
	printf("%*s\"required\": [", blanks, "");
	for (size_t i = 0; i < r->n_keys; i++)
		printf("%s\"%s\"", i ? ", " : "", r->keys[i].name);
	fputs("],\n", stdout);
}

static void json_keys(const struct row *r, int blanks)
{
	printf("%*s\"properties\": {\n", blanks, "");
	for (size_t i = 0; i < r->n_keys; i++) {
		const struct key *k = &r->keys[i];

		printf("%*s\"%s\": {\"description\": ", blanks + 2, "", k->name);
		json_text(k->doc);
		fputs(", ", stdout);
		if (is_version(r, k))
			fputs("\"const\": 1", stdout);
		else
			print_form(form_of(k)->json, k, ", ");
		printf("}%s\n", i + 1 < r->n_keys ? "," : "");
	}
	printf("%*s}", blanks, "");
}

static void json_choices(const struct row *r, int blanks)
{
	const char *between = "";

	printf(",\n%*s\"allOf\": [", blanks, "");
	for (size_t i = 0; i < N_CHOICES; i++) {
		if (strcmp(choices[i].row, r->name))
			continue;
		printf("%s\n%*s{\"if\": {\"properties\": {\"backend\": {\"const\": \"%s\"}}},\n"
		       "%*s \"then\": {\"properties\": {\"config\": {\"$ref\": \"#/$defs/%s\"}}}}",
		       between, blanks + 2, "", choices[i].word, blanks + 2, "", choices[i].of);
		between = ",";
	}
	printf("\n%*s]", blanks, "");
}

static void json_row(const struct row *r, int blanks)
{
	printf("%*s\"description\": ", blanks, "");
	json_text(r->doc);
	printf(",\n%*s\"type\": \"object\",\n", blanks, "");
	json_required(r, blanks);
	json_keys(r, blanks);
	if (has_choice(r))
		json_choices(r, blanks);
	printf(",\n%*s\"additionalProperties\": true", blanks, "");
}

static void print_json(void)
{
	puts("{\n"
	     "  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
	     "  \"$id\": \"urn:epic:plan:1\",\n"
	     "  \"$comment\": \"Made from plan_keys.def; do not edit.\",\n"
	     "  \"title\": \"NAME.plan.json, version 1\",");
	json_row(&rows[N_ROWS - 1], 2);
	fputs(",\n  \"$defs\": {", stdout);
	for (size_t i = 0; i + 1 < N_ROWS; i++) {
		printf("%s\n    \"%s\": {\n", i ? "," : "", rows[i].name);
		json_row(&rows[i], 6);
		fputs("\n    }", stdout);
	}
	fputs("\n  }\n}\n", stdout);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "cddl"))
		print_cddl();
	else if (argc == 2 && !strcmp(argv[1], "json"))
		print_json();
	else
		return 2;
	return fflush(stdout) ? 5 : 0;
}
