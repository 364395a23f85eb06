#include <config.h>

#include "runtime/socks/setup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/socks/settings.h"

static bool fail(struct setup_error *error, const char *what, const char *why)
{
	snprintf(error->text, sizeof(error->text), "%s%s%s", what, why ? ": " : "", why ? why : "");
	return false;
}

static bool no_memory(struct setup_error *error)
{
	return fail(error, "no memory", NULL);
}

/* ---- functions ---- */

/* The newest that runs here under that name and class; NULL: there is none. */
static struct function *function_before(const struct setups *was, const char *name,
					const struct function_class *class)
{
	for (size_t i = was->n; i--;) {
		const struct instance *before = setup_instance(was->at[i], name);

		if (before && before->function && before->class == class)
			return before->function;
	}
	return NULL;
}

/* A class by the settings, else by the policy. */
static bool instance_make(struct setup *s, struct instance *i, const char *name, const char *class,
			  const struct settings *settings, const struct setups *was,
			  struct setup_error *error)
{
	struct function_error why;
	struct function_site site = { s->options->log, s->proxy ? s->proxy : "" };

	i->name = strdup(name);
	if (!i->name)
		return no_memory(error);
	if (settings_link(settings, name, &i->elsewhere))
		return true;
	if (settings_class(settings, name))
		class = settings_class(settings, name);
	if (!class)
		return true;
	i->class = function_class_of(class);
	if (!i->class) {
		snprintf(error->text, sizeof(error->text),
			 "%s: no class of functions is called '%s'", name, class);
		return false;
	}
	i->function = i->class->make(&site, name, settings_of(settings, name),
				     function_before(was, name, i->class), &why);
	return i->function ? true : fail(error, name, why.text);
}

static bool instances_make(struct setup *s, const struct settings *settings,
			   const struct setups *was, struct setup_error *error)
{
	size_t n = 0;
	const struct policy_function *at = s->policy ? policy_functions(s->policy, &n) : NULL;
	bool alone = s->options->role == ROLE_FUNCTION;

	if (s->options->role == ROLE_REDIRECT)
		return true;
	s->instances = calloc(n + alone + 1, sizeof(*s->instances));
	if (!s->instances)
		return no_memory(error);
	for (; s->n_instances < n; s->n_instances++)
		if (!instance_make(s, &s->instances[s->n_instances], at[s->n_instances].name,
				   at[s->n_instances].class, settings, was, error))
			return s->n_instances++, false;
	if (!alone)
		return true;
	s->n_instances = 1;
	if (!instance_make(s, s->instances, s->options->function, s->options->class, settings, was,
			   error))
		return false;
	return s->instances->function ? true
				      : fail(error, s->options->function,
					     "which class? Give --class, or \"classes\" in the "
					     "file of --functions");
}

/* ---- targets ---- */

static bool tls_make(struct setup *s, const struct policy_target *t, struct tls_side **server,
		     struct tls_side **client, struct setup_error *error)
{
	struct tls_files files = { t->certificate, t->certificate_key, NULL };
	struct tls_error why;

	(void)s;
	if (t->auth == POLICY_AUTH_MTLS)
		files.authority = t->authority;
	if (t->certificate && !(*server = tls_server(&files, &why)))
		return fail(error, t->name, why.text);
	files.authority = t->authority;
	*client = tls_client(&files, &why);
	return *client ? true : fail(error, t->name, why.text);
}

static bool users_make(const struct policy_target *t, struct users **users,
		       struct setup_error *error)
{
	char why[256];

	if (t->auth != POLICY_AUTH_PASSWORD)
		return true;
	*users = users_open(t->users, why, sizeof(why));
	return *users ? true : fail(error, t->name, why);
}

static void front_of_target(struct setup *s, const struct policy_target *t, struct tls_side *tls,
			    struct sessions *sessions)
{
	struct front *f = &s->fronts[s->n_fronts++];

	*f = (struct front){ .kind = FRONT_TARGET,
			     .at = t->listen,
			     .index = s->n_targets,
			     .tls = tls,
			     .tls_must = tls != NULL,
			     .fast_open = t->fast_open };
	f->from = t->listen;
	f->from.port = 0;
	f->settings = (struct inbound_settings){ .socks5 = t->version == 5,
						 .socks6 = t->version == 6 && !t->epi,
						 .epi = t->version == 6 && t->epi,
						 .users = s->users[s->n_targets],
						 .sessions = sessions };
}

/* A function's port is for other proxies: it takes each of their dialects, and the PROXY header of
 * an nginx in front. */
static void front_of_function(struct setup *s, const struct policy_function *f, size_t index,
			      const struct front *target, const struct policy_target *t)
{
	s->fronts[s->n_fronts++] = (struct front){
		.kind = FRONT_FUNCTION,
		.at = f->listen,
		.index = index,
		.tls = target->tls ? tls_hold(target->tls) : NULL,
		.tls_must = target->tls && t->auth == POLICY_AUTH_MTLS,
		.tls_own = true,
		.fast_open = t->fast_open,
		.settings = { .socks5 = true,
			      .socks6 = true,
			      .epi = true,
			      .proxy = true,
			      .trusted = true },
	};
}

