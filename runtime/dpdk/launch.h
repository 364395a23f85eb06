/* launch.json, as the compiler writes it (doc/plan.md): what epic-dpdkd is started with. */
#ifndef EPIC_DPDK_LAUNCH_H
#define EPIC_DPDK_LAUNCH_H

#include <stdbool.h>
#include <stddef.h>

struct launch {
	char *plan; /* beside the file, if it was relative */
	char *target;
	char **eal; /* arguments for the EAL */
	size_t n_eal;
	unsigned *lcores;
	size_t n_lcores;
};

struct launch_error {
	char text[512];
};

/* False: *ERROR says why, and nothing is to be freed. */
bool launch_read(const char *path, struct launch *, struct launch_error *);
void launch_free(struct launch *);

#endif
