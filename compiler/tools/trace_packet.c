/* What is known of the packet that `epic trace` follows. */
#include <config.h>

#include "compiler/tools/trace.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/text.h"

/* ---- the text of a packet ---- */

struct reading {
	struct run *run;
	const char *at;
};

static bool refuse_packet(struct run *r, const char *why, const char *what)
{
	run_error(r,
		  "'%s' %s; a packet is written 'PROTO SRC[:PORT] > DST[:PORT] [FIELD=VALUE]...', "
		  "like 'tcp 100.64.1.9:5000 > 10.1.0.7:443'",
		  what, why);
	return false;
}

/* Up to the next blank or one of the signs in STOP. */
static const char *read_word(struct reading *r, const char *stop)
{
	const char *start;

	while (isspace((unsigned char)*r->at))
		r->at++;
	start = r->at;
	while (*r->at && !isspace((unsigned char)*r->at) && !strchr(stop, *r->at))
		r->at++;
	return arena_strndup(r->run->options->arena, start, (size_t)(r->at - start));
}

static bool number_parse(const char *text, uint64_t max, uint64_t *value)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*value = strtoull(hex ? text + 2 : text, &end, hex ? 16 : 10);
	return !errno && !*end && *value <= max && (!hex || isxdigit((unsigned char)text[2]));
}

static bool read_protocol(struct reading *r, struct trace_request *q)
{
	const char *word = read_word(r, ">");

	if (protocol_number(word, &q->protocol) || number_parse(word, 255, &q->protocol))
		return true;
	return refuse_packet(r->run, "is no protocol", word);
}

/* "1.2.3.4", "1.2.3.4:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80" */
static bool split_end(const char *word, const char **address, size_t *length, const char **port)
{
	const char *first = strchr(word, ':'), *close = strchr(word, ']');
	bool many = first && strchr(first + 1, ':');

	*address = word + (*word == '[');
	*length = strlen(*address);
	*port = NULL;
	if (*word == '[') {
		if (!close || (close[1] && close[1] != ':'))
			return false;
		*length = (size_t)(close - *address);
		*port = close[1] ? close + 2 : NULL;
	} else if (first && !many) {
		*length = (size_t)(first - word);
		*port = first + 1;
	}
	return true;
}

static bool read_end(struct reading *r, struct trace_end *e)
{
	const char *word = read_word(r, ">"), *address, *port;
	size_t length;

	if (!split_end(word, &address, &length, &port) ||
	    !prefix_parse(address, length, &e->address) || e->address.is_prefix ||
	    (*word == '[' && e->address.family != 6))
		return refuse_packet(r->run, "is no address", word);
	e->has_port = port != NULL;
	if (port && !number_parse(port, 65535, &e->port))
		return refuse_packet(r->run, "has no port 0...65535 behind the ':'", word);
	return true;
}

/* The value of FIELD=; a text may stand in quotes, with \" and \\ inside. */
static const char *read_value(struct reading *r, bool *closed)
{
	struct sink s = { 0 };
	const char *text;

	*closed = true;
	if (*r->at != '"')
		return read_word(r, "");
	for (r->at++; *r->at && *r->at != '"'; r->at++) {
		r->at += r->at[0] == '\\' && (r->at[1] == '"' || r->at[1] == '\\');
		sink_putc(&s, *r->at);
	}
	*closed = *r->at == '"';
	r->at += *closed;
	text = arena_strndup(r->run->options->arena, s.size ? s.data : "", s.size);
	sink_free(&s);
	return text;
}

static bool read_fields(struct reading *r, struct trace_request *q)
{
	for (;;) {
		struct trace_field f = { .name = read_word(r, "=") };
		bool closed = true, quoted;

		if (!*f.name && !*r->at)
			return true;
		if (*r->at != '=' || !*f.name)
			return refuse_packet(r->run, "is no FIELD=VALUE", f.name);
		r->at++;
		quoted = *r->at == '"';
		f.value = isspace((unsigned char)*r->at) ? "" : read_value(r, &closed);
		if ((!*f.value && !quoted) || !closed)
			return refuse_packet(r->run, "has no value", f.name);
		vec_push(r->run->options->arena, &q->fields, f);
	}
}

bool trace_parse(struct run *run, const char *text, struct trace_request *q)
{
	struct reading r = { run, text };

	*q = (struct trace_request){ 0 };
	if (!read_protocol(&r, q) || !read_end(&r, &q->from))
		return false;
	if (*read_word(&r, ">") || *r.at != '>')
		return refuse_packet(run, "has no '>' behind its first address", text);
	r.at++;
	if (!read_end(&r, &q->to))
		return false;
	if (q->from.address.family != q->to.address.family)
		return refuse_packet(run, "has addresses of two families", text);
	return read_fields(&r, q);
}

