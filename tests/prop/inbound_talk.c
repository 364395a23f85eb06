#include <config.h>

#include "tests/prop/inbound_talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what a request says, as text: all that it points to is read ---- */

struct description {
	char *at;
	size_t n, room;
};

static void put(struct description *d, const char *text, size_t n)
{
	n = n < d->room - d->n - 1 ? n : d->room - d->n - 1;
	memcpy(d->at + d->n, text, n);
	d->n += n;
	d->at[d->n] = '\0';
}

static void put_number(struct description *d, const char *key, uint64_t number)
{
	char text[64];
	int n = snprintf(text, sizeof(text), " %s=%llu", key, (unsigned long long)number);

	put(d, text, (size_t)n);
}

static void put_address(struct description *d, const char *key, const struct wire_address *a)
{
	char text[WIRE_TEXT_ROOM];

	put_number(d, key, a->kind);
	put(d, " ", 1);
	put(d, text, wire_address_text(a, text, sizeof(text)));
}

static void put_span(struct description *d, const char *key, struct wire_span s)
{
	uint64_t hash = s.n;

	for (size_t i = 0; i < s.n; i++)
		hash = hash * 31 + s.at[i];
	put_number(d, key, hash);
}

static void put_chain(struct description *d, const struct epi_chain *c)
{
	put_number(d, "index", c->index);
	for (size_t i = 0; i < c->n; i++) {
		put_number(d, "version", c->links[i].version);
		put_address(d, "link", &c->links[i].at);
		put_span(d, "user", c->links[i].user);
		put_span(d, "password", c->links[i].password);
	}
}

static void put_options(struct description *d, const struct socks6_options *o)
{
	put_number(d, "has", o->has);
	put_number(d, "auth", o->n_auth + o->methods.n + o->session_id.n);
	for (int i = 0; i < SOCKS6_N_STACK; i++)
		if (o->stack[i].legs)
			put_number(d, socks6_stack_name((enum socks6_stack_kind)i),
				   (uint64_t)o->stack[i].value[0] << 16 | o->stack[i].value[1]);
}

static void describe(const struct inbound_request *r, struct description *d)
{
	put_number(d, "kind", r->kind);
	put_number(d, "command", r->command);
	put_address(d, "to", &r->to);
	put_number(d, "told", r->told);
	put_address(d, "source", &r->source);
	put_number(d, "initial", r->initial_data);
	put_span(d, "held", r->held);
	put_span(d, "header", r->header);
	put(d, r->user, strlen(r->user));
	if (r->options)
		put_options(d, r->options);
	if (r->chain)
		put_chain(d, r->chain);
}

/* ---- a conversation ---- */

static size_t draw(uint64_t *state, size_t n)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (size_t)((*state >> 11) % n);
}

static const char *check_request(const struct inbound_settings *s, const struct inbound_request *r)
{
	struct wire_address settled = r->to;

	wire_address_settle(&settled);
	if (!wire_address_same(&settled, &r->to))
		return "the destination is settled";
	if (!s->trusted && r->kind != INBOUND_PROXY && (r->told || r->chain))
		return "strangers tell nothing";
	if (s->users && r->kind != INBOUND_PROXY && !r->user[0])
		return "nobody is let in without a user";
	if (r->chain && r->chain->index >= r->chain->n)
		return "a chain's index is in it";
	return r->command <= SOCKS6_UDP_ASSOCIATE ? NULL : "commands are known";
}

static const char *feed_all(struct inbound *in, const uint8_t *bytes, size_t n, uint64_t seed,
			    size_t largest, struct talk *t, struct bytes *reply)
{
	size_t arrived = 0, used;

	seed |= 1;
	do {
		size_t more = largest ? 1 + draw(&seed, largest) : n;
		uint8_t *exact;

		arrived = more < n - arrived ? arrived + more : n;
		exact = malloc(arrived - t->used + 1);
		if (!exact)
			return "there is memory";
		if (arrived - t->used)
			memcpy(exact, bytes + t->used, arrived - t->used);
		t->step = inbound_feed(in, exact, arrived - t->used, &used, reply);
		free(exact);
		if (used > arrived - t->used)
			return "no more is taken than there is";
		t->used += used;
	} while (t->step == INBOUND_MORE && arrived < n);
	return NULL;
}

static const char *finish(const struct inbound_settings *s, struct inbound *in, struct talk *t,
			  struct bytes *reply)
{
	struct description d = { t->text, 0, sizeof(t->text) };
	const char *wrong = NULL;

	if (t->step == INBOUND_REQUEST) {
		describe(inbound_request(in), &d);
		wrong = check_request(s, inbound_request(in));
		inbound_reply(in, OUTCOME_OK, &wire_any, ~0u, reply);
	} else {
		if (t->step == INBOUND_END && !inbound_why(in)[0])
			wrong = "an end has a reason";
		put(&d, inbound_why(in), strlen(inbound_why(in)));
		t->used = 0;
	}
	if (reply->n > sizeof(t->reply))
		return "replies are short";
	t->n_reply = reply->n;
	if (reply->n)
		memcpy(t->reply, reply->at, reply->n);
	return wrong;
}

const char *talk_run(const struct inbound_settings *s, const uint8_t *bytes, size_t n,
		     uint64_t seed, size_t largest, struct talk *t)
{
	struct inbound *in = inbound_open(s);
	struct bytes reply = { .n = 0 };
	const char *wrong;

	memset(t, 0, sizeof(*t));
	if (!in)
		return "there is memory";
	wrong = feed_all(in, bytes, n, seed, largest, t, &reply);
	if (!wrong)
		wrong = finish(s, in, t, &reply);
	bytes_free(&reply);
	inbound_close(in);
	return wrong;
}

const char *talk_differs(const struct inbound_settings *s, const struct talk *a,
			 const struct talk *b)
{
	if (a->step != b->step)
		return "any split gives the same events";
	if (a->used != b->used)
		return "any split leaves the same bytes";
	if (strcmp(a->text, b->text))
		return "any split gives the same request, or reason";
	if (a->n_reply != b->n_reply || (!s->sessions && memcmp(a->reply, b->reply, a->n_reply)))
		return "any split gives the same replies";
	return NULL;
}

/* ---- PROXY ---- */

static const char *rewrite(const struct proxy_header *h)
{
	struct proxy_header again;
	uint8_t out[PROXY_MOST];
	size_t n, used;

	for (int version = 1; version <= 2; version++) {
		n = proxy_header_write(out, sizeof(out), version, h);
		if (!n || proxy_header_read(out, n, &again, &used) != WIRE_DONE || used != n)
			return "a header can be written and read again";
		if (again.local != h->local || !wire_address_same(&again.source, &h->source) ||
		    !wire_address_same(&again.listener, &h->listener))
			return "a header is the same again";
	}
	return NULL;
}

const char *proxy_header_wrong(const uint8_t *bytes, size_t n)
{
	enum wire_state state = WIRE_MORE;
	struct proxy_header h;
	size_t used = 0, least = 0;

	for (size_t i = 0; i <= n && state == WIRE_MORE; i++) {
		uint8_t *exact = malloc(i + 1);

		if (!exact)
			return "there is memory";
		if (i)
			memcpy(exact, bytes, i);
		state = proxy_header_read(exact, i, &h, &used);
		free(exact);
		if (state == WIRE_DONE && (i < least || used != i))
			return "a header ends where it was said to";
		if (state == WIRE_MORE && (used <= i || i >= PROXY_MOST))
			return "more is more than there is, and not too much";
		least = state == WIRE_MORE ? used : least;
	}
	return state == WIRE_DONE ? rewrite(&h) : NULL;
}
