/* Names: runtime/socks/dial.h.  In a network and an /etc of our own, with a name server that does
 * not know names that begin with `no` and is silent about all others. */
#include <config.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "runtime/socks/dial.h"
#include "tests/unit/loopback.h"

enum { MANY = 400 };

struct answer {
	struct rig *rig;
	unsigned calls, *left; /* LEFT: the loop ends when there is none */
	size_t n;
	enum outcome outcome;
	struct wire_address at[RESOLVE_MOST];
};

static void got(void *arg, const struct wire_address *at, size_t n, enum outcome outcome)
{
	struct answer *a = arg;

	a->calls++;
	a->n = n;
	a->outcome = outcome;
	memcpy(a->at, at, n * sizeof(*at));
	if (!a->left || !--*a->left)
		loop_end(a->rig->loop);
}

static struct resolve *ask(struct resolver *r, struct answer *a, const char *text)
{
	struct wire_address name = address_of(text);
	struct resolve *q = resolve_start(r, a->rig->loop, &name, got, a);

	CU_ASSERT_PTR_NOT_NULL_FATAL(q);
	return q;
}

/* Asks one name and waits. */
static struct answer answer_of(const char *text)
{
	struct resolver *r = resolver_open(2);
	struct answer a = { .outcome = N_OUTCOMES };
	struct rig rig;

	rig_open(&rig);
	a.rig = &rig;
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	ask(r, &a, text);
	CU_ASSERT_EQUAL(a.calls, 0);
	CU_ASSERT_TRUE(rig_run(&rig, PATIENCE_MS));
	CU_ASSERT_EQUAL(a.calls, 1);
	resolver_close(r);
	rig_close(&rig);
	return a;
}

static void an_address_is_its_own_answer(void)
{
	struct answer a = answer_of("192.0.2.1:80");
	struct wire_address at = address_of("192.0.2.1:80");

	CU_ASSERT_EQUAL(a.outcome, OUTCOME_OK);
	CU_ASSERT_EQUAL_FATAL(a.n, 1);
	CU_ASSERT_TRUE(wire_address_same(&a.at[0], &at));
}

static void addresses_come_with_the_port(void)
{
	struct answer a = answer_of("one.test:8080");
	struct wire_address at = address_of("127.0.0.9:8080");

	CU_ASSERT_EQUAL(a.outcome, OUTCOME_OK);
	CU_ASSERT_EQUAL_FATAL(a.n, 1);
	CU_ASSERT_TRUE(wire_address_same(&a.at[0], &at));
}

static void families_alternate(void)
{
	struct answer a = answer_of("both.test:80");

	CU_ASSERT_EQUAL(a.outcome, OUTCOME_OK);
	CU_ASSERT_EQUAL_FATAL(a.n, 5);
	for (size_t i = 1; i < 4; i++)
		CU_ASSERT_NOT_EQUAL(a.at[i].kind, a.at[i - 1].kind);
	CU_ASSERT_EQUAL(a.at[4].kind, WIRE_IPV4);
}

static void loopback_of_a_family_that_has_nothing_else_is_found(void)
{
	struct answer a = answer_of("six.test:80");
	struct wire_address at = address_of("[::1]:80");

	CU_ASSERT_EQUAL_FATAL(a.n, 1);
	CU_ASSERT_TRUE(wire_address_same(&a.at[0], &at));
}

static void many_addresses_are_cut(void)
{
	struct answer a = answer_of("many.test:80");

	CU_ASSERT_EQUAL(a.n, RESOLVE_MOST);
}

static void a_name_nobody_has_is_not_found(void)
{
	struct answer a = answer_of("nobody.test:80");

	CU_ASSERT_EQUAL(a.outcome, OUTCOME_NO_SUCH_NAME);
	CU_ASSERT_EQUAL(a.n, 0);
}

static void a_silent_name_server_leaves_a_host_that_cannot_be_reached(void)
{
	struct answer a = answer_of("silent.test:80");

	CU_ASSERT_EQUAL(a.outcome, OUTCOME_HOST_UNREACHABLE);
	CU_ASSERT_EQUAL(a.n, 0);
}

