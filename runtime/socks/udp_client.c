#include <config.h>

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/socks/udp_own.h"

enum { READ_ROOM = 16384, READS = 8, MESSAGE_HEAD = 12, PARITY_TRIES = 32 };

static struct udp *udp_of_control(struct watch *w)
{
	return (struct udp *)((char *)w - offsetof(struct udp, control));
}

static struct udp *udp_of_relay(struct watch *w)
{
	return (struct udp *)((char *)w - offsetof(struct udp, relay));
}

/* ---- opening ---- */

static int bound_socket(const struct wire_address *at, struct wire_address *bound)
{
	struct sockaddr_storage a;
	socklen_t n = wire_address_to_sockaddr(at, &a);
	int fd = socket(a.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), failed;

	if (fd < 0)
		return -1;
	if (bind(fd, (struct sockaddr *)&a, n) == 0) {
		n = sizeof(a);
		if (getsockname(fd, (struct sockaddr *)&a, &n) == 0 &&
		    wire_address_from_sockaddr((struct sockaddr *)&a, n, bound))
			return fd;
	}
	failed = errno;
	close(fd);
	errno = failed;
	return -1;
}

static bool parity_fits(const struct udp *u, uint16_t port)
{
	uint8_t wish = u->start.parity_wish;

	return wish == SOCKS6_ANY_PARITY || u->start.relay.port || port % 2 == (wish == SOCKS6_ODD);
}

/* The kernel chooses ports; one beside the chosen one has the other parity. */
static int bound_with_parity(const struct udp *u, struct wire_address *bound)
{
	struct wire_address at = u->start.relay;
	int fd = -1;

	for (int i = 0; i < PARITY_TRIES; i++) {
		fd = bound_socket(&at, bound);
		if (fd < 0 && at.port == u->start.relay.port)
			return -1;
		if (fd >= 0 && parity_fits(u, bound->port))
			return fd;
		if (fd >= 0)
			close(fd);
		at.port = fd >= 0 ? bound->port ^ 1 : 0;
	}
	errno = EADDRINUSE;
	return -1;
}

static bool same_ip(const struct wire_address *a, const struct wire_address *b)
{
	struct wire_address x = *a, y = *b;

	x.port = y.port = 0;
	return wire_address_same(&x, &y);
}

static bool is_zero(const struct wire_address *a)
{
	static const uint8_t zeros[16];

	return a->kind != WIRE_NAME && !memcmp(a->ip, zeros, sizeof(zeros));
}

/* What a client behind an address translation says of itself is of no use. */
static void expect_client(struct udp *u)
{
	const struct wire_address *from = &u->start.from;

	u->client = u->start.peer;
	u->client.port = is_zero(from) || same_ip(from, &u->start.peer) ? from->port : 0;
}

bool client_open(struct udp *u, struct wire_address *bound, enum outcome *outcome)
{
	u->relay.fd = bound_with_parity(u, bound);
	if (u->relay.fd < 0) {
		*outcome = outcome_from_errno(errno);
		return false;
	}
	if (u->start.kind == INBOUND_SOCKS5) {
		expect_client(u);
		u->mapping = UDP_OVER_UDP;
	}
	return true;
}

void client_close(struct udp *u)
{
	loop_forget_closing(u->start.loop, &u->relay);
	close(u->relay.fd);
	bytes_free(&u->got);
	bytes_free(&u->say);
	if (u->control.fd < 0)
		return;
	if (u->control.added)
		loop_forget(u->start.loop, &u->control);
	else
		loop_forget_left(u->start.loop, u->control.fd);
	stream_close(&u->start.control);
}

/* ---- to the client ---- */

static uint32_t control_events(const struct udp *u)
{
	return EPOLLIN | (u->say.n ? (uint32_t)EPOLLOUT : 0) | stream_wants(&u->start.control);
}

void client_flush(struct udp *u)
{
	while (u->say.n) {
		ssize_t n = stream_send(&u->start.control, u->say.at, u->say.n);

		if (n == STREAM_BROKEN) {
			udp_over(u, "the client's connection broke");
			return;
		}
		if (n == STREAM_AGAIN)
			break;
		bytes_take(&u->say, (size_t)n);
	}
	if (u->say.failed || !loop_events(u->start.loop, &u->control, control_events(u)))
		udp_over(u, "out of memory");
}

static void say_message(struct udp *u, const struct socks6_udp *m)
{
	uint8_t out[UDP_MOST_HEAD + 32];

	bytes_add(&u->say, out, socks6_udp_write(out, sizeof(out), m));
}

