#include <config.h>

#include "tests/prop/seal_pair.h"

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void demand(bool holds, const char *what)
{
	if (holds)
		return;
	perror(what);
	abort();
}

/* ---- directories ---- */

void pair_dir_make(char dir[PAIR_DIR])
{
	snprintf(dir, PAIR_DIR, "/tmp/epic-seal-XXXXXX");
	demand(mkdtemp(dir), "mkdtemp");
}

void pair_dir_remove(const char *dir)
{
	DIR *list = opendir(dir);
	const struct dirent *entry;

	while (list && (entry = readdir(list)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			demand(unlinkat(dirfd(list), entry->d_name, 0) == 0, "unlinkat");
	if (list)
		closedir(list);
	demand(rmdir(dir) == 0, "rmdir");
}

void pair_put(const char *dir, const char *name, const char *text, unsigned mode)
{
	char path[256], temporary[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	snprintf(temporary, sizeof(temporary), "%s/.new", dir);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	demand(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) &&
		   fchmod(fd, mode) == 0 && close(fd) == 0 && rename(temporary, path) == 0,
	       path);
}

void pair_key_hex(unsigned id, char hex[65])
{
	for (unsigned i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", (id * 37 + i * 11 + id * i) & 0xff);
}

void pair_put_key(const char *dir, unsigned id, const char *from)
{
	char name[32], hex[65], text[128];

	pair_key_hex(id, hex);
	snprintf(name, sizeof(name), "%u.key", id);
	snprintf(text, sizeof(text), "%s\n%s%s%s", hex, from ? "from " : "", from ? from : "",
		 from ? "\n" : "");
	pair_put(dir, name, text, 0600);
}

/* ---- functions ---- */

struct function *pair_make(const struct function_class *class, struct function *was,
			   struct function_error *error, const char *format, ...)
{
	static const struct log log = { .fd = 2, .most = LOG_LEVEL_ERROR };
	static const struct function_site site = { .log = &log, .proxy = "hub.px" };
	struct tree_error problem;
	struct function *made;
	struct tree *tree;
	char settings[2048];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(settings, sizeof(settings), format, args);
	va_end(args);
	tree = tree_read(settings, (size_t)n, &problem);
	demand(tree, problem.text);
	error->text[0] = '\0';
	made = class->make(&site, class->name, tree_root(tree), was, error);
	tree_free(tree);
	return made;
}

const struct function_facts pair_facts = {
	.connection = 1,
	.function = "std.bridges.seal",
	.application = "sepsis",
	.from = "north.ehr",
	.to = "hub.compute",
	.file = "sepsis.epi",
	.line = 60,
	.protocol = IPPROTO_TCP,
};

static void wake(struct function_wake *w)
{
	atomic_fetch_add(&((struct pair_end *)w)->wakes, 1);
}

bool pair_open(struct pair_end *e, const struct function_class *class, struct function *f,
	       const struct function_facts *facts)
{
	memset(e, 0, sizeof(*e));
	e->wake.wake = wake;
	e->class = class;
	e->function = f;
	return class->open(f, facts, &e->wake, &e->state, e->why);
}

void pair_close(struct pair_end *e)
{
	static const uint64_t sent[N_WAYS];

	e->class->close(e->function, e->state, sent);
	bytes_free(&e->out[WAY_FORWARD]);
	bytes_free(&e->out[WAY_BACK]);
}

enum function_step pair_give(struct pair_end *e, enum way way, const void *bytes, size_t n,
			     bool last)
{
	uint8_t *copy = malloc(n ? n : 1); /* so that a sanitizer sees a byte too far */

	demand(copy, "malloc");
	if (n)
		memcpy(copy, bytes, n);
	e->step[way] = e->class->bytes(e->function, e->state, way, n ? copy : NULL, n, last,
				       &e->out[way], e->why);
	free(copy);
	return e->step[way];
}

void pair_woken(struct pair_end *e)
{
	for (int way = 0; way < N_WAYS; way++)
		if (e->step[way] != FUNCTION_END)
			pair_give(e, (enum way)way, NULL, 0, false);
}

bool pair_wait(struct pair_end *e, int seen)
{
	static const struct timespec pause = { .tv_nsec = 5000000 };

	for (int i = 0; i < 2000 && e->wakes <= seen; i++)
		nanosleep(&pause, NULL);
	if (e->wakes <= seen)
		return false;
	pair_woken(e);
	return true;
}
