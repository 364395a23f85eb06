/* `microsegment`: puts each receiver in a segment of its own.
 *
 * The receiver is the address that connections go to.  Its segment has as members the pairs of flow
 * (application and sending node) and source address that it was opened for, and while a member is
 * in, these do not come in beside it:
 *
 *   - another source of the same flow (a second client),
 *   - the same source for another application (a client that reaches across).
 *
 * Flows from other nodes, each led through here by the policy, have members of their own side by
 * side, unless the segment is exclusive.  A member leaves `hold_seconds` after its last connection,
 * so that nobody slips in between two of them.
 *
 *	"sources"       [prefix]: who may come at all; several of them may come for one flow
 *	"destinations"  [prefix]: which receivers have a segment here; others are refused
 *	"exclusive"     one member at a time, whatever it is (false)
 *	"hold_seconds"  (60)
 *
 * Commands: `list`; `release ADDRESS` lets members without connections leave at once. */
#include <config.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/socks/functions/pace.h"
#include "runtime/socks/functions/rows.h"
#include "runtime/socks/functions/function_settings.h"

enum { HEADS = 4096, MOST_MEMBERS = 65536, LONGEST_LIST = 1000 };

struct member {
	struct member *next;                  /* of the same hash of the receiver */
	struct wire_address receiver, source; /* port 0 */
	uint64_t connections, left;           /* ns: when the last one went */
	const char *from;                     /* behind it */
	char application[];
};

/* What outlasts a reload: the members. */
struct segments {
	pthread_mutex_t lock;
	unsigned holders;
	struct member *heads[HEADS];
	size_t n;
	uint64_t opened, refused;
};

struct function {
	struct prefixes sources, destinations;
	bool exclusive;
	uint64_t hold; /* ns */
	struct segments *segments;
};

/* ---- members ---- */

static struct segments *segments_new(void)
{
	struct segments *s = calloc(1, sizeof(*s));

	if (s) {
		pthread_mutex_init(&s->lock, NULL);
		s->holders = 1;
	}
	return s;
}

static struct segments *segments_hold(struct segments *s)
{
	pthread_mutex_lock(&s->lock);
	s->holders++;
	pthread_mutex_unlock(&s->lock);
	return s;
}

static void segments_drop(struct segments *s)
{
	bool last;

	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	last = !--s->holders;
	pthread_mutex_unlock(&s->lock);
	if (!last)
		return;
	for (size_t i = 0; i < HEADS; i++)
		for (struct member *m = s->heads[i], *next; m; m = next) {
			next = m->next;
			free(m);
		}
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static struct wire_address host_of(const struct wire_address *a)
{
	struct wire_address host = { .kind = a->kind };

	memcpy(host.ip, a->ip, sizeof(host.ip));
	return host;
}

/* Receivers come from the policy, nobody chooses their hashes. */
static struct member **head_of(struct segments *s, const struct wire_address *receiver)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < sizeof(receiver->ip); i++)
		h = (h ^ receiver->ip[i]) * 16777619u;
	return &s->heads[(h ^ h >> 16) % HEADS];
}

static bool has_left(const struct member *m, uint64_t hold, uint64_t now)
{
	return !m->connections && now - m->left >= hold;
}

/* Members of a list that have left go; RECEIVER NULL: whoever they are of. */
static void sweep(struct segments *s, struct member **link, const struct wire_address *receiver,
		  uint64_t hold, uint64_t now)
{
	while (*link) {
		struct member *m = *link;

		if (!has_left(m, hold, now) ||
		    (receiver && !wire_address_same(&m->receiver, receiver))) {
			link = &m->next;
			continue;
		}
		*link = m->next;
		s->n--;
		free(m);
	}
}

