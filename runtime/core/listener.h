/* A Unix stream socket to listen on, at a path where an earlier one may lie. */
#ifndef EPIC_CORE_LISTENER_H
#define EPIC_CORE_LISTENER_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

struct control_error;

struct listener {
	int fd; /* does not block */
	struct sockaddr_un address;
	dev_t device; /* what lies at the path, so that only our own is removed */
	ino_t inode;
};

/* False if the path is too long; *ERROR says so. */
bool listener_address(const char *path, struct sockaddr_un *, struct control_error *);
/* False: *ERROR says why. */
bool listener_open(struct listener *, const char *path, struct control_error *);
void listener_close(struct listener *);

#endif
