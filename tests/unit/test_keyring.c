/* Keys of `seal` in files and over the broker's protocol: runtime/socks/functions/{keyring,
 * key_files,key_lines,key_store}.h. */
#include <config.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "runtime/socks/functions/key_files.h"
#include "runtime/socks/functions/key_lines.h"
#include "runtime/socks/functions/key_store.h"
#include "runtime/socks/functions/keyring.h"
#include "tests/prop/seal_pair.h"
#include "tests/unit/unit.h"

static void pause_ms(long ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static struct keyring *ring_open(const char *dir, struct keyring *was, struct function_error *error)
{
	static const struct log log = { .fd = -1, .most = LOG_LEVEL_ERROR };
	static const struct function_site site = { .log = &log, .proxy = "hub.px" };
	struct tree_error problem;
	struct keyring *made;
	char text[256];
	struct tree *tree;

	error->text[0] = '\0';
	snprintf(text, sizeof(text), "{\"keys\": \"%s\"}", dir);
	tree = tree_read(text, strlen(text), &problem);
	made = keyring_open(&site, "std.bridges.seal", tree_root(tree), was, error);
	tree_free(tree);
	return made;
}

static bool comes_to_seal(struct keyring *k, int64_t id)
{
	for (int i = 0; i < 500 && keyring_sealing(k) != id; i++)
		pause_ms(10);
	return keyring_sealing(k) == id;
}

/* ---- text ---- */

static void reads_times_of_the_calendar_only(void)
{
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = {
		{ "2026-11-21T12:00:00Z", 1795262400000 },
		{ "2026-11-21T12:00:00.250Z", 1795262400250 },
		{ "2024-02-29T23:59:59Z", 1709251199000 },
		{ "2026-02-29T12:00:00Z", -1 },
		{ "2026-11-21T24:00:00Z", -1 },
		{ "2026-13-21T12:00:00Z", -1 },
		{ "2026-11-21 12:00:00Z", -1 },
		{ "2026-11-21T12:00:00", -1 },
		{ "2026-11-21T12:00:00+01:00", -1 },
		{ "2026-11-2xT12:00:00Z", -1 },
		{ "", -1 },
	};
	char again[KEY_TIME_ROOM];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int64_t ms = -1;

		CU_ASSERT_EQUAL(key_time_read(rows[i].text, strlen(rows[i].text), &ms),
				rows[i].ms >= 0);
		CU_ASSERT_EQUAL(ms, rows[i].ms);
		if (ms < 0)
			continue;
		key_time_write(ms, again);
		UNIT_TEXT(rows[i].text, again);
	}
}

static void reads_all_hexadecimal_digits_and_no_others(void)
{
	char text[65], again[KEY_HEX_ROOM];
	uint8_t bytes[KEY_BYTES];

	for (int c = 0; c < 256; c++) {
		bool digit = c && strchr("0123456789abcdefABCDEF", c);

		memset(text, '0', 64);
		text[63] = (char)c;
		CU_ASSERT_EQUAL(key_hex_read(text, 64, bytes), digit);
		text[64] = '\0';
		if (digit)
			CU_ASSERT_EQUAL(bytes[31], strtol(text + 63, NULL, 16));
	}
	for (int i = 0; i < KEY_BYTES; i++)
		bytes[i] = (uint8_t)(i * 9);
	key_hex_write(bytes, again);
	CU_ASSERT_EQUAL(strncmp(again, "0009121b242d363f48", 18), 0);
	CU_ASSERT_FALSE(key_hex_read(again, 63, bytes));
}

/* ---- files ---- */

static void read_refuses(const char *dir, const char *why)
{
	struct key_set set;
	struct key_error error = { "" };
	char expected[300];

	CU_ASSERT_FALSE(key_files_read(dir, &set, &error));
	CU_ASSERT_EQUAL(set.n, 0);
	snprintf(expected, sizeof(expected), "%s%s", dir, why);
	UNIT_TEXT(expected, error.text);
}

