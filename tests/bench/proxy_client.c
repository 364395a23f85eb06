/* Asks for a page again and again through a proxy, and tells how long that took.
 *
 *	proxy_client [--form FORM] [--connections N] [--requests N | --seconds S] [--path PATH]
 *		[--kept] [--fast-open] [--idle] TARGET THROUGH...
 *
 * TARGET and THROUGH are ADDRESS:PORT, IPv4; connections go to one THROUGH after the other.  FORM
 * says what is spoken there, where -steps waits for each answer and -one sends all in one segment
 * with the request:
 *
 *	direct, socks5-steps, socks5-one, socks6-steps, socks6-one
 *
 * A request is one HTTP GET on a new connection (--kept: on the same one), timed from before
 * connect() until the last byte of the page.  One line of JSON tells the result.  With --idle all
 * connections are opened, as far as SOCKS goes, "ready" is printed, and they are held until
 *standard input ends. */
#include <config.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 2048, PIECE = 262144, MOST_STEPS = 4, MOST_REPLIES = 2, MOST_THROUGH = 64 };
enum { STALLED_MS = 10000, AT_ONCE = 64, EVENTS = 64 };

/* ---- what is said ---- */

enum reply { REPLY_NONE, REPLY_METHOD, REPLY_SOCKS5, REPLY_AUTH, REPLY_SOCKS6, REPLY_PAGE };

struct step {
	char bytes[512];
	size_t n;
	enum reply replies[MOST_REPLIES + 2]; /* ends with REPLY_NONE */
};

struct script {
	struct step steps[MOST_STEPS];
	size_t n;
	struct step again; /* the page once more on a kept connection */
};

/* Bytes of the message that BYTES begin with; 0: more are needed to know. */
static size_t socks5_size(const uint8_t *bytes, size_t n)
{
	if (n < 5)
		return 0;
	return bytes[3] == 1 ? 10 : bytes[3] == 4 ? 22 : 7u + bytes[4];
}

static size_t auth_size(const uint8_t *bytes, size_t n)
{
	return n < 4 ? 0 : 4u + (size_t)(bytes[2] << 8 | bytes[3]);
}

static size_t socks6_size(const uint8_t *bytes, size_t n)
{
	if (n < 9)
		return 0;
	return 8u + (size_t)(bytes[2] << 8 | bytes[3]) +
	       (bytes[7] == 1   ? 4u
		: bytes[7] == 4 ? 16u
				: 1u + bytes[8]);
}

static size_t reply_size(enum reply r, const uint8_t *bytes, size_t n)
{
	switch (r) {
	case REPLY_METHOD:
		return 2;
	case REPLY_SOCKS5:
		return socks5_size(bytes, n);
	case REPLY_AUTH:
		return auth_size(bytes, n);
	default:
		return socks6_size(bytes, n);
	}
}

static void step_add(struct step *s, const void *bytes, size_t n, enum reply r)
{
	size_t i = 0;

	memcpy(s->bytes + s->n, bytes, n);
	s->n += n;
	while (s->replies[i])
		i++;
	s->replies[i] = r;
}

static void script_add(struct script *s, bool one, const void *bytes, size_t n, enum reply r)
{
	if (!s->n || !one)
		s->n++;
	step_add(&s->steps[s->n - 1], bytes, n, r);
}

static bool script_make(struct script *s, const char *form, const struct sockaddr_in *target,
			const char *page)
{
	bool one = strstr(form, "-one");
	uint8_t request5[10] = { 5, 1, 0, 1 }, request6[12] = { 6, 1, 0, 0 };

	memcpy(request5 + 4, &target->sin_addr, 4);
	memcpy(request5 + 8, &target->sin_port, 2);
	memcpy(request6 + 4, &target->sin_port, 2);
	request6[7] = 1;
	memcpy(request6 + 8, &target->sin_addr, 4);
	if (!strncmp(form, "socks5-", 7)) {
		script_add(s, one, "\5\1\0", 3, REPLY_METHOD);
		script_add(s, one, request5, sizeof(request5), REPLY_SOCKS5);
	} else if (!strncmp(form, "socks6-", 7)) {
		script_add(s, one, request6, sizeof(request6), REPLY_AUTH);
		step_add(&s->steps[s->n - 1], "", 0, REPLY_SOCKS6);
	} else if (strcmp(form, "direct") != 0) {
		return false;
	}
	if (page) {
		script_add(s, one, page, strlen(page), REPLY_PAGE);
		step_add(&s->again, page, strlen(page), REPLY_PAGE);
	}
	return true;
}

