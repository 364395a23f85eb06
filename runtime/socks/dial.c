#include <config.h>

#include "runtime/socks/dial.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

/* A connection to one of the addresses. */
struct attempt {
	struct watch watch; /* first */
	struct dial *dial;
	struct wire_address at;
	struct stream stream; /* fd -1: not begun yet, or over */
	size_t sent;
	bool in_syn;  /* data went, or will go, with the SYN */
	bool shaking; /* TLS began */
};

struct dial {
	struct work work; /* first: gives up, or frees */
	struct loop *loop;
	struct dial_wish wish;
	struct wire_address from;
	dial_done *done;
	void *arg;
	struct timer delay, patience;
	size_t n, next, running; /* attempts: all, the next to begin, under way */
	bool over, cancelled;    /* over: `work` waits to give up */
	struct dial_result result;
	struct attempt attempts[];
};

#define DIAL_OF(timer, member) \
	((struct dial *)(void *)((char *)(timer)-offsetof(struct dial, member)))

static void dial_go_on(struct dial *);

/* ---- errors ---- */

/* What says more about the destination comes first. */
static unsigned rank(enum outcome o)
{
	static const enum outcome order[] = {
		OUTCOME_REFUSED,
		OUTCOME_DENIED,
		OUTCOME_TTL_EXPIRED,
		OUTCOME_TIMED_OUT,
		OUTCOME_BUSY,
		OUTCOME_FAILED,
		OUTCOME_HOST_UNREACHABLE,
		OUTCOME_NET_UNREACHABLE,
		OUTCOME_ADDRESS_TYPE,
	};
	unsigned i = 0;

	while (i < sizeof(order) / sizeof(*order) && order[i] != o)
		i++;
	return i;
}

static void dial_note(struct dial *d, const struct wire_address *at, enum outcome o,
		      const char *why)
{
	char text[WIRE_TEXT_ROOM] = "";

	if (d->result.outcome != OUTCOME_OK && rank(o) >= rank(d->result.outcome))
		return;
	wire_address_text(at, text, sizeof(text));
	d->result.outcome = o;
	d->result.at = *at;
	snprintf(d->result.why, sizeof(d->result.why), "%.54s: %s", text, why);
}

static void dial_note_errno(struct dial *d, const struct wire_address *at, int number)
{
	enum outcome o = outcome_from_errno(number);

	dial_note(d, at, o, o == OUTCOME_FAILED ? strerror(number) : outcome_text(o));
}

/* ---- sockets ---- */

static bool set(int fd, int level, int name, int value)
{
	return !setsockopt(fd, level, name, &value, sizeof(value));
}

static int socket_open(const struct dial_wish *w, int family)
{
	const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
	int fd = w->multipath ? socket(family, type, IPPROTO_MPTCP) : -1;

	return fd >= 0 ? fd : socket(family, type, IPPROTO_TCP);
}

/* Only who chose how far packets may go is told that they went too far: with the errors of ICMP a
 * connection would end at the first, where TCP goes on trying. */
static void socket_hear_icmp(int fd, int family, bool hear)
{
	if (family == AF_INET)
		set(fd, IPPROTO_IP, IP_RECVERR, hear);
	else
		set(fd, IPPROTO_IPV6, IPV6_RECVERR, hear);
}

static bool is_expiry(const struct sock_extended_err *e)
{
	return (e->ee_origin == SO_EE_ORIGIN_ICMP && e->ee_type == ICMP_TIME_EXCEEDED) ||
	       (e->ee_origin == SO_EE_ORIGIN_ICMP6 && e->ee_type == ICMP6_TIME_EXCEEDED);
}

/* Whether a router said that the time to live was over: for errno it is an unreachable host. */
static bool socket_expired(int fd)
{
	uint8_t control[512];
	struct msghdr m = { .msg_control = control, .msg_controllen = sizeof(control) };

	if (recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		bool v4 = c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR;
		bool v6 = c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR;

		if ((v4 || v6) && is_expiry((const struct sock_extended_err *)CMSG_DATA(c)))
			return true;
	}
	return false;
}

