#include <config.h>

#include "runtime/socks/socks6.h"

#include <string.h>

#include "runtime/socks/cursor.h"

enum { V6 = 6, SHORTEST = 12, UDP_HEAD = 12 };

/* ---- reading ---- */

/* "The total size of the SOCKS options. MUST NOT exceed 16KB."  Each is a multiple of 4. */
static bool read_size(struct reader *r, uint16_t *size)
{
	if (!reader_u16(r, size))
		return false;
	return (*size <= SOCKS6_MOST_OPTIONS && *size % 4 == 0) ||
	       reader_bad(r, WIRE_FAULT_OPTIONS_SIZE);
}

/* Port, padding (of which the draft says that it is 0, and nothing that depends on it), type. */
static bool read_address(struct reader *r, struct wire_address *a)
{
	return reader_u16(r, &a->port) && reader_pass(r, 1) && reader_kind(r, &a->kind) &&
	       reader_host(r, true, a);
}

static bool read_options(struct reader *r, uint16_t size, int place, struct socks6_options *out,
			 struct wire_span *raw)
{
	enum wire_fault fault;

	if (!reader_span(r, size, raw))
		return false;
	fault = socks6_options_read(*raw, place, out);
	return !fault || reader_bad(r, fault);
}

/* "NOOP: the fields have no meaning", but no name is allowed.  What they hold is forgotten. */
static bool settle_noop(struct reader *r, struct socks6_request *m)
{
	if (m->command != SOCKS6_NOOP)
		return true;
	if (m->to.kind == WIRE_NAME)
		return reader_bad(r, WIRE_FAULT_ADDRESS_TYPE);
	m->to = (struct wire_address){ .kind = m->to.kind };
	return true;
}

enum wire_state socks6_request_read(const uint8_t *bytes, size_t n, struct socks6_request *out,
				    size_t *used)
{
	struct reader r = reader_open(bytes, n, SHORTEST);
	uint16_t size;

	memset(out, 0, sizeof(*out));
	(void)(reader_is(&r, V6, WIRE_FAULT_VERSION6) && reader_u8(&r, &out->command) &&
	       (out->command <= SOCKS6_UDP_ASSOCIATE || reader_bad(&r, WIRE_FAULT_COMMAND)) &&
	       read_size(&r, &size) && read_address(&r, &out->to) && settle_noop(&r, out) &&
	       read_options(&r, size, SOCKS6_IN_REQUEST, &out->options, &out->raw));
	return reader_end(&r, &out->fault, used);
}

/* An invalid session and a refused token come with failure ("Further SOCKS Requests", "Spending a
 * token"); who says success as well cannot be trusted with data. */
static bool auth_agrees(const struct socks6_auth *m)
{
	return m->type == SOCKS6_AUTH_FAILURE ||
	       (!socks6_has(&m->options, SOCKS6_SESSION_INVALID) &&
		!socks6_has(&m->options, SOCKS6_TOKEN_REJECTED));
}

enum wire_state socks6_auth_read(const uint8_t *bytes, size_t n, struct socks6_auth *out,
				 size_t *used)
{
	struct reader r = reader_open(bytes, n, 4);
	struct wire_span raw;
	uint16_t size;

	memset(out, 0, sizeof(*out));
	(void)(reader_is(&r, V6, WIRE_FAULT_VERSION) && reader_u8(&r, &out->type) &&
	       (out->type <= SOCKS6_AUTH_FAILURE || reader_bad(&r, WIRE_FAULT_REPLY_TYPE)) &&
	       read_size(&r, &size) &&
	       read_options(&r, size, SOCKS6_IN_AUTH, &out->options, &raw) &&
	       (auth_agrees(out) || reader_bad(&r, WIRE_FAULT_OPTION_CLASH)));
	return reader_end(&r, &out->fault, used);
}

enum wire_state socks6_operation_read(const uint8_t *bytes, size_t n, struct socks6_operation *out,
				      size_t *used)
{
	struct reader r = reader_open(bytes, n, SHORTEST);
	struct wire_span raw;
	uint16_t size;

	memset(out, 0, sizeof(*out));
	(void)(reader_is(&r, V6, WIRE_FAULT_VERSION) && reader_u8(&r, &out->code) &&
	       read_size(&r, &size) && read_address(&r, &out->bound) &&
	       read_options(&r, size, SOCKS6_IN_OPERATION, &out->options, &raw));
	return reader_end(&r, &out->fault, used);
}

