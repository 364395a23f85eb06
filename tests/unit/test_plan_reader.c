/* The reader believes nothing.  Plans are written here as JSON with their keys in the order of
 * CBOR, made into bytes as they stand, after one spot was changed; <hex> stands for raw bytes. */
#include <config.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/plan/plan.h"
#include "tests/unit/unit.h"

#define FLOW                                                                                \
	"{\"to\":\"b\",\"code\":null,\"cost\":{\"setup_us\":1.5,\"cycles_per_packet\":-3}," \
	"\"from\":\"a\",\"when\":\"true\",\"bridge\":[],\"reason\":\"r\","                  \
	"\"source\":{\"col\":1,\"file\":\"f\",\"line\":2},\"status\":\"direct\","           \
	"\"carries\":null,\"missing\":[\"x\"],\"rate_bps\":null,\"application\":\"app\"}"
#define TREE                                                                                \
	"{\"kind\":\"leaf\",\"name\":null,\"task\":\"t0\",\"weight\":null,\"children\":[]," \
	"\"priority\":0}"
#define TASK                                                                          \
	"{\"id\":\"t0\",\"root\":\"p.m\",\"class\":null,\"queue\":true,\"weight\":1," \
	"\"worker\":0,\"modules\":[\"p.m\"],\"service\":1,\"priority\":0,"            \
	"\"share_by_class\":{\"c\":0.5,\"d\":0.5}}"
#define SCHEDULE                                                                                   \
	"{\"slo\":\"s\",\"code\":null,\"tree\":" TREE ",\"cores\":[1],\"floor\":0.5,"              \
	"\"tasks\":[" TASK "],\"solver\":{\"name\":\"g\",\"nodes\":0,\"seconds\":null},"           \
	"\"target\":\"t\",\"workers\":1,\"clock_hz\":1,\"pipeline\":\"p\",\"replicas\":1,"         \
	"\"objective\":{\"gap\":0,\"kind\":\"tasks\",\"bound\":null,\"tasks\":1,\"optimal\":true," \
	"\"rate_pps\":0},\"predicted\":{\"c\":{\"rate_pps\":1,\"cpu_share\":1}},"                  \
	"\"tolerance\":0,\"accounting\":\"useful\",\"classifier\":null,\"queue_packets\":1,"       \
	"\"queue_cost_cycles\":0,\"classify_cost_cycles\":0}"
#define MODULE                                                                      \
	"{\"id\":\"p.m\",\"config\":{\"a\":1,\"b\":[true,null,\"t\",{\"k\":0.5}]}," \
	"\"function\":\"f\",\"cost_cycles\":0,\"schedulable\":true,\"cost_cycles_per_byte\":0}"
#define SOCKS                                                                                  \
	"{\"name\":\"w\",\"files\":[],\"config\":{\"at\":\"px\",\"auth\":\"none\",\"warm\":0," \
	"\"users\":null,\"chains\":[{\"to\":[],\"via\":[\"10.1.0.2\"],\"flow\":0,\"from\":[]," \
	"\"when\":\"true\",\"links\":[],\"replay_safe\":true}],\"listen\":1080,\"dialect\":"   \
	"\"epi\",\"version\":6,\"authority\":null,"                                            \
	"\"fast_open\":false,\"certificate\":null,\"certificate_key\":null},"                  \
	"\"backend\":\"socks\"}"
#define NGINX                                                                              \
	"{\"name\":\"x\",\"files\":[],\"config\":{\"at\":\"px\",\"mode\":\"http\","        \
	"\"addresses\":[\"[::1]\"],\"listeners\":[{\"flow\":0,\"next\":\"n\",\"port\":80," \
	"\"allow\":[\"10.0.0.0/8\"],\"destination\":\"d\"}],\"certificate\":null,"         \
	"\"certificate_key\":\"k\"},\"backend\":\"nginx\"}"
#define NODE                                                                                \
	"{\"kind\":\"proxy\",\"name\":\"n\",\"hosts\":[{\"port\":11080,\"function\":\"f\"," \
	"\"provides\":[\"x\"],\"socks_class\":null}],\"domain\":\"d\",\"addresses\":[],"    \
	"\"attributes\":[\"y\"]}"
