/* A loop that ends, listeners on loopback, and a network of our own, for tests of the SOCKS
 * runtime. */
#ifndef EPIC_UNIT_LOOPBACK_H
#define EPIC_UNIT_LOOPBACK_H

#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/socks/loop.h"
#include "runtime/socks/wire.h"
#include "tests/unit/unit.h"

enum { PATIENCE_MS = 20000 };

/* ---- a loop that ends ---- */

struct rig {
	struct timer guard; /* first */
	struct loop *loop;
	bool late; /* the time was over before anybody said loop_end */
};

static inline void rig_late(struct timer *t)
{
	struct rig *r = (struct rig *)t;

	r->late = true;
	loop_end(r->loop);
}

static inline void rig_open(struct rig *r)
{
	*r = (struct rig){ .guard.ring = rig_late, .loop = loop_open() };
	CU_ASSERT_PTR_NOT_NULL_FATAL(r->loop);
}

/* True: somebody said loop_end within MS. */
static inline bool rig_run(struct rig *r, uint32_t ms)
{
	r->late = false;
	timer_set(r->loop, &r->guard, ms);
	loop_run(r->loop);
	timer_stop(&r->guard);
	return !r->late;
}

static inline void rig_close(struct rig *r)
{
	loop_close(r->loop);
}

/* ---- addresses and listeners ---- */

static inline struct wire_address address_of(const char *text)
{
	struct wire_address a;

	CU_ASSERT_TRUE_FATAL(wire_address_parse(text, strlen(text), &a));
	return a;
}

static inline struct wire_address name_of_socket(int fd, bool peer)
{
	struct sockaddr_storage at;
	socklen_t n = sizeof(at);
	struct wire_address a;

	CU_ASSERT_EQUAL((peer ? getpeername : getsockname)(fd, (struct sockaddr *)&at, &n), 0);
	CU_ASSERT_TRUE(wire_address_from_sockaddr((struct sockaddr *)&at, n, &a));
	return a;
}

/* TEXT's port may be 0; *AT is where it is. */
static inline int listen_at(const char *text, int backlog, struct wire_address *at)
{
	struct wire_address wanted = address_of(text);
	struct sockaddr_storage s;
	socklen_t n = wire_address_to_sockaddr(&wanted, &s);
	int fd = socket(s.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&s, n), 0);
	CU_ASSERT_EQUAL_FATAL(listen(fd, backlog), 0);
	*at = name_of_socket(fd, false);
	return fd;
}

/* A port of loopback where nobody listens. */
static inline struct wire_address closed_port(void)
{
	struct wire_address at;

	close(listen_at("127.0.0.1:0", 1, &at));
	return at;
}

static inline bool readable(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1;
}

static inline int accept_one(int fd)
{
	CU_ASSERT_TRUE_FATAL(readable(fd, PATIENCE_MS));
	return accept4(fd, NULL, NULL, SOCK_CLOEXEC);
}

/* Expects the bytes of TEXT to come. */
static inline void expect_bytes(int fd, const char *text)
{
	char got[256] = "";
	size_t n = 0, all = strlen(text);

	while (n < all && readable(fd, PATIENCE_MS)) {
		ssize_t more = recv(fd, got + n, all - n, 0);

		if (more <= 0)
			break;
		n += (size_t)more;
	}
	UNIT_TEXT(text, got);
}

/* Listens and answers nobody: its queue is full, so that the kernel drops what comes. */
struct silent {
	int fd, filling[2];
	struct wire_address at;
};

static inline void silent_open(struct silent *s, const char *text)
{
	struct sockaddr_storage to;
	socklen_t n;

	s->fd = listen_at(text, 0, &s->at);
	n = wire_address_to_sockaddr(&s->at, &to);
	for (int i = 0; i < 2; i++) {
		s->filling[i] = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)!connect(s->filling[i], (struct sockaddr *)&to, n);
		usleep(20000);
	}
}

static inline void silent_close(struct silent *s)
{
	close(s->fd);
	close(s->filling[0]);
	close(s->filling[1]);
}

/* ---- a network of our own ---- */

static inline bool write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	bool ok = f && fputs(text, f) >= 0;

	return f && !fclose(f) && ok;
}

static inline bool loopback_up(void)
{
	struct ifreq r = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool up = fd >= 0 && !ioctl(fd, SIOCSIFFLAGS, &r);

	if (fd >= 0)
		close(fd);
	return up;
}

/* Whoever is not root becomes it in a namespace of users. */
static inline bool own_users(void)
{
	unsigned uid = getuid(), gid = getgid();
	char users[32], groups[32];

	snprintf(users, sizeof(users), "0 %u 1\n", uid);
	snprintf(groups, sizeof(groups), "0 %u 1\n", gid);
	return !unshare(CLONE_NEWUSER) && write_file("/proc/self/setgroups", "deny") &&
	       write_file("/proc/self/uid_map", users) && write_file("/proc/self/gid_map", groups);
}

/* With nothing but loopback, and with MORE namespaces.  False: it is not allowed. */
static inline bool own_network(int more)
{
	return (!unshare(CLONE_NEWNET | more) || (own_users() && !unshare(CLONE_NEWNET | more))) &&
	       loopback_up();
}

#endif