/* ---- UDP: the fields of an address have another order there ---- */

static bool read_udp_address(struct reader *r, struct wire_address *a)
{
	return reader_kind(r, &a->kind) && reader_pass(r, 1) && reader_u16(r, &a->port) &&
	       reader_host(r, true, a);
}

static bool read_datagram(struct reader *r, struct socks6_udp *out)
{
	return read_udp_address(r, &out->at) && reader_span(r, r->n - r->off, &out->data);
}

static bool is_ip(struct reader *r, const struct wire_address *a)
{
	return a->kind != WIRE_NAME || reader_bad(r, WIRE_FAULT_ADDRESS_TYPE);
}

static bool read_reporter(struct reader *r, struct socks6_udp *out)
{
	return reader_kind(r, &out->reporter.kind) && is_ip(r, &out->reporter) &&
	       reader_u8(r, &out->code) &&
	       ((out->code && out->code <= SOCKS6_UDP_TOO_BIG) ||
		reader_bad(r, WIRE_FAULT_ERROR_CODE)) &&
	       reader_pass(r, 2) && reader_host(r, true, &out->reporter);
}

static bool read_error(struct reader *r, struct socks6_udp *out)
{
	return read_udp_address(r, &out->at) && is_ip(r, &out->at) && read_reporter(r, out);
}

/* The message is whole here, so what is missing in it will not come. */
static bool read_body(struct reader *r, struct wire_span body, struct socks6_udp *out)
{
	struct reader in = reader_open(body.at, body.n, 0);

	if (out->type == SOCKS6_UDP_DATAGRAM)
		(void)read_datagram(&in, out);
	else if (out->type == SOCKS6_UDP_ERROR_REPORT)
		(void)read_error(&in, out);
	if (in.fault)
		return reader_bad(r, in.fault);
	return (!in.more && in.off == in.n) || reader_bad(r, WIRE_FAULT_MESSAGE_LENGTH);
}

enum wire_state socks6_udp_read(const uint8_t *bytes, size_t n, struct socks6_udp *out,
				size_t *used)
{
	struct reader r = reader_open(bytes, n, UDP_HEAD);
	struct wire_span body;
	uint16_t length;

	memset(out, 0, sizeof(*out));
	(void)(reader_is(&r, V6, WIRE_FAULT_VERSION) && reader_u8(&r, &out->type) &&
	       ((out->type && out->type <= SOCKS6_UDP_ERROR_REPORT) ||
		reader_bad(&r, WIRE_FAULT_MESSAGE_TYPE)) &&
	       reader_u16(&r, &length) &&
	       (length >= UDP_HEAD || reader_bad(&r, WIRE_FAULT_MESSAGE_LENGTH)) &&
	       reader_u64(&r, &out->association) &&
	       reader_span(&r, (size_t)length - UDP_HEAD, &body) && read_body(&r, body, out));
	return reader_end(&r, &out->fault, used);
}

/* ---- writing ---- */

static void write_options(struct writer *w, size_t size_at, int place,
			  const struct socks6_options *o, struct wire_span extra)
{
	bool ok = false;
	size_t n =
	    w->refused ? 0 : socks6_options_write(w->at + w->off, w->room - w->off, place, o, &ok);

	w->refused |= !ok || n + extra.n > SOCKS6_MOST_OPTIONS;
	if (w->refused)
		return;
	w->off += n;
	writer_span(w, extra);
	writer_put_u16(w, size_at, (uint16_t)(n + extra.n));
}

/* Returns where the size of the options goes. */
static size_t write_head(struct writer *w, uint8_t second)
{
	writer_u8(w, V6);
	writer_u8(w, second);
	writer_u16(w, 0);
	return w->off - 2;
}

static void write_address(struct writer *w, const struct wire_address *a)
{
	writer_u16(w, a->port);
	writer_u8(w, 0);
	writer_u8(w, a->kind);
	writer_host(w, true, a);
}