/* Whether the kernel grants them does not matter. */
static void socket_shape(const struct dial_wish *w, int fd, int family)
{
	bool v4 = family == AF_INET;
	int level = v4 ? IPPROTO_IP : IPPROTO_IPV6;

	if (w->tos)
		set(fd, level, v4 ? IP_TOS : IPV6_TCLASS, w->tos);
	if (w->ttl) {
		set(fd, level, v4 ? IP_TTL : IPV6_UNICAST_HOPS, w->ttl);
		socket_hear_icmp(fd, family, true);
	}
	if (w->no_fragmentation)
		set(fd, level, v4 ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER,
		    v4 ? IP_PMTUDISC_DO : IPV6_PMTUDISC_DO);
}

/* The port is chosen when it connects, so that ports of other destinations count. */
static bool socket_bind(int fd, int family, const struct wire_address *from)
{
	struct sockaddr_storage at;
	socklen_t n = wire_address_to_sockaddr(from, &at);

	if (at.ss_family != family) {
		errno = EAFNOSUPPORT;
		return false;
	}
	if (!from->port)
		set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	return !bind(fd, (struct sockaddr *)&at, n);
}

/* Without its mark it could be redirected to ourselves. */
static bool socket_prepare(const struct dial_wish *w, int fd, int family)
{
	if (w->mark && !set(fd, SOL_SOCKET, SO_MARK, (int)w->mark))
		return false;
	if (w->from && !socket_bind(fd, family, w->from))
		return false;
	socket_shape(w, fd, family);
	stream_hurry(fd);
	return true;
}

static int socket_error(int fd)
{
	int number = 0;
	socklen_t n = sizeof(number);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &n) ? errno : number;
}

/* ---- attempts ---- */

static bool attempt_watch(struct attempt *a, uint32_t events)
{
	a->watch.fd = a->stream.fd;
	return loop_events(a->dial->loop, &a->watch, events);
}

static void attempt_close(struct attempt *a, void (*close)(struct stream *))
{
	if (a->stream.fd < 0)
		return;
	loop_forget_closing(a->dial->loop, &a->watch);
	close(&a->stream);
}

/* The connection may not be begun before there is data for the SYN: empty, there is no use. */
static bool attempt_is_fast(const struct attempt *a)
{
	const struct dial *d = a->dial;

	return d->wish.fast_open && a == d->attempts && (d->wish.first.n || d->wish.tls) &&
	       set(a->stream.fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1);
}

/* Nothing goes if the kernel lost the cookie meanwhile: it connects as usual then. */
static bool attempt_send_in_syn(struct attempt *a)
{
	const struct wire_span *first = &a->dial->wish.first;
	ssize_t n = send(a->stream.fd, first->at, first->n, MSG_NOSIGNAL);

	if (n < 0)
		return errno == EINPROGRESS || errno == EAGAIN;
	a->sent = (size_t)n;
	a->in_syn = true;
	return true;
}

/* Returns as stream_shake; errors are noted. */
static int attempt_shake(struct attempt *a)
{
	struct dial *d = a->dial;
	struct tls_error error = { "memory is exhausted" };
	int shaken = STREAM_BROKEN;

	if (!a->shaking)
		a->shaking = stream_tls_connect(&a->stream, d->wish.tls, d->wish.tls_name);
	if (a->shaking)
		shaken = stream_shake(&a->stream, &error);
	if (shaken == STREAM_BROKEN)
		dial_note(d, &a->at, OUTCOME_FAILED, error.text);
	return shaken;
}

/* The kernel waits for what is sent first. */
static bool attempt_begin_fast(struct attempt *a)
{
	if (!a->dial->wish.tls)
		return attempt_send_in_syn(a);
	a->in_syn = true;
	/* A server nearby may have answered by now: then it is done already. */
	if (attempt_shake(a) != STREAM_BROKEN)
		return true;
	errno = ECONNABORTED;
	return false;
}

