/* Rules for nftables.
 *
 * A set has rows `source . destination . ports`; rows of one set must not overlap, while catches
 * may.  Prefixes are nested or apart, so sources are given levels: those of one level are apart,
 * and each level has a set of its own.  Within a source, what a wider destination catches already
 * is left out of the narrower ones. */
#include <config.h>

#include <arpa/inet.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/socks/prefix.h"
#include "runtime/socks/redirect.h"
#include "runtime/socks/redirect_rules.h"

enum { DEEPEST = 129 }; /* prefixes of IPv6 that hold each other */

struct row {
	struct prefix source, to;
	uint32_t low, high;
};

struct ranges {
	struct {
		uint32_t low, high;
	} * at;
	size_t n, room;
};

struct family {
	uint8_t kind;
	const char *name, *type, *address, *any;
	struct row *rows;
	size_t n;
	bool used[DEEPEST]; /* levels */
};

/* ---- ranges of ports: sorted, apart, not touching ---- */

/* For one more. */
static bool ranges_reserve(struct ranges *r)
{
	size_t room = r->room ? 2 * r->room : 8;
	void *at;

	if (r->n < r->room)
		return true;
	at = realloc(r->at, room * sizeof(*r->at));
	if (!at)
		return false;
	r->at = at;
	r->room = room;
	return true;
}

static bool ranges_put(struct ranges *r, uint32_t low, uint32_t high)
{
	if (!ranges_reserve(r))
		return false;
	r->at[r->n].low = low;
	r->at[r->n++].high = high;
	return true;
}

/* LOW to HIGH without what is in R, to OUT. */
static bool ranges_without(const struct ranges *r, uint32_t low, uint32_t high, struct ranges *out)
{
	for (size_t i = 0; i < r->n && low <= high; i++) {
		if (r->at[i].high < low || r->at[i].low > high)
			continue;
		if (r->at[i].low > low && !ranges_put(out, low, r->at[i].low - 1))
			return false;
		low = r->at[i].high + 1;
	}
	return low > high || ranges_put(out, low, high);
}

static bool ranges_add(struct ranges *r, uint32_t low, uint32_t high)
{
	size_t i = 0, end;

	while (i < r->n && r->at[i].high + 1 < low)
		i++;
	for (end = i; end < r->n && r->at[end].low <= high + 1; end++) {
		low = r->at[end].low < low ? r->at[end].low : low;
		high = r->at[end].high > high ? r->at[end].high : high;
	}
	if (end == i && !ranges_reserve(r))
		return false;
	memmove(&r->at[i + 1], &r->at[end], (r->n - end) * sizeof(*r->at));
	r->n -= end - i;
	r->n++;
	r->at[i].low = low;
	r->at[i].high = high;
	return true;
}

/* ---- rows ---- */

static int compare_prefixes(const struct prefix *a, const struct prefix *b)
{
	int c = memcmp(a->ip, b->ip, sizeof(a->ip));

	return c ? c : (int)a->bits - (int)b->bits;
}

/* A prefix comes behind those that hold it. */
static int compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int c = compare_prefixes(&x->source, &y->source);

	c = c ? c : compare_prefixes(&x->to, &y->to);
	c = c ? c : (x->low > y->low) - (x->low < y->low);
	return c ? c : (x->high > y->high) - (x->high < y->high);
}

static bool fail(struct text *t, const char *what, const char *name)
{
	text_free(t);
	text_printf(t, "%s: %s", name, what);
	return false;
}

static bool read_catch(const struct redirect_catch *c, struct row *row, struct text *t)
{
	if (!prefix_parse(c->prefix, &row->to))
		return fail(t, "is no prefix", c->prefix);
	row->source = (struct prefix){ .kind = row->to.kind };
	if (c->source && !prefix_parse(c->source, &row->source))
		return fail(t, "is no prefix", c->source);
	if (c->low > c->high)
		return fail(t, "its ports begin behind their end", c->prefix);
	row->low = c->low;
	row->high = c->high;
	return true;
}

/* Those of one family; a source of the other one never comes. */
static bool family_read(struct family *f, const struct redirect_rules *rules, struct text *t)
{
	f->rows = calloc(rules->n + 1, sizeof(*f->rows));
	if (!f->rows) {
		t->failed = true;
		return false;
	}
	for (size_t i = 0; i < rules->n; i++) {
		struct row *row = &f->rows[f->n];

		if (!read_catch(&rules->catches[i], row, t))
			return false;
		f->n += row->to.kind == f->kind && row->source.kind == f->kind;
	}
	qsort(f->rows, f->n, sizeof(*f->rows), compare_rows);
	return true;
}

