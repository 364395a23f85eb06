#include <config.h>

#include "runtime/dpdk/rates.h"

enum { ROWS_BEHIND = 2 }; /* rest and undecided */

static void put_name(FILE *out, const char *name, const char *what)
{
	/* A module keeps names to itself that begin with an underscore. */
	fputs(*name == '_' ? "let class" : "let ", out);
	for (; *name; name++)
		if (*name == '.')
			fputs("__", out);
		else
			fputc(*name, out);
	fprintf(out, "-%s = ", what);
}

/* Packets whose class became known on the way entered it there, and left another. */
static uint64_t packets_of(const struct stats_class *c)
{
	uint64_t in = c->received + c->entered;

	return in > c->left ? in - c->left : 0;
}

static void put_class(FILE *out, const struct stats_class *c, double seconds)
{
	put_name(out, c->name, "rate");
	fprintf(out, "%.0fpps;\n", (double)packets_of(c) / seconds);
	if (!c->received)
		return;
	put_name(out, c->name, "packet");
	fprintf(out, "%.0fB;\n", (double)c->received_bytes / (double)c->received);
}

bool rates_write(const struct stats *s, FILE *out)
{
	if (!(s->seconds > 0))
		return false;
	fputs("edition 1;\nmodule rates;\n", out);
	for (size_t i = 0; i + ROWS_BEHIND < s->n_classes; i++)
		put_class(out, &s->classes[i], s->seconds);
	return fflush(out) == 0 && !ferror(out);
}
