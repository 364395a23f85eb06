/* Random small pipelines and packets: the interpreter, which evaluates filters on one
 * packet, must tell the same as the checker, which carries sets of packets along each path
 * of a class.  And what the interpreter says of a packet that is not known in full must
 * stay true once it is. */
#include <config.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/ctx.h"
#include "compiler/check/check.h"
#include "compiler/ir/walk.h"
#include "compiler/lower/lower.h"

enum { N_ROUNDS = 800, N_PACKETS = 40, MOST_MODULES = 9, MOST_FIELDS = 64 };

struct world {
	unsigned long state;
	size_t n_failures, n_checks, n_pipelines, n_paths, n_copies, n_open, n_dropped, n_rewritten;
	/* the policy at hand */
	struct sink text;
	struct ctx *ctx;
	struct model *model;
	struct ir *ir;
	const struct m_pipeline *pipeline;
	bool rewrites;    /* some module does */
	unsigned reached; /* modules that have an in-edge, by bits */
};

static unsigned long draw(struct world *w, unsigned long below)
{
	w->state = w->state * 6364136223846793005u + 1442695040888963407u;
	return (w->state >> 33) % below;
}

static void check(struct world *w, bool holds, const char *claim, const struct packet *p)
{
	struct sink s = { 0 };

	w->n_checks++;
	if (holds)
		return;
	if (w->n_failures++ < 5) {
		packet_print(&s, p);
		fprintf(stderr, "failed: %s\n  %s\n%s\n", claim, s.size ? s.data : "no field",
			w->text.data);
	}
	sink_free(&s);
}

/* ---- a policy ---- */

static const char *const comparisons[] = {
	"vlan.id == 7",
	"vlan.id in 5..9",
	"ip.src in 10.0.0.0/8",
	"ip.src in 2001:db8::/32",
	"ip.dst == 10.0.0.2",
	"ip.proto == udp",
	"tcp.dport == 80",
	"udp.dport in {53, 80}",
	"l4.sport < 1024",
	"443/tcp",
	"ip.dscp == 46",
	"ip.ttl <= 1",
	"ip.frag == 1",
	"tcp.flags == 2",
	"icmp.type in {0, 8}",
	"eth.src == 00:11:22:aa:bb:cc",
	"port.in == \"a\"",
	"sort.kind == red",
	"sort.kind in {red, blue}",
	"sort.kind == green",
};

enum { N_COMPARISONS = sizeof(comparisons) / sizeof(*comparisons), N_OF_SORT = 3 };

/* SORT: the packet has passed the module that derives `sort.kind`. */
static void put_filter(struct world *w, unsigned depth, bool sort)
{
	switch (depth ? draw(w, 6) : 0) {
	case 1:
		sink_puts(&w->text, "not (");
		put_filter(w, depth - 1, sort);
		break;
	case 2:
	case 3:
		sink_putc(&w->text, '(');
		put_filter(w, depth - 1, sort);
		sink_puts(&w->text, draw(w, 2) ? " and " : " or ");
		put_filter(w, depth - 1, sort);
		break;
	default:
		sink_puts(&w->text, comparisons[draw(w, N_COMPARISONS - (sort ? 0 : N_OF_SORT))]);
		return;
	}
	sink_putc(&w->text, ')');
}

static const char *const functions[] = { "plain", "plain", "plain", "nat", "tag", "proto" };

static void put_modules(struct world *w, unsigned n)
{
	sink_puts(&w->text, "  inc : src;\n  sort : sorter;\n");
	for (unsigned i = 2; i < n; i++) {
		size_t kind = w->rewrites ? draw(w, 6) : 0;

		sink_printf(&w->text, "  m%u : %s;\n", i, functions[kind]);
	}
	sink_puts(&w->text, "  out : sink;\n  log : sink;\n");
}

/* Modules behind MODULE, and the exits; `drop` now and then.  The next module is taken if
 * nothing leads to it yet: `sort.kind` is known only behind `sort`. */
