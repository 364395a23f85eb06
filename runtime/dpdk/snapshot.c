/* A look at all counters. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_lcore.h>

#include "runtime/dpdk/dataplane.h"

struct looking {
	struct dataplane *dataplane;
	const struct graph *graph;
	struct stats *stats;
	const size_t *row; /* state -> class */
	uint32_t n_states;
};

/* ---- sums over states ---- */

static uint64_t sum(const struct looking *l, const uint64_t *by_state)
{
	uint64_t n = 0;

	for (uint32_t s = 0; s < l->n_states; s++)
		n += by_state[s];
	return n;
}

#define SPREAD(l, member, by_state)                     \
	for (uint32_t s_ = 0; s_ < (l)->n_states; s_++) \
		if ((by_state)[s_])                     \
	(l)->stats->classes[(l)->row[s_]].member += (by_state)[s_]

static double cost_of(const struct hop *h)
{
	return h->sample.packets ? (double)h->sample.cycles / (double)h->sample.packets
				 : h->instance->row->cost_cycles;
}

static void look_at_way(struct looking *l, const struct way *w)
{
	SPREAD(l, left, w->left);
	SPREAD(l, entered, w->entered);
	if (w->hop)
		return;
	SPREAD(l, queued, w->crossed);
	for (uint32_t s = 0; s < l->n_states; s++)
		if (w->overflown[s])
			l->stats->classes[l->row[s]].queued -= w->overflown[s];
	SPREAD(l, dropped[DROP_QUEUE], w->overflown);
	SPREAD(l, overflown, w->overflown);
}

/* ---- what came to each hop ---- */

static void come(struct looking *l, struct hop *h, const uint64_t *by_state);

static void come_by(struct looking *l, const struct way *w, const uint64_t *all)
{
	if (w->hop)
		come(l, w->hop, w->crossed ? w->crossed : all);
}

/* Adds what came to H by one way; where its own way is not counted, that goes on. */
static void come(struct looking *l, struct hop *h, const uint64_t *by_state)
{
	for (uint32_t s = 0; s < l->n_states; s++)
		h->in[s] += by_state[s];
	if (h->n_ways == 1 && !h->ways->crossed)
		come_by(l, h->ways, by_state);
}

static void count_in(struct looking *l, struct task *t)
{
	for (size_t i = 0; i < t->n_hops; i++)
		memset(t->hops[i].in, 0, l->n_states * sizeof(uint64_t));
	come(l, t->root, t->queue ? t->dequeued : t->received);
	for (size_t i = 0; i < t->n_hops; i++) {
		struct hop *h = &t->hops[i];

		for (unsigned k = 0; k < h->n_ways; k++)
			if (h->ways[k].crossed)
				come_by(l, &h->ways[k], NULL);
		for (unsigned k = 0; k < h->n_copies; k++)
			come_by(l, &h->copies[k], NULL);
	}
}

/* ---- rows ---- */

static void look_at_hop(struct looking *l, const struct hop *h)
{
	double cost = cost_of(h);

	for (uint32_t s = 0; s < l->n_states; s++)
		if (h->in[s])
			l->stats->classes[l->row[s]].cycles += cost * (double)h->in[s];
	SPREAD(l, copied, h->copied);
	SPREAD(l, sent, h->sent);
	SPREAD(l, sent_bytes, h->sent_bytes);
	SPREAD(l, held, h->tally.held);
	for (int why = 0; why < N_DROP_REASONS; why++)
		SPREAD(l, dropped[why], h->tally.dropped + (size_t)why * l->n_states);
	for (unsigned i = 0; i < h->n_ways; i++)
		look_at_way(l, &h->ways[i]);
	for (unsigned i = 0; i < h->n_copies; i++)
		look_at_way(l, &h->copies[i]);
	for (size_t i = 0; h->latency && i < l->stats->n_classes; i++)
		latency_sum(&l->stats->classes[i].latency, &h->latency[i]);
}

