/* The options of SOCKS6 (draft section "SOCKS Options").
 *
 * All options of a message are read into one struct.  Options that nobody knows, that stand in a
 * message they do not belong to, or that ask for something undefined are skipped, as the draft
 * wants of unsupported ones; known ones with an impossible length or value, twice, or against each
 * other make the message bad. */
#ifndef EPIC_SOCKS_SOCKS6_OPTIONS_H
#define EPIC_SOCKS_SOCKS6_OPTIONS_H

#include "runtime/socks/socks5.h"
#include "runtime/socks/wire.h"

enum {
	SOCKS6_MOST_OPTIONS = 16384,     /* bytes; the unpublished -12 would allow 20 KiB */
	SOCKS6_MOST_INITIAL_DATA = 16384 /* bytes */
};

/* "IANA Considerations"; 7 and 16 to 18 are of earlier drafts. */
enum {
	SOCKS6_STACK = 1,
	SOCKS6_METHODS = 2,
	SOCKS6_METHOD = 3,
	SOCKS6_AUTH_DATA = 4,
	SOCKS6_SESSION_REQUEST = 5,
	SOCKS6_SESSION_ID = 6,
	SOCKS6_SESSION_OK = 8,
	SOCKS6_SESSION_INVALID = 9,
	SOCKS6_SESSION_TEARDOWN = 10,
	SOCKS6_TOKEN_REQUEST = 11,
	SOCKS6_TOKEN_WINDOW = 12,
	SOCKS6_TOKEN_SPEND = 13,
	SOCKS6_TOKEN_ACCEPTED = 14,
	SOCKS6_TOKEN_REJECTED = 15,
	SOCKS6_EXPERIMENTAL = 64512 /* and all above */
};

/* Where options stand; bits. */
enum { SOCKS6_IN_REQUEST = 1, SOCKS6_IN_AUTH = 2, SOCKS6_IN_OPERATION = 4 };

/* An implementation supports all kinds of a group or none. */
enum socks6_group { SOCKS6_NO_GROUP, SOCKS6_SESSIONS, SOCKS6_TOKENS };

/* ---- stack options ---- */

enum socks6_stack_kind {
	SOCKS6_TOS,
	SOCKS6_HAPPY_EYEBALLS,   /* SOCKS6_NO or SOCKS6_YES; of requests for a name */
	SOCKS6_TTL,              /* or hop limit, 1 to 255 */
	SOCKS6_NO_FRAGMENTATION, /* SOCKS6_NO or SOCKS6_YES */
	SOCKS6_TFO,              /* most bytes in the SYN, 0: any */
	SOCKS6_MULTIPATH,        /* SOCKS6_NO or SOCKS6_YES */
	SOCKS6_BACKLOG,          /* only in a session */
	SOCKS6_UDP_ERROR,        /* SOCKS6_NO or SOCKS6_YES */
	SOCKS6_PORT_PARITY,      /* SOCKS6_PARITY */
	SOCKS6_N_STACK
};

enum { SOCKS6_NO = 1, SOCKS6_YES = 2 };
enum { SOCKS6_ANY_PARITY = 0, SOCKS6_EVEN = 1, SOCKS6_ODD = 2 };
#define SOCKS6_PARITY(parity, reserve) ((uint16_t)((parity) << 8 | (reserve)))

enum { SOCKS6_CLIENT_LEG = 1, SOCKS6_REMOTE_LEG = 2, SOCKS6_BOTH_LEGS = 3 };

/* One option for both legs with one value, or two options, mean the same. */
struct socks6_stack {
	uint16_t legs;     /* bits; 0: not there */
	uint16_t value[2]; /* on the client's leg, on the remote one; 0 where not there */
};

/* ---- all options of a message ---- */

enum { SOCKS6_MOST_AUTH = 4 }; /* data of further methods is skipped */

struct socks6_auth_data {
	uint8_t method;
	struct wire_span bytes; /* read: with the padding, only the method knows where it begins */
};

struct socks6_options {
	uint32_t has;             /* bit 1 << kind of those below that are there once */
	uint16_t initial_data;    /* METHODS: bytes that follow a CONNECT request */
	struct wire_span methods; /* METHODS: may be empty, "none" needs no mention */
	uint8_t method;           /* METHOD */
	struct wire_span session_id;
	uint32_t tokens_wanted;            /* TOKEN_REQUEST */
	uint32_t window_base, window_size; /* TOKEN_WINDOW: size 1 to 2^31-1 */
	uint32_t token;                    /* TOKEN_SPEND */
	size_t n_auth;
	struct socks6_auth_data auth[SOCKS6_MOST_AUTH]; /* of different methods */
	struct socks6_stack stack[SOCKS6_N_STACK];
};

static inline bool socks6_has(const struct socks6_options *o, int kind)
{
	return o->has >> kind & 1;
}

/* BYTES are all the options of a message that stands at PLACE. */
enum wire_fault socks6_options_read(struct wire_span bytes, int place, struct socks6_options *);
/* Returns how many bytes they take, which may be none; *ok is false if they do not fit, or would
 * not be read as they are given. */
size_t socks6_options_write(uint8_t *out, size_t room, int place, const struct socks6_options *,
			    bool *ok);

/* Takes away what is not supported. */
void socks6_options_drop(struct socks6_options *, enum socks6_group);
/* False: undefined for the legs or the value. */
bool socks6_options_stack(struct socks6_options *, enum socks6_stack_kind, uint8_t legs,
			  uint16_t value);

/* Of any option, e.g. to look for experimental ones.  False: REST is empty, or *fault. */
struct socks6_option {
	uint16_t kind;
	struct wire_span data; /* with padding */
};
bool socks6_option_next(struct wire_span *rest, struct socks6_option *, enum wire_fault *fault);

const char *socks6_option_name(uint16_t kind); /* "unknown option" */
const char *socks6_stack_name(enum socks6_stack_kind);

/* ---- user and password (draft section "Username/Password Authentication") ---- */

/* What RFC 1929 sends, within an authentication data option.  False: there is none, or it is no
 * such message. */
bool socks6_password_of(const struct socks6_options *, struct socks5_password *);
bool socks6_status_of(const struct socks6_options *, struct socks5_status *);

#endif