/* One is asked for, one waits, one was posted. */
static void what_is_cancelled_is_not_answered(void)
{
	struct resolver *r = resolver_open(1);
	struct answer a = { .outcome = N_OUTCOMES };
	struct resolve *known, *asked, *waits;
	struct rig rig;

	rig_open(&rig);
	a.rig = &rig;
	known = ask(r, &a, "192.0.2.1:80");
	asked = ask(r, &a, "silent.test:80");
	usleep(50000);
	waits = ask(r, &a, "one.test:80");
	resolve_cancel(waits);
	resolve_cancel(asked);
	resolve_cancel(known);
	CU_ASSERT_FALSE(rig_run(&rig, 100));
	CU_ASSERT_EQUAL(a.calls, 0);
	ask(r, &a, "one.test:80");
	CU_ASSERT_TRUE(rig_run(&rig, PATIENCE_MS));
	CU_ASSERT_EQUAL(a.calls, 1);
	resolver_close(r);
	rig_close(&rig);
}

static void nothing_is_answered_after_the_end(void)
{
	struct resolver *r = resolver_open(1);
	struct answer a = { .outcome = N_OUTCOMES };
	struct rig rig;

	rig_open(&rig);
	a.rig = &rig;
	ask(r, &a, "silent.test:80");
	usleep(50000);
	ask(r, &a, "one.test:80");
	resolver_close(r);
	CU_ASSERT_FALSE(rig_run(&rig, 1500));
	CU_ASSERT_EQUAL(a.calls, 0);
	rig_close(&rig);
}

/* Whoever asks for a name that was given up meanwhile, must not touch the loop. */
static void a_loop_may_be_closed_after_cancelling(void)
{
	struct resolver *r = resolver_open(1);
	struct answer a = { .outcome = N_OUTCOMES };
	struct rig rig, other;
	struct resolve *q;

	rig_open(&rig);
	a.rig = &rig;
	q = ask(r, &a, "silent.test:80");
	usleep(50000);
	resolve_cancel(q);
	rig_close(&rig);
	rig_open(&other);
	a.rig = &other;
	ask(r, &a, "one.test:80");
	CU_ASSERT_TRUE(rig_run(&other, PATIENCE_MS));
	CU_ASSERT_EQUAL(a.calls, 1);
	resolver_close(r);
	rig_close(&other);
}

static void a_full_queue_is_busy(void)
{
	static struct resolve *asked[RESOLVE_QUEUE + 1];
	struct resolver *r = resolver_open(1);
	struct answer a = { .outcome = N_OUTCOMES }, last = { .outcome = N_OUTCOMES };
	struct rig rig;

	rig_open(&rig);
	a.rig = last.rig = &rig;
	asked[0] = ask(r, &a, "silent.test:80");
	usleep(50000);
	for (size_t i = 1; i <= RESOLVE_QUEUE; i++)
		asked[i] = ask(r, &a, "one.test:80");
	ask(r, &last, "one.test:80");
	CU_ASSERT_TRUE(rig_run(&rig, PATIENCE_MS));
	CU_ASSERT_EQUAL(last.outcome, OUTCOME_BUSY);
	CU_ASSERT_EQUAL(a.calls, 0);
	for (size_t i = 0; i <= RESOLVE_QUEUE; i++)
		resolve_cancel(asked[i]);
	resolver_close(r);
	rig_close(&rig);
}

/* Every third one is cancelled, at whatever state it is in. */
static void threads_answer_what_is_not_cancelled(void)
{
	static struct answer answers[MANY];
	struct resolve *asked[MANY];
	struct resolver *r = resolver_open(4);
	unsigned left = 0;
	struct rig rig;

	rig_open(&rig);
	memset(answers, 0, sizeof(answers));
	for (size_t i = 0; i < MANY; i++) {
		answers[i].rig = &rig;
		answers[i].left = &left;
		left += i % 3 != 0;
		asked[i] = ask(r, &answers[i], i % 2 ? "one.test:80" : "both.test:80");
		if (i >= 30 && (i - 30) % 3 == 0)
			resolve_cancel(asked[i - 30]);
	}
	for (size_t i = MANY - 30; i < MANY; i++)
		if (i % 3 == 0)
			resolve_cancel(asked[i]);
	CU_ASSERT_TRUE(rig_run(&rig, PATIENCE_MS));
	for (size_t i = 0; i < MANY; i++)
		CU_ASSERT_EQUAL(answers[i].calls, i % 3 != 0);
	resolver_close(r);
	rig_close(&rig);
}

