/* libFuzzer entry: the first byte chooses a reader of runtime/socks, the others are what it reads.
 * It reads none behind them, decides the same however they arrive, and gives nothing that could not
 * be written again. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>

#include "tests/prop/socks_messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { CHAIN = N_MESSAGE_KINDS, TEXT, DIALECT, N_CHOICES, MOST_CHAIN = 40000 };

static void demand(const char *wrong)
{
	if (!wrong)
		return;
	fprintf(stderr, "does not hold: %s\n", wrong);
	abort();
}

static void check_chain(const uint8_t *bytes, size_t n)
{
	static uint8_t out[MOST_CHAIN];
	struct epi_chain chain, again;
	struct wire_span written = { out, 0 };

	if (epi_chain_read((struct wire_span){ bytes, n }, &chain) || !chain.n)
		return;
	written.n = epi_chain_write(out, sizeof(out), &chain);
	demand(written.n ? NULL : "a chain can be written");
	demand(epi_chain_read(written, &again) ? "a chain can be read again" : NULL);
	demand(chain_same(&chain, &again) ? NULL : "a chain is the same again");
}

static void check_text(const uint8_t *bytes, size_t n)
{
	struct wire_address a, again, settled;
	char text[WIRE_TEXT_ROOM];
	size_t length;

	if (!wire_address_parse((const char *)bytes, n, &a))
		return;
	length = wire_address_text(&a, text, sizeof(text));
	demand(length ? NULL : "an address has a text");
	demand(wire_address_parse(text, length, &again) ? NULL : "its text is an address");
	demand(wire_address_same(&a, &again) ? NULL : "its text is the same address");
	wire_address_settle(&again);
	settled = again;
	wire_address_settle(&again);
	demand(wire_address_same(&settled, &again) ? NULL : "settled is settled");
}

/* What the first bytes are taken for does not change with more of them. */
static void check_dialect(const uint8_t *bytes, size_t n)
{
	enum dialect dialect, decided = DIALECT_UNKNOWN;
	bool done = false;
	size_t used;

	for (size_t i = 0; i <= n && i < 32; i++) {
		bool now = dialect_read(bytes, i, &dialect, &used) == WIRE_DONE;

		demand(!now && used <= i ? "more is more than there is" : NULL);
		demand(done && (!now || dialect != decided) ? "what is decided stays" : NULL);
		demand(!now && i >= 8 ? "8 bytes are enough" : NULL);
		done = now;
		decided = dialect;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	int choice = size ? bytes[0] % N_CHOICES : 0;

	if (!size)
		return 0;
	bytes++;
	size--;
	if (choice == CHAIN)
		check_chain(bytes, size);
	else if (choice == TEXT)
		check_text(bytes, size);
	else if (choice == DIALECT)
		check_dialect(bytes, size);
	if (choice >= N_MESSAGE_KINDS)
		return 0;
	demand(message_prefixes((enum message_kind)choice, bytes, size));
	demand(message_rewrites((enum message_kind)choice, bytes, size));
	return 0;
}
