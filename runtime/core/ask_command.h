/* The subcommand `ask`: one command for a runtime's control socket. */
#ifndef EPIC_CORE_ASK_COMMAND_H
#define EPIC_CORE_ASK_COMMAND_H

struct ask_command {
	const char *program;  /* "epic-dpdkd" */
	const char *commands; /* for the help, "stats, reload [PLAN], help" */
	char *(*path)(const char *target); /* of the socket, malloced; NULL: no memory */
};

/* ARGV[0] is the command's name.  Returns 0, 1 refused, 2 wrong use, 5 nobody answers. */
int ask_command_main(const struct ask_command *, int argc, char **argv);

#endif
