#include <config.h>

#include "compiler/filter/filter_private.h"

#include <assert.h>
#include <string.h>

/* When a field is there. */
enum presence {
	ALWAYS,
	BY_ITSELF, /* may be absent whatever the other fields are */
	WITH_IP,
	WITH_PORTS,
	WITH_TCP,
	WITH_ICMP,
	N_PRESENCES,
};

struct predefined {
	const char *name;
	enum field_kind kind;
	uint64_t max;
	enum presence presence;
	const char *port; /* for tcp.dport: l4.dport and 6 */
	uint64_t protocol;
};

/* In the order of the registry. */
static const struct predefined predefined[] = {
	{ "eth.src", FIELD_MAC, 0, BY_ITSELF, NULL, 0 },
	{ "eth.dst", FIELD_MAC, 0, BY_ITSELF, NULL, 0 },
	{ "eth.type", FIELD_INT, 65535, BY_ITSELF, NULL, 0 },
	{ "vlan.id", FIELD_INT, 4094, BY_ITSELF, NULL, 0 },
	{ "ip.src", FIELD_ADDR, 0, WITH_IP, NULL, 0 },
	{ "ip.dst", FIELD_ADDR, 0, WITH_IP, NULL, 0 },
	{ "ip.proto", FIELD_INT, 255, WITH_IP, NULL, 0 },
	{ "ip.dscp", FIELD_INT, 63, WITH_IP, NULL, 0 },
	{ "ip.ttl", FIELD_INT, 255, WITH_IP, NULL, 0 },
	{ "ip.frag", FIELD_INT, 1, WITH_IP, NULL, 0 },
	{ "l4.sport", FIELD_INT, 65535, WITH_PORTS, NULL, 0 },
	{ "l4.dport", FIELD_INT, 65535, WITH_PORTS, NULL, 0 },
	{ "tcp.sport", FIELD_INT, 65535, WITH_PORTS, "l4.sport", 6 },
	{ "tcp.dport", FIELD_INT, 65535, WITH_PORTS, "l4.dport", 6 },
	{ "udp.sport", FIELD_INT, 65535, WITH_PORTS, "l4.sport", 17 },
	{ "udp.dport", FIELD_INT, 65535, WITH_PORTS, "l4.dport", 17 },
	{ "tcp.flags", FIELD_INT, 255, WITH_TCP, NULL, 0 },
	{ "icmp.type", FIELD_INT, 255, WITH_ICMP, NULL, 0 },
	{ "icmp.code", FIELD_INT, 255, WITH_ICMP, NULL, 0 },
	{ "port.in", FIELD_STRING, 0, BY_ITSELF, NULL, 0 },
	{ "http.host", FIELD_STRING, 0, BY_ITSELF, NULL, 0 },
	{ "tls.sni", FIELD_STRING, 0, BY_ITSELF, NULL, 0 },
};

enum { N_PREDEFINED = sizeof(predefined) / sizeof(*predefined) };

static const struct protocol {
	const char *name;
	uint64_t number;
} protocols[] = {
	{ "icmp", 1 }, { "tcp", 6 }, { "udp", 17 },    { "gre", 47 },
	{ "esp", 50 }, { "ah", 51 }, { "icmpv6", 58 }, { "sctp", 132 },
};

enum { N_PROTOCOLS = sizeof(protocols) / sizeof(*protocols) };

static void add_predefined(struct fields *, const struct predefined *);
static void add_key_dims(struct fields *);
static void add_dims(struct fields *, struct field *, enum presence);

struct fields *fields_new(struct arena *a)
{
	struct fields *f = arena_one(a, struct fields);

	f->arena = a;
	f->names = interner_new(a);
	map_init(&f->by_name, a);
	map_init(&f->numbers, a);
	for (size_t i = 0; i < N_PREDEFINED; i++)
		add_predefined(f, &predefined[i]);
	add_key_dims(f);
	for (size_t i = 0; i < N_PREDEFINED; i++)
		if (f->first_dim.at[i] == DIM_NONE && !predefined[i].port)
			add_dims(f, f->list.at[i], predefined[i].presence);
	return f;
}

const struct field *fields_find(const struct fields *f, const char *name)
{
	return map_get(&f->by_name, intern_text(f->names, name));
}

size_t fields_count(const struct fields *f)
{
	return f->list.n;
}

const struct field *fields_at(const struct fields *f, size_t index)
{
	assert(index < f->list.n);
	return f->list.at[index];
}

static struct field *add_field(struct fields *f, const char *name, enum field_kind kind)
{
	struct field *field = arena_one(f->arena, struct field);

	field->name = intern_text(f->names, name);
	field->kind = kind;
	field->index = f->list.n;
	assert(!map_get(&f->by_name, field->name));
	map_put(&f->by_name, field->name, field);
	vec_push(f->arena, &f->list, field);
	vec_push(f->arena, &f->first_dim, DIM_NONE);
	return field;
}

const struct field *fields_add_derived(struct fields *f, const char *name,
				       const char *const *values, size_t n_values)
{
	struct field *field = add_field(f, name, values ? FIELD_SYMBOL : FIELD_STRING);

	assert(!values || n_values);
	field->values = values;
	field->n_values = n_values;
	field->derived = true;
	add_dims(f, field, ALWAYS);
	return field;
}

