#include <config.h>

#include "tests/unit/relay_bed.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE = 10, SMALL_BUFFER = 4096 };

/* ---- the loop's thread ---- */

static void *run(void *arg)
{
	loop_run(arg);
	return NULL;
}

bool bed_open(struct bed *b)
{
	signal(SIGPIPE, SIG_IGN);
	b->loop = loop_open();
	b->pool = b->loop ? relay_pool_open(b->loop) : NULL;
	return b->pool && !pthread_create(&b->thread, NULL, run, b->loop);
}

void bed_close(struct bed *b)
{
	loop_end(b->loop);
	pthread_join(b->thread, NULL);
	relay_pool_close(b->pool);
	loop_close(b->loop);
}

struct deed {
	struct work work;
	void (*run)(void *arg);
	void *arg;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool done;
};

static void deed_run(struct work *work)
{
	struct deed *d = (struct deed *)work;

	d->run(d->arg);
	pthread_mutex_lock(&d->lock);
	d->done = true;
	pthread_cond_signal(&d->changed);
	pthread_mutex_unlock(&d->lock);
}

void bed_do(struct bed *b, void (*deed)(void *arg), void *arg)
{
	struct deed d = { .work.run = deed_run, .run = deed, .arg = arg };

	pthread_mutex_init(&d.lock, NULL);
	pthread_cond_init(&d.changed, NULL);
	loop_post(b->loop, &d.work);
	pthread_mutex_lock(&d.lock);
	while (!d.done)
		pthread_cond_wait(&d.changed, &d.lock);
	pthread_mutex_unlock(&d.lock);
	pthread_mutex_destroy(&d.lock);
	pthread_cond_destroy(&d.changed);
}

/* ---- sockets ---- */

static void small_buffers(int fd)
{
	int n = SMALL_BUFFER;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &n, sizeof(n));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &n, sizeof(n));
}

static bool tcp_pair(bool small, int fds[2])
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (small) {
		small_buffers(listener);
		small_buffers(fds[0]);
	}
	if (bind(listener, (struct sockaddr *)&at, n) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&at, &n) ||
	    connect(fds[0], (struct sockaddr *)&at, n))
		return false;
	fds[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	close(listener);
	stream_hurry(fds[0]);
	stream_hurry(fds[1]);
	return fds[1] >= 0;
}

bool bed_pair(enum bed_sockets kind, int *far, int *near)
{
	struct timeval patience = { .tv_sec = PATIENCE };
	int fds[2];

	if (kind == BED_UNIX ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0
			     : !tcp_pair(kind == BED_SMALL, fds))
		return false;
	*far = fds[0];
	*near = fds[1];
	setsockopt(*far, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(*far, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	return fcntl(*near, F_SETFL, O_NONBLOCK) == 0;
}

bool bed_write(int fd, const void *bytes, size_t n)
{
	size_t sent = 0;

	while (sent < n) {
		ssize_t m = send(fd, (const char *)bytes + sent, n - sent, MSG_NOSIGNAL);

		if (m <= 0)
			return false;
		sent += (size_t)m;
	}
	return true;
}

ssize_t bed_read_all(int fd, void *to, size_t room)
{
	size_t got = 0;

	for (;;) {
		ssize_t n = recv(fd, (char *)to + got, room - got, 0);

		if (n < 0)
			return -1;
		if (!n)
			return (ssize_t)got;
		got += (size_t)n;
	}
}

bool bed_read(int fd, void *to, size_t n)
{
	return recv(fd, to, n, MSG_WAITALL) == (ssize_t)n;
}

void bed_reset(int *fd)
{
	struct linger at_once = { .l_onoff = 1 };

	setsockopt(*fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(*fd);
	*fd = -1;
}

void bed_shut(int fd)
{
	shutdown(fd, SHUT_WR);
}

/* ---- relays ---- */

static void over(void *arg, enum relay_end end, const char *why, struct stream *client)
{
	struct bed_relay *b = arg;

	pthread_mutex_lock(&b->lock);
	b->over = true;
	b->end = end;
	b->relay = NULL;
	snprintf(b->why, sizeof(b->why), "%s", why);
	b->returned = client ? client->fd : -1;
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
}

bool bed_ready(struct bed_relay *b, struct bed *bed, enum bed_sockets kind)
{
	memset(b, 0, sizeof(*b));
	b->bed = bed;
	b->returned = -1;
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->changed, NULL);
	b->start.done = over;
	b->start.arg = b;
	return bed_pair(kind, &b->client, &b->start.client.fd) &&
	       bed_pair(kind, &b->server, &b->start.server.fd);
}

void bed_stage(struct bed_relay *b, const struct function_class *class, void *state)
{
	struct relay_start *s = &b->start;

	s->stages = realloc(s->stages, (s->n_stages + 1) * sizeof(*s->stages));
	s->stages[s->n_stages++] = (struct stage){ .class = class, .state = state };
	if (!s->wake)
		s->wake = relay_wake_make(b->bed->loop);
}

static void start(void *arg)
{
	struct bed_relay *b = arg;

	b->relay = relay_start(b->bed->pool, &b->start);
}

void bed_start(struct bed_relay *b)
{
	bed_do(b->bed, start, b);
}

bool bed_over(struct bed_relay *b)
{
	bool is_over;

	pthread_mutex_lock(&b->lock);
	is_over = b->over;
	pthread_mutex_unlock(&b->lock);
	return is_over;
}

bool bed_wait_over(struct bed_relay *b)
{
	struct timespec until;
	bool is_over;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE;
	pthread_mutex_lock(&b->lock);
	while (!b->over)
		if (pthread_cond_timedwait(&b->changed, &b->lock, &until))
			break;
	is_over = b->over;
	pthread_mutex_unlock(&b->lock);
	return is_over;
}

static void stop(void *arg)
{
	struct bed_relay *b = arg;

	if (b->relay)
		relay_stop(b->relay, true);
	b->relay = NULL;
}

void bed_done(struct bed_relay *b)
{
	bed_do(b->bed, stop, b);
	if (b->client >= 0)
		close(b->client);
	if (b->server >= 0)
		close(b->server);
	if (b->returned >= 0)
		close(b->returned);
	pthread_mutex_destroy(&b->lock);
	pthread_cond_destroy(&b->changed);
}

struct moved {
	struct bed_relay *b;
	enum way way;
	uint64_t n;
};

static void moved(void *arg)
{
	struct moved *m = arg;

	m->n = m->b->relay ? relay_bytes(m->b->relay, m->way) : 0;
}

uint64_t bed_moved(struct bed_relay *b, enum way way)
{
	struct moved m = { .b = b, .way = way };

	bed_do(b->bed, moved, &m);
	return m.n;
}
