/* Bytes through real programs: runtime/socks/functions/exec*.c. */
#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/function_rig.h"

enum { PATIENCE = 10000, ROOM = 65536, BULK = 1 << 20, THREADS = 4, ROUNDS = 10 };

static void *opens(struct rig *r)
{
	struct function_facts facts = rig_facts("10.2.0.7:4000", "198.51.100.10:443", "study");
	void *state;

	CU_ASSERT_TRUE_FATAL(rig_open(r, &facts, &state));
	return state;
}

static void make(struct rig *r, const char *settings)
{
	rig_begin(r, &function_exec);
	CU_ASSERT_TRUE_FATAL(rig_make(r, settings));
}

static void pipes(struct rig *r, void *state, enum way way, int *in, int *out)
{
	CU_ASSERT_TRUE_FATAL(function_exec.pipe(r->function, state, way, in, out));
	CU_ASSERT_TRUE(fcntl(*in, F_GETFL) & O_NONBLOCK);
	CU_ASSERT_TRUE(fcntl(*out, F_GETFL) & O_NONBLOCK);
}

/* All that comes until the end, as text. */
static size_t hear(int fd, char *out, size_t room)
{
	struct pollfd p = { fd, POLLIN, 0 };
	size_t n = 0;
	ssize_t got;

	while (poll(&p, 1, PATIENCE) == 1 && (got = read(fd, out + n, room - 1 - n)) > 0)
		n += (size_t)got;
	out[n] = '\0';
	return n;
}

static void rest(void)
{
	nanosleep(&(struct timespec){ 0, 5000000 }, NULL);
}

static bool soon(struct rig *r, const char *key, double value)
{
	for (int i = 0; i < PATIENCE / 5; i++) {
		if (rig_count(r, key) == value)
			return true;
		rest();
	}
	return false;
}

static size_t count_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* ---- settings ---- */

static void settings_are_refused_by_their_path(void)
{
	rig_refuses(&function_exec, NULL, "forward is missing");
	rig_refuses(&function_exec, "{}", ". has neither forward nor back");
	rig_refuses(&function_exec, "{\"forward\": \"cat\"}", "forward is not a list");
	rig_refuses(&function_exec, "{\"forward\": [\"no-such-program\"]}",
		    "forward[0] is no program");
	rig_refuses(&function_exec, "{\"back\": [\"/etc/passwd\"]}", "back[0] is no program");
	rig_refuses(&function_exec, "{\"back\": [\"cat\", 7]}", "back[1] is not a string");
	rig_refuses(&function_exec, "{\"back\": [\"cat\"], \"environment\": {\"A=B\": \"\"}}",
		    "environment.A=B is no name of a variable");
	rig_refuses(&function_exec, "{\"back\": [\"cat\"], \"user\": \"no body\"}",
		    "user is no user of this machine");
	rig_refuses(&function_exec, "{\"back\": [\"cat\"], \"shell\": true}", "shell is unknown");
}

/* ---- bytes ---- */

static void bytes_go_through_the_program_of_their_way(void)
{
	char out[ROOM];
	int in_fd, out_fd;
	struct rig r;
	void *state;

	make(&r, "{\"forward\": [\"tr\", \"a-z\", \"A-Z\"]}");
	state = opens(&r);
	CU_ASSERT_FALSE(function_exec.pipe(r.function, state, WAY_BACK, &in_fd, &out_fd));
	pipes(&r, state, WAY_FORWARD, &in_fd, &out_fd);
	CU_ASSERT_EQUAL(write(in_fd, "hello", 5), 5);
	close(in_fd);
	hear(out_fd, out, sizeof(out));
	UNIT_TEXT("HELLO", out);
	close(out_fd);
	rig_close(&r, state, 5, 0);
	CU_ASSERT_TRUE(soon(&r, "running", 0));
	rig_end(&r);
}

static void both_ways_have_programs_of_their_own(void)
{
	static const char *const expected[N_WAYS] = { "f:x", "b:x" };
	char out[ROOM];
	int in_fd, out_fd;
	struct rig r;
	void *state;

	make(&r, "{\"forward\": [\"sed\", \"s/^/f:/\"], \"back\": [\"sed\", \"s/^/b:/\"]}");
	state = opens(&r);
	CU_ASSERT_EQUAL(rig_count(&r, "running"), 2);
	for (enum way w = 0; w < N_WAYS; w++) {
		pipes(&r, state, w, &in_fd, &out_fd);
		CU_ASSERT_EQUAL(write(in_fd, "x", 1), 1);
		close(in_fd);
		hear(out_fd, out, sizeof(out));
		UNIT_TEXT(expected[w], out);
		close(out_fd);
	}
	rig_close(&r, state, 1, 1);
	rig_end(&r);
}

