/* Spends the cycles that its function costs, for experiments; or those of its `cycles`, where the
 * cost is to say what was measured, which is more.
 *
 * The work is a chain of multiplications in a register, each of which needs the one before; it
 * takes longer where the core is slower, as real work does, which waiting for a time would not.
 * How many make a cycle of the time stamp counter is found when the instance is opened.
 *
 * The cycles of a burst are spent at once: rounding to whole multiplications and the cost of
 * beginning and ending the chain then happen once, not per packet. */
#include <config.h>

#include <math.h>
#include <stdlib.h>

#include <rte_cycles.h>

#include "runtime/dpdk/config.h"
#include "runtime/dpdk/module.h"

enum { CALIBRATIONS = 31, SHORT_CHAIN = 1000, LONG_CHAIN = 21000, WARM_UP = 500000 };

struct work {
	double cycles, cycles_per_byte;
	double links_per_cycle; /* multiplications of the chain */
	double overhead;        /* cycles of a chain without links */
};

static inline void work_finish(void)
{
#ifdef RTE_ARCH_X86
	/* Else the core begins with what follows while the end of the chain still waits. */
	__asm__ volatile("lfence" ::: "memory");
#else
	__asm__ volatile("" ::: "memory");
#endif
}

static __attribute__((noinline)) void work_chain(uint64_t links)
{
	uint64_t x = links | 1;

	while (links--) {
		x *= 0x9e3779b97f4a7c15;
		__asm__ volatile("" : "+r"(x));
	}
	work_finish();
}

static double work_measure(uint64_t links)
{
	uint64_t begin = rte_rdtsc_precise();

	work_chain(links);
	return (double)(rte_rdtsc_precise() - begin);
}

static double work_measure_nothing(void)
{
	uint64_t begin = rte_rdtsc_precise();

	work_finish();
	return (double)(rte_rdtsc_precise() - begin);
}

static int by_value(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;

	return (a > b) - (a < b);
}

static double median(double *values)
{
	qsort(values, CALIBRATIONS, sizeof(*values), by_value);
	return values[CALIBRATIONS / 2];
}

/* Medians, as a run that is interrupted is far off. */
static void work_calibrate(struct work *w)
{
	double shorts[CALIBRATIONS], longs[CALIBRATIONS], nothings[CALIBRATIONS], per_link, begin;

	work_chain(WARM_UP); /* the core may have slept */
	for (unsigned i = 0; i < CALIBRATIONS; i++) {
		nothings[i] = work_measure_nothing();
		shorts[i] = work_measure(SHORT_CHAIN);
		longs[i] = work_measure(LONG_CHAIN);
	}
	begin = median(shorts);
	per_link = (median(longs) - begin) / (LONG_CHAIN - SHORT_CHAIN);
	w->links_per_cycle = 1 / per_link;
	w->overhead = fmax(0, begin - per_link * SHORT_CHAIN - median(nothings));
}

static void *work_open(const struct module_spec *spec, struct module_error *e)
{
	static const char *const names[] = { "cycles", NULL };
	struct work *w;
	double cycles;

	if (!config_known(spec, names, e) ||
	    !config_number(spec, "cycles", 0, 1e9, spec->cost_cycles, &cycles, e))
		return NULL;
	w = calloc(1, sizeof(*w));
	if (!w) {
		module_fail(e, "no memory");
		return NULL;
	}
	w->cycles = cycles;
	w->cycles_per_byte = spec->cost_cycles_per_byte;
	if (w->cycles > 0 || w->cycles_per_byte > 0)
		work_calibrate(w);
	return w;
}

static double bytes_of(const struct burst *b)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < b->n; i++)
		bytes += b->at[i]->pkt_len;
	return (double)bytes;
}

static void work_run(void *state, struct burst *b)
{
	const struct work *w = state;
	double cycles = w->cycles * b->n;

	if (w->cycles_per_byte > 0)
		cycles += w->cycles_per_byte * bytes_of(b);
	if (cycles > w->overhead)
		work_chain((uint64_t)((cycles - w->overhead) * w->links_per_cycle + 0.5));
}

const struct module_ops module_work = {
	.class = "work",
	.summary = "spends the cycles that its function costs",
	.flags = MODULE_PURE | MODULE_KEEPS,
	.open = work_open,
	.close = free,
	.run = work_run,
};
