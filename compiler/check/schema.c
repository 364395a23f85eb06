#include <config.h>

#include "compiler/check/schema.h"

#include <string.h>

#include "compiler/model/model.h"

#define OF_SYMBOL(x) { .words = (x) }
#define OF_WORDS(x) { .words = (x) }
#define OF_QUANTITY(x) { .dimension = (x) }
#define OF_REF(x) { .kinds = (x) }
#define OF_REFS(x) { .kinds = (x) }
#define OF_INT(x) { 0 }
#define OF_UINT(x) { 0 }
#define OF_RATE(x) { 0 }
#define OF_SPEED(x) { 0 }
#define OF_STRING(x) { 0 }
#define OF_FILE(x) { 0 }
#define OF_NOTE(x) { 0 }
#define OF_PREFIXES(x) { 0 }
#define OF_FIELDS(x) { 0 }
#define OF_CORES(x) { 0 }
#define OF_FILTER(x) { 0 }
#define OF_CODE(x) { 0 }

/* Where code of its own reads the value there is no member: the struct's first. */
#define none sym

static const struct prop props[] = {
#define PROP(block_, member, name_, type_, of_, initial_, flags_, low_, high_, doc_)               \
	{ #block_, name_, PROP_##type_, OF_##type_(of_), offsetof(struct m_##block_, member),      \
	  initial_, flags_, low_, high_, doc_ },
#include "grammar/schema.def"
#undef PROP
};

#undef none

enum { N_PROPS = sizeof(props) / sizeof(*props) };

const struct prop *schema_first(const char *block)
{
	for (size_t i = 0; i < N_PROPS; i++)
		if (!strcmp(props[i].block, block))
			return &props[i];
	return NULL;
}

const struct prop *schema_next(const struct prop *p)
{
	const struct prop *next = p + 1;

	return next < props + N_PROPS && !strcmp(next->block, p->block) ? next : NULL;
}

const struct prop *schema_find(const char *block, const char *name)
{
	for (const struct prop *p = schema_first(block); p; p = schema_next(p))
		if (!strcmp(p->name, name))
			return p;
	return NULL;
}

size_t schema_size(const char *block)
{
	size_t n = 0;

	for (const struct prop *p = schema_first(block); p; p = schema_next(p))
		n++;
	return n;
}

size_t prop_index(const struct prop *p)
{
	return (size_t)(p - schema_first(p->block));
}

bool prop_may_repeat(const struct prop *p)
{
	return strchr(p->flags, 'M') != NULL;
}

bool prop_is_required(const struct prop *p)
{
	return strchr(p->flags, 'R') != NULL;
}

bool prop_fits(const struct prop *p, const char *kinds)
{
	const char *restricted = p->flags + strspn(p->flags, "RM");

	return !*restricted || (kinds && (*kinds == '?' || strchr(restricted, *kinds)));
}
