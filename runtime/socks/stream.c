#include <config.h>

#include "runtime/socks/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/socks/tls.h"

enum { KEEP_ALIVE_AFTER = 120 }; /* s */

/* ---- plain ---- */

static ssize_t plain_result(ssize_t n)
{
	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EWOULDBLOCK ? STREAM_AGAIN : STREAM_BROKEN;
}

static ssize_t plain_recv(int fd, void *to, size_t room)
{
	ssize_t n;

	do
		n = recv(fd, to, room, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return plain_result(n);
}

static ssize_t plain_send(int fd, const void *from, size_t n)
{
	ssize_t sent;

	do
		sent = send(fd, from, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return plain_result(sent);
}

/* ---- both ---- */

ssize_t stream_recv(struct stream *s, void *to, size_t room)
{
	return s->tls ? tls_recv(s->tls, to, room) : plain_recv(s->fd, to, room);
}

ssize_t stream_send(struct stream *s, const void *from, size_t n)
{
	return s->tls ? tls_send(s->tls, from, n) : plain_send(s->fd, from, n);
}

uint32_t stream_wants(const struct stream *s)
{
	return s->tls ? tls_wants(s->tls) : 0;
}

bool stream_holds(const struct stream *s)
{
	return s->tls && tls_holds(s->tls);
}

int stream_finish(struct stream *s)
{
	int step = s->tls ? tls_finish(s->tls) : 1;

	if (step != 1)
		return step;
	return shutdown(s->fd, SHUT_WR) ? STREAM_BROKEN : 1;
}

static void stream_end(struct stream *s)
{
	if (s->tls)
		tls_free(s->tls);
	s->tls = NULL;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

void stream_close(struct stream *s)
{
	if (s->tls)
		tls_finish(s->tls);
	stream_end(s);
}

void stream_reset(struct stream *s)
{
	struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	if (s->fd >= 0)
		setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	stream_end(s);
}

static void set_number(int fd, int level, int option, int number)
{
	setsockopt(fd, level, option, &number, sizeof(number));
}

void stream_hurry(int fd)
{
	set_number(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

void stream_keep_alive(int fd)
{
	set_number(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_number(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEP_ALIVE_AFTER);
}
