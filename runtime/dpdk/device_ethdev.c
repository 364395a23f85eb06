#include <config.h>

#include "runtime/dpdk/device_kinds.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_prefetch.h>
#include <rte_spinlock.h>

#include "runtime/dpdk/lane.h"
#include "runtime/dpdk/packet.h"

enum { DESCRIPTORS = 1024 };

/* Two names of one port may be polled by two workers. */
struct rx_lock {
	rte_spinlock_t lock;
} __rte_cache_aligned;

/* A port of the EAL, started. */
struct ethdev_port {
	struct ethdev_port *next;
	unsigned refs; /* devices that stand for it */
	uint16_t id;
	bool plugged;          /* by us, so that we take it out again */
	bool segments;         /* can send packets of several segments */
	struct rx_lock *locks; /* per receive queue */
};

/* One of the policy's names for a port. */
struct ethdev {
	struct ethdev_port *port, **ports;
	struct rte_mempool *pool;
	uint16_t index;
	bool counts_misses; /* the first of the port's devices does */
	unsigned n_receive, n_send;
	struct lane *rx, *tx; /* per queue */
};

/* ---- names ---- */

bool ethdev_is_pci(const char *what)
{
	unsigned domain, bus, slot, function;
	int end = 0;

	if (sscanf(what, "%4x:%2x:%2x.%1x%n", &domain, &bus, &slot, &function, &end) == 4)
		return end && (!what[end] || what[end] == ',');
	end = 0;
	return sscanf(what, "%2x:%2x.%1x%n", &bus, &slot, &function, &end) == 3 && end &&
	       (!what[end] || what[end] == ',');
}

/* `port:N` with a number of the EAL. */
static bool is_port(const char *what, unsigned long *number)
{
	char *end;

	if (strncmp(what, "port:", 5) != 0 || !isdigit((unsigned char)what[5]))
		return false;
	*number = strtoul(what + 5, &end, 10);
	return !*end;
}

bool ethdev_is_named(const char *what)
{
	unsigned long number;

	return (strncmp(what, "net_", 4) == 0 && what[4]) || is_port(what, &number) ||
	       ethdev_is_pci(what);
}

/* The name without its arguments; a PCI address with its domain, as the EAL calls it. */
static void name_of(const char *what, char *name, size_t room)
{
	bool short_pci = ethdev_is_pci(what) && strchr(what, ':') == strrchr(what, ':');

	snprintf(name, room, "%s%.*s", short_pci ? "0000:" : "", (int)strcspn(what, ","), what);
}

/* ---- plugging in ---- */

/* The value of KEY= among the arguments; false: it is not there. */
static bool argument_of(const char *what, const char *key, char *value, size_t room)
{
	for (const char *at = strchr(what, ','); at; at = strchr(at, ',')) {
		at++;
		if (strncmp(at, key, strlen(key)) == 0 && at[strlen(key)] == '=') {
			at += strlen(key) + 1;
			snprintf(value, room, "%.*s", (int)strcspn(at, ","), at);
			return true;
		}
	}
	return false;
}

/* The EAL says only "no such device"; the usual reason can be seen from here. */
static void reason_of(const char *what, int error, char *reason, size_t room)
{
	static const char *const interfaces[] = { "iface", "rx_iface", "tx_iface" };
	char value[160];

	for (size_t i = 0; i < sizeof(interfaces) / sizeof(*interfaces); i++)
		if (argument_of(what, interfaces[i], value, sizeof(value)) &&
		    !if_nametoindex(value)) {
			snprintf(reason, room, "%s=%s is not there", interfaces[i], value);
			return;
		}
	if (argument_of(what, "rx_pcap", value, sizeof(value)) && access(value, R_OK) != 0)
		snprintf(reason, room, "rx_pcap=%s: %s", value, strerror(errno));
	else if (ethdev_is_pci(what))
		snprintf(reason, room, "it is not there, or no driver of DPDK has it");
	else
		snprintf(reason, room, "%s", strerror(error ? error : ENODEV));
}

static bool plug_in(const char *what, const char *name, uint16_t *id, struct device_error *error)
{
	const char *arguments = strchr(what, ',');
	int rc = rte_eal_hotplug_add(ethdev_is_pci(what) ? "pci" : "vdev", name,
				     arguments ? arguments + 1 : "");
	char reason[200];

	/* A device that was refused may be reported as plugged in. */
	if (rte_eth_dev_get_port_by_name(name, id) == 0)
		return true;
	reason_of(what, rc < 0 ? -rc : rc, reason, sizeof(reason));
	return device_fail(error, "%s could not be plugged in: %s", name, reason);
}

/* The number of the port, which is plugged in if need be. */
static bool find_port(const char *what, uint16_t *id, bool *plugged, struct device_error *error)
{
	char name[RTE_ETH_NAME_MAX_LEN];
	unsigned long number;

	*plugged = false;
	if (is_port(what, &number)) {
		*id = (uint16_t)number;
		return (number < RTE_MAX_ETHPORTS && rte_eth_dev_is_valid_port(*id)) ||
		       device_fail(error, "there is no port %lu; the EAL has %u", number,
				   rte_eth_dev_count_avail());
	}
	if (strcspn(what, ",") + strlen("0000:") >= sizeof(name))
		return device_fail(error, "'%.40s...' is too long a name", what);
	name_of(what, name, sizeof(name));
	if (rte_eth_dev_get_port_by_name(name, id) == 0)
		return true;
	return *plugged = plug_in(what, name, id, error);
}