static void put_target(struct world *w, unsigned module, unsigned n)
{
	unsigned i = module + 1 + (unsigned)draw(w, n - module + 1);
	bool due = module + 1 < n && !(w->reached & 1u << (module + 1));

	if (due)
		i = module + 1;
	if (!due && !draw(w, 12)) {
		sink_puts(&w->text, "drop");
		return;
	}
	w->reached |= 1u << i;
	if (i < n)
		sink_printf(&w->text, "m%u", i);
	else
		sink_puts(&w->text, i == n ? "out" : "log");
}

/* Disjoint by construction: the second edge takes what the first leaves, and so on. */
static void put_edges(struct world *w, unsigned module, unsigned n)
{
	char from[16], first[600];
	size_t start;

	snprintf(from, sizeof(from), "m%u", module);
	if (module == 1)
		snprintf(from, sizeof(from), "sort");
	sink_printf(&w->text, "  %s -> ", from);
	put_target(w, module, n);
	sink_puts(&w->text, " when ");
	start = w->text.size;
	put_filter(w, 2, true);
	snprintf(first, sizeof(first), "%s", w->text.data + start);
	sink_puts(&w->text, ";\n");
	if (draw(w, 2)) {
		sink_printf(&w->text, "  %s -> ", from);
		put_target(w, module, n);
		sink_puts(&w->text, " when ");
		put_filter(w, 2, true);
		sink_printf(&w->text, " and not (%s);\n", first);
	}
	if (draw(w, 4)) {
		sink_printf(&w->text, "  %s -> ", from);
		put_target(w, module, n);
		sink_puts(&w->text, " otherwise;\n");
	}
	for (unsigned i = 0; i < 2; i++) {
		if (draw(w, 3))
			continue;
		sink_printf(&w->text, "  %s ->> ", from);
		put_target(w, module, n);
		sink_puts(&w->text, " when ");
		put_filter(w, 1, true);
		sink_puts(&w->text, ";\n");
	}
}

static void write_policy(struct world *w)
{
	unsigned n = 3 + (unsigned)draw(w, MOST_MODULES - 3);

	sink_free(&w->text);
	w->text = (struct sink){ 0 };
	w->rewrites = draw(w, 2);
	w->reached = 0;
	sink_puts(&w->text, "edition 1;\nmodule q;\n"
			    "function src { role source; }\nfunction sink { role exit; }\n"
			    "function sorter { derives kind in {red, green, blue} via metadata; }\n"
			    "function plain;\nfunction nat { rewrites {ip.src, l4.sport}; }\n"
			    "function tag { rewrites {vlan.id, ip.dscp}; }\n"
			    "function proto { rewrites {l4.dport, tcp.flags}; }\n"
			    "class every { through p.*; }\nclass some { through p.*; match ");
	put_filter(w, 2, false);
	sink_puts(&w->text, "; }\npipeline p {\n");
	put_modules(w, n);
	sink_puts(&w->text, "  inc -> sort when ");
	put_filter(w, 1, false);
	sink_puts(&w->text, ";\n");
	for (unsigned i = 1; i < n; i++)
		put_edges(w, i, n);
	sink_puts(&w->text, "}\n");
}

static bool read_policy(struct world *w)
{
	static const struct search nowhere = { 0 };

	w->ctx = ctx_new();
	w->model = check_text(w->ctx, w->text.data, w->text.size, &nowhere);
	for (size_t i = 0; i < w->ctx->diags.list.n; i++) {
		const struct diag *d = w->ctx->diags.list.at[i];

		/* A filter that no packet meets may leave a class without a path. */
		if (d->severity == SEVERITY_ERROR && d->code != E0509)
			check(w, false, d->message, &(struct packet){ 0 });
	}
	if (w->ctx->diags.n_errors)
		return false;
	w->ir = lower(w->model);
	ir_verify(w->ir);
	w->pipeline = w->model->pipelines.at[0]->object;
	w->n_pipelines++;
	return true;
}

