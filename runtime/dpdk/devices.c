#include <config.h>

#include "runtime/dpdk/device.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/dpdk/device_kinds.h"
#include "runtime/dpdk/replay.h"

struct binding {
	char *name;       /* "wan" */
	const char *what; /* behind it in the same memory: "net_null0" */
};

/* A kind of device by the form of its words. */
struct kind {
	bool (*is)(const char *what);
	void *(*open)(const struct device_wish *, struct device_error *);
	const struct device_ops *ops;
};

struct devices {
	struct rte_mempool *pool;
	unsigned n_receive, n_send;
	struct binding *bindings;
	size_t n_bindings;
	struct device **at;
	size_t n;
	struct ethdev_port *ports; /* open ethdevs; each goes with its last device */
};

static bool is_null(const char *what)
{
	return strcmp(what, "null") == 0;
}

static bool is_generate(const char *what)
{
	return strcmp(what, "generate") == 0;
}

static bool is_replay(const char *what)
{
	return strncmp(what, "replay:", 7) == 0;
}

/* A generator that was added has its name already; this one was never made. */
static void *generate_missing(const struct device_wish *w, struct device_error *error)
{
	(void)w;
	device_fail(error, "no traffic is to be generated; start with --generate");
	return NULL;
}

static void *replay_wished(const struct device_wish *w, struct device_error *error)
{
	struct replay_request request = {
		.pool = w->pool, .device = w->index, .n_receive = w->n_receive, .n_send = w->n_send
	};

	if (!replay_parse(w->what + strlen("replay:"), &request, error))
		return NULL;
	return replay_open(&request, error);
}

static const struct kind kinds[] = {
	{ is_null, null_open, &null_ops },
	{ is_generate, generate_missing, NULL },
	{ is_replay, replay_wished, &replay_ops },
	{ ethdev_is_named, ethdev_open, &ethdev_ops },
};

static const struct kind *kind_of(const char *what)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (kinds[i].is(what))
			return &kinds[i];
	return NULL;
}

bool device_fail(struct device_error *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return false;
}

struct devices *devices_new(struct rte_mempool *pool, unsigned n_receive, unsigned n_send)
{
	struct devices *d = calloc(1, sizeof(*d));

	assert(n_receive && n_send);
	if (d)
		*d = (struct devices){ .pool = pool, .n_receive = n_receive, .n_send = n_send };
	return d;
}

static const struct binding *binding_of(const struct devices *d, const char *name)
{
	for (size_t i = 0; i < d->n_bindings; i++)
		if (strcmp(d->bindings[i].name, name) == 0)
			return &d->bindings[i];
	return NULL;
}

/* ARRAY with room for one more, which takes its place; NULL: there is no memory. */
static void *room_for(void *array, size_t n, size_t size)
{
	return reallocarray(array, n + 1, size);
}

static bool binding_add(struct devices *d, const char *text, size_t name_length)
{
	struct binding *more = room_for(d->bindings, d->n_bindings, sizeof(*more));
	char *name = more ? strdup(text) : NULL;

	if (more)
		d->bindings = more;
	if (!name)
		return false;
	name[name_length] = 0;
	d->bindings[d->n_bindings++] = (struct binding){ name, name + name_length + 1 };
	return true;
}

bool devices_bind(struct devices *d, const char *text, struct device_error *error)
{
	const char *equals = strchr(text, '=');
	const struct binding *old;
	char name[128];

	if (!equals || equals == text || !equals[1])
		return device_fail(error, "'%s' binds nothing: write POLICY=DEVICE", text);
	if ((size_t)(equals - text) >= sizeof(name))
		return device_fail(error, "'%.40s...' is too long a name", text);
	snprintf(name, sizeof(name), "%.*s", (int)(equals - text), text);
	if ((old = binding_of(d, name)))
		return device_fail(error, "device '%s' is bound twice: to %s and to %s", name,
				   old->what, equals + 1);
	if (!kind_of(equals + 1))
		return device_fail(error,
				   "device '%s' cannot be '%s': a device is net_NAME, a PCI "
				   "address, port:N, null, generate or replay:FILE",
				   name, equals + 1);
	return binding_add(d, text, strlen(name)) || device_fail(error, "no memory");
}

const char *devices_bound(const struct devices *d, const char *name)
{
	const struct binding *b = binding_of(d, name);

	return b ? b->what : name;
}

static struct device *device_called(const struct devices *d, const char *name)
{
	for (size_t i = 0; i < d->n; i++)
		if (strcmp(d->at[i]->name, name) == 0)
			return d->at[i];
	return NULL;
}

struct device *devices_add(struct devices *d, const char *name, const struct device_ops *ops,
			   void *state)
{
	struct device *device, **more;

	assert(!device_called(d, name));
	device = calloc(1, sizeof(*device));
	more = room_for(d->at, d->n, sizeof(struct device *));
	if (more)
		d->at = more;
	if (!device || !more || d->n > UINT16_MAX || !(device->name = strdup(name))) {
		ops->close(state);
		free(device);
		return NULL;
	}
	device->index = (uint16_t)d->n;
	device->ops = ops;
	device->state = state;
	return d->at[d->n++] = device;
}

/* Puts the policy's name in front. */
static struct device *not_opened(const char *name, const struct device_error *why,
				 struct device_error *error)
{
	device_fail(error, "device '%s': %s", name, why->text);
	return NULL;
}

struct device *devices_find(struct devices *d, const char *name, struct device_error *error)
{
	struct device *device = device_called(d, name);
	const char *what = devices_bound(d, name);
	const struct kind *kind = kind_of(what);
	struct device_wish wish = { what,         (uint16_t)d->n, d->pool,
				    d->n_receive, d->n_send,      &d->ports };
	struct device_error why = { "no memory" };
	void *state;

	if (device)
		return device;
	if (!kind) {
		device_fail(error, "device '%s' is bound to nothing; start with --device %s=DEVICE",
			    name, name);
		return NULL;
	}
	if (!(state = kind->open(&wish, &why)) ||
	    !(device = devices_add(d, name, kind->ops, state)))
		return not_opened(name, &why, error);
	return device;
}

bool devices_index(const struct devices *d, const char *name, uint16_t *index)
{
	const struct device *device = device_called(d, name);

	if (device)
		*index = device->index;
	return device;
}

size_t devices_count(const struct devices *d)
{
	return d->n;
}

const struct device *devices_at(const struct devices *d, size_t index)
{
	assert(index < d->n);
	return d->at[index];
}

static void device_close(struct device *device)
{
	device->ops->close(device->state);
	free((char *)device->name);
	free(device);
}

void devices_close(struct devices *d)
{
	if (!d)
		return;
	while (d->n)
		device_close(d->at[--d->n]);
	assert(!d->ports);
	free(d->at);
	while (d->n_bindings)
		free(d->bindings[--d->n_bindings].name);
	free(d->bindings);
	free(d);
}
