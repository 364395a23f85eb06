/* Random messages of SOCKS5, SOCKS6 and the dialect `epi`: what is written is read as it was
 * meant, beginnings are only beginnings, any cut of a stream gives the same messages, and changed
 * bytes never give a message that could not be written. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/prop/socks_messages.h"

enum { N_ROUNDS = 20000, N_STREAMS = 4000, N_MUTATIONS = 12, STREAM = 8 };

struct world {
	uint64_t state;
	size_t n_checks, n_failures, n_read; /* n_read: changed bytes that still were a message */
	enum message_kind kind;
	uint8_t memory[16384]; /* of what a message points to */
	size_t n_memory;
};

static size_t draw(struct world *w, size_t n)
{
	w->state ^= w->state << 13;
	w->state ^= w->state >> 7;
	w->state ^= w->state << 17;
	return (size_t)((w->state >> 11) % n);
}

static uint32_t draw_u32(struct world *w)
{
	return (uint32_t)draw(w, UINT64_C(1) << 32);
}

static void check(struct world *w, const char *wrong)
{
	w->n_checks++;
	if (!wrong)
		return;
	if (w->n_failures++ < 20)
		printf("%s: does not hold: %s\n", message_name(w->kind), wrong);
}

/* ---- random parts ---- */

static uint8_t *take(struct world *w, size_t n)
{
	uint8_t *at = w->memory + w->n_memory;

	if (n > sizeof(w->memory) - w->n_memory)
		abort();
	w->n_memory += n;
	return at;
}

/* No byte is 0, so that padding shows. */
static struct wire_span some_bytes(struct world *w, size_t n)
{
	uint8_t *at = take(w, n);

	for (size_t i = 0; i < n; i++)
		at[i] = (uint8_t)(1 + draw(w, 255));
	return (struct wire_span){ at, n };
}

static struct wire_span some_text(struct world *w, size_t n)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-_.";
	uint8_t *at = take(w, n);

	for (size_t i = 0; i < n; i++)
		at[i] = (uint8_t)letters[draw(w, sizeof(letters) - 1)];
	return (struct wire_span){ at, n };
}

static size_t some_length(struct world *w, size_t most)
{
	return draw(w, 8) ? draw(w, most < 24 ? most : 24) : most - draw(w, most < 4 ? most : 4);
}

static uint16_t some_port(struct world *w)
{
	return draw(w, 4) ? (uint16_t)draw(w, 65536) : (uint16_t)draw(w, 8);
}

static struct wire_address some_ip(struct world *w)
{
	struct wire_address a = { .kind = draw(w, 2) ? WIRE_IPV4 : WIRE_IPV6,
				  .port = some_port(w) };

	for (int i = 0; i < (a.kind == WIRE_IPV4 ? 4 : 16); i++)
		a.ip[i] = draw(w, 4) ? (uint8_t)draw(w, 256) : 0;
	return a;
}

static struct wire_address some_address(struct world *w)
{
	struct wire_address a = some_ip(w);

	if (draw(w, 2))
		return a;
	return (struct wire_address){ .kind = WIRE_NAME,
				      .port = a.port,
				      .name = some_text(w, 1 + some_length(w, 254)) };
}

/* ---- random options ---- */

static bool maybe(struct world *w, struct socks6_options *o, int kind)
{
	if (draw(w, 3))
		return false;
	o->has |= UINT32_C(1) << kind;
	return true;
}

static void some_stack(struct world *w, struct socks6_options *o)
{
	for (int k = 0; k < SOCKS6_N_STACK; k++)
		for (uint8_t leg = 1; leg <= 2; leg++)
			if (!draw(w, 4))
				(void)socks6_options_stack(
				    o, (enum socks6_stack_kind)k, leg,
				    (uint16_t)draw(w, draw(w, 2) ? 4 : 65536));
}

static void some_auth(struct world *w, struct socks6_options *o)
{
	o->n_auth = draw(w, 3);
	for (size_t i = 0; i < o->n_auth; i++)
		o->auth[i] = (struct socks6_auth_data){ (uint8_t)(2 + i),
							some_bytes(w, some_length(w, 600)) };
}

static void some_tokens(struct world *w, struct socks6_options *o)
{
	if (maybe(w, o, SOCKS6_TOKEN_REQUEST))
		o->tokens_wanted = 1 + draw_u32(w) / 2;
	if (maybe(w, o, SOCKS6_TOKEN_SPEND))
		o->token = draw_u32(w);
}

