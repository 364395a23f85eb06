#include <config.h>

#include "runtime/socks/upstream.h"

#include <stdio.h>
#include <string.h>

#include "runtime/socks/socks5.h"

enum { AWAIT_METHOD, AWAIT_STATUS, AWAIT_AUTH, AWAIT_REPLY, N_STEPS };

/* Metadata of the source, index and length, and `root`; an option around a link's text; the
 * longest request without metadata. */
enum { ROOM_METADATA = 192, ROOM_LINK = 12, ROOM_REQUEST = 8 + 256 + 8 + 8 + 520 };

static const char *speech(const struct upstream *u)
{
	return u->wish.version == 5 ? "SOCKS5" : u->wish.epi ? "SOCKS6 (epi)" : "SOCKS6";
}

static enum upstream_step end(struct upstream *u, enum outcome outcome, const char *why)
{
	u->outcome = outcome;
	snprintf(u->why, sizeof(u->why), "%s: %s", speech(u), why);
	return UPSTREAM_BAD;
}

/* ---- what is said ---- */

static bool parse_links(const struct upstream_wish *w, struct epi_link links[EPI_MOST_LINKS])
{
	for (size_t i = 0; i < w->n_links; i++) {
		const char *text = w->links[i];

		if (!epi_link_parse((struct wire_span){ (const uint8_t *)text, strlen(text) },
				    &links[i]))
			return false;
	}
	return true;
}

static size_t write_chain(const struct upstream_wish *w, uint8_t *out, size_t room)
{
	struct epi_link links[EPI_MOST_LINKS];
	struct epi_chain chain = { .n = 0 };

	if (w->n_links >= EPI_MOST_LINKS || !parse_links(w, links) ||
	    !epi_chain_detour(&chain, links, w->n_links) || !epi_chain_next(&chain))
		return 0;
	return epi_chain_write(out, room, &chain);
}

static size_t write_source(const struct wire_address *source, uint8_t *out, size_t room)
{
	char text[WIRE_TEXT_ROOM];
	size_t n = wire_address_text(source, text, sizeof(text));
	struct epi_metadata m = { EPI_SOURCE, { (const uint8_t *)text, n } };

	return n && source->kind != WIRE_NAME ? epi_metadata_write(out, room, &m) : 0;
}

static size_t metadata_room(const struct upstream_wish *w)
{
	size_t room = ROOM_METADATA;

	for (size_t i = 0; i < w->n_links; i++)
		room += ROOM_LINK + strlen(w->links[i]);
	return room;
}

static bool write_metadata(const struct upstream_wish *w, uint8_t *out, size_t room, size_t *n)
{
	size_t part;

	*n = 0;
	if (w->source) {
		part = write_source(w->source, out, room);
		if (!part)
			return false;
		*n = part;
	}
	if (!w->n_links)
		return true;
	part = write_chain(w, out + *n, room - *n);
	*n += part;
	return part > 0;
}

static uint16_t announced(const struct upstream_wish *w)
{
	size_t n = w->command == SOCKS6_CONNECT ? w->data : 0;

	return (uint16_t)(n < SOCKS6_MOST_INITIAL_DATA ? n : SOCKS6_MOST_INITIAL_DATA);
}

static struct wire_span text_span(const char *text)
{
	return (struct wire_span){ (const uint8_t *)text, text ? strlen(text) : 0 };
}

static size_t write_password(const struct upstream_wish *w, uint8_t *out, size_t room)
{
	struct socks5_password m = { .user = text_span(w->user),
				     .password = text_span(w->password) };

	return socks5_password_write(out, room, &m);
}

/* Without methods there is no authentication, and data may follow without being announced (draft
 * section "Requests"). */
static size_t write_draft(const struct upstream_wish *w, struct wire_span metadata, uint8_t *out,
			  size_t room)
{
	static const uint8_t methods[] = { SOCKS_METHOD_PASSWORD };
	struct socks6_request m = { .command = w->command, .to = w->to, .extra = metadata };
	uint8_t password[SOCKS5_MOST_PASSWORD];

	if (w->fast_open && w->command == SOCKS6_CONNECT)
		socks6_options_stack(&m.options, SOCKS6_TFO, SOCKS6_REMOTE_LEG, 0);
	if (w->user) {
		size_t n = write_password(w, password, sizeof(password));

		if (!n)
			return 0;
		m.options.has |= 1 << SOCKS6_METHODS;
		m.options.methods = (struct wire_span){ methods, sizeof(methods) };
		m.options.initial_data = announced(w);
		m.options.n_auth = 1;
		m.options.auth[0] =
		    (struct socks6_auth_data){ SOCKS_METHOD_PASSWORD, { password, n } };
	}
	return socks6_request_write(out, room, &m);
}

static size_t write_epi(const struct upstream_wish *w, struct wire_span metadata, uint8_t *out,
			size_t room)
{
	struct epi_request m = { .to = w->to, .initial_data = announced(w), .options = metadata };

	if (w->command != SOCKS6_CONNECT || w->user)
		return 0;
	return epi_request_write(out, room, &m);
}