bool protocol_number(const char *word, uint64_t *number)
{
	for (size_t i = 0; i < N_PROTOCOLS; i++) {
		if (strcmp(protocols[i].name, word))
			continue;
		*number = protocols[i].number;
		return true;
	}
	return false;
}

const char *protocol_name(uint64_t number)
{
	for (size_t i = 0; i < N_PROTOCOLS; i++)
		if (protocols[i].number == number)
			return protocols[i].name;
	return NULL;
}

bool field_is_protocol(const struct field *field)
{
	return !strcmp(field->name, "ip.proto");
}

bool fields_overflowed(const struct fields *f)
{
	return f->overflowed;
}

uint32_t field_dim(const struct fields *f, const struct field *field, int family)
{
	uint32_t first = f->first_dim.at[field->index];

	return first != DIM_NONE && family == 6 ? first + 1 : first;
}

bool field_alias(const struct fields *f, const struct field *field, const struct field **port,
		 uint64_t *protocol)
{
	const struct predefined *p;

	if (field->index >= N_PREDEFINED || !predefined[field->index].port)
		return false;
	p = &predefined[field->index];
	*port = fields_find(f, p->port);
	*protocol = p->protocol;
	return true;
}

epic_u128 text_number(struct fields *f, const char *text)
{
	const char *name = intern_text(f->names, text);
	uintptr_t known = (uintptr_t)map_get(&f->numbers, name);

	if (known)
		return known - 1;
	vec_push(f->arena, &f->texts, name);
	map_put(&f->numbers, name, (void *)(uintptr_t)f->texts.n);
	return f->texts.n - 1;
}

bool text_is_known(const struct fields *f, const char *text)
{
	return map_get(&f->numbers, intern_text(f->names, text));
}

static void add_predefined(struct fields *f, const struct predefined *p)
{
	struct field *field = add_field(f, p->name, p->kind);

	field->max = p->max;
}

/* ---- dimensions ---- */

static const struct box *need(struct fields *f, const struct box *needs, uint32_t dim,
			      struct range *ranges, size_t n)
{
	return box_with(f, f->arena, needs, dim, values_from(f->arena, ranges, n));
}

static const struct box *need_families(struct fields *f, enum family lo, enum family hi)
{
	return need(f, box_all(f->arena), DIM_FAM, &(struct range){ lo, hi }, 1);
}

static const struct box *presence_needs(struct fields *f, enum presence p)
{
	struct range ports[] = { { 6, 6 }, { 17, 17 }, { 132, 132 } };
	struct range icmp[] = { { 1, 1 }, { 58, 58 } };
	const struct box *b;

	if (p == ALWAYS || p == BY_ITSELF)
		return box_all(f->arena);
	b = need_families(f, FAM_V4, FAM_V6);
	if (p == WITH_IP)
		return b;
	if (p == WITH_ICMP)
		return need(f, b, DIM_PROTO, icmp, 2);
	b = need(f, b, DIM_PROTO, ports, p == WITH_TCP ? 1 : 3);
	return need(f, b, DIM_FRAG, &(struct range){ 0, 0 }, 1);
}

static void add_dim(struct fields *f, struct dim d)
{
	if (d.field && f->first_dim.at[d.field->index] == DIM_NONE)
		f->first_dim.at[d.field->index] = (uint32_t)f->dims.n;
	d.full = values_one(f->arena, 0, d.max);
	vec_push(f->arena, &f->dims, d);
}

static void add_key_dims(struct fields *f)
{
	const struct field *proto = fields_find(f, "ip.proto"), *frag = fields_find(f, "ip.frag");
	const struct box *ip;

	add_dim(f, (struct dim){ .max = FAM_V6, .needs = box_all(f->arena) });
	ip = need_families(f, FAM_V4, FAM_V6);
	add_dim(f, (struct dim){ .field = proto, .max = proto->max, .needs = ip });
	add_dim(f, (struct dim){ .field = frag, .max = frag->max, .needs = ip });
	assert(f->dims.n == N_KEY_DIMS);
}

static void add_address_dims(struct fields *f, const struct field *field)
{
	add_dim(f, (struct dim){ .field = field,
				 .family = 4,
				 .max = UINT32_MAX,
				 .needs = need_families(f, FAM_V4, FAM_V4) });
	add_dim(f, (struct dim){ .field = field,
				 .family = 6,
				 .max = ~(epic_u128)0,
				 .needs = need_families(f, FAM_V6, FAM_V6) });
}

static epic_u128 largest_value(const struct field *field)
{
	switch (field->kind) {
	case FIELD_MAC:
		return ((epic_u128)1 << 48) - 1;
	case FIELD_STRING:
		return N_TEXTS - 1;
	case FIELD_SYMBOL:
		return field->n_values - 1;
	default:
		return field->max;
	}
}

static void add_dims(struct fields *f, struct field *field, enum presence p)
{
	bool lacks = p == BY_ITSELF;

	if (field->kind == FIELD_ADDR) {
		add_address_dims(f, field);
		return;
	}
	add_dim(f, (struct dim){ .field = field,
				 .lacks = lacks,
				 .max = largest_value(field) + lacks,
				 .needs = presence_needs(f, p) });
}