static struct socks6_options some_request_options(struct world *w)
{
	struct socks6_options o = { 0 };

	some_stack(w, &o);
	some_auth(w, &o);
	if (maybe(w, &o, SOCKS6_METHODS)) {
		o.initial_data = (uint16_t)draw(w, SOCKS6_MOST_INITIAL_DATA + 1);
		o.methods = some_bytes(w, draw(w, 9));
	}
	if (maybe(w, &o, SOCKS6_SESSION_REQUEST)) {
		some_tokens(w, &o);
	} else if (maybe(w, &o, SOCKS6_SESSION_ID)) {
		o.session_id = some_bytes(w, 4 + 4 * draw(w, 5));
		if (!maybe(w, &o, SOCKS6_SESSION_TEARDOWN))
			some_tokens(w, &o);
	}
	return o;
}

static struct socks6_options some_auth_options(struct world *w, bool failure)
{
	struct socks6_options o = { 0 };

	some_auth(w, &o);
	if (maybe(w, &o, SOCKS6_METHOD))
		o.method = (uint8_t)draw(w, 256);
	if (maybe(w, &o, SOCKS6_SESSION_ID))
		o.session_id = some_bytes(w, 4 + 4 * draw(w, 5));
	(void)(maybe(w, &o, SOCKS6_SESSION_OK) ||
	       (failure && maybe(w, &o, SOCKS6_SESSION_INVALID)));
	(void)(maybe(w, &o, SOCKS6_TOKEN_ACCEPTED) ||
	       (failure && maybe(w, &o, SOCKS6_TOKEN_REJECTED)));
	if (maybe(w, &o, SOCKS6_TOKEN_WINDOW)) {
		o.window_base = draw_u32(w);
		o.window_size = 1 + (uint32_t)draw(w, INT32_MAX);
	}
	return o;
}

static void add_metadata(struct world *w, struct wire_span *options, struct epi_metadata m)
{
	uint8_t *at = take(w, m.value.n + 12);
	size_t n = epi_metadata_write(at, m.value.n + 12, &m);

	if (!n)
		check(w, "metadata can be written");
	w->n_memory -= m.value.n + 12 - n;
	if (!options->n)
		options->at = at;
	options->n += n;
}

/* All values are made first, so that the options lie behind each other. */
static struct wire_span some_metadata(struct world *w)
{
	struct epi_metadata m[4];
	struct wire_span options = { NULL, 0 };
	size_t n = draw(w, 5);

	for (size_t i = 0; i < n; i++)
		m[i] = (struct epi_metadata){ (uint16_t)draw(w, 65536),
					      some_text(w, some_length(w, 80)) };
	for (size_t i = 0; i < n; i++)
		add_metadata(w, &options, m[i]);
	return options;
}

/* ---- random messages ---- */

static void some_socks5(struct world *w, enum message_kind k, union message *m)
{
	static const uint8_t commands[] = { 1, 2, 3, 0xf0, 0xf1 };

	if (k == MESSAGE_GREETING)
		m->greeting.methods = some_bytes(w, 1 + some_length(w, 254));
	else if (k == MESSAGE_METHOD)
		m->method.method = (uint8_t)draw(w, 256);
	else if (k == MESSAGE_PASSWORD)
		m->password =
		    (struct socks5_password){ .user = some_bytes(w, 1 + some_length(w, 254)),
					      .password = some_bytes(w, some_length(w, 255)) };
	else if (k == MESSAGE_STATUS)
		m->status.status = (uint8_t)draw(w, 256);
	else if (k == MESSAGE_REQUEST5)
		m->request5 = (struct socks5_request){ .command = commands[draw(w, 5)],
						       .to = some_address(w) };
	else if (k == MESSAGE_REPLY5)
		m->reply5 = (struct socks5_reply){ .code = (uint8_t)draw(w, 256),
						   .bound = some_address(w) };
	else
		m->udp5 =
		    (struct socks5_udp){ .fragment = (uint8_t)draw(w, 256), .at = some_address(w) };
}

static void some_request6(struct world *w, struct socks6_request *m)
{
	m->command = (uint8_t)draw(w, 4);
	m->to = m->command == SOCKS6_NOOP ? some_ip(w) : some_address(w);
	if (m->command == SOCKS6_NOOP)
		m->to = (struct wire_address){ .kind = m->to.kind };
	m->options = some_request_options(w);
	m->extra = some_metadata(w);
}

