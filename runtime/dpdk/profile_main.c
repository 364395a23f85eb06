/* `epic-dpdkd profile`: what the standard functions cost on this machine. */
#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>

#include "runtime/core/options.h"
#include "runtime/core/output.h"
#include "runtime/dpdk/eal.h"
#include "runtime/dpdk/measure.h"
#include "runtime/dpdk/profile.h"

enum {
	EXIT_DONE = 0,
	EXIT_USE = 2,
	EXIT_ENVIRONMENT = 5,
	MOST_SIZES = 16,
	MOST_ITEMS = 32,
	N_MBUFS = 8191,
	N_EDGES = 4
};

enum { OPT_SIZES, OPT_ROUNDS, OPT_FUNCTION, OPT_OUTPUT, OPT_CORE, OPT_HELP };

static const struct option_row rows[] = {
	[OPT_SIZES] = { "--sizes", NULL, "LIST", "bytes of the frames (64,512,1500)" },
	[OPT_ROUNDS] = { "--rounds", NULL, "N", "rounds, of which the median counts (9)" },
	[OPT_FUNCTION] = { "--function", NULL, "NAME", "only this one (repeatable)" },
	[OPT_OUTPUT] = { "--output", "-o", "FILE", "std.measured; - is standard output (default)" },
	[OPT_CORE] = { "--core", NULL, "N", "the core that works (0)" },
	[OPT_HELP] = { "--help", "-h", NULL, "this text" },
	{ NULL, NULL, NULL, NULL },
};

/* ---- what is measured ---- */

#define TEXT(name_, text_)                                \
	{                                                 \
		name_,                                    \
		{                                         \
			.kind = RPLAN_TEXT, .text = text_ \
		}                                         \
	}
#define ITEMS(list)                                                                          \
	{                                                                                    \
		.kind = RPLAN_LIST, .items = list, .n_items = sizeof(list) / sizeof(*(list)) \
	}
#define CONFIG(list)                                 \
	{                                            \
		list, sizeof(list) / sizeof(*(list)) \
	}

static const struct rplan_value inside[] = { { .kind = RPLAN_TEXT, .text = "10.0.0.0/8" },
					     { .kind = RPLAN_TEXT, .text = "fd00::/8" } };
static const struct rplan_value external[] = { { .kind = RPLAN_TEXT, .text = "192.0.2.1" } };
static const struct rplan_value routes[] = { { .kind = RPLAN_TEXT, .text = "10.1.0.0/16" },
					     { .kind = RPLAN_TEXT, .text = "10.2.0.0/16" },
					     { .kind = RPLAN_TEXT, .text = "192.0.2.0/24" } };
static const struct rplan_named_value nat_values[] = { { "external", ITEMS(external) },
						       { "inside", ITEMS(inside) } };
static const struct rplan_named_value firewall_values[] = { { "inside", ITEMS(inside) } };
static const struct rplan_named_value lookup_values[] = { { "routes", ITEMS(routes) } };
static const struct rplan_named_value tagger_values[] = { TEXT("value", "red") };
static const struct rplan_named_value ids_values[] = { TEXT("patterns", "file:patterns") };
static const struct rplan_named_value esp_values[] = {
	TEXT("direction", "seal"),
	TEXT("key", "file:key"),
	{ "spi", { .kind = RPLAN_NUMBER, .number = 256 } }
};
static const struct rplan_values no_values;

static const char *const colours[] = { "green", "red" };
static const struct module_derive marks[] = { { "mark", { colours, 2 }, 0 } };

static const char *const edge_filters[N_EDGES] = {
	"ip.dst in 10.1.0.0/16", "ip.dst in 10.2.0.0/16", "ip.dst in 192.0.2.0/24",
	"not ip.dst in {10.1.0.0/16, 10.2.0.0/16, 192.0.2.0/24}"
};

struct subject {
	const char *name, *base, *class;
	struct rplan_values config;
	bool forks;   /* by edge_filters */
	bool derives; /* a mark */
};

static const struct subject subjects[] = {
	{ "acl", "std.dataplane.acl", "acl", { NULL, 0 }, true, false },
	{ "counter", "std.dataplane.counter", "monitor", { NULL, 0 }, false, false },
	{ "lookup", "std.dataplane.lookup", "lpm", CONFIG(lookup_values), true, false },
	{ "queue", "std.dataplane.queue", "queue", { NULL, 0 }, false, false },
	{ "sink", "std.dataplane.sink", "drop", { NULL, 0 }, false, false },
	{ "tagger", "std.dataplane.tagger", "tagger", CONFIG(tagger_values), false, true },
	{ "balancer", "std.nf.balancer", "balancer", { NULL, 0 }, false, true },
	{ "esp", "std.nf.esp", "esp", CONFIG(esp_values), false, false },
	{ "packet-normalizer",
	  "std.nf.packet-normalizer",
	  "normalizer",
	  { NULL, 0 },
	  false,
	  false },
	{ "pattern-ids", "std.nf.pattern-ids", "ids", CONFIG(ids_values), false, true },
	{ "source-nat", "std.nf.source-nat", "nat", CONFIG(nat_values), false, false },
	{ "stateful-firewall", "std.nf.stateful-firewall", "firewall", CONFIG(firewall_values),
	  false, false },
};