#define BESS                                                                                    \
	"{\"name\":\"y\",\"files\":[],\"config\":{\"cores\":[1],\"modules\":[],\"replicas\":1," \
	"\"schedule\":0,"                                                                       \
	"\"pipelines\":[\"p\"],\"queue_packets\":1},\"backend\":\"bess\"}"
#define PLAN                                                                           \
	"<d9d9f7>{\"areas\":[{\"nodes\":[\"a\"],\"attributes\":[]}],\"flows\":[" FLOW  \
	"],\"nodes\":[" NODE "],"                                                      \
	"\"module\":\"m\",\"classes\":[{\"name\":\"c\",\"match\":\"true\","            \
	"\"paths\":[[\"p.m\"],[]],\"rate_pps\":0,\"packet_bytes\":64}],\"edition\":1," \
	"\"sources\":[],\"targets\":[" SOCKS "," NGINX "," BESS "],\"epic_plan\":1,"   \
	"\"pipelines\":[{\"name\":\"p\",\"edges\":[],\"modules\":[" MODULE "]}],"      \
	"\"schedules\":[" SCHEDULE "]}"

/* ---- JSON to CBOR ---- */

struct bytes {
	unsigned char at[4096];
	size_t n;
};

static void put(struct bytes *b, unsigned byte)
{
	CU_ASSERT_FATAL(b->n < sizeof(b->at));
	b->at[b->n++] = (unsigned char)byte;
}

static void put_head(struct bytes *b, unsigned major, unsigned long long n)
{
	int size = n < 24 ? 0 : n < 0x100 ? 1 : n < 0x10000 ? 2 : 4;

	put(b, major << 5 | (size ? 23 + (size == 4 ? 3 : (unsigned)size) : (unsigned)n));
	while (size--)
		put(b, (n >> (8 * size)) & 0xff);
}

static const char *put_text(struct bytes *b, const char *s)
{
	size_t n = strcspn(s, "\"");

	put_head(b, 3, n);
	for (size_t i = 0; i < n; i++)
		put(b, (unsigned char)s[i]);
	return s + n + 1;
}

/* The fractions of these tests are all binary16: 0.5 and 1.5. */
static const char *put_number(struct bytes *b, const char *s)
{
	char *end;
	double x = strtod(s, &end);
	long n = (long)x;

	if (x == 0.5 || x == 1.5) {
		put(b, 0xf9);
		put(b, x == 0.5 ? 0x38 : 0x3e);
		put(b, 0x00);
	} else if (n < 0) {
		put_head(b, 1, (unsigned long long)(-1 - n));
	} else {
		put_head(b, 0, (unsigned long long)n);
	}
	return end;
}

static const char *put_raw(struct bytes *b, const char *s)
{
	unsigned byte;

	for (; *s != '>'; s += 2) {
		CU_ASSERT_FATAL(sscanf(s, "%2x", &byte) == 1);
		put(b, byte);
	}
	return s + 1;
}

static const char *put_value(struct bytes *b, const char *s);

/* A list, or an object, whose head needs the count that comes out at its end: all are short. */
static const char *put_members(struct bytes *b, const char *s, unsigned major, char close)
{
	size_t head = b->n, n = 0;

	put(b, 0);
	while (*s != close) {
		s = put_value(b, s);
		n++;
		s += *s == ',' || *s == ':';
	}
	n /= major == 5 ? 2 : 1;
	CU_ASSERT_FATAL(n < 24);
	b->at[head] = (unsigned char)(major << 5 | n);
	return s + 1;
}

static const char *put_value(struct bytes *b, const char *s)
{
	if (*s == '"')
		return put_text(b, s + 1);
	if (*s == '[')
		return put_members(b, s + 1, 4, ']');
	if (*s == '{')
		return put_members(b, s + 1, 5, '}');
	if (*s == '<')
		return put_raw(b, s + 1);
	if (*s == 'n')
		return put(b, 0xf6), s + 4;
	if (*s == 't' || *s == 'f')
		return put(b, *s == 't' ? 0xf5 : 0xf4), s + (*s == 't' ? 4 : 5);
	CU_ASSERT_FATAL(isdigit((unsigned char)*s) || *s == '-');
	return put_number(b, s);
}

