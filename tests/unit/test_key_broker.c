/* The key broker and what asks it: runtime/socks/functions/{key_broker,keyring}.h, over TLS and
 * over a Unix socket. */
#include <config.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runtime/socks/functions/key_files.h"
#include "runtime/socks/functions/key_lines.h"
#include "runtime/socks/functions/rows.h"
#include "tests/prop/seal_pair.h"
#include "tests/unit/certificates.h"
#include "tests/unit/unit.h"

/* One broker and a directory for its keys and socket. */
struct world {
	char dir[PAIR_DIR], socket[100];
	struct certificates certificates;
	int port;
	struct function *broker, *seal, *unseal;
	struct pair_end near, far;
};

static void pause_ms(long ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* A port that was free a moment ago. */
static int free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&a, size), 0);
	getsockname(fd, (struct sockaddr *)&a, &size);
	close(fd);
	return ntohs(a.sin_port);
}

static void world_begin(struct world *w)
{
	memset(w, 0, sizeof(*w));
	pair_dir_make(w->dir);
	snprintf(w->socket, sizeof(w->socket), "%s/broker.sock", w->dir);
	CU_ASSERT_TRUE_FATAL(certificates_make(&w->certificates));
	w->port = free_port();
}

static void world_end(struct world *w)
{
	function_seal.release(w->seal);
	function_unseal.release(w->unseal);
	function_key_broker.release(w->broker);
	certificates_remove(&w->certificates);
	pair_dir_remove(w->dir);
}

static struct function *broker(struct world *w, struct function *was, const char *more)
{
	struct function_error error;
	struct function *f;

	f = pair_make(&function_key_broker, was, &error,
		      "{\"keys\": \"%s\", \"rotate\": 0, \"ahead\": 1, \"unix\": \"%s\", "
		      "\"listen\": \"127.0.0.1:%d\", \"certificate\": \"%s\", \"key\": \"%s\", "
		      "\"authority\": \"%s\"%s}",
		      w->dir, w->socket, w->port, certificates_path(&w->certificates, "server.pem"),
		      certificates_path(&w->certificates, "server.key"),
		      certificates_path(&w->certificates, "authority.pem"), more);
	UNIT_TEXT("", error.text);
	return f;
}

#define ANY_CLIENT ", \"clients\": [\"client\"]"

static struct function *over_tls(struct world *w, const struct function_class *class,
				 const char *who, const char *more)
{
	struct function_error error;
	struct function *f;
	char pem[32], key[32];

	snprintf(pem, sizeof(pem), "%s.pem", who);
	snprintf(key, sizeof(key), "%s.key", who);
	f = pair_make(class, NULL, &error,
		      "{\"broker\": \"127.0.0.1:%d\", \"certificate\": \"%s\", \"key\": \"%s\", "
		      "\"authority\": \"%s\"%s}",
		      w->port, certificates_path(&w->certificates, pem),
		      certificates_path(&w->certificates, key),
		      certificates_path(&w->certificates, "authority.pem"), more);
	UNIT_TEXT("", error.text);
	return f;
}

static struct function *over_path(struct world *w, const struct function_class *class,
				  const char *more)
{
	struct function_error error;
	struct function *f =
	    pair_make(class, NULL, &error, "{\"broker\": \"unix:%s\"%s}", w->socket, more);

	UNIT_TEXT("", error.text);
	return f;
}

static bool status_has(const struct function_class *class, struct function *f, const char *what)
{
	struct text t = { 0 };
	bool has;

	class->status(f, &t);
	has = strstr(t.at, what) != NULL;
	text_free(&t);
	return has;
}

static bool comes_to(const struct function_class *class, struct function *f, const char *what)
{
	struct text t = { 0 };

	for (int i = 0; i < 800; i++) {
		if (status_has(class, f, what))
			return true;
		pause_ms(10);
	}
	class->status(f, &t);
	printf("no %s in %s\n", what, t.at);
	text_free(&t);
	return false;
}

static bool tell(struct world *w, const char *words, const char *expected)
{
	struct text answer = { 0 };
	bool ok = function_key_broker.command(w->broker, words, &answer);

	CU_ASSERT_PTR_NOT_NULL(strstr(answer.at, expected));
	if (!strstr(answer.at, expected))
		printf("%s: %s", words, answer.at);
	text_free(&answer);
	return ok;
}

