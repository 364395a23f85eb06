/* Where a session may go: the policy's answer, and what it means for this proxy. */
#include <config.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/socks/session_private.h"

static const struct setup_options *options_of(const struct session *s)
{
	return s->worker->server->options;
}

/* ---- the policy ---- */

bool route_ask(struct session *s, const struct wire_address *to, struct policy_answer *answer)
{
	*answer = (struct policy_answer){ .verdict = POLICY_ALLOWED };
	s->question.to = *to;
	if (options_of(s)->role == ROLE_PROXY)
		return policy_ask(s->setup->policy, &s->question, answer);
	if (options_of(s)->role == ROLE_REDIRECT || setup_allows(s->setup, to))
		return true;
	answer->verdict = POLICY_NO_FLOW;
	snprintf(answer->why, sizeof(answer->why), "the destination is in no prefix of --allow");
	return false;
}

static enum counter counter_of(enum policy_verdict v)
{
	switch (v) {
	case POLICY_FORBIDDEN:
		return COUNT_refused_forbidden;
	case POLICY_WRONG_PEER:
		return COUNT_refused_peer;
	case POLICY_WRONG_WAY:
		return COUNT_refused_chain;
	default:
		return COUNT_refused_no_flow;
	}
}

void route_refuse(struct session *s, const struct policy_answer *answer)
{
	go_refuse(s, counter_of(answer->verdict), OUTCOME_DENIED, answer->why);
}

/* ---- the way ---- */

static bool is_function_alone(const struct session *s)
{
	return options_of(s)->role == ROLE_FUNCTION;
}

static bool texts_make(struct session *s, struct route *r, const struct wire_address *at, size_t n,
		       char *why)
{
	struct opening *o = s->opening;

	free(o->texts);
	o->texts = calloc(n, sizeof(*o->texts));
	snprintf(why, 300, "no memory");
	for (size_t i = 0; o->texts && i < n; i++) {
		char text[WIRE_TEXT_ROOM];

		wire_address_text(&at[i], text, sizeof(text));
		snprintf(o->texts[i], sizeof(o->texts[i]), "socks6://%s", text);
		r->links[i] = o->texts[i];
	}
	return o->texts;
}

/* A function of this proxy that another process runs. */
static bool route_elsewhere(struct session *s, const struct instance *i, struct route *r, char *why)
{
	if (!i->elsewhere.kind) {
		snprintf(why, 300, "%s has no class and no link: it runs nowhere", i->name);
		return false;
	}
	r->next = i->elsewhere;
	r->tls = NULL;
	return texts_make(s, r, &i->elsewhere, 1, why);
}

/* The functions from `first` on that run here, and what is behind them. */
static bool route_along(struct session *s, const struct policy_answer *a, struct route *r,
			char *why)
{
	const struct policy_chain *c = a->chain;
	const struct policy_target *t;
	size_t n, k = a->first;

	t = &policy_targets(s->setup->policy, &n)[c->target];
	r->first = k;
	while (k < c->n_links && c->links[k].own >= 0 &&
	       s->setup->instances[c->links[k].own].function)
		k++;
	r->behind = k;
	r->straight = k == c->n_links;
	r->version = t->version;
	r->epi = t->epi;
	r->fast_open = t->fast_open && c->replay_safe;
	r->warm = t->warm;
	if (r->straight)
		return true;
	r->next = c->links[k].at;
	r->tls = c->links[k].tls ? s->setup->clients[c->target] : NULL;
	for (size_t i = k; i < c->n_links && r->n_links < EPI_MOST_LINKS; i++)
		r->links[r->n_links++] = c->links[i].text;
	return c->links[k].own < 0 ||
	       route_elsewhere(s, &s->setup->instances[c->links[k].own], r, why);
}

/* A function by itself goes on as it was told. */
static bool route_told(struct session *s, struct route *r, char *why)
{
	const struct inbound_request *q = s->opening->request;
	const struct epi_chain *c = q ? q->chain : NULL;
	size_t at = c ? c->index + 1 : 0;

	r->version = 6;
	r->epi = q && q->kind == INBOUND_EPI;
	if (!c || at >= c->n)
		return true;
	r->straight = false;
	r->next = c->links[at].at;
	r->n_links = c->n - at;
	if (r->next.kind == WIRE_NAME) {
		snprintf(why, 300, "the next proxy of the chain is told by name");
		return false;
	}
	return texts_make(s, r, &s->opening->links[1], r->n_links, why);
}