static bool all_experimental(struct wire_span options)
{
	struct socks6_option option;
	enum wire_fault fault;

	while (socks6_option_next(&options, &option, &fault))
		if (option.kind < SOCKS6_EXPERIMENTAL)
			return false;
	return !fault;
}

static bool noop_is_zero(const struct socks6_request *m)
{
	struct wire_address zero = { .kind = m->to.kind };

	return m->command != SOCKS6_NOOP ||
	       (m->to.kind != WIRE_NAME && wire_address_same(&m->to, &zero));
}

size_t socks6_request_write(uint8_t *out, size_t room, const struct socks6_request *m)
{
	struct writer w = writer_open(out, room);
	size_t size_at;

	if (m->command > SOCKS6_UDP_ASSOCIATE || !noop_is_zero(m) || !all_experimental(m->extra))
		return 0;
	size_at = write_head(&w, m->command);
	write_address(&w, &m->to);
	write_options(&w, size_at, SOCKS6_IN_REQUEST, &m->options, m->extra);
	return writer_end(&w);
}

size_t socks6_auth_write(uint8_t *out, size_t room, const struct socks6_auth *m)
{
	struct writer w = writer_open(out, room);
	size_t size_at;

	if (m->type > SOCKS6_AUTH_FAILURE || !auth_agrees(m))
		return 0;
	size_at = write_head(&w, m->type);
	write_options(&w, size_at, SOCKS6_IN_AUTH, &m->options, (struct wire_span){ NULL, 0 });
	return writer_end(&w);
}

size_t socks6_operation_write(uint8_t *out, size_t room, const struct socks6_operation *m)
{
	struct writer w = writer_open(out, room);
	size_t size_at = write_head(&w, m->code);

	write_address(&w, &m->bound);
	write_options(&w, size_at, SOCKS6_IN_OPERATION, &m->options, (struct wire_span){ NULL, 0 });
	return writer_end(&w);
}

static void write_udp_address(struct writer *w, const struct wire_address *a)
{
	writer_u8(w, a->kind);
	writer_u8(w, 0);
	writer_u16(w, a->port);
	writer_host(w, true, a);
}

static void write_error(struct writer *w, const struct socks6_udp *m)
{
	if (m->at.kind == WIRE_NAME || m->reporter.kind == WIRE_NAME || m->reporter.port ||
	    !m->code || m->code > SOCKS6_UDP_TOO_BIG)
		w->refused = true;
	write_udp_address(w, &m->at);
	writer_u8(w, m->reporter.kind);
	writer_u8(w, m->code);
	writer_u16(w, 0);
	writer_host(w, true, &m->reporter);
}

size_t socks6_udp_write(uint8_t *out, size_t room, const struct socks6_udp *m)
{
	struct writer w = writer_open(out, room);
	size_t length_at = write_head(&w, m->type);

	writer_u64(&w, m->association);
	if (!m->type || m->type > SOCKS6_UDP_ERROR_REPORT)
		return 0;
	if (m->type == SOCKS6_UDP_DATAGRAM) {
		write_udp_address(&w, &m->at);
		writer_span(&w, m->data);
	} else if (m->type == SOCKS6_UDP_ERROR_REPORT) {
		write_error(&w, m);
	}
	if (w.off > UINT16_MAX)
		return 0;
	writer_put_u16(&w, length_at, (uint16_t)w.off);
	return writer_end(&w);
}

size_t socks6_mismatch_write(uint8_t *out, size_t room)
{
	struct writer w = writer_open(out, room);

	writer_u8(&w, V6);
	return writer_end(&w);
}

bool socks6_mismatch_is(const uint8_t *bytes, size_t n)
{
	return n == 1 && bytes[0] == V6;
}

int socks6_auth_continues(const struct socks6_auth *m)
{
	if (m->type != SOCKS6_AUTH_FAILURE || !socks6_has(&m->options, SOCKS6_METHOD) ||
	    m->options.method == SOCKS_METHOD_UNACCEPTABLE)
		return -1;
	return m->options.method;
}
