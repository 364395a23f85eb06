/* The words of refusals. */
#include <config.h>

#include "runtime/socks/policy_private.h"

#include <stdarg.h>
#include <stdio.h>

/* What there is to say. */
struct saying {
	const struct policy *policy;
	const struct policy_question *question;
	size_t row, link;
	struct policy_answer *answer;
	size_t n; /* characters of the answer so far */
};

/* ---- text that is cut where it is too long ---- */

static void cut(char *text, size_t room)
{
	static const char more[] = "...";
	size_t n = room - sizeof(more);

	while (n && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	memcpy(text + n, more, sizeof(more));
}

static void say(struct saying *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct saying *s, const char *format, ...)
{
	size_t room = sizeof(s->answer->why);
	va_list args;
	int n;

	if (s->n >= room)
		return;
	va_start(args, format);
	n = vsnprintf(s->answer->why + s->n, room - s->n, format, args);
	va_end(args);
	s->n += n > 0 ? (size_t)n : 0;
	if (s->n >= room)
		cut(s->answer->why, room);
}

/* ---- words that recur ---- */

static void say_address(struct saying *s, const struct wire_address *a)
{
	char text[WIRE_TEXT_ROOM] = "?";

	wire_address_text(a, text, sizeof(text));
	say(s, "%s", text);
}

static void say_host(struct saying *s, const struct wire_address *a)
{
	char text[WIRE_TEXT_ROOM] = "?";
	size_t n = wire_address_text(a, text, sizeof(text));

	while (n && text[n - 1] != ':')
		n--;
	if (n && text[0] == '[')
		say(s, "%.*s", (int)n - 3, text + 1);
	else
		say(s, "%.*s", n ? (int)n - 1 : 1, text);
}

static void say_destination(struct saying *s)
{
	int protocol = s->question->protocol;

	say_address(s, &s->question->to);
	if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP)
		say(s, "/%s", protocol == IPPROTO_TCP ? "tcp" : "udp");
	else
		say(s, " with protocol %d", protocol);
}

static const char *function_of(const struct saying *s)
{
	size_t i = (size_t)s->question->function;

	return i < s->policy->n_functions ? s->policy->functions[i].name : "this function";
}

static void say_target(struct saying *s)
{
	size_t i = s->question->target;

	if (i < s->policy->n_targets)
		say(s, "target %s", s->policy->targets[i].name);
	else
		say(s, "this target");
}

static const struct rplan_flow *say_flow(struct saying *s, size_t row)
{
	const struct rplan_flow *f = &s->policy->plan->flows.at[row];

	say(s, "%s:%jd: %s => %s", f->source->file, (intmax_t)f->source->line, f->from, f->to);
	return f;
}

static const struct rplan_flow *say_chain(struct saying *s)
{
	return say_flow(s, s->policy->chains[s->row].flow);
}

/* ---- one for each reason ---- */

static void say_nothing(struct saying *s)
{
	const struct policy_question *q = s->question;
	bool known = q->function < 0 || q->told;

	say(s, "no flow of the policy ");
	if (q->function >= 0)
		say(s, "that passes %s ", function_of(s));
	say(s, "goes ");
	if (known) {
		say(s, "from ");
		say_host(s, q->function < 0 ? &q->peer : &q->source);
		say(s, " ");
	}
	say(s, "to ");
	say_destination(s);
}

static void say_prohibited(struct saying *s)
{
	const struct rplan_flow *f = say_flow(s, s->row);

	say(s, " is %s", f->status);
	if (f->code)
		say(s, " (%s)", f->code);
	say(s, ": %s", f->reason);
}

static void say_elsewhere(struct saying *s)
{
	const struct rplan_flow *f = say_flow(s, s->row);

	say(s, " of %s is allowed, but does not pass ", f->application);
	if (s->question->function < 0)
		say_target(s);
	else
		say(s, "%s on %s", function_of(s), s->policy->proxy);
}

static void say_behind(struct saying *s)
{
	const struct rplan_flow *f = say_chain(s);

	say(s, " begins with %s on %s, not at %s", f->bridge.at[0].function,
	    s->policy->entries[s->row].begins, s->policy->proxy);
}

static void say_speaks_for(struct saying *s)
{
	say_chain(s);
	say(s, ": ");
	say_host(s, &s->question->peer);
	say(s, " must not speak for ");
	say_host(s, &s->question->source);
	say(s, ", since clients of ");
	say_target(s);
	say(s, " speak for themselves");
}

static void say_via(struct saying *s)
{
	const struct policy_entry *e = &s->policy->entries[s->row];

	for (size_t i = 0; i < e->n_via; i++) {
		say(s, "%s", !i ? "" : i + 1 < e->n_via ? ", " : " or ");
		say_host(s, &e->via[i]);
	}
	say(s, "%s", e->n_via ? "" : "nowhere");
}

static void say_peer(struct saying *s)
{
	say_chain(s);
	say(s, " comes to %s from ", function_of(s));
	if (s->link)
		say_host(s, &s->policy->chains[s->row].links[s->link - 1].at);
	else
		say_via(s);
	say(s, ", not from ");
	say_host(s, &s->question->peer);
}

static void say_off_chain(struct saying *s)
{
	say_chain(s);
	say(s, " does not pass %s on %s", function_of(s), s->policy->proxy);
}

static void say_other_rest(struct saying *s)
{
	const struct policy_chain *c = &s->policy->chains[s->row];

	say_chain(s);
	say(s, " goes from %s ", function_of(s));
	for (size_t i = s->link + 1; i < c->n_links; i++) {
		say(s, "%s", i == s->link + 1 ? "by " : ", ");
		say_address(s, &c->links[i].at);
	}
	say(s, "%s to the destination, but ", s->link + 1 < c->n_links ? "" : "straight");
	say_host(s, &s->question->peer);
	say(s, " tells another chain");
}

static void say_unclear(struct saying *s)
{
	say(s, "flows to ");
	say_destination(s);
	say(s, " go from %s on in different ways, and ", function_of(s));
	say_host(s, &s->question->peer);
	say(s, " tells neither the source nor the chain");
}

static const struct {
	enum policy_verdict verdict;
	void (*say)(struct saying *);
} reasons[POLICY_N_REASONS] = {
	[POLICY_NOTHING] = { POLICY_NO_FLOW, say_nothing },
	[POLICY_PROHIBITED] = { POLICY_FORBIDDEN, say_prohibited },
	[POLICY_ELSEWHERE] = { POLICY_WRONG_WAY, say_elsewhere },
	[POLICY_BEHIND] = { POLICY_WRONG_WAY, say_behind },
	[POLICY_SPEAKS_FOR] = { POLICY_WRONG_PEER, say_speaks_for },
	[POLICY_PEER] = { POLICY_WRONG_PEER, say_peer },
	[POLICY_OFF_CHAIN] = { POLICY_WRONG_WAY, say_off_chain },
	[POLICY_OTHER_REST] = { POLICY_WRONG_WAY, say_other_rest },
	[POLICY_UNCLEAR] = { POLICY_WRONG_WAY, say_unclear },
};

void policy_refuse(const struct policy *p, const struct policy_question *q,
		   enum policy_reason reason, size_t row, size_t link, struct policy_answer *answer)
{
	struct saying s = {
		.policy = p, .question = q, .row = row, .link = link, .answer = answer
	};

	answer->verdict = reasons[reason].verdict;
	answer->why[0] = '\0';
	reasons[reason].say(&s);
}