/* Other proxies speak TLS to this one if any of its targets does. */
static size_t first_with_tls(const struct setup *s)
{
	for (size_t i = 0; i < s->n_targets; i++)
		if (s->fronts[i].tls)
			return i;
	return 0;
}

static bool fronts_make(struct setup *s, struct sessions *sessions, struct setup_error *error)
{
	size_t n, n_functions, first;
	const struct policy_target *targets = policy_targets(s->policy, &n);
	const struct policy_function *functions = policy_functions(s->policy, &n_functions);

	s->fronts = calloc(n + n_functions, sizeof(*s->fronts));
	s->clients = calloc(n, sizeof(*s->clients));
	s->users = calloc(n, sizeof(*s->users));
	if (!s->fronts || !s->clients || !s->users)
		return no_memory(error);
	for (; s->n_targets < n; s->n_targets++) {
		const struct policy_target *t = &targets[s->n_targets];
		struct tls_side *tls = NULL;
		bool good = tls_make(s, t, &tls, &s->clients[s->n_targets], error) &&
			    users_make(t, &s->users[s->n_targets], error);

		if (!good) {
			tls_drop(tls);
			s->n_targets++;
			return false;
		}
		front_of_target(s, t, tls, sessions);
	}
	first = first_with_tls(s);
	for (size_t i = 0; i < n_functions; i++)
		front_of_function(s, &functions[i], i, &s->fronts[first], &targets[first]);
	return true;
}

/* ---- without a plan ---- */

static bool allow_add(struct setup *s, const char *text, struct setup_error *error)
{
	struct prefix_row *row = &s->allow[s->n_allow];
	char address[INET6_ADDRSTRLEN + 1];
	size_t n = strcspn(text, "/");
	unsigned most;
	char *end;
	unsigned long length;

	snprintf(address, sizeof(address), "%.*s", (int)n, text);
	if (n >= sizeof(address))
		return fail(error, text, "is no prefix");
	if (inet_pton(AF_INET, address, row->ip) == 1)
		row->kind = WIRE_IPV4;
	else if (inet_pton(AF_INET6, address, row->ip) == 1)
		row->kind = WIRE_IPV6;
	else
		return fail(error, text, "is no prefix");
	most = row->kind == WIRE_IPV4 ? 32 : 128;
	length = text[n] ? strtoul(text + n + 1, &end, 10) : most;
	if (text[n] && (end == text + n + 1 || *end || length > most))
		return fail(error, text, "has no such length");
	row->length = (uint8_t)length;
	s->n_allow++;
	return true;
}

static bool allow_make(struct setup *s, struct setup_error *error)
{
	static const char *const own[] = { "127.0.0.0/8", "::1" };
	const struct setup_options *o = s->options;
	const char *const *at = o->n_allow ? o->allow : own;
	size_t n = o->n_allow ? o->n_allow : 2;

	s->allow = calloc(n, sizeof(*s->allow));
	if (!s->allow)
		return no_memory(error);
	for (size_t i = 0; i < n; i++)
		if (!allow_add(s, at[i], error))
			return false;
	return true;
}

static void front_without_plan(struct setup *s, const struct wire_address *at,
			       struct sessions *sessions)
{
	const struct setup_options *o = s->options;
	bool redirect = o->role == ROLE_REDIRECT;
	struct front *f = &s->fronts[s->n_fronts++];

	*f = (struct front){ .kind = redirect ? FRONT_REDIRECT : FRONT_OPEN,
			     .at = *at,
			     .fast_open = !redirect && o->fast_open,
			     .transparent = redirect && o->tproxy };
	f->settings = (struct inbound_settings){
		.socks5 = o->version != 6,
		.socks6 = o->version != 5,
		.epi = o->role == ROLE_FUNCTION,
		.trusted = o->role == ROLE_FUNCTION,
		.sessions = sessions,
	};
}

static bool open_make(struct setup *s, struct sessions *sessions, struct setup_error *error)
{
	const struct setup_options *o = s->options;
	struct tls_error why;

	s->fronts = calloc(2, sizeof(*s->fronts));
	s->clients = calloc(1, sizeof(*s->clients));
	if (!s->fronts || !s->clients)
		return no_memory(error);
	s->n_targets = 1;
	front_without_plan(s, &o->listen, sessions);
	if (o->listen6.kind)
		front_without_plan(s, &o->listen6, sessions);
	if (o->use_tls && !(s->clients[0] = tls_client(&o->tls, &why)))
		return fail(error, "the proxy's TLS", why.text);
	return o->role == ROLE_REDIRECT || allow_make(s, error);
}

