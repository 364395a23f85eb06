/* The audit log: what it writes, that it goes on after a crash, and that no line of it can be
 * changed unnoticed: runtime/socks/functions/audit_*.c. */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "runtime/socks/functions/audit_chain.h"
#include "runtime/socks/functions/audit_log.h"
#include "tests/unit/function_rig.h"

enum { THREADS = 4, ROUNDS = 200, ROOM = 1 << 20 };

struct box {
	struct rig rig;
	char directory[64], file[96], settings[256];
};

/* MORE: further settings, beginning with a comma. */
static void box_open(struct box *b, const char *more)
{
	strcpy(b->directory, "/tmp/epic-audit-XXXXXX");
	CU_ASSERT_TRUE_FATAL(mkdtemp(b->directory) != NULL);
	snprintf(b->file, sizeof(b->file), "%s/audit.log", b->directory);
	snprintf(b->settings, sizeof(b->settings), "{\"file\": \"%s\"%s}", b->file, more);
	rig_begin(&b->rig, &function_audit_log);
	CU_ASSERT_TRUE_FATAL(rig_make(&b->rig, b->settings));
}

/* The recorder ends, the file stays. */
static void box_stop(struct box *b)
{
	function_audit_log.release(b->rig.function);
	b->rig.function = NULL;
}

static void box_close(struct box *b)
{
	char command[128];

	rig_end(&b->rig);
	snprintf(command, sizeof(command), "rm -rf %s", b->directory);
	CU_ASSERT_EQUAL(system(command), 0);
}

static void rest(void)
{
	nanosleep(&(struct timespec){ 0, 2000000 }, NULL);
}

/* Opens a connection and waits until it may move bytes. */
static void *records(struct box *b, const char *source)
{
	struct function_facts facts = rig_facts(source, "198.51.100.10:443", "study");
	uint32_t retry_ms;
	void *state;

	CU_ASSERT_TRUE_FATAL(rig_open(&b->rig, &facts, &state));
	while (!function_audit_log.admit(b->rig.function, state, WAY_FORWARD, 100, &retry_ms))
		rest();
	return state;
}

static void passes(struct box *b, const char *source)
{
	rig_close(&b->rig, records(b, source), 120, 4096);
}

static bool verifies(const struct box *b, const char *expected)
{
	struct text report = { 0 };
	bool ok = audit_log_verify(b->file, &report);

	CU_ASSERT_TRUE(report.at && strstr(report.at, expected));
	if (!report.at || !strstr(report.at, expected))
		fprintf(stderr, "expected: %s\n  actual: %s\n", expected, report.at);
	text_free(&report);
	return ok;
}

static size_t load(const char *path, char *out)
{
	FILE *f = fopen(path, "rb");
	size_t n = f ? fread(out, 1, ROOM - 1, f) : 0;

	CU_ASSERT_TRUE_FATAL(f != NULL);
	fclose(f);
	out[n] = '\0';
	return n;
}

static void save(const char *path, const char *bytes, size_t n)
{
	FILE *f = fopen(path, "wb");

	CU_ASSERT_TRUE_FATAL(f && fwrite(bytes, 1, n, f) == n);
	fclose(f);
}

static char *line_of(char *bytes, int number)
{
	while (--number)
		bytes = strchr(bytes, '\n') + 1;
	return bytes;
}

static size_t length_of(const char *line)
{
	return strcspn(line, "\n") + 1;
}

/* ---- what it writes ---- */

static void writes_who_sent_what_to_whom(void)
{
	char *bytes = malloc(ROOM);
	struct box b;
	const char *line;
	struct tree_error error;
	struct tree *t;
	int64_t value;
	const char *text;

	box_open(&b, "");
	passes(&b, "10.2.0.7:4000");
	box_stop(&b);
	load(b.file, bytes);
	CU_ASSERT_TRUE(strstr(line_of(bytes, 1), "\"event\":\"begin\"") != NULL);
	CU_ASSERT_TRUE(strstr(line_of(bytes, 4), "\"event\":\"end\"") != NULL);
	line = line_of(bytes, 3);
	t = tree_read(line, length_of(line), &error);
	CU_ASSERT_TRUE_FATAL(t != NULL);
	CU_ASSERT_TRUE(tree_text(tree_root(t), "event", &text, &error));
	UNIT_TEXT("close", text);
	CU_ASSERT_TRUE(tree_text(tree_root(t), "source", &text, &error));
	UNIT_TEXT("10.2.0.7:4000", text);
	CU_ASSERT_TRUE(tree_text(tree_root(t), "destination", &text, &error));
	UNIT_TEXT("198.51.100.10:443", text);
	CU_ASSERT_TRUE(tree_text(tree_root(t), "application", &text, &error));
	UNIT_TEXT("study", text);
	CU_ASSERT_TRUE(tree_text(tree_root(t), "proxy", &text, &error));
	UNIT_TEXT("gate", text);
	CU_ASSERT_TRUE(tree_integer(tree_root(t), "bytes_back", 4096, 4096, &value, &error));
	CU_ASSERT_TRUE(tree_integer(tree_root(t), "seq", 3, 3, &value, &error));
	CU_ASSERT_TRUE(tree_integer(tree_root(t), "line", 12, 12, &value, &error));
	tree_free(t);
	CU_ASSERT_TRUE(verifies(&b, "4 lines in 1 file, 1 connections: whole\n"));
	box_close(&b);
	free(bytes);
}

