/* Where a connection that the kernel redirected was going, and the rules that redirect it. */
#ifndef EPIC_SOCKS_REDIRECT_H
#define EPIC_SOCKS_REDIRECT_H

#include "runtime/core/text.h"
#include "runtime/socks/wire.h"

enum { REDIRECT_MARK = 0x45504943 }; /* of the redirector's own connections: not redirected again */

/* By SO_ORIGINAL_DST, or IP6T_SO_ORIGINAL_DST, and otherwise (TPROXY) by the socket's own address.
 * False: it was not redirected (it was going to the redirector itself: to the LISTENER, or where
 * that is 0.0.0.0 or ::, to its port at whatever address of the machine). */
bool redirect_original(int fd, const struct wire_address *listener, struct wire_address *to);

/* What is redirected: destinations PREFIX, ports LOW to HIGH, from SOURCE (NULL: any). */
struct redirect_catch {
	const char *prefix, *source;
	uint16_t low, high;
};

struct redirect_rules {
	const char *table;  /* name of the nftables table, family inet: `epic` */
	uint16_t port;      /* of the redirector */
	bool local, routed; /* connections of this machine; of others that it routes */
	bool tproxy;        /* routed ones by TPROXY in place of a redirection */
	uint32_t mark;      /* of the redirector's own */
	uint32_t tproxy_mark;
	const char *user; /* whose connections are left alone, too; NULL: nobody's */
	const struct redirect_catch *catches;
	size_t n;
};

/* A text for `nft -f`, which replaces the table as a whole, with sets, so that it stays fast for
 * 10000 catches, which may overlap.  For TPROXY the `ip rule` and `ip route` commands stand in
 * comments at its top.  False: the text says what is wrong with the rules (a prefix, a name), or
 * has `failed`. */
bool redirect_rules_text(const struct redirect_rules *, struct text *);
/* `nft --check -f -`, `nft -f -` (and ip rule, ip route for TPROXY), `nft delete table` (and these
 * undone): by running them.  False: WHY has what they said. */
bool redirect_rules_check(const struct redirect_rules *, struct text *why);
bool redirect_rules_install(const struct redirect_rules *, struct text *why);
bool redirect_rules_remove(const struct redirect_rules *, struct text *why);

#endif
