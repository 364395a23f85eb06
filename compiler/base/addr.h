/* Addresses, prefixes and MAC addresses as numbers, and their canonical texts
 * (RFC 5952 for IPv6). */
#ifndef EPIC_BASE_ADDR_H
#define EPIC_BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef unsigned __int128 epic_u128; /* wide enough for any field of a packet */

/* An address is a prefix of full length; `is_prefix` tells how it was written. */
struct prefix {
	uint8_t family; /* 4 or 6 */
	uint8_t length; /* 0...32 or 0...128 */
	bool is_prefix; /* written with "/n" */
	epic_u128 bits; /* host order, in the low 32 or 128 bits */
};

enum { ADDR_TEXT_SIZE = 56 };

unsigned prefix_width(int family); /* 32 or 128 */
epic_u128 prefix_first(struct prefix); /* with the host bits cleared */
epic_u128 prefix_last(struct prefix);
bool prefix_contains(struct prefix outer, struct prefix inner);

/* "A.B.C.D" or an IPv6 text, optionally with "/n". False: impossible. Host
 * bits are left as they are. */
bool prefix_parse(const char *, size_t length, struct prefix *);

const char *addr_text(int family, epic_u128 bits, char buf[ADDR_TEXT_SIZE]);
const char *prefix_text(struct prefix, char buf[ADDR_TEXT_SIZE]); /* always with "/n" */
const char *mac_text(uint64_t mac, char buf[ADDR_TEXT_SIZE]);

#endif