static void settings_are_refused_by_their_path(void)
{
	rig_refuses(&function_audit_log, "{\"file\": \"\"}", "file is empty");
	rig_refuses(&function_audit_log, "{\"sync\": \"now\"}",
		    "sync is none of each, second, none");
	rig_refuses(&function_audit_log, "{\"fiel\": \"x\"}", "fiel is unknown");
	rig_refuses(&function_audit_log, "{\"file\": \"/dev/null\"}",
		    "/dev/null: Invalid argument");
	rig_refuses(&function_audit_log, "{\"file\": \"/no/where/audit.log\"}",
		    "/no/where/audit.log: No such file or directory");
}

/* ---- what is found ---- */

static void a_changed_byte_is_found_wherever_it_is(void)
{
	char *good = malloc(ROOM), *bad = malloc(ROOM);
	struct text report = { 0 };
	struct box b;
	size_t n, missed = 0;

	box_open(&b, "");
	passes(&b, "10.2.0.7:4000");
	passes(&b, "10.2.0.8:4000");
	box_stop(&b);
	n = load(b.file, good);
	for (size_t i = 0; i < n; i++) {
		memcpy(bad, good, n);
		bad[i] ^= 1 << i % 7;
		save(b.file, bad, n);
		missed += audit_log_verify(b.file, &report);
		text_free(&report);
	}
	CU_ASSERT_EQUAL(missed, 0);
	save(b.file, good, n);
	CU_ASSERT_TRUE(verifies(&b, "whole\n"));
	memcpy(strstr(line_of(good, 4), "10.2.0.8"), "10.2.0.9", 8);
	save(b.file, good, n);
	CU_ASSERT_FALSE(verifies(&b, "audit.log: line 4 was changed: its hash is "));
	box_close(&b);
	free(good);
	free(bad);
}

/* Also where its hash was made anew. */
static void a_changed_line_with_a_hash_of_its_own_is_found_behind_it(void)
{
	char *bytes = malloc(ROOM), *line;
	struct box b;
	struct audit_line l;
	size_t n;

	box_open(&b, "");
	passes(&b, "10.2.0.7:4000");
	box_stop(&b);
	n = load(b.file, bytes);
	line = line_of(bytes, 2);
	memcpy(strstr(line, "10.2.0.7"), "10.2.0.9", 8);
	CU_ASSERT_TRUE(audit_line_read(line, length_of(line) - 1, &l));
	audit_sha256(line, l.n_hashed, l.hash);
	memcpy(line + l.n_hashed + strlen(",\"hash\":\""), l.hash, AUDIT_HEX);
	save(b.file, bytes, n);
	CU_ASSERT_FALSE(verifies(&b, "line 3 does not follow the one before it"));
	box_close(&b);
	free(bytes);
}

static void removed_swapped_and_cut_lines_are_found(void)
{
	char *good = malloc(ROOM), *bad = malloc(ROOM), *second, *third;
	size_t n, n_second, n_third;
	struct box b;

	box_open(&b, "");
	passes(&b, "10.2.0.7:4000");
	passes(&b, "10.2.0.8:4000");
	box_stop(&b);
	n = load(b.file, good);
	second = line_of(good, 2);
	third = line_of(good, 3);
	n_second = length_of(second);
	n_third = length_of(third);

	memcpy(bad, good, (size_t)(second - good));
	memcpy(bad + (second - good), third, n - (size_t)(third - good));
	save(b.file, bad, n - n_second);
	CU_ASSERT_FALSE(verifies(&b, "line 2 has number 3: 1 before it is missing\n"));

	memcpy(bad, good, n);
	memcpy(bad + (second - good), third, n_third);
	memcpy(bad + (second - good) + n_third, second, n_second);
	save(b.file, bad, n);
	CU_ASSERT_FALSE(verifies(&b, "line 3 has number 2 and stands behind 3: it was moved"));

	save(b.file, good, (size_t)(line_of(good, 5) - good));
	CU_ASSERT_FALSE(verifies(&b, "line 4 is the last; 2 behind it are missing\n"));
	save(b.file, good, n - 10);
	CU_ASSERT_FALSE(verifies(&b, "line 6 is cut, or no line of an audit log\n"));
	save(b.file, good, 0);
	CU_ASSERT_FALSE(verifies(&b, "missing\n"));
	box_close(&b);
	free(good);
	free(bad);
}

