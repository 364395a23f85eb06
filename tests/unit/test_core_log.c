#include <config.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "runtime/core/log.h"
#include "tests/unit/unit.h"

enum { ROOM = 4096 };

/* A log into a pipe, and what came out of it with one read. */
struct heard {
	struct log log;
	int end;
	char text[ROOM];
};

static void listen_to(struct heard *h, bool json, bool times)
{
	int ends[2];

	CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_NONBLOCK), 0);
	*h = (struct heard){ .log = { ends[1], LOG_LEVEL_INFO, json, times }, .end = ends[0] };
}

static const char *hear(struct heard *h)
{
	ssize_t n = read(h->end, h->text, ROOM - 1);

	h->text[n > 0 ? n : 0] = '\0';
	return h->text;
}

static void hush(struct heard *h)
{
	close(h->log.fd);
	close(h->end);
}

static void an_event_is_one_line(void)
{
	struct heard h;

	listen_to(&h, false, false);
	log_event(&h.log, LOG_LEVEL_WARNING, "reload", "plan refused", "path", "/etc/epic/a.plan",
		  "reason", "line 3: \"x\"\nis no key", "empty", "", "none", NULL, "n", "12", NULL);
	UNIT_TEXT("warning reload \"plan refused\" path=/etc/epic/a.plan "
		  "reason=\"line 3: \\\"x\\\"\\nis no key\" empty=\"\" none=\"\" n=12\n",
		  hear(&h));
	hush(&h);
}

static void an_event_without_pairs_is_a_line_too(void)
{
	struct heard h;

	listen_to(&h, false, false);
	log_event(&h.log, LOG_LEVEL_INFO, "start", "ready", NULL);
	UNIT_TEXT("info start \"ready\"\n", hear(&h));
	hush(&h);
}

static void what_is_less_urgent_is_not_written(void)
{
	struct heard h;

	listen_to(&h, false, false);
	log_event(&h.log, LOG_LEVEL_DEBUG, "x", "y", NULL);
	UNIT_TEXT("", hear(&h));
	log_event(&h.log, LOG_LEVEL_ERROR, "x", "y", NULL);
	UNIT_TEXT("error x \"y\"\n", hear(&h));
	hush(&h);
}

static void a_json_line_is_an_object(void)
{
	struct heard h;

	listen_to(&h, true, false);
	log_event(&h.log, LOG_LEVEL_ERROR, "reload", "it \"fails\"", "path", "a b", "none", NULL,
		  "why", "\xff", NULL);
	UNIT_TEXT("{\"level\":\"error\",\"event\":\"reload\",\"message\":\"it \\\"fails\\\"\","
		  "\"path\":\"a b\",\"none\":null,\"why\":\"\xef\xbf\xbd\"}\n",
		  hear(&h));
	hush(&h);
}

/* Digits as 0, so that the form can be compared. */
static const char *digits_away(char *s)
{
	for (char *c = s; *c; c++)
		*c = *c >= '0' && *c <= '9' ? '0' : *c;
	return s;
}

static void the_time_is_utc_with_milliseconds(void)
{
	struct heard h;

	listen_to(&h, false, true);
	log_event(&h.log, LOG_LEVEL_INFO, "x", "y", NULL);
	hear(&h);
	UNIT_TEXT("0000-00-00T00:00:00.000Z info x \"y\"\n", digits_away(h.text));
	hush(&h);
	listen_to(&h, true, true);
	log_event(&h.log, LOG_LEVEL_INFO, "x", "y", NULL);
	hear(&h);
	UNIT_TEXT("{\"time\":\"0000-00-00T00:00:00.000Z\",\"level\":\"info\",\"event\":\"x\","
		  "\"message\":\"y\"}\n",
		  digits_away(h.text));
	hush(&h);
}

static void a_full_pipe_holds_nobody_up(void)
{
	struct heard h;
	static char large[3000];

	memset(large, 'x', sizeof(large) - 1);
	listen_to(&h, false, false);
	for (int i = 0; i < 100; i++)
		log_event(&h.log, LOG_LEVEL_INFO, "x", large, NULL);
	CU_ASSERT_EQUAL(strlen(hear(&h)), ROOM - 1);
	hush(&h);
}

static const struct unit units[] = {
	{ "an_event_is_one_line", an_event_is_one_line },
	{ "an_event_without_pairs_is_a_line_too", an_event_without_pairs_is_a_line_too },
	{ "what_is_less_urgent_is_not_written", what_is_less_urgent_is_not_written },
	{ "a_json_line_is_an_object", a_json_line_is_an_object },
	{ "the_time_is_utc_with_milliseconds", the_time_is_utc_with_milliseconds },
	{ "a_full_pipe_holds_nobody_up", a_full_pipe_holds_nobody_up },
};

int main(void)
{
	return unit_main("core log", units, sizeof(units) / sizeof(*units));
}