static void encode(struct bytes *b, const char *text)
{
	b->n = 0;
	while (*text)
		text = put_value(b, text);
}

/* PLAN with its first FROM replaced by TO. */
static const struct rplan_plan *read_changed(const char *from, const char *to,
					     struct plan_error *error)
{
	static const char plan[] = PLAN;
	const char *spot = strstr(plan, from);
	struct bytes bytes;
	char text[sizeof(plan) + 512];
	char *exact;
	const struct rplan_plan *read;

	CU_ASSERT_PTR_NOT_NULL_FATAL(spot);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(spot - plan), plan, to, spot + strlen(from));
	encode(&bytes, text);
	/* In memory of just that size, so that the sanitizer sees a byte too far. */
	exact = malloc(bytes.n);
	memcpy(exact, bytes.at, bytes.n);
	read = plan_read(exact, bytes.n, error);
	free(exact);
	return read;
}

static void refused(const char *from, const char *to, const char *expected)
{
	struct plan_error error;
	const struct rplan_plan *plan = read_changed(from, to, &error);

	CU_ASSERT_PTR_NULL(plan);
	UNIT_TEXT(expected, error.text);
	plan_close(plan);
}

static void taken(const char *from, const char *to)
{
	struct plan_error error;
	const struct rplan_plan *plan = read_changed(from, to, &error);

	UNIT_TEXT("", error.text);
	CU_ASSERT_PTR_NOT_NULL(plan);
	plan_close(plan);
}

/* ---- the tests ---- */

