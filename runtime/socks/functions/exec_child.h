/* Starts a program, from any thread: without a shell, with the signals of a new process and no
 * descriptors but the three that it is given, in a session of its own. */
#ifndef EPIC_SOCKS_EXEC_CHILD_H
#define EPIC_SOCKS_EXEC_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { EXEC_MOST_GROUPS = 64 };

struct exec_user {
	uid_t uid;
	gid_t gid, groups[EXEC_MOST_GROUPS];
	size_t n_groups;
};

struct exec_job {
	const char *path; /* absolute */
	char *const *argv, *const *environment;
	const char *directory;        /* NULL: that of this process */
	const struct exec_user *user; /* NULL: that of this process */
	int in, out, err;             /* stay open here */
};

/* -1: errno.  *PIDFD becomes readable when the program has ended; it is to be reaped by
 * waitid(P_PIDFD) and closed. */
pid_t exec_spawn(const struct exec_job *, int *pidfd);

#endif
