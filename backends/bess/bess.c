#include <config.h>

#include "backends/bess/bess.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backends/text.h"
#include "compiler/base/text.h"
#include "compiler/plan/bess_layout.h"

enum { MOST_ROUTES = 1000 }; /* an IPLookup holds 1024 unless told otherwise */

struct writing {
	struct ctx *ctx;
	const struct bess_layout *layout;
	struct output_file *file;
};

static struct sink *text(struct writing *w)
{
	return &w->file->text;
}

/* ---- Python ---- */

/* A text literal of ASCII characters; sequences of other bytes are UTF-8. */
static void put_text(struct sink *s, const char *value)
{
	sink_putc(s, '\'');
	for (; *value; value++) {
		if (*value == '\'' || *value == '\\')
			sink_putc(s, '\\');
		if ((unsigned char)*value < ' ')
			sink_printf(s, "\\x%02x", (unsigned char)*value);
		else
			sink_putc(s, *value);
	}
	sink_putc(s, '\'');
}

/* Comments are one line whatever the policy's files are called. */
static void put_comment(struct writing *w, struct span span, const char *reason)
{
	const char *place = span.source == SPAN_NONE.source ? "" : output_place(w->ctx, span);

	sink_puts(text(w), "# ");
	for (const char *s = place; *s; s++)
		sink_putc(text(w), (unsigned char)*s < ' ' ? '?' : *s);
	sink_printf(text(w), "%s%s\n", *place ? " " : "", reason);
}

static void put_heading(struct writing *w, const char *heading)
{
	sink_printf(text(w), "\n# ---- %s ----\n", heading);
}

/* ---- ports ---- */

static void put_port(struct writing *w, const struct bess_port *p)
{
	size_t first = output_line(w->file);
	const char *reason = arena_printf(w->ctx->arena, "The device '%s'.", p->device);

	put_comment(w, p->span, reason);
	sink_printf(text(w), "%s = PMDPort(name='%s', %s=", p->name, p->name, p->key);
	if (strcmp(p->key, "port_id"))
		put_text(text(w), p->device);
	else
		sink_printf(text(w), "%" PRIu64, (uint64_t)strtoull(p->device, NULL, 10));
	if (p->n_in > 1)
		sink_printf(text(w), ", num_inc_q=%u", p->n_in);
	sink_puts(text(w), ")\n");
	output_note(w->ctx, w->file, first, p->span, reason);
}

/* ---- modules ---- */

static void put_number(struct sink *s, const struct ir_value *v)
{
	char number[DEC_TEXT_SIZE];

	sink_puts(s, rat_text(v->number, number));
}

static void put_address(struct sink *s, const struct ir_value *v)
{
	sink_puts(s, "{'ext_addr': ");
	put_text(s, v->text);
	sink_putc(s, '}');
}

static void put_value(struct sink *s, char type, const struct ir_value *v)
{
	switch (type) {
	case 'b':
		sink_puts(s, v->kind == IR_VALUE_BOOL ? (v->truth ? "True" : "False")
			     : strcmp(v->text, "yes") ? "False"
						      : "True");
		return;
	case 's':
		put_text(s, v->text);
		return;
	case 'A':
		sink_putc(s, '[');
		for (size_t i = 0; v->kind == IR_VALUE_LIST && i < v->n_members; i++) {
			sink_puts(s, i ? ", " : "");
			put_address(s, v->members[i]);
		}
		if (v->kind == IR_VALUE_TEXT)
			put_address(s, v);
		sink_putc(s, ']');
		return;
	default:
		put_number(s, v);
	}
}

/* What the policy configures and the class takes under the same name. */
static void put_config(struct writing *w, const struct bess_node *n)
{
	for (size_t i = 0; n->module && i < n->module->config.n; i++) {
		const struct ir_config *c = &n->module->config.at[i];
		char type = bess_arg_type(n->class, c->name);

		if (!type)
			continue;
		sink_printf(text(w), ", %s=", c->name);
		put_value(text(w), type, c->value);
	}
}

