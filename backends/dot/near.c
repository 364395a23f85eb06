#include <config.h>

#include "backends/dot/near.h"

#include <string.h>

#include "backends/dot/draw.h"

enum { FARTHEST_NAME = 4 };

bool near_means(const char *name, const char *full)
{
	return *full && (!strcmp(name, full) || !strcmp(name, name_tail(full)));
}

/* ---- what is in focus ---- */

static bool is_tagged(const struct pic_item *item, const char *name)
{
	for (size_t tag = 0; tag < TAG_STATUS; tag++)
		for (size_t i = 0; i < item->tags[tag].n; i++)
			if (near_means(name, item->tags[tag].at[i]))
				return true;
	return false;
}

static bool is_called(const struct pic_item *item, const char *name)
{
	if (near_means(name, item->name) || is_tagged(item, name))
		return true;
	for (size_t i = 0; i < item->n_rows; i++)
		if (near_means(name, item->rows[i].title))
			return true;
	for (item = item->cluster; item; item = item->cluster)
		if (near_means(name, item->name))
			return true;
	return false;
}

static bool is_card(const struct pic_item *item)
{
	return item->via.n;
}

static bool put_in_focus(struct picture *p, const char *name)
{
	bool found = false;

	for (size_t i = 0; i < p->nodes.n; i++) {
		struct pic_item *item = p->nodes.at[i];

		if (item->hidden || is_card(item) || !is_called(item, name))
			continue;
		item->distance = 0;
		found = true;
	}
	return found;
}

/* ---- steps ---- */

static size_t nearest_on_way(const struct pic_item *card)
{
	size_t least = SIZE_MAX;

	for (size_t i = 0; i < card->via.n; i++)
		if (card->via.at[i]->distance < least)
			least = card->via.at[i]->distance;
	return least;
}

static void reach(struct pic_item *item, size_t distance)
{
	if (item->distance > distance)
		item->distance = distance;
}

static bool is_step(const struct pic_item *edge)
{
	return !edge->hidden && !edge->via.n && !is_card(edge->from) && !is_card(edge->to);
}

/* From all that is DISTANCE away to what is one step farther. */
static void take_step(struct picture *p, size_t distance)
{
	for (size_t i = 0; i < p->nodes.n; i++) {
		const struct pic_item *card = p->nodes.at[i];

		if (card->hidden || nearest_on_way(card) != distance)
			continue;
		for (size_t k = 0; k < card->via.n; k++)
			reach(card->via.at[k], distance + 1);
	}
	for (size_t i = 0; i < p->edges.n; i++) {
		const struct pic_item *e = p->edges.at[i];

		if (is_step(e) && e->from->distance == distance)
			reach(e->to, distance + 1);
		if (is_step(e) && e->to->distance == distance)
			reach(e->from, distance + 1);
	}
}

/* ---- what is kept ---- */

static bool any_card_is_kept(const struct pic_item *edge)
{
	for (size_t i = 0; i < edge->via.n; i++)
		if (!edge->via.at[i]->hidden)
			return true;
	return !edge->via.n;
}

static void hide_far(struct picture *p, size_t depth)
{
	size_t n = 0;

	for (size_t i = 0; i < p->nodes.n; i++) {
		struct pic_item *item = p->nodes.at[i];
		bool far = is_card(item) ? nearest_on_way(item) >= depth : item->distance > depth;

		n += far && !item->hidden && !is_card(item);
		item->hidden |= far;
	}
	for (size_t i = 0; i < p->edges.n; i++) {
		struct pic_item *e = p->edges.at[i];

		e->hidden |= e->from->hidden || e->to->hidden || !any_card_is_kept(e);
	}
	if (n)
		pic_texts_add(&p->notes,
			      pic_text(p, "%zu box%s farther away from the focus %s not shown.", n,
				       n == 1 ? "" : "es", n == 1 ? "is" : "are"));
}

const char *near_keep(struct picture *p, const struct pic_texts *names, size_t depth)
{
	for (size_t i = 0; i < p->nodes.n; i++)
		p->nodes.at[i]->distance = SIZE_MAX;
	for (size_t i = 0; i < names->n; i++)
		if (!put_in_focus(p, names->at[i]))
			return names->at[i];
	for (size_t step = 0; step < depth; step++)
		take_step(p, step);
	hide_far(p, depth);
	pic_hide_empty(p);
	return NULL;
}

/* ---- names ---- */

struct search {
	const char *wanted, *nearest;
	size_t least;
};

static void consider(struct search *s, const char *name)
{
	size_t far = *name ? distance(s->wanted, name) : SIZE_MAX;
	size_t tail = *name ? distance(s->wanted, name_tail(name)) : SIZE_MAX;

	far = tail < far ? tail : far;
	if (far >= s->least)
		return;
	s->least = far;
	s->nearest = name;
}

static void consider_item(struct search *s, const struct pic_item *item)
{
	consider(s, item->name);
	for (size_t tag = 0; tag < TAG_STATUS; tag++)
		for (size_t i = 0; i < item->tags[tag].n; i++)
			consider(s, item->tags[tag].at[i]);
	for (size_t i = 0; i < item->n_rows && !is_card(item); i++)
		consider(s, item->rows[i].title);
}

const char *near_name(const struct picture *p, const char *name, bool clusters)
{
	struct search s = { name, NULL, FARTHEST_NAME };

	for (size_t i = 0; i < p->clusters.n; i++)
		consider(&s, p->clusters.at[i]->name);
	for (size_t i = 0; i < p->nodes.n && !clusters; i++)
		consider_item(&s, p->nodes.at[i]);
	return s.nearest;
}
