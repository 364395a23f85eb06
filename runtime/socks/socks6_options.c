#include <config.h>

#include "runtime/socks/socks6_options.h"

#include <string.h>

#include "runtime/socks/cursor.h"

enum { HEAD = 4, N_KINDS = 16 };

typedef enum wire_fault reads(struct wire_span, struct socks6_options *);
typedef void writes(struct writer *, const struct socks6_options *);

struct option_row {
	const char *name;
	int places;
	enum socks6_group group;
	bool many;          /* may be there more than once, and has no bit */
	size_t least, most; /* bytes of data; most 0: any multiple of 4 */
	reads *read;
	writes *write;
};

/* ---- stack options ---- */

enum form { ONE_BYTE, TWO_BYTES };

static const struct stack_row {
	const char *name;
	uint8_t level, code, legs;
	enum form form;
	uint16_t least, most;
} stack_rows[SOCKS6_N_STACK] = {
	[SOCKS6_TOS] = { "type of service", 1, 1, SOCKS6_BOTH_LEGS, ONE_BYTE, 0, 255 },
	[SOCKS6_HAPPY_EYEBALLS] = { "happy eyeballs", 1, 2, SOCKS6_REMOTE_LEG, ONE_BYTE, 1, 2 },
	[SOCKS6_TTL] = { "time to live", 1, 3, SOCKS6_BOTH_LEGS, ONE_BYTE, 1, 255 },
	[SOCKS6_NO_FRAGMENTATION] = { "no fragmentation", 1, 4, SOCKS6_BOTH_LEGS, ONE_BYTE, 1, 2 },
	[SOCKS6_TFO] = { "fast open", 4, 1, SOCKS6_REMOTE_LEG, TWO_BYTES, 0, UINT16_MAX },
	[SOCKS6_MULTIPATH] = { "multipath", 4, 2, SOCKS6_REMOTE_LEG, ONE_BYTE, 1, 2 },
	[SOCKS6_BACKLOG] = { "listen backlog", 4, 3, SOCKS6_REMOTE_LEG, TWO_BYTES, 0, UINT16_MAX },
	[SOCKS6_UDP_ERROR] = { "UDP error", 5, 1, SOCKS6_REMOTE_LEG, ONE_BYTE, 1, 2 },
	[SOCKS6_PORT_PARITY] = { "port parity", 5, 2, SOCKS6_REMOTE_LEG, TWO_BYTES, 0,
				 SOCKS6_PARITY(SOCKS6_ODD, 1) },
};

static bool stack_defined(enum socks6_stack_kind k, uint8_t legs, uint16_t value)
{
	const struct stack_row *row = &stack_rows[k];

	return legs && !(legs & ~row->legs) && value >= row->least && value <= row->most &&
	       (k != SOCKS6_PORT_PARITY || (value & 0xff) <= 1);
}

static void stack_set(struct socks6_stack *s, uint8_t legs, uint16_t value)
{
	s->legs |= legs;
	for (int i = 0; i < 2; i++)
		if (legs >> i & 1)
			s->value[i] = value;
}

bool socks6_options_stack(struct socks6_options *o, enum socks6_stack_kind k, uint8_t legs,
			  uint16_t value)
{
	if (!stack_defined(k, legs, value))
		return false;
	stack_set(&o->stack[k], legs, value);
	return true;
}

static const struct stack_row *stack_find(uint8_t level, uint8_t code)
{
	for (size_t i = 0; i < SOCKS6_N_STACK; i++)
		if (stack_rows[i].level == level && stack_rows[i].code == code)
			return &stack_rows[i];
	return NULL;
}

/* "Options that are part of the same message MUST NOT contradict one another or contain duplicate
 * information": a second one for a leg is one or the other. */
static enum wire_fault read_stack(struct wire_span data, struct socks6_options *o)
{
	const struct stack_row *row = stack_find(data.at[0] & 0x3f, data.at[1]);
	uint8_t legs = data.at[0] >> 6;
	enum socks6_stack_kind k;
	uint16_t value;

	if (!row)
		return WIRE_FAULT_NONE;
	if (data.n != 4)
		return WIRE_FAULT_OPTION_LENGTH;
	k = (enum socks6_stack_kind)(row - stack_rows);
	value = row->form == ONE_BYTE ? data.at[2] : wire_u16(data.at + 2);
	if (!stack_defined(k, legs, value))
		return WIRE_FAULT_NONE;
	if (o->stack[k].legs & legs)
		return WIRE_FAULT_OPTION_TWICE;
	stack_set(&o->stack[k], legs, value);
	return WIRE_FAULT_NONE;
}

