/* The canonical layout (doc/cli.md): only white space between tokens changes.
 *
 * Line breaks stay where the author put them; the formatter sets indentation and the
 * blanks within a line.  Columns that the author aligned in neighbouring lines stay
 * aligned.  Each line is a list of pieces (tokens and comments); a piece that begins
 * a column is placed behind the widest of the lines that share the column. */
#include <config.h>

#include <errno.h>
#include <string.h>

#include "compiler/base/text.h"
#include "compiler/tools/command.h"
#include "compiler/tools/fmt.h"
#include "grammar/parse.h"

struct piece {
	const char *text;
	size_t length;
	size_t column; /* in the source, in characters */
	size_t blanks; /* between it and the piece before it in the source */
	size_t gap;    /* normal number of blanks before it */
	size_t placed; /* column in the output */
	bool comment;
	/* Pieces of neighbouring lines that begin at the same column, top to bottom. */
	size_t line;         /* index of its line */
	struct piece *under; /* the next one, or NULL */
	bool has_over;
	bool aligned;        /* one of them stands off, so all stay in one column */
};

struct line {
	struct piece *at;
	size_t n, cap;
	size_t indent;
	size_t source; /* number of its line, from 0 */
	bool blank_before;
};

struct lines {
	struct line *at;
	size_t n, cap;
};

/* ---- structure: which braces open blocks, where statements begin ---- */

struct brace {
	bool block, roomy; /* roomy: one blank inside */
	bool in_statement; /* the statement around it goes on behind it */
};

struct layout {
	struct arena *arena;
	const struct source *src;
	struct lines lines;
	VEC(struct brace) braces;
	/* The statement in hand: its first words. */
	const char *head[2];
	size_t head_length[2], n_tokens;
	bool only_instance; /* so far NAME : a.b.c */
	bool in_annotation;
	size_t parens;
	struct piece *last;
	size_t last_end, last_column; /* offset and column behind it in the source */
};

static bool is(const struct piece *p, const char *text)
{
	return p && !p->comment && strlen(text) == p->length && !memcmp(p->text, text, p->length);
}

static bool head_is(const struct layout *l, size_t i, const char *word)
{
	return l->n_tokens > i && strlen(word) == l->head_length[i] &&
	       !memcmp(word, l->head[i], l->head_length[i]);
}

