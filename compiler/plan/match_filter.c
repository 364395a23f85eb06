/* Regions as an expression of the pcap filter language, which reads bytes as `ether[...]`. */
#include <config.h>

#include "compiler/base/sink.h"
#include "compiler/plan/match_private.h"

enum { MOST_TEXT = 1 << 16, LOAD_SIZE = 4, V4_SIZE = 20, BYTE = 8 };

/* SIZE bytes at OFFSET of a frame; behind the options of the IPv4 header at HEADER, if it is not
 * 0. */
static void put_bytes(struct sink *s, unsigned header, unsigned offset, unsigned size)
{
	if (header)
		sink_printf(s, "ether[((ether[%u:1] & 15) << 2) + %u:%u]", header, offset - V4_SIZE,
			    size);
	else
		sink_printf(s, "ether[%u:%u]", offset, size);
}

/* A value of at most 32 bits. */
static void put_value(struct sink *s, const struct match_key *k)
{
	bool parted = k->shift || k->bits < BYTE * k->size;

	if (parted)
		sink_puts(s, k->shift ? "((" : "(");
	put_bytes(s, k->header, k->offset, k->size);
	if (parted && k->shift)
		sink_printf(s, " >> %u) & 0x%llx)", k->shift,
			    (unsigned long long)match_key_max(*k));
	else if (parted)
		sink_printf(s, " & 0x%llx)", (unsigned long long)match_key_max(*k));
}

static void put_range(struct sink *s, const struct match_key *k, struct match_range r, bool outside)
{
	unsigned long long lo = (unsigned long long)r.lo, hi = (unsigned long long)r.hi;
	bool from_start = !r.lo, to_end = r.hi == match_key_max(*k);

	if (!outside && !from_start && !to_end && lo != hi)
		sink_putc(s, '(');
	if (lo == hi || !from_start) {
		put_value(s, k);
		sink_printf(s,
			    lo == hi  ? (outside ? " != %llu" : " = %llu")
			    : outside ? " < %llu"
				      : " >= %llu",
			    lo);
	}
	if (lo != hi && !from_start && !to_end)
		sink_puts(s, outside ? " or " : " and ");
	if (lo != hi && !to_end) {
		put_value(s, k);
		sink_printf(s, outside ? " > %llu" : " <= %llu", hi);
	}
	if (!outside && !from_start && !to_end && lo != hi)
		sink_putc(s, ')');
}

/* One of the ranges, or none of those in between if they are fewer. */
static void put_ranges(struct arena *a, struct sink *s, const struct match_test *t)
{
	struct match_set not = match_set_not(a, t->in, match_key_max(t->key));
	bool outside = not .n < t->in.n;
	struct match_set in = outside ? not : t->in;

	for (size_t i = 0; i < in.n; i++) {
		if (i)
			sink_puts(s, outside ? " and " : " or ");
		if (outside)
			sink_putc(s, '(');
		put_range(s, &t->key, in.at[i], outside);
		if (outside)
			sink_putc(s, ')');
	}
}

/* The words of a prefix of more than 32 bits. */
static bool put_words(struct sink *s, const struct match_key *k, const struct match_prefix *p)
{
	unsigned bits = k->size * BYTE;
	bool first = true;

	for (unsigned at = 0; at < k->size; at += LOAD_SIZE) {
		unsigned size = k->size - at < LOAD_SIZE ? k->size - at : LOAD_SIZE;
		unsigned below = bits - (at + size) * BYTE; /* bits behind this word */
		unsigned long long full = (1ULL << (size * BYTE)) - 1;
		unsigned long long value = (unsigned long long)(p->value >> below) & full, mask;

		if (p->free >= below + size * BYTE)
			break;
		mask = p->free > below ? full << (p->free - below) & full : full;
		sink_puts(s, first ? "" : " and ");
		put_bytes(s, k->header, k->offset + at, size);
		if (mask != full)
			sink_printf(s, " & 0x%llx", mask);
		sink_printf(s, " = 0x%llx", value & mask);
		first = false;
	}
	return !first;
}

static void put_prefixes(struct arena *a, struct sink *s, const struct match_test *t)
{
	struct match_prefixes p = match_set_prefixes(a, t->in);
	struct match_prefixes not =
	    match_set_prefixes(a, match_set_not(a, t->in, match_key_max(t->key)));
	bool outside = not .n < p.n;

	if (outside)
		p = not ;
	sink_puts(s, outside ? "not (" : "");
	for (size_t i = 0; i < p.n && s->size < MOST_TEXT; i++) {
		sink_puts(s, i ? " or (" : "(");
		put_words(s, &t->key, &p.at[i]);
		sink_putc(s, ')');
	}
	sink_puts(s, outside ? ")" : "");
}

static void put_test(struct arena *a, struct sink *s, const struct match_test *t)
{
	sink_putc(s, '(');
	if (t->key.size > LOAD_SIZE)
		put_prefixes(a, s, t);
	else
		put_ranges(a, s, t);
	sink_putc(s, ')');
}

/* Every frame has a type, so that this holds for all. */
static const char anything[] = "(ether[12:2] >= 0)";

static void put_region(struct arena *a, struct sink *s, const struct match_region *r)
{
	sink_putc(s, '(');
	for (size_t i = 0; i < r->n; i++) {
		sink_puts(s, i ? " and " : "");
		put_test(a, s, &r->at[i]);
	}
	if (!r->n)
		sink_puts(s, anything);
	sink_putc(s, ')');
}

const char *match_filter_text(struct arena *a, const struct match_regions *regions)
{
	struct sink s = { 0 };
	const char *text = NULL;

	for (size_t i = 0; i < regions->n && s.size < MOST_TEXT; i++) {
		sink_puts(&s, i ? " or " : "");
		put_region(a, &s, &regions->at[i]);
	}
	if (s.size < MOST_TEXT)
		text = arena_strdup(a, s.size ? s.data : "less 0");
	sink_free(&s);
	return text;
}
