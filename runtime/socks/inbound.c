#include <config.h>

#include "runtime/socks/inbound.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "runtime/socks/dialect.h"
#include "runtime/socks/inbound_own.h"

static inbound_stage first;

static const char *const kinds[] = {
	[INBOUND_SOCKS5] = "SOCKS5",
	[INBOUND_SOCKS6] = "SOCKS6",
	[INBOUND_EPI] = "epi",
	[INBOUND_PROXY] = "PROXY",
};

struct inbound *inbound_open(const struct inbound_settings *settings)
{
	struct inbound *in = calloc(1, sizeof(*in));

	if (!in)
		return NULL;
	in->settings = settings;
	in->stage = first;
	in->request.to = wire_any;
	in->request.source = wire_any;
	in->request.user = in->user;
	in->request.kind = settings->socks5 ? INBOUND_SOCKS5 : INBOUND_SOCKS6;
	return in;
}

void inbound_close(struct inbound *in)
{
	if (!in)
		return;
	free(in->chain);
	free(in->held);
	free(in);
}

/* Stages that need no byte of their own only choose the next one. */
enum inbound_step inbound_feed(struct inbound *in, const uint8_t *bytes, size_t n, size_t *used,
			       struct bytes *reply)
{
	enum inbound_step step;
	inbound_stage *stage;
	size_t took;

	*used = 0;
	do {
		struct wire_span seen = { n ? bytes + *used : bytes, n - *used };

		took = 0;
		stage = in->stage;
		step = stage(in, seen, &took, reply);
		*used += took;
	} while (step == INBOUND_MORE && (took || in->stage != stage) && !reply->failed);
	return reply->failed ? inbound_end(in, "out of memory") : step;
}

const struct inbound_request *inbound_request(const struct inbound *in)
{
	return &in->request;
}

bool inbound_denied(const struct inbound *in)
{
	return in->denied;
}

const char *inbound_why(const struct inbound *in)
{
	return in->why;
}

void inbound_reply(const struct inbound *in, enum outcome outcome, const struct wire_address *bound,
		   uint32_t done, struct bytes *reply)
{
	if (!bound || !wire_address_valid(bound))
		bound = &wire_any;
	switch (in->request.kind) {
	case INBOUND_SOCKS5:
		inbound_reply_socks5(outcome, bound, reply);
		return;
	case INBOUND_SOCKS6:
		inbound_reply_socks6(in, outcome, bound, done, reply);
		return;
	case INBOUND_EPI:
		inbound_reply_epi(outcome, reply);
		return;
	case INBOUND_PROXY:
		return;
	}
}

/* ---- the first bytes ---- */

static enum inbound_step go_on(struct inbound *in, enum inbound_kind kind, inbound_stage *stage)
{
	in->request.kind = kind;
	in->stage = stage;
	return INBOUND_MORE;
}

/* "The proxy sends the following response" to all that does not begin with 6. */
static enum inbound_step unknown(struct inbound *in, uint8_t byte, struct bytes *reply)
{
	const struct inbound_settings *s = in->settings;
	uint8_t mismatch[1];

	if (s->socks6 || s->epi)
		bytes_add(reply, mismatch, socks6_mismatch_write(mismatch, sizeof(mismatch)));
	snprintf(in->why, sizeof(in->why), "no protocol that is spoken here begins with 0x%02x",
		 byte);
	return INBOUND_END;
}

static enum inbound_step first(struct inbound *in, struct wire_span seen, size_t *used,
			       struct bytes *reply)
{
	const struct inbound_settings *s = in->settings;
	enum dialect dialect;
	size_t none;

	(void)used;
	if (!seen.n)
		return INBOUND_MORE;
	if (s->proxy && (seen.at[0] == 'P' || seen.at[0] == '\r'))
		return go_on(in, INBOUND_PROXY, inbound_proxy);
	if (s->socks5 && seen.at[0] == 5)
		return go_on(in, INBOUND_SOCKS5, inbound_greeting);
	if (seen.at[0] != 6 || !(s->socks6 || s->epi))
		return unknown(in, seen.at[0], reply);
	if (!s->epi)
		return go_on(in, INBOUND_SOCKS6, inbound_request6);
	if (!s->socks6)
		return go_on(in, INBOUND_EPI, inbound_request_epi);
	if (dialect_read(seen.at, seen.n, &dialect, &none) == WIRE_MORE)
		return INBOUND_MORE;
	return dialect == DIALECT_EPI ? go_on(in, INBOUND_EPI, inbound_request_epi)
				      : go_on(in, INBOUND_SOCKS6, inbound_request6);
}

/* ---- PROXY ---- */

enum inbound_step inbound_proxy(struct inbound *in, struct wire_span seen, size_t *used,
				struct bytes *reply)
{
	struct proxy_header header;
	enum wire_state state = proxy_header_read(seen.at, seen.n, &header, used);
	struct inbound_request *r = &in->request;