/* ---- going on ---- */

static void goes_on_after_a_restart_and_a_reload(void)
{
	struct box b;
	struct rig second;

	box_open(&b, "");
	passes(&b, "10.2.0.7:4000");
	box_stop(&b);
	CU_ASSERT_TRUE_FATAL(rig_make(&b.rig, b.settings));
	passes(&b, "10.2.0.7:4001");
	CU_ASSERT_TRUE(rig_reload(&b.rig, b.settings));
	passes(&b, "10.2.0.7:4002");

	rig_begin(&second, &function_audit_log);
	CU_ASSERT_FALSE(rig_make(&second, b.settings));
	CU_ASSERT_TRUE(strstr(second.error.text, "it is written by another") != NULL);
	rig_end(&second);
	box_stop(&b);
	CU_ASSERT_TRUE(verifies(&b, "10 lines in 1 file, 3 connections: whole\n"));
	box_close(&b);
}

static void a_line_cut_by_a_crash_is_noted_and_nothing_is_lost(void)
{
	char *bytes = malloc(ROOM), head[128];
	size_t n;
	struct box b;

	for (size_t cut = 1; cut < 300; cut += 23) {
		box_open(&b, "");
		passes(&b, "10.2.0.7:4000");
		passes(&b, "10.2.0.7:4001");
		box_stop(&b);
		n = load(b.file, bytes);
		/* Without `end`, which comes behind a sync. */
		n = (size_t)(line_of(bytes, 6) - bytes) - cut;
		CU_ASSERT_EQUAL(truncate(b.file, (off_t)n), 0);
		snprintf(head, sizeof(head), "%s.head", b.file);
		unlink(head);
		CU_ASSERT_TRUE_FATAL(rig_make(&b.rig, b.settings));
		passes(&b, "10.2.0.7:4002");
		box_stop(&b);
		CU_ASSERT_TRUE(verifies(&b, "whole\n"));
		CU_ASSERT_TRUE(load(b.file, bytes) > n);
		CU_ASSERT_TRUE(strstr(bytes, "\"event\":\"repair\"") != NULL);
		box_close(&b);
	}
	free(bytes);
}

static void a_broken_chain_is_not_continued(void)
{
	char *bytes = malloc(ROOM);
	struct box b;
	size_t n;

	box_open(&b, "");
	passes(&b, "10.2.0.7:4000");
	box_stop(&b);
	n = load(b.file, bytes);
	strstr(bytes, "10.2.0.7")[0] = '9';
	save(b.file, bytes, n);
	CU_ASSERT_FALSE(rig_make(&b.rig, b.settings));
	CU_ASSERT_TRUE(strstr(b.rig.error.text, "audit.log: line 2 was changed") != NULL);
	strstr(bytes, "90.2.0.7")[0] = '1';
	save(b.file, bytes, (size_t)(line_of(bytes, 3) - bytes));
	CU_ASSERT_FALSE(rig_make(&b.rig, b.settings));
	UNIT_TEXT("audit.log: line 2 is the last; 2 behind it are missing", b.rig.error.text);
	unlink(b.file);
	CU_ASSERT_FALSE(rig_make(&b.rig, b.settings));
	CU_ASSERT_TRUE(strstr(b.rig.error.text, "its lines are missing") != NULL);
	box_close(&b);
	free(bytes);
}

