#include <config.h>

#include "runtime/dpdk/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_cycles.h>

#include "runtime/dpdk/packet.h"
#include "runtime/dpdk/pcap.h"
#include "tests/unit/packets.h"
#include "tests/unit/unit.h"

#define N(a) (sizeof(a) / sizeof(*(a)))

/* ---- files, made byte by byte ---- */

enum { MICRO = 0xa1b2c3d4u, NANO = 0xa1b23c4du };

struct file {
	uint8_t bytes[40000];
	size_t n;
	bool big; /* byte order */
};

static void put32(struct file *f, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		f->bytes[f->n++] = (uint8_t)(v >> (f->big ? 24 - 8 * i : 8 * i));
}

static void put16(struct file *f, uint16_t v)
{
	f->bytes[f->n++] = (uint8_t)(f->big ? v >> 8 : v);
	f->bytes[f->n++] = (uint8_t)(f->big ? v : v >> 8);
}

static void put_head(struct file *f, uint32_t magic, uint32_t link)
{
	f->n = 0;
	put32(f, magic);
	put16(f, 2);
	put16(f, 4);
	put32(f, 0);
	put32(f, 0);
	put32(f, 65535);
	put32(f, link);
}

/* A UDP frame over IPv4 to port DPORT, or its first CAPTURED bytes. */
static void put_frame(struct file *f, uint32_t seconds, uint32_t fraction, uint32_t captured,
		      uint16_t dport)
{
	struct rte_mbuf *m = packets_make(&(struct made){ .dport = dport, .size = 100 });

	put32(f, seconds);
	put32(f, fraction);
	put32(f, captured);
	put32(f, captured < 100 ? 100 : captured);
	memset(f->bytes + f->n, 0, captured);
	memcpy(f->bytes + f->n, rte_pktmbuf_mtod(m, void *), captured < 100 ? captured : 100);
	f->n += captured;
	rte_pktmbuf_free(m);
}

static char path[] = "/tmp/epic-replay-XXXXXX";

static void store(const struct file *f)
{
	FILE *out = fopen(path, "wb");

	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	fwrite(f->bytes, f->n, 1, out);
	fclose(out);
}

/* ---- replays ---- */

static struct device_error error;

static struct replay_request request_of(const char *options, unsigned n_receive)
{
	struct replay_request r = {
		.pool = packets_pool(), .device = 2, .n_receive = n_receive, .n_send = 1
	};
	char text[300];

	snprintf(text, sizeof(text), "%s%s", path, options);
	if (!replay_parse(text, &r, &error))
		CU_FAIL_FATAL("the options are fine");
	return r;
}

static void *opened(const char *options, unsigned n_receive)
{
	struct replay_request r = request_of(options, n_receive);
	void *state = replay_open(&r, &error);

	if (!state)
		puts(error.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(state);
	return state;
}

/* What comes by NOW: destination ports, ended by 0. */
static void comes(void *state, unsigned queue, uint64_t now, const uint16_t *dports)
{
	struct rte_mbuf *packets[BURST];
	unsigned n = replay_ops.receive(state, queue, now, packets, BURST);

	for (unsigned i = 0; i < n; i++) {
		CU_ASSERT_EQUAL_FATAL(packet_of(packets[i])->dport, dports[i]);
		CU_ASSERT_EQUAL(packet_of(packets[i])->device, 2);
		CU_ASSERT_EQUAL(packet_of(packets[i])->arrived, now);
	}
	CU_ASSERT_EQUAL(dports[n], 0);
	rte_pktmbuf_free_bulk(packets, n);
}

static void closed(void *state)
{
	replay_ops.close(state);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(packets_pool()), 0);
}

static uint64_t received(const void *state)
{
	struct device_counts counts;

	replay_ops.counts(state, &counts);
	return counts.received;
}

