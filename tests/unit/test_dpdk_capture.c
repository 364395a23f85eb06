#include <config.h>

#include "runtime/dpdk/capture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>

#include "runtime/dpdk/packet.h"
#include "runtime/dpdk/pcap.h"
#include "runtime/dpdk/replay.h"
#include "tests/unit/packets.h"
#include "tests/unit/unit.h"

#define N(a) (sizeof(a) / sizeof(*(a)))

static char directory[] = "/tmp/epic-capture-XXXXXX", path[64];
static struct capture_error error;

static struct capture *opened(uint32_t snaplen, uint64_t limit)
{
	struct capture *c = capture_open(path, packets_pool(), snaplen, limit, &error);

	if (!c)
		puts(error.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	return c;
}

static struct capture_facts facts_of(const struct capture *c)
{
	struct capture_facts facts;

	capture_about(c, &facts);
	return facts;
}

/* N packets to ports from FIRST up. */
static void put(struct capture *c, unsigned n, uint16_t first, uint16_t size)
{
	struct rte_mbuf *packets[100];

	for (unsigned i = 0; i < n; i++)
		packets[i] =
		    packets_make(&(struct made){ .dport = (uint16_t)(first + i), .size = size });
	capture_put(c, packets, n);
	rte_pktmbuf_free_bulk(packets, n);
}

static void closed(struct capture *c)
{
	if (!capture_close(c, &error))
		CU_FAIL("the capture is closed");
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(packets_pool()), 0);
}

/* The file's bytes, malloced. */
static uint8_t *loaded(size_t *size)
{
	FILE *f = fopen(path, "rb");
	uint8_t *bytes = malloc(1 << 20);

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	*size = fread(bytes, 1, 1 << 20, f);
	fclose(f);
	return bytes;
}

static size_t files_in_directory(void)
{
	char command[128], text[32] = "";
	FILE *f;

	snprintf(command, sizeof(command), "ls -A %s | wc -l", directory);
	f = popen(command, "r");
	CU_ASSERT_PTR_NOT_NULL(fgets(text, sizeof(text), f));
	pclose(f);
	return strtoul(text, NULL, 10);
}

static void comes_back(void)
{
	struct replay_request r = { .pool = packets_pool(), .n_receive = 1, .n_send = 1 };
	struct rte_mbuf *packets[100];
	struct device_error why;
	struct capture *c = opened(0, 0);
	unsigned n = 0, more;
	void *replay;

	put(c, 70, 1000, 200);
	CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
	closed(c);
	CU_ASSERT_TRUE(replay_parse(path, &r, &why));
	r.speed = 0;
	CU_ASSERT_PTR_NOT_NULL_FATAL(replay = replay_open(&r, &why));
	while ((more = replay_ops.receive(replay, 0, 0, packets + n, 30)))
		n += more;
	CU_ASSERT_EQUAL(n, 70);
	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *same =
		    packets_make(&(struct made){ .dport = (uint16_t)(1000 + i), .size = 200 });

		CU_ASSERT_EQUAL(packets[i]->pkt_len, 200);
		CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_mtod(packets[i], void *),
				       rte_pktmbuf_mtod(same, void *), 200),
				0);
		rte_pktmbuf_free(same);
	}
	rte_pktmbuf_free_bulk(packets, n);
	replay_ops.close(replay);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(packets_pool()), 0);
	unlink(path);
	CU_ASSERT_EQUAL(files_in_directory(), 0);
}

static void snapshots_say_the_length(void)
{
	struct capture *c = opened(60, 0);
	uint32_t words[4];
	uint8_t *bytes;
	size_t size;

	put(c, 2, 1000, 1000);
	closed(c);
	bytes = loaded(&size);
	CU_ASSERT_EQUAL(size, PCAP_FILE_HEADER + 2 * (PCAP_FRAME_HEADER + 60));
	memcpy(words, bytes + PCAP_FILE_HEADER, sizeof(words));
	CU_ASSERT_EQUAL(words[2], 60);
	CU_ASSERT_EQUAL(words[3], 1000);
	CU_ASSERT_TRUE(llabs((long long)words[0] - (long long)time(NULL)) < 100);
	CU_ASSERT_TRUE(words[1] < 1000000000);
	free(bytes);
}

static void segments_are_joined(void)
{
	struct rte_mbuf *m = packets_make(&(struct made){ .size = 1500, .payload = "abc" });
	struct rte_mbuf *tail = packets_make(&(struct made){ .size = 1400 });
	struct capture *c = opened(0, 0);
	uint8_t *bytes;
	size_t size;

	rte_pktmbuf_chain(m, tail);
	capture_put(c, &m, 1);
	rte_pktmbuf_free(m);
	closed(c);
	bytes = loaded(&size);
	CU_ASSERT_EQUAL(size, PCAP_FILE_HEADER + PCAP_FRAME_HEADER + 2900);
	CU_ASSERT_EQUAL(bytes[PCAP_FILE_HEADER + PCAP_FRAME_HEADER + 1500], 2); /* a MAC */
	free(bytes);
}

static void lost_copies_are_counted(void)
{
	struct capture *c = opened(0, 0);

	for (unsigned i = 0; i < CAPTURE_RING / 64 + 2; i++)
		put(c, 64, 1000, 64);
	CU_ASSERT_EQUAL(facts_of(c).lost, 2 * 64);
	capture_poll(c);
	CU_ASSERT_EQUAL(facts_of(c).written, CAPTURE_RING);
	put(c, 1, 1000, 64);
	capture_poll(c);
	CU_ASSERT_EQUAL(facts_of(c).written, CAPTURE_RING + 1);
	CU_ASSERT_EQUAL(facts_of(c).lost, 2 * 64);
	closed(c);
}

