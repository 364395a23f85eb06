/* A policy of the SOCKS runtime from a plan that a test has put together. */
#ifndef EPIC_TEST_POLICY_OF_H
#define EPIC_TEST_POLICY_OF_H

#include <stdlib.h>
#include <string.h>

#include "backends/cbor/cbor.h"
#include "runtime/socks/policy.h"

/* The bytes lie in memory of just their size, so that a sanitizer sees one too far. */
static inline struct policy *policy_of(const struct plan *plan, const char *const *targets,
				       size_t n_targets, struct policy_error *error)
{
	struct sink out = { 0 };
	struct policy *policy = NULL;
	void *exact;

	memset(error, 0, sizeof(*error));
	if (!cbor_emit(plan, &out))
		abort();
	exact = malloc(out.size);
	if (exact) {
		memcpy(exact, out.data, out.size);
		policy = policy_read(exact, out.size, "/etc/epic", targets, n_targets, error);
	}
	free(exact);
	sink_free(&out);
	return policy;
}

/* `10.1.0.7:443`, `[2001:db8::1]:443`; a program that calls it wrongly ends. */
static inline struct wire_address address_of(const char *text)
{
	struct wire_address a;

	if (!wire_address_parse(text, strlen(text), &a))
		abort();
	return a;
}

#endif