static void all_forms(void)
{
	static const struct {
		uint32_t magic;
		bool big;
		uint32_t ms; /* fractions in one millisecond */
	} forms[] = { { MICRO, false, 1000 },
		      { MICRO, true, 1000 },
		      { NANO, false, 1000000 },
		      { NANO, true, 1000000 } };
	uint64_t ms = rte_get_tsc_hz() / 1000;

	for (size_t i = 0; i < N(forms); i++) {
		struct file f = { .big = forms[i].big };
		void *state;

		put_head(&f, forms[i].magic, 1);
		put_frame(&f, 1000, 5 * forms[i].ms, 100, 11);
		put_frame(&f, 1000, 6 * forms[i].ms, 100, 12);
		put_frame(&f, 1001, 5 * forms[i].ms, 100, 13);
		store(&f);
		state = opened("", 1);
		comes(state, 0, 77, (uint16_t[]){ 11, 0 });
		comes(state, 0, 77 + ms * 99 / 100, (uint16_t[]){ 0 });
		comes(state, 0, 77 + ms * 101 / 100, (uint16_t[]){ 12, 0 });
		comes(state, 0, 77 + ms * 999, (uint16_t[]){ 0 });
		CU_ASSERT_FALSE(replay_ops.is_done(state));
		comes(state, 0, 77 + ms * 1001, (uint16_t[]){ 13, 0 });
		CU_ASSERT_TRUE(replay_ops.is_done(state));
		CU_ASSERT_EQUAL(received(state), 3);
		closed(state);
	}
}

static void store_three(void)
{
	struct file f = { .big = false };

	put_head(&f, MICRO, 1);
	put_frame(&f, 10, 0, 100, 11);
	put_frame(&f, 10, 1000, 100, 12);
	put_frame(&f, 10, 2000, 100, 13);
	store(&f);
}

static void speeds(void)
{
	uint64_t ms = rte_get_tsc_hz() / 1000;
	void *state;

	store_three();
	state = opened(",speed=10", 1);
	comes(state, 0, 0, (uint16_t[]){ 11, 0 });
	comes(state, 0, ms * 11 / 100, (uint16_t[]){ 12, 0 });
	comes(state, 0, ms * 19 / 100, (uint16_t[]){ 0 });
	comes(state, 0, ms, (uint16_t[]){ 13, 0 });
	closed(state);
	state = opened(",speed=max", 1);
	comes(state, 0, 0, (uint16_t[]){ 11, 12, 13, 0 });
	CU_ASSERT_TRUE(replay_ops.is_done(state));
	comes(state, 0, 0, (uint16_t[]){ 0 });
	closed(state);
}

/* Frames are 1 ms apart, and so are the last of one time through and the first of the next. */
static void loops(void)
{
	uint64_t ms = rte_get_tsc_hz() / 1000;
	void *state;

	store_three();
	state = opened(",loop=2", 1);
	comes(state, 0, 0, (uint16_t[]){ 11, 0 });
	comes(state, 0, ms * 29 / 10, (uint16_t[]){ 12, 13, 0 });
	comes(state, 0, ms * 31 / 10, (uint16_t[]){ 11, 0 });
	CU_ASSERT_FALSE(replay_ops.is_done(state));
	comes(state, 0, ms * 6, (uint16_t[]){ 12, 13, 0 });
	CU_ASSERT_TRUE(replay_ops.is_done(state));
	closed(state);
	state = opened(",loop=0,speed=max", 1);
	for (unsigned i = 0; i < 100; i++) {
		struct rte_mbuf *packets[BURST];

		CU_ASSERT_EQUAL_FATAL(replay_ops.receive(state, 0, 0, packets, BURST), BURST);
		rte_pktmbuf_free_bulk(packets, BURST);
	}
	CU_ASSERT_FALSE(replay_ops.is_done(state));
	closed(state);
}

/* Both directions of eight flows, over two queues. */
static void flows_keep_their_queue(void)
{
	struct file f = { .big = false };
	struct rte_mbuf *packets[BURST];
	unsigned n[2];
	uint32_t seen[2] = { 0 };
	void *state;

	put_head(&f, MICRO, 1);
	for (uint16_t i = 0; i < 16; i++) {
		struct made there = { .sport = (uint16_t)(5000 + i / 2), .dport = 80, .size = 100 };
		struct made back = { .src = "10.0.0.2",
				     .dst = "10.0.0.1",
				     .sport = 80,
				     .dport = (uint16_t)(5000 + i / 2),
				     .size = 100 };
		struct rte_mbuf *m = packets_make(i % 2 ? &back : &there);

		put_frame(&f, 10, 0, 100, 1);
		memcpy(f.bytes + f.n - 100, rte_pktmbuf_mtod(m, void *), 100);
		rte_pktmbuf_free(m);
	}
	store(&f);
	state = opened(",speed=max", 2);
	for (unsigned q = 0; q < 2; q++) {
		n[q] = replay_ops.receive(state, q, 0, packets, BURST);
		for (unsigned i = 0; i < n[q]; i++) {
			const struct packet *p = packet_of(packets[i]);

			seen[q] |= 1u << ((p->dport == 80 ? p->sport : p->dport) - 5000);
		}
		rte_pktmbuf_free_bulk(packets, n[q]);
		CU_ASSERT_TRUE(n[q] > 0);
	}
	CU_ASSERT_EQUAL(n[0] + n[1], 16);
	CU_ASSERT_EQUAL(seen[0] & seen[1], 0);
	CU_ASSERT_EQUAL(seen[0] | seen[1], 0xff);
	CU_ASSERT_TRUE(replay_ops.is_done(state));
	closed(state);
}

