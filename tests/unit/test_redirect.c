/* The redirector's rules and where connections were going: runtime/socks/redirect.h, in a network
 * namespace of the test's own, with nft, ip and real connections. */
#include <config.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/socks/redirect.h"
#include "tests/unit/unit.h"

enum { PORT = 7001, SKIP = 77, MANY = 10000, PATIENCE = 5000 };

static struct redirect_rules rules_of(const struct redirect_catch *catches, size_t n)
{
	return (struct redirect_rules){ .table = "epic_test",
					.port = PORT,
					.local = true,
					.mark = REDIRECT_MARK,
					.tproxy_mark = 0x1234,
					.catches = catches,
					.n = n };
}

static struct wire_address address(const char *text)
{
	struct wire_address a;

	CU_ASSERT_TRUE_FATAL(wire_address_parse(text, strlen(text), &a));
	return a;
}

static void same_address(const char *expected, const struct wire_address *a)
{
	char text[WIRE_TEXT_ROOM];

	text[wire_address_text(a, text, sizeof(text))] = '\0';
	UNIT_TEXT(expected, text);
}

/* ---- sockets ---- */

static int listen_at(const char *text, bool transparent)
{
	struct wire_address a = address(text);
	struct sockaddr_storage at;
	socklen_t n = wire_address_to_sockaddr(&a, &at);
	int fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (transparent)
		CU_ASSERT_EQUAL(setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &one, sizeof(one)), 0);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&at, n), 0);
	CU_ASSERT_EQUAL_FATAL(listen(fd, 16), 0);
	return fd;
}

/* Begins; it need not succeed. */
static int dial(const char *text, uint32_t mark)
{
	struct wire_address a = address(text);
	struct sockaddr_storage at;
	socklen_t n = wire_address_to_sockaddr(&a, &at);
	int fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	if (mark)
		CU_ASSERT_EQUAL(setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)), 0);
	if (connect(fd, (struct sockaddr *)&at, n) < 0)
		CU_ASSERT_TRUE(errno == EINPROGRESS || errno == ENETUNREACH ||
			       errno == ECONNREFUSED || errno == EHOSTUNREACH);
	return fd;
}

/* -1: nobody came. */
static int accept_soon(int listener, int ms)
{
	struct pollfd p = { listener, POLLIN, 0 };

	return poll(&p, 1, ms) == 1 ? accept4(listener, NULL, NULL, SOCK_CLOEXEC) : -1;
}

/* A connection to TO arrives at the listener, which knows where it was going. */
static void arrives(int listener, const char *listens, const char *to)
{
	struct wire_address own = address(listens), original;
	int client = dial(to, 0), fd = accept_soon(listener, PATIENCE);

	CU_ASSERT_TRUE(fd >= 0);
	CU_ASSERT_TRUE(fd >= 0 && redirect_original(fd, &own, &original));
	if (fd >= 0)
		same_address(to, &original);
	close(client);
	close(fd);
}

static void does_not_arrive(int listener, const char *to, uint32_t mark)
{
	int client = dial(to, mark);

	CU_ASSERT_EQUAL(accept_soon(listener, 100), -1);
	close(client);
}

/* ---- running ---- */

static bool shell(const char *command)
{
	return system(command) == 0;
}

static void installs(const struct redirect_rules *rules)
{
	struct text why = { 0 };
	bool ok = redirect_rules_install(rules, &why);

	CU_ASSERT_TRUE(ok);
	if (!ok)
		fprintf(stderr, "%s\n", why.at);
	text_free(&why);
}

static void removes(const struct redirect_rules *rules)
{
	struct text why = { 0 };

	CU_ASSERT_TRUE(redirect_rules_remove(rules, &why));
	text_free(&why);
	CU_ASSERT_FALSE(shell("nft list tables | grep -q ."));
	CU_ASSERT_FALSE(shell("{ ip -4 rule; ip -6 rule; } | grep -q 0x1234"));
	CU_ASSERT_FALSE(shell("{ ip -4 route show table 17744; ip -6 route show table 17744; } "
			      "2>&1 | grep -q local"));
}

