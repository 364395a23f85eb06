/* A classic pcap file as a device: `replay:FILE[,speed=max|F][,loop=N]`.
 *
 *	speed=1		at the times at which the frames were recorded (the default)
 *	speed=F		F times as fast: 0.001 ... 1000000
 *	speed=max	as fast as they are asked for
 *	loop=N		N times over; 0: for ever; default 1
 *
 * FILE ends at the first comma.  The whole file is read when it is opened, so that the packet path
 * never waits for a disk.  Frames of over 9018 bytes, of more bytes than an mbuf holds, and of none
 * are passed over and counted; a file that ends within a frame is replayed up to there.  Frames
 * that are due and were not asked for wait: nothing is missed.  With several receive queues a frame
 * goes to one by its addresses and ports, both directions of a flow to the same.  What is sent to
 * the device is counted and freed. */
#ifndef EPIC_DPDK_REPLAY_H
#define EPIC_DPDK_REPLAY_H

#include "runtime/dpdk/device.h"

struct replay_request {
	char file[192];
	double speed;  /* 0: max */
	uint64_t loop; /* 0: for ever */
	struct rte_mempool *pool;
	uint16_t device; /* index of the device, for packet_enter */
	unsigned n_receive, n_send;
};

struct replay_facts {
	uint64_t frames;          /* of one time through */
	uint64_t too_long, empty; /* passed over */
	bool cut;                 /* the file is damaged behind the last frame */
};

/* Reads the words behind `replay:` into file, speed and loop; false with *ERROR. */
bool replay_parse(const char *text, struct replay_request *, struct device_error *);

/* The state for replay_ops; NULL: *ERROR says why.  A file without a usable frame is refused. */
void *replay_open(const struct replay_request *, struct device_error *);
void replay_about(const void *state, struct replay_facts *);

extern const struct device_ops replay_ops;

#endif