static void write_one_stack(struct writer *w, const struct stack_row *row, uint8_t legs,
			    uint16_t value)
{
	size_t option = writer_option(w, SOCKS6_STACK);

	writer_u8(w, (uint8_t)(legs << 6 | row->level));
	writer_u8(w, row->code);
	writer_u16(w, row->form == ONE_BYTE ? (uint16_t)(value << 8) : value);
	writer_option_end(w, option);
}

static void write_stack(struct writer *w, const struct socks6_options *o)
{
	for (size_t i = 0; i < SOCKS6_N_STACK; i++) {
		const struct socks6_stack *s = &o->stack[i];

		if (s->legs == SOCKS6_BOTH_LEGS && s->value[0] == s->value[1]) {
			write_one_stack(w, &stack_rows[i], SOCKS6_BOTH_LEGS, s->value[0]);
			continue;
		}
		for (int leg = 0; leg < 2; leg++)
			if (s->legs >> leg & 1)
				write_one_stack(w, &stack_rows[i], (uint8_t)(1 << leg),
						s->value[leg]);
	}
}

/* ---- authentication ---- */

/* The padding is 0, which is also the method "none" that clients need not mention. */
static enum wire_fault read_methods(struct wire_span data, struct socks6_options *o)
{
	o->initial_data = wire_u16(data.at);
	o->methods = (struct wire_span){ data.at + 2, data.n - 2 };
	while (o->methods.n && !o->methods.at[o->methods.n - 1])
		o->methods.n--;
	return o->initial_data > SOCKS6_MOST_INITIAL_DATA ? WIRE_FAULT_INITIAL_DATA
							  : WIRE_FAULT_NONE;
}

static void write_methods(struct writer *w, const struct socks6_options *o)
{
	writer_u16(w, o->initial_data);
	writer_span(w, o->methods);
	if (!o->methods.n)
		writer_u8(w, SOCKS_METHOD_NONE); /* or prototypes would see no data at all */
}

static enum wire_fault read_method(struct wire_span data, struct socks6_options *o)
{
	o->method = data.at[0];
	return WIRE_FAULT_NONE;
}

static void write_method(struct writer *w, const struct socks6_options *o)
{
	writer_u8(w, o->method);
}

/* "Clients MUST only place one Authentication Data option per authentication method." */
static enum wire_fault read_auth_data(struct wire_span data, struct socks6_options *o)
{
	for (size_t i = 0; i < o->n_auth; i++)
		if (o->auth[i].method == data.at[0])
			return WIRE_FAULT_OPTION_TWICE;
	if (o->n_auth < SOCKS6_MOST_AUTH)
		o->auth[o->n_auth++] =
		    (struct socks6_auth_data){ data.at[0], { data.at + 1, data.n - 1 } };
	return WIRE_FAULT_NONE;
}

static void write_auth_data(struct writer *w, const struct socks6_options *o)
{
	for (size_t i = 0; i < o->n_auth && i < SOCKS6_MOST_AUTH; i++) {
		size_t option = writer_option(w, SOCKS6_AUTH_DATA);

		writer_u8(w, o->auth[i].method);
		writer_span(w, o->auth[i].bytes);
		writer_option_end(w, option);
	}
}

/* ---- sessions and tokens ---- */

static enum wire_fault read_session_id(struct wire_span data, struct socks6_options *o)
{
	o->session_id = data;
	return WIRE_FAULT_NONE;
}

/* One that needed padding would come back as another one. */
static void write_session_id(struct writer *w, const struct socks6_options *o)
{
	if (!o->session_id.n || o->session_id.n % 4)
		w->refused = true;
	writer_span(w, o->session_id);
}

static enum wire_fault read_token_request(struct wire_span data, struct socks6_options *o)
{
	o->tokens_wanted = wire_u32(data.at);
	return WIRE_FAULT_NONE;
}

static void write_token_request(struct writer *w, const struct socks6_options *o)
{
	writer_u32(w, o->tokens_wanted);
}

static enum wire_fault read_window(struct wire_span data, struct socks6_options *o)
{
	o->window_base = wire_u32(data.at);
	o->window_size = wire_u32(data.at + 4);
	return !o->window_size || o->window_size > INT32_MAX ? WIRE_FAULT_OPTION_VALUE
							     : WIRE_FAULT_NONE;
}

static void write_window(struct writer *w, const struct socks6_options *o)
{
	writer_u32(w, o->window_base);
	writer_u32(w, o->window_size);
}

/* The draft's figure has length 4, its text 8; without 8 there is no token. */
static enum wire_fault read_spend(struct wire_span data, struct socks6_options *o)
{
	o->token = wire_u32(data.at);
	return WIRE_FAULT_NONE;
}

static void write_spend(struct writer *w, const struct socks6_options *o)
{
	writer_u32(w, o->token);
}

static enum wire_fault read_nothing(struct wire_span data, struct socks6_options *o)
{
	(void)data;
	(void)o;
	return WIRE_FAULT_NONE;
}

