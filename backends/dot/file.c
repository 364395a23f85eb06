#include <config.h>

#include "backends/dot/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_all(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t n = write(fd, bytes, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		bytes += n;
		size -= (size_t)n;
	}
	return true;
}

static bool write_and_close(int fd, const char *bytes, size_t size)
{
	bool ok = write_all(fd, bytes, size) && fsync(fd) == 0;
	int saved = errno;

	if (close(fd) < 0 && ok)
		return false;
	errno = saved;
	return ok;
}

/* mkstemp gives a file to its owner alone; ours is as any other that the user makes. */
static void open_to_others(int fd)
{
	mode_t mask = umask(0);

	umask(mask);
	fchmod(fd, 0666 & ~mask);
}

/* Devices and pipes are written to; a rename would put a file in their place. */
static bool is_special(const char *path)
{
	struct stat st;

	return !stat(path, &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

static bool put_special(const char *path, const char *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), saved;
	bool ok;

	if (fd < 0)
		return false;
	ok = write_all(fd, bytes, size);
	saved = errno;
	close(fd);
	errno = saved;
	return ok;
}

bool file_put(const char *path, const char *bytes, size_t size)
{
	char temporary[PATH_MAX];
	int fd, saved;

	if (!strcmp(path, "-"))
		return write_all(STDOUT_FILENO, bytes, size);
	if (is_special(path))
		return put_special(path, bytes, size);
	if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return false;
	}
	fd = mkstemp(temporary);
	if (fd < 0)
		return false;
	open_to_others(fd);
	if (write_and_close(fd, bytes, size) && rename(temporary, path) == 0)
		return true;
	saved = errno;
	unlink(temporary);
	errno = saved;
	return false;
}
