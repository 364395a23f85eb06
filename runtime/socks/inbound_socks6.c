#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "runtime/socks/inbound_own.h"
#include "runtime/socks/sessions.h"

enum { ROOM = 512 }; /* for any reply: a session ID, a window, all stack options */

static inbound_stage initial_data, dialogue;

/* ---- replies ---- */

void inbound_welcome(struct inbound *in, uint8_t type, const struct socks6_options *options,
		     struct bytes *reply)
{
	struct socks6_auth m = { .type = type };
	uint8_t out[ROOM];

	if (options)
		m.options = *options;
	bytes_add(reply, out, socks6_auth_write(out, sizeof(out), &m));
	in->welcomed = true;
}

void inbound_reply_socks6(const struct inbound *in, enum outcome outcome,
			  const struct wire_address *bound, uint32_t done, struct bytes *reply)
{
	struct socks6_operation m = { .code = outcome_socks6(outcome), .bound = *bound };
	uint8_t out[ROOM];

	for (int k = 0; k < SOCKS6_N_STACK; k++)
		if (done >> k & 1)
			m.options.stack[k] = in->options.stack[k];
	bytes_add(reply, out, socks6_operation_write(out, sizeof(out), &m));
}

static void set(struct socks6_options *o, int kind)
{
	o->has |= UINT32_C(1) << kind;
}

static void add_status(struct socks6_options *o, const uint8_t status[2])
{
	o->n_auth = 1;
	o->auth[0] = (struct socks6_auth_data){ SOCKS_METHOD_PASSWORD, { status, 2 } };
}

static enum inbound_step fail(struct inbound *in, const struct socks6_options *options,
			      const char *why, struct bytes *reply)
{
	inbound_welcome(in, SOCKS6_AUTH_FAILURE, options, reply);
	return inbound_deny(in, why);
}

/* ---- sessions, once it is known who it is ---- */

static void add_window(struct socks6_options *o, const struct session_grant *grant)
{
	if (!grant->window_size)
		return;
	set(o, SOCKS6_TOKEN_WINDOW);
	o->window_base = grant->window_base;
	o->window_size = grant->window_size;
}

static enum inbound_step enter_session(struct inbound *in, struct wire_span id, struct bytes *reply)
{
	const struct socks6_options *asked = &in->options;
	bool spends = socks6_has(asked, SOCKS6_TOKEN_SPEND);
	struct socks6_options o = { 0 };
	struct session_grant grant;

	if (!sessions_enter(in->settings->sessions, in->settings->users, id, asked->tokens_wanted,
			    spends ? &asked->token : NULL, &grant)) {
		set(&o, SOCKS6_SESSION_INVALID);
		return fail(in, &o, "there is no such session", reply);
	}
	memcpy(in->user, grant.user, sizeof(in->user));
	set(&o, SOCKS6_SESSION_OK);
	add_window(&o, &grant);
	if (spends)
		set(&o, grant.rejected ? SOCKS6_TOKEN_REJECTED : SOCKS6_TOKEN_ACCEPTED);
	if (grant.rejected)
		return fail(in, &o, "the token is spent, or outside of the window", reply);
	inbound_welcome(in, SOCKS6_AUTH_SUCCESS, &o, reply);
	return INBOUND_REQUEST;
}

/* A request that is not within a session, but may begin one.  Who spends a token there has not got
 * it from us. */
static enum inbound_step accept_client(struct inbound *in, struct socks6_options *o,
				       struct bytes *reply)
{
	const struct socks6_options *asked = &in->options;
	struct session_grant grant;

	if (socks6_has(asked, SOCKS6_TOKEN_SPEND)) {
		set(o, SOCKS6_TOKEN_REJECTED);
		return fail(in, o, "a token before its session", reply);
	}
	if (socks6_has(asked, SOCKS6_SESSION_REQUEST) &&
	    sessions_begin(in->settings->sessions, in->settings->users, in->user,
			   asked->tokens_wanted, &grant)) {
		set(o, SOCKS6_SESSION_ID);
		o->session_id = (struct wire_span){ grant.id, sizeof(grant.id) };
		add_window(o, &grant);
	}
	inbound_welcome(in, SOCKS6_AUTH_SUCCESS, o, reply);
	return INBOUND_REQUEST;
}

/* ---- who it is ---- */

static enum inbound_step check_data(struct inbound *in, const struct socks5_password *p,
				    struct bytes *reply)
{
	uint8_t status[2] = { 1, 0 };
	struct socks6_options o = { 0 };

	add_status(&o, status);
	if (inbound_admits(in, p->user, p->password))
		return accept_client(in, &o, reply);
	status[1] = 1;
	inbound_welcome(in, SOCKS6_AUTH_FAILURE, &o, reply);
	return inbound_wrong_password(in);
}