/* ---- what is written of them ---- */

static void put_prefix(struct text *t, const struct prefix *p)
{
	char ip[INET6_ADDRSTRLEN];

	inet_ntop(p->kind == WIRE_IPV4 ? AF_INET : AF_INET6, p->ip, ip, sizeof(ip));
	text_printf(t, "%s/%u", ip, p->bits);
}

static void put_row(struct text *t, const struct row *row, uint32_t low, uint32_t high)
{
	text_puts(t, "\t\t\t");
	put_prefix(t, &row->source);
	text_puts(t, " . ");
	put_prefix(t, &row->to);
	if (low == high)
		text_printf(t, " . %u,\n", low);
	else
		text_printf(t, " . %u-%u,\n", low, high);
}

/* The destinations that hold the present one, with all ports that they catch together. */
struct nest {
	struct {
		struct prefix to;
		struct ranges caught;
	} at[DEEPEST];
	size_t n;
};

static void nest_pop(struct nest *nest)
{
	free(nest->at[--nest->n].caught.at);
}

static bool nest_push(struct nest *nest, const struct prefix *to)
{
	struct ranges *caught;

	while (nest->n && !prefix_covers(&nest->at[nest->n - 1].to, to))
		nest_pop(nest);
	if (nest->n && !compare_prefixes(&nest->at[nest->n - 1].to, to))
		return true;
	caught = &nest->at[nest->n].caught;
	*caught = (struct ranges){ 0 };
	nest->at[nest->n++].to = *to;
	for (size_t i = 0; nest->n > 1 && i < nest->at[nest->n - 2].caught.n; i++)
		if (!ranges_put(caught, nest->at[nest->n - 2].caught.at[i].low,
				nest->at[nest->n - 2].caught.at[i].high))
			return false;
	return true;
}

static bool put_apart(struct text *t, struct nest *nest, const struct row *row)
{
	struct ranges fresh = { 0 }, *caught;
	bool ok = nest_push(nest, &row->to);

	caught = &nest->at[nest->n - 1].caught;
	ok = ok && ranges_without(caught, row->low, row->high, &fresh) &&
	     ranges_add(caught, row->low, row->high);
	for (size_t i = 0; ok && i < fresh.n; i++)
		put_row(t, row, fresh.at[i].low, fresh.at[i].high);
	free(fresh.at);
	return ok;
}

/* All rows of one source, which are N. */
static bool put_source(struct text *t, const struct row *rows, size_t n)
{
	struct nest *nest = calloc(1, sizeof(*nest));
	bool ok = nest;

	for (size_t i = 0; ok && i < n; i++)
		ok = put_apart(t, nest, &rows[i]);
	while (nest && nest->n)
		nest_pop(nest);
	free(nest);
	return ok;
}

static bool put_levels(struct family *f, struct text levels[DEEPEST])
{
	const struct prefix *outer[DEEPEST];
	size_t depth = 0, n;

	for (size_t i = 0; i < f->n; i += n) {
		const struct prefix *source = &f->rows[i].source;

		for (n = 1; i + n < f->n; n++)
			if (compare_prefixes(&f->rows[i + n].source, source))
				break;
		while (depth && !prefix_covers(outer[depth - 1], source))
			depth--;
		f->used[depth] = true;
		if (!put_source(&levels[depth], &f->rows[i], n))
			return false;
		outer[depth++] = source;
	}
	return true;
}

static bool put_sets(struct family *f, struct text *t)
{
	struct text *levels = calloc(DEEPEST, sizeof(*levels));
	bool ok = levels && put_levels(f, levels);

	for (size_t i = 0; levels && i < DEEPEST; i++) {
		if (ok && f->used[i])
			text_printf(t,
				    "\tset %s_%zu {\n\t\ttype %s . %s . inet_service\n"
				    "\t\tflags interval\n\t\telements = {\n",
				    f->name, i, f->type, f->type);
		if (ok && f->used[i])
			text_add(t, levels[i].at, levels[i].n);
		if (ok && f->used[i])
			text_puts(t, "\t\t}\n\t}\n");
		t->failed |= levels[i].failed;
		text_free(&levels[i]);
	}
	free(levels);
	t->failed |= !ok;
	return ok;
}

static void put_matches(const struct family *f, struct text *t, const char *verdict)
{
	for (size_t i = 0; i < DEEPEST; i++)
		if (f->used[i])
			text_printf(t, "\t\t%s saddr . %s daddr . tcp dport @%s_%zu %s\n",
				    f->address, f->address, f->name, i, verdict);
}

