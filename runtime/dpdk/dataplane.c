#include <config.h>

#include "runtime/dpdk/dataplane.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include "runtime/dpdk/device_kinds.h"
#include "runtime/dpdk/traffic.h"

enum { POOL_CACHE = 256, MOST_MBUFS = 1 << 26 };

/* Of a graph that is being built. */
struct building_devices {
	struct dataplane *dataplane;
	const struct rplan_plan *plan;
	unsigned n_copies;
};

static bool fail(struct dataplane_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool fail(struct dataplane_error *error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	return false;
}

/* ---- before there is an EAL ---- */

static const struct rplan_target *only_target(const struct rplan_plan *plan, const char *name,
					      struct dataplane_error *error)
{
	const struct rplan_target *found = NULL;

	for (size_t i = 0; i < plan->targets.n; i++) {
		const struct rplan_target *t = &plan->targets.at[i];

		if (name ? !strcmp(t->name, name) : rplan_target_dpdk(t) != NULL) {
			if (found) {
				fail(error,
				     "several targets are for dpdk: choose one with "
				     "--target, like --target %s",
				     found->name);
				return NULL;
			}
			found = t;
		}
	}
	if (!found && name)
		fail(error, "the plan has no target '%s'", name);
	else if (!found)
		fail(error, "the plan has no target for dpdk");
	else if (!rplan_target_dpdk(found))
		fail(error, "target '%s' is for %s, not for dpdk", name, found->backend);
	return found && rplan_target_dpdk(found) ? found : NULL;
}

static size_t n_tasks(const struct rplan_plan *plan, const struct rplan_packet_config *c)
{
	return c->schedule.present ? plan->schedules.at[c->schedule.value].tasks.n : 0;
}

/* Devices have packets in their rings, and some modules hold them. */
static size_t n_keepers(const struct rplan_packet_config *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->modules.n; i++) {
		const char *class = c->modules.at[i].class;
		const struct module_ops *ops = class ? module_class(class) : NULL;

		n += ops && (ops->release || !strcmp(class, "port"));
	}
	return n;
}

static bool needs_of(const struct rplan_plan *plan, const struct rplan_target *t, unsigned n_copies,
		     struct dataplane_needs *n, struct dataplane_error *error)
{
	const struct rplan_packet_config *c = rplan_target_dpdk(t);
	int64_t stride = c->cores.n ? c->cores.at[c->cores.n - 1] - c->cores.at[0] + 1 : 0;
	unsigned copies = n_copies ? n_copies : (unsigned)c->replicas;
	double mbufs;

	if (!c->cores.n || c->cores.n > RTE_MAX_LCORE || c->replicas < 1 || c->replicas > 1024)
		return fail(error, "target '%s' names no cores, or too many", t->name);
	n->target = strdup(t->name);
	n->n_workers = (unsigned)c->cores.n;
	n->n_copies = (unsigned)c->replicas;
	n->cores = calloc((size_t)copies * c->cores.n, sizeof(*n->cores));
	if (!n->target || !n->cores)
		return fail(error, "no memory");
	for (unsigned copy = 0; copy < copies; copy++)
		for (size_t i = 0; i < c->cores.n; i++)
			n->cores[copy * c->cores.n + i] =
			    (unsigned)(c->cores.at[i] + copy * stride);
	mbufs = 8192 + copies * ((double)n_tasks(plan, c) * (double)c->queue_packets +
				 4096.0 * (double)n_keepers(c));
	if (c->queue_packets < 1 || mbufs > MOST_MBUFS)
		return fail(error, "target '%s' wants queues of %lld packets", t->name,
			    (long long)c->queue_packets);
	n->n_mbufs = (unsigned)mbufs;
	return true;
}

static bool add_pci(struct dataplane_needs *n, const struct rplan_module *m)
{
	char number[32];
	const char *name = graph_device_name(m, number);
	char **at;

	if (!name || !ethdev_is_pci(name))
		return true;
	at = realloc(n->pci, (n->n_pci + 1) * sizeof(*at));
	if (!at)
		return false;
	n->pci = at;
	n->pci[n->n_pci] = strdup(name);
	return n->pci[n->n_pci++];
}

static bool find_pci(const struct rplan_plan *plan, const struct rplan_target *t,
		     struct dataplane_needs *n)
{
	const struct rplan_packet_config *c = rplan_target_dpdk(t);