static struct member *add_member(struct segments *s, const struct wire_address *receiver,
				 const struct wire_address *source,
				 const struct function_facts *facts)
{
	struct member **head = head_of(s, receiver);
	size_t n_application = strlen(facts->application) + 1, n_from = strlen(facts->from) + 1;
	struct member *m = calloc(1, sizeof(*m) + n_application + n_from);

	if (!m)
		return NULL;
	m->receiver = *receiver;
	m->source = *source;
	memcpy(m->application, facts->application, n_application);
	m->from = memcpy(m->application + n_application, facts->from, n_from);
	m->next = *head;
	*head = m;
	s->n++;
	return m;
}

/* ---- settings ---- */

static bool read_settings(struct function *f, const struct tree_node *settings,
			  struct tree_error *error)
{
	static const char *const keys[] = { "sources", "destinations", "exclusive", "hold_seconds",
					    NULL };
	int64_t hold = 60;

	if (!settings_only(settings, keys, error) ||
	    !settings_prefixes(settings, "sources", &f->sources, error) ||
	    !settings_prefixes(settings, "destinations", &f->destinations, error) ||
	    !settings_truth(settings, "exclusive", &f->exclusive, error) ||
	    !settings_integer(settings, "hold_seconds", 0, 31536000, &hold, error))
		return false;
	f->hold = (uint64_t)hold * 1000000000;
	return true;
}

static void segment_release(struct function *f)
{
	if (!f)
		return;
	segments_drop(f->segments);
	free(f->sources.at);
	free(f->destinations.at);
	free(f);
}

static struct function *segment_make(const struct function_site *site, const char *name,
				     const struct tree_node *settings, struct function *was,
				     struct function_error *error)
{
	struct function *f = calloc(1, sizeof(*f));
	struct tree_error problem = { "memory is exhausted" };

	(void)site;
	(void)name;
	if (f && read_settings(f, settings, &problem))
		f->segments = was ? segments_hold(was->segments) : segments_new();
	if (f && f->segments)
		return f;
	segment_release(f);
	return settings_refuse(problem.text, error);
}

/* ---- who comes in ---- */

static bool is_flow(const struct member *m, const struct function_facts *facts)
{
	return !strcmp(m->application, facts->application) && !strcmp(m->from, facts->from);
}

static bool conflicts(const struct function *f, const struct member *m,
		      const struct wire_address *source, const struct function_facts *facts)
{
	bool same_source = wire_address_same(&m->source, source);

	if (f->exclusive)
		return !same_source || !is_flow(m, facts);
	if (same_source)
		return strcmp(m->application, facts->application);
	return is_flow(m, facts) && !f->sources.at;
}

static void say_conflict(const struct member *m, const struct wire_address *source,
			 const struct function_facts *facts, char *why)
{
	char receiver[SETTINGS_HOST_ROOM], inside[SETTINGS_HOST_ROOM], outside[SETTINGS_HOST_ROOM];

	snprintf(why, 256, "the segment of %s is open to %s for %.40s, not to %s for %.40s",
		 settings_host(&m->receiver, receiver), settings_host(&m->source, inside),
		 m->application, settings_host(source, outside), facts->application);
}

/* NULL: WHY. */
static struct member *enter(struct function *f, const struct function_facts *facts, char *why)
{
	struct wire_address receiver = host_of(&facts->destination),
			    source = host_of(&facts->source);
	struct member **head = head_of(f->segments, &receiver), *found = NULL;

	sweep(f->segments, head, NULL, f->hold, pace_now());
	for (struct member *m = *head; m; m = m->next) {
		if (!wire_address_same(&m->receiver, &receiver))
			continue;
		if (conflicts(f, m, &source, facts)) {
			say_conflict(m, &source, facts, why);
			return NULL;
		}
		if (wire_address_same(&m->source, &source) && is_flow(m, facts))
			found = m;
	}
	if (!found && f->segments->n >= MOST_MEMBERS)
		for (size_t i = 0; i < HEADS; i++)
			sweep(f->segments, &f->segments->heads[i], NULL, f->hold, pace_now());
	if (!found && f->segments->n < MOST_MEMBERS)
		found = add_member(f->segments, &receiver, &source, facts);
	if (!found)
		snprintf(why, 256, "there is no room for a further member of a segment");
	return found;
}

