#include <config.h>

#include "runtime/socks/dialect.h"

static const char *const names[] = {
	[DIALECT_UNKNOWN] = "unknown", [DIALECT_SOCKS4] = "socks4", [DIALECT_SOCKS5] = "socks5",
	[DIALECT_SOCKS6] = "socks6",   [DIALECT_EPI] = "epi",       [DIALECT_TLS] = "tls",
};

enum { CONNECT = 1, LAYOUT = 8 };

static bool is_kind(uint8_t byte)
{
	return byte == WIRE_IPV4 || byte == WIRE_NAME || byte == WIRE_IPV6;
}

/* In a request of the draft byte 2 is the high one of the options' size, and bytes 6 and 7 are
 * padding and address type; in one of the prototype byte 2 is the address type. */
static enum wire_state read_socks6(const uint8_t *bytes, size_t n, enum dialect *out, size_t *used)
{
	*out = DIALECT_SOCKS6;
	if (n < 3) {
		*used = 3;
		return WIRE_MORE;
	}
	if (bytes[1] != CONNECT || !is_kind(bytes[2]))
		return WIRE_DONE;
	if (n < LAYOUT) {
		*used = LAYOUT;
		return WIRE_MORE;
	}
	if (bytes[6] || !is_kind(bytes[7]))
		*out = DIALECT_EPI;
	return WIRE_DONE;
}

static enum dialect by_first_byte(uint8_t byte)
{
	switch (byte) {
	case 0x04:
		return DIALECT_SOCKS4;
	case 0x05:
		return DIALECT_SOCKS5;
	case 0x06:
		return DIALECT_SOCKS6;
	case 0x16: /* a handshake record, RFC 8446 section 5.1 */
		return DIALECT_TLS;
	default:
		return DIALECT_UNKNOWN;
	}
}

enum wire_state dialect_read(const uint8_t *bytes, size_t n, enum dialect *out, size_t *used)
{
	*out = DIALECT_UNKNOWN;
	*used = 0;
	if (!n) {
		*used = 1;
		return WIRE_MORE;
	}
	*out = by_first_byte(bytes[0]);
	if (*out != DIALECT_SOCKS6)
		return WIRE_DONE;
	return read_socks6(bytes, n, out, used);
}

const char *dialect_name(enum dialect d)
{
	return names[d];
}
