/* Devices: what PMDPort is told, and one port object for each. */
#include <config.h>

#include <ctype.h>
#include <string.h>

#include "compiler/plan/bess_private.h"

static bool skip_hex(const char **s, size_t least, size_t most)
{
	size_t n = 0;

	for (; n < most && isxdigit((unsigned char)**s); n++)
		++*s;
	return n >= least;
}

/* "0000:3b:00.1", or without the domain. */
static bool is_pci(const char *s)
{
	const char *start = s;

	if (!skip_hex(&s, 4, 4) || *s != ':')
		s = start;
	else
		s++;
	return skip_hex(&s, 2, 2) && *s++ == ':' && skip_hex(&s, 2, 2) && *s++ == '.' &&
	       *s >= '0' && *s <= '7' && !s[1];
}

static bool is_number(const char *s)
{
	return *s && strlen(s) <= 5 && s[strspn(s, "0123456789")] == '\0';
}

static const char *key_of(const char *device)
{
	if (is_pci(device))
		return "pci";
	if (!strncmp(device, "net_", 4))
		return "vdev";
	return is_number(device) ? "port_id" : NULL;
}

static const char *device_of(struct laying *k, const struct plan_module *m)
{
	char number[DEC_TEXT_SIZE];

	for (size_t i = 0; i < m->config.n; i++) {
		const struct ir_value *v = m->config.at[i].value;

		if (strcmp(m->config.at[i].name, "device"))
			continue;
		if (v->kind == IR_VALUE_TEXT)
			return v->text;
		if (v->kind == IR_VALUE_NUMBER)
			return arena_strdup(LAY_ARENA(k), rat_text(v->number, number));
	}
	return NULL;
}

static size_t add_port(struct laying *k, const struct plan_module *m, const char *device)
{
	const char *key = key_of(device);
	struct bess_port p = { .key = key, .device = device, .n_in = 1, .span = m->span };

	if (!key) {
		diag_help(&k->ctx->diags,
			  diag_add(&k->ctx->diags, E0802, m->span,
				   "BESS has no port for the device '%s' of '%s'", device, m->id),
			  "name it by its PCI address (\"0000:3b:00.0\"), as \"net_...\" or by its "
			  "number");
		return NODE_NONE;
	}
	p.name = bess_name(
	    &k->names, arena_printf(LAY_ARENA(k), "port_%.*s", (int)strcspn(device, ","), device));
	vec_push(LAY_ARENA(k), &k->made->ports, p);
	return k->made->ports.n - 1;
}

size_t bess_port_of(struct laying *k, const struct plan_module *m)
{
	const char *device = device_of(k, m);

	if (!device) {
		diag_add(&k->ctx->diags, E0802, m->span, "'%s' needs a device to be a port of BESS",
			 m->id);
		return NODE_NONE;
	}
	for (size_t i = 0; i < k->made->ports.n; i++)
		if (!strcmp(k->made->ports.at[i].device, device))
			return i;
	return add_port(k, m, device);
}
