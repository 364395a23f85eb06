/* Filters: from the author's expression to compiler/filter's. */
#include <config.h>

#include "compiler/check/private.h"

#include <string.h>

#include "compiler/base/sink.h"

/* ---- fields ---- */

static const struct field *derived_of(struct check *c, const struct symbol *instance, const char *name)
{
	const char *canonical = arena_printf(ARENA(c), "%s.%s", instance->canonical, name);

	return fields_find(c->model->fields, canonical);
}

const struct field *field_of(struct check *c, struct scope *s, const struct ast_expr *path,
			     struct symbol **instance)
{
	const struct ast_names *names = &path->path.names;
	struct resolved r = resolve_quietly(c, s, path);

	if (instance)
		*instance = NULL;
	if (path->path.star || names->n < 2)
		return NULL;
	if (r.sym && r.sym->kind == SYM_INSTANCE && r.used + 1 == names->n) {
		if (instance)
			*instance = r.sym;
		return derived_of(c, r.sym, names->at[names->n - 1].name);
	}
	if (r.sym && r.used == names->n)
		return NULL;
	return fields_find(c->model->fields, ast_names_text(ARENA(c), names));
}

/* http.host and tls.sni are in no header that is read as the packet enters. */
static bool needs_derivation(const struct field *f)
{
	return f->derived || !strcmp(f->name, "http.host") || !strcmp(f->name, "tls.sni");
}

static bool field_known(struct check *c, const struct ast_expr *path, const struct field *f,
			const struct symbol *instance, const struct filter_place *place)
{
	struct diag *d;

	if (!needs_derivation(f) || (place->knows && place->knows(place->data, instance, f)))
		return true;
	if (instance) {
		d = diag_add(DIAGS(c), E0505, path->span, "%s is not known here",
			     ast_path_text(ARENA(c), path));
		diag_also(DIAGS(c), d, instance->span,
			  "this module derives it, for packets that have passed it");
	} else {
		d = diag_add(DIAGS(c), E0505, path->span, "%s is known only behind a function that derives it",
			     f->name);
	}
	return false;
}

/* "no such field" with the nearest one. */
static void report_field(struct check *c, struct scope *s, const struct ast_expr *path)
{
	const char *text = ast_path_text(ARENA(c), path);
	struct resolved r = resolve_quietly(c, s, path);
	struct nearest near = nearest_to(text);
	struct diag *d;

	if (r.sym && r.used == path->path.names.n && !path->path.star) {
		d = diag_add(DIAGS(c), E0303, path->span, "'%s' is %s; a field of a packet is due here",
			     text, symbol_kind_word(r.sym->kind));
		return;
	}
	for (size_t i = 0; i < fields_count(c->model->fields); i++) {
		const struct field *f = fields_at(c->model->fields, i);
		const char *dot = strchr(f->name, '.');

		nearest_try(&near, f->name);
		if (!near.name && dot && !strcmp(dot + 1, text))
			near.name = f->name;
	}
	if (r.sym && r.sym->kind != SYM_INSTANCE) {
		report_unknown(c, s, path, KIND(LET));
		return;
	}
	d = diag_add(DIAGS(c), E0301, path->span, "packets have no field called '%s'", text);
	if (near.name) {
		diag_label(DIAGS(c), d, "did you mean '%s'?", near.name);
		diag_fix(DIAGS(c), d, MAYBE_INCORRECT, path->span, near.name, "write '%s'", near.name);
	}
}

/* ---- the right side of a comparison ---- */

struct members {
	struct fx_member *at;
	size_t n, cap;
	bool failed;
};

static void add_range(struct check *c, struct members *m, int family, epic_u128 lo, epic_u128 hi)
{
	struct fx_member member = { .kind = FX_RANGE, .family = (uint8_t)family, .lo = lo, .hi = hi };

	vec_push(ARENA(c), m, member);
}