static bool attempt_connect(struct attempt *a, int family, const struct sockaddr *to, socklen_t n)
{
	const struct dial *d = a->dial;
	bool fast;

	a->stream.fd = socket_open(&d->wish, family);
	if (a->stream.fd < 0 || !socket_prepare(&d->wish, a->stream.fd, family))
		return false;
	fast = attempt_is_fast(a);
	if (connect(a->stream.fd, to, n))
		return errno == EINPROGRESS;
	return !fast || attempt_begin_fast(a);
}

/* False: errno. */
static bool attempt_begin(struct attempt *a)
{
	struct sockaddr_storage to;
	socklen_t n = wire_address_to_sockaddr(&a->at, &to);

	if (!n) {
		errno = EAFNOSUPPORT;
		return false;
	}
	return attempt_connect(a, to.ss_family, (struct sockaddr *)&to, n) &&
	       attempt_watch(a, EPOLLOUT);
}

/* ---- the end ---- */

static void dial_free(struct work *w)
{
	free(w);
}

static void dial_close_others(struct dial *d, struct attempt *but, void (*close)(struct stream *))
{
	timer_stop(&d->delay);
	for (size_t i = 0; i < d->next; i++)
		if (&d->attempts[i] != but)
			attempt_close(&d->attempts[i], close);
}

static void dial_gave_up(struct work *w)
{
	struct dial *d = (struct dial *)w;

	if (!d->cancelled)
		d->done(d->arg, &d->result);
	free(d);
}

static void dial_give_up(struct dial *d)
{
	timer_stop(&d->patience);
	dial_close_others(d, NULL, stream_close);
	d->result.stream = (struct stream){ .fd = -1 };
	d->over = true;
	d->work.run = dial_gave_up;
	loop_later(d->loop, &d->work);
}

static void socket_bound(int fd, struct wire_address *out)
{
	struct sockaddr_storage at;
	socklen_t n = sizeof(at);

	*out = wire_any;
	if (!getsockname(fd, (struct sockaddr *)&at, &n))
		wire_address_from_sockaddr((struct sockaddr *)&at, n, out);
}

static void dial_succeed(struct dial *d, struct attempt *a)
{
	struct dial_result result = { .outcome = OUTCOME_OK,
				      .stream = a->stream,
				      .sent = a->sent,
				      .at = a->at,
				      .bound = wire_any };

	timer_stop(&d->patience);
	if (d->wish.ttl)
		socket_hear_icmp(a->stream.fd, a->at.kind == WIRE_IPV6 ? AF_INET6 : AF_INET, false);
	if (d->wish.want_bound)
		socket_bound(a->stream.fd, &result.bound);
	loop_leave(d->loop, &a->watch);
	a->stream.fd = -1;
	d->work.run = dial_free;
	loop_later(d->loop, &d->work);
	d->done(d->arg, &result);
}

static void attempt_failed(struct attempt *a)
{
	attempt_close(a, stream_close);
	a->dial->running--;
	dial_go_on(a->dial);
}

/* ---- what happens ---- */

/* The first bytes; those that do not fit are the caller's. */
static void attempt_finish(struct attempt *a)
{
	const struct wire_span *first = &a->dial->wish.first;
	ssize_t n = STREAM_AGAIN;

	if (a->sent < first->n)
		n = stream_send(&a->stream, first->at + a->sent, first->n - a->sent);
	if (n == STREAM_BROKEN) {
		dial_note_errno(a->dial, &a->at, errno);
		attempt_failed(a);
		return;
	}
	a->sent += n > 0 ? (size_t)n : 0;
	dial_close_others(a->dial, a, stream_close);
	dial_succeed(a->dial, a);
}