enum { N_SUBJECTS = sizeof(subjects) / sizeof(*subjects) };

static const char patterns[] = "red: /select.+from/i\nred: etc.passwd\nred: cmd\\.exe\n";
static const char key[] = "00112233445566778899aabbccddeeff00112233\n";

/* ---- a run ---- */

struct measuring {
	unsigned sizes[MOST_SIZES];
	size_t n_sizes;
	const char *only[MOST_ITEMS];
	size_t n_only;
	double rounds, core;
	const char *output;
	bool help;
	char folder[64], directory[72];
	const struct filter *filters[N_EDGES], *packets;
	struct chooser *chooser;
	struct module_edge edges[N_EDGES];
	struct module_world world;
	struct module_spec specs[N_SUBJECTS];
	struct profile_item items[N_SUBJECTS];
	size_t n_items;
};

static int complain(int code, const char *what, const char *why)
{
	fprintf(stderr, "epic-dpdkd profile: %s%s%s\n", what, *why ? ": " : "", why);
	return code;
}

static void choose(void *arg, struct burst *b, int16_t *edges)
{
	chooser_first(arg, b->at, b->n, edges);
}

static bool no_device(void *arg, const char *name, uint16_t *index)
{
	(void)arg;
	(void)name;
	(void)index;
	return false;
}

static bool open_edges(struct measuring *m)
{
	const struct filter_names names = { NULL, NULL, no_device, NULL };
	struct filter_error error;

	for (size_t i = 0; i < N_EDGES; i++) {
		m->filters[i] = filter_parse(edge_filters[i], &names, &error);
		m->edges[i] = (struct module_edge){ "out", m->filters[i], false };
		if (!m->filters[i])
			return false;
	}
	/* Ordinary traffic: from inside, half of it to a prefix of the edges. */
	m->packets = filter_parse("ip.src in 10.0.0.0/8 and ip.dst in {10.0.0.0/14, 192.0.2.0/24} "
				  "and ip.proto in {6, 17}",
				  &names, &error);
	m->chooser = chooser_open("profile", m->filters, N_EDGES, CHOOSER_AUTO, &error);
	return m->packets && m->chooser;
}

static bool put_file(const char *folder, const char *name, const char *text)
{
	char path[128];
	FILE *f;
	bool good;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	good = f && fputs(text, f) >= 0;
	return f && !fclose(f) && good;
}

static bool make_files(struct measuring *m)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(m->folder, sizeof(m->folder), "%s/epic-XXXXXX",
		 tmp && strlen(tmp) < 40 ? tmp : "/tmp");
	if (!mkdtemp(m->folder))
		return false;
	snprintf(m->directory, sizeof(m->directory), "%s/", m->folder);
	return put_file(m->folder, "patterns", patterns) && put_file(m->folder, "key", key);
}

static void remove_files(const struct measuring *m)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/patterns", m->folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/key", m->folder);
	unlink(path);
	rmdir(m->folder);
}

static bool is_wanted(const struct measuring *m, const char *name)
{
	for (size_t i = 0; i < m->n_only; i++)
		if (!strcmp(m->only[i], name))
			return true;
	return !m->n_only;
}

static void add_subject(struct measuring *m, const struct subject *s)
{
	struct module_spec *spec = &m->specs[m->n_items];
	struct profile_item *item = &m->items[m->n_items++];

	*spec = (struct module_spec){
		.id = s->name,
		.function = s->base,
		.class = s->class,
		.config = s->config.n ? &s->config : &no_values,
		.derives = marks,
		.n_derives = s->derives,
		.edges = m->edges,
		.n_edges = s->forks ? N_EDGES : 0,
		.world = &m->world,
	};
	*item = (struct profile_item){
		.name = s->name,
		.base = s->base,
		.ops = module_class(s->class),
		.spec = spec,
		.sizes = m->sizes,
		.n_sizes = m->n_sizes,
		.filter = m->packets,
		.payload = "GET /index.html HTTP/1.1\r\nHost: example.org\r\n",
		.choose = s->forks ? choose : NULL,
		.choose_arg = m->chooser,
	};
}

static int write_profile(struct measuring *m, const struct profile_request *r)
{
	struct profile_error error = { "no memory" };
	struct output_error why;
	char *bytes = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&bytes, &n);
	bool good = out && profile_run(r, out, &error);
	int code = EXIT_DONE;

	if (out && fclose(out))
		good = false;
	if (!good)
		code = complain(EXIT_ENVIRONMENT, error.text, "");
	else if (!output_write(m->output, bytes, n, &why))
		code = complain(EXIT_ENVIRONMENT, why.text, "");
	free(bytes);
	return code;
}

