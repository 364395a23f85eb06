#include <config.h>

#include "runtime/socks/functions/key_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MOST = 256, NAME_ROOM = 64 };

/* Always false. */
static bool refuse(struct key_error *error, const char *directory, const char *name,
		   const char *what)
{
	snprintf(error->text, sizeof(error->text), "%.90s%s%.40s: %.120s", directory,
		 name ? "/" : "", name ? name : "", what);
	return false;
}

static bool refuse_mode(struct key_error *error, const char *directory, const char *name,
			const char *what, mode_t mode)
{
	char text[96];

	snprintf(text, sizeof(text), "mode %04o %s", (unsigned)mode & 07777, what);
	return refuse(error, directory, name, text);
}

static bool is_trusted(uid_t owner)
{
	return owner == geteuid() || owner == 0;
}

/* -1: *ERROR says why.  Only the process's user and root may change what lies in it. */
static int open_directory(const char *directory, struct key_error *error)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		refuse(error, directory, NULL, strerror(errno));
	else if (!is_trusted(st.st_uid))
		refuse(error, directory, NULL, "belongs to another user");
	else if (st.st_mode & 022)
		refuse_mode(error, directory, NULL, "lets others put keys there; chmod go-w it",
			    st.st_mode);
	else
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* ---- one file ---- */

struct place {
	int fd; /* of the directory */
	const char *directory;
	struct key_error *error;
};

static bool is_private(const struct place *p, const char *name, const struct stat *st, mode_t never)
{
	if (!S_ISREG(st->st_mode))
		return refuse(p->error, p->directory, name, "is no ordinary file");
	if (!is_trusted(st->st_uid))
		return refuse(p->error, p->directory, name, "belongs to another user");
	if (st->st_mode & never & 044)
		return refuse_mode(p->error, p->directory, name,
				   "lets others read the key; chmod 0600 it", st->st_mode);
	if (st->st_mode & never)
		return refuse_mode(p->error, p->directory, name, "is not 0600 or stricter",
				   st->st_mode);
	return true;
}