/* ---- a packet ---- */

static const char *const kinds[] = { "red", "green", "blue" };
static const char *const devices[] = { "a", "b" };

struct drawn {
	struct packet_value values[MOST_FIELDS];
	size_t n;
	struct walk_rewrite rewrites[MOST_FIELDS];
	size_t n_rewrites;
};

static epic_u128 some_number(struct world *w, const struct field *f)
{
	static const uint64_t usual[] = { 0, 1, 2, 7, 8, 46, 53, 80, 443, 5000 };
	epic_u128 v = usual[draw(w, 10)];

	if (f->kind == FIELD_MAC)
		return draw(w, 2) ? 0x001122aabbcc : 1;
	return v > f->max ? v % (f->max + 1) : v;
}

static struct packet_value some_value(struct world *w, const struct field *f, int family)
{
	struct packet_value v = { .field = f };

	if (f->kind == FIELD_SYMBOL) {
		v.text = kinds[draw(w, 3)];
	} else if (f->kind == FIELD_STRING) {
		v.text = devices[draw(w, 2)];
	} else if (f->kind == FIELD_ADDR) {
		v.family = (uint8_t)family;
		v.value = (family == 4 ? (epic_u128)(draw(w, 2) ? 10 : 11) << 24
				       : (epic_u128)0x20010db8 << 96) +
			  draw(w, 4);
	} else {
		v.value = some_number(w, f);
	}
	return v;
}

static const char *const with_ports[] = { "l4.sport", "l4.dport" };

/* By the rules of presence. */
static bool is_present(struct world *w, const struct field *f, bool ip, uint64_t proto,
		       uint64_t frag)
{
	bool ports = ip && (proto == 6 || proto == 17) && !frag;

	for (size_t i = 0; i < 2; i++)
		if (!strcmp(f->name, with_ports[i]))
			return ports;
	if (!strncmp(f->name, "icmp.", 5))
		return ip && proto == 1;
	if (!strcmp(f->name, "tcp.flags"))
		return ports && proto == 6;
	if (!strncmp(f->name, "ip.", 3))
		return ip;
	return f->derived || draw(w, 2);
}

static bool is_alias(const struct field *f)
{
	return (!strncmp(f->name, "tcp.", 4) || !strncmp(f->name, "udp.", 4)) &&
	       strcmp(f->name, "tcp.flags");
}

static bool needs_derivation(const struct field *f)
{
	return !strcmp(f->name, "http.host") || !strcmp(f->name, "tls.sni");
}

static void draw_packet(struct world *w, struct drawn *d)
{
	static const uint64_t protocols[] = { 1, 6, 17, 47 };
	uint64_t proto = protocols[draw(w, 4)], frag = !draw(w, 4);
	bool ip = draw(w, 8);
	int family = draw(w, 3) ? 4 : 6;

	d->n = 0;
	for (size_t i = 0; i < fields_count(w->ir->fields); i++) {
		const struct field *f = fields_at(w->ir->fields, i);

		if (is_alias(f) || needs_derivation(f) || !is_present(w, f, ip, proto, frag))
			continue;
		d->values[d->n] = some_value(w, f, family);
		if (!strcmp(f->name, "ip.proto"))
			d->values[d->n].value = proto;
		if (!strcmp(f->name, "ip.frag"))
			d->values[d->n].value = frag;
		d->n++;
	}
	d->n_rewrites = 0;
	for (uint32_t m = 0; m < w->ir->pipelines[0].n_modules; m++) {
		uint32_t function = w->ir->pipelines[0].modules[m].function;
		const struct ir_function *by =
		    function == ID_NONE ? NULL : &w->ir->functions[function];

		for (size_t k = 0; by && k < by->n_rewrites; k++)
			d->rewrites[d->n_rewrites++] =
			    (struct walk_rewrite){ m, some_value(w, by->rewrites[k], family) };
	}
}

