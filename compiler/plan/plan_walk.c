#include <config.h>

#include "compiler/plan/plan_walk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/arena.h"
#include "compiler/base/text.h"

struct walk {
	const struct plan_form *form;
	void *out;
};

/* How LIST and MAP lie in memory, whatever their rows are. */
struct any_list {
	const char *at;
	size_t n;
};

struct any_map {
	const char *const *names;
	const char *at;
	size_t n;
};

static void walk_row(struct walk *, const struct plan_row *, const char *at);

/* Copies out of a row: its members have types that only plan_rows tells. */
#define TAKE(type, from) (*(type *)memcpy(&(type){ 0 }, (from), sizeof(type)))

/* The positions of N keys in the order of the form; the caller frees them. */
static size_t *walk_order(struct walk *w, const char *const *keys, size_t n)
{
	size_t *order = xrealloc(NULL, (n ? n : 1) * sizeof(*order));

	for (size_t i = 0; i < n; i++) {
		size_t k = i;

		/* Insertion: keys come nearly sorted, and there are few. */
		for (; k && w->form->compare(keys[i], keys[order[k - 1]]) < 0; k--)
			order[k] = order[k - 1];
		order[k] = i;
	}
	return order;
}

static void walk_text(struct walk *w, const char *text, bool null_allowed)
{
	assert(text || null_allowed);
	if (text)
		w->form->text(w->out, text);
	else
		w->form->null(w->out);
}

static void walk_texts(struct walk *w, struct plan_texts texts)
{
	w->form->list(w->out, texts.n);
	for (size_t i = 0; i < texts.n; i++)
		walk_text(w, texts.at[i], false);
	w->form->end(w->out);
}

static void walk_ints(struct walk *w, struct plan_ints ints)
{
	w->form->list(w->out, ints.n);
	for (size_t i = 0; i < ints.n; i++)
		w->form->integer(w->out, ints.at[i]);
	w->form->end(w->out);
}

static void walk_lists(struct walk *w, struct plan_lists lists)
{
	w->form->list(w->out, lists.n);
	for (size_t i = 0; i < lists.n; i++)
		walk_texts(w, lists.at[i]);
	w->form->end(w->out);
}

static void walk_rows(struct walk *w, const struct plan_row *row, struct any_list list)
{
	w->form->list(w->out, list.n);
	for (size_t i = 0; i < list.n; i++)
		walk_row(w, row, list.at + i * row->size);
	w->form->end(w->out);
}

static void walk_map(struct walk *w, const struct plan_row *row, struct any_map map)
{
	size_t *order = walk_order(w, map.names, map.n);

	w->form->object(w->out, map.n);
	for (size_t i = 0; i < map.n; i++) {
		w->form->key(w->out, map.names[order[i]]);
		walk_row(w, row, map.at + order[i] * row->size);
	}
	w->form->end(w->out);
	free(order);
}

static void walk_map_num(struct walk *w, struct plan_map_num map)
{
	const char **keys = xrealloc(NULL, (map.n ? map.n : 1) * sizeof(*keys));
	size_t *order;

	for (size_t i = 0; i < map.n; i++)
		keys[i] = map.at[i].key;
	order = walk_order(w, keys, map.n);
	w->form->object(w->out, map.n);
	for (size_t i = 0; i < map.n; i++) {
		w->form->key(w->out, keys[order[i]]);
		w->form->number(w->out, map.at[order[i]].value);
	}
	w->form->end(w->out);
	free(order);
	free(keys);
}

static void walk_value(struct walk *w, const struct ir_value *v)
{
	switch (v->kind) {
	case IR_VALUE_NUMBER:
		w->form->number(w->out, rat_dec(v->number));
		break;
	case IR_VALUE_TEXT:
		walk_text(w, v->text, false);
		break;
	case IR_VALUE_BOOL:
		w->form->truth(w->out, v->truth);
		break;
	case IR_VALUE_LIST:
		w->form->list(w->out, v->n_members);
		for (size_t i = 0; i < v->n_members; i++)
			walk_value(w, v->members[i]);
		w->form->end(w->out);
		break;
	}
}

static void walk_values(struct walk *w, struct plan_values values)
{
	const char **keys = xrealloc(NULL, (values.n ? values.n : 1) * sizeof(*keys));
	size_t *order;

	for (size_t i = 0; i < values.n; i++)
		keys[i] = values.at[i].name;
	order = walk_order(w, keys, values.n);
	w->form->object(w->out, values.n);
	for (size_t i = 0; i < values.n; i++) {
		w->form->key(w->out, keys[order[i]]);
		walk_value(w, values.at[order[i]].value);
	}
	w->form->end(w->out);
	free(order);
	free(keys);
}

static void walk_one(struct walk *w, const struct plan_row *row, const char *at, bool null_allowed)
{
	assert(at || null_allowed);
	if (at)
		walk_row(w, row, at);
	else
		w->form->null(w->out);
}

