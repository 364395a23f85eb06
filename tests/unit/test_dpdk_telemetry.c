#include <config.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <rte_eal.h>

#include "runtime/core/json_read.h"
#include "runtime/dpdk/telemetry.h"
#include "tests/unit/made_stats.h"
#include "tests/unit/unit.h"

enum { REPLY = 16384 };

static struct stats *snapshot(void *arg)
{
	++*(int *)arg;
	return made_stats(2);
}

/* The telemetry socket of this process's EAL, with its greeting read. */
static int dial(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval patience = { 20, 0 };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	char greeting[1024];

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/dpdk_telemetry.v2",
		 rte_eal_get_runtime_dir());
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	CU_ASSERT_EQUAL_FATAL(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	CU_ASSERT_TRUE_FATAL(recv(fd, greeting, sizeof(greeting), 0) > 0);
	return fd;
}

static void replies(const char *request, const char *expected)
{
	static char reply[REPLY + 1];
	int fd = dial();
	ssize_t n;

	CU_ASSERT_EQUAL(send(fd, request, strlen(request), 0), (ssize_t)strlen(request));
	n = recv(fd, reply, REPLY, 0);
	reply[n > 0 ? n : 0] = '\0';
	UNIT_TEXT(expected, reply);
	close(fd);
}

static void lists_give_names_and_rows(void)
{
	int calls = 0;

	CU_ASSERT_TRUE_FATAL(telemetry_register(snapshot, &calls));
	replies(
	    "/epic/info",
	    "{\"/epic/info\":{\"plan\":\"site.plan\",\"target\":\"edge.box\",\"pipeline\":"
	    "\"edge.fast\",\"slo\":\"\",\"milliseconds\":2000,\"hz\":2000000000,\"reloads\":1,"
	    "\"paused\":0,\"workers\":2,\"tasks\":12,\"modules\":5,\"classes\":4,\"devices\":3}}");
	replies("/epic/workers", "{\"/epic/workers\":[\"0\",\"1\"]}");
	replies("/epic/workers,1",
		"{\"/epic/workers\":{\"index\":1,\"core\":3,\"copy\":1,\"cycles\":4000000000,"
		"\"busy\":1000000000,\"load_millionths\":250000}}");
	replies(
	    "/epic/tasks",
	    "{\"/epic/tasks\":[\"t11\",\"t10/1\",\"t9\",\"t8/1\",\"t7\",\"t6/1\",\"t5\",\"t4/1\","
	    "\"t3\",\"t2/1\",\"t1\",\"t0/1\"]}");
	replies("/epic/tasks,t10/1",
		"{\"/epic/tasks\":{\"id\":\"t10\",\"root\":\"edge.firewall_of_a_rather_long_name\","
		"\"early\":\"web\",\"worker\":1,\"copy\":1,\"weight_millionths\":0,\"priority\":-1,"
		"\"runs\":200,\"packets\":4000,\"cycles\":32000000,\"queued\":0,\"overflown\":0}}");
	replies(
	    "/epic/queues,t9",
	    "{\"/epic/queues\":{\"task\":\"t9\",\"queued\":128,\"capacity\":1024,\"enqueued\":6000,"
	    "\"overflown\":4}}");
	replies("/epic/devices", "{\"/epic/devices\":[\"lan\",\"wan\",\"trace\"]}");
	replies(
	    "/epic/devices,wan",
	    "{\"/epic/devices\":{\"name\":\"wan\",\"kind\":\"net_af_packet\",\"received\":10000,"
	    "\"sent\":8000,\"missed\":2,\"refused\":4}}");
	replies("/epic/drops",
		"{\"/epic/drops\":{\"exit\":60,\"unrouted\":120,\"queue\":180,\"refused\":240,"
		"\"malformed\":300,\"full\":360,\"expired\":420,\"merged\":480,\"memory\":540,"
		"\"sent\":600}}");
	replies("/epic/shares",
		"{\"/epic/shares\":{\"0\":{\"class\":\"edge.\\\"bulk\\\\mail\\\"\","
		"\"share_millionths\":100000,\"plan_millionths\":100000,\"sent_pps\":900000,"
		"\"plan_pps\":1000000},\"1\":{\"class\":\"web\",\"share_millionths\":200000,"
		"\"plan_millionths\":200000,\"sent_pps\":1800000,\"plan_pps\":1000000},\"2\":{"
		"\"class\":\"rest\",\"share_millionths\":300000,\"plan_millionths\":0,"
		"\"sent_pps\":2700000,\"plan_pps\":0},\"3\":{\"class\":\"undecided\","
		"\"share_millionths\":400000,\"plan_millionths\":0,\"sent_pps\":3600000,"
		"\"plan_pps\":0}}}");
	replies(
	    "/epic/shares,web",
	    "{\"/epic/shares\":{\"class\":\"web\",\"share_millionths\":200000,\"plan_millionths\":"
	    "200000,\"sent_pps\":1800000,\"plan_pps\":1000000}}");
	CU_ASSERT_EQUAL(calls, 11);
	telemetry_register(NULL, NULL);
}

static void tasks_without_queue_have_no_queue(void)
{
	int calls = 0;

	CU_ASSERT_TRUE(telemetry_register(snapshot, &calls));
	replies(
	    "/epic/queues",
	    "{\"/epic/queues\":[\"t9\",\"t8/1\",\"t7\",\"t6/1\",\"t5\",\"t4/1\",\"t3\",\"t2/1\","
	    "\"t1\",\"t0/1\"]}");
	replies("/epic/queues,t11", "{\"/epic/queues\":null}");
	replies("/epic/classes,nobody", "{\"/epic/classes\":null}");
	telemetry_register(NULL, NULL);
}

