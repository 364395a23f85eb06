/* Lint: which level each rule has, and the catalogue. */
#include <config.h>

#include "compiler/tools/lint_parts.h"

#include <string.h>

#include "compiler/base/text.h"

enum { FIRST_RULE = L1001 };

/* ---- finding a rule ---- */

bool lint_rule_find(const char *name, enum diag_code *code, const char **near)
{
	struct nearest slug = nearest_to(name);

	for (int c = FIRST_RULE; c < N_DIAG_CODES; c++) {
		const struct diag_page *page = diag_page((enum diag_code)c);

		if (!strcmp(page->slug, name) || !strcmp(page->code, name)) {
			*code = (enum diag_code)c;
			return true;
		}
		nearest_try(&slug, page->slug);
		nearest_try(&slug, page->code);
	}
	*near = slug.name;
	return false;
}

bool lint_is_about_file(enum diag_code code)
{
	return code == L1001 || code == L1002;
}

/* ---- levels ---- */

static bool refuse_unknown(struct run *r, const struct rule_level *given, const char *near)
{
	if (near)
		run_error(r, "there is no lint rule '%s'; did you mean '%s'?", given->rule, near);
	else
		run_error(r, "there is no lint rule '%s'; epic lint --rules lists them",
			  given->rule);
	return false;
}

static enum lint_level level_of_letter(char letter)
{
	return letter == 'D' ? LEVEL_ERROR : letter == 'W' ? LEVEL_WARNING : LEVEL_OFF;
}

static bool set_level(struct run *r, struct lint_levels *levels, const struct rule_level *given)
{
	enum lint_level level = level_of_letter(given->letter);
	const struct lint_facts *facts;
	const struct diag_page *page;
	enum diag_code code;
	const char *near;

	if (!lint_rule_find(given->rule, &code, &near))
		return refuse_unknown(r, given, near);
	facts = lint_facts(code);
	page = diag_page(code);
	if (facts->star &&
	    (level == LEVEL_OFF || (level == LEVEL_WARNING && facts->level == SEVERITY_ERROR))) {
		run_error(r, "the rule '%s' (%s) cannot be lowered or switched off", page->slug,
			  page->code);
		return false;
	}
	if (facts->level == SEVERITY_ERROR && level == LEVEL_OFF) {
		run_error(r,
			  "the rule '%s' (%s) cannot be switched off for a whole project; lower it "
			  "with -W %s, or write @allow(%s, \"reason\") before one declaration",
			  page->slug, page->code, page->slug, page->slug);
		return false;
	}
	levels->of[code] = level;
	return true;
}

bool lint_levels_read(struct run *r, struct lint_levels *levels)
{
	const struct options *o = r->options;

	*levels = (struct lint_levels){ .fails = SEVERITY_ERROR };
	if (o->fail_level && !strcmp(o->fail_level, "warning"))
		levels->fails = SEVERITY_WARNING;
	if (o->fail_level && !strcmp(o->fail_level, "info")) {
		levels->fails = SEVERITY_INFO;
		levels->shows_infos = true;
	}
	for (size_t i = 0; i < o->levels.n; i++)
		if (!set_level(r, levels, &o->levels.at[i]))
			return false;
	return true;
}

/* A level that is not given leaves the rule's own, which may depend on the finding. */
bool lint_level_apply(const struct lint_levels *levels, struct diag *d)
{
	static const enum severity severities[] = { [LEVEL_ERROR] = SEVERITY_ERROR,
						    [LEVEL_WARNING] = SEVERITY_WARNING,
						    [LEVEL_INFO] = SEVERITY_INFO };
	enum lint_level level = levels->of[d->code];

	if (level == LEVEL_OFF)
		return false;
	if (level != LEVEL_BY_RULE)
		d->severity = severities[level];
	return d->severity != SEVERITY_INFO || levels->shows_infos;
}

/* ---- the catalogue ---- */

static const char *const level_words[] = { "error", "warning", "info" };
static const char *const fix_words[] = { "none", "suggested", "fixed" };

static void row_for_people(struct sink *s, const struct diag_page *page,
			   const struct lint_facts *facts)
{
	sink_printf(s, "%s  %-26s%s %-8s %-10s %s\n", page->code, page->slug,
		    facts->star ? "*" : " ", level_words[facts->level], fix_words[facts->fix],
		    page->summary);
}

static void row_as_json(struct sink *s, const struct diag_page *page,
			const struct lint_facts *facts)
{
	sink_printf(s,
		    "{\"id\": \"%s\", \"slug\": \"%s\", \"level\": \"%s\", \"fix\": \"%s\", "
		    "\"star\": %s, \"summary\": ",
		    page->code, page->slug, level_words[facts->level], fix_words[facts->fix],
		    facts->star ? "true" : "false");
	sink_json(s, page->summary);
	sink_puts(s, "}");
}

static void rows_as_json(struct sink *s)
{
	sink_puts(s, "{\"schema\": \"epic.rules/1\", \"rules\": [");
	for (int c = FIRST_RULE; c < N_DIAG_CODES; c++) {
		sink_puts(s, c == FIRST_RULE ? "\n  " : ",\n  ");
		row_as_json(s, diag_page((enum diag_code)c), lint_facts((enum diag_code)c));
	}
	sink_puts(s, "\n]}\n");
}

bool lint_catalogue(struct run *r)
{
	struct sink s = { 0 };
	bool ok;

	if (r->options->format == FORMAT_HUMAN || r->options->format == FORMAT_PLAIN)
		for (int c = FIRST_RULE; c < N_DIAG_CODES; c++)
			row_for_people(&s, diag_page((enum diag_code)c),
				       lint_facts((enum diag_code)c));
	else
		rows_as_json(&s);
	ok = run_write(r, &s);
	sink_free(&s);
	return ok;
}
