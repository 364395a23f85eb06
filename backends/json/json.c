#include <config.h>

#include "backends/json/json.h"

#include <inttypes.h>
#include <string.h>

#include "compiler/base/text.h"
#include "compiler/plan/plan_walk.h"

enum { BLANKS_PER_LEVEL = 2 };

struct json {
	struct sink *sink;
	size_t depth;
	bool is_object[PLAN_DEPTH];
	bool is_empty[PLAN_DEPTH]; /* nothing was written at this level so far */
	bool after_key;
};

static void json_line(struct json *j)
{
	sink_putc(j->sink, '\n');
	sink_pad(j->sink, BLANKS_PER_LEVEL * j->depth);
}

/* What stands before a key, or before a value that has none. */
static void json_part(struct json *j)
{
	if (j->after_key || !j->depth) {
		j->after_key = false;
		return;
	}
	if (!j->is_empty[j->depth - 1])
		sink_putc(j->sink, ',');
	j->is_empty[j->depth - 1] = false;
	json_line(j);
}

static void json_open(struct json *j, bool is_object)
{
	json_part(j);
	sink_putc(j->sink, is_object ? '{' : '[');
	j->is_object[j->depth] = is_object;
	j->is_empty[j->depth++] = true;
}

static void json_null(void *out)
{
	struct json *j = out;

	json_part(j);
	sink_puts(j->sink, "null");
}

static void json_truth(void *out, bool truth)
{
	struct json *j = out;

	json_part(j);
	sink_puts(j->sink, truth ? "true" : "false");
}

static void json_integer(void *out, int64_t integer)
{
	struct json *j = out;

	json_part(j);
	sink_printf(j->sink, "%" PRId64, integer);
}

static void json_number(void *out, struct dec number)
{
	struct json *j = out;
	char buf[DEC_TEXT_SIZE];

	json_part(j);
	sink_puts(j->sink, dec_text(number, buf));
}

static void json_text(void *out, const char *text)
{
	struct json *j = out;

	json_part(j);
	sink_json(j->sink, text);
}

static void json_list(void *out, size_t n)
{
	(void)n;
	json_open(out, false);
}

static void json_object(void *out, size_t n)
{
	(void)n;
	json_open(out, true);
}

static void json_key(void *out, const char *key)
{
	struct json *j = out;

	json_text(j, key);
	sink_puts(j->sink, ": ");
	j->after_key = true;
}

static void json_end(void *out)
{
	struct json *j = out;

	j->depth--;
	if (!j->is_empty[j->depth])
		json_line(j);
	sink_putc(j->sink, j->is_object[j->depth] ? '}' : ']');
}

bool json_emit(const struct plan *plan, struct sink *sink)
{
	static const struct plan_form form = { json_null, json_truth, json_integer, json_number,
					       json_text, json_list,  json_object,  json_key,
					       json_end,  strcmp };
	struct json j = { .sink = sink };

	if (!plan_is_writable(plan))
		return false;
	plan_walk(plan, &form, &j);
	sink_putc(sink, '\n');
	return true;
}
