#include <config.h>

#include "runtime/core/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "runtime/core/control.h"

enum { BACKLOG = 128, LOCK_TRIES = 100, LOCK_PAUSE = 10000000 /* ns */ };

/* Always false. */
static bool refuse(struct control_error *error, const char *path, const char *what)
{
	snprintf(error->text, sizeof(error->text), "%s: %s", path, what);
	return false;
}

bool listener_address(const char *path, struct sockaddr_un *address, struct control_error *error)
{
	size_t n = strlen(path);

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (n && n < sizeof(address->sun_path)) {
		memcpy(address->sun_path, path, n + 1);
		return true;
	}
	snprintf(error->text, sizeof(error->text),
		 "the path of a socket has 1 to %zu bytes, this one has %zu: %.40s%s",
		 sizeof(address->sun_path) - 1, n, path, n > 40 ? "..." : "");
	return false;
}

static void folder_of(const struct sockaddr_un *address, char folder[sizeof(address->sun_path)])
{
	char *slash;

	memcpy(folder, address->sun_path, sizeof(address->sun_path));
	slash = strrchr(folder, '/');
	if (!slash)
		strcpy(folder, ".");
	else
		slash[slash == folder] = '\0';
}

static bool lies_below(const char *folder, const char *top)
{
	size_t n = top ? strlen(top) : 0;

	while (n && top[n - 1] == '/')
		n--;
	return n && !strncmp(folder, top, n) && folder[n] == '/' && !strstr(folder, "/../");
}

/* Only where folders of running programs belong; elsewhere a missing one is a slip of the pen. */
static bool make_folder(const char *folder, struct control_error *error)
{
	if (access(folder, F_OK) == 0)
		return true;
	if (!lies_below(folder, "/run") && !lies_below(folder, getenv("XDG_RUNTIME_DIR")))
		return refuse(error, folder, "there is no such folder");
	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return refuse(error, folder, strerror(errno));
	return true;
}

/* Two programs that start at once must not each take the other's socket for a stale one. */
static int lock_folder(const char *folder, struct control_error *error)
{
	static const struct timespec pause = { .tv_nsec = LOCK_PAUSE };
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		refuse(error, folder, strerror(errno));
		return -1;
	}
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return fd;
		nanosleep(&pause, NULL);
	}
	refuse(error, folder, "another program holds the folder's lock");
	close(fd);
	return -1;
}

/* Whether nobody serves what lies there. */
static bool is_stale(const struct sockaddr_un *address, struct control_error *error)
{
	const char *path = address->sun_path;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int problem;
	bool connected;

	if (fd < 0)
		return refuse(error, path, strerror(errno));
	connected = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;
	problem = errno;
	close(fd);
	if (connected || problem == EAGAIN)
		return refuse(error, path, "another process serves this socket");
	if (problem == ECONNREFUSED || problem == ENOENT)
		return true;
	return refuse(error, path, strerror(problem));
}

static bool remove_stale(const struct sockaddr_un *address, struct control_error *error)
{
	const char *path = address->sun_path;
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT || refuse(error, path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return refuse(error, path, "something that is no socket lies there");
	if (!is_stale(address, error))
		return false;
	return unlink(path) == 0 || errno == ENOENT || refuse(error, path, strerror(errno));
}

static bool bind_private(int fd, const struct sockaddr_un *address)
{
	/* Linux gives the path the mode that the socket has. */
	return fchmod(fd, 0600) == 0 &&
	       bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;
}

static bool bind_fresh(struct listener *l, struct control_error *error)
{
	const char *path = l->address.sun_path;
	struct stat st;

	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		return refuse(error, path, strerror(errno));
	if (!bind_private(l->fd, &l->address)) {
		if (errno != EADDRINUSE) {
			refuse(error, path, strerror(errno));
			goto fail;
		}
		if (!remove_stale(&l->address, error))
			goto fail;
		if (!bind_private(l->fd, &l->address)) {
			refuse(error, path, strerror(errno));
			goto fail;
		}
	}
	if (lstat(path, &st) == 0 && listen(l->fd, BACKLOG) == 0) {
		l->device = st.st_dev;
		l->inode = st.st_ino;
		return true;
	}
	refuse(error, path, strerror(errno));
	unlink(path);
fail:
	close(l->fd);
	return false;
}

bool listener_open(struct listener *l, const char *path, struct control_error *error)
{
	char folder[sizeof(l->address.sun_path)];
	bool ok;
	int lock;

	if (!listener_address(path, &l->address, error))
		return false;
	folder_of(&l->address, folder);
	if (!make_folder(folder, error))
		return false;
	lock = lock_folder(folder, error);
	if (lock < 0)
		return false;
	ok = bind_fresh(l, error);
	close(lock);
	return ok;
}

void listener_close(struct listener *l)
{
	struct stat st;

	if (lstat(l->address.sun_path, &st) == 0 && st.st_dev == l->device && st.st_ino == l->inode)
		unlink(l->address.sun_path);
	close(l->fd);
}