static void a_class_tells_its_latency(void)
{
	int calls = 0;

	CU_ASSERT_TRUE(telemetry_register(snapshot, &calls));
	replies("/epic/classes,web",
		"{\"/epic/"
		"classes\":{\"name\":\"web\",\"received\":4000000,\"received_bytes\":256000000,"
		"\"copied\":6,\"entered\":8,\"left\":10,\"sent\":3600000,\"sent_bytes\":230400000,"
		"\"queued\":11,\"held\":1,\"overflown\":60,\"cycles\":400000000,\"latency_p50_ns\":"
		"999424,"
		"\"latency_p99_ns\":1998848,\"latency_max_ns\":1998848}}");
	replies(
	    "/epic/drops,rest",
	    "{\"/epic/drops\":{\"exit\":0,\"unrouted\":0,\"queue\":0,\"refused\":0,\"malformed\":0,"
	    "\"full\":0,\"expired\":0,\"merged\":0,\"memory\":0,\"sent\":0}}");
	telemetry_register(NULL, NULL);
}

static struct stats *many_classes(void *arg)
{
	static const char name[] = "a.class.with.a.name.of.one.hundred.and.thirty.two.letters."
				   "which.is.more.than.a.reply.has.room.for.so.that.its.middle.is."
				   "left.out..x";
	struct stats *s = calloc(1, sizeof(*s));

	s->n_classes = *(size_t *)arg;
	s->classes = calloc(s->n_classes, sizeof(*s->classes));
	for (size_t i = 0; i < s->n_classes; i++) {
		s->classes[i].name = name;
		s->classes[i].cycles = 1e18;
		s->classes[i].rate_pps = 1e18;
		s->classes[i].sent = INT64_MAX;
	}
	s->seconds = 1;
	s->plan = s->target = s->pipeline = name;
	return s;
}

/* The reply must be whole, as JSON, however many rows there are. */
static void fits(const char *request, size_t n_classes, size_t least)
{
	static char reply[2 * 65536];
	struct tree_error error = { "" };
	struct tree *tree;
	int fd;
	ssize_t n;

	CU_ASSERT_TRUE(telemetry_register(many_classes, &n_classes));
	fd = dial();
	CU_ASSERT_TRUE(send(fd, request, strlen(request), 0) > 0);
	n = recv(fd, reply, sizeof(reply), 0);
	close(fd);
	tree = n > 0 ? tree_read(reply, (size_t)n, &error) : NULL;
	UNIT_TEXT("", error.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(tree);
	CU_ASSERT_TRUE(tree_root(tree)->items[0].n_items >= least);
	tree_free(tree);
	telemetry_register(NULL, NULL);
}

static void replies_of_many_rows_stay_whole(void)
{
	fits("/epic/shares", 4, 4);
	fits("/epic/shares", 40, 40);
	fits("/epic/shares", 41, 41);
	fits("/epic/classes", 60, 60);
	fits("/epic/classes", 2000, 100);
}

static void what_is_unregistered_is_not_called(void)
{
	int calls = 0;

	CU_ASSERT_TRUE(telemetry_register(snapshot, &calls));
	CU_ASSERT_TRUE(telemetry_register(NULL, NULL));
	replies("/epic/info", "{\"/epic/info\":null}");
	CU_ASSERT_EQUAL(calls, 0);
}

static const struct unit units[] = {
	{ "lists_give_names_and_rows", lists_give_names_and_rows },
	{ "tasks_without_queue_have_no_queue", tasks_without_queue_have_no_queue },
	{ "a_class_tells_its_latency", a_class_tells_its_latency },
	{ "replies_of_many_rows_stay_whole", replies_of_many_rows_stay_whole },
	{ "what_is_unregistered_is_not_called", what_is_unregistered_is_not_called },
};

/* With telemetry, which the fixture of the packets leaves out. */
static bool start_eal(void)
{
	const char *arguments[] = { "telemetry", "--no-huge",   "-m",   "64",
				    "--no-pci",  "--lcores",    "0",    "--file-prefix",
				    "",          "--log-level", "error" };
	enum { N = sizeof(arguments) / sizeof(*arguments) };
	char *argv[N], *copies[N], prefix[40];
	bool ok;

	snprintf(prefix, sizeof(prefix), "epictel%ld", (long)getpid());
	arguments[8] = prefix;
	for (size_t i = 0; i < N; i++)
		argv[i] = copies[i] = strdup(arguments[i]);
	ok = rte_eal_init(N, argv) >= 0;
	for (size_t i = 0; i < N; i++)
		free(copies[i]); /* the EAL has changed argv */
	return ok;
}

/* The EAL leaves its files behind. */
static void remove_folder(const char *folder)
{
	DIR *d = opendir(folder);
	struct dirent *entry;
	char path[512];

	while (d && (entry = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		unlink(path);
	}
	if (d)
		closedir(d);
	rmdir(folder);
}

int main(void)
{
	char folder[256];
	int code;

	if (!start_eal()) {
		fputs("the EAL does not start here\n", stderr);
		return 77;
	}
	code = unit_main("dpdk telemetry", units, sizeof(units) / sizeof(*units));
	snprintf(folder, sizeof(folder), "%s", rte_eal_get_runtime_dir());
	rte_eal_cleanup();
	remove_folder(folder);
	return code;
}