/* Names that take effect otherwise. */
static bool is_used(const struct bess_node *n, const char *name)
{
	bool in = n->class->kind == BESS_IN || n->class->kind == BESS_QUEUE_IN;

	return bess_arg_type(n->class, name) ||
	       (!strcmp(name, "device") && (in || n->class->kind == BESS_OUT)) ||
	       (!strcmp(name, "queues") && in) ||
	       (!strcmp(name, "routes") && n->class->kind == BESS_LOOKUP);
}

static void put_unused(struct writing *w, const struct bess_node *n)
{
	for (size_t i = 0; n->module && i < n->module->config.n; i++)
		if (!is_used(n, n->module->config.at[i].name))
			sink_printf(
			    text(w),
			    "# The policy also sets %s; BESS's class %s has no such argument.\n",
			    n->module->config.at[i].name, n->class->name);
}

static void put_fields(struct writing *w, const struct match_table *t)
{
	static const struct match_field type = { 12, 2 };
	size_t n = t ? t->n_fields : 1;

	sink_puts(text(w), ", fields=[");
	for (size_t i = 0; i < n; i++) {
		const struct match_field *f = t ? &t->fields[i] : &type;

		sink_printf(text(w), "%s{'offset': %u, 'num_bytes': %u}", i ? ", " : "", f->offset,
			    f->size);
	}
	sink_putc(text(w), ']');
}

static void put_filters(struct writing *w, const struct matcher *m)
{
	sink_puts(text(w), ", filters=[\n");
	for (size_t i = 0; i < m->n_filters; i++) {
		sink_printf(text(w),
			    "    {'priority': %zu, 'gate': %u, 'filter': ", m->n_filters - i,
			    m->filters[i].way);
		put_text(text(w), m->filters[i].text);
		sink_puts(text(w), "},\n");
	}
	sink_putc(text(w), ']');
}

static void put_gates(struct writing *w, unsigned n)
{
	sink_puts(text(w), ", gates=[");
	for (unsigned i = 0; i < n; i++)
		sink_printf(text(w), "%s%u", i ? ", " : "", i);
	sink_putc(text(w), ']');
}

static void put_cycles(struct writing *w, const struct plan_module *m)
{
	char number[DEC_TEXT_SIZE];

	sink_printf(text(w), ", cycles_per_packet=%s", dec_text(m->cost_cycles, number));
	if (m->cost_cycles_per_byte.nano)
		sink_printf(text(w), ", cycles_per_byte=%s",
			    dec_text(m->cost_cycles_per_byte, number));
}

static const struct ir_value *routes_of(const struct bess_node *n)
{
	for (size_t i = 0; n->module && i < n->module->config.n; i++)
		if (!strcmp(n->module->config.at[i].name, "routes"))
			return n->module->config.at[i].value;
	return NULL;
}

/* Room for more routes than a lookup has by itself, unless the policy says how much. */
static void put_room(struct writing *w, const struct bess_node *n)
{
	const struct ir_value *routes = routes_of(n);
	bool stated = false;

	for (size_t i = 0; n->module && i < n->module->config.n; i++)
		stated = stated || !strcmp(n->module->config.at[i].name, "max_rules");
	if (routes && routes->n_members > MOST_ROUTES && !stated)
		sink_printf(text(w), ", max_rules=%zu", 2 * routes->n_members);
}