/* ---- values of fields ---- */

static bool mac_parse(const char *text, epic_u128 *value)
{
	*value = 0;
	for (int i = 0; i < 6; i++) {
		if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]) ||
		    text[2] != (i < 5 ? ':' : '\0'))
			return false;
		*value = *value << 8 | strtoul((char[]){ text[0], text[1], '\0' }, NULL, 16);
		text += 3;
	}
	return true;
}

static bool symbol_find(const struct field *f, struct packet_value *v, const char *text)
{
	for (size_t i = 0; i < f->n_values; i++)
		if (!strcmp(f->values[i], text))
			v->text = f->values[i];
	return v->text != NULL;
}

static bool integer_parse(const struct field *f, struct packet_value *v, const char *text)
{
	uint64_t number;

	if (!number_parse(text, f->max, &number) &&
	    (strcmp(f->name, "ip.proto") || !protocol_number(text, &number)))
		return false;
	v->value = number;
	return true;
}

static bool address_parse(struct packet_value *v, const char *text)
{
	struct prefix p;

	if (!prefix_parse(text, strlen(text), &p) || p.is_prefix)
		return false;
	v->family = p.family;
	v->value = p.bits;
	return true;
}

static bool value_parse(const struct field *f, const char *text, struct packet_value *v)
{
	*v = (struct packet_value){ .field = f };
	switch (f->kind) {
	case FIELD_INT:
		return integer_parse(f, v, text);
	case FIELD_MAC:
		return mac_parse(text, &v->value);
	case FIELD_ADDR:
		return address_parse(v, text);
	case FIELD_SYMBOL:
		return symbol_find(f, v, text);
	case FIELD_STRING:
		v->text = text;
		return true;
	}
	return false;
}

const char *trace_choices(struct arena *a, const struct field *f)
{
	const char *all = "";

	switch (f->kind) {
	case FIELD_INT:
		return arena_printf(a, "0...%" PRIu64, f->max);
	case FIELD_MAC:
		return "MAC";
	case FIELD_ADDR:
		return "ADDRESS";
	case FIELD_STRING:
		return "TEXT";
	case FIELD_SYMBOL:
		for (size_t i = 0; i < f->n_values; i++)
			all = arena_printf(a, "%s%s%s", all, i ? "|" : "", f->values[i]);
	}
	return all;
}

/* ---- putting the packet together ---- */

struct resolving {
	struct run *run;
	struct arena *arena;
	const struct ir *ir;
	const struct ir_pipeline *pipeline;
	const struct trace_request *request;
	VEC(struct packet_value) values;
	VEC(const struct field *) hidden;
	VEC(struct walk_rewrite) rewrites;
	uint64_t frag;
};

static const struct field *field_named(const struct resolving *r, const char *name)
{
	return fields_find(r->ir->fields, name);
}

/* In the order of the registry. */
static void put_value(struct resolving *r, struct packet_value v)
{
	size_t i = r->values.n;

	vec_push(r->arena, &r->values, v);
	for (; i && r->values.at[i - 1].field->index > v.field->index; i--)
		r->values.at[i] = r->values.at[i - 1];
	r->values.at[i] = v;
}

static bool is_given(const struct resolving *r, const struct field *f)
{
	for (size_t i = 0; i < r->values.n; i++)
		if (r->values.at[i].field == f)
			return true;
	return false;
}

static void put_number(struct resolving *r, const char *name, uint8_t family, epic_u128 value)
{
	put_value(r, (struct packet_value){
			 .field = field_named(r, name), .family = family, .value = value });
}

static bool has_ports(const struct resolving *r)
{
	uint64_t protocol = r->request->protocol;

	return (protocol == 6 || protocol == 17 || protocol == 132) && !r->frag;
}

/* Fields that are there whenever the packet is what it is (doc/language.md 5.1). */
static bool goes_without_saying(const struct resolving *r, const struct field *f)
{
	uint64_t protocol = r->request->protocol;

	if (!strncmp(f->name, "ip.", 3))
		return true;
	if (!strncmp(f->name, "l4.", 3))
		return has_ports(r);
	if (!strcmp(f->name, "tcp.flags"))
		return has_ports(r) && protocol == 6;
	if (!strncmp(f->name, "icmp.", 5))
		return protocol == 1 || protocol == 58;
	return false;
}

static bool may_be_absent(const struct field *f)
{
	return strncmp(f->name, "ip.", 3) && strncmp(f->name, "l4.", 3) &&
	       strcmp(f->name, "tcp.flags") && strncmp(f->name, "icmp.", 5);
}

