#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runtime/core/control.h"
#include "tests/unit/unit.h"

enum { BIG = 8000000 };

static char folder[64]; /* of this run, also XDG_RUNTIME_DIR */
static char path[96];

/* Time can be made to pass: what waits for seconds need not. */
static atomic_int skew;

int clock_gettime(clockid_t clock, struct timespec *now)
{
	int code = (int)syscall(SYS_clock_gettime, clock, now);

	now->tv_sec += skew;
	return code;
}

/* ---- a server ---- */

static bool run_echo(void *arg, const char *argument, struct text *answer)
{
	(void)arg;
	text_puts(answer, argument);
	return true;
}

static bool run_fail(void *arg, const char *argument, struct text *answer)
{
	(void)arg;
	text_printf(answer, "no %s", argument);
	return false;
}

static bool run_big(void *arg, const char *argument, struct text *answer)
{
	(void)arg;
	(void)argument;
	for (int i = 0; i < BIG / 8; i++)
		text_puts(answer, "abcdefgh");
	return true;
}

static bool run_count(void *arg, const char *argument, struct text *answer)
{
	(void)argument;
	text_printf(answer, "%d", ++*(int *)arg);
	return true;
}

static bool run_lost(void *arg, const char *argument, struct text *answer)
{
	(void)arg;
	(void)argument;
	text_puts(answer, "half");
	answer->failed = true;
	return true;
}

static const struct control_command commands[] = {
	{ "echo", "gives the argument back", run_echo },
	{ "fail", "is an error", run_fail },
	{ "big", "gives much", run_big },
	{ "count", "counts its calls", run_count },
	{ "lost", "runs out of memory", run_lost },
	{ NULL, NULL, NULL },
};

struct server {
	struct control *control;
	pthread_t thread;
	atomic_bool ends;
	int count;
};

static void *serve(void *arg)
{
	struct server *s = arg;

	while (!s->ends)
		control_serve(s->control, 50);
	return NULL;
}

static void server_open(struct server *s)
{
	struct control_error error = { "" };

	memset(s, 0, sizeof(*s));
	s->control = control_open(path, commands, &s->count, &error);
	UNIT_TEXT("", error.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s->control);
}

