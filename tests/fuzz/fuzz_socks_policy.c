/* libFuzzer entry: whatever the bytes, they are a policy or are refused with a reason; and a policy
 * answers questions about its own addresses and others. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/socks/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { MOST_ASKED = 16 };

static void demand(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "does not hold: %s\n", what);
	abort();
}

/* The first address of a prefix. */
static struct wire_address address_in(const char *prefix)
{
	struct wire_address a = wire_any;
	char text[80];
	int n = snprintf(text, sizeof(text), strchr(prefix, ':') ? "[%.*s]:443" : "%.*s:443",
			 (int)strcspn(prefix, "/"), prefix);

	demand(wire_address_parse(text, (size_t)n, &a) && a.kind != WIRE_NAME,
	       "a prefix has an address");
	return a;
}

static void ask(const struct policy *p, const struct policy_question *q)
{
	struct policy_answer answer, again;
	bool allowed = policy_ask(p, q, &answer);

	demand(strnlen(answer.why, sizeof(answer.why)) < sizeof(answer.why), "a reason ends");
	demand(allowed == (answer.verdict == POLICY_ALLOWED), "what is allowed has that verdict");
	demand(allowed == !answer.why[0], "a refusal has a reason");
	demand(allowed == (answer.chain != NULL), "what is allowed has a chain");
	if (!allowed)
		return;
	demand(answer.first <= answer.chain->n_links, "the link is one of the chain");
	demand(policy_still(p, q, answer.chain, answer.first, &again),
	       "what is allowed stays so under the same policy");
}

static void ask_about(const struct policy *p, struct policy_question q)
{
	size_t n_functions, n_chains;
	const struct policy_chain *chains = policy_chains(p, &n_chains);

	policy_functions(p, &n_functions);
	q.function = -1;
	ask(p, &q);
	for (size_t i = 0; i < n_functions && i < MOST_ASKED; i++) {
		q.function = (int)i;
		for (int told = 0; told < 2; told++) {
			q.told = told;
			ask(p, &q);
		}
	}
	for (size_t i = 0; i < n_chains && i < MOST_ASKED; i++)
		for (size_t j = 0; j < chains[i].n_links && j < MOST_ASKED; j++) {
			q.peer = chains[i].links[j].at;
			ask(p, &q);
		}
}

static void ask_all(const struct policy *p)
{
	size_t n_catches, n_targets;
	const struct policy_catch *c = policy_catches(p, &n_catches);
	struct policy_question q = {
		.protocol = IPPROTO_TCP, .peer = wire_any, .source = wire_any, .to = wire_any
	};
	struct wire_address to;
	char why[32];

	ask_about(p, q);
	policy_targets(p, &n_targets);
	policy_listener(p, &wire_any, &to, why, sizeof(why));
	for (size_t i = 0; i < n_catches && i < MOST_ASKED; i++) {
		demand(c[i].low <= c[i].high, "ports are in order");
		q = (struct policy_question){ .protocol = c[i].protocol,
					      .target = i % n_targets,
					      .peer = address_in(c[i].source),
					      .source = address_in(c[i].source),
					      .to = address_in(c[i].prefix) };
		q.to.port = c[i].low;
		ask_about(p, q);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct policy_error error = { "" };
	struct policy *p = policy_read(bytes, size, ".", NULL, 0, &error);

	demand(p || error.text[0], "a plan that is refused has a reason");
	if (p)
		ask_all(p);
	policy_drop(p);
	return 0;
}
