/* `seal` and `unseal` in two relays of one loop, between real sockets. */
#include <config.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runtime/socks/functions/rows.h"
#include "tests/prop/seal_pair.h"
#include "tests/unit/relay_bed.h"
#include "tests/unit/unit.h"

enum { MUCH = 3 * 1000 * 1000 };

/* client - near (seal) - far (unseal) - server */
struct world {
	char near_keys[PAIR_DIR], far_keys[PAIR_DIR];
	struct function *seal, *unseal;
	struct bed bed;
	struct bed_relay near, far;
};

static struct function *make(const struct function_class *class, const char *dir)
{
	struct function_error error;
	struct function *f =
	    pair_make(class, NULL, &error, "{\"keys\": \"%s\", \"patience\": 1}", dir);

	UNIT_TEXT("", error.text);
	return f;
}

static void add_stage(struct bed_relay *b, const struct function_class *class, struct function *f)
{
	struct stage *s;
	char why[256];

	bed_stage(b, class, NULL);
	s = &b->start.stages[b->start.n_stages - 1];
	s->function = f;
	CU_ASSERT_TRUE_FATAL(class->open(f, &pair_facts, b->start.wake, &s->state, why));
}

static void begin(struct world *w, unsigned near_key, unsigned far_key)
{
	memset(w, 0, sizeof(*w));
	pair_dir_make(w->near_keys);
	pair_dir_make(w->far_keys);
	pair_put_key(w->near_keys, near_key, NULL);
	pair_put_key(w->far_keys, far_key, NULL);
	w->seal = make(&function_seal, w->near_keys);
	w->unseal = make(&function_unseal, w->far_keys);
	CU_ASSERT_TRUE_FATAL(bed_open(&w->bed));
	CU_ASSERT_TRUE_FATAL(bed_ready(&w->near, &w->bed, BED_TCP));
	CU_ASSERT_TRUE_FATAL(bed_ready(&w->far, &w->bed, BED_TCP));
	/* The server of the near one is the client of the far one. */
	close(w->far.client);
	close(w->far.start.client.fd);
	w->far.start.client.fd = w->near.server;
	fcntl(w->near.server, F_SETFL, O_NONBLOCK);
	w->near.server = w->far.client = -1;
	add_stage(&w->near, &function_seal, w->seal);
	add_stage(&w->far, &function_unseal, w->unseal);
	bed_start(&w->near);
	bed_start(&w->far);
}

static void end(struct world *w)
{
	bed_done(&w->near);
	bed_done(&w->far);
	bed_close(&w->bed);
	function_seal.release(w->seal);
	function_unseal.release(w->unseal);
	pair_dir_remove(w->near_keys);
	pair_dir_remove(w->far_keys);
}

