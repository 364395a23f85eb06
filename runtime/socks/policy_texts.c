/* What is wrong with a plan, and texts of it that are addresses. */
#include <config.h>

#include "runtime/socks/policy_private.h"

#include <stdarg.h>
#include <stdio.h>

bool policy_fail(struct policy_reading *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->error->text, sizeof(r->error->text), format, args);
	va_end(args);
	return false;
}

bool policy_no_memory(struct policy_reading *r)
{
	return policy_fail(r, "no memory is left");
}

void *policy_take(struct policy_reading *r, size_t n, size_t size)
{
	void *taken = pool_take(&r->policy->pool, n, size);

	if (!taken)
		policy_no_memory(r);
	return taken;
}

bool policy_read_prefixes(struct policy_reading *r, const char *place, const char *key,
			  struct rplan_texts texts, struct policy_prefixes *prefixes)
{
	struct filter_range *at = policy_take(r, texts.n, sizeof(*at));

	if (!at)
		return false;
	for (size_t i = 0; i < texts.n; i++)
		if (!filter_read_prefix(texts.at[i], &at[i]))
			return policy_fail(r, "%s.%s[%zu]: '%.60s' is no prefix", place, key, i,
					   texts.at[i]);
	*prefixes = policy_prefixes_of(at, texts.n);
	return true;
}

bool policy_address_of(const char *text, struct wire_address *a)
{
	if (!wire_address_parse(text, strlen(text), a) || a->kind == WIRE_NAME || !a->port)
		return false;
	wire_address_settle(a);
	return true;
}

bool policy_host_of(const char *text, struct wire_address *a)
{
	bool bare = strchr(text, ':') && text[0] != '[';
	char with_port[64];
	int n = snprintf(with_port, sizeof(with_port), bare ? "[%s]:0" : "%s:0", text);

	if (n < 0 || (size_t)n >= sizeof(with_port) ||
	    !wire_address_parse(with_port, (size_t)n, a) || a->kind == WIRE_NAME)
		return false;
	wire_address_settle(a);
	return true;
}

struct wire_address *policy_singles_of(struct policy_reading *r, const struct rplan_node *node,
				       size_t *n)
{
	struct wire_address *at = policy_take(r, node->addresses.n, sizeof(*at));
	char text[64];

	*n = 0;
	for (size_t i = 0; at && i < node->addresses.n; i++) {
		const char *prefix = node->addresses.at[i];
		struct filter_range range;

		if (!filter_read_prefix(prefix, &range) ||
		    range.length != (range.family == 4 ? 32 : 128))
			continue;
		snprintf(text, sizeof(text), "%.*s", (int)strcspn(prefix, "/"), prefix);
		*n += policy_host_of(text, &at[*n]);
	}
	return at;
}

bool policy_read_port(struct policy_reading *r, const char *place, const char *key, int64_t value,
		      uint16_t *port)
{
	if (value < 1 || value > UINT16_MAX)
		return policy_fail(r, "%s.%s: %jd is no port", place, key, (intmax_t)value);
	*port = (uint16_t)value;
	return true;
}