	for (size_t i = 0; i < plan->pipelines.n; i++)
		for (size_t k = 0; k < c->pipelines.n; k++)
			for (size_t m = 0;
			     !strcmp(plan->pipelines.at[i].name, c->pipelines.at[k]) &&
			     m < plan->pipelines.at[i].modules.n;
			     m++)
				if (!add_pci(n, &plan->pipelines.at[i].modules.at[m]))
					return false;
	return true;
}

bool dataplane_look(const char *path, const char *target, unsigned n_copies,
		    struct dataplane_needs *n, struct dataplane_error *error)
{
	struct plan_error why;
	const struct rplan_plan *plan = plan_open(path, &why);
	const struct rplan_target *t;
	bool good;

	*n = (struct dataplane_needs){ 0 };
	if (!plan)
		return fail(error, "%s: %s", path, why.text);
	t = only_target(plan, target, error);
	good = t && needs_of(plan, t, n_copies, n, error) && find_pci(plan, t, n);
	plan_close(plan);
	if (!good)
		dataplane_forget(n);
	return good;
}

void dataplane_forget(struct dataplane_needs *n)
{
	for (size_t i = 0; i < n->n_pci; i++)
		free(n->pci[i]);
	free(n->pci);
	free(n->target);
	free(n->cores);
	*n = (struct dataplane_needs){ 0 };
}

/* ---- devices ---- */

static struct device *device_opened(struct building_devices *, const struct rplan_module *,
				    const char *name, bool receives, struct device_error *);

/* Telemetry's thread walks over the devices. */
static struct device *device_for(void *arg, const struct rplan_module *module, const char *name,
				 bool receives, unsigned copy, struct device_error *error)
{
	struct building_devices *b = arg;
	struct device *device;

	(void)copy;
	pthread_mutex_lock(&b->dataplane->lock);
	device = device_opened(b, module, name, receives, error);
	pthread_mutex_unlock(&b->dataplane->lock);
	return device;
}

/* With a generator, what is not bound is a generator where packets come in and nothing where they
 * leave. */
static struct device *device_opened(struct building_devices *b, const struct rplan_module *module,
				    const char *name, bool receives, struct device_error *error)
{
	struct dataplane *d = b->dataplane;
	const char *what = devices_bound(d->devices, name);
	bool is_bound = what != name;
	struct traffic_request r = { .plan = b->plan,
				     .module = module->id,
				     .text = d->request.generate,
				     .pool = d->pool,
				     .hz = rte_get_tsc_hz(),
				     .n_receive = b->n_copies,
				     .n_send = (unsigned)d->n_workers };
	char binding[256];
	uint16_t index;

	if (devices_index(d->devices, name, &index))
		return devices_find(d->devices, name, error);
	if (d->request.generate && receives && (!is_bound || !strcmp(what, "generate")))
		return traffic_open(d->devices, name, &r, error);
	if (d->request.generate && !is_bound) {
		snprintf(binding, sizeof(binding), "%s=null", name);
		if (!devices_bind(d->devices, binding, error))
			return NULL;
	}
	return devices_find(d->devices, name, error);
}

/* ---- graphs ---- */

static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? strndup(path, (size_t)(slash - path) + 1) : strdup("");
}

static struct graph *build(struct dataplane *d, const char *path, struct dataplane_error *error)
{
	struct plan_error plan_error;
	struct graph_error graph_error;
	const struct rplan_plan *plan = plan_open(path, &plan_error);
	char *directory = directory_of(path);
	struct building_devices b = { .dataplane = d, .plan = plan };
	struct graph_request r = {
		.plan = plan,
		.target = d->target,
		.n_copies = d->request.n_copies,
		.generation = ++d->generation,
		.before = d->graph,
		.world = { .directory = directory,
			   .pool = d->pool,
			   .devices = d->devices,
			   .n_workers = (unsigned)d->n_workers,
			   .hz = rte_get_tsc_hz() },
		.device = device_for,
		.arg = &b,
	};
	struct graph *g = NULL;

	b.n_copies = d->request.n_copies ? d->request.n_copies : 1;
	if (!plan)
		fail(error, "%s: %s", path, plan_error.text);
	else if (!directory)
		plan_close(plan);
	else if (!(g = graph_build(&r, &graph_error)))
		fail(error, "%s", graph_error.text);
	free(directory);
	return g;
}

