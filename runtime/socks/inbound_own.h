/* What the files of inbound share: one for each protocol. */
#ifndef EPIC_SOCKS_INBOUND_OWN_H
#define EPIC_SOCKS_INBOUND_OWN_H

#include "runtime/socks/inbound.h"

/* What a client is expected to say next.  Takes *USED of SEEN; moves on by setting in->stage. */
typedef enum inbound_step inbound_stage(struct inbound *, struct wire_span seen, size_t *used,
					struct bytes *reply);

struct inbound {
	const struct inbound_settings *settings;
	inbound_stage *stage;
	struct inbound_request request;
	struct socks6_options options; /* without what points to bytes */
	bool denied;
	bool welcomed; /* SOCKS6, epi: an authentication reply was sent */

	/* What the request points to. */
	uint8_t name[WIRE_MOST_NAME];
	char user[UINT8_MAX + 1];
	struct inbound_chain *chain;
	uint8_t *held; /* initial data before a dialogue, or the PROXY header */
	size_t n_held, held_wanted;
	char why[192];
};

struct inbound_chain {
	struct epi_chain chain;
	uint8_t options[];
};

inbound_stage inbound_greeting, inbound_request6, inbound_request_epi, inbound_proxy;

/* ---- ends ---- */

/* `SOCKS5: ` and the text; returns INBOUND_END. */
enum inbound_step inbound_end(struct inbound *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Answers bytes that are no message. */
enum inbound_step inbound_fault(struct inbound *, enum wire_fault, struct bytes *reply);
/* Ends with an operation reply. */
enum inbound_step inbound_refuse(struct inbound *, enum outcome, const char *why,
				 struct bytes *reply);

/* ---- parts of requests ---- */

void inbound_take_address(struct inbound *, const struct wire_address *);
/* Whether user and password are right; keeps the user. */
bool inbound_admits(struct inbound *, struct wire_span user, struct wire_span password);
/* The same, of a client that did not authenticate. */
enum inbound_step inbound_deny(struct inbound *, const char *why);
/* Says whose password was wrong; a name in messages is printable and not long. */
enum inbound_step inbound_wrong_password(struct inbound *);
/* What a trusted peer tells in OPTIONS: the flow's source, and the chain. */
enum wire_fault inbound_take_metadata(struct inbound *, struct wire_span options);

/* ---- replies, appended ---- */

void inbound_welcome(struct inbound *, uint8_t type, const struct socks6_options *,
		     struct bytes *reply);
void inbound_reply_socks5(enum outcome, const struct wire_address *bound, struct bytes *);
void inbound_reply_socks6(const struct inbound *, enum outcome, const struct wire_address *bound,
			  uint32_t done, struct bytes *);
void inbound_reply_epi(enum outcome, struct bytes *);

#endif
