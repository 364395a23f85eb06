#include <config.h>

#include "runtime/socks/socks5.h"

#include <string.h>

#include "runtime/socks/cursor.h"

enum { V5 = 5, PASSWORD_VERSION = 1, SHORTEST = 8 };

/* ---- reading ---- */

enum wire_state socks5_greeting_read(const uint8_t *bytes, size_t n, struct socks5_greeting *out,
				     size_t *used)
{
	struct reader r = reader_open(bytes, n, 3);
	uint8_t n_methods;

	memset(out, 0, sizeof(*out));
	(void)(reader_is(&r, V5, WIRE_FAULT_VERSION) && reader_u8(&r, &n_methods) &&
	       (n_methods || reader_bad(&r, WIRE_FAULT_METHODS)) &&
	       reader_span(&r, n_methods, &out->methods));
	return reader_end(&r, &out->fault, used);
}

enum wire_state socks5_method_read(const uint8_t *bytes, size_t n, struct socks5_method *out,
				   size_t *used)
{
	struct reader r = reader_open(bytes, n, 2);

	memset(out, 0, sizeof(*out));
	(void)(reader_is(&r, V5, WIRE_FAULT_VERSION) && reader_u8(&r, &out->method));
	return reader_end(&r, &out->fault, used);
}

enum wire_state socks5_password_read(const uint8_t *bytes, size_t n, struct socks5_password *out,
				     size_t *used)
{
	struct reader r = reader_open(bytes, n, 4);
	uint8_t n_user, n_password;

	memset(out, 0, sizeof(*out));
	(void)(reader_is(&r, PASSWORD_VERSION, WIRE_FAULT_VERSION) && reader_u8(&r, &n_user) &&
	       (n_user || reader_bad(&r, WIRE_FAULT_USER)) && reader_span(&r, n_user, &out->user) &&
	       reader_u8(&r, &n_password) && reader_span(&r, n_password, &out->password));
	return reader_end(&r, &out->fault, used);
}

/* RFC 1929 section 2 says 1; servers that repeat their 5 here are met in the wild. */
enum wire_state socks5_status_read(const uint8_t *bytes, size_t n, struct socks5_status *out,
				   size_t *used)
{
	struct reader r = reader_open(bytes, n, 2);
	uint8_t version;

	memset(out, 0, sizeof(*out));
	(void)(reader_u8(&r, &version) &&
	       (version == PASSWORD_VERSION || version == V5 ||
		reader_bad(&r, WIRE_FAULT_VERSION)) &&
	       reader_u8(&r, &out->status));
	return reader_end(&r, &out->fault, used);
}

static bool known_command(uint8_t command)
{
	return (command >= SOCKS5_CONNECT && command <= SOCKS5_UDP_ASSOCIATE) ||
	       command == SOCKS5_RESOLVE || command == SOCKS5_RESOLVE_PTR;
}

static bool read_address(struct reader *r, struct wire_address *a)
{
	return reader_kind(r, &a->kind) && reader_host(r, false, a) && reader_u16(r, &a->port);
}

/* RFC 1928 section 4: RSV must be 0; nothing depends on it, so it is not looked at. */
enum wire_state socks5_request_read(const uint8_t *bytes, size_t n, struct socks5_request *out,
				    size_t *used)
{
	struct reader r = reader_open(bytes, n, SHORTEST);

	memset(out, 0, sizeof(*out));
	(void)(reader_is(&r, V5, WIRE_FAULT_VERSION) && reader_u8(&r, &out->command) &&
	       (known_command(out->command) || reader_bad(&r, WIRE_FAULT_COMMAND)) &&
	       reader_pass(&r, 1) && read_address(&r, &out->to));
	return reader_end(&r, &out->fault, used);
}

enum wire_state socks5_reply_read(const uint8_t *bytes, size_t n, struct socks5_reply *out,
				  size_t *used)
{
	struct reader r = reader_open(bytes, n, SHORTEST);

	memset(out, 0, sizeof(*out));
	(void)(reader_is(&r, V5, WIRE_FAULT_VERSION) && reader_u8(&r, &out->code) &&
	       reader_pass(&r, 1) && read_address(&r, &out->bound));
	return reader_end(&r, &out->fault, used);
}

enum wire_state socks5_udp_read(const uint8_t *bytes, size_t n, struct socks5_udp *out,
				size_t *used)
{
	struct reader r = reader_open(bytes, n, SHORTEST);

	memset(out, 0, sizeof(*out));
	(void)(reader_pass(&r, 2) && reader_u8(&r, &out->fragment) && read_address(&r, &out->at));
	return reader_end(&r, &out->fault, used);
}

/* ---- writing ---- */

size_t socks5_greeting_write(uint8_t *out, size_t room, const struct socks5_greeting *m)
{
	struct writer w = writer_open(out, room);

	if (!m->methods.n || m->methods.n > UINT8_MAX)
		return 0;
	writer_u8(&w, V5);
	writer_u8(&w, (uint8_t)m->methods.n);
	writer_span(&w, m->methods);
	return writer_end(&w);
}

size_t socks5_method_write(uint8_t *out, size_t room, const struct socks5_method *m)
{
	struct writer w = writer_open(out, room);

	writer_u8(&w, V5);
	writer_u8(&w, m->method);
	return writer_end(&w);
}

size_t socks5_password_write(uint8_t *out, size_t room, const struct socks5_password *m)
{
	struct writer w = writer_open(out, room);

	if (!m->user.n || m->user.n > UINT8_MAX || m->password.n > UINT8_MAX)
		return 0;
	writer_u8(&w, PASSWORD_VERSION);
	writer_u8(&w, (uint8_t)m->user.n);
	writer_span(&w, m->user);
	writer_u8(&w, (uint8_t)m->password.n);
	writer_span(&w, m->password);
	return writer_end(&w);
}

size_t socks5_status_write(uint8_t *out, size_t room, const struct socks5_status *m)
{
	struct writer w = writer_open(out, room);

	writer_u8(&w, PASSWORD_VERSION);
	writer_u8(&w, m->status);
	return writer_end(&w);
}

static size_t write_message(uint8_t *out, size_t room, const uint8_t head[3],
			    const struct wire_address *a)
{
	struct writer w = writer_open(out, room);

	writer_bytes(&w, head, 3);
	writer_u8(&w, a->kind);
	writer_host(&w, false, a);
	writer_u16(&w, a->port);
	return writer_end(&w);
}

size_t socks5_request_write(uint8_t *out, size_t room, const struct socks5_request *m)
{
	if (!known_command(m->command))
		return 0;
	return write_message(out, room, (uint8_t[]){ V5, m->command, 0 }, &m->to);
}

size_t socks5_reply_write(uint8_t *out, size_t room, const struct socks5_reply *m)
{
	return write_message(out, room, (uint8_t[]){ V5, m->code, 0 }, &m->bound);
}

size_t socks5_udp_write(uint8_t *out, size_t room, const struct socks5_udp *m)
{
	return write_message(out, room, (uint8_t[]){ 0, 0, m->fragment }, &m->at);
}
