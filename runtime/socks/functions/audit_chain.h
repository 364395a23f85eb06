/* Lines of an audit log, each bound to all lines before it.
 *
 *	{"seq":7,"previous":"HEX","time":"T","event":"open",...,"mac":"HEX","hash":"HEX"}
 *
 * `hash` is SHA-256 over the bytes of the line in front of `,"hash"`, which hold the hash of the
 * line before in `previous` (zeros in the first); `mac`, if the log has a key, is HMAC-SHA-256 over
 * the bytes in front of `,"mac"`.  Pure functions of bytes; files are audit_file.h's. */
#ifndef EPIC_SOCKS_AUDIT_CHAIN_H
#define EPIC_SOCKS_AUDIT_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/core/text.h"

enum { AUDIT_HEX = 64, AUDIT_MOST_LINE = 16384, AUDIT_MOST_KEY = 4096, AUDIT_WORD = 16 };

struct audit_key {
	uint8_t bytes[AUDIT_MOST_KEY];
	size_t n; /* 0: there is none */
};

struct audit_chain {
	uint64_t sequence;        /* of the last line; 0: there is none */
	char hash[AUDIT_HEX + 1]; /* of the last line */
	const struct audit_key *key;
};

void audit_chain_begin(struct audit_chain *, const struct audit_key *);
/* Adds the next line to OUT, with its LF.  MEMBERS: `,"name":value` and so on, without `"hash"`.
 * False: memory ran out, or the line would be too long; OUT and the chain are as before. */
bool audit_chain_add(struct audit_chain *, struct text *out, const char *time, const char *event,
		     const char *members);

/* What stands in a line whose form is right. */
struct audit_line {
	uint64_t sequence;
	char previous[AUDIT_HEX + 1], hash[AUDIT_HEX + 1], mac[AUDIT_HEX + 1]; /* mac "": none */
	char event[AUDIT_WORD];
	size_t n_hashed, n_authentic; /* bytes under the hash, under the mac */
};

/* LINE without LF.  False: it has not the form. */
bool audit_line_read(const char *line, size_t n, struct audit_line *);
void audit_sha256(const void *, size_t, char out[AUDIT_HEX + 1]);

/* ---- reading a log from its first line on ---- */

enum { AUDIT_MOST_FAULTS = 20, AUDIT_NAME = 256 };

struct audit_reader {
	struct audit_chain chain;
	const char *file;    /* for the report */
	struct text *report; /* faults, one line each; NULL: none is written */
	uint64_t line;       /* number of the last one */
	bool any_start;      /* the first line may be any of a chain: earlier parts are elsewhere */
	bool lost;           /* what comes next cannot be compared with what was before */
	uint64_t n_faults, n_connections, n_repairs, n_unchecked; /* the last: macs without a key */
	bool cut; /* the last line was cut: a note about it must follow */
	size_t n_cut;
	char cut_hash[AUDIT_HEX + 1];
	uint64_t seek; /* a sequence number whose line must have `seek_hash`; 0: none */
	char seek_hash[AUDIT_HEX + 1];
};

void audit_reader_begin(struct audit_reader *, const struct audit_key *, const char *file,
			struct text *report);
/* The next line.  ENDED: it had its LF. */
void audit_reader_line(struct audit_reader *, const char *line, size_t n, bool ended);
/* After the last one. */
void audit_reader_end(struct audit_reader *);
void audit_reader_fault(struct audit_reader *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The member `after` of the first line of a later part, a file's name without directory; false:
 * there is none. */
bool audit_line_after(const char *line, size_t n, char name[AUDIT_NAME]);

#endif
