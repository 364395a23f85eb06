#include <config.h>

#include "runtime/socks/functions/audit_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "runtime/socks/functions/audit_lines.h"

enum {
	MODE = 0640,
	HEAD_SIZE = 20 + 1 + AUDIT_HEX + 1 /* `%020llu HASH` LF */
};

struct audit_file {
	int fd, head;
	char path[PATH_MAX];
	struct audit_chain chain;
	struct text waiting;
	size_t written; /* of what waits */
	uint64_t size, synced, repaired;
};

/* What was found in the file. */
struct found {
	struct audit_reader reader;
	struct text report;
	uint64_t head;
	char head_hash[AUDIT_HEX + 1];
	bool unended;         /* the last line is whole but for its LF */
	char after[PATH_MAX]; /* the part before, if this one has no line yet */
};

void audit_time_text(const struct timespec *at, char out[AUDIT_TIME])
{
	struct tm tm;
	size_t n;

	gmtime_r(&at->tv_sec, &tm);
	n = strftime(out, AUDIT_TIME, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, AUDIT_TIME - n, ".%06ldZ", at->tv_nsec / 1000);
}

void audit_time(char out[AUDIT_TIME])
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	audit_time_text(&now, out);
}

bool audit_key_read(const char *path, struct audit_key *key, struct function_error *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, key->bytes, sizeof(key->bytes));

	if (n < 0)
		snprintf(error->text, sizeof(error->text), "%.150s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	while (n > 0 && (key->bytes[n - 1] == '\n' || key->bytes[n - 1] == '\r'))
		n--;
	key->n = n > 0 ? (size_t)n : 0;
	if (n >= 0 && n < 16)
		snprintf(error->text, sizeof(error->text), "%.150s: a key has at least 16 bytes",
			 path);
	return n >= 16;
}

/* ---- names beside the file ---- */

static bool beside(const char *path, const char *ending, char *out, size_t room)
{
	int n = snprintf(out, room, "%s%s", path, ending);

	if (n > 0 && (size_t)n < room)
		return true;
	errno = ENAMETOOLONG;
	return false;
}