static void many_bytes_come_out_as_they_went_in(void)
{
	uint8_t *sent = malloc(BULK), *got = malloc(BULK + 1);
	size_t n_sent = 0, n_got = 0;
	struct pollfd p[2];
	struct rig r;
	void *state;
	ssize_t n;

	for (size_t i = 0; i < BULK; i++)
		sent[i] = (uint8_t)(i * 2654435761u >> 13);
	make(&r, "{\"back\": [\"cat\"]}");
	state = opens(&r);
	pipes(&r, state, WAY_BACK, &p[0].fd, &p[1].fd);
	p[0].events = POLLOUT;
	p[1].events = POLLIN;
	while (poll(p, 2, PATIENCE) > 0) {
		if (p[0].fd >= 0 && p[0].revents) {
			n = write(p[0].fd, sent + n_sent, BULK - n_sent);
			n_sent += n > 0 ? (size_t)n : 0;
			if (n_sent == BULK) {
				close(p[0].fd);
				p[0].fd = -1;
			}
		}
		if (p[1].revents && (n = read(p[1].fd, got + n_got, BULK + 1 - n_got)) <= 0)
			break;
		n_got += p[1].revents ? (size_t)n : 0;
	}
	CU_ASSERT_EQUAL(n_got, BULK);
	CU_ASSERT_EQUAL(memcmp(sent, got, BULK), 0);
	close(p[1].fd);
	rig_close(&r, state, 0, BULK);
	rig_end(&r);
	free(sent);
	free(got);
}

/* ---- what the program gets ---- */

static void hear_program(const char *settings, char out[ROOM])
{
	int in_fd, out_fd;
	struct rig r;
	void *state;

	make(&r, settings);
	state = opens(&r);
	pipes(&r, state, WAY_FORWARD, &in_fd, &out_fd);
	close(in_fd);
	hear(out_fd, out, ROOM);
	close(out_fd);
	rig_close(&r, state, 0, 0);
	rig_end(&r);
}

static void says(const char *settings, const char *expected)
{
	char out[ROOM];

	hear_program(settings, out);
	UNIT_TEXT(expected, out);
}

static void a_program_knows_the_facts_and_nothing_else(void)
{
	setenv("SECRET", "1", 1);
	setenv("PATH", "/usr/bin:/bin", 1);
	says("{\"forward\": [\"env\"], \"environment\": {\"COLOUR\": \"blue = sky\"}}",
	     "PATH=/usr/bin:/bin\nCOLOUR=blue = sky\nEPIC_APPLICATION=study\nEPIC_FROM=north\n"
	     "EPIC_TO=hub\nEPIC_SOURCE=10.2.0.7:4000\nEPIC_DESTINATION=198.51.100.10:443\n"
	     "EPIC_WAY=forward\nEPIC_FUNCTION=std.bridges.test\n");
	says("{\"forward\": [\"printf\", \"%s|\", \"$HOME\", \"a b\", \"*;\"]}", "$HOME|a b|*;|");
	says("{\"forward\": [\"pwd\"], \"directory\": \"/usr\"}", "/usr\n");
}

/* Descriptors 0, 1, 2, and the one that ls opens. */
static void a_program_gets_no_other_descriptor(void)
{
	int leak = open("/dev/null", O_RDONLY); /* without O_CLOEXEC */

	says("{\"forward\": [\"ls\", \"/proc/self/fd\"]}", "0\n1\n2\n3\n");
	close(leak);
}