/* The clock was set back by a second after the second frame. */
static void clocks_set_back(void)
{
	uint64_t hz = rte_get_tsc_hz();
	struct file f = { .big = false };
	struct pcap_error why;
	struct pcap pcap;
	void *state;

	put_head(&f, MICRO, 1);
	put_frame(&f, 10, 0, 100, 11);
	put_frame(&f, 12, 0, 100, 12);
	put_frame(&f, 11, 0, 100, 13);
	put_frame(&f, 14, 0, 100, 14);
	CU_ASSERT_TRUE_FATAL(pcap_read(f.bytes, f.n, &pcap, &why));
	CU_ASSERT_EQUAL(pcap.frames[1].ns, 2000000000);
	CU_ASSERT_EQUAL(pcap.frames[2].ns, 2000000000);
	CU_ASSERT_EQUAL(pcap.frames[3].ns, 4000000000);
	pcap_free(&pcap);
	store(&f);
	state = opened(",loop=2", 1);
	comes(state, 0, 0, (uint16_t[]){ 11, 0 });
	comes(state, 0, hz * 39 / 10, (uint16_t[]){ 12, 13, 0 });
	comes(state, 0, hz * 41 / 10, (uint16_t[]){ 14, 0 });
	closed(state);
}

/* ---- files that are not as they should be ---- */

static struct replay_facts facts_of(const struct file *f)
{
	struct replay_facts facts;
	void *state;

	store(f);
	state = opened(",speed=max", 1);
	replay_about(state, &facts);
	comes(state, 0, 0, (uint16_t[]){ 11, 12, 0 });
	closed(state);
	return facts;
}

static void odd_frames(void)
{
	struct file f = { .big = false };
	struct replay_facts facts;

	put_head(&f, MICRO, 1);
	put_frame(&f, 10, 0, 100, 11);
	put_frame(&f, 10, 0, 0, 1);    /* of no bytes */
	put_frame(&f, 10, 0, 9019, 1); /* too long */
	put_frame(&f, 10, 0, 9018, 1); /* no mbuf holds it */
	put_frame(&f, 9, 0, 100, 12);  /* recorded before the others */
	facts = facts_of(&f);
	CU_ASSERT_EQUAL(facts.frames, 2);
	CU_ASSERT_EQUAL(facts.empty, 1);
	CU_ASSERT_EQUAL(facts.too_long, 2);
	CU_ASSERT_FALSE(facts.cut);
}

static void cut_files(void)
{
	struct file f = { .big = false };
	size_t whole;

	put_head(&f, MICRO, 1);
	put_frame(&f, 10, 0, 100, 11);
	put_frame(&f, 10, 0, 100, 12);
	whole = f.n;
	CU_ASSERT_FALSE(facts_of(&f).cut);
	put_frame(&f, 10, 0, 100, 13);
	for (f.n--; f.n > whole; f.n--)
		CU_ASSERT_TRUE_FATAL(facts_of(&f).cut);
}

static void lying_lengths(void)
{
	static const uint32_t lies[] = { 101, 262145, 0x7fffffff, 0xffffffff };

	for (size_t i = 0; i < N(lies); i++) {
		struct file f = { .big = false };
		size_t at;

		put_head(&f, MICRO, 1);
		put_frame(&f, 10, 0, 100, 11);
		put_frame(&f, 10, 0, 100, 12);
		at = f.n + 8;
		put_frame(&f, 10, 0, 100, 13);
		memcpy(f.bytes + at, &lies[i], sizeof(lies[i]));
		CU_ASSERT_TRUE(facts_of(&f).cut);
	}
}

