/* `epic-dpdkd top` and `epic-dpdkd stats`: clients of a running dataplane's control socket. */
#ifndef EPIC_DPDK_TOP_H
#define EPIC_DPDK_TOP_H

/* ARGV[0] is the command's name.  Returns the exit code of doc/cli.md. */
int top_main(int argc, char **argv);
int stats_main(int argc, char **argv);

/* The path of the control socket of the dataplane that runs TARGET if nothing else is said:
 * control_path("dpdkd-TARGET"), malloced. */
char *top_control(const char *target);

#endif