static bool is_declaration(const struct layout *l)
{
	static const char *const words[] = { "attribute", "function", "domain", "node", "class",
					     "pipeline", "slo", "application", "target" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (head_is(l, 0, words[i]))
			return true;
	return false;
}

static bool opens_block(const struct layout *l)
{
	if (!l->n_tokens)
		return false;
	return is_declaration(l) || (head_is(l, 0, "group") && l->n_tokens == 2) ||
	       (l->only_instance && l->n_tokens > 2);
}

static void begin_statement(struct layout *l)
{
	l->n_tokens = 0;
	l->only_instance = true;
	l->in_annotation = false;
}

/* NAME, then a colon, then names and dots. */
static void watch_instance(struct layout *l, const struct piece *p)
{
	bool name = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_", p->text[0]) != NULL;

	if (l->n_tokens == 0 || l->n_tokens > 1)
		l->only_instance &= name || (l->n_tokens && is(p, "."));
	else
		l->only_instance &= is(p, ":");
}

static void open_brace(struct layout *l)
{
	struct brace b = { .block = opens_block(l) };

	b.roomy = b.block || head_is(l, 0, "use");
	b.in_statement = l->n_tokens > 0;
	vec_push(l->arena, &l->braces, b);
	if (b.block)
		begin_statement(l);
	else
		l->n_tokens++;
}

static void close_brace(struct layout *l)
{
	struct brace b = l->braces.n ? l->braces.at[--l->braces.n] : (struct brace){ 0 };

	if (b.block)
		begin_statement(l);
	else
		l->n_tokens++;
}

static void watch(struct layout *l, const struct piece *p)
{
	if (is(p, "{")) {
		open_brace(l);
		return;
	}
	if (is(p, "}")) {
		close_brace(l);
		return;
	}
	l->parens += is(p, "(");
	l->parens -= is(p, ")") && l->parens;
	if (is(p, ";")) {
		begin_statement(l);
		return;
	}
	watch_instance(l, p);
	if (l->n_tokens < 2) {
		l->head[l->n_tokens] = p->text;
		l->head_length[l->n_tokens] = p->length;
	}
	l->n_tokens++;
	if (is(p, "@") && l->n_tokens == 1)
		l->in_annotation = true;
}

/* `@name` and `@name(...)` end an annotation; the statement begins behind it. */
static void end_annotation(struct layout *l, const struct lexeme *next)
{
	bool open_paren = next && l->src->text[next->span.start] == '(';

	if (l->in_annotation && l->n_tokens >= 2 && !l->parens && !open_paren)
		begin_statement(l);
}

/* ---- blanks between two tokens ---- */

static bool one_of(const struct piece *p, const char *texts)
{
	for (const char *t = texts; *t; t++)
		if (p->length == 1 && p->text[0] == *t)
			return true;
	return false;
}

static size_t normal_gap(const struct layout *l, const struct piece *p)
{
	const struct piece *last = l->last;

	if (!last)
		return 0;
	if (p->comment)
		return 1;
	if (is(last, "{"))
		return is(p, "}") ? l->braces.at[l->braces.n - 1].block : l->braces.at[l->braces.n - 1].roomy;
	if (is(p, "}"))
		return l->braces.n ? l->braces.at[l->braces.n - 1].roomy : 1;
	if (one_of(p, ";,).") || one_of(last, "(.@") || is(p, "..") || is(last, ".."))
		return 0;
	if (is(p, "(") && l->in_annotation)
		return 0;
	return 1;
}

/* ---- reading ---- */

static size_t characters(const char *s, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += ((unsigned char)s[i] & 0xc0) != 0x80;
	return count;
}

/* The column of an offset, tabs to the next multiple of eight.  Goes on from the last
 * piece of the line, so that long lines are read once. */
static size_t column_behind(const struct layout *l, size_t line_start, size_t offset)
{
	const struct source *src = l->src;
	size_t column = 0, i = line_start;

	if (l->last && l->last_end >= line_start && l->last_end <= offset) {
		column = l->last_column;
		i = l->last_end;
	}
	for (; i < offset; i++) {
		if (src->text[i] == '\t')
			column = (column + 8) / 8 * 8;
		else
			column += ((unsigned char)src->text[i] & 0xc0) != 0x80;
	}
	return column;
}

static size_t indent_of(const struct layout *l, const struct piece *first)
{
	size_t depth = l->braces.n;
	bool closes = is(first, "}");

	if (closes && depth)
		depth--;
	/* Inside a set the braces themselves indent. */
	if (l->n_tokens && !closes && (!l->braces.n || l->braces.at[l->braces.n - 1].block))
		return 2 * depth + 2;
	return 2 * depth;
}

static struct line *line_for(struct layout *l, size_t number, const struct piece *first)
{
	struct line *last = l->lines.n ? &l->lines.at[l->lines.n - 1] : NULL;
	struct line fresh = { .source = number };

	if (last && last->source == number)
		return last;
	fresh.blank_before = last && number > last->source + 1;
	fresh.indent = indent_of(l, first);
	vec_push(l->arena, &l->lines, fresh);
	l->last = NULL;
	return &l->lines.at[l->lines.n - 1];
}

static void read_lexeme(struct layout *l, const struct lexeme *x, const struct lexeme *next)
{
	const struct source *src = l->src;
	size_t number = source_place(src, x->span.start).line - 1;
	size_t start = src->lines[number], end = x->span.start;
	struct piece p = { .text = src->text + x->span.start, .length = x->span.end - x->span.start };
	struct line *line;

	p.comment = x->kind == LEXEME_COMMENT;
	p.column = column_behind(l, start, x->span.start);
	while (end > start && (src->text[end - 1] == ' ' || src->text[end - 1] == '\t'))
		end--;
	p.blanks = p.column - column_behind(l, start, end);
	while (p.comment && p.length && strchr(" \t\r", p.text[p.length - 1]))
		p.length--;
	line = line_for(l, number, &p);
	p.gap = normal_gap(l, &p);
	vec_push(l->arena, line, p);
	l->last = &line->at[line->n - 1];
	l->last_end = x->span.start;
	l->last_column = p.column;
	if (!p.comment) {
		watch(l, &p);
		end_annotation(l, next);
	}
}

/* ---- columns ---- */

enum { NO_LINE = -1 };

/* The next line up (-1) or down (1) that can share a column: lines that hold only a
 * comment are looked past, and for trailing comments the lines that have none. */
static long neighbour(const struct lines *ls, size_t line, int step, bool comment)
{
	for (long i = (long)line + step; i >= 0 && i < (long)ls->n; i += step) {
		const struct line *l = &ls->at[i], *lower = step > 0 ? l : &ls->at[i + 1];

		if (lower->blank_before)
			return NO_LINE;
		if (l->at[0].comment || (comment && !l->at[l->n - 1].comment))
			continue;
		return i;
	}
	return NO_LINE;
}

static struct piece *piece_at(struct line *l, const struct piece *like)
{
	for (size_t i = 1; i < l->n; i++)
		if (l->at[i].column == like->column && l->at[i].comment == like->comment && l->at[i].gap)
			return &l->at[i];
	return NULL;
}

static void link_columns(struct lines *ls)
{
	for (size_t i = 0; i < ls->n; i++)
		for (size_t k = 0; k < ls->at[i].n; k++) {
			struct piece *p = &ls->at[i].at[k];
			long next = k && p->gap ? neighbour(ls, i, 1, p->comment) : NO_LINE;

			p->line = i;
			p->under = next == NO_LINE ? NULL : piece_at(&ls->at[next], p);
			if (p->under)
				p->under->has_over = true;
		}
}

/* A column that nobody has widened by hand is chance, not intent. */
static void find_columns(struct lines *ls)
{
	link_columns(ls);
	for (size_t i = 0; i < ls->n; i++)
		for (size_t k = 0; k < ls->at[i].n; k++) {
			struct piece *head = &ls->at[i].at[k];
			bool wide = false;

			if (head->has_over || !head->under)
				continue;
			for (struct piece *p = head; p; p = p->under)
				wide |= p->blanks > 1;
			for (struct piece *p = head; p && wide; p = p->under)
				p->aligned = true;
		}
}

/* Where the piece would go if it were not part of a column. */
static size_t natural_column(const struct line *l, size_t piece)
{
	const struct piece *p = &l->at[piece], *before;
	size_t end;

	if (!piece)
		return l->indent;
	before = &l->at[piece - 1];
	end = before->placed + characters(before->text, before->length);
	/* A comment that stands off stays where it is, if there is room. */
	if (p->comment && p->blanks > 1 && p->column > end)
		return p->column;
	return end + p->gap;
}

/* The largest natural place of all lines of the column. */
static size_t column_place(const struct lines *ls, struct piece *head)
{
	size_t widest = 0;

	for (struct piece *p = head; p; p = p->under) {
		const struct line *l = &ls->at[p->line];
		size_t at = natural_column(l, (size_t)(p - l->at));

		widest = at > widest ? at : widest;
	}
	return widest;
}

static bool place(struct lines *ls, size_t line, size_t piece)
{
	struct piece *p = &ls->at[line].at[piece];
	size_t before = p->placed;

	if (!p->aligned) {
		p->placed = natural_column(&ls->at[line], piece);
	} else if (!p->has_over) {
		size_t column = column_place(ls, p);

		for (struct piece *q = p; q; q = q->under)
			q->placed = column;
	}
	return p->placed != before;
}

enum { MOST_SWEEPS = 32 };

/* A column's place needs everything left of it in all its lines, so the lines are swept
 * until nothing moves; each sweep settles at least one more column. */
static void place_all(struct lines *ls)
{
	bool moved = true;

	find_columns(ls);
	for (size_t sweep = 0; moved && sweep < MOST_SWEEPS; sweep++) {
		moved = false;
		for (size_t i = 0; i < ls->n; i++)
			for (size_t k = 0; k < ls->at[i].n; k++)
				moved |= place(ls, i, k);
	}
}

/* ---- writing ---- */

static void write_line(const struct line *l, struct sink *s)
{
	size_t column = 0;

	for (size_t i = 0; i < l->n; i++) {
		const struct piece *p = &l->at[i];

		sink_pad(s, p->placed > column ? p->placed - column : 0);
		sink_put(s, p->text, p->length);
		column = p->placed + characters(p->text, p->length);
	}
	sink_putc(s, '\n');
}

static bool same_lexemes(struct ctx *ctx, uint32_t old, const struct sink *text)
{
	uint32_t fresh = source_add(&ctx->sources, "formatted", "formatted", text->data ? text->data : "",
				    text->size);
	struct lexemes a = scan_lexemes(ctx, old), b = scan_lexemes(ctx, fresh);
	const char *x = source_at(&ctx->sources, old)->text, *y = source_at(&ctx->sources, fresh)->text;

	if (a.n != b.n || b.broken)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		struct span s = a.at[i].span, t = b.at[i].span;

		if (a.at[i].kind == LEXEME_COMMENT) {
			while (s.end > s.start && strchr(" \t\r", x[s.end - 1]))
				s.end--;
		}
		if (a.at[i].kind != b.at[i].kind || s.end - s.start != t.end - t.start ||
		    memcmp(x + s.start, y + t.start, s.end - s.start))
			return false;
	}
	return true;
}