/* ---- tests ---- */

static void redirects_ipv4_and_remembers(void)
{
	const struct redirect_catch catches[] = { { "192.0.2.0/24", NULL, 80, 443 },
						  { "192.0.2.0/25", NULL, 400, 500 },
						  { "192.0.2.7", NULL, 22, 22 } };
	struct redirect_rules rules = rules_of(catches, 3);
	int listener = listen_at("127.0.0.1:7001", false);

	installs(&rules);
	arrives(listener, "127.0.0.1:7001", "192.0.2.9:80");
	arrives(listener, "127.0.0.1:7001", "192.0.2.9:443");
	arrives(listener, "127.0.0.1:7001", "192.0.2.9:500");
	arrives(listener, "127.0.0.1:7001", "192.0.2.7:22");
	does_not_arrive(listener, "192.0.2.9:22", 0);
	does_not_arrive(listener, "192.0.2.200:500", 0);
	close(listener);
	removes(&rules);
}

static void redirects_ipv6_and_remembers(void)
{
	const struct redirect_catch catches[] = { { "2001:db8::/32", "::/0", 0, 65535 } };
	struct redirect_rules rules = rules_of(catches, 1);
	int listener = listen_at("[::1]:7001", false);

	installs(&rules);
	arrives(listener, "[::1]:7001", "[2001:db8::9]:8080");
	does_not_arrive(listener, "[2001:db9::9]:8080", 0);
	close(listener);
	removes(&rules);
}

static void tells_ipv4_through_an_ipv6_listener(void)
{
	const struct redirect_catch catches[] = { { "192.0.2.0/24", NULL, 80, 80 } };
	struct redirect_rules rules = rules_of(catches, 1);
	int listener = listen_at("[::]:7001", false);

	installs(&rules);
	arrives(listener, "[::]:7001", "192.0.2.9:80");
	close(listener);
	removes(&rules);
}

static void who_comes_straight_was_not_redirected(void)
{
	static const char *const listeners[] = { "127.0.0.1:7001", "0.0.0.0:7001" };
	const struct redirect_catch catches[] = { { "192.0.2.0/24", NULL, 80, 80 } };
	struct redirect_rules rules = rules_of(catches, 1);

	installs(&rules);
	for (size_t i = 0; i < 2; i++) {
		struct wire_address own = address(listeners[i]), original;
		int listener = listen_at(listeners[i], false);
		int client = dial("127.0.0.1:7001", 0), fd = accept_soon(listener, PATIENCE);

		CU_ASSERT_TRUE(fd >= 0);
		CU_ASSERT_FALSE(redirect_original(fd, &own, &original));
		close(fd);
		close(client);
		close(listener);
	}
	removes(&rules);
}

static void leaves_marked_and_own_connections_alone(void)
{
	const struct redirect_catch catches[] = { { "192.0.2.0/24", NULL, 80, 80 } };
	struct redirect_rules rules = rules_of(catches, 1);
	int listener = listen_at("127.0.0.1:7001", false);

	installs(&rules);
	does_not_arrive(listener, "192.0.2.9:80", REDIRECT_MARK);
	arrives(listener, "127.0.0.1:7001", "192.0.2.9:80");
	rules.user = "root";
	installs(&rules);
	does_not_arrive(listener, "192.0.2.9:80", 0);
	close(listener);
	removes(&rules);
}

static void takes_only_the_sources_it_is_told(void)
{
	const struct redirect_catch catches[] = { { "192.0.2.0/24", "10.9.0.0/16", 80, 80 },
						  { "192.0.2.0/24", "10.9.1.0/24", 81, 81 },
						  { "192.0.2.0/24", "127.0.0.0/8", 82, 82 } };
	struct redirect_rules rules = rules_of(catches, 3);
	int listener = listen_at("127.0.0.1:7001", false);

	/* The route's source is 10.9.1.1. */
	installs(&rules);
	arrives(listener, "127.0.0.1:7001", "192.0.2.9:80");
	arrives(listener, "127.0.0.1:7001", "192.0.2.9:81");
	does_not_arrive(listener, "192.0.2.9:82", 0);
	close(listener);
	removes(&rules);
}