/* ---- the world ---- */

/* Answers with the question and "Name Error" (RFC 1035 section 4.1.1); ends on an empty datagram.
 */
static void *serve_names(void *arg)
{
	int fd = *(int *)arg;
	struct sockaddr_in from;
	uint8_t query[512];
	ssize_t n;

	do {
		socklen_t n_from = sizeof(from);

		n = recvfrom(fd, query, sizeof(query), 0, (struct sockaddr *)&from, &n_from);
		if (n <= 14 || memcmp(query + 13, "no", 2))
			continue;
		query[2] = 0x81;
		query[3] = 0x83;
		sendto(fd, query, (size_t)n, 0, (struct sockaddr *)&from, n_from);
	} while (n > 0);
	return NULL;
}

static int name_socket(struct sockaddr_in *at)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	*at = (struct sockaddr_in){ .sin_family = AF_INET,
				    .sin_port = htons(53),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (fd >= 0 && bind(fd, (struct sockaddr *)at, sizeof(*at))) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool write_hosts(void)
{
	FILE *f = fopen("/etc/hosts", "w");

	if (!f)
		return false;
	fputs("127.0.0.9 one.test\n::1 six.test\n"
	      "127.0.0.2 both.test\n127.0.0.3 both.test\n127.0.0.4 both.test\n"
	      "::1 both.test\n2001:db8::1 both.test\n",
	      f);
	for (int i = 1; i < 30; i++)
		fprintf(f, "127.0.1.%d many.test\n", i);
	return !fclose(f);
}

static bool own_etc(void)
{
	return !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	       !mount("none", "/etc", "tmpfs", 0, NULL) && write_hosts() &&
	       write_file("/etc/host.conf", "multi on\n") &&
	       write_file("/etc/nsswitch.conf", "hosts: files dns\n") &&
	       write_file("/etc/resolv.conf",
			  "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n");
}

static const struct unit units[] = {
	{ "an_address_is_its_own_answer", an_address_is_its_own_answer },
	{ "addresses_come_with_the_port", addresses_come_with_the_port },
	{ "families_alternate", families_alternate },
	{ "loopback_of_a_family_that_has_nothing_else_is_found",
	  loopback_of_a_family_that_has_nothing_else_is_found },
	{ "many_addresses_are_cut", many_addresses_are_cut },
	{ "a_name_nobody_has_is_not_found", a_name_nobody_has_is_not_found },
	{ "a_silent_name_server_leaves_a_host_that_cannot_be_reached",
	  a_silent_name_server_leaves_a_host_that_cannot_be_reached },
	{ "what_is_cancelled_is_not_answered", what_is_cancelled_is_not_answered },
	{ "nothing_is_answered_after_the_end", nothing_is_answered_after_the_end },
	{ "a_loop_may_be_closed_after_cancelling", a_loop_may_be_closed_after_cancelling },
	{ "a_full_queue_is_busy", a_full_queue_is_busy },
	{ "threads_answer_what_is_not_cancelled", threads_answer_what_is_not_cancelled },
};

int main(void)
{
	struct sockaddr_in at;
	pthread_t names;
	int fd = -1, status;

	if (!own_network(CLONE_NEWNS) || !own_etc() || (fd = name_socket(&at)) < 0) {
		puts("skipped: no network and no /etc of our own are allowed");
		return 77;
	}
	if (pthread_create(&names, NULL, serve_names, &fd))
		return 99;
	status = unit_main("resolve", units, sizeof(units) / sizeof(*units));
	sendto(fd, "", 0, 0, (struct sockaddr *)&at, sizeof(at));
	pthread_join(names, NULL);
	close(fd);
	return status;
}