/* The metadata is first put behind the place of the request, which then takes it in. */
static bool say_socks6(struct upstream *u, struct bytes *out)
{
	const struct upstream_wish *w = &u->wish;
	size_t most = metadata_room(w), room = ROOM_REQUEST + most, n;
	uint8_t *at = bytes_more(out, room + most);
	struct wire_span metadata = { at ? at + room : NULL, 0 };

	if (!at || !write_metadata(w, at + room, most, &metadata.n))
		return false;
	n = (w->epi ? write_epi : write_draft)(w, metadata, at, room);
	out->n += n;
	u->early = n > 0;
	return n > 0;
}

static bool say_request5(struct upstream *u, struct bytes *out)
{
	struct socks5_request m = { .command = u->wish.command, .to = u->wish.to };
	uint8_t *at = bytes_more(out, SOCKS5_MOST_REQUEST);
	size_t n = at ? socks5_request_write(at, SOCKS5_MOST_REQUEST, &m) : 0;

	out->n += n;
	u->early = n > 0;
	return n > 0;
}

/* With a user both methods: servers that ask for none are content with none. */
static bool say_greeting(struct upstream *u, struct bytes *out)
{
	static const uint8_t methods[] = { SOCKS_METHOD_NONE, SOCKS_METHOD_PASSWORD };
	struct socks5_greeting m = { .methods = { methods, u->wish.user ? 2 : 1 } };
	uint8_t *at = bytes_more(out, SOCKS5_MOST_GREETING);
	size_t n = at ? socks5_greeting_write(at, SOCKS5_MOST_GREETING, &m) : 0;

	out->n += n;
	return n > 0;
}

/* What the request and the password will be is known before anything is said. */
static bool can_say5(const struct upstream_wish *w)
{
	struct socks5_request m = { .command = w->command, .to = w->to };
	uint8_t message[SOCKS5_MOST_PASSWORD];

	return w->n_links <= 1 && socks5_request_write(message, sizeof(message), &m) &&
	       (!w->user || write_password(w, message, sizeof(message)));
}

static bool say_socks5(struct upstream *u, struct bytes *out)
{
	return can_say5(&u->wish) && say_greeting(u, out) && (u->wish.user || say_request5(u, out));
}

bool upstream_begin(struct upstream *u, const struct upstream_wish *wish, struct bytes *out)
{
	size_t before = out->n;

	*u = (struct upstream){ .wish = *wish, .bound = wire_any };
	u->step = wish->version == 5 ? AWAIT_METHOD : AWAIT_AUTH;
	if ((wish->version == 5 || wish->version == 6) &&
	    (wish->version == 5 ? say_socks5 : say_socks6)(u, out))
		return true;
	out->n = before;
	u->early = false;
	if (out->failed)
		end(u, OUTCOME_BUSY, "memory ran out");
	else
		end(u, OUTCOME_FAILED, "the request cannot be said");
	return false;
}

/* ---- what is answered; each takes one message at most ---- */

static enum upstream_step bad(struct upstream *u, enum wire_fault fault, uint8_t first)
{
	char why[64];

	if (fault != WIRE_FAULT_VERSION)
		return end(u, OUTCOME_FAILED, wire_fault_text(fault));
	snprintf(why, sizeof(why), "the answer is of version %u", first);
	return end(u, OUTCOME_FAILED, why);
}

static enum upstream_step spoken(struct upstream *u, bool said)
{
	return said ? UPSTREAM_SPEAK : end(u, OUTCOME_BUSY, "memory ran out");
}

static bool say_password5(struct upstream *u, struct bytes *out)
{
	uint8_t *at = bytes_more(out, SOCKS5_MOST_PASSWORD);
	size_t n = at ? write_password(&u->wish, at, SOCKS5_MOST_PASSWORD) : 0;

	out->n += n;
	return n > 0;
}

static enum upstream_step take_method(struct upstream *u, const uint8_t *at, size_t n, size_t *used,
				      struct bytes *out)
{
	struct socks5_method m;
	enum wire_state state = socks5_method_read(at, n, &m, used);

	if (state == WIRE_BAD)
		return bad(u, m.fault, at[0]);
	if (state == WIRE_MORE)
		return UPSTREAM_MORE;
	if (m.method == SOCKS_METHOD_NONE) {
		u->step = AWAIT_REPLY;
		return u->early ? UPSTREAM_MORE : spoken(u, say_request5(u, out));
	}
	if (m.method == SOCKS_METHOD_PASSWORD && u->wish.user) {
		u->step = AWAIT_STATUS;
		return spoken(u, say_password5(u, out));
	}
	return end(u, OUTCOME_DENIED,
		   m.method == SOCKS_METHOD_UNACCEPTABLE ? "no acceptable method"
							 : "a method that was not offered");
}