/* ---- a transfer over a rotation ---- */

enum { PIECES = 400, PIECE = 997 };

static void fill(uint8_t piece[PIECE], int which)
{
	for (int i = 0; i < PIECE; i++)
		piece[i] = (uint8_t)(which * 31 + i * 7);
}

static void carry(struct pair_end *from, struct pair_end *to, enum way way, bool last)
{
	int wakes = to->wakes;

	if (pair_give(to, way, from->out[way].at, from->out[way].n, last) == FUNCTION_WAIT)
		CU_ASSERT_TRUE(pair_wait(to, wakes));
	from->out[way].n = 0;
}

/* What came out is what went in. */
static void check_all(const struct bytes *out)
{
	uint8_t piece[PIECE];
	bool same = out->n == (size_t)PIECES * PIECE;

	for (int i = 0; same && i < PIECES; i++) {
		fill(piece, i);
		same = !memcmp(out->at + (size_t)i * PIECE, piece, PIECE);
	}
	CU_ASSERT_TRUE(same);
}

static void both_come_to(struct world *w, const char *what)
{
	CU_ASSERT_TRUE(comes_to(&function_seal, w->seal, what));
	CU_ASSERT_TRUE(comes_to(&function_unseal, w->unseal, what));
}

/* The broker rotates twice while PIECES go one way and the other. */
static void transfer(struct world *w)
{
	uint8_t piece[PIECE];

	CU_ASSERT_TRUE_FATAL(pair_open(&w->near, &function_seal, w->seal, &pair_facts));
	CU_ASSERT_TRUE_FATAL(pair_open(&w->far, &function_unseal, w->unseal, &pair_facts));
	for (int i = 0; i < PIECES; i++) {
		if (i == PIECES / 3)
			CU_ASSERT_TRUE(tell(w, "rotate", "key 2 begins at 20"));
		if (i == PIECES / 3 + 50)
			both_come_to(w, "\"key\": 2, \"keys\"");
		if (i == 2 * PIECES / 3)
			CU_ASSERT_TRUE(tell(w, "rotate", "key 3 begins at 20"));
		if (i == 2 * PIECES / 3 + 50)
			both_come_to(w, "\"key\": 3, \"keys\"");
		fill(piece, i);
		pair_give(&w->near, WAY_FORWARD, piece, PIECE, i == PIECES - 1);
		carry(&w->near, &w->far, WAY_FORWARD, i == PIECES - 1);
		pair_give(&w->far, WAY_BACK, piece, PIECE, i == PIECES - 1);
		carry(&w->far, &w->near, WAY_BACK, i == PIECES - 1);
	}
	check_all(&w->far.out[WAY_FORWARD]);
	check_all(&w->near.out[WAY_BACK]);
	CU_ASSERT_EQUAL(w->far.step[WAY_FORWARD], FUNCTION_ON);
	CU_ASSERT_EQUAL(w->near.step[WAY_BACK], FUNCTION_ON);
	CU_ASSERT_TRUE(status_has(&function_unseal, w->unseal, "\"renewed\": 2,"));
	pair_close(&w->near);
	pair_close(&w->far);
}

/* Neither what the functions tell nor their log has a key of the directory. */
static void no_key_is_told(struct world *w)
{
	const struct function_class *classes[] = { &function_seal, &function_unseal,
						   &function_key_broker };
	struct function *functions[] = { w->seal, w->unseal, w->broker };
	struct key_error error;
	struct key_set keys;
	char hex[KEY_HEX_ROOM];

	CU_ASSERT_TRUE(key_files_read(w->dir, &keys, &error));
	CU_ASSERT_EQUAL(keys.n, 3);
	for (size_t i = 0; i < keys.n; i++) {
		key_hex_write(keys.keys[i].bytes, hex);
		hex[8] = '\0';
		for (int f = 0; f < 3; f++)
			CU_ASSERT_FALSE(status_has(classes[f], functions[f], hex));
	}
}

static void rotates_over_tls_and_loses_nothing(void)
{
	struct world w;

	world_begin(&w);
	w.broker = broker(&w, NULL, ANY_CLIENT);
	CU_ASSERT_TRUE(tell(&w, "rotate", "key 1 begins at 20"));
	w.seal = over_tls(&w, &function_seal, "client", "");
	w.unseal = over_tls(&w, &function_unseal, "client", "");
	CU_ASSERT_TRUE(comes_to(&function_seal, w.seal, "\"key\": 1, \"keys\""));
	CU_ASSERT_TRUE(comes_to(&function_unseal, w.unseal, "\"key\": 1, \"keys\""));
	transfer(&w);
	no_key_is_told(&w);
	world_end(&w);
}

