/* The arguments of the EAL: what the user gave, and what goes without saying. */
#ifndef EPIC_DPDK_EAL_H
#define EPIC_DPDK_EAL_H

#include <stdbool.h>
#include <stddef.h>

struct eal {
	char **argv; /* all malloced, ends with NULL */
	int argc;
	size_t room;
	bool failed;
	bool without_huge_pages; /* chosen because there are none */
	const char *prefix;      /* the value of --file-prefix */
};

struct eal_error {
	char text[256];
};

void eal_add(struct eal *, const char *argument);
/* Completes the arguments for workers on CORES: lcore I is worker I, and the main thread is lcore
 * N_CORES on any core.  Without huge pages, --no-huge with memory for N_MBUFS packets; without PCI
 * devices that are asked for (-a), --no-pci, so that no card is seized; a prefix of its own, so
 * that several dataplanes can run.  False: *ERROR says why. */
bool eal_complete(struct eal *, const unsigned *cores, size_t n_cores, unsigned n_mbufs,
		  struct eal_error *);
bool eal_start(struct eal *, struct eal_error *);
/* rte_eal_cleanup, and removes the EAL's files of this prefix. */
void eal_stop(struct eal *);
void eal_free(struct eal *); /* also where it was never started */

#endif