static void put_arguments(struct writing *w, const struct bess_node *n)
{
	switch (n->class->kind) {
	case BESS_IN:
	case BESS_QUEUE_IN:
	case BESS_OUT:
		sink_printf(text(w), ", port=%s.name", w->layout->ports.at[n->port].name);
		if (n->queue >= 0)
			sink_printf(text(w), ", qid=%" PRId64, n->queue);
		break;
	case BESS_TABLE:
		put_fields(w, n->matcher ? n->matcher->table : NULL);
		break;
	case BESS_FIELDS:
		put_fields(w, NULL);
		break;
	case BESS_FILTERS:
		if (n->matcher)
			put_filters(w, n->matcher);
		break;
	case BESS_LOOKUP:
		put_room(w, n);
		break;
	case BESS_RULES:
		sink_puts(
		    text(w),
		    ", rules=[{'src_ip': '0.0.0.0/0', 'dst_ip': '0.0.0.0/0', 'drop': False}]");
		break;
	case BESS_BURN:
		put_cycles(w, n->module);
		break;
	case BESS_CHOOSE:
		put_gates(w, n->n_gates);
		break;
	default:
		if (!n->module && n->n_gates)
			put_gates(w, n->n_gates);
		if (n->packets)
			sink_printf(text(w), ", size=%" PRId64, n->packets);
	}
}

static void put_words(struct writing *w, const struct match_table *t, const uint64_t *words)
{
	for (size_t i = 0; i < t->n_fields; i++)
		sink_printf(text(w), "%s{'value_int': 0x%" PRIx64 "}", i ? ", " : "", words[i]);
}

static void put_rules(struct writing *w, const struct bess_node *n)
{
	const struct match_table *t = n->matcher ? n->matcher->table : NULL;

	for (size_t i = 0; t && i < t->n_rules; i++) {
		const struct match_rule *r = &t->rules[i];

		sink_printf(text(w), "%s.add(values=[", n->name);
		put_words(w, t, r->values);
		sink_puts(text(w), "],\n    masks=[");
		put_words(w, t, r->masks);
		sink_printf(text(w), "], priority=%u, gate=%u)\n", r->priority, r->way);
	}
}

static void put_route(struct writing *w, const struct bess_node *n, const struct ir_value *v)
{
	struct prefix p;
	char address[ADDR_TEXT_SIZE];

	if (!prefix_parse(v->text, strlen(v->text), &p))
		return;
	sink_printf(text(w), "%s.add(prefix='%s', prefix_len=%u, gate=0)\n", n->name,
		    addr_text(p.family, p.bits, address), p.length);
}

/* Without routes everything goes on by the default route. */
static void put_routes(struct writing *w, const struct bess_node *n)
{
	const struct ir_value *routes = routes_of(n);

	if (!routes)
		sink_printf(text(w), "%s.add(prefix='0.0.0.0', prefix_len=0, gate=0)\n", n->name);
	else if (routes->kind == IR_VALUE_TEXT)
		put_route(w, n, routes);
	for (size_t i = 0; routes && i < routes->n_members; i++)
		put_route(w, n, routes->members[i]);
}

static void put_commands(struct writing *w, const struct bess_node *n)
{
	switch (n->class->kind) {
	case BESS_TABLE:
		put_rules(w, n);
		/* fall through */
	case BESS_FIELDS:
	case BESS_DEFAULT:
		sink_printf(text(w), "%s.set_default_gate(gate=0)\n", n->name);
		break;
	case BESS_LOOKUP:
		put_routes(w, n);
		break;
	default:
		break;
	}
}

static void put_node(struct writing *w, const struct bess_node *n)
{
	size_t first;

	sink_putc(text(w), '\n');
	first = output_line(w->file);
	put_comment(w, n->span, n->reason);
	put_unused(w, n);
	sink_printf(text(w), "%s = %s(name='%s'", n->name, n->class->name, n->name);
	put_arguments(w, n);
	put_config(w, n);
	sink_puts(text(w), ")\n");
	put_commands(w, n);
	output_note(w->ctx, w->file, first, n->span, n->reason);
}

/* ---- wires ---- */

static void put_wire(struct writing *w, const struct bess_wire *wire)
{
	size_t first = output_line(w->file);

	sink_printf(text(w), "%s.connect(%s, %u, 0)\n", w->layout->nodes.at[wire->from].name,
		    w->layout->nodes.at[wire->to].name, wire->gate);
	output_note(w->ctx, w->file, first, wire->span, wire->reason);
}