static void rotates_over_a_unix_socket_and_loses_nothing(void)
{
	struct world w;

	world_begin(&w);
	w.broker = broker(&w, NULL, ANY_CLIENT);
	CU_ASSERT_TRUE(tell(&w, "rotate", "key 1 begins at 20"));
	w.seal = over_path(&w, &function_seal, "");
	w.unseal = over_path(&w, &function_unseal, "");
	CU_ASSERT_TRUE(comes_to(&function_seal, w.seal, "\"key\": 1, \"keys\""));
	CU_ASSERT_TRUE(comes_to(&function_unseal, w.unseal, "\"key\": 1, \"keys\""));
	transfer(&w);
	no_key_is_told(&w);
	CU_ASSERT_TRUE(status_has(&function_key_broker, w.broker, "\"made\": 3, \"revoked\": 0"));
	world_end(&w);
}

/* The broker begins after who needs it. */
static void is_waited_for(void)
{
	struct world w;

	world_begin(&w);
	w.seal = over_path(&w, &function_seal, "");
	w.unseal = over_path(&w, &function_unseal, "");
	CU_ASSERT_TRUE(pair_open(&w.near, &function_seal, w.seal, &pair_facts));
	CU_ASSERT_TRUE(pair_open(&w.far, &function_unseal, w.unseal, &pair_facts));
	CU_ASSERT_EQUAL(pair_give(&w.near, WAY_FORWARD, "hello", 5, true), FUNCTION_WAIT);
	CU_ASSERT_EQUAL(w.near.out[WAY_FORWARD].n, 0);
	w.broker = broker(&w, NULL, ANY_CLIENT);
	CU_ASSERT_TRUE(tell(&w, "rotate", "key 1 begins at 20"));
	CU_ASSERT_TRUE(pair_wait(&w.near, 1));
	CU_ASSERT_EQUAL(w.near.step[WAY_FORWARD], FUNCTION_ON);
	carry(&w.near, &w.far, WAY_FORWARD, true);
	CU_ASSERT_EQUAL(w.far.step[WAY_FORWARD], FUNCTION_ON);
	CU_ASSERT_TRUE(w.far.out[WAY_FORWARD].n == 5 &&
		       !memcmp(w.far.out[WAY_FORWARD].at, "hello", 5));
	pair_close(&w.near);
	pair_close(&w.far);
	world_end(&w);
}

static void a_seal_without_a_key_gives_up(void)
{
	struct world w;

	world_begin(&w);
	w.seal = over_path(&w, &function_seal, ", \"patience\": 1");
	w.broker = broker(&w, NULL, ANY_CLIENT);
	CU_ASSERT_TRUE(pair_open(&w.near, &function_seal, w.seal, &pair_facts));
	CU_ASSERT_EQUAL(pair_give(&w.near, WAY_FORWARD, "hello", 5, true), FUNCTION_WAIT);
	for (int i = 0; i < 500 && w.near.step[WAY_FORWARD] == FUNCTION_WAIT; i++) {
		pause_ms(10);
		pair_woken(&w.near);
	}
	CU_ASSERT_EQUAL(w.near.step[WAY_FORWARD], FUNCTION_END);
	UNIT_TEXT("no key has begun that could seal", w.near.why);
	CU_ASSERT_EQUAL(w.near.out[WAY_FORWARD].n, 0);
	pair_close(&w.near);
	world_end(&w);
}

/* ---- who may ask ---- */

static void serves_allowed_clients_only(void)
{
	struct world w;

	world_begin(&w);
	w.broker = broker(&w, NULL, ", \"clients\": [\"someone\", \"CN=clien\"]");
	CU_ASSERT_TRUE(tell(&w, "rotate", "key 1 begins at 20"));
	w.seal = over_tls(&w, &function_seal, "client", "");
	CU_ASSERT_TRUE(
	    comes_to(&function_seal, w.seal, "the broker refuses: this client is not allowed"));
	CU_ASSERT_TRUE(status_has(&function_seal, w.seal, "\"key\": null, \"keys\": 0"));
	CU_ASSERT_TRUE(status_has(&function_key_broker, w.broker, "\"served\": 0"));
	world_end(&w);
}