/* It has won; the others go, so that not more than one server sees a handshake. */
static void attempt_go_on_shaking(struct attempt *a)
{
	struct dial *d = a->dial;
	int shaken;

	dial_close_others(d, a, stream_close);
	d->running = 1;
	shaken = attempt_shake(a);
	if (shaken == 1) {
		attempt_finish(a);
	} else if (shaken == STREAM_BROKEN ||
		   !attempt_watch(a, EPOLLIN | stream_wants(&a->stream))) {
		if (shaken != STREAM_BROKEN)
			dial_note_errno(d, &a->at, errno);
		dial_give_up(d);
	}
}

/* EPOLLOUT without an error: it is connected, without asking for the error. */
static void attempt_ready(struct watch *w, uint32_t events)
{
	struct attempt *a = (struct attempt *)w;
	int number = events & (EPOLLERR | EPOLLHUP) ? socket_error(w->fd) : 0;

	if (number) {
		if (a->dial->wish.ttl && socket_expired(w->fd))
			dial_note(a->dial, &a->at, OUTCOME_TTL_EXPIRED,
				  outcome_text(OUTCOME_TTL_EXPIRED));
		else
			dial_note_errno(a->dial, &a->at, number);
		attempt_failed(a);
	} else if (a->dial->wish.tls) {
		attempt_go_on_shaking(a);
	} else {
		attempt_finish(a);
	}
}

/* Begins one more; one that fails at once is no reason to wait. */
static void dial_go_on(struct dial *d)
{
	timer_stop(&d->delay);
	while (d->next < d->n) {
		struct attempt *a = &d->attempts[d->next++];

		if (attempt_begin(a)) {
			d->running++;
			if (d->next < d->n && !a->in_syn)
				timer_set(d->loop, &d->delay, DIAL_HEAD_START_MS);
			return;
		}
		dial_note_errno(d, &a->at, errno);
		attempt_close(a, stream_close);
	}
	if (!d->running)
		dial_give_up(d);
}

static void delay_rings(struct timer *t)
{
	dial_go_on(DIAL_OF(t, delay));
}

static void patience_rings(struct timer *t)
{
	struct dial *d = DIAL_OF(t, patience);

	for (size_t i = 0; i < d->next; i++)
		if (d->attempts[i].stream.fd >= 0)
			dial_note_errno(d, &d->attempts[i].at, ETIMEDOUT);
	dial_give_up(d);
}

struct dial *dial_start(struct loop *loop, const struct dial_wish *wish, dial_done *done, void *arg)
{
	size_t n = wish->n < DIAL_MOST ? wish->n : DIAL_MOST;
	struct dial *d = calloc(1, sizeof(*d) + n * sizeof(*d->attempts));

	if (!d)
		return NULL;
	d->loop = loop;
	d->wish = *wish;
	d->done = done;
	d->arg = arg;
	d->n = n;
	d->delay.ring = delay_rings;
	d->patience.ring = patience_rings;
	if (wish->from) {
		d->from = *wish->from;
		d->wish.from = &d->from;
	}
	for (size_t i = 0; i < n; i++)
		d->attempts[i] = (struct attempt){ .watch = { .ready = attempt_ready },
						   .dial = d,
						   .at = wish->to[i],
						   .stream.fd = -1 };
	timer_set(loop, &d->patience, wish->timeout_ms);
	if (!n) {
		d->result = (struct dial_result){ .outcome = OUTCOME_NO_SUCH_NAME,
						  .why = "there is no address" };
	}
	dial_go_on(d);
	return d;
}

void dial_cancel(struct dial *d)
{
	d->cancelled = true;
	if (d->over)
		return;
	timer_stop(&d->patience);
	dial_close_others(d, NULL, stream_reset);
	d->work.run = dial_free;
	loop_later(d->loop, &d->work);
}

unsigned dial_fast_open_allowed(void)
{
	char text[16] = "";
	int fd = open("/proc/sys/net/ipv4/tcp_fastopen", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	return (unsigned)strtoul(text, NULL, 10) & 3;
}