/* tcp.dport is l4.dport of a TCP packet; NULL: of another packet. */
static const struct field *without_alias(const struct resolving *r, const struct field *f)
{
	bool tcp = !strncmp(f->name, "tcp.", 4), udp = !strncmp(f->name, "udp.", 4);

	if (f->derived || (!tcp && !udp) || !strcmp(f->name, "tcp.flags"))
		return f;
	if (r->request->protocol != (tcp ? 6 : 17))
		return NULL;
	return field_named(r, arena_printf(r->arena, "l4.%s", f->name + 4));
}

static bool refuse_value(struct resolving *r, const struct field *f, const char *name,
			 const char *value)
{
	run_error(r->run, "%s takes %s, not '%s'", name, trace_choices(r->arena, f), value);
	return false;
}

/* ---- names ---- */

/* NAME as written inside the pipeline, or with more of what stands in front. */
static bool is_called(const char *canonical, const char *name)
{
	size_t n = strlen(canonical), m = strlen(name);

	return n >= m && !strcmp(canonical + n - m, name) &&
	       (n == m || canonical[n - m - 1] == '.');
}

static bool is_of_pipeline(const struct resolving *r, const struct field *f)
{
	size_t n = strlen(r->pipeline->name);

	return f->derived && !strncmp(f->name, r->pipeline->name, n) && f->name[n] == '.';
}

/* An attribute that a module of the pipeline derives: INST.ATTR. */
static const struct field *find_derived(const struct resolving *r, const char *name)
{
	for (size_t i = 0; strchr(name, '.') && i < fields_count(r->ir->fields); i++) {
		const struct field *f = fields_at(r->ir->fields, i);

		if (is_of_pipeline(r, f) && is_called(f->name, name))
			return f;
	}
	return NULL;
}

/* INST.FIELD, a field that the module rewrites. */
static const struct field *find_rewritten(const struct resolving *r, const char *name,
					  uint32_t *module)
{
	const char *dot = strrchr(name, '.'), *head;
	const struct field *f;

	while (dot && dot > name && dot[-1] != '.')
		dot--;
	if (!dot || dot == name)
		return NULL;
	head = arena_strndup(r->arena, name, (size_t)(dot - 1 - name));
	f = field_named(r, dot);
	for (uint32_t i = 0; f && !f->derived && i < r->pipeline->n_modules; i++) {
		uint32_t function = r->pipeline->modules[i].function;

		if (function == ID_NONE || !is_called(r->pipeline->modules[i].name, head) ||
		    !walk_rewrites(&r->ir->functions[function], f))
			continue;
		*module = i;
		return f;
	}
	return NULL;
}

static bool refuse_name(struct resolving *r, const char *name, bool derived)
{
	const char *inside = r->pipeline->name;
	struct nearest near = nearest_to(name);

	for (size_t i = 0; i < fields_count(r->ir->fields); i++) {
		const struct field *f = fields_at(r->ir->fields, i);

		if (is_of_pipeline(r, f)) {
			nearest_try(&near, f->name + strlen(inside) + 1);
			nearest_try(&near, f->name);
		} else if (!f->derived && !derived) {
			nearest_try(&near, f->name);
		}
	}
	if (derived)
		run_error(r->run, "no module of pipeline '%s' derives or rewrites '%s'%s%s%s",
			  inside, name, near.name ? "; did you mean '" : "",
			  near.name ? near.name : "", near.name ? "'?" : "");
	else
		run_error(r->run, "packets have no field called '%s'%s%s%s", name,
			  near.name ? "; did you mean '" : "", near.name ? near.name : "",
			  near.name ? "'?" : "");
	return false;
}

/* ---- what is given ---- */

static bool give(struct resolving *r, const struct field *f, const char *name, const char *value)
{
	struct packet_value v;

	if (is_given(r, f)) {
		run_error(r->run, "%s is given twice", name);
		return false;
	}
	if (!value_parse(f, value, &v))
		return refuse_value(r, f, name, value);
	put_value(r, v);
	return true;
}

static bool give_field(struct resolving *r, const struct trace_field *given)
{
	const struct field *f = field_named(r, given->name), *plain;

	if (!f || (f->derived && !is_of_pipeline(r, f)))
		f = find_derived(r, given->name);
	if (!f)
		return refuse_name(r, given->name, false);
	plain = without_alias(r, f);
	if (!plain || (!f->derived && !may_be_absent(plain) && !goes_without_saying(r, plain))) {
		run_error(r->run, "this packet has no %s", given->name);
		return false;
	}
	return give(r, plain, given->name, given->value);
}