bool fmt_source(struct ctx *ctx, uint32_t source, struct sink *out)
{
	struct lexemes all = scan_lexemes(ctx, source);
	struct layout l = { .arena = ctx->arena, .src = source_at(&ctx->sources, source) };

	begin_statement(&l);
	for (size_t i = 0; i < all.n; i++)
		read_lexeme(&l, &all.at[i], i + 1 < all.n ? &all.at[i + 1] : NULL);
	place_all(&l.lines);
	for (size_t i = 0; i < l.lines.n; i++) {
		if (l.lines.at[i].blank_before)
			sink_putc(out, '\n');
		write_line(&l.lines.at[i], out);
	}
	return same_lexemes(ctx, source, out);
}

/* ---- differences ---- */

enum { CONTEXT = 3 };

struct text_line {
	const char *at;
	size_t length;
	char mark; /* ' ' both, '-' old, '+' new */
};

struct text_lines {
	struct text_line *at;
	size_t n, cap;
};

static bool same_text(struct text_line a, struct text_line b)
{
	return a.length == b.length && !memcmp(a.at, b.at, a.length);
}

static struct text_lines split_lines(struct arena *a, const char *text, size_t size)
{
	struct text_lines lines = { 0 };

	for (size_t i = 0; i < size;) {
		const char *end = memchr(text + i, '\n', size - i);
		struct text_line l = { text + i, end ? (size_t)(end - text) - i : size - i, ' ' };

		vec_push(a, &lines, l);
		i += l.length + 1;
	}
	return lines;
}

