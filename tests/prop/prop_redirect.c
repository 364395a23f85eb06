/* Rules of the redirector against the catches that they are made from: for all addresses and ports
 * of a small world a connection is taken if a catch takes it; rows of one set never overlap, which
 * nft would refuse. */
#include <config.h>

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/socks/prefix.h"
#include "runtime/socks/redirect.h"

enum { TRIALS = 200, MOST_CATCHES = 12, MOST_ROWS = 2000, HOSTS = 16, PORTS = 24, SETS = 16 };

struct row {
	struct prefix source, to;
	unsigned low, high, set;
};

static uint64_t state = 0x243f6a8885a308d3;

static unsigned pick(unsigned n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 33) % n;
}

/* Within 10.0.0.0/28 or 2001:db8::/124, or all of the family. */
static void random_prefix(bool v6, char out[48])
{
	unsigned bits = pick(6), host = pick(HOSTS);

	if (bits == 5)
		snprintf(out, 48, "%s", v6 ? "::/0" : "0.0.0.0/0");
	else if (v6)
		snprintf(out, 48, "2001:db8::%x/%u", host >> (4 - bits) << (4 - bits), 124 + bits);
	else
		snprintf(out, 48, "10.0.0.%u/%u", host >> (4 - bits) << (4 - bits), 28 + bits);
}

static struct wire_address host_of(bool v6, unsigned n)
{
	struct wire_address a = { .kind = v6 ? WIRE_IPV6 : WIRE_IPV4 };

	if (inet_pton(v6 ? AF_INET6 : AF_INET, v6 ? "2001:db8::" : "10.0.0.0", a.ip) != 1)
		abort();
	a.ip[v6 ? 15 : 3] = (uint8_t)n;
	return a;
}

/* The rows of the text: `\t\t\tSOURCE . PREFIX . LOW[-HIGH],` behind `set NAME {`. */
static size_t read_rows(char *text, bool v6, struct row *rows)
{
	char source[64], to[64], *rest = text, *line;
	unsigned level = 0;
	size_t n = 0;
	bool mine = false;

	while ((line = strtok_r(NULL, "\n", &rest))) {
		struct row *r = &rows[n];
		int found;

		if (sscanf(line, "\tset v%63[46]_%u", source, &level) == 2)
			mine = (source[0] == '6') == v6;
		found = sscanf(line, "\t\t\t%63[0-9a-f.:/] . %63[0-9a-f.:/] . %u-%u", source, to,
			       &r->low, &r->high);
		if (found < 3 || !mine)
			continue;
		if (found == 3)
			r->high = r->low;
		r->set = level;
		if (n == MOST_ROWS || !prefix_parse(source, &r->source) ||
		    !prefix_parse(to, &r->to))
			abort();
		n++;
	}
	return n;
}

static bool row_takes(const struct row *r, const struct wire_address *source,
		      const struct wire_address *to, unsigned port)
{
	return prefix_holds(&r->source, source) && prefix_holds(&r->to, to) && port >= r->low &&
	       port <= r->high;
}

static bool catch_takes(const struct redirect_catch *c, const struct wire_address *source,
			const struct wire_address *to, unsigned port)
{
	struct row r = { .low = c->low, .high = c->high };

	if (!prefix_parse(c->prefix, &r.to) || (c->source && !prefix_parse(c->source, &r.source)))
		abort();
	if (!c->source)
		r.source = (struct prefix){ .kind = r.to.kind };
	return row_takes(&r, source, to, port);
}

/* NULL: all is as it must be. */
static const char *compare(const struct redirect_rules *rules, const struct row *rows, size_t n,
			   bool v6, unsigned source, unsigned to, unsigned port)
{
	struct wire_address a = host_of(v6, source), b = host_of(v6, to);
	unsigned in_set[SETS] = { 0 }, taken = 0;
	bool expected = false;

	for (size_t i = 0; i < rules->n; i++)
		expected |= catch_takes(&rules->catches[i], &a, &b, port);
	for (size_t i = 0; i < n; i++) {
		if (!row_takes(&rows[i], &a, &b, port))
			continue;
		if (rows[i].set >= SETS || in_set[rows[i].set]++)
			return "rows of a set overlap";
		taken++;
	}
	return expected == (taken > 0) ? NULL : "the rows take something else";
}

static bool try_family(const struct redirect_rules *rules, const char *text, bool v6)
{
	static struct row rows[MOST_ROWS + 1];
	char *copy = strdup(text);
	size_t n = read_rows(copy, v6, rows);
	const char *wrong = NULL;

	for (unsigned s = 0; s < HOSTS && !wrong; s++)
		for (unsigned d = 0; d < HOSTS && !wrong; d++)
			for (unsigned p = 0; p < PORTS && !wrong; p++)
				wrong = compare(rules, rows, n, v6, s, d, p);
	free(copy);
	if (wrong)
		fprintf(stderr, "%s:\n%s", wrong, text);
	return !wrong;
}

static bool try_once(void)
{
	struct redirect_catch catches[MOST_CATCHES];
	char names[MOST_CATCHES][2][48];
	struct redirect_rules rules = { .table = "epic",
					.port = 1080,
					.local = true,
					.catches = catches,
					.n = pick(MOST_CATCHES + 1) };
	struct text text = { 0 };
	bool ok;

	for (size_t i = 0; i < rules.n; i++) {
		bool v6 = pick(2);
		unsigned low = pick(PORTS), high = low + pick(PORTS - low);

		random_prefix(v6, names[i][0]);
		random_prefix(v6, names[i][1]);
		catches[i] = (struct redirect_catch){ names[i][0], pick(4) ? names[i][1] : NULL,
						      (uint16_t)low, (uint16_t)high };
	}
	ok = redirect_rules_text(&rules, &text) && try_family(&rules, text.at, false) &&
	     try_family(&rules, text.at, true);
	text_free(&text);
	return ok;
}

int main(void)
{
	const char *scale = getenv("EPIC_TEST_SCALE");
	int divisor = scale && atoi(scale) > 0 ? atoi(scale) : 1, trials = TRIALS / divisor + 1;

	for (int i = 0; i < trials; i++)
		if (!try_once()) {
			fprintf(stderr, "trial %d\n", i);
			return 1;
		}
	printf("%d sets of rules\n", trials);
	return 0;
}