/* ---- a run ---- */

enum verdict { GOES_ON, ENDED, BROKEN };

struct connection {
	int fd;
	bool connected, in_page, served;
	const struct step *step;
	size_t reply, sent;
	uint64_t began;
	size_t n;      /* in `bytes` */
	uint64_t body; /* bytes of the page still to come */
	uint8_t bytes[ROOM];
};

struct run {
	struct script script;
	const struct sockaddr_in *through;
	size_t n_through, n_connections, requests; /* requests 0: until `until` */
	uint64_t until;
	bool kept, fast_open, idle;
	int epoll;
	struct connection *connections;
	size_t begun, done, failed, failed_in_row, live, opened;
	uint64_t received;
	float *took; /* ms */
	size_t room;
	char *piece; /* PIECE bytes */
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "proxy_client: %s: %s\n", what, strerror(errno));
	exit(1);
}

static bool run_wants_more(const struct run *r)
{
	if (r->idle)
		return r->begun < r->n_connections;
	return r->requests ? r->begun < r->requests : now() < r->until;
}

static void run_note(struct run *r, uint64_t began)
{
	if (r->done == r->room) {
		r->room = r->room ? 2 * r->room : 4096;
		r->took = realloc(r->took, r->room * sizeof(*r->took));
		if (!r->took)
			die("results");
	}
	r->took[r->done++] = (float)(now() - began) / 1e6f;
	r->failed_in_row = 0;
}

static void connection_expect(struct run *r, struct connection *c, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = c };

	if (epoll_ctl(r->epoll, EPOLL_CTL_MOD, c->fd, &e) < 0)
		die("epoll_ctl");
}

static void connection_begin(struct run *r, struct connection *c)
{
	const struct sockaddr_in *to = &r->through[r->begun++ % r->n_through];
	struct epoll_event e = { .events = EPOLLOUT, .data.ptr = c };
	int one = 1;
	ssize_t sent = -1;

	memset(c, 0, offsetof(struct connection, bytes));
	c->step = &r->script.steps[0];
	c->began = now();
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		die("socket");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (r->fast_open && c->step->n)
		sent = sendto(c->fd, c->step->bytes, c->step->n, MSG_FASTOPEN, (const void *)to,
			      sizeof(*to));
	else
		connect(c->fd, (const void *)to, sizeof(*to));
	if (sent > 0)
		c->sent = (size_t)sent;
	if (epoll_ctl(r->epoll, EPOLL_CTL_ADD, c->fd, &e) < 0)
		die("epoll_ctl");
	r->live++;
}

static void connection_end(struct run *r, struct connection *c, enum verdict how)
{
	close(c->fd);
	c->fd = -1;
	r->live--;
	if (how == BROKEN) {
		r->failed++;
		if (++r->failed_in_row == 1000)
			die("a thousand failures one after the other");
	}
	if (run_wants_more(r))
		connection_begin(r, c);
}

static enum verdict connection_send(struct run *r, struct connection *c)
{
	if (c->sent < c->step->n) {
		ssize_t n =
		    send(c->fd, c->step->bytes + c->sent, c->step->n - c->sent, MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN ? GOES_ON : BROKEN;
		c->sent += (size_t)n;
	}
	if (c->sent < c->step->n)
		return GOES_ON;
	if (!c->step->replies[0])
		r->opened++; /* straight and idle */
	connection_expect(r, c, EPOLLIN);
	return GOES_ON;
}

static enum verdict connection_say(struct run *r, struct connection *c, const struct step *s)
{
	c->step = s;
	c->reply = 0;
	c->sent = 0;
	return connection_send(r, c);
}

static enum verdict page_done(struct run *r, struct connection *c)
{
	run_note(r, c->began);
	c->in_page = false;
	c->n = 0;
	if (!r->kept) {
		c->served = true; /* the server closes, and then we do */
		return GOES_ON;
	}
	if (!run_wants_more(r))
		return ENDED;
	r->begun++;
	c->began = now();
	return connection_say(r, c, &r->script.again);
}

/* The head of the page is in `bytes`, perhaps with the begin of the body. */
static enum verdict page_begin(struct run *r, struct connection *c)
{
	char *text = (char *)c->bytes, *end, *length;

