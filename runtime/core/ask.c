/* The client's side of control.h. */
#include <config.h>

#include "runtime/core/control.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "runtime/core/listener.h"

enum { HEAD = 32, CHUNK = 65536, PAUSE = 10 /* ms */ };

struct question {
	const char *path;
	uint64_t deadline; /* ms */
	int fd;
	char head[HEAD]; /* of the answer, with its LF */
	size_t n_head, length;
	bool head_done, ok;
	struct text *answer;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Always false. */
static bool fail(struct question *q, const char *what)
{
	text_free(q->answer);
	text_printf(q->answer, "%s: %s", q->path, what);
	return false;
}

static bool wait_for(struct question *q, short events)
{
	struct pollfd p = { q->fd, events, 0 };
	uint64_t now = now_ms();
	int n = now < q->deadline ? poll(&p, 1, (int)(q->deadline - now)) : 0;

	if (n > 0)
		return true;
	if (n < 0)
		return fail(q, strerror(errno));
	return fail(q, "no answer in time");
}

/* Where too many wait to be accepted, the kernel says EAGAIN instead of letting us wait. */
static bool connect_to(struct question *q)
{
	struct control_error error;
	struct sockaddr_un address;

	if (!listener_address(q->path, &address, &error)) {
		text_free(q->answer);
		text_puts(q->answer, error.text);
		return false;
	}
	while (connect(q->fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		if (errno == ECONNREFUSED)
			return fail(q, "nobody serves this socket any more");
		if (errno != EAGAIN && errno != EINTR)
			return fail(q, strerror(errno));
		if (now_ms() >= q->deadline)
			return fail(q, "no answer in time");
		poll(NULL, 0, PAUSE);
	}
	return true;
}

static bool send_line(struct question *q, const char *line)
{
	struct text request = { 0 };
	size_t sent = 0;
	bool ok = true;

	text_printf(&request, "%s\n", line);
	if (request.failed)
		ok = fail(q, "memory is exhausted");
	while (ok && sent < request.n) {
		ssize_t n =
		    send(q->fd, request.at + sent, request.n - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0)
			sent += (size_t)n;
		else if (errno == EAGAIN)
			ok = wait_for(q, POLLOUT);
		else if (errno == EPIPE || errno == ECONNRESET)
			break; /* it may have said why */
		else if (errno != EINTR)
			ok = fail(q, strerror(errno));
	}
	text_free(&request);
	return ok;
}

/* Takes the head out of *BYTES; false: it is none. */
static bool take_head(struct question *q, const char **bytes, size_t *n)
{
	char word[8], lf;

	while (*n && !q->head_done && q->n_head < HEAD - 1) {
		q->head[q->n_head++] = **bytes;
		q->head_done = **bytes == '\n';
		++*bytes;
		--*n;
	}
	if (!q->head_done)
		return q->n_head < HEAD - 1 || fail(q, "the answer does not begin as one");
	q->head[q->n_head] = '\0';
	if (sscanf(q->head, "%7[a-z] %zu%c", word, &q->length, &lf) != 3 || lf != '\n')
		return fail(q, "the answer does not begin as one");
	q->ok = !strcmp(word, "ok");
	return q->ok || !strcmp(word, "error") || fail(q, "the answer does not begin as one");
}

static bool take(struct question *q, const char *bytes, size_t n)
{
	if (!q->head_done && !take_head(q, &bytes, &n))
		return false;
	if (n > q->length - q->answer->n && q->head_done)
		return fail(q, "the answer is longer than it said");
	text_add(q->answer, bytes, n);
	return !q->answer->failed || fail(q, "memory is exhausted");
}

static bool receive_answer(struct question *q)
{
	char chunk[CHUNK];

	text_puts(q->answer, "");
	while (!q->head_done || q->answer->n < q->length) {
		ssize_t n = recv(q->fd, chunk, sizeof(chunk), MSG_DONTWAIT);

		if (n > 0) {
			if (!take(q, chunk, (size_t)n))
				return false;
		} else if (n == 0) {
			return fail(q, "the connection ended within the answer");
		} else if (errno == EAGAIN) {
			if (!wait_for(q, POLLIN))
				return false;
		} else if (errno != EINTR) {
			return fail(q, strerror(errno));
		}
	}
	return q->ok;
}

bool control_ask(const char *path, const char *line, int seconds, struct text *answer)
{
	struct question q = { .path = path, .answer = answer };
	bool ok;

	q.deadline = now_ms() + (uint64_t)(seconds > 0 ? seconds : 0) * 1000;
	text_free(answer);
	if (strchr(line, '\n') || strlen(line) >= CONTROL_LINE)
		return fail(&q, "a request is one line of bounded length");
	q.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (q.fd < 0)
		return fail(&q, strerror(errno));
	ok = connect_to(&q) && send_line(&q, line) && receive_answer(&q);
	close(q.fd);
	return ok;
}

char *control_path(const char *name)
{
	const char *folder = getenv("XDG_RUNTIME_DIR");
	struct text path = { 0 };

	if (geteuid() == 0)
		text_printf(&path, "/run/epic/%s.sock", name);
	else if (folder && *folder)
		text_printf(&path, "%s/epic/%s.sock", folder, name);
	else
		text_printf(&path, "/run/user/%u/epic/%s.sock", (unsigned)geteuid(), name);
	return path.at;
}
