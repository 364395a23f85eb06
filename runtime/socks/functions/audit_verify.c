#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "runtime/socks/functions/audit_file.h"
#include "runtime/socks/functions/audit_lines.h"
#include "runtime/socks/functions/audit_log.h"

enum { MOST_PARTS = 100000, ATTEMPTS = 3 };

struct part {
	struct part *next; /* the newer one */
	char path[];
};

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static struct part *part_new(const char *directory, size_t n, const char *name, struct part *next)
{
	struct part *p = calloc(1, sizeof(*p) + n + strlen(name) + 1);

	if (!p)
		return NULL;
	memcpy(p->path, directory, n);
	memcpy(p->path + n, name, strlen(name));
	p->next = next;
	return p;
}

static void free_parts(struct part *p)
{
	for (struct part *next; p; p = next) {
		next = p->next;
		free(p);
	}
}

/* What the first line of the part names, which is the second if the first was cut. */
static bool find_before(const char *path, char before[AUDIT_NAME])
{
	struct audit_lines *lines = calloc(1, sizeof(*lines));
	const char *line;
	size_t n;
	bool ended, found = false;

	if (!lines)
		return false;
	lines->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	for (int i = 0; lines->fd >= 0 && !found && i < 2; i++)
		found = audit_lines_next(lines, &line, &n, &ended) && ended &&
			audit_line_after(line, n, before);
	if (lines->fd >= 0)
		close(lines->fd);
	free(lines);
	return found;
}

/* All parts, the oldest first.  NULL: no memory. */
static struct part *find_parts(const char *path)
{
	size_t directory = (size_t)(base_of(path) - path);
	struct part *first = part_new(path, directory, base_of(path), NULL), *older;
	char before[AUDIT_NAME];

	for (int i = 0; first && i < MOST_PARTS && find_before(first->path, before); i++) {
		if (!strcmp(before, base_of(first->path)))
			break;
		older = part_new(path, directory, before, first);
		if (!older) {
			free_parts(first);
			return NULL;
		}
		first = older;
	}
	return first;
}

static bool read_part(struct audit_reader *r, const struct part *p, struct text *report)
{
	int fd = open(p->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool ok = fd >= 0;

	r->file = base_of(p->path);
	r->line = 0;
	ok = ok && audit_read_file(fd, r);
	if (!ok)
		text_printf(report, "%s: %s\n", p->path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return ok;
}

static void say_whole(const struct audit_reader *r, size_t n_parts, struct text *report)
{
	text_printf(report, "%" PRIu64 " lines in %zu file%s, %" PRIu64 " connections: whole\n",
		    r->chain.sequence, n_parts, n_parts == 1 ? "" : "s", r->n_connections);
	if (r->n_repairs)
		text_printf(report, "%" PRIu64 " cut by a crash, as noted behind\n", r->n_repairs);
	if (r->n_unchecked)
		text_printf(report, "%" PRIu64 " authentication codes were not checked\n",
			    r->n_unchecked);
	if (!r->seek)
		text_puts(report, "without .head: lines missing at the end are not noticed\n");
	text_printf(report, "last: %" PRIu64 " %s\n", r->chain.sequence, r->chain.hash);
}

static bool read_parts(struct audit_reader *r, const struct part *first, const char *path,
		       struct text *report)
{
	size_t n = 0;
	bool ok = true;

	if (!audit_head_read(path, &r->seek, r->seek_hash)) {
		text_printf(report, "%s.head cannot be read\n", path);
		return false;
	}
	for (const struct part *p = first; p && ok; p = p->next, n++)
		ok = read_part(r, p, report);
	if (!ok)
		return false;
	audit_reader_end(r);
	if (!r->n_faults && !r->chain.sequence)
		text_printf(report, "%s: there is no line\n", path);
	if (r->n_faults > AUDIT_MOST_FAULTS)
		text_printf(report, "and %" PRIu64 " more\n", r->n_faults - AUDIT_MOST_FAULTS);
	if (r->n_faults || !r->chain.sequence)
		return false;
	say_whole(r, n, report);
	return true;
}

static bool verify_once(const char *path, const struct audit_key *key, struct text *report)
{
	struct audit_reader reader;
	struct part *first = find_parts(path);
	bool ok;

	if (!first) {
		text_puts(report, "memory is exhausted\n");
		return false;
	}
	audit_reader_begin(&reader, key, path, report);
	ok = read_parts(&reader, first, path, report);
	free_parts(first);
	return ok;
}

/* Whether a process writes it. */
static bool is_live(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool live = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;

	if (fd >= 0)
		close(fd);
	return live;
}

/* Of a log that is being written, half of the last line may have been seen, or a part before it was
 * renamed: what is wrong stays so. */
bool audit_log_verify_key(const char *path, const char *key_file, struct text *report)
{
	const struct timespec rest = { 0, 50000000 };
	struct audit_key *key = calloc(1, sizeof(*key));
	struct function_error error = { "memory is exhausted" };
	bool ready = key && (!key_file || audit_key_read(key_file, key, &error)), ok;

	if (!ready)
		text_printf(report, "%s\n", error.text);
	ok = ready && verify_once(path, key, report);
	for (int i = 0; ready && !ok && i < ATTEMPTS && is_live(path); i++) {
		nanosleep(&rest, NULL);
		text_free(report);
		ok = verify_once(path, key, report);
	}
	free(key);
	return ok;
}

bool audit_log_verify(const char *path, struct text *report)
{
	return audit_log_verify_key(path, NULL, report);
}