	text[c->n] = 0;
	end = strstr(text, "\r\n\r\n");
	if (!end)
		return c->n < ROOM - 1 ? GOES_ON : BROKEN;
	length = strcasestr(text, "\r\nContent-Length:");
	if (strncmp(text, "HTTP/1.1 200", 12) != 0 || !length || length > end)
		return BROKEN;
	c->body = strtoull(length + 17, NULL, 10);
	c->body -= (uint64_t)(text + c->n - (end + 4));
	c->in_page = true;
	return c->body ? GOES_ON : page_done(r, c);
}

static bool is_refusal(enum reply r, const uint8_t *bytes)
{
	return r == REPLY_METHOD ? bytes[1] == 0xff : bytes[1] != 0;
}

/* Takes the replies that have come as a whole. */
static enum verdict connection_read_replies(struct run *r, struct connection *c)
{
	for (;;) {
		enum reply what = c->step->replies[c->reply];
		size_t size;

		if (what == REPLY_PAGE)
			return c->n ? page_begin(r, c) : GOES_ON;
		if (what == REPLY_NONE) {
			if (c->step + 1 < r->script.steps + r->script.n)
				return connection_say(r, c, c->step + 1);
			r->opened++; /* idle */
			return GOES_ON;
		}
		size = reply_size(what, c->bytes, c->n);
		if (!size || size > c->n)
			return GOES_ON;
		if (is_refusal(what, c->bytes))
			return BROKEN;
		memmove(c->bytes, c->bytes + size, c->n - size);
		c->n -= size;
		c->reply++;
	}
}

static enum verdict page_receive(struct run *r, struct connection *c)
{
	ssize_t n = recv(c->fd, r->piece, c->body < PIECE ? c->body : PIECE, 0);

	if (n <= 0)
		return n < 0 && errno == EAGAIN ? GOES_ON : BROKEN;
	r->received += (uint64_t)n;
	c->body -= (uint64_t)n;
	return c->body ? GOES_ON : page_done(r, c);
}

static enum verdict connection_receive(struct run *r, struct connection *c)
{
	ssize_t n;

	if (c->in_page)
		return page_receive(r, c);
	n = recv(c->fd, c->bytes + c->n, ROOM - 1 - c->n, 0);
	if (n < 0 && errno == EAGAIN)
		return GOES_ON;
	if (c->served)
		return ENDED;
	if (n <= 0)
		return BROKEN;
	r->received += (uint64_t)n;
	c->n += (size_t)n;
	return connection_read_replies(r, c);
}

static bool connection_is_made(struct connection *c)
{
	int error = 0;
	socklen_t size = sizeof(error);

	if (!c->connected)
		getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	c->connected = true;
	return !error;
}

static void connection_ready(struct run *r, struct connection *c, uint32_t events)
{
	enum verdict v = BROKEN;

	if (connection_is_made(c))
		v = events & EPOLLOUT ? connection_send(r, c) : connection_receive(r, c);
	if (v != GOES_ON)
		connection_end(r, c, v);
}

static void run_wait(struct run *r)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(r->epoll, events, EVENTS, STALLED_MS);

	if (n <= 0) {
		errno = n ? errno : ETIMEDOUT;
		die("nothing happens any more");
	}
	for (int i = 0; i < n; i++)
		connection_ready(r, events[i].data.ptr, events[i].events);
}

static void hold_idle(struct run *r)
{
	char byte;

	while (r->opened < r->n_connections) {
		for (size_t k = r->begun - r->opened; k < AT_ONCE && run_wants_more(r); k++)
			connection_begin(r, &r->connections[r->begun]);
		run_wait(r);
	}
	puts("ready");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		continue;
}