static bool field_number(struct check *c, struct operand o, const struct field *f, uint64_t *value)
{
	if (o.e && o.e->kind == AST_PATH && !strcmp(f->name, "ip.proto") && o.e->path.names.n == 1 &&
	    !o.e->path.star && protocol_number(o.e->path.names.at[0].name, value))
		return true;
	return value_int(c, o, 0, f->max, value);
}

static bool scalar_value(struct check *c, struct operand o, const struct field *f, epic_u128 *value,
			 int *family)
{
	struct prefix p;
	uint64_t number;

	*family = 0;
	switch (f->kind) {
	case FIELD_INT:
		if (!field_number(c, o, f, &number))
			return false;
		*value = number;
		return true;
	case FIELD_MAC:
		if (!o.e || o.e->kind != AST_MAC) {
			if (o.e)
				report_type(c, o, "a MAC address");
			return false;
		}
		*value = o.e->mac;
		return true;
	default:
		if (!value_prefix(c, o, &p))
			return false;
		if (p.is_prefix) {
			report_type(c, o, "a single address");
			return false;
		}
		*value = p.bits;
		*family = p.family;
		return true;
	}
}

static bool add_interval(struct check *c, struct operand o, const struct field *f, struct members *m)
{
	struct operand lo = operand_of(c, o.scope, o.e->list.members.at[0]);
	struct operand hi = operand_of(c, o.scope, o.e->list.members.at[1]);
	epic_u128 from, to;
	int family, other;

	if (!lo.e || !hi.e || !scalar_value(c, lo, f, &from, &family) ||
	    !scalar_value(c, hi, f, &to, &other))
		return false;
	if (family != other) {
		report_type(c, hi, "an address of the same family");
		return false;
	}
	if (from > to) {
		diag_add(DIAGS(c), E0403, o.at, "this range ends before it begins");
		return false;
	}
	add_range(c, m, family, from, to);
	return true;
}

static bool add_prefix(struct check *c, struct operand o, struct members *m)
{
	struct prefix p;
	struct fx_member member = { .kind = FX_PREFIX };

	if (!value_prefix(c, o, &p))
		return false;
	if (!p.is_prefix) {
		add_range(c, m, p.family, p.bits, p.bits);
		return true;
	}
	member.family = p.family;
	member.length = p.length;
	member.lo = prefix_first(p);
	member.hi = prefix_last(p);
	vec_push(ARENA(c), m, member);
	return true;
}

static bool add_text(struct check *c, struct operand o, const struct field *f, struct members *m)
{
	struct fx_member member = { .kind = FX_TEXT };
	struct sink words = { 0 };
	bool ok;
	int index;

	if (f->kind == FIELD_STRING) {
		ok = value_string(c, o, &member.text);
	} else {
		for (size_t i = 0; i < f->n_values; i++)
			sink_printf(&words, "%s%s", i ? " " : "", f->values[i]);
		ok = value_word(c, o, words.data ? words.data : "", &index);
		if (ok)
			member.text = f->values[index];
		sink_free(&words);
	}
	if (ok)
		vec_push(ARENA(c), m, member);
	return ok;
}

static bool add_member(struct check *c, struct operand o, const struct field *f, struct members *m)
{
	epic_u128 value;
	int family;

	if (f->kind == FIELD_STRING || f->kind == FIELD_SYMBOL)
		return add_text(c, o, f, m);
	if (o.e->kind == AST_RANGE)
		return add_interval(c, o, f, m);
	if (f->kind == FIELD_ADDR)
		return add_prefix(c, o, m);
	if (!scalar_value(c, o, f, &value, &family))
		return false;
	add_range(c, m, family, value, value);
	return true;
}

/* Members of one set have one type: beside a prefix, an address is a prefix too. */
static void widen_addresses(struct members *m)
{
	bool prefixes = false;

	for (size_t i = 0; i < m->n; i++)
		prefixes |= m->at[i].kind == FX_PREFIX;
	for (size_t i = 0; prefixes && i < m->n; i++) {
		if (m->at[i].kind != FX_RANGE || m->at[i].lo != m->at[i].hi)
			continue;
		m->at[i].kind = FX_PREFIX;
		m->at[i].length = (uint8_t)prefix_width(m->at[i].family);
	}
}

