/* libFuzzer entry: an audit log.
 *
 * First byte even: the others are the bytes of a file, which is whole or not; if it is, no byte of
 * it can be changed unnoticed.  Odd: they say what lines to write and what to do to them, which
 * must be found. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/socks/functions/audit_chain.h"
#include "runtime/socks/functions/audit_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { MOST_LINES = 8, SCRIPT = 6 };
enum deed { NOTHING, FLIP, REMOVE, SWAP, CUT, N_DEEDS };

static char directory[] = "/tmp/epic-fuzz-audit-XXXXXX";

static void demand(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "does not hold: %s\n", what);
	abort();
}

static const char *file_name(void)
{
	static char path[sizeof(directory) + 8];

	snprintf(path, sizeof(path), "%s/log", directory);
	return path;
}

static void remove_directory(void)
{
	unlink(file_name());
	rmdir(directory);
}

static bool is_whole(const void *bytes, size_t n)
{
	struct text report = { 0 };
	FILE *f = fopen(file_name(), "wb");
	bool whole;

	demand(f && fwrite(bytes, 1, n, f) == n && !fclose(f), "a file can be written");
	whole = audit_log_verify(file_name(), &report);
	demand(report.n && !report.failed, "a report says something");
	text_free(&report);
	return whole;
}

/* ---- any bytes ---- */

static void check_bytes(const uint8_t *bytes, size_t n)
{
	uint8_t *changed;
	size_t at = n ? (bytes[n / 2] + 256u * bytes[n / 3]) % n : 0;

	if (!is_whole(bytes, n))
		return;
	changed = malloc(n);
	demand(changed && n, "a whole log has bytes");
	memcpy(changed, bytes, n);
	changed[at] ^= 1;
	demand(!is_whole(changed, n), "a changed byte is found");
	free(changed);
}

/* ---- lines of our own ---- */

struct lines {
	struct text text;
	size_t at[MOST_LINES + 1], n;
};

static void write_lines(struct lines *l, size_t n, const uint8_t *bytes, size_t size)
{
	struct text members = { 0 };
	struct audit_chain chain;
	char word[64];

	audit_chain_begin(&chain, NULL);
	for (; l->n < n; l->n++) {
		size_t length = size < sizeof(word) - 1 ? size : sizeof(word) - 1;

		memcpy(word, bytes, length);
		word[length] = '\0';
		members.n = 0;
		text_puts(&members, ",\"word\":");
		text_json(&members, word);
		l->at[l->n] = l->text.n;
		demand(audit_chain_add(&chain, &l->text, "T", l->n ? "open" : "begin", members.at),
		       "a line can be added");
		bytes += length;
		size -= length;
	}
	l->at[l->n] = l->text.n;
	text_free(&members);
}

static void put_line(struct text *out, const struct lines *l, size_t i)
{
	text_add(out, l->text.at + l->at[i], l->at[i + 1] - l->at[i]);
}

static void swap_lines(struct text *out, const struct lines *l, size_t a, size_t b)
{
	for (size_t i = 0; i < l->n; i++)
		put_line(out, l, i == a ? b : i == b ? a : i);
}

static void check_script(const uint8_t *bytes, size_t size)
{
	struct lines l = { 0 };
	struct text out = { 0 };
	size_t n = 2 + bytes[0] % (MOST_LINES - 1), a = bytes[2] % n, b = bytes[3] % n;
	enum deed deed = (enum deed)(bytes[1] % N_DEEDS);

	write_lines(&l, n, bytes + SCRIPT, size - SCRIPT);
	if (deed == REMOVE) {
		for (size_t i = 0; i < n; i++)
			if (i != a % (n - 1))
				put_line(&out, &l, i);
	} else if (deed == SWAP) {
		swap_lines(&out, &l, a, b == a ? (a + 1) % n : b);
	} else {
		text_add(&out, l.text.at, l.text.n);
	}
	if (deed == FLIP)
		out.at[(bytes[2] + 256u * bytes[3]) % out.n] ^= (char)(1 << bytes[4] % 8);
	if (deed == CUT)
		out.n -= 1 + bytes[2] % (l.at[n] - l.at[n - 1] - 1);
	demand(is_whole(out.at, out.n) == (deed == NOTHING), "what was done to a log is found");
	text_free(&l.text);
	text_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static bool ready;

	if (!ready) {
		demand(mkdtemp(directory), "a directory can be made");
		atexit(remove_directory);
		ready = true;
	}
	if (size && bytes[0] % 2 == 0)
		check_bytes(bytes + 1, size - 1);
	else if (size > SCRIPT + 1)
		check_script(bytes + 1, size - 1);
	return 0;
}
