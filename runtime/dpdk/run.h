/* `epic-dpdkd --plan F --target T`: the dataplane itself. */
#ifndef EPIC_DPDK_RUN_H
#define EPIC_DPDK_RUN_H

/* Returns the exit code of doc/cli.md. */
int run_main(int argc, char **argv);

#endif