/* With the link type it is said that each frame ends with 4 bytes of check sequence. */
static void check_sequences(void)
{
	struct file f = { .big = false };
	struct rte_mbuf *packets[BURST];
	void *state;

	put_head(&f, MICRO, 1u | 1u << 26 | 2u << 28);
	put_frame(&f, 10, 0, 100, 11);
	store(&f);
	state = opened("", 1);
	CU_ASSERT_EQUAL_FATAL(replay_ops.receive(state, 0, 0, packets, BURST), 1);
	CU_ASSERT_EQUAL(packets[0]->pkt_len, 96);
	rte_pktmbuf_free(packets[0]);
	closed(state);
}

static void refused(const struct file *f, const char *why)
{
	struct replay_request r = request_of("", 1);
	char expected[300];

	store(f);
	CU_ASSERT_PTR_NULL(replay_open(&r, &error));
	snprintf(expected, sizeof(expected), "%s%s", path, why);
	UNIT_TEXT(expected, error.text);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(packets_pool()), 0);
}

static void other_files_refused(void)
{
	struct file f = { .big = false };

	refused(&f, ": it is no pcap file");
	put_head(&f, 0x0a0d0d0a, 1);
	refused(&f, ": it is a pcapng file; convert it: editcap -F nsecpcap IN OUT");
	put_head(&f, 0x12345678, 1);
	refused(&f, ": it is no pcap file");
	put_head(&f, NANO, 113);
	refused(&f, ": its link type is 113; only Ethernet (1) can be replayed");
	put_head(&f, NANO, 1);
	f.n--;
	refused(&f, ": it ends within its header");
	f.n++;
	refused(&f, " holds no frame that could be replayed");
}

static void no_files_refused(void)
{
	struct replay_request r = { .pool = packets_pool(), .n_receive = 1, .n_send = 1 };

	CU_ASSERT_TRUE(replay_parse("/dev/zero", &r, &error));
	CU_ASSERT_PTR_NULL(replay_open(&r, &error));
	UNIT_TEXT("/dev/zero is no file", error.text);
}

static void options_refused(void)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "`replay:` wants a file" },
		{ ",speed=1", "`replay:` wants a file" },
		{ "x,speed=0", "'speed=0': a speed is `max` or 0.001 ... 1000000" },
		{ "x,speed=nan", "'speed=nan': a speed is `max` or 0.001 ... 1000000" },
		{ "x,speed=", "'speed=': a speed is `max` or 0.001 ... 1000000" },
		{ "x,loop=-1", "'loop=-1': a number of times is due" },
		{ "x,loop=99999999999999999999", "'loop=99999999999999999999': a number of times "
						 "is due" },
		{ "x,", "'' is no option of a replay; there are speed and loop" },
		{ "x,fast", "'fast' is no option of a replay; there are speed and loop" },
	};
	struct replay_request r;

	for (size_t i = 0; i < N(cases); i++) {
		CU_ASSERT_FALSE(replay_parse(cases[i].text, &r, &error));
		UNIT_TEXT(cases[i].why, error.text);
	}
}

static void without_mbufs_frames_wait(void)
{
	static struct rte_mbuf *all[4095];
	unsigned n = 0;
	void *state;

	store_three();
	state = opened(",speed=max", 1);
	while (n < N(all) && (all[n] = rte_pktmbuf_alloc(packets_pool())))
		n++;
	comes(state, 0, 0, (uint16_t[]){ 0 });
	rte_pktmbuf_free_bulk(all, n);
	comes(state, 0, 0, (uint16_t[]){ 11, 12, 13, 0 });
	closed(state);
}

static const struct unit units[] = {
	{ "both_byte_orders_and_units_are_replayed_in_time", all_forms },
	{ "a_speed_shortens_the_times", speeds },
	{ "a_file_is_replayed_as_often_as_asked", loops },
	{ "a_clock_set_back_holds_up_nothing", clocks_set_back },
	{ "both_directions_of_a_flow_come_by_one_queue", flows_keep_their_queue },
	{ "frames_that_cannot_be_packets_are_passed_over_and_counted", odd_frames },
	{ "a_file_cut_anywhere_is_replayed_up_to_there", cut_files },
	{ "lengths_that_lie_end_the_file", lying_lengths },
	{ "check_sequences_are_taken_off", check_sequences },
	{ "files_of_other_forms_are_refused", other_files_refused },
	{ "what_is_no_file_is_refused", no_files_refused },
	{ "options_that_are_none_are_refused", options_refused },
	{ "without_mbufs_frames_wait", without_mbufs_frames_wait },
};

int main(void)
{
	int status;

	packets_start("epic-test-replay");
	close(mkstemp(path));
	status = unit_main("dpdk replay", units, N(units));
	unlink(path);
	return status;
}