/* -1: *ERROR says why.  NEVER: bits that the mode must not have. */
static ssize_t read_file(const struct place *p, const char *name, mode_t never,
			 char text[FILE_MOST])
{
	int fd = openat(p->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	ssize_t n = -1;

	if (fd < 0 || fstat(fd, &st) < 0) {
		refuse(p->error, p->directory, name,
		       errno == ELOOP ? "is a symbolic link" : strerror(errno));
	} else if (is_private(p, name, &st, never)) {
		n = read(fd, text, FILE_MOST);
		if (n < 0)
			refuse(p->error, p->directory, name, strerror(errno));
	}
	if (fd >= 0)
		close(fd);
	return n;
}

/* The next line of *N bytes at *TEXT, without its end; false: there is none. */
static bool next_line(const char **text, size_t *n, const char **line, size_t *length)
{
	const char *end = *n ? memchr(*text, '\n', *n) : NULL;
	size_t used = end ? (size_t)(end - *text) + 1 : *n;

	*line = *text;
	*length = end ? used - 1 : used;
	if (*length && (*line)[*length - 1] == '\r')
		--*length;
	*text += used;
	*n -= used;
	return used;
}

/* The rest of a key's file, behind its first line. */
static bool read_begin(const struct place *p, const char *name, const char *text, size_t n,
		       struct shared_key *key)
{
	static const char word[] = "from ";
	const char *line;
	size_t length;

	while (next_line(&text, &n, &line, &length)) {
		if (!length)
			continue;
		if (key->from || length < sizeof(word) || memcmp(line, word, sizeof(word) - 1) ||
		    !key_time_read(line + sizeof(word) - 1, length - sizeof(word) + 1, &key->from))
			return refuse(p->error, p->directory, name,
				      "behind the key may only stand one line `from "
				      "2026-11-21T12:00:00Z`");
	}
	return true;
}

static bool read_key(const struct place *p, const char *name, struct shared_key *key)
{
	char text[FILE_MOST];
	const char *rest = text, *line;
	ssize_t got = read_file(p, name, 07177, text);
	size_t n = got < 0 ? 0 : (size_t)got, length;
	bool ok = got >= 0;

	key->from = 0;
	if (ok && n == FILE_MOST)
		ok = refuse(p->error, p->directory, name, "is too long for a key");
	else if (ok &&
		 (!next_line(&rest, &n, &line, &length) || !key_hex_read(line, length, key->bytes)))
		ok = refuse(p->error, p->directory, name,
			    "the first line is not a key of 64 hexadecimal digits");
	ok = ok && read_begin(p, name, rest, n, key);
	OPENSSL_cleanse(text, sizeof(text));
	return ok;
}

/* ID.from, if there is one. */
static bool read_from(const struct place *p, struct shared_key *key)
{
	char text[FILE_MOST], name[NAME_ROOM];
	const char *rest = text, *line;
	ssize_t got;
	size_t n, length;

	snprintf(name, sizeof(name), "%u.from", key->id);
	if (faccessat(p->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return true;
	if (key->from)
		return refuse(p->error, p->directory, name,
			      "the key's own file says already when it begins");
	got = read_file(p, name, 022, text);
	n = got < 0 ? 0 : (size_t)got;
	if (got < 0)
		return false;
	if (!next_line(&rest, &n, &line, &length) || n || !key_time_read(line, length, &key->from))
		return refuse(p->error, p->directory, name,
			      "is not one time like 2026-11-21T12:00:00Z");
	return true;
}

/* NAME ends in .key. */
static bool add_file(const struct place *p, const char *name, struct key_set *set)
{
	struct shared_key key = { 0 };
	struct key_error problem;
	bool ok;

	if (!key_id_read(name, strlen(name) - strlen(".key"), &key.id))
		return refuse(p->error, p->directory, name,
			      "a key's name is a decimal number of 32 bits and .key");
	ok = read_key(p, name, &key) && read_from(p, &key);
	if (ok && !key_set_add(set, &key, &problem))
		ok = refuse(p->error, p->directory, NULL, problem.text);
	OPENSSL_cleanse(&key, sizeof(key));
	return ok;
}

static bool is_key(const char *name)
{
	size_t n = strlen(name);

	return name[0] != '.' && n > 4 && !strcmp(name + n - 4, ".key");
}

static bool add_files(const struct place *p, DIR *list, struct key_set *set)
{
	const struct dirent *entry;

	while ((entry = readdir(list)))
		if (is_key(entry->d_name) && !add_file(p, entry->d_name, set))
			return false;
	return true;
}

bool key_files_read(const char *directory, struct key_set *set, struct key_error *error)
{
	struct place p = { open_directory(directory, error), directory, error };
	int copy = p.fd < 0 ? -1 : fcntl(p.fd, F_DUPFD_CLOEXEC, 0);
	DIR *list = copy < 0 ? NULL : fdopendir(copy);
	bool ok = list;

	set->n = 0;
	if (p.fd < 0)
		return false;
	if (!list)
		refuse(error, directory, NULL, strerror(errno));
	if (ok && !add_files(&p, list, set)) {
		key_set_wipe(set);
		ok = false;
	}
	if (list)
		closedir(list);
	else if (copy >= 0)
		close(copy);
	close(p.fd);
	return ok;
}

/* ---- writing ---- */

static bool write_all(int fd, const char *text, size_t n)
{
	while (n) {
		ssize_t did = write(fd, text, n);

		if (did < 0 && errno != EINTR)
			return false;
		if (did > 0) {
			text += did;
			n -= (size_t)did;
		}
	}
	return fsync(fd) == 0;
}

static bool write_temporary(int directory, const char *name, const struct shared_key *key)
{
	char text[FILE_MOST], hex[KEY_HEX_ROOM], from[KEY_TIME_ROOM];
	int fd, n, problem;
	bool ok;

	if (unlinkat(directory, name, 0) < 0 && errno != ENOENT)
		return false;
	fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return false;
	key_hex_write(key->bytes, hex);
	key_time_write(key->from, from);
	n = snprintf(text, sizeof(text), "%s\nfrom %s\n", hex, from);
	ok = write_all(fd, text, (size_t)n);
	problem = errno;
	OPENSSL_cleanse(text, sizeof(text));
	OPENSSL_cleanse(hex, sizeof(hex));
	close(fd);
	if (!ok)
		unlinkat(directory, name, 0);
	errno = problem;
	return ok;
}

bool key_files_write(const char *directory, const struct shared_key *key, struct key_error *error)
{
	char name[NAME_ROOM], temporary[NAME_ROOM];
	int fd = open_directory(directory, error);
	bool ok;

	if (fd < 0)
		return false;
	snprintf(name, sizeof(name), "%u.key", key->id);
	snprintf(temporary, sizeof(temporary), ".%u.key.new", key->id);
	ok = write_temporary(fd, temporary, key) && renameat(fd, temporary, fd, name) == 0 &&
	     fsync(fd) == 0;
	if (!ok)
		refuse(error, directory, name, strerror(errno));
	close(fd);
	return ok;
}

bool key_files_remove(const char *directory, uint32_t id, struct key_error *error)
{
	char name[NAME_ROOM];
	int fd = open_directory(directory, error);
	bool ok;

	if (fd < 0)
		return false;
	snprintf(name, sizeof(name), "%u.from", id);
	ok = unlinkat(fd, name, 0) == 0 || errno == ENOENT;
	snprintf(name, sizeof(name), "%u.key", id);
	ok = ok && (unlinkat(fd, name, 0) == 0 || errno == ENOENT) && fsync(fd) == 0;
	if (!ok)
		refuse(error, directory, name, strerror(errno));
	close(fd);
	return ok;
}
