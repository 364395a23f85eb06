#include <config.h>

#include "tests/prop/socks_messages.h"

#include <stdlib.h>
#include <string.h>

/* ---- one type for all readers and writers ---- */

#define MESSAGE(prefix, member)                                                                  \
	static enum wire_state read_##member(const uint8_t *bytes, size_t n, union message *out, \
					     size_t *used)                                       \
	{                                                                                        \
		return prefix##_read(bytes, n, &out->member, used);                              \
	}                                                                                        \
	static size_t write_##member(uint8_t *out, size_t room, const union message *m)          \
	{                                                                                        \
		return prefix##_write(out, room, &m->member);                                    \
	}

MESSAGE(socks5_greeting, greeting)
MESSAGE(socks5_method, method)
MESSAGE(socks5_password, password)
MESSAGE(socks5_status, status)
MESSAGE(socks5_request, request5)
MESSAGE(socks5_reply, reply5)
MESSAGE(socks5_udp, udp5)
MESSAGE(socks6_request, request6)
MESSAGE(socks6_auth, auth6)
MESSAGE(socks6_operation, operation6)
MESSAGE(socks6_udp, udp6)
MESSAGE(epi_request, epi_request)
MESSAGE(epi_reply, epi_reply)

/* ---- the same ---- */

static bool same_span(struct wire_span a, struct wire_span b)
{
	return a.n == b.n && (!a.n || !memcmp(a.at, b.at, a.n));
}

/* B may have padding. */
static bool same_padded(struct wire_span a, struct wire_span b)
{
	struct wire_span head = { b.at, a.n };

	if (b.n < a.n || b.n > a.n + 3 || !same_span(a, head))
		return false;
	for (size_t i = a.n; i < b.n; i++)
		if (b.at[i])
			return false;
	return true;
}

static bool same_auth(const struct socks6_options *a, const struct socks6_options *b)
{
	for (size_t i = 0; i < a->n_auth; i++)
		if (a->auth[i].method != b->auth[i].method ||
		    !same_padded(a->auth[i].bytes, b->auth[i].bytes))
			return false;
	return a->n_auth == b->n_auth;
}

static bool same_stack(const struct socks6_options *a, const struct socks6_options *b)
{
	for (int k = 0; k < SOCKS6_N_STACK; k++)
		if (a->stack[k].legs != b->stack[k].legs ||
		    a->stack[k].value[0] != b->stack[k].value[0] ||
		    a->stack[k].value[1] != b->stack[k].value[1])
			return false;
	return true;
}

static bool same_options(const struct socks6_options *a, const struct socks6_options *b)
{
	return a->has == b->has && a->initial_data == b->initial_data &&
	       same_span(a->methods, b->methods) && a->method == b->method &&
	       same_span(a->session_id, b->session_id) && a->tokens_wanted == b->tokens_wanted &&
	       a->window_base == b->window_base && a->window_size == b->window_size &&
	       a->token == b->token && same_auth(a, b) && same_stack(a, b);
}

static bool same_greeting(const union message *a, const union message *b)
{
	return same_span(a->greeting.methods, b->greeting.methods);
}

static bool same_method(const union message *a, const union message *b)
{
	return a->method.method == b->method.method;
}

static bool same_password(const union message *a, const union message *b)
{
	return same_span(a->password.user, b->password.user) &&
	       same_span(a->password.password, b->password.password);
}

static bool same_status(const union message *a, const union message *b)
{
	return a->status.status == b->status.status;
}

static bool same_request5(const union message *a, const union message *b)
{
	return a->request5.command == b->request5.command &&
	       wire_address_same(&a->request5.to, &b->request5.to);
}

static bool same_reply5(const union message *a, const union message *b)
{
	return a->reply5.code == b->reply5.code &&
	       wire_address_same(&a->reply5.bound, &b->reply5.bound);
}

static bool same_udp5(const union message *a, const union message *b)
{
	return a->udp5.fragment == b->udp5.fragment && wire_address_same(&a->udp5.at, &b->udp5.at);
}

