#include <config.h>

#include <string.h>

#include "runtime/socks/inbound_own.h"

static inbound_stage password, request;

static enum inbound_step not_whole(struct inbound *in, enum wire_state state, enum wire_fault fault,
				   size_t *used, struct bytes *reply)
{
	*used = 0;
	return state == WIRE_MORE ? INBOUND_MORE : inbound_fault(in, fault, reply);
}

static void say_method(uint8_t method, struct bytes *reply)
{
	struct socks5_method m = { .method = method };
	uint8_t out[2];

	bytes_add(reply, out, socks5_method_write(out, sizeof(out), &m));
}

enum inbound_step inbound_greeting(struct inbound *in, struct wire_span seen, size_t *used,
				   struct bytes *reply)
{
	uint8_t method = in->settings->users ? SOCKS_METHOD_PASSWORD : SOCKS_METHOD_NONE;
	struct socks5_greeting m;
	enum wire_state state = socks5_greeting_read(seen.at, seen.n, &m, used);

	if (state != WIRE_DONE)
		return not_whole(in, state, m.fault, used, reply);
	if (!memchr(m.methods.at, method, m.methods.n)) {
		say_method(SOCKS_METHOD_UNACCEPTABLE, reply);
		return inbound_deny(in, method
					    ? "the client does not offer to go with a password"
					    : "the client does not offer to go without password");
	}
	say_method(method, reply);
	in->stage = method ? password : request;
	return INBOUND_MORE;
}

static enum inbound_step password(struct inbound *in, struct wire_span seen, size_t *used,
				  struct bytes *reply)
{
	struct socks5_password m;
	struct socks5_status status = { .status = 0 };
	enum wire_state state = socks5_password_read(seen.at, seen.n, &m, used);
	uint8_t out[2];

	if (state != WIRE_DONE)
		return not_whole(in, state, m.fault, used, reply);
	status.status = !inbound_admits(in, m.user, m.password);
	bytes_add(reply, out, socks5_status_write(out, sizeof(out), &status));
	if (status.status)
		return inbound_wrong_password(in);
	in->stage = request;
	return INBOUND_MORE;
}

/* Tor's own commands are known, but not supported. */
static enum inbound_step request(struct inbound *in, struct wire_span seen, size_t *used,
				 struct bytes *reply)
{
	static const uint8_t commands[] = {
		[SOCKS5_CONNECT] = SOCKS6_CONNECT,
		[SOCKS5_BIND] = SOCKS6_BIND,
		[SOCKS5_UDP_ASSOCIATE] = SOCKS6_UDP_ASSOCIATE,
	};
	struct socks5_request m;
	enum wire_state state = socks5_request_read(seen.at, seen.n, &m, used);

	if (state != WIRE_DONE)
		return not_whole(in, state, m.fault, used, reply);
	if (m.command >= sizeof(commands))
		return inbound_refuse(in, OUTCOME_COMMAND, "Tor's commands are not supported",
				      reply);
	in->request.command = commands[m.command];
	inbound_take_address(in, &m.to);
	return INBOUND_REQUEST;
}

void inbound_reply_socks5(enum outcome outcome, const struct wire_address *bound,
			  struct bytes *reply)
{
	struct socks5_reply m = { .code = outcome_socks5(outcome), .bound = *bound };
	uint8_t out[SOCKS5_MOST_REQUEST];

	bytes_add(reply, out, socks5_reply_write(out, sizeof(out), &m));
}
