#include <config.h>

#include "runtime/dpdk/traffic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/dpdk/generate.h"

struct making {
	const struct traffic_request *request;
	struct generate_class *classes;
	size_t n_classes;
	struct device_error *error;
};

static bool fail(struct making *m, const char *what, const char *why)
{
	snprintf(m->error->text, sizeof(m->error->text), "the generator: %s%s%s", what,
		 *what ? ": " : "", why);
	return false;
}

/* ---- the filter of a class ---- */

static bool no_tag(void *arg, const char *name, uint8_t *tag)
{
	(void)arg;
	*tag = 0;
	return strchr(name, '.');
}

static bool no_value(void *arg, uint8_t tag, const char *value, uint16_t *index)
{
	(void)arg;
	(void)tag;
	(void)value;
	*index = 0;
	return true;
}

static bool no_device(void *arg, const char *name, uint16_t *index)
{
	(void)arg;
	(void)name;
	*index = 0;
	return false;
}

/* Names need not be known: what is compared with them is left out. */
static const struct filter_names anonymous = { no_tag, no_value, no_device, NULL };

struct rewritten {
	uint32_t fields; /* bits */
};

static bool is_unknown(void *arg, enum filter_field field)
{
	const struct rewritten *r = arg;

	return field == FIELD_TAG || field == FIELD_PORT_IN || r->fields >> field & 1;
}

static const struct filter *relaxed(const char *text, const struct rewritten *r, struct making *m)
{
	struct filter_error error = { "no memory" };
	const struct filter *whole = filter_parse(text, &anonymous, &error), *f;

	if (!whole) {
		fail(m, text, error.text);
		return NULL;
	}
	f = filter_relax(whole, is_unknown, (void *)r);
	filter_free(whole);
	return f;
}

static uint32_t field_bit(const char *name)
{
	static const char *const names[] = {
		[FIELD_ETH_SRC] = "eth.src",     [FIELD_ETH_DST] = "eth.dst",
		[FIELD_ETH_TYPE] = "eth.type",   [FIELD_VLAN_ID] = "vlan.id",
		[FIELD_IP_SRC] = "ip.src",       [FIELD_IP_DST] = "ip.dst",
		[FIELD_IP_PROTO] = "ip.proto",   [FIELD_IP_DSCP] = "ip.dscp",
		[FIELD_IP_TTL] = "ip.ttl",       [FIELD_IP_FRAG] = "ip.frag",
		[FIELD_L4_SPORT] = "l4.sport",   [FIELD_L4_DPORT] = "l4.dport",
		[FIELD_TCP_FLAGS] = "tcp.flags", [FIELD_ICMP_TYPE] = "icmp.type",
		[FIELD_ICMP_CODE] = "icmp.code",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(names[i], name))
			return UINT32_C(1) << i;
	return 0;
}

/* Behind a module, fields that it rewrites mean something else.  All targets agree on that. */
static void pass_module(const struct rplan_plan *plan, const char *id, struct rewritten *r)
{
	for (size_t t = 0; t < plan->targets.n; t++) {
		const struct rplan_packet_config *c = rplan_target_dpdk(&plan->targets.at[t]);

		for (size_t i = 0; c && i < c->modules.n; i++)
			for (size_t k = 0;
			     !strcmp(c->modules.at[i].id, id) && k < c->modules.at[i].rewrites.n;
			     k++)
				r->fields |= field_bit(c->modules.at[i].rewrites.at[k]);
	}
}

static const struct rplan_edge *edge_find(const struct rplan_plan *plan, const char *from,
					  const char *to)
{
	for (size_t i = 0; i < plan->pipelines.n; i++)
		for (size_t k = 0; k < plan->pipelines.at[i].edges.n; k++) {
			const struct rplan_edge *e = &plan->pipelines.at[i].edges.at[k];

			if (!e->copy && !strcmp(e->from, from) && !strcmp(e->to, to))
				return e;
		}
	return NULL;
}

