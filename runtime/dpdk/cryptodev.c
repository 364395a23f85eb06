#include <config.h>

#include "runtime/dpdk/cryptodev.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cryptodev.h>
#include <rte_dev.h>
#include <rte_errno.h>

/* PATIENCE: polls without an answer after which a device is given up; a software device answers
 * the first, hardware within microseconds. */
enum {
	NAME_SIZE = 48,
	PATIENCE = 1 << 20,
	NONCE_OFFSET = sizeof(struct rte_crypto_op) + sizeof(struct rte_crypto_sym_op)
};

struct crypto {
	struct rte_crypto_op *ops[BURST]; /* the nonce lies behind each */
	struct rte_mempool *sessions, *pool;
	void *session;
	char name[NAME_SIZE];
	int device; /* -1: none */
	bool started, broken;
};

static const char *const drivers[] = { "crypto_aesni_gcm", "crypto_aesni_mb", "crypto_openssl" };

static bool crypto_plug(struct crypto *c, const char *driver)
{
	for (unsigned i = 0; i < RTE_CRYPTO_MAX_DEVS; i++) {
		snprintf(c->name, sizeof(c->name), "%s_epic%u", driver, i);
		if (rte_cryptodev_get_dev_id(c->name) >= 0)
			continue;
		if (rte_eal_hotplug_add("vdev", c->name, "max_nb_queue_pairs=1"))
			return false;
		c->device = rte_cryptodev_get_dev_id(c->name);
		return c->device >= 0;
	}
	return false;
}

/* Whether the device does AES-GCM with such a key. */
static bool crypto_can(const struct crypto *c, size_t key)
{
	struct rte_cryptodev_sym_capability_idx index = { .type = RTE_CRYPTO_SYM_XFORM_AEAD,
							  .algo.aead = RTE_CRYPTO_AEAD_AES_GCM };
	const struct rte_cryptodev_symmetric_capability *can =
	    rte_cryptodev_sym_capability_get((uint8_t)c->device, &index);

	return can && !rte_cryptodev_sym_capability_check_aead(can, (uint16_t)key, CRYPTO_ICV,
							       CRYPTO_AAD, CRYPTO_NONCE);
}

static void crypto_unplug(struct crypto *c)
{
	if (c->device < 0)
		return;
	if (c->started)
		rte_cryptodev_stop((uint8_t)c->device);
	if (c->session)
		rte_cryptodev_sym_session_free((uint8_t)c->device, c->session);
	c->session = NULL;
	rte_eal_hotplug_remove("vdev", c->name);
	c->device = -1;
}

static bool crypto_find(struct crypto *c, size_t key)
{
	for (size_t i = 0; i < RTE_DIM(drivers); i++) {
		if (crypto_plug(c, drivers[i]) && crypto_can(c, key))
			return true;
		crypto_unplug(c);
	}
	return false;
}

static bool crypto_pools(struct crypto *c)
{
	char name[NAME_SIZE + 8];
	unsigned size = rte_cryptodev_sym_get_private_session_size((uint8_t)c->device);

	snprintf(name, sizeof(name), "%.20s_s", strchr(c->name, '_') + 1);
	c->sessions = rte_cryptodev_sym_session_pool_create(name, 1, size, 0, 0, SOCKET_ID_ANY);
	snprintf(name, sizeof(name), "%.20s_o", strchr(c->name, '_') + 1);
	c->pool = rte_crypto_op_pool_create(name, RTE_CRYPTO_OP_TYPE_SYMMETRIC, BURST, 0, 16,
					    SOCKET_ID_ANY);
	return c->sessions && c->pool &&
	       rte_crypto_op_bulk_alloc(c->pool, RTE_CRYPTO_OP_TYPE_SYMMETRIC, c->ops, BURST) ==
		   BURST;
}

static bool crypto_start(struct crypto *c)
{
	struct rte_cryptodev_config config = { .socket_id = SOCKET_ID_ANY,
					       .nb_queue_pairs = 1,
					       .ff_disable = RTE_CRYPTODEV_FF_ASYMMETRIC_CRYPTO |
							     RTE_CRYPTODEV_FF_SECURITY };
	struct rte_cryptodev_qp_conf queue = { .nb_descriptors = 4 * BURST,
					       .mp_session = c->sessions };
	uint8_t device = (uint8_t)c->device;

	config.socket_id = (int)rte_socket_id();
	if (rte_cryptodev_configure(device, &config) ||
	    rte_cryptodev_queue_pair_setup(device, 0, &queue, config.socket_id) ||
	    rte_cryptodev_start(device))
		return false;
	return c->started = true;
}

