/* AES-GCM by a cryptodev, for bursts.
 *
 * Each user has a device of its own with one queue pair: a queue pair is not for two workers, and
 * a device that runs takes no more of them.  It is plugged in when opened: crypto_aesni_gcm,
 * crypto_aesni_mb or crypto_openssl, the first that there is.  For the main thread, but for
 * crypto_run. */
#ifndef EPIC_DPDK_CRYPTODEV_H
#define EPIC_DPDK_CRYPTODEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "runtime/dpdk/module.h"

enum { CRYPTO_NONCE = 12, CRYPTO_AAD = 8, CRYPTO_ICV = 16 };

/* One packet's share of a burst; all offsets are in the linear packet.  The ICV stands behind the
 * text. */
struct crypto_job {
	struct rte_mbuf *packet;
	uint32_t aad;          /* offset of CRYPTO_AAD bytes */
	uint32_t text, length; /* what is encrypted or decrypted in place */
	uint8_t nonce[CRYPTO_NONCE];
	bool done; /* encrypted, or decrypted and found authentic */
	bool lost; /* the device has not given the packet back: it is the device's now */
};

struct crypto;

/* KEY of 16 or 32 bytes. */
struct crypto *crypto_open(const uint8_t *key, size_t size, bool seal, struct module_error *);
void crypto_close(struct crypto *); /* lost packets too; NULL is fine */

/* N <= BURST jobs, all enqueued before the first is awaited.  After a device has lost a packet it
 * gets no more, and no job is done. */
void crypto_run(struct crypto *, struct crypto_job *, unsigned n);

#endif