static void clients_without_a_good_certificate_get_nothing(void)
{
	struct world w;

	world_begin(&w);
	w.broker = broker(&w, NULL, ", \"clients\": [\"client\", \"expired\", \"CN=expired\"]");
	CU_ASSERT_TRUE(tell(&w, "rotate", "key 1 begins at 20"));
	w.seal = over_tls(&w, &function_seal, "expired", "");
	for (int i = 0; i < 500 && status_has(&function_seal, w.seal, "\"problem\": null"); i++)
		pause_ms(10);
	CU_ASSERT_FALSE(status_has(&function_seal, w.seal, "\"problem\": null"));
	CU_ASSERT_TRUE(status_has(&function_seal, w.seal, "\"keys\": 0"));
	CU_ASSERT_TRUE(status_has(&function_key_broker, w.broker, "\"served\": 0"));
	world_end(&w);
}

static void a_broker_with_another_name_is_not_asked(void)
{
	struct world w;

	world_begin(&w);
	w.broker = broker(&w, NULL, ANY_CLIENT);
	CU_ASSERT_TRUE(tell(&w, "rotate", "key 1 begins at 20"));
	w.seal = over_tls(&w, &function_seal, "client", ", \"broker-name\": \"elsewhere\"");
	CU_ASSERT_TRUE(comes_to(&function_seal, w.seal, "hostname mismatch"));
	w.unseal = over_tls(&w, &function_unseal, "client", ", \"broker-name\": \"localhost\"");
	CU_ASSERT_TRUE(comes_to(&function_unseal, w.unseal, "\"key\": 1, \"keys\""));
	world_end(&w);
}

static int connect_path(const struct world *w)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", w->socket);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* What comes until the end. */
static size_t hear(int fd, char *answer, size_t room)
{
	size_t n = 0;
	ssize_t more;

	while (n < room && (more = recv(fd, answer + n, room - n, 0)) > 0)
		n += (size_t)more;
	return n;
}

static void speaks_the_protocol_to_the_byte(void)
{
	char answer[4096], hex[KEY_HEX_ROOM], expected[512];
	struct key_error error;
	struct key_set keys;
	struct world w;
	int fd;

	world_begin(&w);
	w.broker = broker(&w, NULL, ANY_CLIENT);
	tell(&w, "rotate", "key 1 begins");
	CU_ASSERT_TRUE(key_files_read(w.dir, &keys, &error));
	key_hex_write(keys.keys[0].bytes, hex);
	snprintf(expected, sizeof(expected), "epic-keys 1 ok 1 500\nkey 1 %lld %s\nend\n",
		 (long long)keys.keys[0].from, hex);
	fd = connect_path(&w);
	for (const char *c = KEY_REQUEST; *c; c++) {
		CU_ASSERT_EQUAL(send(fd, c, 1, MSG_NOSIGNAL), 1);
		pause_ms(1);
	}
	answer[hear(fd, answer, sizeof(answer) - 1)] = '\0';
	UNIT_TEXT(expected, answer);
	close(fd);
	fd = connect_path(&w);
	CU_ASSERT_EQUAL(send(fd, "GET / HTTP/1.1\r\n", 16, MSG_NOSIGNAL), 16);
	CU_ASSERT_EQUAL(hear(fd, answer, sizeof(answer)), 0);
	close(fd);
	world_end(&w);
}

/* More silent ones than there is room for. */
static void silent_clients_hold_up_nobody(void)
{
	int silent[200];
	struct world w;

	world_begin(&w);
	w.broker = broker(&w, NULL, ANY_CLIENT);
	CU_ASSERT_TRUE(tell(&w, "rotate", "key 1 begins at 20"));
	for (int i = 0; i < 200; i++)
		silent[i] = connect_path(&w);
	w.seal = over_path(&w, &function_seal, "");
	CU_ASSERT_TRUE(comes_to(&function_seal, w.seal, "\"key\": 1, \"keys\""));
	for (int i = 0; i < 200; i++)
		close(silent[i]);
	world_end(&w);
}