static bool crypto_session(struct crypto *c, const uint8_t *key, size_t size, bool seal)
{
	struct rte_crypto_sym_xform form = {
		.type = RTE_CRYPTO_SYM_XFORM_AEAD,
		.aead = { .op = seal ? RTE_CRYPTO_AEAD_OP_ENCRYPT : RTE_CRYPTO_AEAD_OP_DECRYPT,
			  .algo = RTE_CRYPTO_AEAD_AES_GCM,
			  .key = { key, (uint16_t)size },
			  .iv = { NONCE_OFFSET, CRYPTO_NONCE },
			  .digest_length = CRYPTO_ICV,
			  .aad_length = CRYPTO_AAD },
	};

	c->session = rte_cryptodev_sym_session_create((uint8_t)c->device, &form, c->sessions);
	for (unsigned i = 0; c->session && i < BURST; i++)
		rte_crypto_op_attach_sym_session(c->ops[i], c->session);
	return c->session;
}

struct crypto *crypto_open(const uint8_t *key, size_t size, bool seal, struct module_error *e)
{
	struct crypto *c = calloc(1, sizeof(*c));

	if (!c) {
		module_fail(e, "no memory");
		return NULL;
	}
	c->device = -1;
	if (!crypto_find(c, size))
		module_fail(e, "no crypto device does AES-GCM (tried crypto_aesni_gcm, "
			       "crypto_aesni_mb, crypto_openssl)");
	else if (!crypto_pools(c) || !crypto_start(c) || !crypto_session(c, key, size, seal))
		module_fail(e, "%s does not start: %s", c->name, rte_strerror(rte_errno));
	else
		return c;
	crypto_close(c);
	return NULL;
}

void crypto_close(struct crypto *c)
{
	if (!c)
		return;
	crypto_unplug(c);
	for (unsigned i = 0; c->broken && i < BURST; i++)
		rte_pktmbuf_free(c->ops[i]->sym->m_src);
	rte_mempool_free(c->sessions);
	rte_mempool_free(c->pool);
	free(c);
}

static void job_fill(struct rte_crypto_op *op, const struct crypto_job *j)
{
	struct rte_crypto_sym_op *sym = op->sym;

	op->status = RTE_CRYPTO_OP_STATUS_NOT_PROCESSED;
	sym->m_src = j->packet;
	sym->m_dst = NULL;
	sym->aead.data.offset = j->text;
	sym->aead.data.length = j->length;
	sym->aead.aad.data = rte_pktmbuf_mtod_offset(j->packet, uint8_t *, j->aad);
	sym->aead.aad.phys_addr = rte_pktmbuf_iova_offset(j->packet, j->aad);
	sym->aead.digest.data = rte_pktmbuf_mtod_offset(j->packet, uint8_t *, j->text + j->length);
	sym->aead.digest.phys_addr = rte_pktmbuf_iova_offset(j->packet, j->text + j->length);
	memcpy(rte_crypto_op_ctod_offset(op, uint8_t *, NONCE_OFFSET), j->nonce, CRYPTO_NONCE);
}

/* Enqueues all N and waits for all; false: PATIENCE is used up.  Those that are back have no
 * m_src. */
static bool crypto_exchange(struct crypto *c, unsigned n)
{
	struct rte_crypto_op *back[BURST];
	unsigned in = 0, out = 0;

	for (unsigned idle = 0; out < n && idle < PATIENCE; idle++) {
		uint16_t got;

		in += rte_cryptodev_enqueue_burst((uint8_t)c->device, 0, c->ops + in,
						  (uint16_t)(n - in));
		got = rte_cryptodev_dequeue_burst((uint8_t)c->device, 0, back, BURST);
		for (uint16_t i = 0; i < got; i++)
			back[i]->sym->m_src = NULL;
		out += got;
		idle = got ? 0 : idle;
	}
	return out == n;
}

void crypto_run(struct crypto *c, struct crypto_job *jobs, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		jobs[i].done = jobs[i].lost = false;
	if (c->broken)
		return;
	for (unsigned i = 0; i < n; i++)
		job_fill(c->ops[i], &jobs[i]);
	c->broken = !crypto_exchange(c, n);
	for (unsigned i = 0; i < n; i++) {
		jobs[i].done = c->ops[i]->status == RTE_CRYPTO_OP_STATUS_SUCCESS;
		jobs[i].lost = c->ops[i]->sym->m_src;
	}
}