static void whole(void)
{
	struct plan_error error;
	const struct rplan_plan *p = read_changed("\"m\"", "\"m\"", &error);
	const struct rplan_flow *f;
	const struct rplan_value *v;

	UNIT_TEXT("", error.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	f = &p->flows.at[0];
	UNIT_TEXT("a", f->from);
	CU_ASSERT_EQUAL(f->cost->setup_us, 1.5);
	CU_ASSERT_EQUAL(f->cost->cycles_per_packet, -3);
	CU_ASSERT_PTR_NULL(f->code);
	CU_ASSERT_FALSE(f->rate_bps.present);
	UNIT_TEXT("x", f->missing.at[0]);
	CU_ASSERT_EQUAL(p->classes.at[0].paths.n, 2);
	CU_ASSERT_EQUAL(p->classes.at[0].paths.at[1].n, 0);
	CU_ASSERT_EQUAL(p->schedules.at[0].predicted.at[0].cpu_share, 1);
	UNIT_TEXT("c", p->schedules.at[0].predicted.names[0]);
	UNIT_TEXT("d", p->schedules.at[0].tasks.at[0].share_by_class.at[1].key);
	CU_ASSERT_PTR_NULL(p->schedules.at[0].classifier);
	UNIT_TEXT("leaf", p->schedules.at[0].tree->kind);
	CU_ASSERT_EQUAL(rplan_target_socks(&p->targets.at[0])->listen, 1080);
	CU_ASSERT_PTR_NULL(rplan_target_nginx(&p->targets.at[0]));
	CU_ASSERT_EQUAL(rplan_target_nginx(&p->targets.at[1])->listeners.at[0].port, 80);
	v = &p->pipelines.at[0].modules.at[0].config.at[1].value;
	CU_ASSERT_EQUAL_FATAL(v->kind, RPLAN_LIST);
	CU_ASSERT_EQUAL(v->n_items, 4);
	CU_ASSERT_EQUAL(v->items[1].kind, RPLAN_NULL);
	CU_ASSERT_EQUAL(v->items[3].members.at[0].value.number, 0.5);
	plan_close(p);
}

static void types(void)
{
	refused("\"setup_us\":1.5", "\"setup_us\":\"1\"",
		"flows[0].cost.setup_us: expected a number, found text");
	refused("\"from\":\"a\"", "\"from\":null", "flows[0].from: expected text, found null");
	refused("\"carries\":null", "\"carries\":7",
		"flows[0].carries: expected text or null, found an integer");
	refused("\"line\":2", "\"line\":0.5",
		"flows[0].source.line: expected an integer, found a fraction");
	refused("\"missing\":[\"x\"]", "\"missing\":[\"x\",[]]",
		"flows[0].missing[1]: expected text, found a list");
	refused("\"paths\":[[\"p.m\"],[]]", "\"paths\":[[\"p.m\"],\"p.m\"]",
		"classes[0].paths[1]: expected a list, found text");
	refused("\"queue\":true", "\"queue\":1",
		"schedules[0].tasks[0].queue: expected true or false, found an integer");
	refused("\"cores\":[1]", "\"cores\":[1,true]",
		"targets[2].config.cores[1]: expected an integer, found true or false");
	refused("{\"c\":0.5,", "{\"c\":null,",
		"schedules[0].tasks[0].share_by_class.c: expected a number, found null");
	refused("{\"c\":{", "{\"c d\":{\"rate_pps\":1,\"cpu_share\":{}},\"x y z\":{",
		"schedules[0].predicted[\"c d\"].cpu_share: expected a number, found an object");
	refused("\"bridge\":[]", "\"bridge\":{}",
		"flows[0].bridge: expected a list, found an object");
	refused("\"cost\":{\"setup_us\":1.5,\"cycles_per_packet\":-3}", "\"cost\":null",
		"flows[0].cost: expected an object, found null");
	refused("\"a\":1,", "\"a\":<4101>,",
		"pipelines[0].modules[0].config.a: expected a number, found bytes");
	refused("\"edition\":1", "\"edition\":<1b8000000000000000>",
		"edition: an integer beyond 64 bits");
}

static void words(void)
{
	refused("\"direct\"", "\"indirect\"",
		"flows[0].status: 'indirect' is none of: direct bridged unbridgeable forbidden");
	refused("\"direct\"", "\"\"",
		"flows[0].status: '' is none of: direct bridged unbridgeable forbidden");
	refused("\"backend\":\"socks\"", "\"backend\":\"sock\"",
		"targets[0].backend: 'sock' is none of: bess dpdk nginx socks dot");
	taken("\"direct\"", "\"forbidden\"");
}

static void keys(void)
{
	refused("\"code\":null,", "", "flows[0]: key 'code' is missing");
	refused("\"edition\":1,", "", "the plan: key 'edition' is missing");
	refused("\"epic_plan\":1,", "", "the plan: key 'epic_plan' is missing");
	refused("\"code\":null,", "\"code\":null,\"code\":null,",
		"flows[0]: key 'code' stands twice");
	refused("\"sources\":[],", "\"sources\":[],\"sources\":[],",
		"the plan: key 'sources' stands twice");
	refused("\"from\":\"a\",\"when\":\"true\"", "\"when\":\"true\",\"from\":\"a\"",
		"flows[0]: key 'from' is out of order");
	refused("\"to\":\"b\"", "1:\"b\"", "flows[0]: expected a key, found an integer");
	refused("{\"k\":0.5}", "{\"k\":0.5,\"k\":1}",
		"pipelines[0].modules[0].config.b[3]: key 'k' stands twice");
}

static void choice(void)
{
	refused("\"config\":{\"at\":\"px\",\"mode\":\"http\"", "\"config\":{\"mode\":\"http\"",
		"targets[1].config: key 'at' is missing");
	refused("\"backend\":\"nginx\"", "\"backend\":\"socks\"",
		"targets[1].config: key 'auth' is missing");
	refused("\"mode\":\"http\"", "\"mode\":\"udp\"",
		"targets[1].config.mode: 'udp' is none of: stream http");
}

static void unknown_keys(void)
{
	taken("\"to\":\"b\",",
	      "\"q\":[1,{\"z\":<fb3ff199999999999a>,\"aa\":<c101>}],\"to\":\"b\",");
	taken("\"edition\":1,", "\"editiom\":<f7>,\"edition\":1,");
	refused("\"to\":\"b\",", "\"q\":{\"b\":1,\"a\":2},\"to\":\"b\",",
		"flows[0].q: key 'a' is out of order");
	refused("\"to\":\"b\",", "\"q\":[0,<61ff>],\"to\":\"b\",",
		"flows[0].q[1]: text that is not UTF-8, or holds a NUL");
}

static void indices(void)
{
	refused("\"flow\":0,\"from\"", "\"flow\":1,\"from\"",
		"targets[0].config.chains[0].flow: 1 is none of the 1 flows");
	refused("\"flow\":0,\"next\"", "\"flow\":-1,\"next\"",
		"targets[1].config.listeners[0].flow: -1 is none of the 1 flows");
	refused("\"schedule\":0", "\"schedule\":1",
		"targets[2].config.schedule: 1 is none of the 1 schedules");
	refused("\"worker\":0", "\"worker\":1",
		"schedules[0].tasks[0].worker: 1 is none of the 1 workers");
	refused("\"workers\":1", "\"workers\":-1",
		"schedules[0].tasks[0].worker: 0 is none of the 0 workers");
	taken("\"schedule\":0", "\"schedule\":null");
}

static void form(void)
{
	refused("<d9d9f7>", "",
		"the plan: does not begin with the CBOR tag 55799, so it is no plan");
	refused("<d9d9f7>", "<d9d9f8>",
		"the plan: does not begin with the CBOR tag 55799, so it is no plan");
	refused("\"bridge\":[]", "\"bridge\":<9fff>",
		"flows[0].bridge: indefinite lengths are not allowed");
	refused("\"edition\":1", "\"edition\":<1801>",
		"edition: a number or length is not in its shortest form");
	refused("\"a\"", "<780161>",
		"areas[0].nodes[0]: a number or length is not in its shortest form");
	refused("\"floor\":0.5", "\"floor\":<fa3f000000>",
		"schedules[0].floor: a number is not in its shortest form");
	refused("\"floor\":0.5", "\"floor\":<fb3fe0000000000000>",
		"schedules[0].floor: a number is not in its shortest form");
	refused("\"floor\":0.5", "\"floor\":<f97e00>", "schedules[0].floor: not a finite number");
	refused("\"floor\":0.5", "\"floor\":<f9fc00>", "schedules[0].floor: not a finite number");
	taken("\"floor\":0.5", "\"floor\":<fb7fefffffffffffff>");
	taken("\"floor\":0.5", "\"floor\":<f90001>");
	refused("\"floor\":0.5", "\"floor\":<fa33800000>", /* 2^-24 */
		"schedules[0].floor: a number is not in its shortest form");
	refused("\"m\"", "<6100>", "module: text that is not UTF-8, or holds a NUL");
	refused("\"m\"", "<62c080>", "module: text that is not UTF-8, or holds a NUL");
	refused("\"m\"", "<63eda080>", "module: text that is not UTF-8, or holds a NUL");
	refused("\"m\"", "<1c>", "module: malformed CBOR");
	refused("\"m\"", "<f8ff>", "module: malformed CBOR");
}

static void versions(void)
{
	struct plan_error error;
	struct bytes bytes;

	/* All else may have changed with the version. */
	encode(&bytes, "<d9d9f7>{\"flows\":{\"n\":0},\"epic_plan\":7}");
	CU_ASSERT_PTR_NULL(plan_read(bytes.at, bytes.n, &error));
	UNIT_TEXT("epic_plan: this plan has version 7, this program reads version 1", error.text);
	refused("\"epic_plan\":1", "\"epic_plan\":2",
		"epic_plan: this plan has version 2, this program reads version 1");
	refused("\"epic_plan\":1", "\"epic_plan\":\"1\"",
		"epic_plan: expected an integer, found text");
}

static void trailing(void)
{
	struct plan_error error;
	struct bytes bytes;

	encode(&bytes, PLAN "0");
	CU_ASSERT_PTR_NULL(plan_read(bytes.at, bytes.n, &error));
	UNIT_TEXT("the plan: 1 bytes too many at the end", error.text);
}

static void cut(void)
{
	struct plan_error error;
	struct bytes bytes;

	encode(&bytes, PLAN);
	for (size_t n = 0; n < bytes.n; n++) {
		char *exact = malloc(n ? n : 1);

		memcpy(exact, bytes.at, n);
		CU_ASSERT_PTR_NULL(plan_read(exact, n, &error));
		CU_ASSERT(error.text[0] != '\0' && error.offset <= n);
		free(exact);
	}
}

/* Each byte in turn becomes another one: refused or taken, but never worse. */
static void flipped(void)
{
	struct plan_error error;
	struct bytes bytes;
	size_t n_refused = 0;

	encode(&bytes, PLAN);
	for (size_t i = 0; i < bytes.n; i++)
		for (unsigned bit = 1; bit < 256; bit <<= 1) {
			const struct rplan_plan *plan;

			bytes.at[i] ^= (unsigned char)bit;
			plan = plan_read(bytes.at, bytes.n, &error);
			CU_ASSERT_EQUAL(!plan, error.text[0] != '\0');
			n_refused += !plan;
			plan_close(plan);
			bytes.at[i] ^= (unsigned char)bit;
		}
	CU_ASSERT(n_refused > bytes.n);
}

/* Refused with a message that begins like this; how many bytes are left is not told. */
static void refused_so(const char *from, const char *to, const char *expected)
{
	struct plan_error error;

	CU_ASSERT_PTR_NULL(read_changed(from, to, &error));
	error.text[strlen(expected)] = '\0';
	UNIT_TEXT(expected, error.text);
}

static void lies(void)
{
	refused_so("\"bridge\":[]", "\"bridge\":<9b00ffffffffffffff>",
		   "flows[0].bridge: announces 72057594037927935 items, but only ");
	refused_so("\"sources\":[],", "\"sources\":<9a000fffff>,",
		   "sources: announces 1048575 items, but only ");
	refused_so("\"m\"", "<bb7fffffffffffffff>",
		   "module: announces 9223372036854775807 items, but only ");
	refused("\"m\"", "<7b00ffffffffffffff>", "module: the plan is cut off");
}

static void depth(void)
{
	char deep[512] = "\"a\":", *end = deep + 4;
	struct plan_error error;

	for (int i = 0; i < 100; i++)
		*end++ = '[';
	for (int i = 0; i < 100; i++)
		*end++ = ']';
	strcpy(end, ",");
	CU_ASSERT_PTR_NULL(read_changed("\"a\":1,", deep, &error));
	CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "nested deeper than 64 levels"));
}

