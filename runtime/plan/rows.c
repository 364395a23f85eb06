#include <config.h>

#include "runtime/plan/rows.h"

#include "runtime/plan/plan.h"

/* `of` names a row or `none`, except for words, where it is a text already. */
#define OF_NAME(of) #of
#define OF_TEXT(of) OF_NAME(of)
#define OF_TEXT_NULL(of) OF_NAME(of)
#define OF_WORD(of) of
#define OF_WORD_NULL(of) of
#define OF_INT(of) OF_NAME(of)
#define OF_INT_NULL(of) OF_NAME(of)
#define OF_NUM(of) OF_NAME(of)
#define OF_NUM_NULL(of) OF_NAME(of)
#define OF_BOOL(of) OF_NAME(of)
#define OF_TEXTS(of) OF_NAME(of)
#define OF_INTS(of) OF_NAME(of)
#define OF_LISTS(of) OF_NAME(of)
#define OF_LIST(of) OF_NAME(of)
#define OF_ONE(of) OF_NAME(of)
#define OF_ONE_NULL(of) OF_NAME(of)
#define OF_MAP(of) OF_NAME(of)
#define OF_MAP_NUM(of) OF_NAME(of)
#define OF_VALUES(of) OF_NAME(of)
#define OF_CHOICE(of) OF_NAME(of)

#define PLAN_SIDE(row, ...)
#define PLAN_CHOICE(row, key, word, of)

#define PLAN_BEGIN(row, doc) static const struct rplan_key keys_of_##row[] = {
#define PLAN_KEY(row, kind, key, of, doc) \
	{ #key, RPLAN_KIND_##kind, offsetof(struct rplan_##row, key), OF_##kind(of) },
#define PLAN_END(row) \
	}             \
	;             \
	_Static_assert(sizeof(keys_of_##row) / sizeof(*keys_of_##row) <= 64, "one bit per key");
#include "grammar/plan_keys.def"
#undef PLAN_BEGIN
#undef PLAN_KEY
#undef PLAN_END

/* A row has a head, and each key a head, its letters and a value. */
#define PLAN_BEGIN(row, doc) enum { least_of_##row = 1
#define PLAN_KEY(row, kind, key, of, doc) +(1 + sizeof(#key) - 1 + 1)
#define PLAN_END(row) \
	}             \
	;
#include "grammar/plan_keys.def"
#undef PLAN_BEGIN
#undef PLAN_KEY
#undef PLAN_END

#define PLAN_BEGIN(row, doc)                               \
	{ #row, sizeof(struct rplan_##row), keys_of_##row, \
	  sizeof(keys_of_##row) / sizeof(*keys_of_##row), least_of_##row },
#define PLAN_KEY(row, kind, key, of, doc)
#define PLAN_END(row)
static const struct rplan_row rows[] = {
#include "grammar/plan_keys.def"
};
#undef PLAN_BEGIN
#undef PLAN_KEY
#undef PLAN_END
#undef PLAN_CHOICE

#define PLAN_BEGIN(row, doc)
#define PLAN_KEY(row, kind, key, of, doc)
#define PLAN_END(row)
#define PLAN_CHOICE(row, key, word, of) { #word, #of },
static const struct {
	const char *backend, *row;
} choices[] = {
#include "grammar/plan_keys.def"
};

const struct rplan_row *rplan_row(const char *name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	return NULL;
}

const struct rplan_row *rplan_choice(const char *backend)
{
	for (size_t i = 0; i < sizeof(choices) / sizeof(*choices); i++)
		if (!strcmp(choices[i].backend, backend))
			return rplan_row(choices[i].row);
	return NULL;
}
