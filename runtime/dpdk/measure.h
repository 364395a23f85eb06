/* `epic-dpdkd profile`. */
#ifndef EPIC_DPDK_MEASURE_H
#define EPIC_DPDK_MEASURE_H

/* ARGV[0] is the command's name.  Returns the exit code of doc/cli.md. */
int profile_main(int argc, char **argv);

#endif