static void refuses_bad_files_and_says_which(void)
{
	static const struct {
		const char *name, *text;
		unsigned mode;
		const char *why;
	} rows[] = {
		{ "7.key", NULL, 0644,
		  "/7.key: mode 0644 lets others read the key; chmod 0600 it" },
		{ "7.key", NULL, 0640,
		  "/7.key: mode 0640 lets others read the key; chmod 0600 it" },
		{ "7.key", NULL, 0620, "/7.key: mode 0620 is not 0600 or stricter" },
		{ "7.key", NULL, 0700, "/7.key: mode 0700 is not 0600 or stricter" },
		{ "7.key", "", 0600,
		  "/7.key: the first line is not a key of 64 hexadecimal digits" },
		{ "7.key", "abc\n", 0600,
		  "/7.key: the first line is not a key of 64 hexadecimal digits" },
		{ "x.key", NULL, 0600,
		  "/x.key: a key's name is a decimal number of 32 bits and .key" },
		{ "07.key", NULL, 0600,
		  "/07.key: a key's name is a decimal number of 32 bits and .key" },
		{ "4294967296.key", NULL, 0600,
		  "/4294967296.key: a key's name is a decimal number of 32 bits and .key" },
	};
	char dir[PAIR_DIR], path[128], hex[65];

	pair_dir_make(dir);
	pair_key_hex(7, hex);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		pair_put(dir, rows[i].name, rows[i].text ? rows[i].text : hex, rows[i].mode);
		read_refuses(dir, rows[i].why);
		snprintf(path, sizeof(path), "%s/%s", dir, rows[i].name);
		unlink(path);
	}
	pair_dir_remove(dir);
}

static void refuses_bad_begins_links_and_open_directories(void)
{
	char dir[PAIR_DIR], path[128];
	struct key_error error;
	struct key_set set;

	pair_dir_make(dir);
	pair_put_key(dir, 7, "tomorrow");
	read_refuses(dir, "/7.key: behind the key may only stand one line `from "
			  "2026-11-21T12:00:00Z`");
	pair_put_key(dir, 7, "2026-11-21T12:00:00Z");
	pair_put(dir, "7.from", "2026-11-21T12:00:00Z\n", 0644);
	read_refuses(dir, "/7.from: the key's own file says already when it begins");
	pair_put_key(dir, 7, NULL);
	CU_ASSERT_TRUE(key_files_read(dir, &set, &error));
	CU_ASSERT_EQUAL(set.keys[0].from, 1795262400000);
	pair_put(dir, "7.from", "soon", 0644);
	read_refuses(dir, "/7.from: is not one time like 2026-11-21T12:00:00Z");
	pair_put(dir, "7.from", "2026-11-21T12:00:00Z\n", 0666);
	read_refuses(dir, "/7.from: mode 0666 is not 0600 or stricter");
	snprintf(path, sizeof(path), "%s/7.from", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/8.key", dir);
	CU_ASSERT_EQUAL(symlink("7.key", path), 0);
	read_refuses(dir, "/8.key: is a symbolic link");
	unlink(path);
	chmod(dir, 0770);
	read_refuses(dir, ": mode 0770 lets others put keys there; chmod go-w it");
	chmod(dir, 0700);
	CU_ASSERT_TRUE(key_files_read(dir, &set, &error));
	CU_ASSERT_EQUAL(set.n, 1);
	key_set_wipe(&set);
	pair_dir_remove(dir);
}

static void writes_keys_that_it_reads(void)
{
	struct shared_key key = { .id = 4294967295U, .from = 1795262400250 };
	struct key_error error = { "" };
	char dir[PAIR_DIR], path[128];
	struct key_set set;
	struct stat st;

	for (int i = 0; i < KEY_BYTES; i++)
		key.bytes[i] = (uint8_t)(255 - i);
	pair_dir_make(dir);
	CU_ASSERT_TRUE(key_files_write(dir, &key, &error));
	snprintf(path, sizeof(path), "%s/4294967295.key", dir);
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
	CU_ASSERT_TRUE(key_files_read(dir, &set, &error));
	CU_ASSERT_EQUAL(set.n, 1);
	CU_ASSERT_EQUAL(memcmp(set.keys, &key, sizeof(key)), 0);
	CU_ASSERT_TRUE(key_files_remove(dir, key.id, &error));
	CU_ASSERT_TRUE(key_files_read(dir, &set, &error));
	CU_ASSERT_EQUAL(set.n, 0);
	pair_dir_remove(dir);
}

/* ---- the keyring ---- */

static void refuses_a_directory_without_keys(void)
{
	struct function_error error;
	char dir[PAIR_DIR], expected[200];

	pair_dir_make(dir);
	CU_ASSERT_PTR_NULL(ring_open(dir, NULL, &error));
	snprintf(expected, sizeof(expected),
		 "%s: there is no key; `openssl rand -hex 32` makes one for 1.key", dir);
	UNIT_TEXT(expected, error.text);
	pair_put_key(dir, 1, NULL);
	pair_put(dir, "2.key", "no key", 0644);
	CU_ASSERT_PTR_NULL(ring_open(dir, NULL, &error));
	CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "2.key: mode 0644"));
	pair_dir_remove(dir);
}