/* Experimental options are behind all others. */
static bool same_extra(struct wire_span extra, struct wire_span raw)
{
	return extra.n <= raw.n &&
	       (!extra.n || !memcmp(raw.at + raw.n - extra.n, extra.at, extra.n));
}

static bool same_request6(const union message *a, const union message *b)
{
	return a->request6.command == b->request6.command &&
	       wire_address_same(&a->request6.to, &b->request6.to) &&
	       same_options(&a->request6.options, &b->request6.options) &&
	       same_extra(a->request6.extra, b->request6.raw);
}

static bool same_auth6(const union message *a, const union message *b)
{
	return a->auth6.type == b->auth6.type && same_options(&a->auth6.options, &b->auth6.options);
}

static bool same_operation6(const union message *a, const union message *b)
{
	return a->operation6.code == b->operation6.code &&
	       wire_address_same(&a->operation6.bound, &b->operation6.bound) &&
	       same_options(&a->operation6.options, &b->operation6.options);
}

static bool same_udp6(const union message *a, const union message *b)
{
	return a->udp6.type == b->udp6.type && a->udp6.association == b->udp6.association &&
	       a->udp6.code == b->udp6.code && wire_address_same(&a->udp6.at, &b->udp6.at) &&
	       same_span(a->udp6.data, b->udp6.data) &&
	       wire_address_same(&a->udp6.reporter, &b->udp6.reporter);
}

static bool same_metadata(struct wire_span a, struct wire_span b)
{
	struct epi_metadata x, y;
	enum wire_fault fault;

	while (epi_metadata_next(&a, &x, &fault))
		if (!epi_metadata_next(&b, &y, &fault) || x.key != y.key ||
		    !same_span(x.value, y.value))
			return false;
	return !fault && !epi_metadata_next(&b, &y, &fault) && !fault;
}

static bool same_epi_request(const union message *a, const union message *b)
{
	return a->epi_request.initial_data == b->epi_request.initial_data &&
	       wire_address_same(&a->epi_request.to, &b->epi_request.to) &&
	       same_metadata(a->epi_request.options, b->epi_request.options);
}

static bool same_epi_reply(const union message *a, const union message *b)
{
	if (a->epi_reply.code != b->epi_reply.code)
		return false;
	return a->epi_reply.version == EPI_EITHER ||
	       (a->epi_reply.version == b->epi_reply.version &&
		wire_address_same(&a->epi_reply.bound, &b->epi_reply.bound));
}

static bool same_link(const struct epi_link *a, const struct epi_link *b)
{
	return a->version == b->version && same_span(a->user, b->user) &&
	       same_span(a->password, b->password) && wire_address_same(&a->at, &b->at);
}

bool chain_same(const struct epi_chain *a, const struct epi_chain *b)
{
	for (size_t i = 0; i < a->n; i++)
		if (!same_link(&a->links[i], &b->links[i]))
			return false;
	return a->n == b->n && a->index == b->index;
}

/* ---- the table ---- */

static const struct {
	const char *name;
	enum wire_state (*read)(const uint8_t *, size_t, union message *, size_t *);
	size_t (*write)(uint8_t *, size_t, const union message *);
	bool (*same)(const union message *, const union message *);
} kinds[N_MESSAGE_KINDS] = {
#define ROW(member)                                                   \
	{                                                             \
#member, read_##member, write_##member, same_##member \
	}
	[MESSAGE_GREETING] = ROW(greeting),   [MESSAGE_METHOD] = ROW(method),
	[MESSAGE_PASSWORD] = ROW(password),   [MESSAGE_STATUS] = ROW(status),
	[MESSAGE_REQUEST5] = ROW(request5),   [MESSAGE_REPLY5] = ROW(reply5),
	[MESSAGE_UDP5] = ROW(udp5),           [MESSAGE_REQUEST6] = ROW(request6),
	[MESSAGE_AUTH6] = ROW(auth6),         [MESSAGE_OPERATION6] = ROW(operation6),
	[MESSAGE_UDP6] = ROW(udp6),           [MESSAGE_EPI_REQUEST] = ROW(epi_request),
	[MESSAGE_EPI_REPLY] = ROW(epi_reply),
};

