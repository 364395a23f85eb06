#include <config.h>

#include "runtime/socks/redirect.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

enum { ORIGINAL_DST = 80 }; /* SO_ORIGINAL_DST of linux/netfilter_ipv4.h, and of IPv6 */

static bool original_of(int fd, int level, struct wire_address *to)
{
	struct sockaddr_storage at;
	socklen_t n = sizeof(at);

	return getsockopt(fd, level, ORIGINAL_DST, &at, &n) == 0 &&
	       wire_address_from_sockaddr((const struct sockaddr *)&at, n, to);
}

static bool own_of(int fd, struct wire_address *own)
{
	struct sockaddr_storage at;
	socklen_t n = sizeof(at);

	return getsockname(fd, (struct sockaddr *)&at, &n) == 0 &&
	       wire_address_from_sockaddr((const struct sockaddr *)&at, n, own);
}

static bool is_any(const struct wire_address *a)
{
	static const uint8_t zeros[16];

	return !memcmp(a->ip, zeros, sizeof(zeros));
}

/* An IPv4 connection may come by an IPv6 socket; its address tells. */
bool redirect_original(int fd, const struct wire_address *listener, struct wire_address *to)
{
	struct wire_address own;

	if (!own_of(fd, &own))
		return false;
	if (!original_of(fd, own.kind == WIRE_IPV4 ? IPPROTO_IP : IPPROTO_IPV6, to))
		*to = own;
	if (to->port != listener->port)
		return true;
	return !wire_address_same(to, listener) &&
	       !(is_any(listener) && wire_address_same(to, &own));
}