static bool give_rewritten(struct resolving *r, uint32_t module, const struct field *f,
			   const char *name, const char *value)
{
	struct walk_rewrite w = { .module = module };

	for (size_t i = 0; i < r->rewrites.n; i++)
		if (r->rewrites.at[i].module == module && r->rewrites.at[i].value.field == f) {
			run_error(r->run, "%s is given twice", name);
			return false;
		}
	if (!value_parse(f, value, &w.value))
		return refuse_value(r, f, name, value);
	vec_push(r->arena, &r->rewrites, w);
	return true;
}

/* --derived INST.ATTR=VALUE */
static bool give_derived(struct resolving *r, const char *text)
{
	const char *equals = strchr(text, '='), *name;
	const struct field *f;
	uint32_t module;

	if (!equals || equals == text || !equals[1]) {
		run_error(r->run, "--derived takes INST.ATTR=VALUE, not '%s'", text);
		return false;
	}
	name = arena_strndup(r->arena, text, (size_t)(equals - text));
	f = find_derived(r, name);
	if (f)
		return give(r, f, name, equals + 1);
	f = find_rewritten(r, name, &module);
	return f ? give_rewritten(r, module, f, name, equals + 1) : refuse_name(r, name, true);
}

/* A packet is whole unless it says `ip.frag=1`; the ports hang on that. */
static void settle_fragment(struct resolving *r)
{
	for (size_t i = 0; i < r->request->fields.n; i++) {
		const struct trace_field *f = &r->request->fields.at[i];
		uint64_t number;

		if (!strcmp(f->name, "ip.frag") && number_parse(f->value, 1, &number))
			r->frag = number;
	}
}

static bool give_ends(struct resolving *r)
{
	const struct trace_end *from = &r->request->from, *to = &r->request->to;

	put_number(r, "ip.src", from->address.family, from->address.bits);
	put_number(r, "ip.dst", to->address.family, to->address.bits);
	put_number(r, "ip.proto", 0, r->request->protocol);
	if ((from->has_port || to->has_port) && !has_ports(r)) {
		run_error(r->run, "this packet has no ports: %s",
			  r->frag ? "it is a later fragment" : "only tcp, udp and sctp have");
		return false;
	}
	if (from->has_port)
		put_number(r, "l4.sport", 0, from->port);
	if (to->has_port)
		put_number(r, "l4.dport", 0, to->port);
	return true;
}

/* What is in the packet although nothing was said of it. */
static void hide_the_rest(struct resolving *r)
{
	if (!is_given(r, field_named(r, "ip.frag")))
		put_value(r, (struct packet_value){ .field = field_named(r, "ip.frag"),
						    .implied = true });
	for (size_t i = 0; i < fields_count(r->ir->fields); i++) {
		const struct field *f = fields_at(r->ir->fields, i);

		if (goes_without_saying(r, f) && !is_given(r, f))
			vec_push(r->arena, &r->hidden, f);
	}
}

bool trace_resolve(struct run *run, const struct ir *ir, const struct ir_pipeline *p,
		   const struct trace_request *q, struct walk_packet *packet)
{
	struct resolving r = {
		.run = run, .arena = run->options->arena, .ir = ir, .pipeline = p, .request = q
	};
	const struct texts *derived = &run->options->derived;

	settle_fragment(&r);
	if (!give_ends(&r))
		return false;
	for (size_t i = 0; i < q->fields.n; i++)
		if (!give_field(&r, &q->fields.at[i]))
			return false;
	for (size_t i = 0; i < derived->n; i++)
		if (!give_derived(&r, derived->at[i]))
			return false;
	hide_the_rest(&r);
	*packet = (struct walk_packet){ .packet = { r.values.at, r.values.n },
					.hidden = r.hidden.at,
					.n_hidden = r.hidden.n,
					.rewrites = r.rewrites.at,
					.n_rewrites = r.rewrites.n };
	return true;
}

/* ---- the device ---- */

const struct packet_value *trace_value(const struct walk_packet *p, const struct field *f)
{
	for (size_t i = 0; i < p->packet.n; i++)
		if (p->packet.at[i].field == f)
			return &p->packet.at[i];
	return NULL;
}

void trace_enter(struct arena *a, const struct ir *ir, const char *value, struct walk_packet *p)
{
	struct resolving r = { .arena = a, .ir = ir };
	const struct field *port = fields_find(ir->fields, "port.in");

	for (size_t i = 0; i < p->packet.n; i++)
		if (p->packet.at[i].field != port)
			vec_push(a, &r.values, p->packet.at[i]);
	put_value(&r, (struct packet_value){ .field = port, .text = value });
	p->packet = (struct packet){ r.values.at, r.values.n };
}