static void without_mbufs_copies_are_lost(void)
{
	static struct rte_mbuf *all[4095];
	struct capture *c = opened(0, 0);
	unsigned n = 0;

	while (n < N(all) && (all[n] = rte_pktmbuf_alloc(packets_pool())))
		n++;
	capture_put(c, all, 10);
	CU_ASSERT_EQUAL(facts_of(c).lost, 10);
	rte_pktmbuf_free_bulk(all, n);
	closed(c);
}

static void limit_stops(void)
{
	uint64_t limit = PCAP_FILE_HEADER + 3 * (PCAP_FRAME_HEADER + 64) + 10;
	struct capture *c = opened(0, limit);
	struct capture_facts facts;
	struct stat st;

	put(c, 5, 1000, 64);
	capture_poll(c);
	put(c, 5, 1000, 64);
	facts = facts_of(c);
	CU_ASSERT_TRUE(facts.stopped);
	UNIT_TEXT("the limit of 274 bytes is reached", facts.why);
	CU_ASSERT_EQUAL(facts.written, 3);
	CU_ASSERT_EQUAL(facts.beyond, 7);
	CU_ASSERT_EQUAL(facts.lost, 0);
	closed(c);
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL((uint64_t)st.st_size, limit - 10);
}

/* The limit of the size of files stands for a full disk. */
static void full_disk_stops(void)
{
	struct capture *c = opened(0, 0);
	struct rlimit before, small;
	struct capture_facts facts;
	struct pcap pcap;
	struct pcap_error why;
	uint8_t *bytes;
	size_t size;

	put(c, 3, 1000, 64);
	capture_poll(c);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	small = (struct rlimit){ 400, before.rlim_max };
	setrlimit(RLIMIT_FSIZE, &small);
	put(c, 5, 1000, 64);
	capture_poll(c);
	put(c, 2, 1000, 64);
	setrlimit(RLIMIT_FSIZE, &before);
	facts = facts_of(c);
	CU_ASSERT_TRUE(facts.stopped);
	UNIT_TEXT("writing: File too large", facts.why);
	CU_ASSERT_EQUAL(facts.written, 3);
	CU_ASSERT_EQUAL(facts.lost, 7);
	CU_ASSERT_FALSE(capture_close(c, &error));
	CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "writing: File too large"));
	bytes = loaded(&size);
	CU_ASSERT_TRUE_FATAL(pcap_read(bytes, size, &pcap, &why));
	CU_ASSERT_EQUAL(pcap.n, 3);
	CU_ASSERT_FALSE(pcap.cut);
	pcap_free(&pcap);
	free(bytes);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(packets_pool()), 0);
}

static void refused(const char *to, const char *why)
{
	CU_ASSERT_PTR_NULL(capture_open(to, packets_pool(), 0, 0, &error));
	UNIT_TEXT(why, error.text);
}

static void other_paths_refused(void)
{
	char link[80], why[200];

	refused("/dev/null", "/dev/null exists and is no plain file");
	refused("/tmp", "/tmp exists and is no plain file");
	refused("/nowhere/x.pcap", "/nowhere/x.pcap: No such file or directory");
	snprintf(link, sizeof(link), "%s/link", directory);
	snprintf(why, sizeof(why), "%s exists and is no plain file", link);
	CU_ASSERT_EQUAL(symlink("/etc/passwd", link), 0);
	refused(link, why);
	unlink(link);
	CU_ASSERT_TRUE(capture_close(NULL, &error));
}

static void old_file_is_replaced_at_the_end(void)
{
	struct capture *c;
	uint8_t *bytes;
	size_t size;
	FILE *f;

	unlink(path);
	f = fopen(path, "wb");
	fputs("old", f);
	fclose(f);
	c = opened(0, 0);
	put(c, 1, 1000, 64);
	capture_poll(c);
	bytes = loaded(&size);
	CU_ASSERT_EQUAL(size, 3);
	free(bytes);
	CU_ASSERT_EQUAL(files_in_directory(), 2);
	closed(c);
	bytes = loaded(&size);
	CU_ASSERT_EQUAL(size, PCAP_FILE_HEADER + PCAP_FRAME_HEADER + 64);
	free(bytes);
	CU_ASSERT_EQUAL(files_in_directory(), 1);
}

static const struct unit units[] = {
	{ "what_was_captured_is_replayed", comes_back },
	{ "a_snapshot_says_how_long_its_packet_was", snapshots_say_the_length },
	{ "segments_are_joined_in_the_file", segments_are_joined },
	{ "copies_beyond_the_ring_are_lost_and_counted", lost_copies_are_counted },
	{ "without_mbufs_copies_are_lost_and_packets_are_not", without_mbufs_copies_are_lost },
	{ "the_limit_ends_the_file_behind_a_whole_frame", limit_stops },
	{ "a_full_disk_stops_the_capture_and_keeps_what_is_whole", full_disk_stops },
	{ "what_is_no_plain_file_is_not_written_to", other_paths_refused },
	{ "an_older_file_stays_until_the_capture_is_closed", old_file_is_replaced_at_the_end },
};

int main(void)
{
	int status;

	packets_start("epic-test-capture");
	if (!mkdtemp(directory))
		return 1;
	snprintf(path, sizeof(path), "%s/x.pcap", directory);
	status = unit_main("dpdk capture", units, N(units));
	unlink(path);
	rmdir(directory);
	return status;
}