static void the_newest_that_has_begun_seals(void)
{
	char dir[PAIR_DIR], soon[KEY_TIME_ROOM];
	struct function_error error;
	struct shared_key key;
	struct keyring *k;
	int64_t begins;

	pair_dir_make(dir);
	pair_put_key(dir, 9, NULL);
	pair_put_key(dir, 3, "2026-01-01T00:00:00Z");
	pair_put_key(dir, 2, "2999-01-01T00:00:00Z");
	k = ring_open(dir, NULL, &error);
	UNIT_TEXT("", error.text);
	CU_ASSERT_EQUAL(keyring_sealing(k), 3);
	CU_ASSERT_TRUE(keyring_find(k, 2, &key)); /* every key unseals */
	CU_ASSERT_TRUE(keyring_find(k, 9, &key));
	CU_ASSERT_FALSE(keyring_find(k, 4, &key));
	begins = key_now() + 1500;
	key_time_write(begins, soon);
	pair_put_key(dir, 5, soon);
	CU_ASSERT_TRUE(comes_to_seal(k, 5));
	CU_ASSERT_TRUE(key_now() >= begins);
	keyring_drop(k);
	pair_dir_remove(dir);
}

static void keeps_its_keys_while_files_are_bad(void)
{
	struct function_error error;
	struct text status = { 0 };
	char dir[PAIR_DIR], hex[65];
	struct keyring *k;

	pair_dir_make(dir);
	pair_put_key(dir, 1, NULL);
	k = ring_open(dir, NULL, &error);
	pair_key_hex(2, hex);
	pair_put(dir, "2.key", hex, 0644);
	for (int i = 0; i < 500; i++) {
		text_free(&status);
		keyring_status(k, &status);
		if (strstr(status.at, "mode 0644"))
			break;
		pause_ms(10);
	}
	CU_ASSERT_PTR_NOT_NULL(strstr(status.at, "2.key: mode 0644 lets others read the key"));
	CU_ASSERT_PTR_NULL(strstr(status.at, hex));
	CU_ASSERT_EQUAL(keyring_sealing(k), 1);
	pair_put_key(dir, 2, NULL);
	CU_ASSERT_TRUE(comes_to_seal(k, 2));
	text_free(&status);
	keyring_drop(k);
	pair_dir_remove(dir);
}