static void a_program_starts_with_plain_signals(void)
{
	unsigned long long blocked = 1, ignored = 1;
	sigset_t some, before;
	char out[ROOM];

	sigemptyset(&some);
	sigaddset(&some, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &some, &before);
	signal(SIGPIPE, SIG_IGN);
	hear_program("{\"forward\": [\"grep\", \"-hE\", \"Sig(Blk|Ign)\", \"/proc/self/status\"]}",
		     out);
	CU_ASSERT_EQUAL(sscanf(out, "SigBlk: %llx SigIgn: %llx", &blocked, &ignored), 2);
	/* The C library keeps 32 and 33 for itself and lets nobody set them. */
	CU_ASSERT_EQUAL(blocked & ~(3ull << 31), 0);
	CU_ASSERT_EQUAL(ignored & ~(3ull << 31), 0);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void a_program_runs_as_the_user_that_it_is_told(void)
{
	if (geteuid() != 0) {
		rig_refuses(&function_exec, "{\"forward\": [\"id\"], \"user\": \"root\"}",
			    "user is another one, which needs root");
		return;
	}
	says("{\"forward\": [\"id\", \"-un\"], \"user\": \"nobody\"}", "nobody\n");
	says("{\"forward\": [\"id\", \"-Gn\"], \"user\": \"nobody\"}", "nogroup\n");
}

/* ---- how it ends ---- */

static void what_it_says_on_standard_error_is_logged(void)
{
	char log[ROOM];
	int fd = memfd_create("log", 0);
	struct rig r;
	void *state;
	ssize_t n;

	rig_begin(&r, &function_exec);
	close(r.log.fd);
	r.log.fd = fd;
	CU_ASSERT_TRUE_FATAL(
	    rig_make(&r, "{\"forward\": [\"sh\", \"-c\", \"echo one >&2; printf two >&2; "
			 "i=0; while [ $i -lt 300 ]; do echo line$i >&2; i=$((i+1)); done; "
			 "exit 3\"]}"));
	state = opens(&r);
	CU_ASSERT_TRUE(soon(&r, "running", 0));
	CU_ASSERT_EQUAL(rig_count(&r, "failed"), 1);
	rig_close(&r, state, 0, 0);
	n = pread(fd, log, sizeof(log) - 1, 0);
	log[n > 0 ? n : 0] = '\0';
	CU_ASSERT_TRUE(strstr(log, "info exec \"one\" function=std.bridges.test connection=7 "
				   "way=forward\n") == log);
	CU_ASSERT_TRUE(strstr(log, "\"twoline0\"") != NULL);
	CU_ASSERT_TRUE(strstr(log, "\"line98\"") != NULL);
	CU_ASSERT_TRUE(strstr(log, "\"line99\"") == NULL);
	CU_ASSERT_TRUE(strstr(log, "further lines are left out") != NULL);
	CU_ASSERT_TRUE(strstr(log, "warning exec \"the program failed\"") != NULL);
	CU_ASSERT_TRUE(strstr(log, "status=\"exit 3\"") != NULL);
	rig_end(&r);
}

static void a_program_ends_with_its_connection(void)
{
	struct rig r;
	void *state;

	make(&r, "{\"forward\": [\"sleep\", \"1000\"]}");
	state = opens(&r);
	CU_ASSERT_EQUAL(rig_count(&r, "running"), 1);
	rig_close(&r, state, 0, 0);
	CU_ASSERT_TRUE(soon(&r, "running", 0));
	CU_ASSERT_EQUAL(rig_count(&r, "killed"), 0);
	CU_ASSERT_EQUAL(rig_count(&r, "failed"), 0);
	rig_end(&r);
}

static void who_does_not_end_is_killed_with_all_its_group(void)
{
	char out[ROOM];
	int in_fd, out_fd;
	struct rig r;
	void *state;

	make(&r, "{\"forward\": [\"sh\", \"-c\", \"trap '' TERM; sleep 1000 & echo ready; "
		 "while :; do sleep 1000; done\"], \"grace_ms\": 50}");
	state = opens(&r);
	pipes(&r, state, WAY_FORWARD, &in_fd, &out_fd);
	CU_ASSERT_EQUAL(poll(&(struct pollfd){ out_fd, POLLIN, 0 }, 1, PATIENCE), 1);
	CU_ASSERT_EQUAL(read(out_fd, out, sizeof(out)), 6);
	rig_close(&r, state, 0, 0);
	CU_ASSERT_TRUE(soon(&r, "running", 0));
	CU_ASSERT_EQUAL(rig_count(&r, "killed"), 1);
	/* The pipe ends only when nobody of the group has it any more. */
	CU_ASSERT_EQUAL(hear(out_fd, out, sizeof(out)), 0);
	CU_ASSERT_EQUAL(read(out_fd, out, 1), 0);
	close(in_fd);
	close(out_fd);
	rig_end(&r);
}

static void connections_beyond_the_limit_are_refused(void)
{
	struct function_facts facts = rig_facts("10.2.0.7:4000", "198.51.100.10:443", "study");
	size_t before = count_descriptors();
	struct rig r;
	void *first, *second;

	make(&r, "{\"forward\": [\"cat\"], \"back\": [\"cat\"], \"most\": 3}");
	first = opens(&r);
	CU_ASSERT_FALSE(rig_open(&r, &facts, &second));
	UNIT_TEXT("3 programs run, the most that may", r.why);
	rig_close(&r, first, 0, 0);
	CU_ASSERT_TRUE(soon(&r, "running", 0));
	first = opens(&r);
	rig_close(&r, first, 0, 0);
	facts.protocol = IPPROTO_UDP;
	CU_ASSERT_FALSE(rig_open(&r, &facts, &second));
	UNIT_TEXT("a program takes no datagrams", r.why);
	CU_ASSERT_EQUAL(rig_count(&r, "refused"), 2);
	rig_end(&r);
	CU_ASSERT_EQUAL(count_descriptors(), before);
}

static void a_program_that_is_gone_refuses_the_connection(void)
{
	struct function_facts facts = rig_facts("10.2.0.7:4000", "198.51.100.10:443", "study");
	char path[] = "/tmp/epic-exec-XXXXXX", settings[128], expected[128];
	int fd = mkstemp(path);
	struct rig r;
	void *state;

	CU_ASSERT_TRUE_FATAL(fd >= 0 && fchmod(fd, 0700) == 0);
	close(fd);
	snprintf(settings, sizeof(settings), "{\"forward\": [\"%s\"]}", path);
	make(&r, settings);
	unlink(path);
	CU_ASSERT_FALSE(rig_open(&r, &facts, &state));
	snprintf(expected, sizeof(expected), "%s cannot be started: No such file or directory",
		 path);
	UNIT_TEXT(expected, r.why);
	CU_ASSERT_EQUAL(rig_count(&r, "running"), 0);
	CU_ASSERT_EQUAL(waitpid(-1, NULL, WNOHANG), -1);
	rig_end(&r);
}

static void *hammer(void *arg)
{
	struct rig r = *(struct rig *)arg; /* a `why` of its own */
	struct function_facts facts = { .protocol = IPPROTO_TCP,
					.source = { .kind = WIRE_IPV4 },
					.destination = { .kind = WIRE_IPV4 } };
	int in_fd, out_fd;
	char out[16];
	void *state;
	size_t *good = malloc(sizeof(*good));

	*good = 0;
	for (int i = 0; i < ROUNDS; i++) {
		if (!rig_open(&r, &facts, &state))
			continue;
		r.class->pipe(r.function, state, WAY_FORWARD, &in_fd, &out_fd);
		*good += write(in_fd, "abc", 3) == 3;
		close(in_fd);
		*good += hear(out_fd, out, sizeof(out)) == 3;
		close(out_fd);
		rig_close(&r, state, 3, 0);
	}
	return good;
}

static void threads_start_programs_at_once(void)
{
	pthread_t threads[THREADS];
	struct rig r;
	void *good;

	make(&r, "{\"forward\": [\"cat\"]}");
	for (int t = 0; t < THREADS; t++)
		pthread_create(&threads[t], NULL, hammer, &r);
	for (int t = 0; t < THREADS; t++) {
		pthread_join(threads[t], &good);
		CU_ASSERT_EQUAL(*(size_t *)good, 2 * ROUNDS);
		free(good);
	}
	CU_ASSERT_TRUE(soon(&r, "running", 0));
	CU_ASSERT_EQUAL(rig_count(&r, "started"), THREADS * ROUNDS);
	rig_end(&r);
	CU_ASSERT_EQUAL(waitpid(-1, NULL, WNOHANG), -1);
}

int main(void)
{
	static const struct unit units[] = {
		{ "settings_are_refused_by_their_path", settings_are_refused_by_their_path },
		{ "bytes_go_through_the_program_of_their_way",
		  bytes_go_through_the_program_of_their_way },
		{ "both_ways_have_programs_of_their_own", both_ways_have_programs_of_their_own },
		{ "many_bytes_come_out_as_they_went_in", many_bytes_come_out_as_they_went_in },
		{ "a_program_knows_the_facts_and_nothing_else",
		  a_program_knows_the_facts_and_nothing_else },
		{ "a_program_gets_no_other_descriptor", a_program_gets_no_other_descriptor },
		{ "a_program_starts_with_plain_signals", a_program_starts_with_plain_signals },
		{ "a_program_runs_as_the_user_that_it_is_told",
		  a_program_runs_as_the_user_that_it_is_told },
		{ "what_it_says_on_standard_error_is_logged",
		  what_it_says_on_standard_error_is_logged },
		{ "a_program_ends_with_its_connection", a_program_ends_with_its_connection },
		{ "who_does_not_end_is_killed_with_all_its_group",
		  who_does_not_end_is_killed_with_all_its_group },
		{ "connections_beyond_the_limit_are_refused",
		  connections_beyond_the_limit_are_refused },
		{ "a_program_that_is_gone_refuses_the_connection",
		  a_program_that_is_gone_refuses_the_connection },
		{ "threads_start_programs_at_once", threads_start_programs_at_once },
	};

	signal(SIGPIPE, SIG_IGN);
	return unit_main("functions_exec", units, sizeof(units) / sizeof(*units));
}