static void server_start(struct server *s)
{
	server_open(s);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_stop(struct server *s)
{
	s->ends = true;
	pthread_join(s->thread, NULL);
	control_close(s->control);
	CU_ASSERT_TRUE(access(path, F_OK) < 0);
}

/* ---- clients ---- */

static int dial(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval patience = { 20, 0 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	CU_ASSERT_EQUAL_FATAL(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void say(int fd, const char *bytes, size_t n)
{
	CU_ASSERT_EQUAL(send(fd, bytes, n, MSG_NOSIGNAL), (ssize_t)n);
}

/* Reads until N bytes are there or the other end closes. */
static size_t hear(int fd, char *bytes, size_t n)
{
	size_t got = 0;
	ssize_t m;

	while (got < n && (m = recv(fd, bytes + got, n - got, 0)) > 0)
		got += (size_t)m;
	return got;
}

static void hears(int fd, const char *expected)
{
	char *bytes = calloc(1, strlen(expected) + 1);

	hear(fd, bytes, strlen(expected));
	UNIT_TEXT(expected, bytes);
	free(bytes);
}

static bool is_closed(int fd)
{
	char byte;

	errno = 0;
	return recv(fd, &byte, 1, 0) <= 0 && errno != EAGAIN;
}

static void asks(const char *line, bool ok, const char *expected)
{
	struct text answer = { 0 };

	CU_ASSERT_EQUAL(control_ask(path, line, 20, &answer), ok);
	UNIT_TEXT(expected, answer.at ? answer.at : "(nothing)");
	text_free(&answer);
}

static unsigned open_files(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* ---- requests ---- */

static void a_line_is_answered(void)
{
	struct server s;

	server_start(&s);
	asks("echo", true, "");
	asks("echo some words", true, "some words");
	asks("echo   more  words ", true, "more  words ");
	asks("fail luck", false, "no luck");
	asks("count", true, "1");
	asks("count x", true, "2");
	asks("lost", false, "memory is exhausted");
	asks("", false, "there is no command ''; help lists them");
	asks("ech\x1b[0m x", false, "there is no command 'ech?[0m'; help lists them");
	asks("help", true,
	     "help         this list\necho         gives the argument back\n"
	     "fail         is an error\nbig          gives much\n"
	     "count        counts its calls\nlost         runs out of memory\n");
	server_stop(&s);
}

static void large_answers_come_whole(void)
{
	struct text answer = { 0 };
	struct server s;
	bool same = true;

	server_start(&s);
	CU_ASSERT_TRUE(control_ask(path, "big", 20, &answer));
	CU_ASSERT_EQUAL_FATAL(answer.n, BIG);
	for (size_t i = 0; i < BIG; i++)
		same = same && answer.at[i] == (char)('a' + i % 8);
	CU_ASSERT_TRUE(same);
	text_free(&answer);
	server_stop(&s);
}

static void lines_may_follow_each_other_on_one_connection(void)
{
	struct server s;
	int fd;

	server_start(&s);
	fd = dial();
	say(fd, "echo a\n", 7);
	hears(fd, "ok 1\na");
	say(fd, "echo b\nfail c\necho d\n", 21);
	hears(fd, "ok 1\nberror 4\nno cok 1\nd");
	say(fd, "echo last\necho half", 19);
	shutdown(fd, SHUT_WR);
	hears(fd, "ok 4\nlast");
	CU_ASSERT_TRUE(is_closed(fd));
	close(fd);
	server_stop(&s);
}

static uint64_t random_next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Requests and what must come back. */
static void random_session(uint64_t *seed, struct text *requests, struct text *answers)
{
	static const char *const words[] = { "", "x", "two words",
					     "longer argument of many letters" };

	for (int i = 0; i < 30; i++) {
		const char *word = words[random_next(seed) % 4];

		if (random_next(seed) % 3) {
			text_printf(requests, "echo %s\n", word);
			text_printf(answers, "ok %zu\n%s", strlen(word), word);
		} else {
			text_printf(requests, "fail %s\n", word);
			text_printf(answers, "error %zu\nno %s", strlen(word) + 3, word);
		}
	}
}

static void any_split_of_the_stream_says_the_same(void)
{
	const char *scale = getenv("EPIC_TEST_SCALE");
	int n = 200 / (scale && atoi(scale) > 0 ? atoi(scale) : 1) + 1;
	uint64_t seed = 362436069;
	struct server s;

	server_start(&s);
	for (int i = 0; i < n; i++) {
		struct text requests = { 0 }, answers = { 0 };
		int fd = dial();

		random_session(&seed, &requests, &answers);
		for (size_t at = 0, part; at < requests.n; at += part) {
			part = random_next(&seed) % 40 + 1;
			part = part < requests.n - at ? part : requests.n - at;
			say(fd, requests.at + at, part);
			if (random_next(&seed) % 4 == 0)
				sched_yield();
		}
		hears(fd, answers.at);
		close(fd);
		text_free(&requests);
		text_free(&answers);
	}
	server_stop(&s);
}

static void a_line_has_a_bound(void)
{
	static char line[CONTROL_LINE + 1], expected[CONTROL_LINE + 16];
	struct server s;
	int fd;

	server_start(&s);
	memset(line, 'x', sizeof(line));
	memcpy(line, "echo ", 5);
	line[CONTROL_LINE - 1] = '\n';
	fd = dial();
	say(fd, line, CONTROL_LINE);
	snprintf(expected, sizeof(expected), "ok %d\n%.*s", CONTROL_LINE - 6, CONTROL_LINE - 6,
		 line + 5);
	hears(fd, expected);
	line[CONTROL_LINE - 1] = 'x';
	line[CONTROL_LINE] = '\n';
	say(fd, line, CONTROL_LINE + 1);
	hears(fd, "error 29\na line has at most 4096 bytes");
	CU_ASSERT_TRUE(is_closed(fd));
	close(fd);
	server_stop(&s);
}

static void a_nul_is_no_part_of_a_line(void)
{
	struct server s;
	int fd;

	server_start(&s);
	fd = dial();
	say(fd, "echo a\0b\necho c\n", 16);
	hears(fd, "error 18\nthe line has a NULok 1\nc");
	close(fd);
	server_stop(&s);
}

static void garbage_does_no_harm(void)
{
	uint64_t seed = 521288629;
	struct server s;
	char bytes[3000];

	server_start(&s);
	for (int i = 0; i < 300; i++) {
		int fd = dial();

		for (size_t k = 0; k < sizeof(bytes); k++)
			bytes[k] = (char)(random_next(&seed) >> 32);
		/* The server may have closed it already. */
		for (int k = 0; k < 3; k++)
			if (send(fd, bytes, random_next(&seed) % sizeof(bytes), MSG_NOSIGNAL) < 0)
				break;
		close(fd);
	}
	asks("echo still here", true, "still here");
	server_stop(&s);
}

/* ---- clients that are many, or slow, or gone ---- */

static void ten_thousand_come_one_after_the_other(void)
{
	unsigned before = open_files();
	struct text answer = { 0 };
	struct server s;
	bool ok = true;

	server_start(&s);
	for (int i = 0; i < 10000 && ok; i++) {
		ok = control_ask(path, "count", 20, &answer);
		ok = ok && atoi(answer.at) == i + 1;
	}
	CU_ASSERT_TRUE(ok);
	text_free(&answer);
	server_stop(&s);
	CU_ASSERT_EQUAL(open_files(), before);
}

static void more_than_there_is_room_for_are_all_answered(void)
{
	enum { MANY = CONTROL_CLIENTS + 50 };
	struct server s;
	int fds[MANY];

	server_open(&s); /* they all wait to be accepted */
	for (int i = 0; i < MANY; i++) {
		fds[i] = dial();
		say(fds[i], "echo x\n", 7);
	}
	CU_ASSERT_EQUAL_FATAL(pthread_create(&s.thread, NULL, serve, &s), 0);
	for (int i = 0; i < MANY; i++) {
		hears(fds[i], "ok 1\nx");
		close(fds[i]);
	}
	server_stop(&s);
}

static void silent_clients_make_room(void)
{
	enum { MANY = 100 };
	struct server s;
	int fds[MANY];

	server_start(&s);
	for (int i = 0; i < MANY; i++)
		fds[i] = dial();
	asks("echo let me in", true, "let me in");
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
	server_stop(&s);
}

static void who_does_not_read_holds_nobody_up(void)
{
	struct server s;
	int fds[5];

	server_start(&s);
	for (int i = 0; i < 5; i++) {
		fds[i] = dial();
		say(fds[i], "big\nbig\n", 8);
	}
	asks("echo quick", true, "quick");
	for (int i = 0; i < 5; i++)
		close(fds[i]);
	asks("echo quick", true, "quick");
	server_stop(&s);
}

static void a_slow_reader_gets_all_of_it(void)
{
	static char bytes[BIG + 32];
	struct server s;
	size_t n = 0;
	int fd;

	server_start(&s);
	fd = dial();
	say(fd, "big\necho end\n", 13);
	for (int i = 0; i < 200; i++) {
		n += hear(fd, bytes + n, 1000);
		if (i % 50 == 0)
			skew += CONTROL_PATIENCE - 2; /* slow, but not stuck */
	}
	n += hear(fd, bytes + n, BIG + 11 + 8 - n);
	CU_ASSERT_EQUAL(n, BIG + 11 + 8);
	CU_ASSERT_FALSE(memcmp(bytes, "ok 8000000\nabc", 14));
	CU_ASSERT_FALSE(memcmp(bytes + BIG + 11, "ok 3\nend", 8));
	close(fd);
	server_stop(&s);
}

static void who_is_stuck_is_closed_after_a_while(void)
{
	struct server s;
	int half, reads_not, waits;
	char byte;

	server_start(&s);
	half = dial();
	reads_not = dial();
	waits = dial();
	say(half, "echo ha", 7);
	say(reads_not, "big\n", 4);
	asks("echo x", true, "x");
	CU_ASSERT_EQUAL(recv(reads_not, &byte, 1, MSG_PEEK), 1);
	CU_ASSERT_TRUE(recv(half, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
	skew += CONTROL_PATIENCE + 1;
	CU_ASSERT_TRUE(is_closed(half));
	errno = 0;
	while (recv(reads_not, &byte, 1, 0) > 0)
		;
	CU_ASSERT_NOT_EQUAL(errno, EAGAIN);
	/* Who only waits between two requests is not stuck. */
	say(waits, "echo y\n", 7);
	hears(waits, "ok 1\ny");
	close(half);
	close(reads_not);
	close(waits);
	server_stop(&s);
}

static void who_is_gone_before_the_answer_ends_nothing(void)
{
	struct server s;

	server_start(&s);
	for (int i = 0; i < 50; i++) {
		int fd = dial();

		say(fd, "big\necho x\nbig\n", 15);
		close(fd);
	}
	asks("echo alive", true, "alive");
	server_stop(&s);
}

static atomic_int alarms;

static void on_alarm(int signal_number)
{
	(void)signal_number;
	alarms++;
}

static void a_signal_ends_the_wait(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval soon = { .it_value = { 0, 50000 } };
	struct server s;

	server_open(&s);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	control_serve(s.control, 3600 * 1000);
	CU_ASSERT_EQUAL(alarms, 1);
	control_close(s.control);
}

/* ---- the path ---- */

static void refuses(const char *where, const char *why)
{
	struct control_error error = { "" };
	struct control *c = control_open(where, commands, NULL, &error);

	CU_ASSERT_PTR_NULL(c);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.text, why));
	if (!strstr(error.text, why))
		fprintf(stderr, "'%s' does not say '%s'\n", error.text, why);
	control_close(c);
}

static void the_socket_is_private(void)
{
	struct server s;
	struct stat st;
	mode_t before = umask(0);

	server_open(&s);
	CU_ASSERT_EQUAL(lstat(path, &st), 0);
	CU_ASSERT_TRUE(S_ISSOCK(st.st_mode));
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
	control_close(s.control);
	umask(before);
	CU_ASSERT_TRUE(access(path, F_OK) < 0);
}

static void a_live_socket_is_refused(void)
{
	struct server s;

	server_start(&s);
	refuses(path, "another process serves this socket");
	asks("echo unharmed", true, "unharmed");
	server_stop(&s);
}

static void a_stale_socket_is_replaced(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct server s;

	strcpy(address.sun_path, path);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	CU_ASSERT_EQUAL(access(path, F_OK), 0);
	server_start(&s);
	asks("echo new", true, "new");
	server_stop(&s);
}

static void what_is_no_socket_is_left_alone(void)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_EXCL, 0600);

	CU_ASSERT_EQUAL(write(fd, "precious", 8), 8);
	close(fd);
	refuses(path, "no socket");
	CU_ASSERT_EQUAL(unlink(path), 0);
}

static void the_socket_of_a_successor_is_not_removed(void)
{
	struct server s, successor;

	server_open(&s);
	CU_ASSERT_EQUAL(unlink(path), 0);
	server_open(&successor);
	control_close(s.control);
	CU_ASSERT_EQUAL(access(path, F_OK), 0);
	control_close(successor.control);
}

static void a_path_has_a_bound(void)
{
	char name[200], small[120];
	struct control_error error;
	struct control *c;
	struct text answer = { 0 };

	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	refuses(name, "1 to 107 bytes, this one has 199");
	refuses("", "1 to 107 bytes, this one has 0");
	CU_ASSERT_FALSE(control_ask(name, "echo", 1, &answer));
	CU_ASSERT_PTR_NOT_NULL(strstr(answer.at, "1 to 107 bytes"));
	text_free(&answer);
	memset(small, 'x', sizeof(small));
	memcpy(small, folder, strlen(folder));
	small[strlen(folder)] = '/';
	small[107] = '\0';
	c = control_open(small, commands, NULL, &error);
	CU_ASSERT_PTR_NOT_NULL(c);
	control_close(c);
}

static void a_missing_folder_is_made_where_it_belongs(void)
{
	char made[96], inside[128], outside[128];
	struct control_error error = { "" };
	struct control *c;
	struct stat st;

	snprintf(made, sizeof(made), "%s/epic", folder);
	snprintf(inside, sizeof(inside), "%s/a.sock", made);
	c = control_open(inside, commands, NULL, &error);
	UNIT_TEXT("", error.text);
	CU_ASSERT_PTR_NOT_NULL(c);
	control_close(c);
	CU_ASSERT_EQUAL(stat(made, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0700);
	CU_ASSERT_EQUAL(rmdir(made), 0);
	setenv("XDG_RUNTIME_DIR", "/nowhere", 1);
	refuses(inside, "there is no such folder");
	setenv("XDG_RUNTIME_DIR", folder, 1);
	snprintf(outside, sizeof(outside), "%s/../nothing/a.sock", folder);
	refuses(outside, "there is no such folder");
	snprintf(inside, sizeof(inside), "%s/two/levels/a.sock", folder);
	refuses(inside, "No such file");
}

/* Root may everything; so somebody else tries. */
static void without_permission_there_is_a_reason(void)
{
	struct control_error error = { "" };
	int status;
	pid_t child = fork();

	if (child == 0) {
		if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
			_exit(2);
		if (control_open("/etc/epic-test.sock", commands, NULL, &error))
			_exit(3);
		_exit(strstr(error.text, "Permission denied") ? 0 : 4);
	}
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_EQUAL(status, 0);
}

static void two_that_start_at_once_do_not_take_each_others_socket(void)
{
	enum { MANY = 8 };
	int started = 0, codes[MANY];
	pid_t children[MANY];
	int go[2], done[2];

	CU_ASSERT_EQUAL_FATAL(pipe(go) | pipe(done), 0);
	for (int i = 0; i < MANY; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			struct control_error error;
			char byte;
			struct control *c;

			close(done[1]);
			close(go[1]);
			if (read(go[0], &byte, 1) < 0)
				_exit(2);
			c = control_open(path, commands, NULL, &error);
			/* The winner stays until all have tried; losers say so at once. */
			if (!c)
				_exit(1);
			if (read(done[0], &byte, 1) < 0)
				_exit(2);
			control_close(c);
			_exit(0);
		}
	}
	close(go[1]);
	for (int i = 0; i < MANY - 1; i++) {
		int status;

		CU_ASSERT_TRUE(wait(&status) > 0);
		codes[i] = WEXITSTATUS(status);
	}
	close(done[1]);
	CU_ASSERT_TRUE(wait(&codes[MANY - 1]) > 0);
	for (int i = 0; i < MANY; i++)
		started += codes[i] == 0;
	CU_ASSERT_EQUAL(started, 1);
	close(go[0]);
	close(done[0]);
}

/* ---- the other end ---- */

/* Serves one client with BYTES, whatever it says, and closes if ENDS. */
static void odd_server(const char *bytes, bool ends, const char *expected)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), status;
	struct text answer = { 0 };
	char sink[64];
	pid_t child;

	strcpy(address.sun_path, path);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	CU_ASSERT_EQUAL_FATAL(listen(fd, 1), 0);
	child = fork();
	if (child == 0) {
		int peer = accept(fd, NULL, NULL);

		if (recv(peer, sink, sizeof(sink), 0) < 0 ||
		    send(peer, bytes, strlen(bytes), MSG_NOSIGNAL) < 0)
			_exit(1);
		while (!ends && recv(peer, sink, sizeof(sink), 0) > 0)
			;
		_exit(0);
	}
	close(fd);
	CU_ASSERT_FALSE(control_ask(path, "echo", 1, &answer));
	CU_ASSERT_PTR_NOT_NULL(strstr(answer.at, expected));
	CU_ASSERT_PTR_NOT_NULL(strstr(answer.at, path));
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_EQUAL(status, 0);
	text_free(&answer);
	unlink(path);
}

static void odd_servers_are_not_believed(void)
{
	odd_server("", false, "no answer in time");
	odd_server("ok 5\nabc", false, "no answer in time");
	odd_server("ok 5\nabc", true, "ended within the answer");
	odd_server("ok 3\nabcd", true, "longer than it said");
	odd_server("HTTP/1.1 400 Bad Request\r\n", true, "does not begin as one");
	odd_server("fine 3\nabc", true, "does not begin as one");
	odd_server("0123456789012345678901234567890123456789", true, "does not begin as one");
	odd_server("ok 18446744073709551615\nx", true, "ended within the answer");
}

static void who_is_not_there_is_named(void)
{
	struct text answer = { 0 };
	char expected[160];

	snprintf(expected, sizeof(expected), "%s: No such file or directory", path);
	asks("echo", false, expected);
	CU_ASSERT_FALSE(control_ask(path, "two\nlines", 1, &answer));
	CU_ASSERT_PTR_NOT_NULL(strstr(answer.at, "one line"));
	text_free(&answer);
}

static void a_name_has_its_path(void)
{
	char expected[128], *made = control_path("dpdkd-x");

	snprintf(expected, sizeof(expected), "%s/epic/dpdkd-x.sock",
		 geteuid() == 0 ? "/run" : folder);
	UNIT_TEXT(expected, made);
	free(made);
}

static const struct unit units[] = {
	{ "a_line_is_answered", a_line_is_answered },
	{ "large_answers_come_whole", large_answers_come_whole },
	{ "lines_may_follow_each_other_on_one_connection",
	  lines_may_follow_each_other_on_one_connection },
	{ "any_split_of_the_stream_says_the_same", any_split_of_the_stream_says_the_same },
	{ "a_line_has_a_bound", a_line_has_a_bound },
	{ "a_nul_is_no_part_of_a_line", a_nul_is_no_part_of_a_line },
	{ "garbage_does_no_harm", garbage_does_no_harm },
	{ "ten_thousand_come_one_after_the_other", ten_thousand_come_one_after_the_other },
	{ "more_than_there_is_room_for_are_all_answered",
	  more_than_there_is_room_for_are_all_answered },
	{ "silent_clients_make_room", silent_clients_make_room },
	{ "who_does_not_read_holds_nobody_up", who_does_not_read_holds_nobody_up },
	{ "a_slow_reader_gets_all_of_it", a_slow_reader_gets_all_of_it },
	{ "who_is_stuck_is_closed_after_a_while", who_is_stuck_is_closed_after_a_while },
	{ "who_is_gone_before_the_answer_ends_nothing",
	  who_is_gone_before_the_answer_ends_nothing },
	{ "a_signal_ends_the_wait", a_signal_ends_the_wait },
	{ "the_socket_is_private", the_socket_is_private },
	{ "a_live_socket_is_refused", a_live_socket_is_refused },
	{ "a_stale_socket_is_replaced", a_stale_socket_is_replaced },
	{ "what_is_no_socket_is_left_alone", what_is_no_socket_is_left_alone },
	{ "the_socket_of_a_successor_is_not_removed", the_socket_of_a_successor_is_not_removed },
	{ "a_path_has_a_bound", a_path_has_a_bound },
	{ "a_missing_folder_is_made_where_it_belongs", a_missing_folder_is_made_where_it_belongs },
	{ "without_permission_there_is_a_reason", without_permission_there_is_a_reason },
	{ "two_that_start_at_once_do_not_take_each_others_socket",
	  two_that_start_at_once_do_not_take_each_others_socket },
	{ "odd_servers_are_not_believed", odd_servers_are_not_believed },
	{ "who_is_not_there_is_named", who_is_not_there_is_named },
	{ "a_name_has_its_path", a_name_has_its_path },
};

int main(void)
{
	int code;

	strcpy(folder, "/tmp/epic-control-XXXXXX");
	if (!mkdtemp(folder))
		return 99;
	setenv("XDG_RUNTIME_DIR", folder, 1);
	snprintf(path, sizeof(path), "%s/c.sock", folder);
	code = unit_main("core control", units, sizeof(units) / sizeof(*units));
	return rmdir(folder) == 0 ? code : 99;
}