/* NULL: the path is one of copies, or an error is set. */
static const struct filter *path_filter(struct making *m, struct rplan_texts path)
{
	const struct filter **parts = calloc(path.n + 1, sizeof(*parts));
	struct rewritten r = { 0 };
	size_t n = 0;

	for (size_t i = 0; parts && i + 1 < path.n; i++) {
		const struct rplan_edge *e =
		    edge_find(m->request->plan, path.at[i], path.at[i + 1]);
		const struct filter *f = e ? relaxed(e->when, &r, m) : NULL;

		if (!f)
			goto fail;
		parts[n++] = f;
		pass_module(m->request->plan, path.at[i + 1], &r);
	}
	if (parts) {
		const struct filter *all = filter_all(parts, n);

		free(parts);
		return all;
	}
fail:
	for (size_t i = 0; i < n; i++)
		filter_free(parts[i]);
	free(parts);
	return NULL;
}

static const struct filter *class_filter(struct making *m, const struct rplan_class *c)
{
	const struct filter **paths = calloc(c->paths.n + 1, sizeof(*paths));
	const struct rewritten nothing = { 0 };
	const struct filter *parts[2];
	size_t n = 0;

	for (size_t i = 0; paths && i < c->paths.n; i++) {
		const struct rplan_texts path = c->paths.at[i];

		if (!path.n || strcmp(path.at[0], m->request->module))
			continue;
		paths[n] = path_filter(m, path);
		n += paths[n] != NULL;
	}
	parts[0] = n ? relaxed(c->match, &nothing, m) : NULL;
	if (!parts[0]) {
		for (size_t i = 0; i < n; i++)
			filter_free(paths[i]);
		free(paths);
		return NULL;
	}
	parts[1] = filter_any(paths, n);
	free(paths);
	return filter_all(parts, 2);
}

/* ---- the classes ---- */

static bool enters(const struct rplan_class *c, const char *module)
{
	for (size_t i = 0; i < c->paths.n; i++)
		if (c->paths.at[i].n && !strcmp(c->paths.at[i].at[0], module))
			return true;
	return false;
}

static bool add_classes(struct making *m)
{
	const struct rplan_plan *plan = m->request->plan;

	m->classes = calloc(plan->classes.n + 1, sizeof(*m->classes));
	for (size_t i = 0; m->classes && i < plan->classes.n; i++) {
		const struct rplan_class *c = &plan->classes.at[i];
		const struct filter *f;

		if (!enters(c, m->request->module))
			continue;
		f = class_filter(m, c);
		if (!f)
			return *m->error->text ? false : fail(m, c->name, "it has only copies");
		m->classes[m->n_classes++] = (struct generate_class){
			.name = c->name,
			.index = (unsigned)i,
			.pps = c->rate_pps,
			.bytes = c->packet_bytes.present ? (unsigned)c->packet_bytes.value : 0,
			.filter = f,
		};
	}
	if (!m->classes)
		return fail(m, "", "no memory");
	return m->n_classes || fail(m, m->request->module, "no class enters there");
}

struct device *traffic_open(struct devices *devices, const char *name,
			    const struct traffic_request *r, struct device_error *error)
{
	struct making m = { .request = r, .error = error };
	struct generate_error why = { "" };
	struct device *device = NULL;
	struct generate_request g;
	void *state;

	*error->text = '\0';
	if (!add_classes(&m))
		goto end;
	g = (struct generate_request){ .classes = m.classes,
				       .n_classes = m.n_classes,
				       .pool = r->pool,
				       .hz = r->hz,
				       .device = (uint16_t)devices_count(devices),
				       .n_receive = r->n_receive,
				       .n_send = r->n_send };
	if (!generate_parse(r->text, &g, &why) || !(state = generate_open(&g, &why)))
		fail(&m, r->module, why.text);
	else
		device = devices_add(devices, name, &generate_ops, state);
end:
	for (size_t i = 0; i < m.n_classes; i++)
		filter_free(m.classes[i].filter);
	free(m.classes);
	return device;
}