static bool add_set(struct check *c, struct scope *s, const struct ast_expr *e, const struct field *f,
		    struct members *m)
{
	struct operands list = operands_of(c, s, e);
	bool ok = !list.failed;

	for (size_t i = 0; i < list.n; i++)
		ok &= add_member(c, list.at[i], f, m);
	if (f->kind == FIELD_ADDR)
		widen_addresses(m);
	return ok;
}

static epic_u128 field_max(const struct field *f, int family)
{
	if (f->kind == FIELD_INT)
		return f->max;
	if (f->kind == FIELD_MAC)
		return ((epic_u128)1 << 48) - 1;
	return family == 4 ? UINT32_MAX : ~(epic_u128)0;
}

/* f < v and its kin as a range; an empty one has no members. */
static bool add_order(struct check *c, struct operand o, const struct field *f, enum ast_op op,
		      struct members *m)
{
	epic_u128 v, max;
	int family;

	if (!scalar_value(c, o, f, &v, &family))
		return false;
	max = field_max(f, family);
	if (op == OP_LE)
		add_range(c, m, family, 0, v);
	else if (op == OP_GE)
		add_range(c, m, family, v, max);
	else if (op == OP_LT && v > 0)
		add_range(c, m, family, 0, v - 1);
	else if (op == OP_GT && v < max)
		add_range(c, m, family, v + 1, max);
	return true;
}

static bool read_members(struct check *c, struct scope *s, const struct ast_expr *e,
			 const struct field *f, enum ast_op op, struct members *m)
{
	struct operand o = operand_of(c, s, e);

	if (!o.e)
		return false;
	/* A word that belongs to the field is never looked up as a name. */
	if (f->kind == FIELD_SYMBOL || !strcmp(f->name, "ip.proto"))
		o = o.e->kind == AST_PATH ? (struct operand){ o.e, o.scope, o.at } : o;
	if (op == OP_IN)
		return add_set(c, s, e, f, m);
	if (op != OP_EQ && op != OP_NE) {
		if (f->kind != FIELD_STRING && f->kind != FIELD_SYMBOL)
			return add_order(c, o, f, op, m);
		diag_add(DIAGS(c), E0401, e->span, "'%s' is a text; it can be compared with == and != only, or with 'in'", f->name);
		return false;
	}
	if (o.e->kind == AST_SET || o.e->kind == AST_RANGE) {
		report_type(c, o, "one value (write 'in' for a set or range)");
		return false;
	}
	return add_member(c, o, f, m);
}

static const struct fx *comparison(struct check *c, struct scope *s, const struct ast_expr *e,
				   const struct filter_place *place)
{
	const struct ast_expr *left = e->list.members.at[0];
	enum ast_op op = e->list.ops.at[0];
	struct fields *fields = c->model->fields;
	struct members m = { 0 };
	struct symbol *instance;
	const struct field *f;
	const struct fx *fx;

	if (e->list.members.n > 2) {
		diag_add(DIAGS(c), E0401, e->span, "comparisons are not chained; join two of them with 'and'");
		return NULL;
	}
	f = left->kind == AST_PATH ? field_of(c, s, left, &instance) : NULL;
	if (!f) {
		if (left->kind == AST_PATH)
			report_field(c, s, left);
		else
			report_type(c, (struct operand){ left, s, left->span }, "a field of a packet");
		return NULL;
	}
	if (!field_known(c, left, f, instance, place) ||
	    !read_members(c, s, e->list.members.at[1], f, op, &m))
		return NULL;
	fx = fx_cmp(fields, f, m.at, m.n);
	return op == OP_NE ? fx_not(fields, fx) : fx;
}

/* ---- services ---- */