static struct walk_packet whole(struct drawn *d)
{
	return (struct walk_packet){ .packet = { d->values, d->n },
				     .rewrites = d->rewrites,
				     .n_rewrites = d->n_rewrites };
}

static struct walk *send(struct world *w, const struct walk_packet *p)
{
	struct ids sources = walk_sources(w->ctx->arena, &w->ir->pipelines[0]);

	check(w, sources.n == 1, "there is one source", &p->packet);
	return walk_packet(w->ctx->arena, w->ir, 0, sources.at[0], p);
}

/* ---- the set with this one packet ---- */

static const struct fx *equals(struct world *w, const struct packet_value *v)
{
	struct fx_member m = { .kind = v->text ? FX_TEXT : FX_RANGE,
			       .family = v->family,
			       .lo = v->value,
			       .hi = v->value,
			       .text = v->text };

	return fx_cmp(w->ir->fields, v->field, &m, 1);
}

static const struct fx *is_absent(struct world *w, const struct field *f)
{
	struct fx_member all[2] = { { .kind = FX_RANGE }, { .kind = FX_RANGE } };
	size_t n = 1;

	all[0].hi = f->kind == FIELD_MAC ? ((epic_u128)1 << 48) - 1 : f->max;
	if (f->kind == FIELD_ADDR) {
		all[0] = (struct fx_member){ .kind = FX_RANGE, .family = 4, .hi = UINT32_MAX };
		all[1] = (struct fx_member){ .kind = FX_RANGE, .family = 6, .hi = ~(epic_u128)0 };
		n = 2;
	}
	/* Of texts, filters know those of `devices` only. */
	for (n = f->kind == FIELD_STRING ? 0 : n; f->kind == FIELD_STRING && n < 2; n++)
		all[n] = (struct fx_member){ .kind = FX_TEXT, .text = devices[n] };
	return fx_not(w->ir->fields, fx_cmp(w->ir->fields, f, all, n));
}

static const struct cubes *point(struct world *w, const struct packet *p)
{
	const struct cubes *c = cubes_all(w->ir->fields);

	for (size_t i = 0; i < fields_count(w->ir->fields); i++) {
		const struct field *f = fields_at(w->ir->fields, i);
		const struct packet_value *v = NULL;

		for (size_t k = 0; k < p->n; k++)
			if (p->at[k].field == f)
				v = &p->at[k];
		if (!is_alias(f) && !needs_derivation(f))
			c = cubes_filter(w->ir->fields, c, v ? equals(w, v) : is_absent(w, f));
	}
	return c;
}

/* ---- whole packets against the class's paths ---- */

/* Names of modules, those behind a copy edge marked. */
struct route {
	const char *text;
	struct route *next;
};

static void collect_routes(struct world *w, const struct walk_way *way, const char *before,
			   struct route **all)
{
	const struct ir_pipeline *p = &w->ir->pipelines[0];

	for (size_t i = 0; i < way->n; i++) {
		const struct walk_step *s = &way->steps[i];

		before = arena_printf(w->ctx->arena, "%s %s", before, p->modules[s->module].name);
		for (size_t k = 0; k < s->n_copies; k++)
			if (!s->copies[k].open)
				collect_routes(w, &s->copies[k].way,
					       arena_printf(w->ctx->arena, "%s +", before), all);
		w->n_dropped += s->end == WALK_DROPPED;
		if (s->end != WALK_EXIT)
			continue;
		*all = memcpy(arena_one(w->ctx->arena, struct route),
			      &(struct route){ before, *all }, sizeof(struct route));
	}
}

static const char *path_text(struct world *w, const struct m_path *path)
{
	const char *text = "";
	size_t copy = 0;

	for (size_t i = 0; i < path->n; i++) {
		bool copied = copy < path->n_copies && path->copies[copy] == i;

		text = arena_printf(w->ctx->arena, "%s%s %s", text, copied ? " +" : "",
				    path->pipeline->instances.at[path->modules[i]]->sym->canonical);
		copy += copied;
	}
	return text;
}