static void goes_on_over_a_reload(void)
{
	char dir[PAIR_DIR], other[PAIR_DIR];
	struct function_error error;
	struct keyring *k, *same, *another;

	pair_dir_make(dir);
	pair_dir_make(other);
	pair_put_key(dir, 1, NULL);
	pair_put_key(other, 2, NULL);
	k = ring_open(dir, NULL, &error);
	same = ring_open(dir, k, &error);
	another = ring_open(other, k, &error);
	CU_ASSERT_PTR_EQUAL(same, k);
	CU_ASSERT_PTR_NOT_EQUAL(another, k);
	keyring_drop(k);
	CU_ASSERT_EQUAL(keyring_sealing(same), 1);
	CU_ASSERT_EQUAL(keyring_sealing(another), 2);
	keyring_drop(same);
	keyring_drop(another);
	pair_dir_remove(dir);
	pair_dir_remove(other);
}

/* Threads look keys up, and wait, while the directory changes. */
struct crowd {
	struct keyring *k;
	atomic_bool over;
	atomic_int found;
};

static void *look_up(void *arg)
{
	struct crowd *c = arg;
	struct keyring_wait wait = { 0 };
	struct shared_key key;

	while (!c->over) {
		c->found += keyring_current(c->k, &key);
		c->found += keyring_find(c->k, (uint32_t)keyring_sealing(c->k), &key);
		keyring_wait(c->k, &wait, NULL, 3);
		keyring_wait_end(c->k, &wait);
		pause_ms(1);
	}
	return NULL;
}

static void threads_share_it(void)
{
	struct function_error error;
	pthread_t threads[3];
	char dir[PAIR_DIR];
	struct crowd c = { 0 };

	pair_dir_make(dir);
	pair_put_key(dir, 1, NULL);
	c.k = ring_open(dir, NULL, &error);
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, look_up, &c);
	for (unsigned id = 2; id < 6; id++) {
		pair_put_key(dir, id, NULL);
		CU_ASSERT_TRUE(comes_to_seal(c.k, id));
	}
	c.over = true;
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	CU_ASSERT_TRUE(c.found > 10);
	keyring_drop(c.k);
	pair_dir_remove(dir);
}

/* ---- the protocol ---- */

static struct key_set some_keys(size_t n)
{
	struct key_set set = { 0 };
	struct key_error error;

	for (size_t i = 0; i < n; i++) {
		struct shared_key key = { .id = (uint32_t)(UINT32_MAX - i),
					  .from = (int64_t)(n - i) * 1000 };

		memset(key.bytes, (int)i, KEY_BYTES);
		CU_ASSERT_TRUE(key_set_add(&set, &key, &error));
	}
	return set;
}

static void answers_are_read_as_they_were_written_in_any_cut(void)
{
	char answer[KEY_ANSWER_ROOM];
	struct key_error error;

	for (size_t n = 0; n <= KEYS_MOST; n += n < 3 ? 1 : 61) {
		struct key_set set = some_keys(n), got;
		size_t size = key_answer_write(&set, 5000, answer);
		int64_t refresh = 0;

		CU_ASSERT_TRUE(size < KEY_ANSWER_ROOM);
		for (size_t part = 0; part < size; part++) {
			CU_ASSERT_EQUAL(key_answer_read(answer, part, &got, &refresh, &error),
					KEY_ANSWER_MORE);
			CU_ASSERT_EQUAL(got.n, 0);
		}
		CU_ASSERT_EQUAL(key_answer_read(answer, size, &got, &refresh, &error),
				KEY_ANSWER_DONE);
		CU_ASSERT_EQUAL(refresh, 5000);
		CU_ASSERT_TRUE(key_set_same(&set, &got));
	}
}