static const struct fx *service_range(struct check *c, struct operand o)
{
	struct operand lo = operand_of(c, o.scope, o.e->list.members.at[0]);
	struct operand hi = operand_of(c, o.scope, o.e->list.members.at[1]);
	uint64_t from;

	if (!lo.e || !hi.e)
		return NULL;
	if (hi.e->kind != AST_SERVICE || lo.e->kind != AST_INT) {
		report_type(c, o, "a filter (a range of services is written 8000..8080/tcp)");
		return NULL;
	}
	if (!value_int(c, lo, 0, 65535, &from))
		return NULL;
	if (from > hi.e->service.port) {
		diag_add(DIAGS(c), E0403, o.at, "this range ends before it begins");
		return NULL;
	}
	return fx_service(c->model->fields, hi.e->service.protocol, from, hi.e->service.port);
}

static const struct fx *filter_in(struct check *c, struct operand o, const struct filter_place *place);

static const struct fx *service_set(struct check *c, struct operand o)
{
	struct operands list = operands_of(c, o.scope, o.e);
	const struct fx **parts = arena_many(ARENA(c), const struct fx *, list.n);
	bool ok = !list.failed;

	for (size_t i = 0; i < list.n; i++) {
		struct operand m = list.at[i];

		if (m.e->kind == AST_SERVICE) {
			parts[i] = fx_service(c->model->fields, m.e->service.protocol,
					      m.e->service.port, m.e->service.port);
		} else if (m.e->kind == AST_RANGE) {
			parts[i] = service_range(c, m);
		} else {
			report_type(c, m, "a service");
		}
		ok &= parts[i] != NULL;
	}
	return ok ? fx_or(c->model->fields, parts, list.n) : NULL;
}

static const struct fx *junction(struct check *c, struct operand o, const struct filter_place *place)
{
	size_t n = o.e->list.members.n;
	const struct fx **parts = arena_many(ARENA(c), const struct fx *, n);
	bool ok = true;

	for (size_t i = 0; i < n; i++) {
		parts[i] = filter_of(c, o.scope, o.e->list.members.at[i], place);
		ok &= parts[i] != NULL;
	}
	if (!ok)
		return NULL;
	if (o.e->kind == AST_NOT)
		return fx_not(c->model->fields, parts[0]);
	return o.e->kind == AST_AND ? fx_and(c->model->fields, parts, n) :
				      fx_or(c->model->fields, parts, n);
}

static const struct fx *filter_in(struct check *c, struct operand o, const struct filter_place *place)
{
	switch (o.e->kind) {
	case AST_AND:
	case AST_OR:
	case AST_NOT:
		return junction(c, o, place);
	case AST_REL:
		return comparison(c, o.scope, o.e, place);
	case AST_SERVICE:
		return fx_service(c->model->fields, o.e->service.protocol, o.e->service.port,
				  o.e->service.port);
	case AST_RANGE:
		return service_range(c, o);
	case AST_SET:
		return service_set(c, o);
	case AST_PATH:
		if (field_of(c, o.scope, o.e, NULL)) {
			report_type(c, o, "a filter (compare the field with a value)");
			return NULL;
		}
		resolve_ref(c, o.scope, o.e, KIND(LET));
		return NULL;
	default:
		report_type(c, o, "a filter");
		return NULL;
	}
}

const struct fx *filter_of(struct check *c, struct scope *s, const struct ast_expr *e,
			   const struct filter_place *place)
{
	static const struct filter_place nowhere = { 0 };
	struct operand o = operand_of(c, s, e);

	return o.e ? filter_in(c, o, place ? place : &nowhere) : NULL;
}

/* ---- examples ---- */

void packet_data(struct check *c, struct diag *d, const struct packet *packet, const char *more)
{
	struct sink s = { 0 };

	packet_json(&s, packet);
	diag_data(DIAGS(c), d, "{\"example\": %s%s}", s.data, more);
	sink_free(&s);
}

const char *packet_words(struct check *c, const struct packet *packet)
{
	struct sink s = { 0 };
	const char *text;

	packet_print(&s, packet);
	text = s.size ? arena_strdup(ARENA(c), s.data) : "any packet";
	sink_free(&s);
	return text;
}
