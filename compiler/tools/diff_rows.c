/* Everything of a plan but its flows, laid side by side fact by fact. */
#include <config.h>

#include <string.h>

#include "compiler/tools/diff.h"
#include "compiler/tools/plan_facts.h"

/* Facts of one subject. */
struct slice {
	const struct fact *at;
	size_t n;
};

static const struct {
	const char *begins;
	enum diff_kind kind;
} kinds[] = {
	{ "areas[", DIFF_AREAS },
	{ "nodes[", DIFF_AREAS },
	{ "pipelines[", DIFF_PIPELINES },
	{ "classes[", DIFF_CLASSES },
	{ "schedules[", DIFF_TASKS },
	{ "targets[", DIFF_FILES },
	{ "", DIFF_FILES },
};

static enum diff_kind kind_of(const char *subject)
{
	size_t i = 0;

	while (strncmp(subject, kinds[i].begins, strlen(kinds[i].begins)))
		i++;
	return kinds[i].kind;
}

/* What decides how much a task gets, rather than what it is. */
static bool is_weight(const struct fact *f)
{
	static const char *const names[] = { "weight", "service", "share_by_class", "predicted" };

	if (strncmp(f->subject, "schedules[", strlen("schedules[")))
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strncmp(f->name, names[i], strlen(names[i])))
			return true;
	return false;
}

/* Files have changes of their own, and every plan that is read has one version. */
static bool is_told_elsewhere(const struct fact *f)
{
	return !strcmp(f->name, "files") || !strcmp(f->name, "epic_plan");
}

/* ---- names ---- */

static const struct {
	const char *begins, *word;
} words[] = {
	{ "areas[", "area" },       { "nodes[", "node" }, { "pipelines[", "pipeline" },
	{ "modules[", "module" },   { "edges[", "edge" }, { "classes[", "class" },
	{ "schedules[", "target" }, { "tasks[", "task" }, { "targets[", "target" },
};

/* "schedules[rack].tasks[rx]" is "task rx of target rack". */
static const char *subject_text(struct diffing *d, const char *subject)
{
	const char *outer = "", *text = "the plan";

	for (const char *s = subject; *s;) {
		const char *end = strstr(s, "]."), *word = "";

		if (!end)
			end = s + strlen(s) - 1;
		for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
			if (!strncmp(s, words[i].begins, strlen(words[i].begins)))
				word = words[i].word;
		s = strchr(s, '[') + 1;
		text = arena_printf(d->arena, "%s %.*s%s", word, (int)(end - s), s, outer);
		outer = arena_printf(d->arena, " of %s", text);
		s = end + (end[1] ? 2 : 1);
	}
	return text;
}

/* ---- one subject ---- */

static void put_fact(struct diffing *d, struct diff_change *c, const struct fact *old,
		     const struct fact *new)
{
	const struct fact *any = old ? old : new;
	bool numbers = old && new && old->is_number &&new->is_number;

	vec_push(d->arena, &c->facts,
		 (struct diff_fact){ any->name, old ? old->text : NULL, new ? new->text : NULL,
				     numbers, numbers ? old->number : 0,
				     numbers ? new->number : 0 });
}

/* Both slices are sorted; facts of WEIGHTS or the others.  Rows of one name, as two edges between
 * the same modules, are paired in the order of what they say. */
static void put_facts(struct diffing *d, struct diff_change *c, struct slice old, struct slice new,
		      bool weights)
{
	while (old.n || new.n) {
		int order = !old.n ? 1 : !new.n ? -1 : strcmp(old.at->name, new.at->name);
		const struct fact *o = order <= 0 ? old.at : NULL, *n = order >= 0 ? new.at : NULL;
		const struct fact *any = o ? o : n;

		if (*any->name && is_weight(any) == weights && !is_told_elsewhere(any) &&
		    !(o && n && !strcmp(o->text, n->text)))
			put_fact(d, c, o, n);
		old.at += o != NULL;
		old.n -= o != NULL;
		new.at += n != NULL;
		new.n -= n != NULL;
	}
}

static const struct fact *named(struct slice s, const char *name)
{
	for (size_t i = 0; i < s.n; i++)
		if (!strcmp(s.at[i].name, name))
			return &s.at[i];
	return NULL;
}

/* The packets that a filter of the row gained and lost. */
static void put_packets(struct diffing *d, const char *subject, struct slice old, struct slice new)
{
	enum diff_kind kind = kind_of(new.at->subject);
	const char *name = kind == DIFF_CLASSES ? "match" : "when";
	const struct fact *o = named(old, name), *n = named(new, name);
	const struct cubes *was, *is;
	struct diff_packets p = { 0 };

	if ((kind != DIFF_CLASSES && kind != DIFF_PIPELINES) || !o || !n ||
	    !strcmp(o->text, n->text))
		return;
	was = diff_set(d, o->text);
	is = diff_set(d, n->text);
	if (was && is && diff_packets(d, was, is, &p))
		diff_add(d, kind, DIFF_GAINED, subject, "takes packets that it did not")->packets =
		    p;
	if (was && is && diff_packets(d, is, was, &p))
		diff_add(d, kind, DIFF_LOST, subject, "does not take these packets any more")
		    ->packets = p;
}

static void compare_subject(struct diffing *d, struct slice old, struct slice new)
{
	const char *subject = (old.n ? old.at : new.at)->subject;
	const char *text = subject_text(d, subject);
	enum diff_way way = !old.n ? DIFF_GAINED : !new.n ? DIFF_LOST : DIFF_CHANGED;
	static const char *const whats[] = { "appears", "disappears", "changes" };

	for (int weights = 0; weights < 2; weights++) {
		struct diff_change *c =
		    diff_add(d, weights ? DIFF_WEIGHTS : kind_of(subject), way, text, whats[way]);

		put_facts(d, c, old, new, weights);
		if (!c->facts.n && (weights || way == DIFF_CHANGED))
			d->changes.n--;
	}
	if (way == DIFF_CHANGED)
		put_packets(d, text, old, new);
}

static struct slice take_subject(struct facts *f, size_t *at, const char *subject)
{
	struct slice s = { f->at + *at, 0 };

	while (*at < f->n && !strcmp(f->at[*at].subject, subject)) {
		++*at;
		s.n++;
	}
	return s;
}

void diff_rows(struct diffing *d)
{
	struct facts old = plan_facts(d->arena, d->old->plan),
		     new = plan_facts(d->arena, d->new->plan);
	size_t i = 0, k = 0;

	while (i < old.n || k < new.n) {
		const char *subject;
		struct slice was, is;

		if (k == new.n || (i < old.n && strcmp(old.at[i].subject, new.at[k].subject) < 0))
			subject = old.at[i].subject;
		else
			subject = new.at[k].subject;
		was = take_subject(&old, &i, subject);
		is = take_subject(&new, &k, subject);
		compare_subject(d, was, is);
	}
}