/* Prefixes and ports that overlap in all ways. */
static void takes_ten_thousand_catches(void)
{
	struct redirect_catch *catches = calloc(MANY, sizeof(*catches));
	char(*names)[24] = calloc(MANY, sizeof(*names));
	struct redirect_rules rules = rules_of(catches, MANY);
	int listener = listen_at("127.0.0.1:7001", false);
	struct text why = { 0 };

	for (int i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof(names[i]), "172.%d.%d.%d/%d", 16 + i % 8, i / 8 % 256,
			 i % 3 ? 0 : i / 2048 * 16, i % 3 ? 24 : 28);
		catches[i] =
		    (struct redirect_catch){ names[i], i % 2 ? NULL : "10.9.0.0/16",
					     (uint16_t)(i % 1000), (uint16_t)(i % 1000 + 50) };
	}
	CU_ASSERT_TRUE(redirect_rules_check(&rules, &why));
	installs(&rules);
	/* The row of 9990: 172.22.224.64/28, ports 990 to 1040, from 10.9.0.0/16. */
	arrives(listener, "127.0.0.1:7001", "172.22.224.70:1040");
	does_not_arrive(listener, "172.22.224.70:1041", 0);
	close(listener);
	removes(&rules);
	free(catches);
	free(names);
	text_free(&why);
}