static bool is_among(const struct route *all, const char *text)
{
	for (; all; all = all->next)
		if (!strcmp(all->text, text))
			return true;
	return false;
}

/* The packet of SET behind a module, which may have written what was given for it. */
static const struct cubes *behind(struct world *w, const struct m_path *path, size_t k,
				  const struct cubes *set, const struct walk_packet *packet)
{
	const char *name = path->pipeline->instances.at[path->modules[k]]->sym->canonical;

	for (size_t i = 0; i < packet->n_rewrites; i++) {
		const struct walk_rewrite *r = &packet->rewrites[i];
		const struct field *f = r->value.field;
		const struct fx *now = equals(w, &r->value);

		if (strcmp(w->ir->pipelines[0].modules[r->module].name, name))
			continue;
		/* What a header lacks is not put in; a tag is. */
		if (strcmp(f->name, "vlan.id"))
			now =
			    fx_or(w->ir->fields, (const struct fx *[]){ now, is_absent(w, f) }, 2);
		set = cubes_filter(w->ir->fields, cubes_forget(w->ir->fields, set, f), now);
	}
	return set;
}

/* Sends the set from module to module; shares nothing with the interpreter. */
static bool goes_by_sets(struct world *w, const struct m_path *path,
			 const struct walk_packet *packet)
{
	const struct cubes *set = point(w, &packet->packet);

	for (size_t k = 1; k < path->n && !cubes_empty(set); k++) {
		const struct cubes *before = behind(w, path, k - 1, set, packet);
		bool copy = false;

		for (size_t i = 0; i < path->n_copies; i++)
			copy |= path->copies[i] == k;
		set = cubes_none(w->ir->fields);
		for (size_t e = 0; e < path->pipeline->edges.n; e++) {
			const struct m_edge *edge = &path->pipeline->edges.at[e];

			if (edge->from == path->modules[k - 1] && edge->to == path->modules[k] &&
			    edge->copy == copy)
				set = cubes_or(w->ir->fields, set,
					       cubes_filter(w->ir->fields, before, edge->when));
		}
	}
	return !cubes_empty(set);
}

/* Sets say how packets entered, so where fields are rewritten they are larger. */
static void compare_paths(struct world *w, const struct m_class *class, const struct route *taken,
			  const struct walk_packet *packet)
{
	const struct packet *p = &packet->packet;
	const struct cubes *here = point(w, p);
	struct route *known = NULL;

	check(w, !cubes_empty(here), "the packet is possible", p);
	for (size_t i = 0; i < class->paths.n; i++) {
		const struct m_path *path = &class->paths.at[i];
		const char *text = path_text(w, path);
		bool in = cubes_overlap(w->ir->fields, here, path->cubes, NULL);
		bool goes = is_among(taken, text);

		known = memcpy(arena_one(w->ctx->arena, struct route),
			       &(struct route){ text, known }, sizeof(struct route));
		check(w, !goes || in, "a packet that goes a path is in its set", p);
		check(w, w->rewrites || goes || !in, "a packet in a path's set goes it", p);
		check(w, goes == goes_by_sets(w, path, packet),
		      "step by step, sets go the same way", p);
		w->n_paths += goes;
		w->n_copies += goes && path->n_copies;
		w->n_rewritten += goes && w->rewrites;
	}
	for (; taken; taken = taken->next)
		check(w, is_among(known, taken->text), "a way to an exit is a path of the class",
		      p);
}

static const struct m_class *class_of(const struct world *w, const struct ir_class *c)
{
	for (size_t i = 0; i < w->model->classes.n; i++)
		if (!strcmp(w->model->classes.at[i]->canonical, c->name))
			return w->model->classes.at[i]->object;
	return NULL;
}