bool setup_allows(const struct setup *s, const struct wire_address *a)
{
	for (size_t i = 0; i < s->n_allow; i++) {
		const struct prefix_row *row = &s->allow[i];
		unsigned whole = row->length / 8, rest = row->length % 8;
		uint8_t mask = (uint8_t)(0xff00 >> rest);

		if (row->kind == a->kind && !memcmp(row->ip, a->ip, whole) &&
		    !((row->ip[whole % 16] ^ a->ip[whole % 16]) & (rest ? mask : 0)))
			return true;
	}
	return false;
}

bool setup_is_elsewhere(const struct setup *s, const struct wire_address *peer)
{
	for (size_t i = 0; i < s->n_instances; i++)
		if (s->instances[i].elsewhere.kind == peer->kind &&
		    !memcmp(s->instances[i].elsewhere.ip, peer->ip, sizeof(peer->ip)))
			return true;
	return false;
}

const struct wire_address *setup_from(const struct setup *s, const struct wire_address *to)
{
	for (size_t i = 0; s->options->role == ROLE_PROXY && i < s->n_fronts; i++)
		if (s->fronts[i].at.kind == to->kind)
			return &s->fronts[i].from;
	return NULL;
}

struct instance *setup_instance(const struct setup *s, const char *name)
{
	for (size_t i = 0; i < s->n_instances; i++)
		if (!strcmp(s->instances[i].name, name))
			return &s->instances[i];
	return NULL;
}

/* ---- as a whole ---- */

static bool policy_make(struct setup *s, struct setup_error *error)
{
	const struct setup_options *o = s->options;
	struct policy_error why;

	if (!o->plan)
		return true;
	s->policy = policy_open(o->plan, o->targets, o->n_targets, &why);
	if (!s->policy)
		return fail(error, o->plan, why.text);
	policy_chains(s->policy, &s->n_flows);
	s->flows = calloc(s->n_flows + 1, sizeof(*s->flows));
	s->proxy = strdup(policy_proxy(s->policy));
	return s->flows && s->proxy ? true : no_memory(error);
}

/* A file may be shared by several proxies, and names functions that this one does not host. */
static void strangers_log(struct setup *s, const struct settings *settings)
{
	for (size_t i = 0; i < settings_count(settings); i++)
		if (!setup_instance(s, settings_name(settings, i)))
			log_event(s->options->log, LOG_LEVEL_INFO, "settings",
				  "no chain leads through this function here", "function",
				  settings_name(settings, i), NULL);
}

struct setup *setup_open(const struct setup_options *o, struct sessions *sessions,
			 const struct setups *was, struct setup_error *error)
{
	struct setup *s = calloc(1, sizeof(*s));
	struct settings *settings = NULL;
	bool good;

	if (!s) {
		no_memory(error);
		return NULL;
	}
	atomic_init(&s->n_holds, 1);
	atomic_init(&s->n_whole, 1);
	s->options = o;
	good = (!o->functions || (settings = settings_read(o->functions, error))) &&
	       policy_make(s, error) &&
	       (o->role == ROLE_PROXY ? fronts_make(s, sessions, error)
				      : open_make(s, sessions, error)) &&
	       instances_make(s, settings, was, error);
	if (good && settings)
		strangers_log(s, settings);
	settings_free(settings);
	if (good)
		return s;
	setup_drop(s);
	return NULL;
}

struct setup *setup_hold(struct setup *s)
{
	atomic_fetch_add(&s->n_holds, 1);
	atomic_fetch_add(&s->n_whole, 1);
	return s;
}

static void instances_free(struct setup *s)
{
	for (size_t i = 0; i < s->n_instances; i++) {
		if (s->instances[i].function)
			s->instances[i].class->release(s->instances[i].function);
		free(s->instances[i].name);
	}
	free(s->instances);
	free(s->proxy);
}

/* All but the functions. */
static void setup_empty(struct setup *s)
{
	for (size_t i = 0; i < s->n_fronts; i++)
		tls_drop(s->fronts[i].tls);
	for (size_t i = 0; i < s->n_targets; i++) {
		tls_drop(s->clients[i]);
		if (s->users)
			users_drop(s->users[i]);
	}
	policy_drop(s->policy);
	free(s->fronts);
	free(s->clients);
	free(s->users);
	free(s->flows);
	free(s->allow);
	s->n_fronts = s->n_targets = s->n_flows = s->n_allow = 0;
	s->policy = NULL;
	s->fronts = NULL;
	s->clients = NULL;
	s->users = NULL;
	s->flows = NULL;
	s->allow = NULL;
}

struct setup *setup_loosen(struct setup *s)
{
	atomic_fetch_sub(&s->n_whole, 1);
	return s;
}

void setup_release(struct setup *s)
{
	if (!s || atomic_fetch_sub(&s->n_holds, 1) != 1)
		return;
	instances_free(s);
	setup_empty(s);
	free(s);
}

void setup_drop(struct setup *s)
{
	if (s)
		setup_release(setup_loosen(s));
}

/* Only who needs all of it can make others who do. */
void setup_shrink(struct setup *s)
{
	if (!atomic_load(&s->n_whole))
		setup_empty(s);
}
