#include <config.h>

#include <string.h>

#include "runtime/socks/function.h"
#include "runtime/socks/functions/rows.h"

static const struct function_class *const rows[] = {
	&function_audit_log,    &function_exec,       &function_firewall, &function_key_broker,
	&function_microsegment, &function_rate_meter, &function_seal,     &function_unseal,
};

const struct function_class *const *function_classes(size_t *n)
{
	*n = sizeof(rows) / sizeof(*rows);
	return rows;
}

const struct function_class *function_class_of(const char *name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (!strcmp(rows[i]->name, name))
			return rows[i];
	return NULL;
}
