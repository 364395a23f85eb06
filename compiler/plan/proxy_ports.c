/* Who listens where on one proxy. */
#include <config.h>

#include "compiler/plan/proxy_routes.h"

#include <inttypes.h>

#include "compiler/base/text.h"

#define DIAGS(m) (&(m)->ctx->diags)

/* A run of ports; none if lo > hi. */
struct ports {
	uint64_t lo, hi;
};

/* The ports that another target will really use. */
static struct ports ports_of(const struct making *m, const struct ir_target *other)
{
	struct making counting = { m->ctx, m->ir, m->solution, other, .quiet = true };
	struct ports p = { other->listen_lo, other->listen_lo };

	if (other->backend == IR_NGINX)
		p.hi = other->listen_lo + route_entries(&counting).list.n - 1;
	return p;
}

static bool ports_meet(struct ports a, struct ports b, uint64_t *first)
{
	*first = a.lo > b.lo ? a.lo : b.lo;
	return *first <= a.hi && *first <= b.hi;
}

static void check_functions(struct making *m, struct ports own)
{
	const struct ir_node *at = &m->ir->nodes[m->target->at];
	struct ports hosted = { at->base_port, at->base_port + at->n_hosts - 1 };
	struct diag *d;
	uint64_t port;

	if (!ports_meet(own, hosted, &port))
		return;
	d = diag_add(DIAGS(m), E0804, listen_place(m->target),
		     "target '%s' uses port %" PRIu64 " of %s, where %s listens",
		     name_tail(m->target->name), port, at->name,
		     name_tail(m->ir->functions[at->hosts[port - hosted.lo]].name));
	diag_also(DIAGS(m), d, at->span, "its functions take ports %" PRIu64 " to %" PRIu64,
		  hosted.lo, hosted.hi);
	diag_help(DIAGS(m), d,
		  "choose other ports with 'listen', or with 'base-port' of the proxy");
}

static void check_target(struct making *m, struct ports own, const struct ir_target *other)
{
	struct diag *d;
	uint64_t port;

	if (!ports_meet(own, ports_of(m, other), &port))
		return;
	d = diag_add(DIAGS(m), E0804, listen_place(m->target),
		     "target '%s' uses port %" PRIu64 " of %s, as target '%s' does",
		     name_tail(m->target->name), port, m->ir->nodes[m->target->at].name,
		     name_tail(other->name));
	diag_also(DIAGS(m), d, listen_place(other), "port %" PRIu64 " is taken here", port);
}

/* On the same proxy; the target that stands later in the policy is the one to complain
 * about. */
static bool stands_before(const struct ir_target *other, const struct ir_target *t)
{
	return (other->backend == IR_NGINX || other->backend == IR_SOCKS) && other->at == t->at &&
	       span_cmp(other->span, t->span) < 0;
}

void ports_check(struct making *m, size_t n_ports)
{
	struct ports own = { m->target->listen_lo, m->target->listen_lo + n_ports - 1 };

	if (!n_ports)
		return;
	check_functions(m, own);
	for (size_t i = 0; i < m->ir->n_targets; i++)
		if (stands_before(&m->ir->targets[i], m->target))
			check_target(m, own, &m->ir->targets[i]);
}
