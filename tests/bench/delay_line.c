/* A network of a few hosts, each in a network namespace of its own, with a delay between any two of
 * them; for kernels without netem.
 *
 *	delay_line HOST... FROM-TO=MICROSECONDS...
 *
 * HOST is the name of a namespace below /run/netns that has a TUN device `line0`; the n-th host has
 * the addresses that end in n (10.77.0.1, fd77::1 for the first).  FROM-TO are numbers of hosts;
 * the delay is one way, and both ways have it.  Says "ready" and runs until it is ended.  Packets
 * between two hosts keep their order.  Runs as SCHED_FIFO where it may: otherwise each packet waits
 * for whoever has the processor. */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { MOST_HOSTS = 8, PLACES = 2048, ROOM = 1600, SECOND = 1000000000 };

struct packet {
	uint64_t due;
	size_t size;
	uint8_t bytes[ROOM];
};

/* One way between two hosts; all packets have the same delay, so that the first is due first. */
struct way {
	uint64_t delay; /* ns */
	size_t first, n;
	struct packet *packets; /* PLACES of them, in a ring; NULL: no such way */
};

struct line {
	size_t n_hosts;
	struct pollfd tuns[MOST_HOSTS];
	struct way ways[MOST_HOSTS][MOST_HOSTS];
};

static int fail(const char *what)
{
	fprintf(stderr, "delay_line: %s: %s\n", what, strerror(errno));
	return 1;
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

/* ---- setting up ---- */

static int open_tun(const char *host)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	char path[256];
	int namespace, tun;

	snprintf(path, sizeof(path), "/run/netns/%s", host);
	namespace = open(path, O_RDONLY | O_CLOEXEC);
	if (namespace < 0)
		return -1;
	if (setns(namespace, CLONE_NEWNET) < 0) {
		close(namespace);
		return -1;
	}
	close(namespace);
	tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	strcpy(request.ifr_name, "line0");
	if (tun >= 0 && ioctl(tun, TUNSETIFF, &request) < 0) {
		close(tun);
		return -1;
	}
	return tun;
}

static bool way_open(struct way *w, unsigned long microseconds)
{
	w->delay = microseconds * 1000;
	if (!w->packets)
		w->packets = malloc(PLACES * sizeof(*w->packets));
	if (w->packets)
		memset(w->packets, 0, PLACES * sizeof(*w->packets)); /* no page faults later */
	return w->packets;
}

static bool line_add(struct line *l, const char *word)
{
	unsigned long from, to, microseconds;

	if (sscanf(word, "%lu-%lu=%lu", &from, &to, &microseconds) == 3) {
		if (!from || from > l->n_hosts || !to || to > l->n_hosts) {
			errno = EINVAL;
			return false;
		}
		return way_open(&l->ways[from - 1][to - 1], microseconds) &&
		       way_open(&l->ways[to - 1][from - 1], microseconds);
	}
	if (l->n_hosts == MOST_HOSTS) {
		errno = E2BIG;
		return false;
	}
	l->tuns[l->n_hosts] = (struct pollfd){ .fd = open_tun(word), .events = POLLIN };
	return l->tuns[l->n_hosts++].fd >= 0;
}

static void become_punctual(void)
{
	struct sched_param p = { .sched_priority = 10 };

	if (sched_setscheduler(0, SCHED_FIFO, &p) < 0)
		fail("not SCHED_FIFO, so delays are not exact");
	mlockall(MCL_CURRENT | MCL_FUTURE);
}

/* ---- moving packets ---- */

/* The last byte of the destination's address. */
static size_t host_of(const uint8_t *packet, size_t size)
{
	if (size >= 20 && packet[0] >> 4 == 4)
		return packet[19];
	if (size >= 40 && packet[0] >> 4 == 6)
		return packet[39];
	return 0;
}

/* Packets to nobody, and those for which there is no place, are lost. */
static void line_take(struct line *l, size_t from)
{
	uint8_t bytes[ROOM];
	ssize_t size;

	while ((size = read(l->tuns[from].fd, bytes, sizeof(bytes))) > 0) {
		size_t to = host_of(bytes, (size_t)size);
		struct way *w = to && to <= l->n_hosts ? &l->ways[from][to - 1] : NULL;
		struct packet *p;

		if (!w || !w->packets || w->n == PLACES)
			continue;
		p = &w->packets[(w->first + w->n++) % PLACES];
		p->due = now() + w->delay;
		p->size = (size_t)size;
		memcpy(p->bytes, bytes, p->size);
	}
}

static void way_give(struct way *w, int tun, uint64_t time)
{
	while (w->n && w->packets[w->first].due <= time) {
		struct packet *p = &w->packets[w->first];

		/* What the host's queue does not take is lost, as on any line. */
		if (write(tun, p->bytes, p->size) < 0 && errno != EAGAIN && errno != EIO)
			fail("write");
		w->first = (w->first + 1) % PLACES;
		w->n--;
	}
}

/* Gives what is due; when the next one is, UINT64_MAX if nothing waits. */
static uint64_t line_give(struct line *l)
{
	uint64_t next = UINT64_MAX;

	for (size_t from = 0; from < l->n_hosts; from++) {
		for (size_t to = 0; to < l->n_hosts; to++) {
			struct way *w = &l->ways[from][to];

			way_give(w, l->tuns[to].fd, now());
			if (w->n && w->packets[w->first].due < next)
				next = w->packets[w->first].due;
		}
	}
	return next;
}

static int line_run(struct line *l)
{
	for (;;) {
		uint64_t next = line_give(l), time = now();
		uint64_t wait = next > time ? next - time : 0;
		struct timespec t = { .tv_sec = (time_t)(wait / SECOND),
				      .tv_nsec = (long)(wait % SECOND) };

		if (ppoll(l->tuns, l->n_hosts, next == UINT64_MAX ? NULL : &t, NULL) < 0)
			return fail("ppoll");
		for (size_t i = 0; i < l->n_hosts; i++) {
			if (l->tuns[i].revents & POLLIN)
				line_take(l, i);
		}
	}
}

int main(int argc, char **argv)
{
	struct line l = { 0 };

	for (int i = 1; i < argc; i++) {
		if (!line_add(&l, argv[i]))
			return fail(argv[i]);
	}
	if (!l.n_hosts) {
		fputs("usage: delay_line HOST... FROM-TO=MICROSECONDS...\n", stderr);
		return 2;
	}
	become_punctual();
	puts("ready");
	fflush(stdout);
	return line_run(&l);
}
