/* The kinds of device that devices.c chooses from; each fills in its own state. */
#ifndef EPIC_DPDK_DEVICE_KINDS_H
#define EPIC_DPDK_DEVICE_KINDS_H

#include "runtime/dpdk/device.h"

struct ethdev_port;

/* What a device is opened with. */
struct device_wish {
	const char *what; /* "net_null0,size=64": the words behind the `=` of a binding */
	uint16_t index;   /* for packet_enter */
	struct rte_mempool *pool;
	unsigned n_receive, n_send;
	struct ethdev_port **ports; /* those that are open: two names may stand for one of them */
};

/* Always false. */
bool device_fail(struct device_error *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* NULL: *ERROR says why. */
void *ethdev_open(const struct device_wish *, struct device_error *);
void *null_open(const struct device_wish *, struct device_error *);

extern const struct device_ops ethdev_ops, null_ops;

/* Whether the words have the form of an ethdev: net_NAME, port:N, a PCI address. */
bool ethdev_is_named(const char *what);
bool ethdev_is_pci(const char *what);

#endif