static bool fits(const struct dataplane *d, const struct graph *g, struct dataplane_error *error)
{
	return g->n_copies * g->n_workers == d->n_workers ||
	       fail(error, "the plan wants %u x %u workers, but %zu run", g->n_copies, g->n_workers,
		    d->n_workers);
}

/* The schedules of all workers; NULL: no memory. */
static struct worker_plan *plan_workers(const struct dataplane *d, const struct graph *g)
{
	struct worker_plan *plans = calloc(d->n_workers + 1, sizeof(*plans));
	bool good = plans;

	for (size_t i = 0; good && i < d->n_workers; i++)
		good = worker_plan(&plans[i], (unsigned)i, g);
	if (good)
		return plans;
	for (size_t i = 0; plans && i < d->n_workers; i++)
		worker_plan_free(&plans[i]);
	free(plans);
	return NULL;
}

static void set_workers(struct dataplane *d, struct worker_plan *plans)
{
	for (size_t i = 0; i < d->n_workers; i++)
		worker_set(&d->workers[i], plans[i]);
	free(plans);
}

/* ---- starting ---- */

static bool bind_all(struct dataplane *d, struct dataplane_error *error)
{
	struct device_error why;

	for (size_t i = 0; i < d->request.n_bindings; i++)
		if (!devices_bind(d->devices, d->request.bindings[i], &why))
			return fail(error, "%s", why.text);
	return true;
}

