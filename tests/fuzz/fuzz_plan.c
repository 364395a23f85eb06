/* libFuzzer entry: whatever the bytes, the reader takes or refuses them, and what it has taken
 * can be walked to its last byte. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "runtime/plan/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Reads what a consumer would read; the sum keeps the compiler from dropping it. */
static size_t visit_text(const char *text)
{
	return text ? strlen(text) : 0;
}

static size_t visit_texts(struct rplan_texts texts)
{
	size_t sum = 0;

	for (size_t i = 0; i < texts.n; i++)
		sum += strlen(texts.at[i]);
	return sum;
}

static size_t visit_ints(struct rplan_ints ints)
{
	size_t sum = 0;

	for (size_t i = 0; i < ints.n; i++)
		sum += (size_t)ints.at[i];
	return sum;
}

static size_t visit_lists(struct rplan_lists lists)
{
	size_t sum = 0;

	for (size_t i = 0; i < lists.n; i++)
		sum += visit_texts(lists.at[i]);
	return sum;
}

static size_t visit_map_num(struct rplan_map_num map)
{
	size_t sum = 0;

	for (size_t i = 0; i < map.n; i++)
		sum += strlen(map.at[i].key) + (map.at[i].value > 0);
	return sum;
}

static size_t visit_values(struct rplan_values values);

static size_t visit_value(const struct rplan_value *v)
{
	size_t sum = 0;

	switch (v->kind) {
	case RPLAN_NULL:
		return 0;
	case RPLAN_BOOL:
		return v->truth;
	case RPLAN_NUMBER:
		return v->number > 0;
	case RPLAN_TEXT:
		return strlen(v->text);
	case RPLAN_LIST:
		for (size_t i = 0; i < v->n_items; i++)
			sum += visit_value(&v->items[i]);
		return sum;
	case RPLAN_OBJECT:
		return visit_values(v->members);
	}
	abort();
}

static size_t visit_values(struct rplan_values values)
{
	size_t sum = 0;

	for (size_t i = 0; i < values.n; i++)
		sum += strlen(values.at[i].key) + visit_value(&values.at[i].value);
	return sum;
}

#define VISIT_TEXT(key, of) sum += strlen(r->key);
#define VISIT_TEXT_NULL(key, of) sum += visit_text(r->key);
#define VISIT_WORD(key, of) sum += strlen(r->key);
#define VISIT_WORD_NULL(key, of) sum += visit_text(r->key);
#define VISIT_INT(key, of) sum += (size_t)r->key;
#define VISIT_INT_NULL(key, of) sum += r->key.present;
#define VISIT_NUM(key, of) sum += r->key > 0;
#define VISIT_NUM_NULL(key, of) sum += r->key.present && r->key.value > 0;
#define VISIT_BOOL(key, of) sum += r->key;
#define VISIT_TEXTS(key, of) sum += visit_texts(r->key);
#define VISIT_INTS(key, of) sum += visit_ints(r->key);
#define VISIT_LISTS(key, of) sum += visit_lists(r->key);
#define VISIT_LIST(key, of)                   \
	for (size_t i = 0; i < r->key.n; i++) \
		sum += visit_##of(&r->key.at[i]);
#define VISIT_ONE(key, of) sum += visit_##of(r->key);
#define VISIT_ONE_NULL(key, of) sum += r->key ? visit_##of(r->key) : 0;
#define VISIT_MAP(key, of)                    \
	for (size_t i = 0; i < r->key.n; i++) \
		sum += strlen(r->key.names[i]) + visit_##of(&r->key.at[i]);
#define VISIT_MAP_NUM(key, of) sum += visit_map_num(r->key);
#define VISIT_VALUES(key, of) sum += visit_values(r->key);
#define VISIT_CHOICE(key, of) sum += visit_choice(r);

static size_t visit_choice(const struct rplan_target *);

#define PLAN_SIDE(row, ...)
#define PLAN_BEGIN(row, doc)                                   \
	static size_t visit_##row(const struct rplan_##row *r) \
	{                                                      \
		size_t sum = 0;
#define PLAN_KEY(row, kind, key, of, doc) VISIT_##kind(key, of)
#define PLAN_END(row) \
	return sum;   \
	}
#define PLAN_CHOICE(row, key, word, of)
#include "grammar/plan_keys.def"
#undef PLAN_BEGIN
#undef PLAN_KEY
#undef PLAN_END
#undef PLAN_CHOICE

static size_t visit_choice(const struct rplan_target *t)
{
#define PLAN_BEGIN(row, doc)
#define PLAN_KEY(row, kind, key, of, doc)
#define PLAN_END(row)
#define PLAN_CHOICE(row, key, word, of) \
	if (rplan_target_##word(t))     \
		return visit_##of(rplan_target_##word(t));
#include "grammar/plan_keys.def"
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static volatile size_t seen;
	struct plan_error error;
	const struct rplan_plan *plan = plan_read(bytes, size, &error);

	if (!plan && (!error.text[0] || error.offset > size))
		abort();
	if (plan)
		seen = visit_plan(plan);
	(void)seen;
	plan_close(plan);
	return 0;
}
