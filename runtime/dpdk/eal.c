#include <config.h>

#include "runtime/dpdk/eal.h"

#include <dirent.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>

#include "runtime/dpdk/packet.h"

/* Without huge pages no packet crosses the border of a page, and two do not fit into one. */
enum { MBUF_BYTES = 4096 };

_Static_assert(sizeof(struct rte_mbuf) + sizeof(struct packet) + RTE_MBUF_DEFAULT_BUF_SIZE + 128 <=
		   MBUF_BYTES,
	       "a page for each");

void eal_add(struct eal *e, const char *argument)
{
	char *copy = strdup(argument);

	if ((size_t)e->argc + 1 >= e->room) {
		size_t room = e->room ? 2 * e->room : 32;
		char **argv = realloc(e->argv, room * sizeof(*argv));

		e->failed = e->failed || !argv;
		if (!argv) {
			free(copy);
			return;
		}
		e->argv = argv;
		e->room = room;
	}
	e->failed = e->failed || !copy;
	if (!copy)
		return;
	e->argv[e->argc++] = copy;
	e->argv[e->argc] = NULL;
}

static void add_format(struct eal *e, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void add_format(struct eal *e, const char *format, ...)
{
	va_list arguments;
	char text[128];

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	eal_add(e, text);
}

/* The value of an option that the user gave, "" if it has none; NULL: not given. */
static const char *given(const struct eal *e, const char *name)
{
	size_t n = strlen(name);

	for (int i = 1; i < e->argc; i++) {
		if (strncmp(e->argv[i], name, n))
			continue;
		if (e->argv[i][n] == '=')
			return e->argv[i] + n + 1;
		if (n == 2 && e->argv[i][n]) /* -m512 */
			return e->argv[i] + n;
		if (!e->argv[i][n])
			return i + 1 < e->argc ? e->argv[i + 1] : "";
	}
	return NULL;
}

static bool has_huge_pages(void)
{
	static const char folder[] = "/sys/kernel/mm/hugepages";
	DIR *d = opendir(folder);
	struct dirent *entry;
	unsigned long free_pages = 0;

	while (d && (entry = readdir(d))) {
		char path[512];
		FILE *f;
		unsigned long n = 0;

		snprintf(path, sizeof(path), "%s/%s/free_hugepages", folder, entry->d_name);
		f = fopen(path, "r");
		if (f && fscanf(f, "%lu", &n) == 1)
			free_pages += n;
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
	return free_pages > 0;
}

/* ---- cores ---- */

static void add_main_cores(const cpu_set_t *here, char *text, size_t size)
{
	size_t n = 0;

	for (int core = 0; core < CPU_SETSIZE && n + 8 < size; core++)
		if (CPU_ISSET(core, here))
			n += (size_t)snprintf(text + n, size - n, "%s%d", n ? "," : "", core);
}

static bool add_cores(struct eal *e, const unsigned *cores, size_t n_cores, struct eal_error *error)
{
	char text[8192], all[4096] = "";
	size_t n = 0;
	cpu_set_t here;

	if (sched_getaffinity(0, sizeof(here), &here)) {
		snprintf(error->text, sizeof(error->text), "cannot tell which cores there are");
		return false;
	}
	for (size_t i = 0; i < n_cores; i++) {
		if (cores[i] >= CPU_SETSIZE || !CPU_ISSET(cores[i], &here)) {
			snprintf(error->text, sizeof(error->text),
				 "core %u is not here: run fewer copies with --replicas, or choose "
				 "other cores with --cores",
				 cores[i]);
			return false;
		}
		if (n + 32 < sizeof(text))
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%zu@%u,", i, cores[i]);
	}
	add_main_cores(&here, all, sizeof(all));
	snprintf(text + n, sizeof(text) - n, "%zu@(%s)", n_cores, all);
	eal_add(e, "--lcores");
	eal_add(e, text);
	add_format(e, "--main-lcore=%zu", n_cores);
	return true;
}

/* --in-memory takes huge pages whether or not a hugetlbfs is mounted. */
static void choose_memory(struct eal *e)
{
	e->without_huge_pages = !has_huge_pages();
	eal_add(e, e->without_huge_pages ? "--no-huge" : "--in-memory");
}

bool eal_complete(struct eal *e, const unsigned *cores, size_t n_cores, unsigned n_mbufs,
		  struct eal_error *error)
{
	if (given(e, "--lcores") || given(e, "-l") || given(e, "-c")) {
		snprintf(error->text, sizeof(error->text),
			 "the plan says on which cores workers run; choose others with --cores");
		return false;
	}
	if (!add_cores(e, cores, n_cores, error))
		return false;
	if (!given(e, "--no-huge") && !given(e, "--in-memory") && !given(e, "--huge-dir"))
		choose_memory(e);
	if (given(e, "--no-huge") && !given(e, "-m")) {
		eal_add(e, "-m");
		add_format(e, "%u", (unsigned)((uint64_t)n_mbufs * MBUF_BYTES / (1 << 20) + 192));
	}
	if (!given(e, "-a") && !given(e, "--allow") && !given(e, "-b") && !given(e, "--no-pci"))
		eal_add(e, "--no-pci");
	if (!given(e, "--file-prefix"))
		add_format(e, "--file-prefix=epic-%d", (int)getpid());
	if (!given(e, "--log-level"))
		eal_add(e, "--log-level=error");
	e->prefix = given(e, "--file-prefix");
	if (e->failed)
		snprintf(error->text, sizeof(error->text), "no memory");
	return !e->failed;
}

bool eal_start(struct eal *e, struct eal_error *error)
{
	char **argv = malloc((size_t)(e->argc + 1) * sizeof(*argv)); /* the EAL reorders them */
	bool good;

	if (argv)
		memcpy(argv, e->argv, (size_t)(e->argc + 1) * sizeof(*argv));
	good = argv && rte_eal_init(e->argc, argv) >= 0;
	free(argv);
	if (good)
		return true;
	snprintf(error->text, sizeof(error->text), "the EAL does not start: %s",
		 rte_strerror(rte_errno));
	return false;
}

/* rte_eal_cleanup leaves its folder behind. */
static void remove_files(const char *folder)
{
	DIR *d = opendir(folder);
	struct dirent *entry;
	char path[1024];

	while (d && (entry = readdir(d)))
		if (snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) <
		    (int)sizeof(path))
			unlink(path);
	if (d)
		closedir(d);
	rmdir(folder);
}

void eal_stop(struct eal *e)
{
	char folder[1024];
	bool named =
	    snprintf(folder, sizeof(folder), "%s", rte_eal_get_runtime_dir()) < (int)sizeof(folder);

	rte_eal_cleanup();
	if (named && e->prefix && strstr(folder, e->prefix))
		remove_files(folder);
}

void eal_free(struct eal *e)
{
	for (int i = 0; i < e->argc; i++)
		free(e->argv[i]);
	free(e->argv);
	*e = (struct eal){ 0 };
}
