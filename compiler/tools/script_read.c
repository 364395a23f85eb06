#include <config.h>

#include "compiler/tools/script_read.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/vec.h"

enum { DEEPEST = 16 };

struct reading {
	struct arena *arena;
	const char *at;
	size_t line, depth; /* brackets that are open */
};

/* ---- words ---- */

/* Line ends count where no bracket is open. */
static void skip_space(struct reading *r)
{
	for (;; r->at++) {
		if (*r->at == '#')
			r->at += strcspn(r->at, "\n");
		if (!*r->at || !strchr(r->depth ? " \t\r\n" : " \t\r", *r->at))
			return;
		r->line += *r->at == '\n';
	}
}

static bool take(struct reading *r, char sign)
{
	skip_space(r);
	if (*r->at != sign)
		return false;
	r->depth += sign == '(' || sign == '[' || sign == '{';
	r->depth -= sign == ')' || sign == ']' || sign == '}';
	r->at++;
	return true;
}

static const char *read_name(struct reading *r)
{
	const char *start;

	skip_space(r);
	start = r->at;
	if (!isalpha((unsigned char)*start) && *start != '_')
		return NULL;
	while (isalnum((unsigned char)*r->at) || *r->at == '_')
		r->at++;
	return arena_strndup(r->arena, start, (size_t)(r->at - start));
}

/* ---- values, in one spelling ---- */

static bool put_value(struct reading *, struct sink *);

static bool put_string(struct reading *r, struct sink *out)
{
	char quote = *r->at++;

	sink_putc(out, '\'');
	for (; *r->at && *r->at != quote && *r->at != '\n'; r->at++) {
		if (*r->at == '\\' && r->at[1] == quote && quote == '"')
			r->at++;
		else if (*r->at == '\\' && r->at[1])
			sink_putc(out, *r->at++);
		else if (*r->at == '\'')
			sink_putc(out, '\\');
		sink_putc(out, *r->at);
	}
	sink_putc(out, '\'');
	return *r->at && *r->at++ == quote;
}

static bool put_number(struct reading *r, struct sink *out)
{
	const char *start = r->at;
	char *end;

	if (start[0] == '0' && (start[1] == 'x' || start[1] == 'X')) {
		sink_printf(out, "%llu", strtoull(start, &end, 16));
	} else {
		end = (char *)start + (*start == '-');
		end += strspn(end, "0123456789.");
		sink_put(out, start, (size_t)(end - start));
	}
	r->at = end;
	return end > start && !isalnum((unsigned char)*end) && *end != '_';
}

static bool put_items(struct reading *r, struct sink *out, char close, bool object)
{
	sink_putc(out, r->at[-1]);
	for (bool first = true; !take(r, close); first = false) {
		if (!first && !take(r, ','))
			return false;
		if (!first && take(r, close))
			break;
		sink_puts(out, first ? "" : ", ");
		if (!put_value(r, out))
			return false;
		if (object && (!take(r, ':') || (sink_puts(out, ": "), !put_value(r, out))))
			return false;
	}
	sink_putc(out, close);
	return true;
}

static bool put_dotted(struct reading *r, struct sink *out)
{
	const char *name = read_name(r);

	if (!name)
		return false;
	sink_puts(out, name);
	while (take(r, '.')) {
		name = read_name(r);
		if (!name)
			return false;
		sink_printf(out, ".%s", name);
	}
	return true;
}

static bool put_value(struct reading *r, struct sink *out)
{
	if (r->depth > DEEPEST)
		return false;
	if (take(r, '['))
		return put_items(r, out, ']', false);
	if (take(r, '{'))
		return put_items(r, out, '}', true);
	if (*r->at == '\'' || *r->at == '"')
		return put_string(r, out);
	if (isdigit((unsigned char)*r->at) || *r->at == '-')
		return put_number(r, out);
	return put_dotted(r, out);
}

static const char *read_value(struct reading *r)
{
	struct sink s = { 0 };
	const char *value = put_value(r, &s) ? arena_strndup(r->arena, s.data, s.size) : NULL;

	sink_free(&s);
	return value;
}

/* ---- statements ---- */

/* "name=" but not "name==". */
static const char *read_keyword(struct reading *r)
{
	struct reading before = *r;
	const char *name = read_name(r);

	if (name && take(r, '=') && *r->at != '=')
		return name;
	*r = before;
	return NULL;
}

static int by_name(const void *x, const void *y)
{
	const struct script_argument *a = x, *b = y;

	return strcmp(a->name, b->name);
}

static bool read_arguments(struct reading *r, struct script_statement *s)
{
	VEC(struct script_argument) list = { 0 };
	size_t n_places = 0;

	for (bool first = true; !take(r, ')'); first = false) {
		struct script_argument arg;

		if (!first && !take(r, ','))
			return false;
		if (!first && take(r, ')'))
			break;
		arg.name = read_keyword(r);
		arg.value = read_value(r);
		if (!arg.value || (!arg.name && n_places < list.n))
			return false;
		n_places += !arg.name;
		vec_push(r->arena, &list, arg);
	}
	if (list.n > n_places)
		qsort(list.at + n_places, list.n - n_places, sizeof(*list.at), by_name);
	s->at = list.at;
	s->n = list.n;
	return true;
}

static bool read_statement(struct reading *r, struct script_statement *s)
{
	s->line = r->line;
	s->object = read_name(r);
	if (!s->object)
		return false;
	s->assigns = take(r, '=');
	if (!s->assigns && !take(r, '.'))
		return false;
	s->callee = read_name(r);
	if (!s->callee || !take(r, '(') || !read_arguments(r, s))
		return false;
	skip_space(r);
	return !*r->at || *r->at == '\n';
}

static bool skip_lines(struct reading *r)
{
	for (skip_space(r); *r->at == '\n'; skip_space(r)) {
		r->at++;
		r->line++;
	}
	return *r->at;
}

struct script script_read(struct arena *a, const struct sink *text)
{
	struct reading r = { .arena = a, .at = text->data ? text->data : "", .line = 1 };
	struct script script = { 0 };

	while (skip_lines(&r)) {
		struct script_statement s = { 0 };

		if (!read_statement(&r, &s)) {
			script.bad_line = s.line;
			break;
		}
		vec_push(a, &script, s);
	}
	return script;
}

const char *script_argument(const struct script_statement *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->at[i].name && !strcmp(s->at[i].name, name))
			return s->at[i].value;
	return NULL;
}

const char *script_text(struct arena *a, const struct script_statement *s)
{
	const char *text =
	    arena_printf(a, s->assigns ? "%s = %s(" : "%s.%s(", s->object, s->callee);

	for (size_t i = 0; i < s->n; i++)
		text = arena_printf(a, "%s%s%s%s%s", text, i ? ", " : "",
				    s->at[i].name ? s->at[i].name : "", s->at[i].name ? "=" : "",
				    s->at[i].value);
	return arena_printf(a, "%s)", text);
}
