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

enum {
	PATIENCE = CONTROL_PATIENCE * 1000, /* ms */
	SILENCE = 1000, /* ms after which a client must make room for another, if there is none */
	REST = 100      /* ms without accepting, when there was no file descriptor */
};

struct client {
	int fd;
	char line[CONTROL_LINE];
	size_t n_line;
	char head[32]; /* of the answer */
	struct text answer;
	size_t sent;     /* of head and answer */
	bool answering;  /* not all is sent */
	bool last;       /* closed behind this answer */
	bool ended;      /* sends nothing more */
	uint64_t active; /* ms: when it last sent or took something */
	uint64_t since;  /* ms: when the half line began; when the answer last went on */
};

struct control {
	struct listener listener;
	const struct control_command *commands;
	void *arg;
	struct client clients[CONTROL_CLIENTS];
	size_t n_clients;
	uint64_t rests; /* ms: accepts nobody before */
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct control *control_open(const char *path, const struct control_command *commands, void *arg,
			     struct control_error *error)
{
	struct control *c = calloc(1, sizeof(*c));

	if (!c) {
		snprintf(error->text, sizeof(error->text), "memory is exhausted");
		return NULL;
	}
	if (!listener_open(&c->listener, path, error)) {
		free(c);
		return NULL;
	}
	c->commands = commands;
	c->arg = arg;
	return c;
}

/* ---- one request ---- */

static void list_commands(const struct control *c, struct text *answer)
{
	text_printf(answer, "%-12s %s\n", "help", "this list");
	for (const struct control_command *k = c->commands; k->name; k++)
		text_printf(answer, "%-12s %s\n", k->name, k->summary);
}

/* Always false.  The name comes from outside and goes to a terminal. */
static bool refuse_command(const char *name, struct text *answer)
{
	text_puts(answer, "there is no command '");
	for (size_t i = 0; name[i] && i < 40; i++)
		text_printf(answer, "%c", name[i] >= ' ' && name[i] <= '~' ? name[i] : '?');
	text_puts(answer, "'; help lists them");
	return false;
}

/* LINE without its LF, ended by NUL; it is cut in two. */
static bool run_line(struct control *c, char *line, struct text *answer)
{
	char *argument = line + strcspn(line, " ");

	if (*argument)
		*argument++ = '\0';
	argument += strspn(argument, " ");
	for (const struct control_command *k = c->commands; k->name; k++)
		if (!strcmp(k->name, line))
			return k->run(c->arg, argument, answer);
	if (strcmp(line, "help"))
		return refuse_command(line, answer);
	list_commands(c, answer);
	return true;
}

static void begin_answer(struct client *cl, bool ok, uint64_t now)
{
	if (cl->answer.failed) {
		text_free(&cl->answer);
		text_puts(&cl->answer, "memory is exhausted");
		ok = false;
	}
	snprintf(cl->head, sizeof(cl->head), "%s %zu\n", ok ? "ok" : "error", cl->answer.n);
	cl->sent = 0;
	cl->answering = true;
	cl->since = now;
}

/* Takes the first N bytes, a line with its LF, out of the buffer and answers them. */
static void answer_line(struct control *c, struct client *cl, size_t n, uint64_t now)
{
	bool ok;

	cl->line[n - 1] = '\0';
	if (strlen(cl->line) == n - 1) {
		ok = run_line(c, cl->line, &cl->answer);
	} else {
		text_puts(&cl->answer, "the line has a NUL");
		ok = false;
	}
	cl->n_line -= n;
	memmove(cl->line, cl->line + n, cl->n_line);
	begin_answer(cl, ok, now);
}

static void answer_too_long(struct client *cl, uint64_t now)
{
	text_printf(&cl->answer, "a line has at most %d bytes", CONTROL_LINE);
	cl->last = true;
	begin_answer(cl, false, now);
}

/* ---- one client; false: it is to be closed ---- */

static bool client_send(struct client *cl, uint64_t now)
{
	size_t head = strlen(cl->head), sent = cl->sent;
	size_t in_head = sent < head ? sent : head, in_answer = sent - in_head;
	struct iovec parts[2] = { { cl->head + in_head, head - in_head },
				  { cl->answer.at ? cl->answer.at + in_answer : NULL,
				    cl->answer.n - in_answer } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t n = sendmsg(cl->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	cl->sent += (size_t)n;
	cl->active = cl->since = now;
	if (cl->sent < head + cl->answer.n)
		return true;
	cl->answering = false;
	text_free(&cl->answer);
	return true;
}

static bool client_receive(struct client *cl, uint64_t now)
{
	ssize_t n =
	    recv(cl->fd, cl->line + cl->n_line, sizeof(cl->line) - cl->n_line, MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	cl->ended = n == 0;
	if (!cl->n_line)
		cl->since = now; /* from here on it has this long to end its line */
	cl->n_line += (size_t)n;
	cl->active = now;
	return true;
}

static bool answer_next(struct control *c, struct client *cl, uint64_t now)
{
	const char *end = memchr(cl->line, '\n', cl->n_line);

	if (end)
		answer_line(c, cl, (size_t)(end - cl->line) + 1, now);
	else if (cl->n_line == sizeof(cl->line))
		answer_too_long(cl, now);
	else
		return false;
	return true;
}

static bool client_serve(struct control *c, struct client *cl, uint64_t now)
{
	if (cl->answering && !client_send(cl, now))
		return false;
	if (!cl->answering && !cl->ended && !cl->last && !client_receive(cl, now))
		return false;
	while (!cl->answering && !cl->last && answer_next(c, cl, now))
		if (!client_send(cl, now))
			return false;
	return cl->answering || (!cl->ended && !cl->last);
}

static bool is_stuck(const struct client *cl, uint64_t now)
{
	return (cl->answering || cl->n_line) && now - cl->since >= PATIENCE;
}

static void client_drop(struct control *c, size_t i)
{
	close(c->clients[i].fd);
	text_free(&c->clients[i].answer);
	c->n_clients--;
	if (i < c->n_clients)
		c->clients[i] = c->clients[c->n_clients];
}

/* ---- all of them ---- */

static size_t longest_silent(const struct control *c)
{
	size_t found = 0;

	for (size_t i = 1; i < c->n_clients; i++)
		if (c->clients[i].active < c->clients[found].active)
			found = i;
	return found;
}

static bool may_accept(const struct control *c, uint64_t now)
{
	if (now < c->rests)
		return false;
	return c->n_clients < CONTROL_CLIENTS ||
	       now - c->clients[longest_silent(c)].active >= SILENCE;
}

static void client_new(struct control *c, int fd, uint64_t now)
{
	struct client *cl;

	if (c->n_clients == CONTROL_CLIENTS)
		client_drop(c, longest_silent(c));
	cl = &c->clients[c->n_clients++];
	memset(cl, 0, sizeof(*cl));
	cl->fd = fd;
	cl->active = cl->since = now;
	if (!client_serve(c, cl, now))
		client_drop(c, c->n_clients - 1);
}

static void accept_waiting(struct control *c, uint64_t now)
{
	for (int i = 0; i < CONTROL_CLIENTS && may_accept(c, now); i++) {
		int fd = accept4(c->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			client_new(c, fd, now);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			c->rests = now + REST;
		if (errno != ECONNABORTED)
			return;
	}
}

static void earlier(uint64_t *first, uint64_t when)
{
	if (when < *first)
		*first = when;
}

/* How long to sleep, so that no deadline is missed. */
static int wait_ms(const struct control *c, int most, uint64_t now)
{
	uint64_t first = most < 0 ? now + PATIENCE : now + (uint64_t)most;

	if (c->rests > now)
		earlier(&first, c->rests);
	else if (!may_accept(c, now))
		earlier(&first, c->clients[longest_silent(c)].active + SILENCE);
	for (size_t i = 0; i < c->n_clients; i++)
		if (c->clients[i].answering || c->clients[i].n_line)
			earlier(&first, c->clients[i].since + PATIENCE);
	return first > now ? (int)(first - now) : 0;
}

void control_serve(struct control *c, int milliseconds)
{
	struct pollfd polled[CONTROL_CLIENTS + 1];
	uint64_t now = now_ms();
	size_t n = c->n_clients;

	for (size_t i = 0; i < n; i++)
		polled[i] = (struct pollfd){ c->clients[i].fd,
					     c->clients[i].answering ? POLLOUT : POLLIN, 0 };
	polled[n] = (struct pollfd){ may_accept(c, now) ? c->listener.fd : -1, POLLIN, 0 };
	if (poll(polled, n + 1, wait_ms(c, milliseconds, now)) < 0)
		return;
	now = now_ms();
	/* From the last to the first: a dropped one is replaced by one that had its turn. */
	for (size_t i = n; i-- > 0;)
		if ((polled[i].revents && !client_serve(c, &c->clients[i], now)) ||
		    is_stuck(&c->clients[i], now))
			client_drop(c, i);
	if (polled[n].revents)
		accept_waiting(c, now);
}

void control_close(struct control *c)
{
	if (!c)
		return;
	while (c->n_clients)
		client_drop(c, c->n_clients - 1);
	listener_close(&c->listener);
	free(c);
}