static enum upstream_step take_status(struct upstream *u, const uint8_t *at, size_t n, size_t *used,
				      struct bytes *out)
{
	struct socks5_status m;
	enum wire_state state = socks5_status_read(at, n, &m, used);

	if (state == WIRE_BAD)
		return bad(u, m.fault, at[0]);
	if (state == WIRE_MORE)
		return UPSTREAM_MORE;
	if (m.status)
		return end(u, OUTCOME_DENIED, "user or password refused");
	u->step = AWAIT_REPLY;
	return spoken(u, say_request5(u, out));
}

static enum upstream_step take_auth(struct upstream *u, const uint8_t *at, size_t n, size_t *used,
				    struct bytes *out)
{
	struct socks6_auth m;
	enum wire_state state = socks6_auth_read(at, n, &m, used);

	(void)out;
	if (state == WIRE_BAD)
		return bad(u, m.fault, at[0]);
	if (state == WIRE_MORE)
		return UPSTREAM_MORE;
	if (m.type != SOCKS6_AUTH_SUCCESS)
		return end(u, OUTCOME_DENIED,
			   u->wish.user ? "user or password refused" : "it wants a user");
	u->step = AWAIT_REPLY;
	return UPSTREAM_MORE;
}

/* What replies of all three have. */
struct reply {
	enum wire_fault fault;
	uint8_t code;
	struct wire_address bound;
};

static enum wire_state read_reply5(const uint8_t *at, size_t n, struct reply *r, size_t *used)
{
	struct socks5_reply m;
	enum wire_state state = socks5_reply_read(at, n, &m, used);

	*r = (struct reply){ m.fault, m.code, m.bound };
	return state;
}

static enum wire_state read_draft(const uint8_t *at, size_t n, struct reply *r, size_t *used)
{
	struct socks6_operation m;
	enum wire_state state = socks6_operation_read(at, n, &m, used);

	*r = (struct reply){ m.fault, m.code, m.bound };
	return state;
}

static enum wire_state read_epi(const uint8_t *at, size_t n, struct reply *r, size_t *used)
{
	struct epi_reply m;
	enum wire_state state = epi_reply_read(at, n, &m, used);

	*r = (struct reply){ m.fault, m.code, m.bound };
	return state;
}

static enum upstream_step refused(struct upstream *u, uint8_t code)
{
	enum outcome o =
	    u->wish.version == 5 ? outcome_from_socks5(code) : outcome_from_socks6(code);

	return end(u, o, outcome_text(o));
}

static enum upstream_step take_reply(struct upstream *u, const uint8_t *at, size_t n, size_t *used,
				     struct bytes *out)
{
	struct reply r;
	enum wire_state state = (u->wish.version == 5 ? read_reply5
				 : u->wish.epi        ? read_epi
						      : read_draft)(at, n, &r, used);

	(void)out;
	if (state == WIRE_MORE)
		return UPSTREAM_MORE;
	if (r.code)
		return refused(u, r.code);
	if (state == WIRE_BAD)
		return bad(u, r.fault, at[0]);
	u->bound = r.bound;
	if (u->bound.kind == WIRE_NAME)
		u->bound = (struct wire_address){ .kind = WIRE_IPV4, .port = r.bound.port };
	u->outcome = OUTCOME_OK;
	return UPSTREAM_DONE;
}

enum upstream_step upstream_feed(struct upstream *u, const uint8_t *at, size_t n, size_t *used,
				 struct bytes *out)
{
	static enum upstream_step (*const take[N_STEPS])(struct upstream *, const uint8_t *, size_t,
							 size_t *, struct bytes *) = {
		[AWAIT_METHOD] = take_method,
		[AWAIT_STATUS] = take_status,
		[AWAIT_AUTH] = take_auth,
		[AWAIT_REPLY] = take_reply,
	};
	enum upstream_step step;
	int before;

	*used = 0;
	if (!n)
		return UPSTREAM_MORE;
	do {
		size_t taken = 0;

		before = u->step;
		step = take[u->step](u, at + *used, n - *used, &taken, out);
		/* For WIRE_MORE a reader tells how many there must be. */
		if (step != UPSTREAM_MORE || u->step != before)
			*used += taken;
	} while (step == UPSTREAM_MORE && u->step != before);
	return step;
}

void upstream_end(struct upstream *u, const uint8_t *at, size_t n)
{
	if (u->step == AWAIT_AUTH && socks6_mismatch_is(at, n))
		end(u, OUTCOME_FAILED, "it speaks another version");
	else if (u->step == AWAIT_REPLY && n > 1 && at[0] == u->wish.version && at[1])
		refused(u, at[1]);
	else if (n)
		end(u, OUTCOME_FAILED, "it ended in the middle of an answer");
	else
		end(u, OUTCOME_FAILED, "it ended without an answer");
}

void upstream_again(struct upstream *u)
{
	u->step = AWAIT_REPLY;
}
