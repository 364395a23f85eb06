/* What all wire formats share: the states of reading, and addresses.
 *
 * Every reader in this folder is a pure function of the bytes seen so far,
 *
 *	enum wire_state X_read(const uint8_t *bytes, size_t n, struct X *out, size_t *used);
 *
 * so that any split of a stream gives the same messages.  It reads none of the bytes behind N and
 * keeps nothing; what OUT points to are the caller's bytes, and it is good as long as they are.
 * OUT is filled in for WIRE_DONE; for WIRE_BAD out->fault says why.
 *
 * Every writer fills the caller's buffer and returns how many bytes it took; 0: there is no room,
 * or a reader would refuse the message.  Nothing is allocated.
 *
 * Sections of RFC 1928, RFC 1929 and draft-olteanu-intarea-socks-6-11 ("the draft") are named where
 * a choice comes from them. */
#ifndef EPIC_SOCKS_WIRE_H
#define EPIC_SOCKS_WIRE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/socks/reply.h"

enum wire_state {
	WIRE_MORE, /* *used: how many bytes there must be at least, more than N */
	WIRE_DONE, /* *used: the message's length; what lies behind is the caller's */
	WIRE_BAD   /* more bytes will not change it; *used is 0 */
};

enum wire_fault {
#define FAULT(name, answer, outcome, text) WIRE_FAULT_##name,
#include "runtime/socks/faults.def"
#undef FAULT
	WIRE_N_FAULTS
};

/* What to send to the other side before the connection is closed.  Faulty datagrams are dropped
 * without any answer, and so a client ends that got a faulty reply. */
enum wire_answer {
	WIRE_ANSWER_NOTHING,
	WIRE_ANSWER_MISMATCH, /* SOCKS6: a version mismatch reply */
	WIRE_ANSWER_METHOD,   /* SOCKS5: no acceptable method */
	WIRE_ANSWER_STATUS,   /* RFC 1929: failure */
	WIRE_ANSWER_REPLY     /* an operation reply; in SOCKS6 behind an authentication reply */
};

const char *wire_fault_text(enum wire_fault);
enum wire_answer wire_fault_answer(enum wire_fault);
enum outcome wire_fault_outcome(enum wire_fault);

struct wire_span {
	const uint8_t *at;
	size_t n;
};

/* ---- addresses ---- */

enum { WIRE_IPV4 = 1, WIRE_NAME = 3, WIRE_IPV6 = 4 };

struct wire_address {
	uint8_t kind; /* WIRE_IPV4, WIRE_NAME or WIRE_IPV6 */
	uint16_t port;
	uint8_t ip[16]; /* network order; of IPv4 the first 4; zeros for a name */
	struct wire_span name;
};

enum {
	WIRE_MOST_NAME = 255,
	WIRE_TEXT_ROOM = WIRE_MOST_NAME + sizeof("[]:65535") /* for any address as text */
};

/* 0.0.0.0:0, what a reply names that has nothing to name. */
extern const struct wire_address wire_any;

/* Letters, digits, and `-_.`; also `:[]`, since clients do send literals as names.  Nothing else:
 * names go into logs and to resolvers. */
bool wire_name_valid(struct wire_span);
bool wire_address_valid(const struct wire_address *);
bool wire_address_same(const struct wire_address *, const struct wire_address *);

/* Gives the one form that policies are asked about: a name that a resolver would take for an
 * address (`10.1`, `[::1]`) becomes that address, an IPv4 address in an IPv6 one becomes IPv4.
 * Readers do not do this; who decides on an address must. */
void wire_address_settle(struct wire_address *);

/* `192.0.2.1:80`, `[2001:db8::1]:80`, `host:80`.  Returns the length; 0: it does not fit. */
size_t wire_address_text(const struct wire_address *, char *out, size_t room);
/* Of the same forms; a name points into TEXT, which needs no NUL. */
bool wire_address_parse(const char *text, size_t n, struct wire_address *);

/* Returns the size of the address; 0: a name has none. */
socklen_t wire_address_to_sockaddr(const struct wire_address *, struct sockaddr_storage *);
/* False: neither IPv4 nor IPv6.  An IPv4 address in an IPv6 one becomes IPv4. */
bool wire_address_from_sockaddr(const struct sockaddr *, socklen_t n, struct wire_address *);

#endif
