#include <config.h>

#include "backends/dot/picture.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "backends/dot/draw.h"

const char *const pic_tag_words[N_TAGS] = { "application", "class", "domain", "status" };

struct picture *pic_new(const struct rplan_plan *plan, const char *view)
{
	struct picture *p = draw_alloc(1, sizeof(*p));

	p->plan = plan;
	p->view = view;
	p->more = p->legend = "";
	return p;
}

static void free_items(struct pic_items *items)
{
	for (size_t i = 0; i < items->n; i++) {
		struct pic_item *item = items->at[i];

		for (size_t k = 0; k < item->n_rows; k++)
			free(item->rows[k].facts);
		for (size_t k = 0; k < N_TAGS; k++)
			free(item->tags[k].at);
		free(item->rows);
		free(item->via.at);
		free(item);
	}
	free(items->at);
}

void pic_free(struct picture *p)
{
	if (!p)
		return;
	free_items(&p->nodes);
	free_items(&p->edges);
	free_items(&p->clusters);
	for (size_t i = 0; i < p->owned.n; i++)
		free((char *)p->owned.at[i]);
	free(p->owned.at);
	free(p->notes.at);
	free(p);
}

/* ---- lists ---- */

/* Makes room for one more; lists are full whenever N is a power of two. */
static void *grow(void *at, size_t n, size_t size)
{
	return n & (n - 1) ? at : draw_realloc(at, n ? 2 * n : 1, size);
}

void pic_items_add(struct pic_items *items, struct pic_item *item)
{
	items->at = grow(items->at, items->n, sizeof(*items->at));
	items->at[items->n++] = item;
}

void pic_texts_add(struct pic_texts *texts, const char *text)
{
	texts->at = grow(texts->at, texts->n, sizeof(*texts->at));
	texts->at[texts->n++] = text;
}

/* ---- text ---- */

FILE *pic_write(struct picture *p)
{
	p->open = draw_alloc(1, sizeof(*p->open));
	text_open(p->open);
	return p->open->to;
}

const char *pic_take(struct picture *p)
{
	const char *text = text_take(p->open);

	free(p->open);
	p->open = NULL;
	pic_texts_add(&p->owned, text);
	return text;
}

static const char *pic_vtext(struct picture *p, const char *fmt, va_list args)
{
	struct text text;

	text_open(&text);
	vfprintf(text.to, fmt, args);
	pic_texts_add(&p->owned, text_take(&text));
	return p->owned.at[p->owned.n - 1];
}

const char *pic_text(struct picture *p, const char *fmt, ...)
{
	va_list args;
	const char *text;

	va_start(args, fmt);
	text = pic_vtext(p, fmt, args);
	va_end(args);
	return text;
}

/* ---- items ---- */

static struct pic_item *add_item(struct pic_items *to, const char *kind, const char *name)
{
	struct pic_item *item = draw_alloc(1, sizeof(*item));

	item->kind = kind;
	item->name = name;
	item->label = *name ? name_tail(name) : kind;
	item->dot = "";
	item->count = 1;
	pic_items_add(to, item);
	return item;
}

struct pic_item *pic_node(struct picture *p, struct pic_item *cluster, const char *kind,
			  const char *name, const char *fmt, ...)
{
	struct pic_item *item = add_item(&p->nodes, kind, name);
	va_list args;

	va_start(args, fmt);
	item->id = pic_vtext(p, fmt, args);
	va_end(args);
	item->cluster = cluster;
	item->order = p->n_made++;
	return item;
}

struct pic_item *pic_cluster(struct picture *p, struct pic_item *parent, const char *kind,
			     const char *name, const char *fmt, ...)
{
	struct pic_item *item = add_item(&p->clusters, kind, name);
	va_list args;

	va_start(args, fmt);
	item->id = pic_vtext(p, fmt, args);
	va_end(args);
	item->cluster = parent;
	item->order = p->n_made++;
	return item;
}

struct pic_item *pic_edge(struct picture *p, struct pic_item *from, struct pic_item *to,
			  const char *kind)
{
	struct pic_item *item = add_item(&p->edges, kind, "");

	item->id = pic_text(p, "e%zu", p->edges.n - 1);
	item->label = "";
	item->from = from;
	item->to = to;
	return item;
}