static bool is_blank(struct text_line l)
{
	for (size_t i = 0; i < l.length; i++)
		if (!strchr(" \t\r", l.at[i]))
			return false;
	return true;
}

/* Equal but for white space. */
static bool same_words(struct text_line a, struct text_line b)
{
	size_t i = 0, j = 0;

	for (;;) {
		while (i < a.length && strchr(" \t\r", a.at[i]))
			i++;
		while (j < b.length && strchr(" \t\r", b.at[j]))
			j++;
		if (i == a.length || j == b.length)
			return i == a.length && j == b.length;
		if (a.at[i++] != b.at[j++])
			return false;
	}
}

enum { MOST_SKIPPED = 64 };

/* How many lines of each side to pass over until they agree again; the fewest. */
static bool resume(const struct text_lines *old, size_t i, const struct text_lines *new, size_t j, size_t *drop,
		   size_t *add)
{
	for (size_t n = 1; n <= MOST_SKIPPED; n++)
		for (*drop = 0; *drop <= n; ++*drop) {
			*add = n - *drop;
			if (i + *drop < old->n && j + *add < new->n && !is_blank(old->at[i + *drop]) &&
			    same_words(old->at[i + *drop], new->at[j + *add]))
				return true;
		}
	return false;
}

static void put_marked(struct arena *a, struct text_lines *script, struct text_line line, char mark)
{
	line.mark = mark;
	vec_push(a, script, line);
}