static void parts_are_one_chain(void)
{
	char part[256];
	struct box b;

	box_open(&b, ", \"rotate_bytes\": 3000");
	for (int i = 0; i < 20; i++)
		passes(&b, "10.2.0.7:4000");
	box_stop(&b);
	CU_ASSERT_TRUE(verifies(&b, " files, 20 connections: whole\n"));
	CU_ASSERT_TRUE_FATAL(rig_make(&b.rig, b.settings));
	for (int i = 0; i < 20; i++)
		passes(&b, "10.2.0.7:4000");
	box_stop(&b);
	CU_ASSERT_TRUE(verifies(&b, " files, 40 connections: whole\n"));
	snprintf(part, sizeof(part),
		 "f=$(ls %s/audit.log.0* | sed -n 2p); sed -i 's/10.2.0.7/10.2.0.8/' $f",
		 b.directory);
	CU_ASSERT_EQUAL(system(part), 0);
	CU_ASSERT_FALSE(verifies(&b, " was changed: "));
	snprintf(part, sizeof(part), "rm $(ls %s/audit.log.0* | sed -n 2p)", b.directory);
	CU_ASSERT_EQUAL(system(part), 0);
	CU_ASSERT_FALSE(verifies(&b, "No such file or directory\n"));
	box_close(&b);
}

/* A crash between the renaming of a part and the first line of the next. */
static void a_part_that_was_just_renamed_is_gone_on_from(void)
{
	char command[300];
	struct box b;

	box_open(&b, "");
	passes(&b, "10.2.0.7:4000");
	box_stop(&b);
	snprintf(command, sizeof(command), "mv %s %s.000000000004", b.file, b.file);
	CU_ASSERT_EQUAL(system(command), 0);
	CU_ASSERT_TRUE_FATAL(rig_make(&b.rig, b.settings));
	passes(&b, "10.2.0.7:4001");
	box_stop(&b);
	CU_ASSERT_TRUE(verifies(&b, "8 lines in 2 files, 2 connections: whole\n"));
	box_close(&b);
}

/* ---- keys ---- */

static void with_a_key_a_new_chain_cannot_be_made(void)
{
	char key[128], other[128], settings[512];
	struct text report = { 0 };
	struct box b;

	box_open(&b, "");
	box_stop(&b);
	snprintf(key, sizeof(key), "%s/key", b.directory);
	snprintf(other, sizeof(other), "%s/other", b.directory);
	save(key, "0123456789abcdef\n", 17);
	save(other, "0123456789abcdeF\n", 17);
	snprintf(settings, sizeof(settings), "{\"file\": \"%s.k\", \"key_file\": \"%s\"}", b.file,
		 key);
	CU_ASSERT_TRUE_FATAL(rig_make(&b.rig, settings));
	passes(&b, "10.2.0.7:4000");
	strcat(b.file, ".k");
	unlink(key);
	CU_ASSERT_TRUE(rig_reload(&b.rig, settings));
	save(key, "0123456789abcdef\n", 17);
	snprintf(settings, sizeof(settings), "{\"file\": \"%s\"}", b.file);
	CU_ASSERT_FALSE(rig_reload(&b.rig, settings));
	UNIT_TEXT("key_file is another: a file has one key", b.rig.error.text);
	box_stop(&b);
	CU_ASSERT_TRUE(audit_log_verify_key(b.file, key, &report));
	CU_ASSERT_TRUE(verifies(&b, "4 authentication codes were not checked\n"));
	CU_ASSERT_FALSE(audit_log_verify_key(b.file, other, &report));
	CU_ASSERT_TRUE(strstr(report.at, "line 1 was not written with this key\n") != NULL);
	text_free(&report);
	snprintf(settings, sizeof(settings), "{\"file\": \"%s\"}", b.file);
	CU_ASSERT_FALSE(rig_make(&b.rig, settings));
	CU_ASSERT_TRUE(strstr(b.rig.error.text, "key_file is missing") != NULL);
	snprintf(settings, sizeof(settings), "{\"file\": \"%s\", \"key_file\": \"%s\"}", b.file,
		 other);
	CU_ASSERT_FALSE(rig_make(&b.rig, settings));
	CU_ASSERT_TRUE(strstr(b.rig.error.text, "was not written with this key") != NULL);
	box_close(&b);
}

/* ---- no record, no transfer ---- */