static bool make_pool(struct dataplane *d, struct dataplane_error *error)
{
	d->pool =
	    rte_pktmbuf_pool_create("epic", d->request.n_mbufs, POOL_CACHE, sizeof(struct packet),
				    RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	return d->pool || fail(error,
			       "no memory for %u packets: %s (less with --mbufs, or more "
			       "memory with -m)",
			       d->request.n_mbufs, rte_strerror(rte_errno));
}

struct dataplane *dataplane_open(const struct dataplane_request *r, struct dataplane_error *error)
{
	struct dataplane *d = calloc(1, sizeof(*d));
	struct worker_plan *plans;

	fail(error, "no memory");
	if (!d)
		return NULL;
	d->request = *r;
	pthread_mutex_init(&d->lock, NULL);
	d->n_workers = r->n_lcores;
	d->plan = strdup(r->plan);
	d->target = strdup(r->target);
	d->workers = calloc(d->n_workers + 1, sizeof(*d->workers));
	if (!d->plan || !d->target || !d->workers)
		goto fail;
	for (size_t i = 0; i < d->n_workers; i++) {
		d->workers[i].index = (unsigned)i;
		d->workers[i].lcore = r->lcores[i];
		d->workers[i].hz = rte_get_tsc_hz();
	}
	if (!make_pool(d, error))
		goto fail;
	d->devices = devices_new(d->pool, r->n_copies, (unsigned)d->n_workers);
	if (!d->devices || !bind_all(d, error))
		goto fail;
	d->graph = build(d, d->plan, error);
	if (!d->graph || !fits(d, d->graph, error))
		goto fail;
	if (!(plans = plan_workers(d, d->graph))) {
		fail(error, "no memory for the scheduler");
		goto fail;
	}
	set_workers(d, plans);
	return d;
fail:
	dataplane_close(d);
	return NULL;
}

bool dataplane_start(struct dataplane *d, struct dataplane_error *error)
{
	for (size_t i = 0; i < d->n_workers; i++)
		if (rte_eal_remote_launch(worker_main, &d->workers[i], d->workers[i].lcore)) {
			workers_stop(d->workers, i);
			return fail(error, "core %u is busy", d->workers[i].lcore);
		}
	d->is_running = true;
	return true;
}

/* ---- a new plan ---- */

/* OLD stands still. */
static void count_past(struct dataplane *d, struct graph *old)
{
	struct stats *s = dataplane_stats_of(d, old);

	pthread_mutex_lock(&d->lock);
	for (size_t i = 0; s && i < s->n_classes; i++) {
		d->received_before += s->classes[i].received + s->classes[i].copied;
		d->sent_before += s->classes[i].sent;
		for (int why = 0; why < N_DROP_REASONS; why++)
			d->dropped_before += s->classes[i].dropped[why];
	}
	pthread_mutex_unlock(&d->lock);
	stats_free(s);
}

/* Without memory the counts go on. */
static void rebase(struct dataplane *d)
{
	size_t n = devices_count(d->devices);
	struct device_counts *bases = calloc(n + 1, sizeof(*bases));

	for (size_t i = 0; bases && i < n; i++) {
		const struct device *device = devices_at(d->devices, i);

		if (device->ops->counts)
			device->ops->counts(device->state, &bases[i]);
	}
	free(d->bases);
	d->bases = bases;
	d->n_bases = bases ? n : 0;
}

/* A burst of what the new plan cannot take over; false: there is none left. */
static bool let_go_some(struct graph *old, const struct graph *new)
{
	for (size_t i = 0; i < old->n_tasks; i++)
		for (size_t k = 0; k < old->tasks[i].n_holders; k++) {
			struct hop *h = old->tasks[i].holders[k];

			if ((!new || !graph_heir(new, h->instance)) && task_release_from(h))
				return true;
		}
	return false;
}

/* What the new plan cannot take over leaves by the old one, though early.  A burst at a time, so
 * that no queue overflows; again from the first, as modules behind may hold what has left one.
 * NEW may be NULL. */
static void let_go(struct graph *old, const struct graph *new)
{
	do
		graph_drain(old);
	while (let_go_some(old, new));
}

static void tap_way(struct way *w, void *capture)
{
	__atomic_store_n(&w->capture, capture, __ATOMIC_RELEASE);
}

static void untap_way(struct way *w, void *arg)
{
	(void)arg;
	__atomic_store_n(&w->capture, NULL, __ATOMIC_RELEASE);
}

static void retap(struct dataplane *d, struct graph *g)
{
	for (size_t i = 0; i < DATAPLANE_CAPTURES; i++)
		if (d->taps[i].capture)
			graph_ways(g, d->taps[i].from, d->taps[i].to, tap_way, d->taps[i].capture);
}

bool dataplane_reload(struct dataplane *d, const char *path, struct dataplane_error *error)
{
	char *copy = strdup(path && *path ? path : d->plan);
	struct graph *old = d->graph, *new = copy ? build(d, copy, error) : NULL;
	struct worker_plan *plans = NULL;
	uint64_t begin;

	if (!copy)
		fail(error, "no memory");
	if (new &&fits(d, new, error) && !(plans = plan_workers(d, new)))
		fail(error, "no memory for the new plan's scheduler");
	if (!plans) {
		graph_free(new);
		free(copy);
		return false;
	}
	retap(d, new);
	begin = rte_rdtsc();
	workers_pause(d->workers, d->n_workers);
	let_go(old, new);
	pthread_mutex_lock(&d->lock);
	graph_adopt(new, old);
	d->graph = new;
	set_workers(d, plans);
	d->reloads++;
	rebase(d);
	free(d->plan);
	d->plan = copy;
	pthread_mutex_unlock(&d->lock);
	workers_resume(d->workers, d->n_workers);
	d->pause = rte_rdtsc() - begin;
	count_past(d, old);
	graph_free(old);
	return true;
}

/* ---- captures ---- */

static struct tap *tap_find(struct dataplane *d, const char *from, const char *to)
{
	for (size_t i = 0; i < DATAPLANE_CAPTURES; i++) {
		struct tap *t = &d->taps[i];

		if (from ? t->capture && !strcmp(t->from, from) && !strcmp(t->to, to) : !t->capture)
			return t;
	}
	return NULL;
}

bool dataplane_capture(struct dataplane *d, const char *from, const char *to, const char *path,
		       struct dataplane_error *error)
{
	struct tap *t = tap_find(d, NULL, NULL);
	struct capture_error why;

	if (!graph_ways(d->graph, from, to, NULL, NULL))
		return fail(error, "there is no edge %s -> %s", from, to);
	if (tap_find(d, from, to))
		return fail(error, "%s -> %s is captured already", from, to);
	if (!t || strlen(from) >= sizeof(t->from) || strlen(to) >= sizeof(t->to))
		return fail(error, "at most %d captures at once", DATAPLANE_CAPTURES);
	t->capture = capture_open(path, d->pool, 0, 0, &why);
	if (!t->capture)
		return fail(error, "%s", why.text);
	snprintf(t->from, sizeof(t->from), "%s", from);
	snprintf(t->to, sizeof(t->to), "%s", to);
	graph_ways(d->graph, from, to, tap_way, t->capture);
	return true;
}

static bool untap(struct dataplane *d, struct tap *t, struct capture_facts *facts,
		  struct dataplane_error *error)
{
	struct capture_error why;
	struct capture *c = t->capture;

	graph_ways(d->graph, t->from, t->to, untap_way, NULL);
	if (d->is_running) { /* no worker is amid the way any more */
		workers_pause(d->workers, d->n_workers);
		workers_resume(d->workers, d->n_workers);
	}
	t->capture = NULL;
	capture_poll(c);
	capture_about(c, facts);
	return capture_close(c, &why) || fail(error, "%s", why.text);
}

bool dataplane_uncapture(struct dataplane *d, const char *from, const char *to,
			 struct capture_facts *facts, struct dataplane_error *error)
{
	struct tap *t = tap_find(d, from, to);

	return t ? untap(d, t, facts, error) : fail(error, "%s -> %s is not captured", from, to);
}

/* ---- running ---- */

void dataplane_poll(struct dataplane *d)
{
	for (size_t i = 0; i < DATAPLANE_CAPTURES; i++)
		if (d->taps[i].capture)
			capture_poll(d->taps[i].capture);
}

bool dataplane_is_done(const struct dataplane *d)
{
	const struct graph *g = d->graph;
	bool any = false;

	for (size_t i = 0; i < g->n_tasks; i++) {
		const struct device *from =
		    g->tasks[i].queue ? NULL : g->tasks[i].root->instance->device;

		if (from && (!from->ops->is_done || !from->ops->is_done(from->state)))
			return false;
		any = any || (from && strcmp(from->ops->name, "null"));
	}
	return any && !graph_queued(g) && !graph_held(g);
}

void dataplane_stop(struct dataplane *d)
{
	if (!d->is_running)
		return;
	workers_stop(d->workers, d->n_workers);
	d->is_running = false;
	let_go(d->graph, NULL);
}

/* Drivers may keep packets in rings of their own when they are closed. */
static bool has_ports(const struct devices *devices)
{
	for (size_t i = 0; devices && i < devices_count(devices); i++)
		if (!strcmp(devices_at(devices, i)->ops->name, "ethdev"))
			return true;
	return false;
}

/* Every packet that was taken must have been given back. */
static void check_pool(const struct dataplane *d)
{
	unsigned n = d->pool ? rte_mempool_in_use_count(d->pool) : 0;
	char text[16];

	snprintf(text, sizeof(text), "%u", n);
	if (n && d->request.log)
		log_event(d->request.log, LOG_LEVEL_ERROR, "stop", "packets were never given back",
			  "packets", text, NULL);
}

/* What is missing in the file must not be missed by its reader. */
static void end_tap(struct dataplane *d, struct tap *t)
{
	struct dataplane_error error = { "frames are missing in the capture" };
	struct capture_facts facts = { 0 };
	char lost[24];
	bool good = untap(d, t, &facts, &error);

	snprintf(lost, sizeof(lost), "%" PRIu64, facts.lost + facts.beyond);
	if (d->request.log && (!good || facts.lost + facts.beyond))
		log_event(d->request.log, LOG_LEVEL_WARNING, "capture", error.text, "from", t->from,
			  "to", t->to, "lost", lost, NULL);
}

void dataplane_close(struct dataplane *d)
{
	bool keeps;

	if (!d)
		return;
	dataplane_stop(d);
	for (size_t i = 0; i < DATAPLANE_CAPTURES; i++)
		if (d->taps[i].capture)
			end_tap(d, &d->taps[i]);
	for (size_t i = 0; d->workers && i < d->n_workers; i++)
		worker_plan_free(&d->workers[i].plan);
	graph_free(d->graph);
	keeps = has_ports(d->devices);
	devices_close(d->devices);
	if (!keeps)
		check_pool(d);
	rte_mempool_free(d->pool);
	pthread_mutex_destroy(&d->lock);
	free(d->bases);
	free(d->workers);
	free(d->target);
	free(d->plan);
	free(d);
}