static void answers_of_another_form_are_refused(void)
{
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
	static const char *const rows[][2] = {
		{ "HTTP/1.1 200 OK\r\n\r\n", "what answers is no key broker of version 1" },
		{ "epic-keys 2 ok 0 5000\nend\n", "what answers is no key broker of version 1" },
		{ "epic-keys 1 ok 65 5000\n", "the broker's first line is wrong" },
		{ "epic-keys 1 ok -1 5000\n", "the broker's first line is wrong" },
		{ "epic-keys 1 ok 0 0\n", "the broker's first line is wrong" },
		{ "epic-keys 1 ok 0 5000 6\n", "the broker's first line is wrong" },
		{ "epic-keys 1 ok 0  5000\n", "the broker's first line is wrong" },
		{ "epic-keys 1 ok 1 5000\nkey 1 0 " ZEROS "\nkey 2 0 " ZEROS "\nend\n",
		  "the broker's keys do not end in order" },
		{ "epic-keys 1 ok 0 5000\nend\nx", "the broker's keys do not end in order" },
		{ "epic-keys 1 ok 1 5000\nkey 1 0 00\n", "the broker sent a line that is no key" },
		{ "epic-keys 1 ok 1 5000\nkey 01 0 " ZEROS "\n",
		  "the broker sent a line that is no key" },
		{ "epic-keys 1 ok 1 5000\nkey 1 99999999999999999999 " ZEROS "\n",
		  "the broker sent a line that is no key" },
		{ "epic-keys 1 ok 2 5000\nkey 1 0 " ZEROS "\nkey 1 5 " ZEROS "\nend\n",
		  "key 1 is there twice" },
		{ "epic-keys 1 error go away\033[2J\n", "the broker refuses: go away?[2J" },
		{ "epic-keys 1 ok " ZEROS ZEROS ZEROS, "the broker sent a line that is too long" },
	};
	struct key_error error;
	struct key_set set;
	int64_t refresh;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		CU_ASSERT_EQUAL(
		    key_answer_read(rows[i][0], strlen(rows[i][0]), &set, &refresh, &error),
		    KEY_ANSWER_BAD);
		UNIT_TEXT(rows[i][1], error.text);
		CU_ASSERT_EQUAL(set.n, 0);
	}
	CU_ASSERT_EQUAL(key_request_read("epic-keys 1 g", 13), KEY_ANSWER_MORE);
	CU_ASSERT_EQUAL(key_request_read(KEY_REQUEST, strlen(KEY_REQUEST)), KEY_ANSWER_DONE);
	CU_ASSERT_EQUAL(key_request_read("epic-keys 1 put\n", 16), KEY_ANSWER_BAD);
}

/* ---- the store ---- */

static void the_store_rotates_by_its_clock(void)
{
	static const struct key_rules rules = { .rotate = 10000, .ahead = 3000, .keep = 1 };
	int64_t t = 1795262400000;
	struct key_error error;
	struct key_store s;
	struct key_set files;
	char dir[PAIR_DIR];

	pair_dir_make(dir);
	CU_ASSERT_TRUE(key_store_open(&s, dir, &rules, &error));
	CU_ASSERT_EQUAL(key_store_due(&s, t), t);
	CU_ASSERT_TRUE(key_store_tick(&s, t, &error)); /* 1 seals at once */
	CU_ASSERT_EQUAL(key_set_current(&s.keys, t)->id, 1);
	CU_ASSERT_EQUAL(key_store_due(&s, t), t + 7000);
	CU_ASSERT_TRUE(key_store_tick(&s, t + 6999, &error));
	CU_ASSERT_EQUAL(s.keys.n, 1);
	CU_ASSERT_TRUE(key_store_tick(&s, t + 7000, &error)); /* 2 is announced */
	CU_ASSERT_EQUAL(s.keys.n, 2);
	CU_ASSERT_EQUAL(key_set_current(&s.keys, t + 9999)->id, 1);
	CU_ASSERT_EQUAL(key_set_current(&s.keys, t + 10000)->id, 2);
	CU_ASSERT_EQUAL(key_store_due(&s, t + 7000), t + 10000);
	CU_ASSERT_FALSE(key_store_rotate(&s, t + 8000, &error));
	UNIT_TEXT("key 2 waits already, to begin at 2026-11-21T12:00:10Z", error.text);
	CU_ASSERT_TRUE(key_store_tick(&s, t + 17000, &error)); /* 3 is announced */
	CU_ASSERT_EQUAL(s.keys.n, 3);
	CU_ASSERT_TRUE(key_store_tick(&s, t + 20000, &error)); /* 3 seals, 1 goes */
	CU_ASSERT_EQUAL(s.keys.n, 2);
	CU_ASSERT_PTR_NULL(key_set_find(&s.keys, 1));
	/* It was down for long: the next is announced all the same. */
	CU_ASSERT_TRUE(key_store_tick(&s, t + 99000, &error));
	CU_ASSERT_EQUAL(key_set_next(&s.keys, t + 99000)->from, t + 102000);
	CU_ASSERT_EQUAL(s.made, 4);
	CU_ASSERT_EQUAL(s.revoked, 1);
	CU_ASSERT_TRUE(key_files_read(dir, &files, &error));
	CU_ASSERT_TRUE(key_set_same(&files, &s.keys));
	key_store_close(&s);
	pair_dir_remove(dir);
}