bool audit_part_name(const char *path, uint64_t sequence, char *out, size_t room)
{
	char ending[32];

	snprintf(ending, sizeof(ending), ".%012" PRIu64, sequence);
	return beside(path, ending, out, room);
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool parse_head(const char *text, uint64_t *sequence, char hash[AUDIT_HEX + 1])
{
	char *end;

	*sequence = strtoull(text, &end, 10);
	if (end != text + 20 || *end != ' ' || text[HEAD_SIZE - 1] != '\n' ||
	    strspn(end + 1, "0123456789abcdef") != AUDIT_HEX)
		return false;
	memcpy(hash, end + 1, AUDIT_HEX);
	hash[AUDIT_HEX] = '\0';
	return true;
}

bool audit_head_read(const char *path, uint64_t *sequence, char hash[AUDIT_HEX + 1])
{
	char name[PATH_MAX], text[HEAD_SIZE + 1] = "";
	ssize_t n;
	int fd;

	*sequence = 0;
	if (!beside(path, ".head", name, sizeof(name)))
		return false;
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT;
	n = read(fd, text, HEAD_SIZE);
	close(fd);
	errno = EBADMSG;
	return n == 0 || (n == HEAD_SIZE && parse_head(text, sequence, hash));
}

static bool write_head(struct audit_file *f)
{
	char text[HEAD_SIZE + 1];

	snprintf(text, sizeof(text), "%020" PRIu64 " %s\n", f->chain.sequence, f->chain.hash);
	return pwrite(f->head, text, HEAD_SIZE, 0) == HEAD_SIZE;
}

/* ---- what is there ---- */

bool audit_read_file(int fd, struct audit_reader *r)
{
	struct audit_lines *lines = calloc(1, sizeof(*lines));
	const char *line;
	size_t n;
	bool ended, ok;

	if (!lines)
		return false;
	lines->fd = fd;
	while (audit_lines_next(lines, &line, &n, &ended))
		audit_reader_line(r, line, n, ended);
	ok = !lines->bad;
	free(lines);
	return ok;
}

static bool refuse(const char *path, const char *why, struct function_error *error)
{
	snprintf(error->text, sizeof(error->text), "%.120s: %.120s", path, why);
	return false;
}

/* The first line of a report without the LF. */
static bool refuse_faults(struct text *report, struct function_error *error)
{
	const char *text = report->at ? report->at : "the chain is broken";

	snprintf(error->text, sizeof(error->text), "%.*s", (int)strcspn(text, "\n"), text);
	return false;
}

/* The part that was renamed last has just the line that the head knows. */
static bool find_part(const struct audit_file *f, struct found *found)
{
	struct audit_reader r;
	bool ok;
	int fd;

	if (!audit_part_name(f->path, found->head, found->after, sizeof(found->after)))
		return false;
	fd = open(found->after, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	audit_reader_begin(&r, f->chain.key, found->after, &found->report);
	r.any_start = true;
	ok = audit_read_file(fd, &r);
	audit_reader_end(&r);
	close(fd);
	found->reader.chain = r.chain;
	return ok && !r.n_faults && r.chain.sequence == found->head &&
	       !strcmp(r.chain.hash, found->head_hash);
}

/* A crash may have taken no more than the end of the last line. */
static bool examine_end(struct audit_file *f, struct found *found)
{
	struct audit_reader *r = &found->reader;
	char last[AUDIT_MOST_LINE];
	struct audit_line l;

	if (r->cut && r->n_cut >= sizeof(last))
		audit_reader_end(r);
	else if (r->cut &&
		 pread(f->fd, last, r->n_cut, (off_t)(f->size - r->n_cut)) == (ssize_t)r->n_cut &&
		 audit_line_read(last, r->n_cut, &l)) {
		found->unended = true;
		r->cut = false;
		r->line--;
		audit_reader_line(r, last, r->n_cut, true);
	}
	return !r->n_faults;
}

static bool examine(struct audit_file *f, struct found *found, struct function_error *error)
{
	struct audit_reader *r = &found->reader;

	audit_reader_begin(r, f->chain.key, base_of(f->path), &found->report);
	r->any_start = true;
	if (!audit_head_read(f->path, &found->head, found->head_hash))
		return refuse(f->path, "its .head cannot be read", error);
	r->seek = found->head;
	memcpy(r->seek_hash, found->head_hash, sizeof(r->seek_hash));
	if (!audit_read_file(f->fd, r))
		return refuse(f->path, strerror(errno), error);
	if (!examine_end(f, found))
		return refuse_faults(&found->report, error);
	if (r->n_unchecked)
		return refuse(f->path, "its lines have authentication codes; key_file is missing",
			      error);
	if (!r->chain.sequence && found->head && !find_part(f, found))
		return refuse(f->path, "its lines are missing, .head knows of them", error);
	if (r->chain.sequence >= found->head)
		return true;
	r->cut = false;
	audit_reader_end(r);
	return refuse_faults(&found->report, error);
}

/* ---- opening ---- */

static bool note_cut(struct audit_file *f, const struct found *found, const char *time,
		     const char *after)
{
	struct text members = { 0 };
	const struct audit_reader *r = &found->reader;
	bool ok;

	text_printf(&members, ",\"cut_bytes\":%zu", r->cut ? r->n_cut : 0);
	if (r->cut)
		text_printf(&members, ",\"cut_sha256\":\"%s\"", r->cut_hash);
	text_puts(&members, after);
	text_puts(&f->waiting, "\n");
	f->repaired = r->n_cut;
	ok = !members.failed && !f->waiting.failed && audit_file_add(f, time, "repair", members.at);
	text_free(&members);
	return ok;
}

static bool go_on(struct audit_file *f, const struct found *found)
{
	char time[AUDIT_TIME];
	struct text after = { 0 };
	bool ok;

	audit_time(time);
	f->chain.sequence = found->reader.chain.sequence;
	memcpy(f->chain.hash, found->reader.chain.hash, sizeof(f->chain.hash));
	if (*found->after) {
		text_puts(&after, ",\"after\":");
		text_json(&after, base_of(found->after));
	} else {
		text_puts(&after, "");
	}
	if (after.failed)
		return false;
	if (found->reader.cut || found->unended)
		ok = note_cut(f, found, time, after.at);
	else
		ok = audit_file_add(f, time,
				    *found->after       ? "rotate"
				    : f->chain.sequence ? "start"
							: "begin",
				    after.at);
	text_free(&after);
	return ok;
}

/* Who only looks whether it is locked has it for a moment. */
static bool lock_soon(int fd)
{
	const struct timespec rest = { 0, 20000000 };

	for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
		if (i == 3)
			return false;
		nanosleep(&rest, NULL);
	}
	return true;
}

/* The name may have gone to another file before the lock was there. */
static bool lock(int fd, const char *path, struct stat *st)
{
	struct stat named;

	if (!lock_soon(fd) || fstat(fd, st) < 0 || lstat(path, &named) < 0)
		return false;
	errno = !S_ISREG(st->st_mode) ? EINVAL : EAGAIN;
	return S_ISREG(st->st_mode) && st->st_ino == named.st_ino && st->st_dev == named.st_dev;
}

static bool open_both(struct audit_file *f, struct function_error *error)
{
	char head[PATH_MAX];
	struct stat st;

	f->fd =
	    open(f->path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, MODE);
	if (f->fd < 0)
		return refuse(f->path, strerror(errno), error);
	if (!lock(f->fd, f->path, &st))
		return refuse(f->path,
			      errno == EWOULDBLOCK ? "it is written by another" : strerror(errno),
			      error);
	f->size = (uint64_t)st.st_size;
	if (!beside(f->path, ".head", head, sizeof(head)) ||
	    (f->head = open(head, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, MODE)) < 0)
		return refuse(f->path, strerror(errno), error);
	return true;
}

static bool open_and_go_on(struct audit_file *f, struct function_error *error)
{
	struct found *found = calloc(1, sizeof(*found));
	bool ok = false;

	if (!found)
		return refuse(f->path, "memory is exhausted", error);
	if (open_both(f, error) && examine(f, found, error)) {
		ok = go_on(f, found) && audit_file_flush(f) && audit_file_sync(f);
		if (!ok)
			refuse(f->path, strerror(errno), error);
	}
	text_free(&found->report);
	free(found);
	return ok;
}

struct audit_file *audit_file_open(const char *path, const struct audit_key *key,
				   struct function_error *error)
{
	struct audit_file *f = calloc(1, sizeof(*f));

	if (!f || strlen(path) >= sizeof(f->path)) {
		refuse(path, f ? strerror(ENAMETOOLONG) : "memory is exhausted", error);
		free(f);
		return NULL;
	}
	f->fd = f->head = -1;
	memcpy(f->path, path, strlen(path));
	audit_chain_begin(&f->chain, key);
	if (open_and_go_on(f, error))
		return f;
	audit_file_close(f);
	return NULL;
}

void audit_file_close(struct audit_file *f)
{
	if (!f)
		return;
	if (f->fd >= 0)
		close(f->fd);
	if (f->head >= 0)
		close(f->head);
	text_free(&f->waiting);
	free(f);
}

/* ---- writing ---- */

bool audit_file_add(struct audit_file *f, const char *time, const char *event, const char *members)
{
	return audit_chain_add(&f->chain, &f->waiting, time, event, members);
}

bool audit_file_flush(struct audit_file *f)
{
	while (f->written < f->waiting.n) {
		ssize_t n = write(f->fd, f->waiting.at + f->written, f->waiting.n - f->written);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		f->written += (size_t)n;
		f->size += (uint64_t)n;
	}
	f->written = f->waiting.n = 0;
	return true;
}

bool audit_file_sync(struct audit_file *f)
{
	if (f->synced == f->chain.sequence)
		return true;
	if (fdatasync(f->fd) < 0 || !write_head(f))
		return false;
	f->synced = f->chain.sequence;
	return true;
}

/* So that the new names survive, too. */
static void sync_directory(const char *path)
{
	char directory[PATH_MAX];
	int fd;

	snprintf(directory, sizeof(directory), "%.*s", (int)(base_of(path) - path), path);
	fd = open(*directory ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

/* Renames the part and makes the next one; its descriptor, or -1. */
static int next_part(struct audit_file *f, const char *part)
{
	int fd;

	if (renameat2(AT_FDCWD, f->path, AT_FDCWD, part, RENAME_NOREPLACE) < 0)
		return -1;
	fd = open(f->path, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, MODE);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		unlink(f->path);
		fd = -1;
	}
	if (fd < 0)
		renameat2(AT_FDCWD, part, AT_FDCWD, f->path, RENAME_NOREPLACE);
	return fd;
}

/* The line that names the part is made first, so that want of memory comes before the renaming. */
bool audit_file_rotate(struct audit_file *f, const char *time)
{
	struct audit_chain before = f->chain;
	struct text after = { 0 };
	char part[PATH_MAX];
	int fd = -1;

	if (!audit_file_sync(f) || !audit_part_name(f->path, f->chain.sequence, part, sizeof(part)))
		return false;
	text_puts(&after, ",\"after\":");
	text_json(&after, base_of(part));
	errno = ENOMEM;
	if (!after.failed && audit_file_add(f, time, "rotate", after.at))
		fd = next_part(f, part);
	text_free(&after);
	if (fd < 0) {
		f->chain = before;
		f->waiting.n = 0;
		return false;
	}
	close(f->fd);
	f->fd = fd;
	f->size = 0;
	sync_directory(f->path);
	return true;
}

uint64_t audit_file_size(const struct audit_file *f)
{
	return f->size;
}

const struct audit_chain *audit_file_chain(const struct audit_file *f)
{
	return &f->chain;
}

uint64_t audit_file_repaired(const struct audit_file *f)
{
	return f->repaired;
}