/* A limit on the size of files stands for a disk that is full. */
static void while_the_disk_is_full_connections_are_refused(void)
{
	struct rlimit before, full;
	struct function_facts facts = rig_facts("10.2.0.7:4000", "198.51.100.10:443", "study");
	struct box b;
	struct stat st;
	uint32_t retry_ms;
	void *first, *second, *state;
	int refused = 0;

	getrlimit(RLIMIT_FSIZE, &before);
	box_open(&b, "");
	first = records(&b, "10.2.0.7:4000");
	CU_ASSERT_EQUAL(stat(b.file, &st), 0);
	full = (struct rlimit){ (rlim_t)st.st_size + 100, before.rlim_max };
	setrlimit(RLIMIT_FSIZE, &full);
	/* The one that meets the full disk opens, but moves nothing. */
	CU_ASSERT_TRUE_FATAL(rig_open(&b.rig, &facts, &second));
	for (int i = 0; i < 1000 && !refused; i++) {
		CU_ASSERT_EQUAL(
		    function_audit_log.admit(b.rig.function, second, WAY_FORWARD, 1, &retry_ms), 0);
		rest();
		refused = !rig_open(&b.rig, &facts, &state);
		if (!refused)
			rig_close(&b.rig, state, 0, 0);
	}
	CU_ASSERT_TRUE(refused);
	UNIT_TEXT("the audit log cannot be written", b.rig.why);
	rig_close(&b.rig, first, 1, 2);
	setrlimit(RLIMIT_FSIZE, &before);
	while (!function_audit_log.admit(b.rig.function, second, WAY_FORWARD, 1, &retry_ms))
		rest();
	rig_close(&b.rig, second, 3, 4);
	passes(&b, "10.2.0.7:4001");
	CU_ASSERT_EQUAL(rig_count(&b.rig, "refused"), 1);
	box_stop(&b);
	CU_ASSERT_TRUE(verifies(&b, "whole\n"));
	snprintf(b.settings, sizeof(b.settings),
		 "grep -q '\"event\":\"refused\",\"connections\":1,' %s", b.file);
	CU_ASSERT_EQUAL(system(b.settings), 0);
	box_close(&b);
}

static void *hammer(void *arg)
{
	struct box *b = arg;
	struct rig rig = b->rig; /* a `why` of its own */
	struct function_facts facts = { .function = "f",
					.application = "study",
					.from = "a",
					.to = "b",
					.file = "x.epi",
					.protocol = IPPROTO_TCP,
					.source = { .kind = WIRE_IPV4 },
					.destination = { .kind = WIRE_IPV4 } };
	void *state;

	for (int i = 0; i < ROUNDS; i++)
		if (rig_open(&rig, &facts, &state))
			rig_close(&rig, state, 1, 2);
	return NULL;
}

static void threads_share_a_log(void)
{
	static const char *const syncs[] = { ", \"sync\": \"each\"",
					     ", \"sync\": \"none\", \"rotate_bytes\": 100000" };

	for (size_t i = 0; i < 2; i++) {
		pthread_t threads[THREADS];
		struct box b;

		box_open(&b, syncs[i]);
		for (int t = 0; t < THREADS; t++)
			pthread_create(&threads[t], NULL, hammer, &b);
		for (int t = 0; t < 5; t++)
			CU_ASSERT_TRUE(verifies(&b, ": whole\n"));
		for (int t = 0; t < THREADS; t++)
			pthread_join(threads[t], NULL);
		box_stop(&b);
		CU_ASSERT_TRUE(verifies(&b, ", 800 connections: whole\n"));
		box_close(&b);
	}
}

int main(void)
{
	static const struct unit units[] = {
		{ "writes_who_sent_what_to_whom", writes_who_sent_what_to_whom },
		{ "settings_are_refused_by_their_path", settings_are_refused_by_their_path },
		{ "a_changed_byte_is_found_wherever_it_is",
		  a_changed_byte_is_found_wherever_it_is },
		{ "a_changed_line_with_a_hash_of_its_own_is_found_behind_it",
		  a_changed_line_with_a_hash_of_its_own_is_found_behind_it },
		{ "removed_swapped_and_cut_lines_are_found",
		  removed_swapped_and_cut_lines_are_found },
		{ "goes_on_after_a_restart_and_a_reload", goes_on_after_a_restart_and_a_reload },
		{ "a_line_cut_by_a_crash_is_noted_and_nothing_is_lost",
		  a_line_cut_by_a_crash_is_noted_and_nothing_is_lost },
		{ "a_broken_chain_is_not_continued", a_broken_chain_is_not_continued },
		{ "parts_are_one_chain", parts_are_one_chain },
		{ "a_part_that_was_just_renamed_is_gone_on_from",
		  a_part_that_was_just_renamed_is_gone_on_from },
		{ "with_a_key_a_new_chain_cannot_be_made", with_a_key_a_new_chain_cannot_be_made },
		{ "while_the_disk_is_full_connections_are_refused",
		  while_the_disk_is_full_connections_are_refused },
		{ "threads_share_a_log", threads_share_a_log },
	};

	signal(SIGXFSZ, SIG_IGN);
	return unit_main("functions_audit", units, sizeof(units) / sizeof(*units));
}