/* The client has nothing to show yet.  What it sends before the dialogue is the application's. */
static enum inbound_step ask_back(struct inbound *in, const struct socks6_options *asked,
				  struct bytes *reply)
{
	struct socks6_options o = { .method = SOCKS_METHOD_UNACCEPTABLE };
	struct wire_span methods = asked->methods;

	set(&o, SOCKS6_METHOD);
	if (!methods.n || !memchr(methods.at, SOCKS_METHOD_PASSWORD, methods.n))
		return fail(in, &o, "the client offers no password", reply);
	in->held_wanted = in->request.initial_data;
	in->request.initial_data = 0;
	in->held = in->held_wanted ? malloc(in->held_wanted) : NULL;
	if (in->held_wanted && !in->held)
		return fail(in, &o, "out of memory", reply);
	o.method = SOCKS_METHOD_PASSWORD;
	inbound_welcome(in, SOCKS6_AUTH_FAILURE, &o, reply);
	in->stage = initial_data;
	return INBOUND_MORE;
}

/* "The proxy MUST treat the session-terminating request as if it were not part of any session." */
static enum inbound_step identify(struct inbound *in, const struct socks6_options *asked,
				  struct bytes *reply)
{
	struct socks6_options o = { 0 };
	struct socks5_password p;

	if (socks6_has(asked, SOCKS6_SESSION_TEARDOWN))
		sessions_forget(in->settings->sessions, asked->session_id);
	else if (socks6_has(asked, SOCKS6_SESSION_ID))
		return enter_session(in, asked->session_id, reply);
	if (!in->settings->users)
		return accept_client(in, &o, reply);
	if (socks6_password_of(asked, &p))
		return check_data(in, &p, reply);
	return ask_back(in, asked, reply);
}

/* ---- the request ---- */

/* What stays of the options points to nothing. */
static void take_options(struct inbound *in, const struct socks6_options *o)
{
	in->options = *o;
	in->options.methods = in->options.session_id = (struct wire_span){ NULL, 0 };
	in->options.n_auth = 0;
	memset(in->options.auth, 0, sizeof(in->options.auth));
	in->request.options = &in->options;
}

enum inbound_step inbound_request6(struct inbound *in, struct wire_span seen, size_t *used,
				   struct bytes *reply)
{
	struct socks6_request m;
	enum wire_state state = socks6_request_read(seen.at, seen.n, &m, used);
	enum wire_fault fault = m.fault;

	if (state == WIRE_DONE)
		fault = inbound_take_metadata(in, m.raw);
	if (fault || state == WIRE_MORE)
		*used = 0;
	if (fault)
		return inbound_fault(in, fault, reply);
	if (state == WIRE_MORE)
		return INBOUND_MORE;
	if (!in->settings->sessions) {
		socks6_options_drop(&m.options, SOCKS6_SESSIONS);
		socks6_options_drop(&m.options, SOCKS6_TOKENS);
	}
	in->request.command = m.command;
	in->request.initial_data = m.command == SOCKS6_CONNECT ? m.options.initial_data : 0;
	inbound_take_address(in, &m.to);
	take_options(in, &m.options);
	return identify(in, &m.options, reply);
}

/* ---- RFC 1929 after the request ---- */

static enum inbound_step initial_data(struct inbound *in, struct wire_span seen, size_t *used,
				      struct bytes *reply)
{
	size_t missing = in->held_wanted - in->n_held, n = seen.n < missing ? seen.n : missing;

	(void)reply;
	if (n)
		memcpy(in->held + in->n_held, seen.at, n);
	in->n_held += n;
	*used = n;
	if (n == missing)
		in->stage = dialogue;
	return INBOUND_MORE;
}

static enum inbound_step dialogue(struct inbound *in, struct wire_span seen, size_t *used,
				  struct bytes *reply)
{
	struct socks5_password p;
	enum wire_state state = socks5_password_read(seen.at, seen.n, &p, used);
	struct socks5_status status = { .status = 0 };
	struct socks6_options o = { 0 };
	uint8_t out[2];

	if (state == WIRE_MORE)
		*used = 0;
	if (state == WIRE_MORE)
		return INBOUND_MORE;
	status.status = state == WIRE_BAD || !inbound_admits(in, p.user, p.password);
	bytes_add(reply, out, socks5_status_write(out, sizeof(out), &status));
	if (!status.status) {
		in->request.held = (struct wire_span){ in->held, in->n_held };
		return accept_client(in, &o, reply);
	}
	inbound_welcome(in, SOCKS6_AUTH_FAILURE, NULL, reply);
	if (state == WIRE_BAD)
		return inbound_end(in, "%s", wire_fault_text(p.fault));
	return inbound_wrong_password(in);
}
