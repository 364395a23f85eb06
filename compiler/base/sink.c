#include <config.h>

#include "compiler/base/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compiler/base/arena.h"

static void reserve(struct sink *s, size_t more)
{
	size_t cap = s->cap ? s->cap : 256;

	if (s->cap - s->size > more)
		return;
	while (cap - s->size <= more)
		cap *= 2;
	s->data = xrealloc(s->data, cap);
	s->cap = cap;
}

void sink_put(struct sink *s, const void *bytes, size_t size)
{
	reserve(s, size);
	if (size)
		memcpy(s->data + s->size, bytes, size);
	s->size += size;
	s->data[s->size] = '\0';
}

void sink_puts(struct sink *s, const char *text)
{
	sink_put(s, text, strlen(text));
}

void sink_putc(struct sink *s, char c)
{
	sink_put(s, &c, 1);
}

void sink_pad(struct sink *s, size_t n)
{
	while (n--)
		sink_putc(s, ' ');
}

void sink_vprintf(struct sink *s, const char *fmt, va_list args)
{
	va_list again;
	int length;

	va_copy(again, args);
	length = vsnprintf(NULL, 0, fmt, args);
	reserve(s, (size_t)length + 1);
	vsnprintf(s->data + s->size, (size_t)length + 1, fmt, again);
	s->size += (size_t)length;
	va_end(again);
}

void sink_printf(struct sink *s, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	sink_vprintf(s, fmt, args);
	va_end(args);
}

void sink_free(struct sink *s)
{
	free(s->data);
	*s = (struct sink){ 0 };
}

bool dir_create(const char *path)
{
	char prefix[PATH_MAX];
	size_t n = strlen(path);

	if (n >= sizeof(prefix)) {
		errno = ENAMETOOLONG;
		return false;
	}
	for (size_t i = 1; i <= n; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(prefix, path, i);
		prefix[i] = '\0';
		if (mkdir(prefix, 0777) < 0 && errno != EEXIST)
			return false;
	}
	return true;
}

static bool create_parents(const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];

	if (!slash || slash == path)
		return true;
	if ((size_t)(slash - path) >= sizeof(dir)) {
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(dir, path, (size_t)(slash - path));
	dir[slash - path] = '\0';
	return dir_create(dir);
}

static bool write_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		data += n;
		size -= (size_t)n;
	}
	return true;
}

static bool write_and_close(int fd, const struct sink *s)
{
	bool ok = write_all(fd, s->data, s->size) && fsync(fd) == 0;
	int saved = errno;

	if (close(fd) < 0 && ok)
		return false;
	errno = saved;
	return ok;
}

/* Devices and pipes are written to; a rename would put a file in their place. */
static bool is_special(const char *path)
{
	struct stat st;

	return !stat(path, &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

static bool write_special(const char *path, const struct sink *s)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), saved;
	bool ok;

	if (fd < 0)
		return false;
	ok = write_all(fd, s->data, s->size);
	saved = errno;
	close(fd);
	errno = saved;
	return ok;
}

bool file_write(const char *path, const struct sink *s)
{
	char temporary[PATH_MAX];
	mode_t mask;
	int fd, saved;

	if (is_special(path))
		return write_special(path, s);

	if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return false;
	}
	if (!create_parents(path) || (fd = mkstemp(temporary)) < 0)
		return false;
	mask = umask(0);
	umask(mask);
	fchmod(fd, 0666 & ~mask);
	if (write_and_close(fd, s) && rename(temporary, path) == 0)
		return true;
	saved = errno;
	unlink(temporary);
	errno = saved;
	return false;
}

static bool read_all(int fd, struct sink *s)
{
	char piece[1 << 16];

	for (;;) {
		ssize_t n = read(fd, piece, sizeof(piece));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		if (n == 0)
			return true;
		sink_put(s, piece, (size_t)n);
	}
}

bool file_read(const char *path, struct sink *s)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int saved;
	bool ok;

	if (fd < 0)
		return false;
	sink_put(s, "", 0);
	ok = read_all(fd, s);
	saved = errno;
	close(fd);
	errno = saved;
	return ok;
}
