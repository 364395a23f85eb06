#include <config.h>

#include "runtime/socks/functions/key_fetch.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/socks/functions/key_lines.h"
#include "runtime/socks/functions/key_thread.h"
#include "runtime/socks/stream.h"

struct fetch {
	const struct key_broker_at *broker;
	struct stream stream;
	int stop;
	int64_t due;
	struct key_error *error;
};

/* Always false. */
static bool refuse(const struct fetch *f, const char *what)
{
	snprintf(f->error->text, sizeof(f->error->text), "%.200s", what);
	return false;
}

/* Until the stream is ready for EVENTS; false: time is up, or it is to stop. */
static bool wait_for(struct fetch *f, uint32_t events)
{
	struct pollfd polled[2] = { { f->stream.fd, (short)events, 0 }, { f->stop, POLLIN, 0 } };
	int64_t left;

	do {
		left = f->due - key_thread_now();
		if (left <= 0)
			return refuse(f, "the broker takes too long");
	} while (poll(polled, 2, (int)left) < 0 && errno == EINTR);
	if (polled[1].revents)
		return refuse(f, "stopped");
	return polled[0].revents || refuse(f, "the broker takes too long");
}

static bool connect_to(struct fetch *f)
{
	const struct sockaddr *address = (const struct sockaddr *)&f->broker->address;
	int problem = 0;
	socklen_t size = sizeof(problem);

	f->stream.fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (f->stream.fd < 0)
		return refuse(f, strerror(errno));
	if (connect(f->stream.fd, address, f->broker->size) < 0) {
		if (errno != EINPROGRESS)
			return refuse(f, strerror(errno));
		if (!wait_for(f, POLLOUT))
			return false;
		if (getsockopt(f->stream.fd, SOL_SOCKET, SO_ERROR, &problem, &size) < 0 || problem)
			return refuse(f, strerror(problem ? problem : errno));
	}
	if (!f->broker->tls && !key_peer_is_own(f->stream.fd))
		return refuse(f, "the broker is of another user");
	return true;
}

static bool shake(struct fetch *f)
{
	struct tls_error problem;
	int state;

	if (!f->broker->tls)
		return true;
	if (!stream_tls_connect(&f->stream, f->broker->tls, f->broker->name))
		return refuse(f, "memory is exhausted");
	while ((state = stream_shake(&f->stream, &problem)) == STREAM_AGAIN) {
		uint32_t wants = stream_wants(&f->stream);

		if (!wait_for(f, wants ? wants : POLLIN))
			return false;
	}
	return state == 1 || refuse(f, problem.text);
}

static bool ask(struct fetch *f)
{
	static const char request[] = KEY_REQUEST;
	size_t sent = 0;

	while (sent < sizeof(request) - 1) {
		ssize_t n = stream_send(&f->stream, request + sent, sizeof(request) - 1 - sent);

		if (n > 0)
			sent += (size_t)n;
		else if (n != STREAM_AGAIN)
			return refuse(f, "the broker ended the connection");
		else if (!wait_for(f, POLLOUT | stream_wants(&f->stream)))
			return false;
	}
	return true;
}

static bool hear(struct fetch *f, struct key_set *set, int64_t *refresh,
		 char answer[KEY_ANSWER_ROOM])
{
	enum key_answer state = KEY_ANSWER_MORE;
	size_t have = 0;

	while (state == KEY_ANSWER_MORE) {
		ssize_t n = stream_recv(&f->stream, answer + have, KEY_ANSWER_ROOM - have);

		if (n > 0) {
			have += (size_t)n;
			state = key_answer_read(answer, have, set, refresh, f->error);
		} else if (n != STREAM_AGAIN) {
			return refuse(f, have ? "the broker's answer was cut"
					      : "the broker ended the connection without an "
						"answer; does it allow this client?");
		} else if (!wait_for(f, POLLIN | stream_wants(&f->stream))) {
			return false;
		}
	}
	return state == KEY_ANSWER_DONE;
}

bool key_fetch(const struct key_broker_at *broker, int stop, struct key_set *set, int64_t *refresh,
	       struct key_error *error)
{
	struct fetch f = { .broker = broker,
			   .stream = { .fd = -1 },
			   .stop = stop,
			   .due = key_thread_now() + KEY_FETCH_PATIENCE,
			   .error = error };
	char answer[KEY_ANSWER_ROOM];
	bool ok = connect_to(&f) && shake(&f) && ask(&f) && hear(&f, set, refresh, answer);

	if (f.stream.fd >= 0)
		stream_close(&f.stream);
	OPENSSL_cleanse(answer, sizeof(answer));
	if (!ok)
		key_set_wipe(set);
	return ok;
}

bool key_peer_is_own(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       (peer.uid == geteuid() || peer.uid == 0);
}
