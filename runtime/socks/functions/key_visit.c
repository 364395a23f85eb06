#include <config.h>

#include "runtime/socks/functions/key_visit.h"

#include <openssl/crypto.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/socks/functions/key_fetch.h"

struct key_visit *key_visit_open(int fd, struct tls_side *side, int64_t now)
{
	struct key_visit *v = calloc(1, sizeof(*v));

	if (!v) {
		close(fd);
		return NULL;
	}
	v->stream.fd = fd;
	v->tls = side;
	v->due = now + KEY_VISIT_PATIENCE;
	v->state = side ? KEY_VISIT_SHAKES : KEY_VISIT_ASKS;
	if (side ? stream_tls_accept(&v->stream, side) : key_peer_is_own(fd))
		return v;
	key_visit_close(v);
	return NULL;
}

void key_visit_close(struct key_visit *v)
{
	stream_close(&v->stream);
	OPENSSL_cleanse(v, sizeof(*v));
	free(v);
}

short key_visit_events(const struct key_visit *v)
{
	uint32_t wants = stream_wants(&v->stream);

	if (v->state == KEY_VISIT_SHAKES)
		return (short)(wants ? wants : POLLIN);
	return (short)(wants | (v->state == KEY_VISIT_HEARS ? POLLOUT : POLLIN));
}

static void shake(struct key_visit *v)
{
	struct tls_error problem;
	int done = stream_shake(&v->stream, &problem);

	if (done == 1)
		v->state = KEY_VISIT_ASKS;
	else if (done != STREAM_AGAIN)
		v->state = KEY_VISIT_OVER;
}

/* False: there is nothing more to take now. */
static bool hear(struct key_visit *v)
{
	ssize_t n =
	    stream_recv(&v->stream, v->request + v->n_request, sizeof(v->request) - v->n_request);

	if (n == STREAM_AGAIN)
		return false;
	v->state = KEY_VISIT_OVER;
	if (n <= 0)
		return false;
	v->n_request += (size_t)n;
	switch (key_request_read(v->request, v->n_request)) {
	case KEY_ANSWER_MORE:
		v->state = KEY_VISIT_ASKS;
		return true;
	case KEY_ANSWER_DONE:
		v->state = KEY_VISIT_ASKED;
		return false;
	case KEY_ANSWER_BAD:
		break;
	}
	return false;
}

static void tell(struct key_visit *v)
{
	while (v->sent < v->n_answer) {
		ssize_t n = stream_send(&v->stream, v->answer + v->sent, v->n_answer - v->sent);

		if (n == STREAM_AGAIN)
			return;
		if (n <= 0)
			break;
		v->sent += (size_t)n;
	}
	if (v->sent == v->n_answer)
		stream_finish(&v->stream);
	v->state = KEY_VISIT_OVER;
}

void key_visit_go(struct key_visit *v)
{
	if (v->state == KEY_VISIT_SHAKES)
		shake(v);
	while (v->state == KEY_VISIT_ASKS && hear(v))
		;
	if (v->state == KEY_VISIT_HEARS)
		tell(v);
}

bool key_visit_peer(const struct key_visit *v, char peer[KEY_PEER_ROOM])
{
	peer[0] = '\0';
	return !v->tls || stream_peer(&v->stream, peer, KEY_PEER_ROOM);
}