/* Without rewriting, the class is the union of its paths that are not copies'. */
static void compare_class(struct world *w, struct walk *walk, const struct ir_class *c,
			  const struct walk_packet *packet)
{
	const struct m_class *class = class_of(w, c);
	const struct cubes *here = point(w, &packet->packet);
	enum fx_truth is = walk_class(w->ctx->arena, walk, c, packet);
	bool in = false;

	for (size_t i = 0; i < class->paths.n; i++)
		if (!class->paths.at[i].n_copies)
			in |= cubes_overlap(w->ir->fields, here, class->paths.at[i].cubes, NULL);
	check(w, is != FX_OPEN, "a packet that is known is in a class or not", &packet->packet);
	check(w, is != FX_YES || in, "a packet of a class is in its sets", &packet->packet);
	check(w, w->rewrites || is == FX_YES || !in, "a packet in a class's sets is of the class",
	      &packet->packet);
}

static struct walk *compare_whole(struct world *w, struct drawn *d)
{
	struct walk_packet packet = whole(d);
	struct walk *walk = send(w, &packet);
	struct route *taken = NULL;

	check(w, !walk->n_needs, "a packet that is known needs nothing", &packet.packet);
	collect_routes(w, &walk->way, "", &taken);
	for (size_t i = 0; i < w->ir->n_classes; i++) {
		if (!strcmp(w->ir->classes[i].name, "every"))
			compare_paths(w, class_of(w, &w->ir->classes[i]), taken, &packet);
		compare_class(w, walk, &w->ir->classes[i], &packet);
	}
	return walk;
}

/* ---- packets that are known in part ---- */

static bool same_way(const struct walk_way *part, const struct walk_way *all)
{
	for (size_t i = 0; i < part->n; i++) {
		const struct walk_step *s = &part->steps[i];
		size_t sent = 0;

		if (i >= all->n || s->module != all->steps[i].module)
			return false;
		/* Copies that may be sent stand among those that are. */
		for (size_t k = 0; k < s->n_copies; k++) {
			const struct walk_step *t = &all->steps[i];

			while (sent < t->n_copies && t->copies[sent].edge < s->copies[k].edge)
				sent++;
			if (s->copies[k].open)
				continue;
			if (sent == t->n_copies || t->copies[sent].edge != s->copies[k].edge ||
			    !same_way(&s->copies[k].way, &t->copies[sent].way))
				return false;
		}
		if (s->end != WALK_OPEN &&
		    (s->end != all->steps[i].end || s->edge != all->steps[i].edge))
			return false;
		if (s->end == WALK_OPEN && all->steps[i].end != WALK_DROPPED &&
		    !ids_has(s->open, all->steps[i].edge))
			return false;
	}
	return true;
}

/* What is known of a packet that is known in part. */
struct part {
	struct drawn known;
	const struct field *hidden[MOST_FIELDS];
	size_t n_hidden;
};

/* Hides about half of the values. */
static struct part some_part(struct world *w, const struct drawn *all)
{
	struct part p = { 0 };

	for (size_t i = 0; i < all->n; i++) {
		if (draw(w, 2))
			p.known.values[p.known.n++] = all->values[i];
		/* A derived attribute that is not listed is unknown by that. */
		else if (!all->values[i].field->derived)
			p.hidden[p.n_hidden++] = all->values[i].field;
	}
	for (size_t i = 0; i < all->n_rewrites; i++)
		if (draw(w, 2))
			p.known.rewrites[p.known.n_rewrites++] = all->rewrites[i];
	return p;
}

static bool is_known(const struct part *p, const struct field *f)
{
	for (size_t i = 0; i < p->known.n; i++)
		if (p->known.values[i].field == f)
			return true;
	return false;
}

static void answer_field(struct part *p, const struct drawn *all, const struct field *f)
{
	size_t kept = 0;

	for (size_t i = 0; i < all->n; i++)
		if (all->values[i].field == f && !is_known(p, f))
			p->known.values[p->known.n++] = all->values[i];
	for (size_t i = 0; i < p->n_hidden; i++)
		if (p->hidden[i] != f)
			p->hidden[kept++] = p->hidden[i];
	p->n_hidden = kept;
}

