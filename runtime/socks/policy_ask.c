/* Questions. */
#include <config.h>

#include "runtime/socks/policy_private.h"

/* One question while it is answered. */
struct asking {
	const struct policy *policy;
	const struct policy_question *question;
	struct policy_seen seen;
	/* Only chains that go on as this one does from that link on; NULL: any. */
	const struct policy_chain *like;
	size_t like_from;
	size_t first; /* link of the chain that was taken last */
	/* The first chains that nearly were taken, and at which link. */
	ptrdiff_t near[POLICY_N_REASONS];
	size_t near_link[POLICY_N_REASONS];
};

bool policy_same_host(const struct wire_address *a, const struct wire_address *b)
{
	return a->kind == b->kind && a->kind != WIRE_NAME &&
	       !memcmp(a->ip, b->ip, a->kind == WIRE_IPV4 ? 4 : 16);
}

static void begin(struct asking *k, const struct policy *p, const struct policy_question *q)
{
	k->policy = p;
	k->question = q;
	k->like = NULL;
	k->first = 0;
	k->seen = (struct policy_seen){ .protocol = q->protocol,
					.to = policy_end_of(&q->to),
					.port = q->to.port };
	for (size_t i = 0; i < POLICY_N_REASONS; i++)
		k->near[i] = POLICY_NOWHERE;
}

static void note(struct asking *k, enum policy_reason reason, size_t row, size_t link)
{
	if (k->near[reason] != POLICY_NOWHERE && (size_t)k->near[reason] <= row)
		return;
	k->near[reason] = (ptrdiff_t)row;
	k->near_link[reason] = link;
}

static bool refuse_near(struct asking *k, enum policy_reason reason, struct policy_answer *answer)
{
	if (k->near[reason] == POLICY_NOWHERE)
		return false;
	policy_refuse(k->policy, k->question, reason, (size_t)k->near[reason], k->near_link[reason],
		      answer);
	return true;
}

static void allow(const struct asking *k, ptrdiff_t row, struct policy_answer *answer)
{
	answer->verdict = POLICY_ALLOWED;
	answer->chain = &k->policy->chains[row];
	answer->first = k->first;
	answer->why[0] = '\0';
}

/* ---- why not ---- */

static bool want_prohibited(void *arg, size_t row)
{
	const struct asking *k = arg;
	const char *status = k->policy->plan->flows.at[row].status;

	return !strcmp(status, "forbidden") || !strcmp(status, "unbridgeable");
}

static bool want_any(void *arg, size_t row)
{
	(void)arg, (void)row;
	return true;
}

/* No chain is meant: the flows of the policy may tell more. */
static void refuse_by_flows(struct asking *k, struct policy_answer *answer)
{
	const struct policy_table *flows = &k->policy->by_flow;
	enum policy_reason reason = POLICY_PROHIBITED;
	ptrdiff_t row = POLICY_NOWHERE;

	if (!k->seen.any_source) {
		row = policy_table_first(flows, &k->seen, want_prohibited, k);
		if (row == POLICY_NOWHERE) {
			reason = POLICY_ELSEWHERE;
			row = policy_table_first(flows, &k->seen, want_any, k);
		}
	}
	if (row == POLICY_NOWHERE)
		policy_refuse(k->policy, k->question, POLICY_NOTHING, 0, 0, answer);
	else
		policy_refuse(k->policy, k->question, reason, (size_t)row, 0, answer);
}

/* ---- a target's own port ---- */

static bool want_at_target(void *arg, size_t row)
{
	struct asking *k = arg;

	if (k->policy->chains[row].target != k->question->target)
		return false;
	if (!k->policy->entries[row].begins)
		return true;
	note(k, POLICY_BEHIND, row, 0);
	return false;
}

static ptrdiff_t first_at_target(struct asking *k, const struct wire_address *source)
{
	k->seen.source = policy_end_of(source);
	return policy_table_first(&k->policy->by_chain, &k->seen, want_at_target, k);
}

static void ask_at_target(struct asking *k, struct policy_answer *answer)
{
	const struct policy_question *q = k->question;
	bool speaks_for = q->told && !policy_same_host(&q->source, &q->peer);
	ptrdiff_t row = first_at_target(k, &q->peer);

	if (row != POLICY_NOWHERE && !speaks_for) {
		allow(k, row, answer);
		return;
	}
	if (row == POLICY_NOWHERE && speaks_for)
		row = first_at_target(k, &q->source);
	k->seen.source = policy_end_of(&q->peer);
	if (row != POLICY_NOWHERE)
		policy_refuse(k->policy, q, POLICY_SPEAKS_FOR, (size_t)row, 0, answer);
	else if (!refuse_near(k, POLICY_BEHIND, answer))
		refuse_by_flows(k, answer);
}

/* ---- a function's port ---- */

