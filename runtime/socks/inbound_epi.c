#include <config.h>

#include "runtime/socks/inbound_own.h"

/* The prototype never authenticates, so that it cannot be let in where users are told apart. */
enum inbound_step inbound_request_epi(struct inbound *in, struct wire_span seen, size_t *used,
				      struct bytes *reply)
{
	struct epi_request m;
	enum wire_state state = epi_request_read(seen.at, seen.n, &m, used);
	enum wire_fault fault = m.fault;

	if (state == WIRE_DONE)
		fault = inbound_take_metadata(in, m.options);
	if (fault || state == WIRE_MORE)
		*used = 0;
	if (fault)
		return inbound_fault(in, fault, reply);
	if (state == WIRE_MORE)
		return INBOUND_MORE;
	if (in->settings->users) {
		inbound_welcome(in, SOCKS6_AUTH_FAILURE, NULL, reply);
		return inbound_deny(in, "clients of this dialect cannot authenticate");
	}
	in->request.command = SOCKS6_CONNECT;
	in->request.initial_data = m.initial_data;
	inbound_take_address(in, &m.to);
	inbound_welcome(in, SOCKS6_AUTH_SUCCESS, NULL, reply);
	return INBOUND_REQUEST;
}

void inbound_reply_epi(enum outcome outcome, struct bytes *reply)
{
	struct epi_reply m = { .version = EPI_EITHER, .code = outcome_socks6(outcome) };
	uint8_t out[16];

	bytes_add(reply, out, epi_reply_write(out, sizeof(out), &m));
}
