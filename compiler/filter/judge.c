#include <config.h>

#include "compiler/filter/filter_private.h"

struct judging {
	const struct packet *packet;
	bool (*hidden)(const struct field *, void *);
	void (*needed)(const struct field *, void *);
	void *arg;
};

static enum fx_truth truth(bool holds)
{
	return holds ? FX_YES : FX_NO;
}

/* A derived attribute is always present, so one of all its values is met for sure. */
static bool has_every_value(const struct fx *fx)
{
	return fx->field->kind == FIELD_SYMBOL && fx->n == fx->field->n_values;
}

static enum fx_truth judge(const struct judging *, const struct fx *);

static enum fx_truth judge_junction(const struct judging *j, const struct fx *fx)
{
	enum fx_truth decisive = fx->kind == FX_AND ? FX_NO : FX_YES;
	bool open = false;

	for (size_t i = 0; i < fx->n; i++) {
		enum fx_truth t = judge(j, fx->operands[i]);

		if (t == decisive)
			return decisive;
		open |= t == FX_OPEN;
	}
	return open ? FX_OPEN : truth(decisive == FX_NO);
}

static enum fx_truth judge(const struct judging *j, const struct fx *fx)
{
	enum fx_truth inner;

	switch (fx->kind) {
	case FX_CMP:
		if (!j->hidden(fx->field, j->arg))
			return truth(fx_eval(fx, j->packet));
		return has_every_value(fx) ? FX_YES : FX_OPEN;
	case FX_NOT:
		inner = judge(j, fx->operands[0]);
		return inner == FX_OPEN ? FX_OPEN : truth(inner == FX_NO);
	case FX_AND:
	case FX_OR:
		return judge_junction(j, fx);
	default:
		return truth(fx->kind == FX_TRUE);
	}
}

/* FX is open, and so is what is visited below it. */
static void tell_needed(const struct judging *j, const struct fx *fx)
{
	if (fx->kind == FX_CMP)
		j->needed(fx->field, j->arg);
	for (size_t i = 0; fx->kind != FX_CMP && i < fx->n; i++)
		if (judge(j, fx->operands[i]) == FX_OPEN)
			tell_needed(j, fx->operands[i]);
}

enum fx_truth fx_judge(const struct fx *fx, const struct packet *p,
		       bool (*hidden)(const struct field *, void *),
		       void (*needed)(const struct field *, void *), void *arg)
{
	const struct judging j = { p, hidden, needed, arg };
	enum fx_truth t = judge(&j, fx);

	if (t == FX_OPEN && needed)
		tell_needed(&j, fx);
	return t;
}