static int measure(struct measuring *m)
{
	time_t now = time(NULL);
	struct tm day;
	char date[16];
	struct profile_request r = { .items = m->items,
				     .rounds = (unsigned)m->rounds,
				     .hz = rte_get_tsc_hz(),
				     .date = date };

	strftime(date, sizeof(date), "%Y-%m-%d", gmtime_r(&now, &day));
	r.pool = rte_pktmbuf_pool_create("epic", N_MBUFS, 256, sizeof(struct packet),
					 RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (!r.pool || !make_files(m) || !open_edges(m))
		return complain(EXIT_ENVIRONMENT, "no memory, or no place for files", "");
	m->world = (struct module_world){
		.directory = m->directory, .pool = r.pool, .n_workers = 1, .hz = r.hz
	};
	for (size_t i = 0; i < N_SUBJECTS; i++)
		if (is_wanted(m, subjects[i].name))
			add_subject(m, &subjects[i]);
	r.n_items = m->n_items;
	return write_profile(m, &r);
}

/* ---- the command line ---- */

static bool take_sizes(struct measuring *m, const char *text)
{
	m->n_sizes = 0;
	for (const char *at = text; m->n_sizes < MOST_SIZES;) {
		char *end;
		unsigned long n = strtoul(at, &end, 10);

		if (end == at || n < 60 || n > 1518)
			return false;
		m->sizes[m->n_sizes++] = (unsigned)n;
		if (!*end)
			return true;
		if (*end != ',')
			return false;
		at = end + 1;
	}
	return false;
}

static bool take_function(struct measuring *m, const char *name)
{
	for (size_t i = 0; i < N_SUBJECTS; i++)
		if (!strcmp(subjects[i].name, name) && m->n_only < MOST_ITEMS) {
			m->only[m->n_only++] = name;
			return true;
		}
	return false;
}

static bool take(struct measuring *m, int which, const char *value)
{
	switch (which) {
	case OPT_SIZES:
		return take_sizes(m, value);
	case OPT_ROUNDS:
		return options_number(value, 1, 1000, &m->rounds);
	case OPT_FUNCTION:
		return take_function(m, value);
	case OPT_OUTPUT:
		m->output = value;
		return true;
	case OPT_CORE:
		return options_number(value, 0, 1023, &m->core);
	case OPT_HELP:
		m->help = true;
		return true;
	default:
		return false;
	}
}

static int parse(struct measuring *m, struct options *o)
{
	int which;

	while ((which = options_next(o)) != OPTIONS_END) {
		if (which == OPTIONS_BAD)
			return complain(EXIT_USE, o->error, "");
		if (which == OPTIONS_WORD || !take(m, which, o->value))
			return complain(EXIT_USE,
					which == OPTIONS_WORD ? "not understood" : rows[which].name,
					o->value);
	}
	return EXIT_DONE;
}

static int print_help(void)
{
	puts("Usage: epic-dpdkd profile [OPTIONS]\n\n"
	     "Measures the standard functions alone and writes `std.measured`, a module of\n"
	     "functions with the costs of this machine. As std/measured.epi on a search path,\n"
	     "`use std.measured;` makes them `measured.acl` and so on.\n\nFunctions:");
	for (size_t i = 0; i < N_SUBJECTS; i++)
		printf("  %-18s %s\n", subjects[i].name, module_class(subjects[i].class)->summary);
	puts("");
	options_help(rows, stdout);
	return fflush(stdout) ? EXIT_ENVIRONMENT : EXIT_DONE;
}

int profile_main(int argc, char **argv)
{
	struct measuring m = { .sizes = { 64, 512, 1500 }, .n_sizes = 3, .output = "-" };
	struct options o = { .rows = rows, .argc = argc, .argv = argv };
	struct eal eal = { 0 };
	struct eal_error error;
	unsigned core;
	int code = parse(&m, &o);

	if (code || m.help)
		return code ? code : print_help();
	core = (unsigned)m.core;
	eal_add(&eal, argv[0]);
	eal_add(&eal, "--no-telemetry");
	if (!eal_complete(&eal, &core, 1, N_MBUFS, &error) || !eal_start(&eal, &error)) {
		eal_free(&eal);
		return complain(EXIT_ENVIRONMENT, error.text, "");
	}
	code = measure(&m);
	if (*m.folder)
		remove_files(&m);
	chooser_close(m.chooser);
	for (size_t i = 0; i < N_EDGES; i++)
		filter_free(m.filters[i]);
	filter_free(m.packets);
	rte_mempool_free(m.world.pool);
	eal_stop(&eal);
	eal_free(&eal);
	return code;
}