static void some_udp6(struct world *w, struct socks6_udp *m)
{
	m->type = (uint8_t)(1 + draw(w, 4));
	m->association = (uint64_t)draw_u32(w) << 32 | draw_u32(w);
	if (m->type == SOCKS6_UDP_DATAGRAM) {
		m->at = some_address(w);
		m->data = some_bytes(w, some_length(w, 1400));
	} else if (m->type == SOCKS6_UDP_ERROR_REPORT) {
		m->at = some_ip(w);
		m->reporter = some_ip(w);
		m->reporter.port = 0;
		m->code = (uint8_t)(1 + draw(w, 4));
	}
}

/* A port of 0.1.0's below 8 could look like 2.0.0; the reader's comment says why that is no loss.
 */
static void some_epi_reply(struct world *w, struct epi_reply *m)
{
	m->version = (enum epi_version)draw(w, 3);
	m->code = (uint8_t)draw(w, 10);
	m->bound = some_address(w);
	if (m->version == EPI_0_1)
		m->bound.port |= 8;
}

static void some_message(struct world *w, enum message_kind k, union message *m)
{
	w->kind = k;
	memset(m, 0, sizeof(*m));
	if (k <= MESSAGE_UDP5) {
		some_socks5(w, k, m);
	} else if (k == MESSAGE_REQUEST6) {
		some_request6(w, &m->request6);
	} else if (k == MESSAGE_AUTH6) {
		m->auth6.type = (uint8_t)draw(w, 2);
		m->auth6.options = some_auth_options(w, m->auth6.type);
	} else if (k == MESSAGE_OPERATION6) {
		m->operation6.code = (uint8_t)draw(w, 256);
		m->operation6.bound = some_address(w);
		some_stack(w, &m->operation6.options);
	} else if (k == MESSAGE_UDP6) {
		some_udp6(w, &m->udp6);
	} else if (k == MESSAGE_EPI_REQUEST) {
		m->epi_request = (struct epi_request){ .to = some_address(w),
						       .initial_data = (uint16_t)draw(w, 16385),
						       .options = some_metadata(w) };
	} else {
		some_epi_reply(w, &m->epi_reply);
	}
}

/* ---- one message ---- */

static void check_fits(struct world *w, const union message *m, uint8_t *bytes, size_t n)
{
	uint8_t *exact = malloc(n);
	size_t short_of = draw(w, n);

	check(w, message_write(w->kind, exact, n, m) == n && !memcmp(exact, bytes, n)
		     ? NULL
		     : "a message is written into just its room");
	free(exact);
	exact = malloc(short_of + 1);
	check(w, message_write(w->kind, exact, short_of, m) ? "what does not fit is not written"
							    : NULL);
	free(exact);
}

static void check_changed(struct world *w, const uint8_t *bytes, size_t n)
{
	uint8_t *changed = malloc(n);
	union message m;
	size_t used;

	for (int i = 0; i < N_MUTATIONS; i++) {
		memcpy(changed, bytes, n);
		for (size_t k = 1 + draw(w, 3); k; k--)
			changed[draw(w, draw(w, 2) || n < 24 ? n : 24)] =
			    (uint8_t)draw(w, draw(w, 2) ? 8 : 256);
		w->n_read += message_read(w->kind, changed, n, &m, &used) == WIRE_DONE;
		check(w, message_rewrites(w->kind, changed, n));
	}
	check(w, message_prefixes(w->kind, changed, n));
	free(changed);
}

static void round_of(struct world *w, enum message_kind k)
{
	static uint8_t bytes[MOST_MESSAGE];
	union message m, back;
	size_t n, used = 0;

	w->n_memory = 0;
	some_message(w, k, &m);
	n = message_write(k, bytes, sizeof(bytes) - 8, &m);
	check(w, n ? NULL : "a valid message can be written");
	if (!n)
		return;
	memset(bytes + n, 0xee, 8);
	check(w, message_read(k, bytes, n + draw(w, 9), &back, &used) == WIRE_DONE && used == n
		     ? NULL
		     : "it is read whole, and nothing behind it");
	check(w, message_same(k, &m, &back) ? NULL : "it is read as it was meant");
	check(w, message_prefixes(k, bytes, n));
	check_fits(w, &m, bytes, n);
	check_changed(w, bytes, n);
}