/* Root may become somebody else; anybody else cannot try. */
static void other_users_get_nothing_over_the_unix_socket(void)
{
	char answer[256];
	struct world w;
	int status;
	pid_t child;

	if (geteuid() != 0)
		return;
	world_begin(&w);
	w.broker = broker(&w, NULL, ANY_CLIENT);
	CU_ASSERT_TRUE(tell(&w, "rotate", "key 1 begins at 20"));
	chmod(w.dir, 0711);
	chmod(w.socket, 0777); /* someone was careless */
	child = fork();
	if (!child) {
		int fd;

		if (setgid(65534) || setuid(65534) || (fd = connect_path(&w)) < 0)
			_exit(2);
		if (send(fd, KEY_REQUEST, strlen(KEY_REQUEST), MSG_NOSIGNAL) < 0)
			_exit(0);
		_exit(hear(fd, answer, sizeof(answer)) ? 1 : 0);
	}
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	world_end(&w);
}

/* ---- the function ---- */

static void refuses_connections_without_a_current_key(void)
{
	struct pair_end end;
	struct world w;

	world_begin(&w);
	w.broker = broker(&w, NULL, ANY_CLIENT);
	CU_ASSERT_FALSE(pair_open(&end, &function_key_broker, w.broker, &pair_facts));
	UNIT_TEXT("no key of the study is current", end.why);
	CU_ASSERT_TRUE(tell(&w, "rotate", "key 1 begins at 20"));
	CU_ASSERT_TRUE(pair_open(&end, &function_key_broker, w.broker, &pair_facts));
	CU_ASSERT_TRUE(status_has(&function_key_broker, w.broker,
				  "\"opened\": 1, \"open\": 1, \"turned-away\": 1"));
	CU_ASSERT_TRUE(tell(&w, "revoke 1", "key 1 is revoked"));
	CU_ASSERT_FALSE(tell(&w, "revoke 1", "there is no key 1"));
	CU_ASSERT_FALSE(tell(&w, "dance", "knows `rotate` and `revoke ID`"));
	pair_close(&end);
	CU_ASSERT_FALSE(pair_open(&end, &function_key_broker, w.broker, &pair_facts));
	world_end(&w);
}

static void rotates_by_time_and_revokes(void)
{
	struct function_error error;
	struct world w;

	world_begin(&w);
	w.broker = pair_make(&function_key_broker, NULL, &error,
			     "{\"keys\": \"%s\", \"rotate\": 1, \"ahead\": 0, \"keep\": 1, "
			     "\"unix\": \"%s\"}",
			     w.dir, w.socket);
	UNIT_TEXT("", error.text);
	w.seal = over_path(&w, &function_seal, "");
	CU_ASSERT_TRUE(comes_to(&function_seal, w.seal, "\"key\": 1, \"keys\""));
	CU_ASSERT_TRUE(comes_to(&function_key_broker, w.broker, "\"current\": {\"key\": 3,"));
	CU_ASSERT_TRUE(comes_to(&function_key_broker, w.broker,
				"\"keys\": 2, \"made\": 3, "
				"\"revoked\": 1"));
	CU_ASSERT_TRUE(comes_to(&function_seal, w.seal, "\"key\": 3, \"keys\": 2"));
	world_end(&w);
}

/* A client asks all the time while brokers come and go. */
struct asking {
	const struct world *w;
	atomic_bool over;
	atomic_int served, failed;
};

static void *ask_on_and_on(void *arg)
{
	struct asking *a = arg;
	char answer[4096];

	while (!a->over) {
		int fd = connect_path(a->w);
		size_t n = 0;

		if (fd >= 0 && send(fd, KEY_REQUEST, strlen(KEY_REQUEST), MSG_NOSIGNAL) > 0)
			n = hear(fd, answer, sizeof(answer));
		if (n > 20 && !memcmp(answer, "epic-keys 1 ok 1 ", 17))
			a->served++;
		else
			a->failed++;
		close(fd);
		pause_ms(1);
	}
	return NULL;
}