static void walk_int(struct walk *w, struct plan_int i)
{
	if (i.present)
		w->form->integer(w->out, i.value);
	else
		w->form->null(w->out);
}

static void walk_num(struct walk *w, struct plan_num number)
{
	if (number.present)
		w->form->number(w->out, number.value);
	else
		w->form->null(w->out);
}

/* The value of the text key NAME in the row at AT. */
static const char *row_text(const struct plan_row *row, const char *at, const char *name)
{
	for (size_t i = 0; i < row->n_keys; i++)
		if (!strcmp(row->keys[i].name, name))
			return TAKE(const char *, at + row->keys[i].offset);
	return NULL;
}

static void walk_choice(struct walk *w, const struct plan_row *row, const char *at,
			const struct plan_key *key)
{
	const char *backend = row_text(row, at, "backend");
	const struct plan_row *of = backend ? plan_choice(backend) : NULL;

	assert(of);
	walk_one(w, of, TAKE(const char *, at + key->offset), false);
}

static void walk_key(struct walk *w, const struct plan_row *row, const char *at,
		     const struct plan_key *key)
{
	const char *member = at + key->offset;
	const struct plan_row *of = plan_row_find(key->of);

	switch (key->kind) {
	case PLAN_TEXT:
	case PLAN_WORD:
		return walk_text(w, TAKE(const char *, member), false);
	case PLAN_TEXT_NULL:
	case PLAN_WORD_NULL:
		return walk_text(w, TAKE(const char *, member), true);
	case PLAN_INT:
		return w->form->integer(w->out, TAKE(int64_t, member));
	case PLAN_INT_NULL:
		return walk_int(w, TAKE(struct plan_int, member));
	case PLAN_NUM:
		return w->form->number(w->out, TAKE(struct dec, member));
	case PLAN_NUM_NULL:
		return walk_num(w, TAKE(struct plan_num, member));
	case PLAN_BOOL:
		return w->form->truth(w->out, TAKE(bool, member));
	case PLAN_TEXTS:
		return walk_texts(w, TAKE(struct plan_texts, member));
	case PLAN_INTS:
		return walk_ints(w, TAKE(struct plan_ints, member));
	case PLAN_LISTS:
		return walk_lists(w, TAKE(struct plan_lists, member));
	case PLAN_LIST:
		return walk_rows(w, of, TAKE(struct any_list, member));
	case PLAN_ONE:
		return walk_one(w, of, TAKE(const char *, member), false);
	case PLAN_ONE_NULL:
		return walk_one(w, of, TAKE(const char *, member), true);
	case PLAN_MAP:
		return walk_map(w, of, TAKE(struct any_map, member));
	case PLAN_MAP_NUM:
		return walk_map_num(w, TAKE(struct plan_map_num, member));
	case PLAN_VALUES:
		return walk_values(w, TAKE(struct plan_values, member));
	case PLAN_CHOICE:
		return walk_choice(w, row, at, key);
	}
}

static void walk_row(struct walk *w, const struct plan_row *row, const char *at)
{
	const char **keys = xrealloc(NULL, row->n_keys * sizeof(*keys));
	size_t *order;

	for (size_t i = 0; i < row->n_keys; i++)
		keys[i] = row->keys[i].name;
	order = walk_order(w, keys, row->n_keys);
	w->form->object(w->out, row->n_keys);
	for (size_t i = 0; i < row->n_keys; i++) {
		const struct plan_key *key = &row->keys[order[i]];

		w->form->key(w->out, key->name);
		walk_key(w, row, at, key);
	}
	w->form->end(w->out);
	free(order);
	free(keys);
}

void plan_walk(const struct plan *plan, const struct plan_form *form, void *out)
{
	struct walk w = { form, out };

	walk_row(&w, plan_row_find("plan"), (const char *)plan);
}

/* ---- a form that only looks ---- */

struct look {
	size_t depth;
	bool found; /* something that cannot be written */
};

static void look_nothing(void *out)
{
	(void)out;
}

static void look_truth(void *out, bool truth)
{
	(void)out, (void)truth;
}

static void look_integer(void *out, int64_t integer)
{
	(void)out, (void)integer;
}

static void look_number(void *out, struct dec number)
{
	(void)out, (void)number;
}

static void look_text(void *out, const char *text)
{
	struct look *look = out;
	size_t bad;

	if (!text_is_utf8(text, strlen(text), &bad))
		look->found = true;
}

static void look_open(void *out, size_t n)
{
	struct look *look = out;

	(void)n;
	if (++look->depth > PLAN_DEPTH)
		look->found = true;
}

static void look_end(void *out)
{
	struct look *look = out;

	look->depth--;
}

bool plan_is_writable(const struct plan *plan)
{
	static const struct plan_form form = { look_nothing, look_truth, look_integer, look_number,
					       look_text,    look_open,  look_open,    look_text,
					       look_end,     strcmp };
	struct look look = { 0 };

	plan_walk(plan, &form, &look);
	return !look.found;
}
