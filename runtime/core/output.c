#include <config.h>

#include "runtime/core/output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail(struct output_error *error, const char *path)
{
	snprintf(error->text, sizeof(error->text), "%s: %s", path, strerror(errno));
	return false;
}

static bool is_special(const char *path)
{
	struct stat s;

	return !stat(path, &s) && !S_ISREG(s.st_mode);
}

static bool put(FILE *f, const void *bytes, size_t n)
{
	return fwrite(bytes, 1, n, f) == n && !fflush(f);
}

/* Closes the file whatever comes of it. */
static bool put_into(const char *path, const void *bytes, size_t n)
{
	FILE *f = fopen(path, "w");
	bool good = f && put(f, bytes, n);

	return f && !fclose(f) && good;
}

bool output_write(const char *path, const void *bytes, size_t n, struct output_error *error)
{
	char *part;
	bool good;

	if (!strcmp(path, "-"))
		return put(stdout, bytes, n) || fail(error, "standard output");
	if (is_special(path))
		return put_into(path, bytes, n) || fail(error, path);
	if (asprintf(&part, "%s.%d.part", path, (int)getpid()) < 0)
		return fail(error, path);
	good = (put_into(part, bytes, n) && !rename(part, path)) || fail(error, path);
	if (!good)
		unlink(part);
	free(part);
	return good;
}