static void write_nothing(struct writer *w, const struct socks6_options *o)
{
	(void)w;
	(void)o;
}

/* ---- the table ---- */

#define ANYWHERE (SOCKS6_IN_REQUEST | SOCKS6_IN_AUTH | SOCKS6_IN_OPERATION)
#define EMPTY 0, 0, read_nothing, write_nothing

/* The draft's text puts the session ID into the operation reply, its reference proxy into the
 * authentication reply. */
static const struct option_row option_rows[N_KINDS] = {
	[SOCKS6_STACK] = { "stack", SOCKS6_IN_REQUEST | SOCKS6_IN_OPERATION, SOCKS6_NO_GROUP, true,
			   4, 0, read_stack, write_stack },
	[SOCKS6_METHODS] = { "method advertisement", SOCKS6_IN_REQUEST, SOCKS6_NO_GROUP, false, 4,
			     0, read_methods, write_methods },
	[SOCKS6_METHOD] = { "method selection", SOCKS6_IN_AUTH, SOCKS6_NO_GROUP, false, 4, 4,
			    read_method, write_method },
	[SOCKS6_AUTH_DATA] = { "authentication data", SOCKS6_IN_REQUEST | SOCKS6_IN_AUTH,
			       SOCKS6_NO_GROUP, true, 4, 0, read_auth_data, write_auth_data },
	[SOCKS6_SESSION_REQUEST] = { "session request", SOCKS6_IN_REQUEST, SOCKS6_SESSIONS, false,
				     EMPTY },
	[SOCKS6_SESSION_ID] = { "session ID", ANYWHERE, SOCKS6_SESSIONS, false, 4, 0,
				read_session_id, write_session_id },
	[SOCKS6_SESSION_OK] = { "session OK", SOCKS6_IN_AUTH, SOCKS6_SESSIONS, false, EMPTY },
	[SOCKS6_SESSION_INVALID] = { "session invalid", SOCKS6_IN_AUTH, SOCKS6_SESSIONS, false,
				     EMPTY },
	[SOCKS6_SESSION_TEARDOWN] = { "session teardown", SOCKS6_IN_REQUEST, SOCKS6_SESSIONS, false,
				      EMPTY },
	[SOCKS6_TOKEN_REQUEST] = { "idempotence request", SOCKS6_IN_REQUEST, SOCKS6_TOKENS, false,
				   4, 4, read_token_request, write_token_request },
	[SOCKS6_TOKEN_WINDOW] = { "idempotence window", SOCKS6_IN_AUTH, SOCKS6_TOKENS, false, 8, 8,
				  read_window, write_window },
	[SOCKS6_TOKEN_SPEND] = { "idempotence expenditure", SOCKS6_IN_REQUEST, SOCKS6_TOKENS, false,
				 4, 4, read_spend, write_spend },
	[SOCKS6_TOKEN_ACCEPTED] = { "idempotence accepted", SOCKS6_IN_AUTH, SOCKS6_TOKENS, false,
				    EMPTY },
	[SOCKS6_TOKEN_REJECTED] = { "idempotence rejected", SOCKS6_IN_AUTH, SOCKS6_TOKENS, false,
				    EMPTY },
};

static const struct option_row *option_find(uint16_t kind)
{
	return kind < N_KINDS && option_rows[kind].name ? &option_rows[kind] : NULL;
}

const char *socks6_option_name(uint16_t kind)
{
	const struct option_row *row = option_find(kind);

	return row ? row->name : "unknown option";
}

const char *socks6_stack_name(enum socks6_stack_kind k)
{
	return stack_rows[k].name;
}

/* ---- all of a message ---- */

bool socks6_option_next(struct wire_span *rest, struct socks6_option *out, enum wire_fault *fault)
{
	size_t length;

	*fault = WIRE_FAULT_NONE;
	if (!rest->n)
		return false;
	length = rest->n < HEAD ? 0 : wire_u16(rest->at + 2);
	if (length < HEAD || length % 4 || length > rest->n) {
		*fault = WIRE_FAULT_OPTION_LENGTH;
		return false;
	}
	out->kind = wire_u16(rest->at);
	out->data = (struct wire_span){ rest->at + HEAD, length - HEAD };
	*rest = (struct wire_span){ rest->at + length, rest->n - length };
	return true;
}

static enum wire_fault read_option(const struct socks6_option *option, int place,
				   struct socks6_options *o)
{
	const struct option_row *row = option_find(option->kind);

	if (!row || !(row->places & place))
		return WIRE_FAULT_NONE;
	if (!row->many && socks6_has(o, option->kind))
		return WIRE_FAULT_OPTION_TWICE;
	if (option->data.n < row->least || (row->most && option->data.n > row->most) ||
	    (!row->least && option->data.n))
		return WIRE_FAULT_OPTION_LENGTH;
	if (!row->many)
		o->has |= UINT32_C(1) << option->kind;
	return row->read(option->data, o);
}

