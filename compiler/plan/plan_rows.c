#include <config.h>

#include "compiler/plan/plan.h"

#include <string.h>

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

#define PLAN_BEGIN(row, doc) static const struct plan_key keys_of_##row[] = {
#define PLAN_KEY(row, kind, key, of, doc) \
	{ #key, PLAN_##kind, offsetof(struct plan_##row, key), OF_##kind(of) },
#define PLAN_END(row) \
	}             \
	;
#include "grammar/plan_keys.def"
#undef PLAN_BEGIN
#undef PLAN_KEY
#undef PLAN_END

#define PLAN_BEGIN(row, doc)                              \
	{ #row, sizeof(struct plan_##row), keys_of_##row, \
	  sizeof(keys_of_##row) / sizeof(*keys_of_##row) },
#define PLAN_KEY(row, kind, key, of, doc)
#define PLAN_END(row)
static const struct plan_row rows[] = {
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

const struct plan_row *plan_row_find(const char *name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	return NULL;
}

const struct plan_row *plan_choice(const char *backend)
{
	for (size_t i = 0; i < sizeof(choices) / sizeof(*choices); i++)
		if (!strcmp(choices[i].backend, backend))
			return plan_row_find(choices[i].row);
	return NULL;
}