static bool is_from_before(const struct asking *k, size_t row, size_t link)
{
	const struct policy_entry *e = &k->policy->entries[row];
	const struct wire_address *peer = &k->question->peer;

	if (link)
		return policy_same_host(&k->policy->chains[row].links[link - 1].at, peer);
	for (size_t i = 0; i < e->n_via; i++)
		if (policy_same_host(&e->via[i], peer))
			return true;
	return false;
}

static bool goes_on_alike(const struct policy_chain *a, size_t i, const struct policy_chain *b,
			  size_t j)
{
	if (a->n_links - i != b->n_links - j)
		return false;
	for (; i < a->n_links; i++, j++) {
		const struct policy_link *x = &a->links[i], *y = &b->links[j];

		if (!wire_address_same(&x->at, &y->at) || strcmp(x->text, y->text) ||
		    strcmp(x->function, y->function) || (x->own < 0) != (y->own < 0) ||
		    x->tls != y->tls)
			return false;
	}
	return true;
}

/* Whether the chain goes on from LINK as the peer said, if it said anything. */
static bool is_as_told(const struct policy_question *q, const struct policy_chain *c, size_t link)
{
	if (!q->links)
		return true;
	if (q->n_links != c->n_links - link)
		return false;
	for (size_t i = 0; i < q->n_links; i++)
		if (!wire_address_same(&q->links[i], &c->links[link + i].at))
			return false;
	return true;
}

static bool want_at_link(struct asking *k, size_t row, size_t link)
{
	const struct policy_chain *c = &k->policy->chains[row];

	if (c->links[link].own != k->question->function)
		return false;
	if (!is_from_before(k, row, link)) {
		note(k, POLICY_PEER, row, link);
		return false;
	}
	if (!(k->like ? goes_on_alike(k->like, k->like_from, c, link)
		      : is_as_told(k->question, c, link))) {
		note(k, POLICY_OTHER_REST, row, link);
		return false;
	}
	k->first = link;
	return true;
}

static bool want_at_function(void *arg, size_t row)
{
	struct asking *k = arg;

	for (size_t i = 0; i < k->policy->chains[row].n_links; i++)
		if (want_at_link(k, row, i))
			return true;
	note(k, POLICY_OFF_CHAIN, row, 0);
	return false;
}

struct comparing {
	struct asking asking;
	const struct policy_chain *chain;
	size_t first;
};

static bool want_another_rest(void *arg, size_t row)
{
	struct comparing *c = arg;

	return want_at_function(&c->asking, row) &&
	       !goes_on_alike(c->chain, c->first, &c->asking.policy->chains[row], c->asking.first);
}

/* Whether the peer left open which of several ways is meant. */
static bool is_unclear(const struct asking *k, ptrdiff_t row)
{
	struct comparing c = { .asking = *k, .chain = &k->policy->chains[row], .first = k->first };

	return !k->question->told && !k->question->links && !k->like &&
	       policy_table_first(&k->policy->by_chain, &k->seen, want_another_rest, &c) !=
		   POLICY_NOWHERE;
}

static void ask_at_function(struct asking *k, struct policy_answer *answer)
{
	const struct policy_question *q = k->question;
	ptrdiff_t row;

	k->seen.any_source = !q->told;
	k->seen.source = policy_end_of(&q->source);
	row = policy_table_first(&k->policy->by_chain, &k->seen, want_at_function, k);
	if (row != POLICY_NOWHERE && !is_unclear(k, row))
		allow(k, row, answer);
	else if (row != POLICY_NOWHERE)
		policy_refuse(k->policy, q, POLICY_UNCLEAR, (size_t)row, k->first, answer);
	else if (!refuse_near(k, POLICY_OTHER_REST, answer) &&
		 !refuse_near(k, POLICY_PEER, answer) && !refuse_near(k, POLICY_OFF_CHAIN, answer))
		refuse_by_flows(k, answer);
}

/* ---- all ---- */

static bool ask(struct asking *k, struct policy_answer *answer)
{
	const struct policy_question *q = k->question;

	answer->chain = NULL;
	answer->first = 0;
	if (q->protocol != IPPROTO_TCP && q->protocol != IPPROTO_UDP)
		policy_refuse(k->policy, q, POLICY_NOTHING, 0, 0, answer);
	else if (q->function < 0)
		ask_at_target(k, answer);
	else
		ask_at_function(k, answer);
	return answer->verdict == POLICY_ALLOWED;
}

bool policy_ask(const struct policy *p, const struct policy_question *q,
		struct policy_answer *answer)
{
	struct asking k;

	begin(&k, p, q);
	return ask(&k, answer);
}

/* What the peer said of the chain may be forgotten: it goes on as it does. */
bool policy_still(const struct policy *now, const struct policy_question *q,
		  const struct policy_chain *old_chain, size_t old_first,
		  struct policy_answer *answer)
{
	struct asking k;

	begin(&k, now, q);
	k.like = old_chain;
	k.like_from = old_first;
	return ask(&k, answer) && goes_on_alike(old_chain, old_first, answer->chain, answer->first);
}