static void says_what_is_wrong(void)
{
	static const struct {
		const char *table, *prefix, *user, *why;
	} cases[] = {
		{ "a b", "192.0.2.0/24", NULL, "a b: is no name of a table" },
		{ "x; flush ruleset", "192.0.2.0/24", NULL,
		  "x; flush ruleset: is no name of a table" },
		{ "epic", "192.0.2.1/24", NULL, "192.0.2.1/24: is no prefix" },
		{ "epic", "192.0.2.0/24", "no body", "no body: is no user of this machine" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct redirect_catch one = { cases[i].prefix, NULL, 1, 2 };
		struct redirect_rules rules = rules_of(&one, 1);
		struct text why = { 0 }, text = { 0 };

		rules.table = cases[i].table;
		rules.user = cases[i].user;
		CU_ASSERT_FALSE(redirect_rules_text(&rules, &text));
		UNIT_TEXT(cases[i].why, text.at);
		CU_ASSERT_FALSE(redirect_rules_install(&rules, &why));
		UNIT_TEXT(cases[i].why, why.at);
		text_free(&why);
		text_free(&text);
	}
}

/* ---- a client that this machine routes ---- */

/* Its namespace hangs on this one by a pair of devices; told by a byte each, it connects. */
static void be_the_client(int go)
{
	char which;

	if (unshare(CLONE_NEWNET) < 0 || write(go, "u", 1) != 1 || read(go, &which, 1) != 1)
		_exit(1);
	if (!shell("ip link set lo up && ip addr add 10.8.0.2/24 dev epic-c && "
		   "ip addr add fd08::2/64 dev epic-c nodad && ip link set epic-c up && "
		   "ip route add default via 10.8.0.1 && ip -6 route add default via fd08::1"))
		_exit(2);
	if (write(go, "r", 1) != 1)
		_exit(1);
	while (read(go, &which, 1) == 1) {
		int fd = dial(which == '4' ? "192.0.2.9:443" : "[2001:db8::9]:443", 0);

		if (read(go, &which, 1) != 1)
			break;
		close(fd);
	}
	_exit(0);
}

static pid_t start_client(int *go)
{
	char command[160], byte;
	int ends[2];
	pid_t pid;

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	pid = fork();
	if (!pid) {
		close(ends[0]);
		be_the_client(ends[1]);
	}
	close(ends[1]);
	*go = ends[0];
	CU_ASSERT_EQUAL_FATAL(read(*go, &byte, 1), 1);
	snprintf(command, sizeof(command), "ip link add epic-r type veth peer name epic-c netns %d",
		 (int)pid);
	CU_ASSERT_TRUE_FATAL(shell(command));
	CU_ASSERT_TRUE_FATAL(shell("ip addr add 10.8.0.1/24 dev epic-r && "
				   "ip addr add fd08::1/64 dev epic-r nodad && "
				   "ip link set epic-r up"));
	CU_ASSERT_EQUAL_FATAL(write(*go, "g", 1), 1);
	CU_ASSERT_EQUAL_FATAL(read(*go, &byte, 1), 1);
	return pid;
}

static void client_arrives(int go, char family, int listener, const char *listens, const char *to)
{
	struct wire_address own = address(listens), original;
	int fd;

	CU_ASSERT_EQUAL_FATAL(write(go, &family, 1), 1);
	fd = accept_soon(listener, PATIENCE);
	CU_ASSERT_TRUE(fd >= 0);
	CU_ASSERT_TRUE(fd >= 0 && redirect_original(fd, &own, &original));
	if (fd >= 0)
		same_address(to, &original);
	CU_ASSERT_EQUAL_FATAL(write(go, &family, 1), 1);
	close(fd);
}

static void catches_routed(bool tproxy)
{
	const struct redirect_catch catches[] = { { "192.0.2.0/24", "10.8.0.0/24", 443, 443 },
						  { "2001:db8::/32", "fd08::/64", 443, 443 } };
	struct redirect_rules rules = rules_of(catches, 2);
	int v4, v6, go;
	pid_t client = start_client(&go);

	CU_ASSERT_TRUE(shell("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 "
			     "2>/dev/null || { echo 1 > /proc/sys/net/ipv4/ip_forward; "
			     "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding; }"));
	rules.local = false;
	rules.routed = true;
	rules.tproxy = tproxy;
	v4 = listen_at("0.0.0.0:7001", tproxy);
	installs(&rules);
	installs(&rules);
	client_arrives(go, '4', v4, "0.0.0.0:7001", "192.0.2.9:443");
	close(v4);
	v6 = listen_at("[::]:7001", tproxy);
	client_arrives(go, '6', v6, "[::]:7001", "[2001:db8::9]:443");
	close(v6);
	close(go);
	CU_ASSERT_EQUAL(waitpid(client, NULL, 0), client);
	removes(&rules);
	shell("ip link del epic-r 2>/dev/null");
}

static void redirects_what_it_routes(void)
{
	catches_routed(false);
}

static void tproxies_what_it_routes(void)
{
	catches_routed(true);
}

static int skip(const char *why)
{
	printf("skipped: %s\n", why);
	return SKIP;
}

int main(void)
{
	static const struct unit units[] = {
		{ "redirects_ipv4_and_remembers", redirects_ipv4_and_remembers },
		{ "redirects_ipv6_and_remembers", redirects_ipv6_and_remembers },
		{ "tells_ipv4_through_an_ipv6_listener", tells_ipv4_through_an_ipv6_listener },
		{ "who_comes_straight_was_not_redirected", who_comes_straight_was_not_redirected },
		{ "leaves_marked_and_own_connections_alone",
		  leaves_marked_and_own_connections_alone },
		{ "takes_only_the_sources_it_is_told", takes_only_the_sources_it_is_told },
		{ "takes_ten_thousand_catches", takes_ten_thousand_catches },
		{ "says_what_is_wrong", says_what_is_wrong },
		{ "redirects_what_it_routes", redirects_what_it_routes },
		{ "tproxies_what_it_routes", tproxies_what_it_routes },
	};

	signal(SIGPIPE, SIG_IGN);
	if (!shell("command -v nft ip >/dev/null"))
		return skip("nft or ip is missing");
	if (unshare(CLONE_NEWNET) < 0)
		return skip("no network namespace may be made, which needs root");
	if (!shell("ip link set lo up && ip link add epic-out type veth peer name epic-far && "
		   "ip addr add 10.9.1.1/24 dev epic-out && "
		   "ip addr add fd09::1/64 dev epic-out nodad && "
		   "ip link set epic-out up && ip link set epic-far up && "
		   "ip route add default via 10.9.1.2 && ip -6 route add default via fd09::2"))
		return skip("no devices may be made here");
	return unit_main("redirect", units, sizeof(units) / sizeof(*units));
}