/* ---- streams ---- */

struct stream {
	uint8_t bytes[STREAM * 8192];
	size_t n, n_messages, ends[STREAM];
	enum message_kind kinds[STREAM];
	union message asked[STREAM];
};

static void make_stream(struct world *w, struct stream *s)
{
	s->n = s->n_messages = 0;
	w->n_memory = 0;
	while (s->n_messages < STREAM) {
		size_t i = s->n_messages, n;

		s->kinds[i] = (enum message_kind)draw(w, N_MESSAGE_KINDS);
		if (w->n_memory > sizeof(w->memory) / 2)
			break;
		some_message(w, s->kinds[i], &s->asked[i]);
		n = message_write(s->kinds[i], s->bytes + s->n, sizeof(s->bytes) - s->n,
				  &s->asked[i]);
		s->ends[i] = s->n += n;
		s->n_messages++;
	}
}

/* As a connection does it: more bytes arrive, and all that is whole is taken. */
static void read_cut(struct world *w, const struct stream *s)
{
	size_t arrived = 0, taken = 0, next = 0, used;

	while (next < s->n_messages) {
		size_t more = draw(w, 3) ? 1 + draw(w, 40) : 1 + draw(w, 2000);
		enum wire_state state = WIRE_DONE;

		arrived = more < s->n - arrived ? arrived + more : s->n;
		while (next < s->n_messages && state == WIRE_DONE) {
			size_t n = arrived - taken;
			uint8_t *exact = malloc(n ? n : 1);
			union message m;

			memcpy(exact, s->bytes + taken, n);
			w->kind = s->kinds[next];
			state = message_read(w->kind, exact, n, &m, &used);
			check(w, state == WIRE_BAD ? "no cut makes a message bad" : NULL);
			if (state == WIRE_DONE) {
				check(w, message_same(w->kind, &s->asked[next], &m)
					     ? NULL
					     : "a cut does not change a message");
				taken += used;
				check(w, taken == s->ends[next++] ? NULL : "nor its end");
			}
			free(exact);
		}
		if (state == WIRE_BAD || (state == WIRE_MORE && arrived == s->n)) {
			check(w, "all messages come out");
			return;
		}
	}
}

/* ---- chains ---- */

static void some_link(struct world *w, struct epi_link *l)
{
	char text[WIRE_TEXT_ROOM];

	memset(l, 0, sizeof(*l));
	l->version = draw(w, 2) ? 5 : 6;
	do
		l->at = some_address(w);
	while (l->at.kind == WIRE_NAME &&
	       (!wire_address_text(&l->at, text, sizeof(text)) ||
		!wire_address_parse(text, strlen(text), &(struct wire_address){ 0 })));
	if (!draw(w, 3)) {
		l->user = some_text(w, 1 + draw(w, 8));
		l->password = some_text(w, draw(w, 8));
	}
}

static void check_chain(struct world *w)
{
	static uint8_t bytes[32768];
	struct epi_chain chain = { .n = 1 + draw(w, 12) }, back;
	struct wire_span written = { bytes, 0 };

	w->n_memory = 0;
	w->kind = MESSAGE_EPI_REQUEST;
	chain.index = draw(w, chain.n);
	for (size_t i = 0; i < chain.n; i++)
		some_link(w, &chain.links[i]);
	written.n = epi_chain_write(bytes, sizeof(bytes), &chain);
	check(w, written.n ? NULL : "a chain can be written");
	check(w, epi_chain_read(written, &back) ? "a chain can be read" : NULL);
	check(w, chain_same(&chain, &back) ? NULL : "a chain is read as it was meant");
}

int main(void)
{
	const char *scale = getenv("EPIC_TEST_SCALE");
	long divisor = scale ? strtol(scale, NULL, 10) : 1;
	static struct world w = { .state = 20261121 };
	static struct stream s;

	divisor = divisor > 0 ? divisor : 1;
	for (long i = 0; i < N_ROUNDS / divisor; i++)
		round_of(&w, (enum message_kind)(i % N_MESSAGE_KINDS));
	for (long i = 0; i < N_STREAMS / divisor; i++) {
		make_stream(&w, &s);
		read_cut(&w, &s);
		check_chain(&w);
	}
	printf("%zu checks, %zu failed; %zu changed messages were messages\n", w.n_checks,
	       w.n_failures, w.n_read);
	return w.n_failures || !w.n_read ? 1 : 0;
}
