/* The real classes in a chain of a real relay: an audit log, a firewall, a program, a meter. */
#include <config.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/socks/functions/audit_log.h"
#include "runtime/socks/functions/pace.h"
#include "tests/unit/function_rig.h"
#include "tests/unit/relay_bed.h"

enum { LOG, FIREWALL, PROGRAM, METER, N_LINKS, SIZE = 400000 };

struct chain {
	struct bed bed;
	struct bed_relay relay;
	struct rig rigs[N_LINKS];
	char directory[64], log[96];
};

static void add(struct chain *c, int which, const struct function_class *class,
		const char *settings)
{
	struct function_facts facts = rig_facts("10.2.0.7:4000", "198.51.100.10:443", "study");
	void *state;

	rig_begin(&c->rigs[which], class);
	CU_ASSERT_TRUE_FATAL(rig_make(&c->rigs[which], settings));
	CU_ASSERT_TRUE_FATAL(rig_open(&c->rigs[which], &facts, &state));
	bed_stage(&c->relay, class, state);
	c->relay.start.stages[c->relay.start.n_stages - 1].function = c->rigs[which].function;
}

static void begin(struct chain *c, const char *program, const char *meter)
{
	char settings[160];

	memset(c, 0, sizeof(*c));
	strcpy(c->directory, "/tmp/epic-chain-XXXXXX");
	CU_ASSERT_TRUE_FATAL(mkdtemp(c->directory) != NULL);
	snprintf(c->log, sizeof(c->log), "%s/audit.log", c->directory);
	snprintf(settings, sizeof(settings), "{\"file\": \"%s\", \"sync\": \"each\"}", c->log);
	CU_ASSERT_TRUE_FATAL(bed_open(&c->bed));
	CU_ASSERT_TRUE_FATAL(bed_ready(&c->relay, &c->bed, BED_TCP));
	add(c, LOG, &function_audit_log, settings);
	add(c, FIREWALL, &function_firewall, "{\"most\": 1}");
	add(c, PROGRAM, &function_exec, program);
	add(c, METER, &function_rate_meter, meter);
	bed_start(&c->relay);
}

static void end(struct chain *c, enum relay_end expected)
{
	char command[96];

	CU_ASSERT_TRUE(bed_wait_over(&c->relay));
	CU_ASSERT_EQUAL(c->relay.end, expected);
	bed_done(&c->relay);
	bed_close(&c->bed);
	CU_ASSERT_EQUAL(rig_count(&c->rigs[FIREWALL], "open"), 0);
	for (int i = 0; i < N_LINKS; i++)
		rig_end(&c->rigs[i]);
	snprintf(command, sizeof(command), "rm -rf %s", c->directory);
	CU_ASSERT_EQUAL(system(command), 0);
}

struct writer {
	int fd;
	const char *bytes;
	bool good;
	pthread_t thread;
};

static void *write_all(void *arg)
{
	struct writer *w = arg;

	w->good = bed_write(w->fd, w->bytes, SIZE);
	bed_shut(w->fd);
	return NULL;
}

static void bytes_pass_the_whole_chain(void)
{
	char *sent = malloc(SIZE), *got = malloc(SIZE + 1), command[256];
	struct writer client, server;
	struct chain c;
	struct text report = { 0 };
	uint64_t since;
	bool changed = true;

	for (int i = 0; i < SIZE; i++)
		sent[i] = (char)('a' + i * 7 % 26);
	begin(&c, "{\"forward\": [\"tr\", \"a-z\", \"A-Z\"]}",
	      "{\"rate\": 16000000, \"burst\": 40000}");
	client = (struct writer){ .fd = c.relay.client, .bytes = sent };
	server = (struct writer){ .fd = c.relay.server, .bytes = sent };
	since = pace_now();
	pthread_create(&client.thread, NULL, write_all, &client);
	CU_ASSERT_EQUAL(bed_read_all(c.relay.server, got, SIZE + 1), SIZE);
	/* 360000 bytes at 2 MB/s. */
	CU_ASSERT_TRUE(pace_now() - since >= 175000000);
	for (int i = 0; i < SIZE; i++)
		changed = changed && got[i] == sent[i] - 'a' + 'A';
	CU_ASSERT_TRUE(changed);
	pthread_create(&server.thread, NULL, write_all, &server);
	CU_ASSERT_EQUAL(bed_read_all(c.relay.client, got, SIZE + 1), SIZE);
	CU_ASSERT_EQUAL(memcmp(got, sent, SIZE), 0);
	pthread_join(client.thread, NULL);
	pthread_join(server.thread, NULL);
	CU_ASSERT_TRUE(client.good && server.good);
	CU_ASSERT_TRUE(bed_wait_over(&c.relay));
	CU_ASSERT_EQUAL(rig_count(&c.rigs[METER], "bytes_forward"), SIZE);
	CU_ASSERT_EQUAL(rig_count(&c.rigs[METER], "bytes_back"), SIZE);
	/* A reload to another file ends the log of this one. */
	snprintf(command, sizeof(command), "{\"file\": \"%s/next.log\"}", c.directory);
	CU_ASSERT_TRUE(rig_reload(&c.rigs[LOG], command));
	CU_ASSERT_TRUE(audit_log_verify(c.log, &report));
	snprintf(
	    command, sizeof(command),
	    "grep '\"event\":\"close\"' %s | grep -q '\"bytes_forward\":%d,\"bytes_back\":%d,'",
	    c.log, SIZE, SIZE);
	CU_ASSERT_EQUAL(system(command), 0);
	text_free(&report);
	end(&c, RELAY_DONE);
	free(sent);
	free(got);
}

static void a_program_that_dies_ends_the_connection(void)
{
	struct chain c;
	char got[64];

	begin(&c, "{\"forward\": [\"head\", \"-c\", \"4\"]}", "{\"rate\": 16000000}");
	CU_ASSERT_TRUE(bed_write(c.relay.client, "12345678", 8));
	CU_ASSERT_TRUE(bed_wait_over(&c.relay));
	CU_ASSERT_TRUE(bed_read_all(c.relay.client, got, sizeof(got)) <= 0);
	CU_ASSERT_TRUE(strlen(c.relay.why) > 0);
	end(&c, RELAY_FUNCTION);
}

int main(void)
{
	static const struct unit units[] = {
		{ "bytes_pass_the_whole_chain", bytes_pass_the_whole_chain },
		{ "a_program_that_dies_ends_the_connection",
		  a_program_that_dies_ends_the_connection },
	};

	return unit_main("functions_relay", units, sizeof(units) / sizeof(*units));
}
