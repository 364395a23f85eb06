/* libFuzzer entry: whatever the text, it is a filter or is refused with a reason; and machine code
 * says of packets what the filter itself says.  Each line is a filter. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "runtime/dpdk/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { MOST_LINES = 8, N_PACKETS = 4 };

/* A packet without bytes. */
struct bare {
	struct rte_mbuf m;
	struct packet p;
};

_Static_assert(offsetof(struct bare, p) == sizeof(struct rte_mbuf), "where packet_of looks");

static bool find_tag(void *arg, const char *name, uint8_t *tag)
{
	(void)arg;
	*tag = 1;
	return !strcmp(name, "p.ids.verdict");
}

static bool find_value(void *arg, uint8_t tag, const char *value, uint16_t *index)
{
	(void)arg;
	*index = (uint16_t)(tag + strlen(value));
	return strcmp(value, "unknown");
}

static bool find_device(void *arg, const char *name, uint16_t *index)
{
	(void)arg;
	*index = (uint16_t)strlen(name);
	return *name;
}

static void make_packets(struct bare at[N_PACKETS], struct rte_mbuf *packets[N_PACKETS])
{
	memset(at, 0, N_PACKETS * sizeof(*at));
	for (int i = 0; i < N_PACKETS; i++) {
		packets[i] = &at[i].m;
		memset(at[i].p.tags, 0xff, sizeof(at[i].p.tags));
		at[i].p.present = PACKET_ETH;
	}
	at[1].p.present |= PACKET_IP4 | PACKET_L4 | PACKET_TCP;
	at[1].p.eth_type = 0x800;
	at[1].p.proto = 6;
	at[1].p.src[3] = at[1].p.dst[3] = 0x0a000001;
	at[1].p.dport = 443;
	at[2].p.present |= PACKET_IP6 | PACKET_VLAN;
	at[2].p.eth_type = 0x86dd;
	at[2].p.proto = 50;
	at[2].p.src[0] = at[2].p.dst[0] = 0x20010db8;
	at[2].p.tags[1] = 3;
}

static void compare(const struct filter *const *filters, size_t n)
{
	struct filter_error error;
	struct chooser *plain = chooser_open("plain", filters, n, CHOOSER_PLAIN, &error);
	struct chooser *code = chooser_open("code", filters, n, CHOOSER_BPF, &error);
	struct bare at[N_PACKETS];
	struct rte_mbuf *packets[N_PACKETS];
	int16_t first[2][N_PACKETS];
	uint64_t all[2][N_PACKETS], seed = n;

	make_packets(at, packets);
	for (size_t i = 0; i < n; i++)
		if (filter_sample(filters[i], &seed, &at[3].p) &&
		    !filter_holds(filters[i], &at[3].p))
			abort();
	if (plain && code) {
		chooser_first(plain, packets, N_PACKETS, first[0]);
		chooser_first(code, packets, N_PACKETS, first[1]);
		chooser_all(plain, packets, N_PACKETS, all[0]);
		chooser_all(code, packets, N_PACKETS, all[1]);
		if (memcmp(first[0], first[1], sizeof(first[0])) ||
		    memcmp(all[0], all[1], sizeof(all[0])))
			abort();
	}
	chooser_close(plain);
	chooser_close(code);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const struct filter_names names = { find_tag, find_value, find_device, NULL };
	const struct filter *filters[MOST_LINES];
	char *text = strndup((const char *)bytes, size), *rest = text, *line;
	struct filter_error error;
	size_t n = 0;

	while (n < MOST_LINES && (line = strsep(&rest, "\n"))) {
		filters[n] = filter_parse(line, &names, &error);
		if (!filters[n] && !error.text[0])
			abort();
		n += filters[n] != NULL;
	}
	compare(filters, n);
	for (size_t i = 0; i < n; i++)
		filter_free(filters[i]);
	free(text);
	return 0;
}
