/* Runs `nft` and `ip`. */
#include <config.h>

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/socks/prefix.h"
#include "runtime/socks/redirect.h"
#include "runtime/socks/redirect_rules.h"

enum { MOST_SAID = 4000, MOST_WORDS = 16 };

static bool write_all(int fd, const char *bytes, size_t n)
{
	while (n) {
		ssize_t wrote = write(fd, bytes, n);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return false;
		bytes += wrote;
		n -= (size_t)wrote;
	}
	return true;
}

/* In files of memory, so that neither side waits for the other's pipe. */
static int spawn(char *const *argv, int in, int said, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int why;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_adddup2(&actions, in, 0);
	posix_spawn_file_actions_adddup2(&actions, said, 1);
	posix_spawn_file_actions_adddup2(&actions, said, 2);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	why = posix_spawnp(pid, argv[0], &actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return why;
}

static void read_said(int fd, const char *name, struct text *why)
{
	char said[MOST_SAID];
	ssize_t n = pread(fd, said, sizeof(said), 0);

	text_printf(why, "%s: ", name);
	if (n > 0)
		text_add(why, said, (size_t)n);
	else
		text_puts(why, "failed\n");
}

static bool run_with(char *const *argv, int in, int said, struct text *why)
{
	int problem, status = -1;
	pid_t pid;

	problem = spawn(argv, in, said, &pid);
	if (problem) {
		text_printf(why, "%s: %s\n", argv[0], strerror(problem));
		return false;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	read_said(said, argv[0], why);
	return false;
}

/* True: it ended with 0.  False: WHY has what it said. */
static bool run(char *const *argv, const struct text *in, struct text *why)
{
	int stdin_fd = memfd_create("epic-rules", MFD_CLOEXEC);
	int said = memfd_create("epic-said", MFD_CLOEXEC);
	bool ok = stdin_fd >= 0 && said >= 0 && (!in || write_all(stdin_fd, in->at, in->n)) &&
		  lseek(stdin_fd, 0, SEEK_SET) == 0;

	if (ok)
		ok = run_with(argv, stdin_fd, said, why);
	else
		text_printf(why, "%s: %s\n", argv[0], strerror(errno));
	if (stdin_fd >= 0)
		close(stdin_fd);
	if (said >= 0)
		close(said);
	return ok;
}

/* Words without blanks in them. */
static bool run_words(const char *line, struct text *why)
{
	char copy[160], *argv[MOST_WORDS + 1], *rest = copy;
	size_t n = 0;

	snprintf(copy, sizeof(copy), "%s", line);
	while (n < MOST_WORDS && (argv[n] = strtok_r(NULL, " ", &rest)))
		n++;
	argv[n] = NULL;
	return run(argv, NULL, why);
}

static bool run_nft(const struct redirect_rules *rules, bool check, struct text *why)
{
	char *install[] = { "nft", "-f", "-", NULL },
	     *test[] = { "nft", "--check", "-f", "-", NULL };
	struct text text = { 0 };
	bool ok = redirect_rules_text(rules, &text);

	if (!ok)
		text_puts(why, text.failed ? "memory is exhausted" : text.at);
	ok = ok && run(check ? test : install, &text, why);
	text_free(&text);
	return ok;
}

/* ---- routes for TPROXY ---- */

static void remove_routes(uint32_t mark, const char *family)
{
	struct text ignored = { 0 };
	char line[160];

	snprintf(line, sizeof(line), "ip %s rule del fwmark 0x%08x lookup %d", family, mark,
		 REDIRECT_ROUTES);
	for (int i = 0; i < 8 && run_words(line, &ignored); i++)
		;
	snprintf(line, sizeof(line), "ip %s route flush table %d", family, REDIRECT_ROUTES);
	run_words(line, &ignored);
	text_free(&ignored);
}

static bool add_routes(uint32_t mark, const char *family, const char *any, struct text *why)
{
	char line[160];

	snprintf(line, sizeof(line), "ip %s rule add fwmark 0x%08x lookup %d", family, mark,
		 REDIRECT_ROUTES);
	if (!run_words(line, why))
		return false;
	snprintf(line, sizeof(line), "ip %s route replace local %s dev lo table %d", family, any,
		 REDIRECT_ROUTES);
	return run_words(line, why);
}

static bool catches_any(const struct redirect_rules *rules, uint8_t kind)
{
	struct prefix p;

	for (size_t i = 0; i < rules->n; i++)
		if (prefix_parse(rules->catches[i].prefix, &p) && p.kind == kind)
			return true;
	return false;
}

static bool install_routes(const struct redirect_rules *rules, struct text *why)
{
	static const struct {
		uint8_t kind;
		const char *family, *any;
	} families[] = { { WIRE_IPV4, "-4", "0.0.0.0/0" }, { WIRE_IPV6, "-6", "::/0" } };

	for (size_t i = 0; i < 2; i++) {
		remove_routes(rules->tproxy_mark, families[i].family);
		if (catches_any(rules, families[i].kind) &&
		    !add_routes(rules->tproxy_mark, families[i].family, families[i].any, why))
			return false;
	}
	return true;
}

/* ---- */

bool redirect_rules_check(const struct redirect_rules *rules, struct text *why)
{
	return run_nft(rules, true, why);
}

bool redirect_rules_install(const struct redirect_rules *rules, struct text *why)
{
	if (!run_nft(rules, false, why))
		return false;
	if (!rules->routed || !rules->tproxy || install_routes(rules, why))
		return true;
	redirect_rules_remove(rules, why);
	return false;
}

/* It is no error if there is no such table. */
bool redirect_rules_remove(const struct redirect_rules *rules, struct text *why)
{
	char *argv[] = { "nft", "-f", "-", NULL };
	struct text text = { 0 };
	bool ok = redirect_table_valid(rules->table);

	if (rules->routed && rules->tproxy) {
		remove_routes(rules->tproxy_mark, "-4");
		remove_routes(rules->tproxy_mark, "-6");
	}
	text_printf(&text, "table inet %s\ndelete table inet %s\n", ok ? rules->table : "",
		    ok ? rules->table : "");
	if (!ok)
		text_printf(why, "%s: is no name of a table", rules->table);
	else if (text.failed)
		text_puts(why, "memory is exhausted");
	ok = ok && !text.failed && run(argv, &text, why);
	text_free(&text);
	return ok;
}