const char *message_name(enum message_kind k)
{
	return kinds[k].name;
}

enum wire_state message_read(enum message_kind k, const uint8_t *bytes, size_t n,
			     union message *out, size_t *used)
{
	return kinds[k].read(bytes, n, out, used);
}

size_t message_write(enum message_kind k, uint8_t *out, size_t room, const union message *m)
{
	return kinds[k].write(out, room, m);
}

bool message_same(enum message_kind k, const union message *asked, const union message *read)
{
	return kinds[k].same(asked, read);
}

/* ---- what must hold ---- */

struct seen {
	enum wire_state state;
	size_t used;
	enum wire_fault fault;
};

static struct seen read_copy(enum message_kind k, const uint8_t *bytes, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1), *exact = n ? copy : copy + 1;
	struct seen seen = { WIRE_BAD, 0, WIRE_FAULT_NONE };
	union message m;

	if (!copy)
		abort();
	if (n)
		memcpy(exact, bytes, n);
	seen.state = message_read(k, exact, n, &m, &seen.used);
	seen.fault = m.fault;
	free(copy);
	return seen;
}

static const char *check_alone(struct seen s, size_t n)
{
	if (s.state == WIRE_BAD && (!s.fault || s.used))
		return "a bad message has a reason and no length";
	if (s.state != WIRE_BAD && s.fault)
		return "only bad messages have a fault";
	if (s.state == WIRE_MORE && s.used <= n)
		return "more is more than there is";
	if (s.state == WIRE_DONE && (!s.used || s.used > n))
		return "a message is within its bytes";
	return NULL;
}

/* LATER saw more bytes than EARLIER, which were N. */
static const char *check_pair(struct seen earlier, size_t n, struct seen later)
{
	if (earlier.state != WIRE_MORE) {
		if (later.state != earlier.state || later.used != earlier.used ||
		    later.fault != earlier.fault)
			return "what is decided stays";
		return NULL;
	}
	if (later.state == WIRE_MORE && later.used < earlier.used)
		return "a bound only grows";
	if (later.state == WIRE_DONE && (later.used < earlier.used || later.used <= n))
		return "a message is as long as was said at least";
	return NULL;
}

/* All short ones, and some of the long ones. */
static size_t next_prefix(size_t i, size_t n)
{
	size_t next = i + (i < 96 ? 1 : 61);

	return next < n || i == n ? next : n;
}

const char *message_prefixes(enum message_kind k, const uint8_t *bytes, size_t n)
{
	struct seen earlier = read_copy(k, bytes, 0), later;
	const char *wrong = check_alone(earlier, 0);
	size_t before = 0;

	for (size_t i = next_prefix(0, n); !wrong && i <= n; i = next_prefix(i, n)) {
		later = read_copy(k, bytes, i);
		wrong = check_alone(later, i);
		if (!wrong)
			wrong = check_pair(earlier, before, later);
		earlier = later;
		before = i;
	}
	return wrong;
}

static const char *rewrite(enum message_kind k, const union message *m, uint8_t *out)
{
	size_t n = message_write(k, out, MOST_MESSAGE, m), used, again;
	union message back;

	if (!n)
		return "what was read can be written";
	if (message_read(k, out, n, &back, &used) != WIRE_DONE || used != n)
		return "what was written can be read";
	if (!message_same(k, m, &back))
		return "what was written means the same";
	if (message_write(k, out + n, n - 1, m))
		return "what does not fit is not written";
	again = message_write(k, out + n, n, m);
	return again == n && !memcmp(out, out + n, n) ? NULL : "it is written into just its room";
}

const char *message_rewrites(enum message_kind k, const uint8_t *bytes, size_t n)
{
	union message m;
	size_t used;
	uint8_t *out;
	const char *wrong;

	if (message_read(k, bytes, n, &m, &used) != WIRE_DONE)
		return NULL;
	out = malloc(2 * MOST_MESSAGE);
	if (!out)
		abort();
	wrong = rewrite(k, &m, out);
	free(out);
	return wrong;
}
