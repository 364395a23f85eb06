/* Datagrams by the batch: recvmmsg(2) and sendmmsg(2), with the memory they need. */
#ifndef EPIC_SOCKS_UDP_BATCH_H
#define EPIC_SOCKS_UDP_BATCH_H

#include <sys/socket.h>

#include "runtime/socks/function.h"

enum { UDP_BATCH = 16, UDP_MOST = 65536, UDP_MOST_HEAD = 12 + 4 + 256 };

struct udp_got {
	struct wire_span bytes; /* good until the next are received */
	struct wire_address from;
};

struct udp_out {
	uint8_t head[UDP_MOST_HEAD];
	size_t n_head;
	struct wire_span data; /* must live until it is flushed */
	struct bytes made;     /* memory for data */
	struct sockaddr_storage to;
	socklen_t n_to;
};

/* 1 MiB of addresses, of which the kernel gives what is touched. */
struct udp_batch;
struct udp_batch *udp_batch_open(void); /* NULL: no memory */
void udp_batch_close(struct udp_batch *);
/* Returns how many came, as *GOT. */
size_t udp_batch_receive(struct udp_batch *, int fd, const struct udp_got **got);
/* The next to go out by FD, zeroed but for `made`, which is empty; flushes if it must. */
struct udp_out *udp_batch_out(struct udp_batch *, int fd);
void udp_batch_commit(struct udp_batch *); /* that one is complete */
void udp_batch_flush(struct udp_batch *);
uint64_t udp_batch_lost(struct udp_batch *); /* that the kernel did not take, since last asked */

#endif