static void pause_ms(long ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* ---- transfers ---- */

struct writing {
	int fd;
	const char *text;
	atomic_bool half; /* the first half is written: go on when it is false */
	bool ok;
};

static void *write_much(void *arg)
{
	struct writing *w = arg;

	w->ok = bed_write(w->fd, w->text, MUCH / 2);
	w->half = true;
	for (int i = 0; i < 1000 && w->half; i++)
		pause_ms(10);
	w->ok = w->ok && bed_write(w->fd, w->text + MUCH / 2, MUCH - MUCH / 2);
	bed_shut(w->fd);
	return NULL;
}

static bool comes_to_seal(const struct function_class *class, struct function *f, const char *what)
{
	bool has = false;

	for (int i = 0; i < 500 && !has; i++) {
		struct text t = { 0 };

		class->status(f, &t);
		has = strstr(t.at, what) != NULL;
		text_free(&t);
		pause_ms(10);
	}
	return has;
}

/* From one socket to the other, with a new key at half time that the receiver has late. */
static void send_over_a_rotation(struct world *w, int from, int to, unsigned key, const char *news)
{
	char *text = malloc(MUCH), *got = malloc(MUCH + 1);
	struct writing writing = { .fd = from, .text = text };
	bool forward = from == w->near.client;
	pthread_t thread;

	for (int i = 0; i < MUCH; i++)
		text[i] = (char)(i * 7 + i / 1000 + (int)key);
	pthread_create(&thread, NULL, write_much, &writing);
	CU_ASSERT_TRUE(bed_read(to, got, MUCH / 2));
	while (!writing.half)
		pause_ms(1);
	pair_put_key(forward ? w->near_keys : w->far_keys, key, NULL);
	CU_ASSERT_TRUE(forward ? comes_to_seal(&function_seal, w->seal, news)
			       : comes_to_seal(&function_unseal, w->unseal, news));
	writing.half = false;
	pause_ms(50);
	pair_put_key(forward ? w->far_keys : w->near_keys, key, NULL);
	CU_ASSERT_EQUAL(bed_read_all(to, got + MUCH / 2, MUCH / 2 + 1), MUCH / 2);
	pthread_join(thread, NULL);
	CU_ASSERT_TRUE(writing.ok);
	CU_ASSERT_EQUAL(memcmp(text, got, MUCH), 0);
	free(text);
	free(got);
}

static void a_late_key_holds_up_and_loses_nothing(void)
{
	struct world w;

	begin(&w, 7, 7);
	send_over_a_rotation(&w, w.near.client, w.far.server, 8, "\"key\": 8,");
	send_over_a_rotation(&w, w.far.server, w.near.client, 9, "\"key\": 9,");
	CU_ASSERT_TRUE(bed_wait_over(&w.near));
	CU_ASSERT_TRUE(bed_wait_over(&w.far));
	CU_ASSERT_EQUAL(w.near.end, RELAY_DONE);
	CU_ASSERT_EQUAL(w.far.end, RELAY_DONE);
	CU_ASSERT_TRUE(bed_over(&w.near));
	end(&w);
}

static void a_server_may_speak_first(void)
{
	struct world w;
	char got[16];

	begin(&w, 7, 7);
	CU_ASSERT_TRUE(bed_write(w.far.server, "220 hello\r\n", 11));
	CU_ASSERT_TRUE(bed_read(w.near.client, got, 11));
	CU_ASSERT_EQUAL(memcmp(got, "220 hello\r\n", 11), 0);
	CU_ASSERT_TRUE(bed_write(w.near.client, "EHLO me\r\n", 9));
	CU_ASSERT_TRUE(bed_read(w.far.server, got, 9));
	CU_ASSERT_EQUAL(memcmp(got, "EHLO me\r\n", 9), 0);
	end(&w);
}

static void a_key_that_never_comes_ends_both(void)
{
	struct world w;
	char got[16];

	begin(&w, 7, 3);
	CU_ASSERT_TRUE(bed_write(w.near.client, "secret", 6));
	CU_ASSERT_TRUE(bed_wait_over(&w.far));
	CU_ASSERT_EQUAL(w.far.end, RELAY_FUNCTION);
	UNIT_TEXT("key 7 is not known", w.far.why);
	CU_ASSERT_TRUE(bed_wait_over(&w.near));
	CU_ASSERT_TRUE(bed_read_all(w.far.server, got, sizeof(got)) <= 0);
	end(&w);
}

/* A reset before the last record must not look like an end to the server. */
static void a_cut_way_is_no_end(void)
{
	struct world w;
	char got[16];

	begin(&w, 7, 7);
	CU_ASSERT_TRUE(bed_write(w.near.client, "half", 4));
	CU_ASSERT_TRUE(bed_read(w.far.server, got, 4));
	bed_reset(&w.near.client);
	CU_ASSERT_TRUE(bed_wait_over(&w.far));
	CU_ASSERT_NOT_EQUAL(w.far.end, RELAY_DONE);
	CU_ASSERT_EQUAL(bed_read_all(w.far.server, got, sizeof(got)), -1);
	end(&w);
}

int main(void)
{
	static const struct unit units[] = {
		{ "a_late_key_holds_up_and_loses_nothing", a_late_key_holds_up_and_loses_nothing },
		{ "a_server_may_speak_first", a_server_may_speak_first },
		{ "a_key_that_never_comes_ends_both", a_key_that_never_comes_ends_both },
		{ "a_cut_way_is_no_end", a_cut_way_is_no_end },
	};

	return unit_main("seal_relay", units, sizeof(units) / sizeof(*units));
}