static void plug_out(uint16_t id)
{
	struct rte_eth_dev_info info;

	if (rte_eth_dev_info_get(id, &info) != 0)
		return;
	rte_eth_dev_close(id);
	rte_dev_remove(info.device);
}

/* ---- starting ---- */

static bool has_queues(const struct device_wish *w, const struct rte_eth_dev_info *info,
		       struct device_error *error)
{
	if (info->max_rx_queues < w->n_receive)
		return device_fail(error,
				   "%s has %u receive queues, and the plan needs %u: one for "
				   "each copy of the pipeline",
				   w->what, info->max_rx_queues, w->n_receive);
	if (info->max_tx_queues < w->n_send)
		return device_fail(error,
				   "%s has %u transmit queues, and the plan needs %u: one "
				   "for each worker",
				   w->what, info->max_tx_queues, w->n_send);
	return true;
}

/* Both directions of a flow meet the same copy: a key of repeated pairs of bytes makes the hash
 * symmetric. */
static struct rte_eth_conf conf_of(const struct device_wish *w, const struct rte_eth_dev_info *info,
				   uint8_t *key)
{
	struct rte_eth_conf conf = { .txmode.offloads =
					 info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS };
	uint64_t can = info->flow_type_rss_offloads;

	if (w->n_receive == 1 || !can)
		return conf;
	for (unsigned i = 0; i < info->hash_key_size; i++)
		key[i] = i % 2 ? 0x5a : 0x6d;
	conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	conf.rx_adv_conf.rss_conf = (struct rte_eth_rss_conf){
		.rss_key = info->hash_key_size ? key : NULL,
		.rss_key_len = info->hash_key_size,
		.rss_hf = can & (RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP),
	};
	return conf;
}

static int set_up_queues(const struct device_wish *w, uint16_t id)
{
	uint16_t n_rx = DESCRIPTORS, n_tx = DESCRIPTORS;
	int socket = rte_eth_dev_socket_id(id);
	int rc = rte_eth_dev_adjust_nb_rx_tx_desc(id, &n_rx, &n_tx);

	for (unsigned q = 0; rc == 0 && q < w->n_receive; q++)
		rc = rte_eth_rx_queue_setup(id, (uint16_t)q, n_rx, (unsigned)socket, NULL, w->pool);
	for (unsigned q = 0; rc == 0 && q < w->n_send; q++)
		rc = rte_eth_tx_queue_setup(id, (uint16_t)q, n_tx, (unsigned)socket, NULL);
	return rc;
}

static bool port_start(const struct device_wish *w, struct ethdev_port *port,
		       struct device_error *error)
{
	struct rte_eth_dev_info info;
	struct rte_eth_conf conf;
	uint8_t key[UINT8_MAX];
	int rc = rte_eth_dev_info_get(port->id, &info);

	if (rc != 0)
		return device_fail(error, "%s: %s", w->what, strerror(-rc));
	if (!has_queues(w, &info, error))
		return false;
	conf = conf_of(w, &info, key);
	port->segments = conf.txmode.offloads & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	rc = rte_eth_dev_configure(port->id, (uint16_t)w->n_receive, (uint16_t)w->n_send, &conf);
	if (rc == 0)
		rc = set_up_queues(w, port->id);
	if (rc == 0)
		rc = rte_eth_dev_start(port->id);
	if (rc != 0)
		return device_fail(error, "%s could not be started: %s", w->what, strerror(-rc));
	rte_eth_promiscuous_enable(port->id); /* what cannot is so already */
	rte_eth_stats_reset(port->id);
	return true;
}

/* ---- ports that are open ---- */

static struct ethdev_port *port_new(const struct device_wish *w, uint16_t id, bool plugged,
				    struct device_error *error)
{
	struct ethdev_port *port = calloc(1, sizeof(*port));

	if (port)
		port->locks = lane_cells(w->n_receive, sizeof(struct rx_lock));
	if (!port || !port->locks) {
		device_fail(error, "no memory");
		goto free_port;
	}
	port->id = id;
	port->plugged = plugged;
	if (!port_start(w, port, error))
		goto free_locks;
	port->next = *w->ports;
	return *w->ports = port;
free_locks:
	free(port->locks);
free_port:
	free(port);
	return NULL;
}

static struct ethdev_port *port_open(const struct device_wish *w, struct device_error *error)
{
	struct ethdev_port *port;
	uint16_t id;
	bool plugged;

	if (!find_port(w->what, &id, &plugged, error))
		return NULL;
	for (port = *w->ports; port && port->id != id; port = port->next)
		;
	if (!port)
		port = port_new(w, id, plugged, error);
	if (port)
		port->refs++;
	else if (plugged)
		plug_out(id);
	return port;
}