/* The message's length counts the data, which is not written here. */
static size_t write_head(const struct udp *u, const struct wire_address *at, size_t n_data,
			 uint8_t out[UDP_MOST_HEAD])
{
	struct socks6_udp six = { .type = SOCKS6_UDP_DATAGRAM,
				  .association = u->association,
				  .at = *at };
	struct socks5_udp five = { .at = *at };
	size_t n;

	if (u->start.kind == INBOUND_SOCKS5)
		return socks5_udp_write(out, UDP_MOST_HEAD, &five);
	n = socks6_udp_write(out, UDP_MOST_HEAD, &six);
	if (!n || n + n_data > UINT16_MAX)
		return 0;
	out[2] = (uint8_t)((n + n_data) >> 8);
	out[3] = (uint8_t)(n + n_data);
	return n;
}

static bool send_over_tcp(struct udp_flow *f, struct wire_span data)
{
	struct udp *u = f->udp;
	uint8_t head[UDP_MOST_HEAD];
	size_t n;

	if (u->say.n > UDP_MOST_UNSENT || !flow_pass(f, WAY_BACK, &data, NULL))
		return false;
	n = write_head(u, &f->to, data.n, head);
	if (!n)
		return false;
	bytes_add(&u->say, head, n);
	bytes_add(&u->say, data.at, data.n);
	return true;
}

static bool send_over_udp(struct udp_flow *f, struct wire_span data)
{
	struct udp *u = f->udp;
	struct udp_batch *b = udp_batch_of(u);
	struct udp_out *out;

	if (!b || !u->client.port)
		return false;
	out = udp_batch_out(b, u->relay.fd);
	if (!flow_pass(f, WAY_BACK, &data, &out->made))
		return false;
	out->n_head = write_head(u, &f->to, data.n, out->head);
	out->n_to = wire_address_to_sockaddr(&u->client, &out->to);
	out->data = data;
	if (!out->n_head)
		return false;
	udp_batch_commit(b);
	return true;
}

void client_send(struct udp_flow *f, struct wire_span data)
{
	struct udp *u = f->udp;
	bool went = u->mapping == UDP_OVER_TCP   ? send_over_tcp(f, data)
		    : u->mapping == UDP_OVER_UDP ? send_over_udp(f, data)
						 : false;

	if (!went)
		udp_dropped(u);
}

void client_report(struct udp *u, const struct wire_address *to, uint8_t code,
		   const struct wire_address *reporter)
{
	struct socks6_udp m = { .type = SOCKS6_UDP_ERROR_REPORT,
				.association = u->association,
				.at = *to,
				.code = code,
				.reporter = *reporter };
	struct udp_batch *b = udp_batch_of(u);
	struct udp_out *out;

	m.reporter.port = 0;
	if (u->mapping == UDP_OVER_TCP && u->say.n <= UDP_MOST_UNSENT) {
		say_message(u, &m);
	} else if (u->mapping == UDP_OVER_UDP && b && u->client.port) {
		out = udp_batch_out(b, u->relay.fd);
		out->n_head = socks6_udp_write(out->head, sizeof(out->head), &m);
		out->n_to = wire_address_to_sockaddr(&u->client, &out->to);
		udp_batch_commit(b);
	}
}

/* ---- from the client ---- */

static void client_sent(struct udp *u, struct wire_address at, struct wire_span data)
{
	wire_address_settle(&at);
	if (at.kind == WIRE_NAME)
		name_send(u, &at, data);
	else
		flow_send(u, &at, (struct wire_span){ NULL, 0 }, data);
}

static bool is_client(const struct udp *u, const struct wire_address *from)
{
	if (u->client.port)
		return wire_address_same(from, &u->client);
	return same_ip(from, &u->start.peer);
}

static void take_socks5(struct udp *u, const struct udp_got *got)
{
	struct socks5_udp m;
	size_t used;

	if (!is_client(u, &got->from) ||
	    socks5_udp_read(got->bytes.at, got->bytes.n, &m, &used) != WIRE_DONE || m.fragment) {
		udp_dropped(u);
		return;
	}
	u->client = got->from;
	client_sent(u, m.at, (struct wire_span){ got->bytes.at + used, got->bytes.n - used });
}

/* "Following the receipt of the first datagram", and resent empty ones get it once more. */
static void confirm(struct udp *u, enum udp_mapping mapping)
{
	struct socks6_udp m = { .type = SOCKS6_UDP_CONFIRM, .association = u->association };

	u->mapping = mapping;
	say_message(u, &m);
}