static void look_at_source(struct looking *l, const struct task *t)
{
	double cost = t->sample.packets ? (double)t->sample.cycles / (double)t->sample.packets : 0;

	SPREAD(l, received, t->received);
	SPREAD(l, received_bytes, t->received_bytes);
	for (uint32_t s = 0; s < l->n_states; s++)
		if (t->received[s])
			l->stats->classes[l->row[s]].cycles += cost * (double)t->received[s];
}

static void look_at_queue(struct looking *l, const struct task *t, struct stats_task *row)
{
	row->queue = true;
	row->queued = rte_ring_count(t->queue->ring);
	row->capacity = t->queue->ring->capacity;
	row->enqueued = sum(l, t->dequeued) + row->queued;
	row->overflown = __atomic_load_n(&t->queue->overflown, __ATOMIC_RELAXED);
}

static void look_at_task(struct looking *l, struct task *t)
{
	struct stats_task *row = &l->stats->tasks[l->stats->n_tasks++];

	*row = (struct stats_task){ .id = t->id,
				    .root = t->root_id,
				    .early = t->early,
				    .worker = t->sender,
				    .copy = t->copy,
				    .weight = t->weight,
				    .priority = t->priority,
				    .runs = t->runs,
				    .packets = t->packets,
				    .cycles = t->cycles };
	for (uint32_t s = 0; s < l->n_states; s++)
		if (t->dequeued[s])
			l->stats->classes[l->row[s]].queued -= t->dequeued[s];
	if (t->queue)
		look_at_queue(l, t, row);
	else
		look_at_source(l, t);
	count_in(l, t);
	for (size_t i = 0; i < t->n_hops; i++)
		look_at_hop(l, &t->hops[i]);
}

static void look_at_module(struct looking *l, const struct instance *m)
{
	struct stats_module *row = &l->stats->modules[l->stats->n_modules++];
	uint64_t cycles = 0, packets = 0, bytes = 0;

	*row = (struct stats_module){ .id = m->row->id,
				      .function = m->row->function,
				      .class = m->ops->class,
				      .copy = m->copy,
				      .cost_cycles = m->row->cost_cycles,
				      .cost_cycles_per_byte = m->row->cost_cycles_per_byte };
	for (size_t i = 0; i < l->graph->n_tasks; i++)
		for (size_t k = 0; k < l->graph->tasks[i].n_hops; k++) {
			const struct hop *h = &l->graph->tasks[i].hops[k];

			if (h->instance != m)
				continue;
			row->packets += sum(l, h->in);
			row->held += sum(l, h->tally.held);
			for (int why = 0; why < N_DROP_REASONS; why++)
				row->dropped[why] +=
				    sum(l, h->tally.dropped + (size_t)why * l->n_states);
			cycles += h->sample.cycles;
			packets += h->sample.packets;
			bytes += h->sample.bytes;
			if (!l->graph->tasks[i].queue && h == l->graph->tasks[i].root) {
				cycles += l->graph->tasks[i].sample.cycles;
				packets = packets ? packets : l->graph->tasks[i].sample.packets;
			}
		}
	if (packets)
		row->bytes = (uint64_t)((double)bytes / (double)packets * (double)row->packets);
	row->cycles = packets ? (double)cycles / (double)packets : 0;
	if (m->ops->counters)
		row->n_counters = m->ops->counters(m->state, row->counters);
}

static void look_at_classes(struct looking *l)
{
	const struct rplan_schedule *s = l->graph->schedule;

	l->stats->n_classes = classes_count(l->graph->classes);
	for (size_t i = 0; i < l->stats->n_classes; i++) {
		struct stats_class *row = &l->stats->classes[i];

		row->name = classes_name(l->graph->classes, i);
		for (size_t k = 0; s && k < s->predicted.n; k++)
			if (!strcmp(s->predicted.names[k], row->name)) {
				row->cpu_share = s->predicted.at[k].cpu_share;
				row->rate_pps = s->predicted.at[k].rate_pps;
			}
	}
	l->stats->classes[l->stats->n_classes - 1].entered += l->graph->held_before;
}