static void goes_on_over_a_reload_without_a_gap(void)
{
	struct asking a = { 0 };
	struct function *again;
	struct world w;
	pthread_t thread;

	world_begin(&w);
	w.broker = broker(&w, NULL, ANY_CLIENT);
	CU_ASSERT_TRUE(tell(&w, "rotate", "key 1 begins at 20"));
	a.w = &w;
	pthread_create(&thread, NULL, ask_on_and_on, &a);
	for (int i = 0; i < 30; i++) {
		again = broker(&w, w.broker, ANY_CLIENT);
		pause_ms(2);
		if (i % 3) { /* the new one is dropped: a reload that failed */
			function_key_broker.release(again);
			continue;
		}
		function_key_broker.release(w.broker);
		w.broker = again;
		pause_ms(2);
	}
	pause_ms(20);
	a.over = true;
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(a.failed, 0);
	CU_ASSERT_TRUE(a.served > 10);
	CU_ASSERT_TRUE(status_has(&function_key_broker, w.broker, "\"current\": {\"key\": 1,"));
	w.seal = over_tls(&w, &function_seal, "client", "");
	CU_ASSERT_TRUE(comes_to(&function_seal, w.seal, "\"key\": 1, \"keys\""));
	world_end(&w);
}

static void a_reload_changes_who_may_ask(void)
{
	struct function *again;
	struct world w;

	world_begin(&w);
	w.broker = broker(&w, NULL, ANY_CLIENT);
	CU_ASSERT_TRUE(tell(&w, "rotate", "key 1 begins at 20"));
	w.seal = over_tls(&w, &function_seal, "client", "");
	CU_ASSERT_TRUE(comes_to(&function_seal, w.seal, "\"key\": 1, \"keys\""));
	again = broker(&w, w.broker, ", \"clients\": [\"nobody\"]");
	w.unseal = over_tls(&w, &function_unseal, "client", "");
	CU_ASSERT_TRUE(comes_to(&function_unseal, w.unseal, "this client is not allowed"));
	function_key_broker.release(w.broker);
	w.broker = again;
	world_end(&w);
}

static void refuses_settings_that_mean_nothing(void)
{
	static const char *const rows[][2] = {
		{ "{}", "keys, the directory, is missing" },
		{ "{\"keys\": \"/nowhere\"}", "/nowhere: No such file or directory" },
		{ "{\"keys\": \"a\", \"rotate\": 10, \"ahead\": 10}",
		  "ahead must be less than rotate" },
		{ "{\"keys\": \"a\", \"listen\": \"127.0.0.1:1\"}",
		  "listen needs certificate, key, authority and clients" },
		{ "{\"keys\": \"a\", \"clients\": [\"x\"]}",
		  "certificate, key, authority and clients are for listen" },
		{ "{\"keys\": \"a\", \"keep\": 33}", "keep is not from 0 to 32" },
		{ "{\"keys\": \"a\", \"pears\": 33}", "pears is unknown" },
	};
	struct function_error error;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		CU_ASSERT_PTR_NULL(pair_make(&function_key_broker, NULL, &error, "%s", rows[i][0]));
		UNIT_TEXT(rows[i][1], error.text);
	}
}

int main(void)
{
	static const struct unit units[] = {
		{ "rotates_over_tls_and_loses_nothing", rotates_over_tls_and_loses_nothing },
		{ "rotates_over_a_unix_socket_and_loses_nothing",
		  rotates_over_a_unix_socket_and_loses_nothing },
		{ "is_waited_for", is_waited_for },
		{ "a_seal_without_a_key_gives_up", a_seal_without_a_key_gives_up },
		{ "serves_allowed_clients_only", serves_allowed_clients_only },
		{ "clients_without_a_good_certificate_get_nothing",
		  clients_without_a_good_certificate_get_nothing },
		{ "a_broker_with_another_name_is_not_asked",
		  a_broker_with_another_name_is_not_asked },
		{ "speaks_the_protocol_to_the_byte", speaks_the_protocol_to_the_byte },
		{ "silent_clients_hold_up_nobody", silent_clients_hold_up_nobody },
		{ "other_users_get_nothing_over_the_unix_socket",
		  other_users_get_nothing_over_the_unix_socket },
		{ "refuses_connections_without_a_current_key",
		  refuses_connections_without_a_current_key },
		{ "rotates_by_time_and_revokes", rotates_by_time_and_revokes },
		{ "goes_on_over_a_reload_without_a_gap", goes_on_over_a_reload_without_a_gap },
		{ "a_reload_changes_who_may_ask", a_reload_changes_who_may_ask },
		{ "refuses_settings_that_mean_nothing", refuses_settings_that_mean_nothing },
	};

	return unit_main("key_broker", units, sizeof(units) / sizeof(*units));
}