static void take_socks6(struct udp *u, const struct socks6_udp *m, enum udp_mapping mapping)
{
	bool empty = !m->data.n && !m->at.port && is_zero(&m->at);

	if (m->type != SOCKS6_UDP_DATAGRAM || m->association != u->association ||
	    (u->mapping != UDP_UNMAPPED && u->mapping != mapping)) {
		udp_dropped(u);
		return;
	}
	if (u->mapping == UDP_UNMAPPED || (empty && u->say.n <= UDP_MOST_UNSENT))
		confirm(u, mapping);
	if (!empty)
		client_sent(u, m->at, m->data);
}

static void take_datagram(struct udp *u, const struct udp_got *got)
{
	struct socks6_udp m;
	size_t used;

	if (u->start.kind == INBOUND_SOCKS5) {
		take_socks5(u, got);
		return;
	}
	if (!is_client(u, &got->from) ||
	    socks6_udp_read(got->bytes.at, got->bytes.n, &m, &used) != WIRE_DONE) {
		udp_dropped(u);
		return;
	}
	if (u->mapping == UDP_UNMAPPED && m.association == u->association &&
	    m.type == SOCKS6_UDP_DATAGRAM)
		u->client = got->from;
	take_socks6(u, &m, UDP_OVER_UDP);
}

static void relay_ready(struct watch *w, uint32_t events)
{
	struct udp *u = udp_of_relay(w);
	struct udp_batch *b = udp_batch_of(u);
	const struct udp_got *got;
	size_t n;

	(void)events;
	if (!b) {
		udp_over(u, "out of memory");
		return;
	}
	n = udp_batch_receive(b, w->fd, &got);
	for (size_t i = 0; i < n && !u->over; i++)
		take_datagram(u, &got[i]);
	udp_flush(u);
}

/* Of SOCKS6: all messages that are whole.  False: no further one can be told. */
static bool take_messages(struct udp *u)
{
	enum wire_state state = WIRE_DONE;
	struct socks6_udp m;
	size_t at = 0, used;

	if (!u->got.n)
		return true;
	while (state == WIRE_DONE && !u->over) {
		state = socks6_udp_read(u->got.at + at, u->got.n - at, &m, &used);
		if (state != WIRE_DONE)
			break;
		take_socks6(u, &m, UDP_OVER_TCP);
		at += used;
	}
	if (u->over)
		return true;
	udp_flush(u);
	bytes_take(&u->got, at);
	return state != WIRE_BAD;
}

/* RFC 1928: nothing more is said on the connection. */
static bool take_control(struct udp *u)
{
	if (u->start.kind == INBOUND_SOCKS6)
		return take_messages(u);
	u->got.n = 0;
	return true;
}

static void control_read(struct udp *u)
{
	for (int i = 0; i < READS || stream_holds(&u->start.control); i++) {
		uint8_t *at = bytes_more(&u->got, READ_ROOM);
		ssize_t n = at ? stream_recv(&u->start.control, at, READ_ROOM) : STREAM_BROKEN;

		if (n == STREAM_AGAIN)
			return;
		if (n <= 0) {
			udp_over(u, n == STREAM_END ? "the client ended it"
						    : "the client's connection broke");
			return;
		}
		u->got.n += (size_t)n;
		if (!take_control(u)) {
			udp_over(u, "the client's message is none");
			return;
		}
		if (u->over)
			return;
	}
}

static void control_ready(struct watch *w, uint32_t events)
{
	struct udp *u = udp_of_control(w);

	if (events & EPOLLOUT)
		client_flush(u);
	if (!u->over)
		control_read(u);
	if (!u->over && !u->got.n)
		bytes_free(&u->got);
	if (!u->over)
		client_flush(u);
}

bool client_run(struct udp *u, struct wire_span early)
{
	struct socks6_udp m = { .type = SOCKS6_UDP_INIT, .association = u->association };

	u->control.fd = u->start.control.fd;
	u->control.ready = control_ready;
	u->relay.ready = relay_ready;
	if (!loop_watch(u->start.loop, &u->control, control_events(u)) ||
	    !loop_watch(u->start.loop, &u->relay, EPOLLIN))
		return false;
	if (u->start.kind == INBOUND_SOCKS6) {
		say_message(u, &m);
		bytes_add(&u->got, early.at, early.n);
		if (u->got.failed)
			return false;
		if (!take_messages(u))
			udp_over(u, "the client's message is none");
	}
	if (!u->over)
		client_flush(u);
	return true;
}
