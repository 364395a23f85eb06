#include <config.h>

#include <time.h>

/* This one needs the one above. */
#include <linux/errqueue.h>

#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/socks/udp_own.h"

/* One socket for all destinations of a family: they see one port, as they would see one of the
 * client's. */
static const struct {
	int family, level, errors, name;
} families[UDP_FAMILIES] = {
	[UDP_IPV4] = { AF_INET, IPPROTO_IP, IP_RECVERR, 0 },
	[UDP_IPV6] = { AF_INET6, IPPROTO_IPV6, IPV6_RECVERR, IPV6_V6ONLY },
};

static enum udp_family family_of(const struct wire_address *a)
{
	return a->kind == WIRE_IPV4 ? UDP_IPV4 : UDP_IPV6;
}

/* ---- errors ---- */

static uint8_t icmp_code(const struct sock_extended_err *e)
{
	if (e->ee_type == ICMP_TIME_EXCEEDED)
		return SOCKS6_UDP_TTL_EXPIRED;
	if (e->ee_type != ICMP_DEST_UNREACH || e->ee_code == ICMP_FRAG_NEEDED)
		return 0;
	return e->ee_code == ICMP_NET_UNREACH || e->ee_code == ICMP_NET_UNKNOWN
		   ? SOCKS6_UDP_NET_UNREACHABLE
		   : SOCKS6_UDP_HOST_UNREACHABLE;
}

static uint8_t icmpv6_code(const struct sock_extended_err *e)
{
	switch (e->ee_type) {
	case ICMPV6_DEST_UNREACH:
		return e->ee_code == ICMPV6_NOROUTE ? SOCKS6_UDP_NET_UNREACHABLE
						    : SOCKS6_UDP_HOST_UNREACHABLE;
	case ICMPV6_PKT_TOOBIG:
		return SOCKS6_UDP_TOO_BIG;
	case ICMPV6_TIME_EXCEED:
		return SOCKS6_UDP_TTL_EXPIRED;
	default:
		return 0;
	}
}

static uint8_t error_code(const struct sock_extended_err *e)
{
	if (e->ee_origin == SO_EE_ORIGIN_ICMP)
		return icmp_code(e);
	return e->ee_origin == SO_EE_ORIGIN_ICMP6 ? icmpv6_code(e) : 0;
}

static const struct sock_extended_err *error_of(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
		    (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
			return (const struct sock_extended_err *)CMSG_DATA(c);
	return NULL;
}

static void report(struct udp *u, const struct wire_address *to, const struct sock_extended_err *e)
{
	const struct sockaddr *offender = SO_EE_OFFENDER(e);
	socklen_t n = offender->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
						      : sizeof(struct sockaddr_in);
	struct wire_address reporter;
	struct udp_flow *f = flow_find(u, to);
	uint8_t code = error_code(e);

	if (code && f && !f->next && !f->again &&
	    wire_address_from_sockaddr(offender, n, &reporter))
		client_report(u, to, code, &reporter);
}

/* False: there is none. */
static bool read_error(struct udp *u, int fd)
{
	_Alignas(struct cmsghdr) uint8_t control[256];
	struct sockaddr_storage to;
	uint8_t data[64];
	struct iovec part = { data, sizeof(data) };
	struct msghdr m = { .msg_name = &to,
			    .msg_namelen = sizeof(to),
			    .msg_iov = &part,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	const struct sock_extended_err *e;
	struct wire_address at;

	if (recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return false;
	e = error_of(&m);
	if (e && wire_address_from_sockaddr((struct sockaddr *)&to, m.msg_namelen, &at))
		report(u, &at, e);
	return true;
}

static void read_errors(struct udp *u, int fd)
{
	for (int i = 0; i < UDP_BATCH && read_error(u, fd); i++)
		;
}

/* ---- from destinations ---- */

static void take_reply(struct udp *u, const struct udp_got *got)
{
	struct udp_flow *f = flow_find(u, &got->from);

	if (f && !f->next && !f->again)
		client_send(f, got->bytes);
	else
		udp_dropped(u);
}

static void ready(struct udp *u, enum udp_family family, uint32_t events)
{
	struct udp_batch *b = udp_batch_of(u);
	int fd = u->remote[family].fd;
	const struct udp_got *got;
	size_t n;

	if (!b) {
		udp_over(u, "out of memory");
		return;
	}
	if (events & EPOLLERR && u->start.report_errors)
		read_errors(u, fd);
	n = udp_batch_receive(b, fd, &got);
	for (size_t i = 0; i < n; i++)
		take_reply(u, &got[i]);
	udp_flush(u);
}

static void ready_ipv4(struct watch *w, uint32_t events)
{
	ready((struct udp *)((char *)w - offsetof(struct udp, remote[UDP_IPV4])), UDP_IPV4, events);
}

static void ready_ipv6(struct watch *w, uint32_t events)
{
	ready((struct udp *)((char *)w - offsetof(struct udp, remote[UDP_IPV6])), UDP_IPV6, events);
}

/* ---- to destinations ---- */

static bool set_options(const struct udp *u, int fd, enum udp_family family)
{
	const int yes = 1, level = families[family].level;

	if (families[family].name &&
	    setsockopt(fd, level, families[family].name, &yes, sizeof(yes)))
		return false;
	if (u->start.report_errors &&
	    setsockopt(fd, level, families[family].errors, &yes, sizeof(yes)))
		return false;
	return !u->start.mark ||
	       !setsockopt(fd, SOL_SOCKET, SO_MARK, &u->start.mark, sizeof(u->start.mark));
}

static bool remote_open(struct udp *u, enum udp_family family)
{
	struct watch *w = &u->remote[family];

	if (w->fd >= 0)
		return true;
	w->fd = socket(families[family].family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	w->ready = family == UDP_IPV4 ? ready_ipv4 : ready_ipv6;
	if (w->fd < 0)
		return false;
	if (set_options(u, w->fd, family) && loop_watch(u->start.loop, w, EPOLLIN))
		return true;
	close(w->fd);
	w->fd = -1;
	return false;
}

void remote_close(struct udp *u)
{
	for (int i = 0; i < UDP_FAMILIES; i++) {
		if (u->remote[i].fd < 0)
			continue;
		loop_forget_closing(u->start.loop, &u->remote[i]);
		close(u->remote[i].fd);
		u->remote[i].fd = -1;
	}
}

static bool queue(struct udp_flow *f, struct wire_span data)
{
	enum udp_family family = family_of(&f->to);
	struct udp *u = f->udp;
	struct udp_batch *b = udp_batch_of(u);
	struct udp_out *out;

	if (!b || !remote_open(u, family))
		return false;
	out = udp_batch_out(b, u->remote[family].fd);
	if (!flow_pass(f, WAY_FORWARD, &data, &out->made))
		return false;
	out->data = data;
	out->n_to = wire_address_to_sockaddr(&f->to, &out->to);
	udp_batch_commit(b);
	return true;
}

void remote_send(struct udp_flow *f, struct wire_span data)
{
	if (!queue(f, data))
		udp_dropped(f->udp);
}