static int by_size(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static double at(const struct run *r, double share)
{
	return r->done ? (double)r->took[(size_t)((double)(r->done - 1) * share)] : 0;
}

static void tell(struct run *r, double seconds)
{
	double sum = 0;

	qsort(r->took, r->done, sizeof(*r->took), by_size);
	for (size_t i = 0; i < r->done; i++)
		sum += (double)r->took[i];
	printf("{\"requests\": %zu, \"failed\": %zu, \"seconds\": %.6f, \"bytes\": %llu, "
	       "\"min\": %.4f, \"p50\": %.4f, \"mean\": %.4f, \"p99\": %.4f}\n",
	       r->done, r->failed, seconds, (unsigned long long)r->received, at(r, 0), at(r, 0.5),
	       r->done ? sum / (double)r->done : 0, at(r, 0.99));
}

static void measure(struct run *r, double seconds)
{
	uint64_t began = now();

	r->until = began + (uint64_t)(seconds * 1e9);
	for (size_t i = 0; i < r->n_connections && run_wants_more(r); i++)
		connection_begin(r, &r->connections[i]);
	while (r->live)
		run_wait(r);
	tell(r, (double)(now() - began) / 1e9);
}

/* ---- the command line ---- */

static struct sockaddr_in address_of(const char *text)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	char host[64] = "";
	unsigned port = 0;

	if (sscanf(text, "%63[^:]:%u", host, &port) != 2 || !inet_aton(host, &a.sin_addr)) {
		errno = EINVAL;
		die(text);
	}
	a.sin_port = htons((uint16_t)port);
	return a;
}

enum { FORM = 256, CONNECTIONS, REQUESTS, SECONDS, PATH, KEPT, FAST_OPEN, IDLE };

static const struct option options[] = {
	{ "form", required_argument, NULL, FORM },
	{ "connections", required_argument, NULL, CONNECTIONS },
	{ "requests", required_argument, NULL, REQUESTS },
	{ "seconds", required_argument, NULL, SECONDS },
	{ "path", required_argument, NULL, PATH },
	{ "kept", no_argument, NULL, KEPT },
	{ "fast-open", no_argument, NULL, FAST_OPEN },
	{ "idle", no_argument, NULL, IDLE },
	{ 0 },
};

struct wish {
	const char *form, *path;
	double seconds;
	struct sockaddr_in target, through[MOST_THROUGH];
};

static bool take_option(struct run *r, struct wish *w, int option)
{
	switch (option) {
	case FORM:
		w->form = optarg;
		return true;
	case CONNECTIONS:
		r->n_connections = strtoul(optarg, NULL, 10);
		return true;
	case REQUESTS:
		r->requests = strtoul(optarg, NULL, 10);
		return true;
	case SECONDS:
		w->seconds = strtod(optarg, NULL);
		return true;
	case PATH:
		w->path = optarg;
		return true;
	case KEPT:
		return r->kept = true;
	case FAST_OPEN:
		return r->fast_open = true;
	case IDLE:
		return r->idle = true;
	default:
		return false;
	}
}

static bool take_arguments(struct run *r, struct wish *w, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (!take_option(r, w, option))
			return false;
	}
	if (argc - optind < 2 || argc - optind > MOST_THROUGH + 1)
		return false;
	w->target = address_of(argv[optind]);
	for (char **at = argv + optind + 1; *at; at++)
		w->through[r->n_through++] = address_of(*at);
	r->through = w->through;
	return true;
}

int main(int argc, char **argv)
{
	struct run r = { .n_connections = 1, .epoll = epoll_create1(EPOLL_CLOEXEC) };
	struct wish w = { .form = "direct", .path = "/", .seconds = 1 };
	char page[256];

	if (!take_arguments(&r, &w, argc, argv)) {
		fputs("usage: proxy_client [OPTION]... TARGET THROUGH...\n", stderr);
		return 2;
	}
	snprintf(page, sizeof(page), "GET %s HTTP/1.1\r\nHost: bench\r\nConnection: %s\r\n\r\n",
		 w.path, r.kept ? "keep-alive" : "close");
	if (!script_make(&r.script, w.form, &w.target, r.idle ? NULL : page)) {
		fputs("proxy_client: unknown form\n", stderr);
		return 2;
	}
	r.connections = calloc(r.n_connections, sizeof(*r.connections));
	r.piece = malloc(PIECE);
	if (!r.connections || !r.piece || r.epoll < 0)
		die("memory");
	if (r.idle)
		hold_idle(&r);
	else
		measure(&r, w.seconds);
	free(r.connections);
	free(r.piece);
	free(r.took);
	return 0;
}