/* ---- what items tell ---- */

struct pic_row *pic_row(struct pic_item *item, const char *title)
{
	item->rows = grow(item->rows, item->n_rows, sizeof(*item->rows));
	item->rows[item->n_rows] = (struct pic_row){ .title = title };
	return &item->rows[item->n_rows++];
}

static struct pic_fact *add_fact(struct pic_row *row, const char *key, const char *text)
{
	row->facts = grow(row->facts, row->n_facts, sizeof(*row->facts));
	row->facts[row->n_facts] = (struct pic_fact){ .key = key, .text = text };
	return &row->facts[row->n_facts++];
}

void pic_fact(struct pic_row *row, const char *key, const char *text)
{
	add_fact(row, key, text);
}

static void put_bare(FILE *to, double x, const char *unit)
{
	put_number(to, x);
	fputs(unit, to);
}

static void put_micros(FILE *to, double x, const char *unit)
{
	(void)unit;
	put_time(to, x);
}

static void put_share(FILE *to, double x, const char *unit)
{
	put_bare(to, 100 * x, unit);
}

/* By the end of the key. */
static const struct {
	const char *end, *unit;
	void (*put)(FILE *, double, const char *);
} units[] = {
	{ "_pps", "pps", put_rate },
	{ "_bps", "bps", put_rate },
	{ "_hz", "Hz", put_rate },
	{ "_us", "", put_micros },
	{ "share", " %", put_share },
	{ "cycles_per_packet", " cycles/packet", put_bare },
	{ "cycles_per_byte", " cycles/B", put_bare },
	{ "cycles", " cycles", put_bare },
	{ "packets", " packets", put_bare },
	{ "", "", put_bare },
};

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && !strcmp(text + n - m, end);
}

void pic_number(struct picture *p, struct pic_row *row, const char *key, double x)
{
	struct pic_fact *fact;
	size_t i = 0;

	while (!ends_with(key, units[i].end))
		i++;
	units[i].put(pic_write(p), x, units[i].unit);
	fact = add_fact(row, key, pic_take(p));
	fact->is_number = true;
	fact->number = x;
}

void pic_names(struct picture *p, struct pic_row *row, const char *key, struct rplan_texts names)
{
	FILE *to;

	if (!names.n)
		return;
	to = pic_write(p);
	for (size_t i = 0; i < names.n; i++)
		fprintf(to, "%s%s", i ? ", " : "", names.at[i]);
	pic_fact(row, key, pic_take(p));
}

bool pic_has_tag(const struct pic_item *item, enum pic_tag tag, const char *value)
{
	for (size_t i = 0; i < item->tags[tag].n; i++)
		if (!strcmp(item->tags[tag].at[i], value))
			return true;
	return false;
}

void pic_tag(struct pic_item *item, enum pic_tag tag, const char *value)
{
	if (*value && !pic_has_tag(item, tag, value))
		pic_texts_add(&item->tags[tag], value);
}

void pic_via(struct pic_item *item, struct pic_item *other)
{
	pic_items_add(&item->via, other);
}

bool pic_is_in(const struct pic_item *item, const struct pic_item *cluster)
{
	for (item = item->cluster; item; item = item->cluster)
		if (item == cluster)
			return true;
	return false;
}

static bool is_empty(const struct picture *p, const struct pic_item *cluster)
{
	for (size_t i = 0; i < p->nodes.n; i++)
		if (!p->nodes.at[i]->hidden && pic_is_in(p->nodes.at[i], cluster))
			return false;
	return true;
}

void pic_hide_empty(struct picture *p)
{
	for (size_t i = 0; i < p->clusters.n; i++)
		p->clusters.at[i]->hidden |= is_empty(p, p->clusters.at[i]);
}

bool pic_shows_status(const struct picture *p, const char *status)
{
	for (size_t i = 0; i < p->nodes.n; i++) {
		const struct pic_item *n = p->nodes.at[i];

		if (n->hidden || !n->via.n)
			continue;
		if (status ? n->status && !strcmp(n->status, status) : !n->status)
			return true;
	}
	return false;
}