static void port_close(struct ethdev_port *port, struct ethdev_port **ports)
{
	if (--port->refs)
		return;
	while (*ports != port)
		ports = &(*ports)->next;
	*ports = port->next;
	rte_eth_dev_stop(port->id);
	if (port->plugged)
		plug_out(port->id);
	else
		rte_eth_dev_close(port->id);
	free(port->locks);
	free(port);
}

void *ethdev_open(const struct device_wish *w, struct device_error *error)
{
	struct ethdev *e = calloc(1, sizeof(*e));

	if (e) {
		e->rx = lanes_new(w->n_receive);
		e->tx = lanes_new(w->n_send);
	}
	if (!e || !e->rx || !e->tx) {
		device_fail(error, "no memory");
		goto fail;
	}
	e->ports = w->ports;
	e->pool = w->pool;
	e->index = w->index;
	e->n_receive = w->n_receive;
	e->n_send = w->n_send;
	if (!(e->port = port_open(w, error)))
		goto fail;
	e->counts_misses = e->port->refs == 1;
	return e;
fail:
	if (e) {
		free(e->rx);
		free(e->tx);
	}
	free(e);
	return NULL;
}

static void ethdev_close(void *state)
{
	struct ethdev *e = state;

	port_close(e->port, e->ports);
	free(e->rx);
	free(e->tx);
	free(e);
}

/* ---- the packet path ---- */

/* A packet that was put together elsewhere: in one piece and in an mbuf with room for a struct
 * packet, or NULL, and then it is freed. */
static struct rte_mbuf *received_whole(const struct ethdev *e, struct rte_mbuf *m)
{
	struct rte_mbuf *whole = m;

	if (m->priv_size < sizeof(struct packet)) {
		whole = rte_pktmbuf_copy(m, e->pool, 0, UINT32_MAX);
		rte_pktmbuf_free(m);
	}
	if (whole && rte_pktmbuf_linearize(whole) != 0) {
		rte_pktmbuf_free(whole);
		return NULL;
	}
	return whole;
}

static unsigned enter_all(struct ethdev *e, struct lane *lane, uint64_t now,
			  struct rte_mbuf **packets, unsigned n)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(packets[i], void *));
	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *m = packets[i];

		if (unlikely(m->nb_segs > 1 || m->priv_size < sizeof(struct packet)))
			m = received_whole(e, m);
		if (unlikely(!m)) {
			lane_add(&lane->missed, 1);
			continue;
		}
		packet_enter(m, e->index, now);
		packets[kept++] = m;
	}
	lane_add(&lane->received, kept);
	return kept;
}

static unsigned ethdev_receive(void *state, unsigned queue, uint64_t now, struct rte_mbuf **packets,
			       unsigned most)
{
	struct ethdev *e = state;
	rte_spinlock_t *lock = &e->port->locks[queue].lock;
	unsigned n;

	assert(queue < e->n_receive);
	if (!rte_spinlock_trylock(lock))
		return 0;
	n = rte_eth_rx_burst(e->port->id, (uint16_t)queue, packets, (uint16_t)most);
	rte_spinlock_unlock(lock);
	return n ? enter_all(e, &e->rx[queue], now, packets, n) : 0;
}

/* Puts what the device cannot take behind what it can; returns how many that are. */
static unsigned sendable(const struct ethdev *e, struct rte_mbuf **packets, unsigned n)
{
	unsigned kept = 0;

	if (e->port->segments)
		return n;
	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *m = packets[i];

		if (unlikely(m->nb_segs > 1 && rte_pktmbuf_linearize(m) != 0))
			continue;
		packets[i] = packets[kept];
		packets[kept++] = m;
	}
	return kept;
}

static unsigned ethdev_send(void *state, unsigned queue, struct rte_mbuf **packets, unsigned n)
{
	struct ethdev *e = state;
	struct lane *lane = &e->tx[queue];
	unsigned can = sendable(e, packets, n), sent;

	assert(queue < e->n_send);
	sent = rte_eth_tx_burst(e->port->id, (uint16_t)queue, packets, (uint16_t)can);
	lane_add(&lane->sent, sent);
	if (unlikely(sent < n))
		lane_add(&lane->refused, n - sent);
	return sent;
}

static void ethdev_counts(const void *state, struct device_counts *counts)
{
	const struct ethdev *e = state;
	struct rte_eth_stats stats;

	*counts = (struct device_counts){ 0 };
	lanes_sum(e->rx, e->n_receive, counts);
	lanes_sum(e->tx, e->n_send, counts);
	if (e->counts_misses && rte_eth_stats_get(e->port->id, &stats) == 0)
		counts->missed += stats.imissed + stats.rx_nombuf + stats.ierrors;
}

static bool ethdev_is_done(const void *state)
{
	(void)state;
	return false;
}

const struct device_ops ethdev_ops = {
	.name = "ethdev",
	.receive = ethdev_receive,
	.send = ethdev_send,
	.counts = ethdev_counts,
	.is_done = ethdev_is_done,
	.close = ethdev_close,
};