	if (state == WIRE_MORE)
		*used = 0;
	if (state != WIRE_DONE)
		return state == WIRE_MORE ? INBOUND_MORE : inbound_fault(in, header.fault, reply);
	in->held = malloc(*used);
	if (!in->held)
		return inbound_end(in, "out of memory");
	memcpy(in->held, seen.at, *used);
	r->header = (struct wire_span){ in->held, *used };
	r->command = SOCKS6_CONNECT;
	r->told = !header.local;
	if (r->told) {
		r->source = header.source;
		r->to = header.listener;
		wire_address_settle(&r->source);
		wire_address_settle(&r->to);
	}
	return INBOUND_REQUEST;
}

/* ---- ends ---- */

enum inbound_step inbound_end(struct inbound *in, const char *format, ...)
{
	va_list args;
	int n = snprintf(in->why, sizeof(in->why), "%s: ", kinds[in->request.kind]);

	va_start(args, format);
	vsnprintf(in->why + n, sizeof(in->why) - (size_t)n, format, args);
	va_end(args);
	return INBOUND_END;
}

enum inbound_step inbound_refuse(struct inbound *in, enum outcome outcome, const char *why,
				 struct bytes *reply)
{
	if (!in->welcomed && in->request.kind != INBOUND_SOCKS5)
		inbound_welcome(in, SOCKS6_AUTH_SUCCESS, NULL, reply);
	inbound_reply(in, outcome, &wire_any, 0, reply);
	return inbound_end(in, "%s", why);
}

enum inbound_step inbound_fault(struct inbound *in, enum wire_fault fault, struct bytes *reply)
{
	uint8_t out[2];

	switch (wire_fault_answer(fault)) {
	case WIRE_ANSWER_REPLY:
		return inbound_refuse(in, wire_fault_outcome(fault), wire_fault_text(fault), reply);
	case WIRE_ANSWER_MISMATCH:
		bytes_add(reply, out, socks6_mismatch_write(out, sizeof(out)));
		break;
	case WIRE_ANSWER_METHOD:
		bytes_add(reply, out,
			  socks5_method_write(
			      out, sizeof(out),
			      &(struct socks5_method){ .method = SOCKS_METHOD_UNACCEPTABLE }));
		break;
	case WIRE_ANSWER_STATUS:
		bytes_add(
		    reply, out,
		    socks5_status_write(out, sizeof(out), &(struct socks5_status){ .status = 1 }));
		break;
	case WIRE_ANSWER_NOTHING:
		break;
	}
	return inbound_end(in, "%s", wire_fault_text(fault));
}

/* ---- parts of requests ---- */

void inbound_take_address(struct inbound *in, const struct wire_address *a)
{
	struct wire_address *to = &in->request.to;

	*to = *a;
	if (to->kind == WIRE_NAME) {
		memcpy(in->name, a->name.at, a->name.n);
		to->name.at = in->name;
	}
	wire_address_settle(to);
}

bool inbound_admits(struct inbound *in, struct wire_span user, struct wire_span password)
{
	size_t n = user.n < sizeof(in->user) ? user.n : sizeof(in->user) - 1;

	memcpy(in->user, user.at, n);
	in->user[n] = '\0';
	return users_check(in->settings->users, user, password);
}

enum inbound_step inbound_deny(struct inbound *in, const char *why)
{
	in->denied = true;
	return inbound_end(in, "%s", why);
}

enum inbound_step inbound_wrong_password(struct inbound *in)
{
	char shown[64];
	size_t n = 0;

	for (; in->user[n] && n < sizeof(shown) - 1; n++)
		shown[n] = in->user[n] >= ' ' && in->user[n] <= '~' ? in->user[n] : '?';
	shown[n] = '\0';
	in->denied = true;
	return inbound_end(in, "user '%s': wrong password", shown);
}

/* ---- metadata ---- */

static enum wire_fault take_source(struct inbound *in, struct wire_span text)
{
	struct inbound_request *r = &in->request;

	if (r->told || !wire_address_parse((const char *)text.at, text.n, &r->source) ||
	    r->source.kind == WIRE_NAME) {
		r->source = wire_any;
		return WIRE_FAULT_METADATA;
	}
	wire_address_settle(&r->source);
	r->told = true;
	return WIRE_FAULT_NONE;
}

static enum wire_fault find_source(struct inbound *in, struct wire_span options, bool *any)
{
	struct epi_metadata m;
	enum wire_fault fault;

	*any = false;
	while (epi_metadata_next(&options, &m, &fault)) {
		*any = true;
		if (m.key == EPI_SOURCE)
			fault = take_source(in, m.value);
		if (fault)
			return fault;
	}
	return fault;
}

/* The chain's texts stay behind it. */
static enum wire_fault take_chain(struct inbound *in, struct wire_span options)
{
	enum wire_fault fault;

	in->chain = malloc(sizeof(*in->chain) + options.n);
	if (!in->chain)
		return WIRE_FAULT_CHAIN;
	memcpy(in->chain->options, options.at, options.n);
	options.at = in->chain->options;
	fault = epi_chain_read(options, &in->chain->chain);
	if (!fault && in->chain->chain.n)
		in->request.chain = &in->chain->chain;
	return fault;
}

enum wire_fault inbound_take_metadata(struct inbound *in, struct wire_span options)
{
	enum wire_fault fault;
	bool any;

	if (!in->settings->trusted)
		return WIRE_FAULT_NONE;
	fault = find_source(in, options, &any);
	return fault || !any ? fault : take_chain(in, options);
}
