/* What to do about a mistake where the place that found it knows no better. */
#include <config.h>

#include <string.h>

#include "compiler/check/private.h"

static const struct {
	enum diag_code code;
	const char *help;
} ways_out[] = {
	{ E0001, "install a newer epic" },
	{ E0104, "numbers end at 18446744073709551615, after conversion to the base unit" },
	{ E0107, "a backslash by itself is written \\\\" },
	{ E0302, "each is named once: rename one, or take it out" },
	{ E0306, "keep one of them; where several values may stand, they stand in braces: {a, b}" },
	{ E0309, "take out one of the references that lead back" },
	{ E0403, "write the smaller end first" },
	{ E0406, "they may differ by 10 %: correct one, or leave one out" },
	{ E0503, "take out one of these edges: a pipeline has no loops" },
	{ E0504, "let the edge begin or end at another module" },
	{ E0505, "use it on edges behind the module that derives it" },
	{ E0507, "correct a rate, or leave one out: what follows from the others is filled in" },
	{ E0508, "exclude one filter from the other, for example with 'and not (...)'" },
	{ E0509, "widen its 'match', or choose another 'through'" },
	{ E0703, "take one of these statements out" },
	{ E0704, "correct one of these statements, or take out what follows from the others" },
	{ E0708, "take out the ratio or the priority" },
};

static bool knows_better(const struct diag *d)
{
	return d->help || d->fixes.n || (d->label && !strncmp(d->label, "did you mean", 12));
}

void show_ways_out(struct check *c)
{
	for (size_t i = 0; i < DIAGS(c)->list.n; i++) {
		struct diag *d = DIAGS(c)->list.at[i];

		for (size_t k = 0; k < sizeof(ways_out) / sizeof(*ways_out) && !knows_better(d);
		     k++)
			if (ways_out[k].code == d->code)
				diag_help(DIAGS(c), d, "%s", ways_out[k].help);
	}
}