/* What is dropped and added before the texts agree again: white space within a line, an empty line
 * on one side, or several lines. */
static void next_change(const struct text_lines *old, size_t i, const struct text_lines *new, size_t j, size_t *drop,
			size_t *add)
{
	bool has_old = i < old->n, has_new = j < new->n;

	*drop = has_old;
	*add = has_new;
	if (!has_old || !has_new || same_words(old->at[i], new->at[j]))
		return;
	if (is_blank(old->at[i]) != is_blank(new->at[j])) {
		*drop = is_blank(old->at[i]);
		*add = !*drop;
	} else if (!resume(old, i, new, j, drop, add)) {
		*drop = *add = 1;
	}
}

static struct text_lines edit_script(struct arena *a, struct text_lines old, struct text_lines new)
{
	struct text_lines script = { 0 };
	size_t i = 0, j = 0, drop, add;

	while (i < old.n || j < new.n) {
		if (i < old.n && j < new.n && same_text(old.at[i], new.at[j])) {
			put_marked(a, &script, old.at[i++], ' ');
			j++;
			continue;
		}
		next_change(&old, i, &new, j, &drop, &add);
		for (; drop; drop--)
			put_marked(a, &script, old.at[i++], '-');
		for (; add; add--)
			put_marked(a, &script, new.at[j++], '+');
	}
	return script;
}

static void print_hunk(const struct text_lines *s, size_t from, size_t to, size_t old, size_t new,
		       struct sink *out)
{
	size_t n_old = 0, n_new = 0;

	for (size_t i = from; i < to; i++) {
		n_old += s->at[i].mark != '+';
		n_new += s->at[i].mark != '-';
	}
	sink_printf(out, "@@ -%zu,%zu +%zu,%zu @@\n", old, n_old, new, n_new);
	for (size_t i = from; i < to; i++)
		sink_printf(out, "%c%.*s\n", s->at[i].mark, (int)s->at[i].length, s->at[i].at);
}

void fmt_difference(struct arena *a, const char *path, const struct source *old, const struct sink *new,
		    struct sink *out)
{
	struct text_lines s = edit_script(a, split_lines(a, old->text, old->size),
					  split_lines(a, new->data ? new->data : "", new->size));
	size_t old_line = 1, new_line = 1, i = 0;

	sink_printf(out, "--- %s\n+++ %s\n", path, path);
	while (i < s.n) {
		size_t from = i, to, quiet = 0;

		while (from < s.n && s.at[from].mark == ' ')
			from++;
		if (from == s.n)
			break;
		from = from > i + CONTEXT ? from - CONTEXT : i;
		old_line += from - i;
		new_line += from - i;
		for (to = from; to < s.n && quiet <= 2 * CONTEXT; to++)
			quiet = s.at[to].mark == ' ' && to >= from + CONTEXT ? quiet + 1 : 0;
		to -= quiet > CONTEXT ? quiet - CONTEXT : 0;
		print_hunk(&s, from, to, old_line, new_line, out);
		for (; from < to; from++) {
			old_line += s.at[from].mark != '+';
			new_line += s.at[from].mark != '-';
		}
		i = to;
	}
}

/* ---- the command ---- */

