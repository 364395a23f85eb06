/* Reading and writing field after field; private to this folder.
 *
 * Each function returns false when it stops, and then the message is over: chain them with &&. */
#ifndef EPIC_SOCKS_CURSOR_H
#define EPIC_SOCKS_CURSOR_H

#include "runtime/socks/wire.h"

struct reader {
	const uint8_t *at;
	size_t n, off;
	size_t least; /* the shortest message, so that WIRE_MORE tells a good bound */
	bool more;    /* it stopped since bytes were missing, up to `off` */
	enum wire_fault fault;
};

static inline struct reader reader_open(const uint8_t *bytes, size_t n, size_t least)
{
	return (struct reader){ .at = bytes, .n = n, .least = least };
}

bool reader_bad(struct reader *, enum wire_fault); /* returns false */
bool reader_span(struct reader *, size_t n, struct wire_span *);
bool reader_pass(struct reader *, size_t n);
bool reader_u8(struct reader *, uint8_t *);
bool reader_u16(struct reader *, uint16_t *);
bool reader_u64(struct reader *, uint64_t *);
bool reader_is(struct reader *, uint8_t expected, enum wire_fault);
bool reader_kind(struct reader *, uint8_t *); /* an address type */
/* The bytes behind the address type, without port.  PADDED: names as in SOCKS6. */
bool reader_host(struct reader *, bool padded, struct wire_address *);
enum wire_state reader_end(struct reader *, enum wire_fault *, size_t *used);

struct writer {
	uint8_t *at;
	size_t room, off;
	bool refused;
};

static inline struct writer writer_open(uint8_t *out, size_t room)
{
	return (struct writer){ .at = out, .room = room };
}

void writer_bytes(struct writer *, const void *, size_t n);
void writer_span(struct writer *, struct wire_span);
void writer_u8(struct writer *, uint8_t);
void writer_u16(struct writer *, uint16_t);
void writer_u32(struct writer *, uint32_t);
void writer_u64(struct writer *, uint64_t);
void writer_host(struct writer *, bool padded, const struct wire_address *);
/* An option begins, and ends with its padding and its length. */
size_t writer_option(struct writer *, uint16_t kind);
void writer_option_end(struct writer *, size_t option);
void writer_put_u16(struct writer *, size_t off, uint16_t); /* over what was written */
size_t writer_end(const struct writer *);

uint16_t wire_u16(const uint8_t *);
uint32_t wire_u32(const uint8_t *);

#endif
