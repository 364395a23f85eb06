/* What a proxy gives up once it runs: root, and system calls that it has no use for. */
#ifndef EPIC_SOCKS_LOCKDOWN_H
#define EPIC_SOCKS_LOCKDOWN_H

#include <stdbool.h>

struct lockdown_error {
	char text[256];
};

/* Becomes USER with its groups, keeping the right to bind low ports, and with KEEP_NET to mark and
 * to redirect connections (a reload may need them).  Before any thread is started.  False: *ERROR.
 */
bool lockdown_user(const char *user, bool keep_net, struct lockdown_error *);
/* No new privileges, and a seccomp filter: what changes the system or looks into other processes
 * fails with EPERM, and without MAY_EXEC so does starting programs.  False: the kernel or the build
 * cannot; *ERROR. */
bool lockdown_calls(bool may_exec, struct lockdown_error *);

#endif