/* ---- workers, tree, tasks ---- */

static void put_place(struct writing *w, const struct bess_place *at)
{
	if (at->parent)
		sink_printf(text(w), "parent='%s'", at->parent);
	else
		sink_printf(text(w), "wid=%" PRId64, at->wid);
	if (at->how != BESS_CHILD)
		sink_printf(text(w), ", %s=%" PRId64, at->how == BESS_RANKED ? "priority" : "share",
			    at->number);
}

static void put_worker(struct writing *w, const struct bess_worker *worker)
{
	sink_printf(text(w), "bess.add_worker(wid=%" PRId64 ", core=%" PRId64 "%s)\n", worker->wid,
		    worker->core, worker->blocks_idle ? ", scheduler='experimental'" : "");
}

static void put_tc(struct writing *w, const struct bess_tc *tc)
{
	size_t first = output_line(w->file);

	sink_printf(text(w), "bess.add_tc(name='%s', policy='%s', ", tc->name, tc->policy);
	put_place(w, &tc->at);
	if (!strcmp(tc->policy, "weighted_fair"))
		sink_puts(text(w), ", resource='cycle'");
	sink_puts(text(w), ")\n");
	output_note(w->ctx, w->file, first, tc->span, "The scheduler tree follows from the slo.");
}

static void put_task(struct writing *w, const struct bess_task *t)
{
	size_t first = output_line(w->file);

	put_comment(w, t->span, t->reason);
	sink_printf(text(w), "%s.attach_task(", w->layout->nodes.at[t->node].name);
	put_place(w, &t->at);
	if (t->index)
		sink_printf(text(w), ", module_taskid=%u", t->index);
	sink_puts(text(w), ")\n");
	output_note(w->ctx, w->file, first, t->span, t->reason);
}

/* ---- the file ---- */

static void put_workers(struct writing *w, const struct plan_target *t)
{
	size_t first;

	put_heading(w, "workers, scheduler tree, tasks");
	first = output_line(w->file);
	for (size_t i = 0; i < w->layout->workers.n; i++)
		put_worker(w, &w->layout->workers.at[i]);
	output_note(w->ctx, w->file, first, t->span,
		    "The target says how many workers run, and on which cores.");
	for (size_t i = 0; i < w->layout->tcs.n; i++)
		put_tc(w, &w->layout->tcs.at[i]);
	for (size_t i = 0; i < w->layout->tasks.n; i++)
		put_task(w, &w->layout->tasks.at[i]);
	for (size_t i = 0; i < w->layout->left_out.n; i++)
		sink_printf(text(w), "# Task %s is left out: no packet comes to it.\n",
			    w->layout->left_out.at[i]);
}

static void emit(struct ctx *ctx, const struct plan *plan, const struct plan_target *t,
		 struct output_files *files)
{
	const struct plan_packet_config *c = t->config;
	const char *name = arena_printf(ctx->arena, "%s.bess", name_tail(t->name));
	struct writing w = { ctx, c->layout, output_begin(ctx, files, plan, t, name) };

	put_comment(&w, t->span, "Run it with: bessctl run file PATH");
	output_note(ctx, w.file, 1, t->span, "The target says what runs.");
	put_heading(&w, "ports");
	for (size_t i = 0; i < w.layout->ports.n; i++)
		put_port(&w, &w.layout->ports.at[i]);
	put_heading(&w, "modules");
	for (size_t i = 0; i < w.layout->nodes.n; i++)
		put_node(&w, &w.layout->nodes.at[i]);
	put_heading(&w, "wires");
	for (size_t i = 0; i < w.layout->wires.n; i++)
		put_wire(&w, &w.layout->wires.at[i]);
	put_workers(&w, t);
}

const struct backend backend_bess = { .name = "bess",
				      .summary = "a script for bessd",
				      .emit = emit };
