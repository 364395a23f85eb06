/* Copies of packets into a classic pcap file, with nanoseconds.
 *
 * Workers put copies into a ring and never wait; the main thread writes them to a temporary file
 * beside PATH, which becomes PATH when the capture is closed.  Copies for which there is no mbuf or
 * no room in the ring are lost and counted; packets are not.  A full disk, or any other error of
 * writing, stops the capture, and the file keeps the whole frames before. */
#ifndef EPIC_DPDK_CAPTURE_H
#define EPIC_DPDK_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

enum { CAPTURE_RING = 2048 }; /* copies that wait at most */

struct capture;

struct capture_error {
	char text[256];
};

struct capture_facts {
	uint64_t written, bytes; /* frames, and bytes of the file */
	uint64_t lost;           /* copies that no mbuf, no room or no disk was there for */
	uint64_t beyond;         /* copies behind the limit */
	bool stopped;            /* by the limit or by an error */
	const char *why; /* it stopped: "the limit of 1000000 bytes is reached"; else NULL */
};

/* SNAPLEN 0: whole packets.  LIMIT: bytes of the file, 0 for none.  POOL has room for a struct
 * packet.  PATH may be a file, which is replaced at the end, but nothing else that exists.  NULL:
 * *ERROR says why. */
struct capture *capture_open(const char *path, struct rte_mempool *pool, uint32_t snaplen,
			     uint64_t limit, struct capture_error *);
/* Any worker; the packets stay the caller's. */
void capture_put(struct capture *, struct rte_mbuf *const *, unsigned n);
/* The main thread: writes what waits. */
void capture_poll(struct capture *);
void capture_about(const struct capture *, struct capture_facts *);
/* No worker may put any more.  Writes the rest and gives the file its name; false: *ERROR says
 * what became of it.  NULL is fine. */
bool capture_close(struct capture *, struct capture_error *);

#endif