static void look_at_worker(struct looking *l, const struct worker *w)
{
	l->stats->workers[l->stats->n_workers++] = (struct stats_worker){
		.index = w->index,
		.core = (unsigned)rte_lcore_to_cpu_id((int)w->lcore),
		.copy = w->index / l->graph->n_workers,
		.cycles = rte_rdtsc() - w->begun,
		.busy = w->busy,
	};
}

static void look_at_device(struct looking *l, const struct device *d)
{
	struct device_counts c = { 0 }, base = { 0 };

	if (d->index < l->dataplane->n_bases)
		base = l->dataplane->bases[d->index];
	if (d->ops->counts)
		d->ops->counts(d->state, &c);
	l->stats->devices[l->stats->n_devices++] = (struct stats_device){
		d->name,
		d->ops->name,
		c.received - base.received,
		c.sent - base.sent,
		c.missed - base.missed,
		c.refused - base.refused,
	};
}

static bool make_room(struct looking *l)
{
	struct stats *s = l->stats;

	s->workers = calloc(l->dataplane->n_workers + 1, sizeof(*s->workers));
	s->tasks = calloc(l->graph->n_tasks + 1, sizeof(*s->tasks));
	s->modules = calloc(l->graph->n_instances + 1, sizeof(*s->modules));
	s->classes = calloc(classes_count(l->graph->classes) + 1, sizeof(*s->classes));
	s->devices = calloc(devices_count(l->dataplane->devices) + 1, sizeof(*s->devices));
	return s->workers && s->tasks && s->modules && s->classes && s->devices;
}

static void look(struct looking *l)
{
	const struct dataplane *d = l->dataplane;
	struct stats *s = l->stats;

	s->hz = (double)rte_get_tsc_hz();
	s->seconds = (double)(rte_rdtsc() - d->workers[0].begun) / s->hz;
	s->plan = d->plan;
	s->target = l->graph->target->name;
	s->pipeline = l->graph->config->pipelines.n ? l->graph->config->pipelines.at[0] : "";
	s->slo = l->graph->schedule ? l->graph->schedule->slo : NULL;
	s->reloads = d->reloads;
	s->before_received = d->received_before;
	s->before_sent = d->sent_before;
	s->before_dropped = d->dropped_before;
	s->paused = !d->is_running;
	look_at_classes(l);
	for (size_t i = 0; i < d->n_workers; i++)
		look_at_worker(l, &d->workers[i]);
	for (size_t i = 0; i < l->graph->n_tasks; i++)
		look_at_task(l, &l->graph->tasks[i]);
	for (size_t i = 0; i < l->graph->n_instances; i++)
		look_at_module(l, &l->graph->instances[i]);
	for (size_t i = 0; i < devices_count(d->devices); i++)
		look_at_device(l, devices_at(d->devices, i));
}

struct stats *dataplane_stats_of(struct dataplane *d, struct graph *g)
{
	struct looking l = { .dataplane = d, .graph = g, .stats = calloc(1, sizeof(*l.stats)) };

	l.row = classes_of_states(g->classes);
	l.n_states = classes_most_states(g->classes);
	if (l.stats && make_room(&l)) {
		look(&l);
		return l.stats;
	}
	stats_free(l.stats);
	return NULL;
}

struct stats *dataplane_stats(struct dataplane *d)
{
	struct stats *s;

	pthread_mutex_lock(&d->lock);
	s = dataplane_stats_of(d, d->graph);
	if (s && !stats_own_texts(s)) {
		stats_free(s);
		s = NULL;
	}
	pthread_mutex_unlock(&d->lock);
	return s;
}