bool route_make(struct session *s, const struct policy_answer *a, struct route *r, char *why)
{
	const struct setup_options *o = options_of(s);
	const struct inbound_request *q = s->opening ? s->opening->request : NULL;

	*r = (struct route){ .straight = true };
	switch (o->role) {
	case ROLE_PROXY:
		if (!route_along(s, a, r, why))
			return false;
		break;
	case ROLE_OPEN:
		r->fast_open = o->fast_open;
		r->warm = o->warm;
		break;
	case ROLE_FUNCTION:
		if (!route_told(s, r, why))
			return false;
		break;
	case ROLE_REDIRECT:
		*r = (struct route){ .next = o->proxy,
				     .version = o->version,
				     .epi = o->epi,
				     .tls = s->setup->clients[0],
				     .fast_open = o->fast_open,
				     .warm = o->warm };
		break;
	}
	r->header = q && q->kind == INBOUND_PROXY && !r->straight;
	/* The draft wants the client's consent ("Stack Options", TFO). */
	if (r->straight && q && q->kind == INBOUND_SOCKS6)
		r->fast_open =
		    r->fast_open && q->options->stack[SOCKS6_TFO].legs & SOCKS6_REMOTE_LEG;
	return true;
}

bool route_take(struct session *s, const struct policy_answer *a, char *why)
{
	setup_drop(s->way);
	s->way = setup_hold(s->setup);
	s->chain = a->chain;
	s->first = a->first;
	return route_make(s, a, &s->opening->route, why);
}

/* ---- functions ---- */

static void facts_make(const struct session *s, const struct wire_address *to, const char *name,
		       struct function_facts *f)
{
	const struct policy_chain *c = s->chain;

	*f = (struct function_facts){
		.connection = s->number,
		.function = name,
		.application = c ? c->application : "",
		.from = c ? c->from : "",
		.to = c ? c->to : "",
		.file = c ? c->file : "",
		.line = c ? c->line : 0,
		.protocol = s->question.protocol,
		.source = s->question.source,
		.destination = *to,
	};
}

static bool stage_open(struct session *s, struct instance *i, const struct wire_address *to,
		       struct stage *stage, struct function_wake *wake, char *why)
{
	struct function_facts facts;
	char reason[256] = "";

	facts_make(s, to, i->name, &facts);
	*stage = (struct stage){ .class = i->class, .function = i->function };
	if (s->question.protocol == IPPROTO_UDP && i->class->bytes && !i->class->datagram) {
		snprintf(why, 300, "%s cannot carry UDP", i->name);
		return false;
	}
	if (!i->class->open || i->class->open(i->function, &facts, wake, &stage->state, reason))
		return true;
	snprintf(why, 300, "%.128s: %.160s", i->name, reason);
	return false;
}

void stages_close(struct stage *stages, size_t n)
{
	static const uint64_t none[N_WAYS];

	for (size_t i = 0; i < n; i++)
		if (stages[i].class->close)
			stages[i].class->close(stages[i].function, stages[i].state, none);
	free(stages);
}

bool stages_open(struct session *s, const struct wire_address *to, const struct route *r,
		 struct stage **stages, size_t *n, struct function_wake *wake, char *why)
{
	size_t most = is_function_alone(s) ? 1 : r->behind - r->first;

	*stages = most ? calloc(most, sizeof(**stages)) : NULL;
	*n = 0;
	snprintf(why, 300, "no memory");
	for (; *stages && *n < most; ++*n) {
		size_t own = is_function_alone(s) ? 0 : (size_t)s->chain->links[r->first + *n].own;

		if (stage_open(s, &s->setup->instances[own], to, &(*stages)[*n], wake, why))
			continue;
		stages_close(*stages, *n);
		*stages = NULL;
		*n = 0;
		return false;
	}
	return *n == most;
}

bool route_open(struct session *s, char *why)
{
	struct opening *o = s->opening;

	if (is_function_alone(s) || o->route.first < o->route.behind)
		o->wake = relay_wake_make(s->worker->loop);
	return stages_open(s, &s->question.to, &o->route, &o->stages, &o->n_stages, o->wake, why);
}

bool stages_unseeing(const struct stage *stages, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (stages[i].class->bytes || stages[i].class->pipe || stages[i].class->admit)
			return false;
	return true;
}