static int deliver(struct run *r, const char *path, const struct source *src, const struct sink *text)
{
	bool changed = text->size != src->size || (src->size && memcmp(text->data, src->text, src->size));
	struct sink difference = { 0 };

	if (r->options->diff && changed) {
		fmt_difference(r->options->arena, path, src, text, &difference);
		fwrite(difference.data, 1, difference.size, r->out);
		sink_free(&difference);
	}
	if (r->options->check || r->options->diff) {
		if (changed && r->options->check && !r->options->diff)
			fprintf(r->out, "%s\n", path);
		return changed && r->options->check ? EXIT_FINDINGS : EXIT_DONE;
	}
	if (!strcmp(path, "-") || r->options->output)
		return run_write(r, text) ? EXIT_DONE : EXIT_ENVIRONMENT;
	if (!changed)
		return EXIT_DONE;
	if (file_write(path, text))
		return EXIT_DONE;
	run_error(r, "cannot write %s: %s", path, strerror(errno));
	return EXIT_ENVIRONMENT;
}

/* Only the file itself counts: what it uses need not be there. */
static bool load_text(struct ctx *ctx, const char *path, uint32_t *source)
{
	struct sink s = { 0 };
	size_t bad;
	bool ok = strcmp(path, "-") ? file_read(path, &s) : file_read("/dev/stdin", &s);

	if (!ok) {
		diag_add(&ctx->diags, E0002, SPAN_NONE, "cannot read %s: %s", path, strerror(errno));
		return false;
	}
	*source = source_add(&ctx->sources, strcmp(path, "-") ? path : "<stdin>", path,
			     arena_strndup(ctx->arena, s.data, s.size), s.size);
	ok = text_is_utf8(s.data, s.size, &bad) && !memchr(s.data, '\0', s.size) &&
	     strncmp(s.data, "\xef\xbb\xbf", 3);
	if (!ok)
		diag_add(&ctx->diags, E0003, (struct span){ *source, 0, 0 }, "%s is not plain UTF-8", path);
	sink_free(&s);
	return ok;
}

static int format_file(struct run *r, const char *path)
{
	struct policy p = { .ctx = ctx_new(), .path = path };
	struct sink out = { 0 };
	uint32_t source = 0;
	int code;

	sink_puts(&out, "");
	if (load_text(p.ctx, path, &source))
		parse_file(p.ctx, source);
	code = policy_report(r, &p);
	if (code == EXIT_DONE) {
		if (fmt_source(p.ctx, source, &out)) {
			code = deliver(r, path, source_at(&p.ctx->sources, source), &out);
		} else {
			run_error(r, "formatting %s would change its meaning, so it was left alone", path);
			code = EXIT_BUG;
		}
	}
	sink_free(&out);
	policy_close(&p);
	return code;
}

/* What it prints is for people, but for a whole text. */
static bool result_fits(struct run *r, const struct texts *files)
{
	if (format_is_for_people(r->options->format))
		return true;
	if (r->options->check || r->options->diff) {
		run_error(r, "fmt --check and --diff need --format human or plain");
		return false;
	}
	return strcmp(files->at[0], "-") || run_has_room(r);
}

static int run_fmt(struct run *r)
{
	struct texts files = { 0 };
	int code = EXIT_DONE;

	if (!r->options->files.n) {
		run_error(r, "fmt needs a FILE; epic help fmt tells more");
		return EXIT_USAGE;
	}
	if (!files_expand(r, &files))
		return EXIT_USAGE;
	if (r->options->output && files.n > 1) {
		run_error(r, "fmt -o takes one file, these are %zu", files.n);
		return EXIT_USAGE;
	}
	if (!result_fits(r, &files))
		return EXIT_USAGE;
	for (size_t i = 0; i < files.n; i++)
		code = exit_worse(code, format_file(r, files.at[i]));
	print_end(r, code);
	return code;
}

const struct command command_fmt = {
	.name = "fmt",
	.arguments = "FILE|DIR|-...",
	.summary = "brings policies into the canonical layout",
	.help = ".\nFiles are rewritten in place; - reads standard input and writes standard output.\n"
		"Only white space between tokens changes",
	.run = run_fmt,
};
