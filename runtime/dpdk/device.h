/* What packets come from and go to: ethdev ports, the generator, a replayed file, nothing.
 *
 * The policy names a device (`device "wan"`); `--device wan=net_af_packet0,iface=veth1` binds the
 * name when the program starts.  What is not bound stands for itself:
 *
 *	net_NAME...,ARGS      a virtual device; plugged in if the EAL does not have it yet
 *	0000:3b:00.0          a PCI device
 *	port:N                the N-th port of the EAL
 *	null                  takes and counts, gives nothing
 *	generate              packets of the classes that enter there (generate.h)
 *	replay:FILE[,...]     a classic pcap file (replay.h)
 *
 * All devices of one process are opened by the main thread and live until devices_close; a new
 * plan uses again those that it names again.  Each has one receive queue per copy of the
 * pipeline and one transmit queue per worker, where it can; refused where it cannot. */
#ifndef EPIC_DPDK_DEVICE_H
#define EPIC_DPDK_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_mbuf.h>

struct device_error {
	char text[256];
};

struct device_counts {
	uint64_t received, sent;
	uint64_t missed;  /* were there, but nobody took them: the device's ring was full */
	uint64_t refused; /* could not be sent */
};

struct device;

/* One kind of device. */
struct device_ops {
	const char *name;
	/* At most MOST packets that have come in, with packet_enter done. */
	unsigned (*receive)(void *state, unsigned queue, uint64_t now, struct rte_mbuf **,
			    unsigned most);
	/* Takes over as many as it can, from the front; returns how many. */
	unsigned (*send)(void *state, unsigned queue, struct rte_mbuf **, unsigned n);
	void (*counts)(const void *state, struct device_counts *);
	/* Whether it will never give another packet (a file at its end). */
	bool (*is_done)(const void *state);
	void (*close)(void *state);
};

struct device {
	const char *name; /* the policy's */
	uint16_t index;   /* as packet.device and `port.in` have it */
	const struct device_ops *ops;
	void *state;
};

struct devices;

struct devices *devices_new(struct rte_mempool *, unsigned n_receive, unsigned n_send);
/* `POLICY=DEVICE`; false with *ERROR for what is no binding or given twice. */
bool devices_bind(struct devices *, const char *binding, struct device_error *);
/* What the policy's NAME stands for: the words of its binding, or NAME itself. */
const char *devices_bound(const struct devices *, const char *name);
/* The device that the policy's NAME stands for, opened once.  NULL: *ERROR says why not. */
struct device *devices_find(struct devices *, const char *name, struct device_error *);
/* The index of an opened device; false: no module has one of this name. */
bool devices_index(const struct devices *, const char *name, uint16_t *index);
size_t devices_count(const struct devices *);
const struct device *devices_at(const struct devices *, size_t index);
/* A device that is made by others: the generator, a replay.  NAME is new.  Takes STATE over, also
 * where it returns NULL for want of memory. */
struct device *devices_add(struct devices *, const char *name, const struct device_ops *,
			   void *state);
void devices_close(struct devices *); /* NULL is fine */

#endif
