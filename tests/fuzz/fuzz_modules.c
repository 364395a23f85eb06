/* libFuzzer entry: frames of any bytes through the modules that change or follow packets, one
 * after the other; every frame goes on, is held, or is counted, and all come back.
 *
 *	byte 0		bits: which modules the frames pass
 *	then frames	two bytes of length, the bytes */
#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/packets.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { N_MODULES = 6, MOST_FRAME = 1600 };

static const struct rplan_value inside[] = { { .kind = RPLAN_TEXT, .text = "10.0.0.0/8" },
					     { .kind = RPLAN_TEXT, .text = "fd00::/8" } };
static const struct rplan_value external[] = { { .kind = RPLAN_TEXT, .text = "192.0.2.1" } };
static const struct rplan_named_value nat[] = {
	{ "external", { .kind = RPLAN_LIST, .items = external, .n_items = 1 } },
	{ "flows", { .kind = RPLAN_NUMBER, .number = 64 } },
	{ "inside", { .kind = RPLAN_LIST, .items = inside, .n_items = 2 } },
};
static const struct rplan_named_value firewall[] = {
	{ "flows", { .kind = RPLAN_NUMBER, .number = 64 } },
	{ "inside", { .kind = RPLAN_LIST, .items = inside, .n_items = 2 } },
};
static const struct rplan_named_value fragments[] = {
	{ "fragments", { .kind = RPLAN_NUMBER, .number = 32 } },
};
static const struct rplan_named_value esp[] = {
	{ "direction", { .kind = RPLAN_TEXT, .text = "open" } },
	{ "key", { .kind = RPLAN_TEXT, .text = "file:key" } },
	{ "spi", { .kind = RPLAN_NUMBER, .number = 256 } },
};
static const struct rplan_values configs[N_MODULES] = {
	{ fragments, 1 }, { firewall, 2 }, { nat, 3 }, { NULL, 0 }, { NULL, 0 }, { esp, 3 },
};
static const char *const classes[N_MODULES] = { "normalizer", "firewall", "nat",
						"balancer",   "monitor",  "esp" };
static const char *const sides[] = { "left", "right" };
static const struct module_derive derives[] = { { "side", { sides, 2 }, 0 } };

struct chain {
	const struct module_ops *ops[N_MODULES];
	void *states[N_MODULES];
};

static void demand(bool holds)
{
	if (!holds)
		abort();
}

/* "file:key", beside nothing that matters. */
static void write_key(char folder[32])
{
	char path[48];
	FILE *f;

	strcpy(folder, "/tmp/epic-fuzz-XXXXXX");
	demand(mkdtemp(folder));
	strcat(folder, "/");
	snprintf(path, sizeof(path), "%skey", folder);
	f = fopen(path, "w");
	demand(f && fputs("00112233445566778899aabbccddeeff00112233\n", f) > 0 && !fclose(f));
}

static void forget_key(const char *folder)
{
	char path[48];

	snprintf(path, sizeof(path), "%skey", folder);
	unlink(path);
	rmdir(folder);
}

static void open_all(struct chain *c)
{
	char folder[32];
	struct module_error error;

	write_key(folder);
	for (size_t i = 0; i < N_MODULES; i++) {
		struct module_spec spec = packets_spec(classes[i], classes[i]);
		struct module_world world = *spec.world;

		world.directory = folder;
		spec.world = &world;
		spec.config = &configs[i];
		spec.derives = derives;
		spec.n_derives = !strcmp(classes[i], "balancer");
		c->ops[i] = module_class(classes[i]);
		c->states[i] = c->ops[i]->open(&spec, &error);
		demand(c->states[i] != NULL);
	}
	forget_key(folder);
}

static unsigned read_frames(const uint8_t *bytes, size_t size, struct rte_mbuf **frames)
{
	unsigned n = 0;

	while (size >= 2 && n < BURST) {
		size_t length = (size_t)(bytes[0] << 8 | bytes[1]) % MOST_FRAME;

		bytes += 2;
		size -= 2;
		length = length < size ? length : size;
		frames[n++] = packets_raw(bytes, length);
		bytes += length;
		size -= length;
	}
	return n;
}

static uint64_t accounted(const struct burst *b)
{
	uint64_t n = packets_held(b) + b->n;

	for (int why = 0; why < N_DROP_REASONS; why++)
		n += packets_dropped(b, (enum drop_reason)why);
	return n;
}

/* What a module still holds is let go of before the next input. */
static void release_all(const struct chain *c, size_t i, struct burst *b)
{
	while (c->ops[i]->release && packets_held(b)) {
		struct burst out = { .now = UINT64_MAX - 1, .tally = b->tally };

		c->ops[i]->release(c->states[i], &out);
		rte_pktmbuf_free_bulk(out.at, out.n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct chain chain;
	static uint64_t now = 1;
	struct rte_mbuf *frames[BURST];
	unsigned n;

	if (!chain.ops[0]) {
		packets_start("fuzzmodules");
		open_all(&chain);
	}
	if (!size)
		return 0;
	n = read_frames(bytes + 1, size - 1, frames);
	for (size_t i = 0; i < N_MODULES && n; i++) {
		struct burst *b = packets_burst(now += 1000000);
		unsigned before = n;

		if (!(bytes[0] >> i & 1)) {
			packets_free(b);
			continue;
		}
		packets_run(chain.ops[i], chain.states[i], b, frames, n);
		demand(accounted(b) == before);
		n = b->n;
		memcpy(frames, b->at, n * sizeof(*frames));
		b->n = 0;
		release_all(&chain, i, b);
		packets_free(b);
	}
	rte_pktmbuf_free_bulk(frames, n);
	demand(rte_mempool_in_use_count(packets_pool()) == 0);
	return 0;
}