static void printable(void)
{
	refused("\"direct\"", "\"\x1b[31m\xc3\xa9\"",
		"flows[0].status: '?[31m?\?' is none of: direct bridged unbridgeable forbidden");
}

static void files(void)
{
	char path[] = "/tmp/epic-plan-XXXXXX";
	int fd = mkstemp(path);
	const struct rplan_plan *plan;
	struct plan_error error;
	struct bytes bytes;

	encode(&bytes, PLAN);
	CU_ASSERT_FATAL(fd >= 0 && write(fd, bytes.at, bytes.n) == (ssize_t)bytes.n);
	close(fd);
	plan = plan_open(path, &error);
	CU_ASSERT_PTR_NOT_NULL(plan);
	plan_close(plan);
	unlink(path);
	CU_ASSERT_PTR_NULL(plan_open(path, &error));
	UNIT_TEXT("cannot read: No such file or directory", error.text);
	CU_ASSERT_PTR_NULL(plan_open("/tmp", &error));
	UNIT_TEXT("cannot read: Is a directory", error.text);
	plan_close(NULL);
}

static const struct unit units[] = {
	{ "a_whole_plan_is_read", whole },
	{ "wrong_types_are_refused", types },
	{ "unknown_words_are_refused", words },
	{ "missing_double_and_unsorted_keys_are_refused", keys },
	{ "the_backend_decides_what_config_is", choice },
	{ "unknown_keys_are_skipped_with_distrust", unknown_keys },
	{ "dangling_indices_are_refused", indices },
	{ "only_deterministic_cbor_is_taken", form },
	{ "another_version_is_refused", versions },
	{ "bytes_behind_the_end_are_refused", trailing },
	{ "every_cut_is_noticed", cut },
	{ "no_flipped_bit_does_harm", flipped },
	{ "announced_counts_are_not_believed", lies },
	{ "nesting_is_limited", depth },
	{ "messages_hold_nothing_that_steers_a_terminal", printable },
	{ "files_are_read", files },
};

int main(void)
{
	return unit_main("plan_reader", units, sizeof(units) / sizeof(*units));
}
