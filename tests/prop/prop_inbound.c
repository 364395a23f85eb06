/* Random conversations of SOCKS5, SOCKS6, `epi` and the PROXY protocol, right ones and changed
 * ones: whatever pieces a client's bytes arrive in, the same comes of them. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/prop/inbound_talk.h"

enum { N_ROUNDS = 12000, N_SPLITS = 4, MOST_STREAM = 4096 };

struct world {
	uint64_t state;
	struct users *users;
	struct sessions *sessions;
	size_t n_checks, n_failures, n_requests, n_changed_requests;
	uint8_t stream[MOST_STREAM];
	size_t n;
};

static size_t draw(struct world *w, size_t n)
{
	w->state ^= w->state << 13;
	w->state ^= w->state >> 7;
	w->state ^= w->state << 17;
	return (size_t)((w->state >> 11) % n);
}

static void check(struct world *w, const char *wrong)
{
	w->n_checks++;
	if (wrong && w->n_failures++ < 20)
		printf("does not hold: %s\n", wrong);
}

/* ---- right conversations ---- */

static uint8_t *rest(struct world *w)
{
	return w->stream + w->n;
}

static size_t room(const struct world *w)
{
	return sizeof(w->stream) - w->n;
}

static struct wire_span text(const char *s)
{
	return (struct wire_span){ (const uint8_t *)s, strlen(s) };
}

static struct wire_address some_address(struct world *w)
{
	static const char *const texts[] = { "192.0.2.1:80", "[2001:db8::1]:443", "h.example:1",
					     "a:65535", "[::ffff:10.0.0.1]:0" };
	const char *chosen = texts[draw(w, 5)];
	struct wire_address a;

	if (!draw(w, 4) || !wire_address_parse(chosen, strlen(chosen), &a))
		return (struct wire_address){ .kind = WIRE_NAME, .name = text("0x7f.1") };
	return a;
}

static struct socks5_password some_password(struct world *w)
{
	return (struct socks5_password){ .user = text("eve"),
					 .password = text(draw(w, 4) ? "secret" : "no") };
}

static void add_socks5(struct world *w)
{
	static const uint8_t methods[] = { 2, 0, 1 };
	static const uint8_t commands[] = { 1, 1, 2, 3, 0xf0 };
	struct socks5_greeting greeting = { .methods = { methods, 1 + draw(w, 3) } };
	struct socks5_password password = some_password(w);
	struct socks5_request request = { .command = commands[draw(w, 5)], .to = some_address(w) };

	w->n += socks5_greeting_write(rest(w), room(w), &greeting);
	if (draw(w, 2))
		w->n += socks5_password_write(rest(w), room(w), &password);
	w->n += socks5_request_write(rest(w), room(w), &request);
}

/* Of a source and a chain; each now and then missing. */
static struct wire_span some_metadata(struct world *w, uint8_t *out, size_t room_out)
{
	struct epi_metadata source = { EPI_SOURCE, text("10.0.0.7:99") };
	struct epi_chain chain = { .n = 2, .index = draw(w, 2) };
	size_t n = 0;

	if (draw(w, 2))
		n += epi_metadata_write(out, room_out, &source);
	for (size_t i = 0; i < 2; i++)
		chain.links[i] = (struct epi_link){ .version = 6, .at = some_address(w) };
	if (draw(w, 2))
		n += epi_chain_write(out + n, room_out - n, &chain);
	return (struct wire_span){ out, n };
}

static void some_options(struct world *w, struct socks6_options *o, uint8_t *password, size_t most)
{
	static const uint8_t methods[] = { 2, 1 }, id[16] = { 1 };
	struct socks5_password p = some_password(w);

	if (draw(w, 2))
		(void)socks6_options_stack(o, SOCKS6_TFO, SOCKS6_REMOTE_LEG, (uint16_t)draw(w, 9));
	if (draw(w, 2)) {
		o->has |= 1u << SOCKS6_METHODS;
		o->methods = (struct wire_span){ methods, draw(w, 3) };
		o->initial_data = (uint16_t)draw(w, 40);
	}
	if (draw(w, 2)) {
		o->n_auth = 1;
		o->auth[0] =
		    (struct socks6_auth_data){ SOCKS_METHOD_PASSWORD,
					       { password,
						 socks5_password_write(password, most, &p) } };
	}
	if (!draw(w, 3)) {
		o->has |= 1u << SOCKS6_SESSION_REQUEST;
		if (draw(w, 2)) {
			o->has |= 1u << SOCKS6_TOKEN_REQUEST;
			o->tokens_wanted = 1 + (uint32_t)draw(w, 3000);
		}
	} else if (!draw(w, 6)) {
		o->has |= 1u << SOCKS6_SESSION_ID;
		o->session_id = (struct wire_span){ id, sizeof(id) };
	}
}