/* ---- chains ---- */

static void put_chain(const char *name, const char *hook, const struct redirect_rules *rules,
		      const char *user, struct text *t)
{
	text_printf(t, "\tchain %s {\n\t\ttype %s; policy accept;\n", name, hook);
	text_printf(t, "\t\tmeta mark 0x%08x return\n", rules->mark);
	if (user)
		text_printf(t, "\t\tmeta skuid %s return\n", user);
}

static void put_redirect(const char *name, const char *hook, const struct redirect_rules *rules,
			 const char *user, const struct family *families, struct text *t)
{
	char verdict[40];

	put_chain(name, hook, rules, user, t);
	snprintf(verdict, sizeof(verdict), "redirect to :%u", rules->port);
	for (int i = 0; i < 2; i++)
		put_matches(&families[i], t, verdict);
	text_puts(t, "\t}\n");
}

static void put_tproxy(const struct redirect_rules *rules, const struct family *families,
		       struct text *t)
{
	char verdict[80];

	put_chain("routed", "filter hook prerouting priority -150", rules, NULL, t);
	for (int i = 0; i < 2; i++) {
		snprintf(verdict, sizeof(verdict), "tproxy %s to :%u meta mark set 0x%08x accept",
			 families[i].address, rules->port, rules->tproxy_mark);
		put_matches(&families[i], t, verdict);
	}
	text_puts(t, "\t}\n");
}

static void put_routes(const struct redirect_rules *rules, const struct family *families,
		       struct text *t)
{
	for (int i = 0; i < 2; i++) {
		if (!families[i].n)
			continue;
		text_printf(t, "# ip %s rule add fwmark 0x%08x lookup %d\n", i ? "-6" : "-4",
			    rules->tproxy_mark, REDIRECT_ROUTES);
		text_printf(t, "# ip %s route add local %s dev lo table %d\n", i ? "-6" : "-4",
			    families[i].any, REDIRECT_ROUTES);
	}
}

static void put_table(const struct redirect_rules *rules, const char *user, struct family *families,
		      struct text *t)
{
	if (rules->routed && rules->tproxy)
		put_routes(rules, families, t);
	text_printf(t, "table inet %s\ndelete table inet %s\ntable inet %s {\n", rules->table,
		    rules->table, rules->table);
	if (!put_sets(&families[0], t) || !put_sets(&families[1], t))
		return;
	if (rules->local)
		put_redirect("local", "nat hook output priority -100", rules, user, families, t);
	if (rules->routed && !rules->tproxy)
		put_redirect("routed", "nat hook prerouting priority -100", rules, NULL, families,
			     t);
	if (rules->routed && rules->tproxy)
		put_tproxy(rules, families, t);
	text_puts(t, "}\n");
}

/* ---- names: none may become rules of its own ---- */

bool redirect_table_valid(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	static const char all[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

	return *name && strchr(letters, *name) && !name[strspn(name, all)] && strlen(name) < 32;
}

/* A name or a number, to a number. */
static bool find_user(const char *name, char out[24], struct text *t)
{
	struct passwd room, *found = NULL;
	char texts[4096];

	if (*name && strlen(name) < 11 && !name[strspn(name, "0123456789")]) {
		snprintf(out, 24, "%s", name);
		return true;
	}
	if (getpwnam_r(name, &room, texts, sizeof(texts), &found) || !found)
		return fail(t, "is no user of this machine", name);
	snprintf(out, 24, "%lu", (unsigned long)found->pw_uid);
	return true;
}

bool redirect_rules_text(const struct redirect_rules *rules, struct text *t)
{
	struct family families[2] = {
		{ .kind = WIRE_IPV4,
		  .name = "v4",
		  .type = "ipv4_addr",
		  .address = "ip",
		  .any = "0.0.0.0/0" },
		{ .kind = WIRE_IPV6,
		  .name = "v6",
		  .type = "ipv6_addr",
		  .address = "ip6",
		  .any = "::/0" },
	};
	char user[24];
	bool ok;

	if (!redirect_table_valid(rules->table))
		return fail(t, "is no name of a table", rules->table);
	if (rules->user && !find_user(rules->user, user, t))
		return false;
	ok = family_read(&families[0], rules, t) && family_read(&families[1], rules, t);
	if (ok)
		put_table(rules, rules->user ? user : NULL, families, t);
	free(families[0].rows);
	free(families[1].rows);
	return ok && !t->failed;
}