static void the_store_waits_for_a_command_without_a_period(void)
{
	static const struct key_rules rules = { .rotate = 0, .ahead = 3000, .keep = 0 };
	int64_t t = 1795262400000;
	struct key_error error;
	struct key_store s;
	char dir[PAIR_DIR];

	pair_dir_make(dir);
	CU_ASSERT_TRUE(key_store_open(&s, dir, &rules, &error));
	CU_ASSERT_TRUE(key_store_tick(&s, t, &error));
	CU_ASSERT_EQUAL(s.keys.n, 0);
	CU_ASSERT_EQUAL(key_store_due(&s, t), INT64_MAX);
	CU_ASSERT_TRUE(key_store_rotate(&s, t, &error));
	CU_ASSERT_EQUAL(key_set_current(&s.keys, t)->id, 1);
	CU_ASSERT_TRUE(key_store_rotate(&s, t + 1, &error));
	CU_ASSERT_EQUAL(key_set_next(&s.keys, t + 1)->from, t + 3001);
	CU_ASSERT_TRUE(key_store_tick(&s, t + 3001, &error));
	CU_ASSERT_EQUAL(s.keys.n, 1);
	CU_ASSERT_TRUE(memcmp(s.keys.keys[0].bytes, (uint8_t[KEY_BYTES]){ 0 }, KEY_BYTES) != 0);
	CU_ASSERT_FALSE(key_store_revoke(&s, 1, &error));
	UNIT_TEXT("there is no key 1", error.text);
	CU_ASSERT_TRUE(key_store_revoke(&s, 2, &error));
	CU_ASSERT_EQUAL(s.keys.n, 0);
	key_store_close(&s);
	pair_dir_remove(dir);
}

int main(void)
{
	static const struct unit units[] = {
		{ "reads_times_of_the_calendar_only", reads_times_of_the_calendar_only },
		{ "reads_all_hexadecimal_digits_and_no_others",
		  reads_all_hexadecimal_digits_and_no_others },
		{ "refuses_bad_files_and_says_which", refuses_bad_files_and_says_which },
		{ "refuses_bad_begins_links_and_open_directories",
		  refuses_bad_begins_links_and_open_directories },
		{ "writes_keys_that_it_reads", writes_keys_that_it_reads },
		{ "refuses_a_directory_without_keys", refuses_a_directory_without_keys },
		{ "the_newest_that_has_begun_seals", the_newest_that_has_begun_seals },
		{ "keeps_its_keys_while_files_are_bad", keeps_its_keys_while_files_are_bad },
		{ "goes_on_over_a_reload", goes_on_over_a_reload },
		{ "threads_share_it", threads_share_it },
		{ "answers_are_read_as_they_were_written_in_any_cut",
		  answers_are_read_as_they_were_written_in_any_cut },
		{ "answers_of_another_form_are_refused", answers_of_another_form_are_refused },
		{ "the_store_rotates_by_its_clock", the_store_rotates_by_its_clock },
		{ "the_store_waits_for_a_command_without_a_period",
		  the_store_waits_for_a_command_without_a_period },
	};

	return unit_main("keyring", units, sizeof(units) / sizeof(*units));
}
