/* The work of tests/bench/dataplane_pipelines.py's `fan` in a bare loop: the same generator, the
 * same filters, the same `work` on three ways, and packets freed; no graph, no tasks, no
 * scheduler, no counters.  What epic-dpdkd needs beyond this is its overhead.
 *
 *	bare_loop CYCLES SECONDS
 *
 * Prints packets, seconds, and how many of these the thread had to wait for its core. */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_launch.h>

#include "runtime/dpdk/eal.h"
#include "runtime/dpdk/filter.h"
#include "runtime/dpdk/generate.h"
#include "runtime/dpdk/module.h"
#include "runtime/dpdk/packet.h"

enum { WAYS = 3, FLOWS = 2000, MBUFS = 16384, POOL_CACHE = 256 };

#define WARM_UP 0.25 /* seconds */

struct loop {
	void *generator;
	struct chooser *chooser;
	void *works[WAYS];
	double seconds;
	uint64_t hz;
	/* The outcome. */
	uint64_t packets, cycles, waited; /* waited: ns */
};

/* As canonical filters, what the edges of `fan` say, and what its classes come to. */
static const char *const ways[WAYS] = {
	"ip.proto == 17 and l4.dport == 80",
	"ip.proto == 17 and l4.dport == 81",
	"not ip.proto == 17 or not l4.dport in {80, 81}",
};

static bool no_tag(void *arg, const char *name, uint8_t *tag)
{
	(void)arg, (void)name, (void)tag;
	return false;
}

static bool no_value(void *arg, uint8_t tag, const char *value, uint16_t *index)
{
	(void)arg, (void)tag, (void)value, (void)index;
	return false;
}

static bool no_device(void *arg, const char *name, uint16_t *index)
{
	(void)arg, (void)name, (void)index;
	return false;
}

static const struct filter_names no_names = { no_tag, no_value, no_device, NULL };

static void die(const char *what, const char *why)
{
	fprintf(stderr, "bare_loop: %s: %s\n", what, why);
	exit(1);
}

/* ---- setting up ---- */

static void open_generator(struct loop *l, const struct filter *const *filters,
			   struct rte_mempool *pool)
{
	struct generate_class classes[WAYS] = { 0 };
	struct generate_request r = { .classes = classes,
				      .n_classes = WAYS,
				      .seed = 1,
				      .pool = pool,
				      .hz = l->hz,
				      .n_receive = 1,
				      .n_send = 1 };
	struct generate_error error;

	for (unsigned i = 0; i < WAYS; i++)
		classes[i] = (struct generate_class){ .name = ways[i],
						      .index = i,
						      .bytes = GENERATE_BYTES,
						      .n_flows = FLOWS,
						      .filter = filters[i] };
	l->generator = generate_open(&r, &error);
	if (!l->generator)
		die("the generator", error.text);
}

static void open_works(struct loop *l, double cycles, struct rte_mempool *pool)
{
	const struct module_world world = { .pool = pool, .n_workers = 1, .hz = l->hz, .directory = "" };
	const struct rplan_values nothing = { 0 };
	const struct module_spec spec = { .id = "work",
					  .class = "work",
					  .role = ROLE_EXIT,
					  .config = &nothing,
					  .cost_cycles = cycles,
					  .world = &world };
	struct module_error error;

	for (unsigned i = 0; i < WAYS; i++) {
		l->works[i] = module_class("work")->open(&spec, &error);
		if (!l->works[i])
			die("work", error.text);
	}
}

static void set_up(struct loop *l, double cycles)
{
	const struct filter *filters[WAYS];
	struct filter_error error;
	struct rte_mempool *pool =
		rte_pktmbuf_pool_create("bare", MBUFS, POOL_CACHE, sizeof(struct packet),
					RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);

	if (!pool)
		die("packets", "no memory");
	l->hz = rte_get_tsc_hz();
	for (unsigned i = 0; i < WAYS; i++)
		if (!(filters[i] = filter_parse(ways[i], &no_names, &error)))
			die(ways[i], error.text);
	l->chooser = chooser_open("bare", filters, WAYS, CHOOSER_AUTO, &error);
	if (!l->chooser)
		die("the filters", error.text);
	open_generator(l, filters, pool);
	open_works(l, cycles, pool);
}

/* ---- the loop ---- */

static void part(const struct burst *b, const int16_t *way, struct burst *parts)
{
	for (unsigned i = 0; i < WAYS; i++)
		parts[i].n = 0;
	for (unsigned i = 0; i < b->n; i++) {
		struct burst *p = &parts[way[i] < 0 ? WAYS - 1 : way[i]];

		p->at[p->n++] = b->at[i];
	}
}

static unsigned once(struct loop *l)
{
	struct burst b = { .now = rte_rdtsc() }, parts[WAYS];
	int16_t way[BURST];

	b.n = generate_ops.receive(l->generator, 0, b.now, b.at, BURST);
	chooser_first(l->chooser, b.at, b.n, way);
	part(&b, way, parts);
	for (unsigned i = 0; i < WAYS; i++) {
		if (!parts[i].n)
			continue;
		module_class("work")->run(l->works[i], &parts[i]);
		rte_pktmbuf_free_bulk(parts[i].at, parts[i].n);
	}
	return b.n;
}

static uint64_t waited(void)
{
	uint64_t run, wait = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%ld/schedstat", syscall(SYS_gettid));
	f = fopen(path, "r");
	if (!f || fscanf(f, "%" SCNu64 " %" SCNu64, &run, &wait) != 2)
		wait = 0;
	if (f)
		fclose(f);
	return wait;
}

static uint64_t go_on(struct loop *l, double seconds)
{
	uint64_t end = rte_rdtsc() + (uint64_t)(seconds * (double)l->hz), n = 0;

	while (rte_rdtsc() < end)
		n += once(l);
	return n;
}

static int run(void *arg)
{
	struct loop *l = arg;
	uint64_t begin, before;

	go_on(l, WARM_UP);
	before = waited();
	begin = rte_rdtsc();
	l->packets = go_on(l, l->seconds);
	l->cycles = rte_rdtsc() - begin;
	l->waited = waited() - before;
	return 0;
}

int main(int argc, char **argv)
{
	struct loop l = { 0 };
	struct eal eal = { 0 };
	struct eal_error error;
	const unsigned core = 0;

	if (argc != 3)
		die("usage", "bare_loop CYCLES SECONDS");
	l.seconds = atof(argv[2]);
	eal_add(&eal, argv[0]);
	eal_add(&eal, "--no-telemetry");
	if (!eal_complete(&eal, &core, 1, MBUFS, &error) || !eal_start(&eal, &error))
		die("start", error.text);
	set_up(&l, atof(argv[1]));
	rte_eal_remote_launch(run, &l, 0);
	rte_eal_wait_lcore(0);
	printf("%" PRIu64 " %.9f %.9f\n", l.packets, (double)l.cycles / (double)l.hz,
	       (double)l.waited / 1e9);
	eal_stop(&eal);
	return 0;
}