static void add_socks6(struct world *w)
{
	uint8_t password[64], metadata[512];
	struct socks6_request m = { .command = (uint8_t)draw(w, 4), .to = some_address(w) };
	struct socks5_password p = some_password(w);

	if (m.command == SOCKS6_NOOP)
		m.to = wire_any;
	some_options(w, &m.options, password, sizeof(password));
	m.extra = some_metadata(w, metadata, sizeof(metadata));
	w->n += socks6_request_write(rest(w), room(w), &m);
	if (draw(w, 2)) {
		memset(rest(w), 'i', m.options.initial_data);
		w->n += m.options.initial_data;
		w->n += socks5_password_write(rest(w), room(w), &p);
	}
}

static void add_epi(struct world *w)
{
	uint8_t metadata[512];
	struct epi_request m = { .to = some_address(w), .initial_data = (uint16_t)draw(w, 9) };

	m.options = some_metadata(w, metadata, sizeof(metadata));
	w->n += epi_request_write(rest(w), room(w), &m);
}

static void add_proxy(struct world *w)
{
	struct proxy_header h = { .local = !draw(w, 4) };

	(void)wire_address_parse("192.0.2.1:99", 12, &h.source);
	(void)wire_address_parse(draw(w, 2) ? "192.0.2.2:80" : "[2001::1]:80", 12, &h.listener);
	w->n += proxy_header_write(rest(w), room(w), 1 + (int)draw(w, 2), &h);
}

static void add_data(struct world *w)
{
	size_t n = draw(w, 30);

	for (size_t i = 0; i < n; i++)
		w->stream[w->n++] = (uint8_t)draw(w, 256);
}

static void make_stream(struct world *w)
{
	static void (*const makers[])(struct world *) = { add_socks5, add_socks6, add_epi,
							  add_proxy };

	w->n = 0;
	makers[draw(w, 4)](w);
	add_data(w);
}

/* ---- changes ---- */

static void change(struct world *w)
{
	size_t at = draw(w, w->n), n = 1 + draw(w, 4);

	switch (draw(w, 4)) {
	case 0:
		w->stream[at] = (uint8_t)draw(w, draw(w, 2) ? 8 : 256);
		return;
	case 1:
		w->n = at + 1;
		return;
	case 2:
		n = n < w->n - at ? n : w->n - at - 1;
		memmove(w->stream + at, w->stream + at + n, w->n - at - n);
		w->n -= n;
		return;
	default:
		w->stream[at] ^= (uint8_t)(1 << draw(w, 8));
		return;
	}
}

/* ---- rounds ---- */

static struct inbound_settings some_settings(struct world *w)
{
	return (struct inbound_settings){
		.socks5 = draw(w, 4),
		.socks6 = draw(w, 4),
		.epi = draw(w, 2),
		.proxy = draw(w, 2),
		.trusted = draw(w, 2),
		.users = draw(w, 3) ? NULL : w->users,
		.sessions = draw(w, 2) ? NULL : w->sessions,
	};
}

static enum inbound_step try_splits(struct world *w)
{
	struct inbound_settings s = some_settings(w);
	struct talk whole, pieces;

	check(w, talk_run(&s, w->stream, w->n, 0, 0, &whole));
	for (int i = 0; i < N_SPLITS; i++) {
		size_t largest = i ? 1 + draw(w, 60) : 1;

		check(w, talk_run(&s, w->stream, w->n, w->state, largest, &pieces));
		check(w, talk_differs(&s, &whole, &pieces));
	}
	return whole.step;
}

static void round_of(struct world *w)
{
	make_stream(w);
	w->n_requests += try_splits(w) == INBOUND_REQUEST;
	for (size_t n = 1 + draw(w, 3); n && w->n; n--)
		change(w);
	w->n_changed_requests += try_splits(w) == INBOUND_REQUEST;
	check(w, proxy_header_wrong(w->stream, w->n));
}

static struct users *make_users(void)
{
	char path[] = "/tmp/epic-users-XXXXXX", why[256];
	int fd = mkstemp(path);
	struct users *u = NULL;

	if (fd >= 0 && write(fd, "eve:secret\n", 11) == 11)
		u = users_open(path, why, sizeof(why));
	if (fd >= 0) {
		close(fd);
		unlink(path);
	}
	return u;
}

int main(void)
{
	const char *scale = getenv("EPIC_TEST_SCALE");
	long divisor = scale ? strtol(scale, NULL, 10) : 1;
	static struct world w = { .state = 20261121 };

	divisor = divisor > 0 ? divisor : 1;
	w.users = make_users();
	w.sessions = sessions_open(16);
	if (!w.users || !w.sessions)
		return 1;
	for (long i = 0; i < N_ROUNDS / divisor; i++)
		round_of(&w);
	printf("%zu checks, %zu failed; %zu requests, %zu changed ones\n", w.n_checks, w.n_failures,
	       w.n_requests, w.n_changed_requests);
	users_drop(w.users);
	sessions_close(w.sessions);
	return w.n_failures || !w.n_requests || !w.n_changed_requests ? 1 : 0;
}