static void answer_rewrite(struct part *p, const struct drawn *all, const struct walk_need *need)
{
	for (size_t i = 0; i < all->n_rewrites; i++)
		if (need->rewriter == all->rewrites[i].module &&
		    need->field == all->rewrites[i].value.field)
			p->known.rewrites[p->known.n_rewrites++] = all->rewrites[i];
}

/* One field may be needed at several modules; at least the first answer is news. */
static void answer(struct world *w, struct part *p, const struct drawn *all,
		   const struct walk *asks)
{
	size_t before = p->known.n + p->known.n_rewrites;

	for (size_t i = 0; i < asks->n_needs; i++) {
		const struct walk_need *need = &asks->needs[i];
		bool again = false;

		for (size_t k = 0; k < i; k++)
			again |= asks->needs[k].field == need->field &&
				 asks->needs[k].rewriter == need->rewriter;
		if (again)
			continue;
		if (need->rewriter == ID_NONE)
			answer_field(p, all, need->field);
		else
			answer_rewrite(p, all, need);
	}
	check(w, p->known.n + p->known.n_rewrites > before, "what is asked for was unknown",
	      &(struct packet){ p->known.values, p->known.n });
}

/* Answers what is asked for until nothing is. */
static void compare_part(struct world *w, const struct drawn *all, const struct walk *full)
{
	struct part part = some_part(w, all);
	size_t most = all->n + all->n_rewrites;

	for (size_t round = 0; round <= most; round++) {
		struct walk_packet packet = whole(&part.known);
		struct walk *walk;

		packet.hidden = part.hidden;
		packet.n_hidden = part.n_hidden;
		walk = send(w, &packet);
		check(w, same_way(&walk->way, &full->way),
		      "what is known in part goes no other way", &packet.packet);
		if (!walk->n_needs) {
			check(w, same_way(&full->way, &walk->way),
			      "asked for nothing, all is known", &packet.packet);
			return;
		}
		w->n_open++;
		answer(w, &part, all, walk);
	}
	check(w, false, "asking comes to an end", &(struct packet){ 0 });
}

static void one_round(struct world *w)
{
	struct drawn d;

	write_policy(w);
	if (read_policy(w))
		for (size_t i = 0; i < N_PACKETS; i++) {
			const struct walk *full;

			draw_packet(w, &d);
			full = compare_whole(w, &d);
			compare_part(w, &d, full);
		}
	ctx_free(w->ctx);
}

static bool met(size_t n, size_t least, const char *what)
{
	if (n < least)
		fprintf(stderr, "only %zu %s: this test tests too little\n", n, what);
	return n >= least;
}

int main(void)
{
	const char *scale = getenv("EPIC_TEST_SCALE");
	size_t rounds = N_ROUNDS / (scale && atoi(scale) > 0 ? (size_t)atoi(scale) : 1);
	struct world w = { .state = 20261121 };
	bool enough;

	for (size_t i = 0; i < rounds; i++)
		one_round(&w);
	printf("%zu pipelines, %zu checks: %zu paths taken (%zu by copies, %zu behind rewriters), "
	       "%zu drops, %zu questions; %zu failures\n",
	       w.n_pipelines, w.n_checks, w.n_paths, w.n_copies, w.n_rewritten, w.n_dropped,
	       w.n_open, w.n_failures);
	enough = met(w.n_pipelines, rounds / 2, "sound pipelines") &&
		 met(w.n_paths, 4 * rounds, "paths taken") && met(w.n_copies, rounds, "copies") &&
		 met(w.n_rewritten, rounds, "paths with rewriters") &&
		 met(w.n_dropped, rounds, "drops") && met(w.n_open, 4 * rounds, "questions");
	sink_free(&w.text);
	return w.n_failures || !enough;
}