static bool may_come(const struct function *f, const struct function_facts *facts, char *why)
{
	char host[SETTINGS_HOST_ROOM];

	if (f->sources.at && !prefixes_hold(&f->sources, &facts->source)) {
		snprintf(why, 256, "%s is none of the segment's sources",
			 settings_host(&facts->source, host));
		return false;
	}
	if (f->destinations.at && !prefixes_hold(&f->destinations, &facts->destination)) {
		snprintf(why, 256, "%s has no segment here",
			 settings_host(&facts->destination, host));
		return false;
	}
	return true;
}

static bool segment_open(struct function *f, const struct function_facts *facts,
			 struct function_wake *wake, void **state, char *why)
{
	struct member *m;

	(void)wake;
	pthread_mutex_lock(&f->segments->lock);
	m = may_come(f, facts, why) ? enter(f, facts, why) : NULL;
	if (m) {
		m->connections++;
		f->segments->opened++;
	} else {
		f->segments->refused++;
	}
	pthread_mutex_unlock(&f->segments->lock);
	*state = m;
	return m;
}

static void segment_close(struct function *f, void *state, const uint64_t sent[N_WAYS])
{
	struct member *m = state;

	(void)sent;
	pthread_mutex_lock(&f->segments->lock);
	m->connections--;
	m->left = pace_now();
	pthread_mutex_unlock(&f->segments->lock);
}

/* ---- for people ---- */

static void segment_status(struct function *f, struct text *t)
{
	struct segments *s = f->segments;

	pthread_mutex_lock(&s->lock);
	text_printf(t, "\"opened\": %llu, \"refused\": %llu, \"members\": %zu",
		    (unsigned long long)s->opened, (unsigned long long)s->refused, s->n);
	pthread_mutex_unlock(&s->lock);
}

static void list_members(const struct segments *s, struct text *answer)
{
	char receiver[SETTINGS_HOST_ROOM], source[SETTINGS_HOST_ROOM];
	size_t n = 0;

	for (size_t i = 0; i < HEADS; i++)
		for (const struct member *m = s->heads[i]; m && n < LONGEST_LIST; m = m->next, n++)
			text_printf(answer, "%s %s %s %s %llu\n",
				    settings_host(&m->receiver, receiver),
				    settings_host(&m->source, source), m->application, m->from,
				    (unsigned long long)m->connections);
	if (n < s->n)
		text_printf(answer, "and %zu more\n", s->n - n);
}

static bool release_receiver(struct segments *s, const char *text, struct text *answer)
{
	struct prefix host;
	struct wire_address receiver = { 0 };
	size_t before = s->n;

	if (!prefix_parse(text, &host) || strchr(text, '/')) {
		text_printf(answer, "release takes the address of a receiver");
		return false;
	}
	receiver.kind = host.kind;
	memcpy(receiver.ip, host.ip, sizeof(receiver.ip));
	sweep(s, head_of(s, &receiver), &receiver, 0, pace_now());
	text_printf(answer, "%zu left\n", before - s->n);
	return true;
}

static bool segment_command(struct function *f, const char *words, struct text *answer)
{
	struct segments *s = f->segments;
	bool ok = true;

	pthread_mutex_lock(&s->lock);
	if (!strcmp(words, "list"))
		list_members(s, answer);
	else if (!strncmp(words, "release ", 8))
		ok = release_receiver(s, words + 8, answer);
	else
		ok = false;
	pthread_mutex_unlock(&s->lock);
	if (!ok && !answer->n)
		text_puts(answer, "it knows `list` and `release ADDRESS`");
	return ok;
}

const struct function_class function_microsegment = {
	.name = "microsegment",
	.summary = "a segment for each receiver, with the sources that a flow opened it for",
	.make = segment_make,
	.release = segment_release,
	.open = segment_open,
	.close = segment_close,
	.status = segment_status,
	.command = segment_command,
};