/* No message carries the groups half: "Session options", "Idempotence options". */
static bool clashes(const struct socks6_options *o)
{
	return (socks6_has(o, SOCKS6_SESSION_OK) && socks6_has(o, SOCKS6_SESSION_INVALID)) ||
	       (socks6_has(o, SOCKS6_TOKEN_ACCEPTED) && socks6_has(o, SOCKS6_TOKEN_REJECTED)) ||
	       (socks6_has(o, SOCKS6_SESSION_REQUEST) && socks6_has(o, SOCKS6_SESSION_ID)) ||
	       (socks6_has(o, SOCKS6_SESSION_TEARDOWN) && !socks6_has(o, SOCKS6_SESSION_ID));
}

/* Tokens are silently ignored outside of a session, and a request that ends its session is outside.
 * A window of no tokens is no request. */
static void drop_idle(struct socks6_options *o, int place)
{
	bool session = socks6_has(o, SOCKS6_SESSION_ID) || socks6_has(o, SOCKS6_SESSION_REQUEST);

	if (place == SOCKS6_IN_REQUEST && (!session || socks6_has(o, SOCKS6_SESSION_TEARDOWN)))
		socks6_options_drop(o, SOCKS6_TOKENS);
	if (!o->tokens_wanted)
		o->has &= ~(UINT32_C(1) << SOCKS6_TOKEN_REQUEST);
}

enum wire_fault socks6_options_read(struct wire_span bytes, int place, struct socks6_options *o)
{
	struct socks6_option option;
	enum wire_fault fault;

	memset(o, 0, sizeof(*o));
	while (socks6_option_next(&bytes, &option, &fault)) {
		fault = read_option(&option, place, o);
		if (fault)
			return fault;
	}
	if (fault)
		return fault;
	if (clashes(o))
		return WIRE_FAULT_OPTION_CLASH;
	drop_idle(o, place);
	return WIRE_FAULT_NONE;
}

void socks6_options_drop(struct socks6_options *o, enum socks6_group group)
{
	for (int kind = 0; kind < N_KINDS; kind++)
		if (option_rows[kind].group == group)
			o->has &= ~(UINT32_C(1) << kind);
	if (group == SOCKS6_SESSIONS)
		o->session_id = (struct wire_span){ NULL, 0 };
	if (group == SOCKS6_TOKENS)
		o->tokens_wanted = o->window_base = o->window_size = o->token = 0;
}

/* The reader is the judge of what may be written. */
static bool reads_the_same(struct wire_span bytes, int place, const struct socks6_options *o)
{
	struct socks6_options again;

	if (bytes.n > SOCKS6_MOST_OPTIONS || socks6_options_read(bytes, place, &again))
		return false;
	return again.has == o->has && again.n_auth == o->n_auth &&
	       !memcmp(again.stack, o->stack, sizeof(o->stack));
}

static void write_option(struct writer *w, int kind, const struct socks6_options *o)
{
	const struct option_row *row = &option_rows[kind];
	size_t option;

	if (row->many) {
		row->write(w, o);
	} else if (socks6_has(o, kind)) {
		option = writer_option(w, (uint16_t)kind);
		row->write(w, o);
		writer_option_end(w, option);
	}
}

size_t socks6_options_write(uint8_t *out, size_t room, int place, const struct socks6_options *o,
			    bool *ok)
{
	struct writer w = writer_open(out, room);

	for (int kind = 0; kind < N_KINDS; kind++)
		if (option_rows[kind].name)
			write_option(&w, kind, o);
	*ok = !w.refused && reads_the_same((struct wire_span){ out, w.off }, place, o);
	return *ok ? w.off : 0;
}

/* ---- user and password ---- */

static const struct socks6_auth_data *auth_of(const struct socks6_options *o, uint8_t method)
{
	for (size_t i = 0; i < o->n_auth; i++)
		if (o->auth[i].method == method)
			return &o->auth[i];
	return NULL;
}

bool socks6_password_of(const struct socks6_options *o, struct socks5_password *out)
{
	const struct socks6_auth_data *a = auth_of(o, SOCKS_METHOD_PASSWORD);
	size_t used;

	return a && socks5_password_read(a->bytes.at, a->bytes.n, out, &used) == WIRE_DONE;
}

bool socks6_status_of(const struct socks6_options *o, struct socks5_status *out)
{
	const struct socks6_auth_data *a = auth_of(o, SOCKS_METHOD_PASSWORD);
	size_t used;

	return a && socks5_status_read(a->bytes.at, a->bytes.n, out, &used) == WIRE_DONE;
}
