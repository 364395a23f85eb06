#include <config.h>

#include "runtime/socks/socks6_epi.h"

#include <stdio.h>
#include <string.h>

#include "runtime/socks/cursor.h"
#include "runtime/socks/socks6.h"

enum { V6 = 6, SHORTEST = 10, METHODS_OPTION = 8 };

/* ---- options ---- */

static bool read_size(struct reader *r, uint16_t *size)
{
	if (!reader_u16(r, size))
		return false;
	return (*size <= EPI_MOST_OPTIONS && *size % 4 == 0) ||
	       reader_bad(r, WIRE_FAULT_OPTIONS_SIZE);
}

/* Of initial data and lengths; other kinds the prototype skips, too. */
static enum wire_fault read_options(struct wire_span options, struct epi_request *out)
{
	struct wire_span rest = options;
	struct socks6_option option;
	struct epi_metadata metadata;
	enum wire_fault fault;
	bool found = false;

	while (socks6_option_next(&rest, &option, &fault)) {
		if (option.kind != SOCKS6_METHODS)
			continue;
		if (option.data.n < 2)
			return WIRE_FAULT_OPTION_LENGTH;
		if (found)
			return WIRE_FAULT_OPTION_TWICE;
		out->initial_data = wire_u16(option.data.at);
		found = true;
	}
	if (fault)
		return fault;
	if (out->initial_data > EPI_MOST_INITIAL_DATA)
		return WIRE_FAULT_INITIAL_DATA;
	if (!found && options.n > EPI_MOST_OPTIONS - METHODS_OPTION)
		return WIRE_FAULT_OPTIONS_SIZE; /* it could not be written again */
	while (epi_metadata_next(&options, &metadata, &fault))
		;
	return fault;
}

/* ---- messages ---- */

static bool read_request_options(struct reader *r, uint16_t size, struct epi_request *out)
{
	enum wire_fault fault;

	if (!reader_span(r, size, &out->options))
		return false;
	fault = read_options(out->options, out);
	return !fault || reader_bad(r, fault);
}

enum wire_state epi_request_read(const uint8_t *bytes, size_t n, struct epi_request *out,
				 size_t *used)
{
	struct reader r = reader_open(bytes, n, SHORTEST);
	uint16_t size;

	memset(out, 0, sizeof(*out));
	(void)(reader_is(&r, V6, WIRE_FAULT_VERSION6) &&
	       reader_is(&r, SOCKS6_CONNECT, WIRE_FAULT_COMMAND) &&
	       reader_kind(&r, &out->to.kind) && reader_host(&r, false, &out->to) &&
	       reader_u16(&r, &out->to.port) && reader_pass(&r, 1) && read_size(&r, &size) &&
	       read_request_options(&r, size, out));
	return reader_end(&r, &out->fault, used);
}

static bool is_kind(uint8_t kind)
{
	return kind == WIRE_IPV4 || kind == WIRE_NAME || kind == WIRE_IPV6;
}

/* A port of 1, 3 or 4 would make a reply of 0.1.0 look like one of 2.0.0; nobody binds these for a
 * connection that goes out. */
static bool looks_like_2_0(const uint8_t *head)
{
	return head[2] == 0 && is_kind(head[3]);
}

static bool read_reply_0_1(struct reader *r, struct wire_address *a)
{
	return reader_u16(r, &a->port) && reader_pass(r, 1) && reader_kind(r, &a->kind) &&
	       reader_host(r, false, a);
}

static bool read_reply_2_0(struct reader *r, struct wire_address *a)
{
	return reader_pass(r, 1) && reader_kind(r, &a->kind) && reader_host(r, false, a) &&
	       reader_u16(r, &a->port);
}

static bool read_reply(struct reader *r, struct epi_reply *out)
{
	struct reader ahead = *r;

	if (!reader_pass(&ahead, 2)) {
		*r = ahead;
		return false;
	}
	out->version = looks_like_2_0(r->at) ? EPI_2_0 : EPI_0_1;
	return out->version == EPI_2_0 ? read_reply_2_0(r, &out->bound)
				       : read_reply_0_1(r, &out->bound);
}

enum wire_state epi_reply_read(const uint8_t *bytes, size_t n, struct epi_reply *out, size_t *used)
{
	struct reader r = reader_open(bytes, n, SHORTEST);
	uint16_t size;

	memset(out, 0, sizeof(*out));
	(void)(reader_is(&r, V6, WIRE_FAULT_VERSION) && reader_u8(&r, &out->code) &&
	       read_reply(&r, out) && read_size(&r, &size) && reader_pass(&r, size));
	return reader_end(&r, &out->fault, used);
}

static void write_metadata(struct writer *w, const struct epi_metadata *m)
{
	size_t option = writer_option(w, EPI_METADATA);

	writer_u16(w, m->key);
	writer_u16(w, (uint16_t)m->value.n);
	writer_span(w, m->value);
	writer_option_end(w, option);
}

/* Version 0.1.0 takes the first option for the one with initial data, whatever its kind is, and
 * fails where there is none. */
static void write_options(struct writer *w, const struct epi_request *m)
{
	struct wire_span rest = m->options;
	struct epi_metadata metadata;
	enum wire_fault fault;
	size_t option = writer_option(w, SOCKS6_METHODS);

	writer_u16(w, m->initial_data);
	writer_option_end(w, option);
	while (epi_metadata_next(&rest, &metadata, &fault))
		write_metadata(w, &metadata);
	w->refused |= fault != WIRE_FAULT_NONE;
}

size_t epi_request_write(uint8_t *out, size_t room, const struct epi_request *m)
{
	struct writer w = writer_open(out, room);
	size_t size_at;

	if (m->initial_data > EPI_MOST_INITIAL_DATA)
		return 0;
	writer_u8(&w, V6);
	writer_u8(&w, SOCKS6_CONNECT);
	writer_u8(&w, m->to.kind);
	writer_host(&w, false, &m->to);
	writer_u16(&w, m->to.port);
	writer_u8(&w, 0);
	size_at = w.off;
	writer_u16(&w, 0);
	write_options(&w, m);
	if (w.refused || w.off - size_at - 2 > EPI_MOST_OPTIONS)
		return 0;
	writer_put_u16(&w, size_at, (uint16_t)(w.off - size_at - 2));
	return writer_end(&w);
}

/* 2.0.0 reads 0.1.0.0 port 0 of it, 0.1.0 reads 0.0.0.0 port 1; both read 12 bytes. */
static size_t write_either(struct writer *w)
{
	static const uint8_t rest[] = { 0, WIRE_IPV4, 0, WIRE_IPV4, 0, 0, 0, 0, 0, 0 };

	writer_bytes(w, rest, sizeof(rest));
	return writer_end(w);
}

static void write_reply_0_1(struct writer *w, const struct wire_address *a)
{
	writer_u16(w, a->port);
	writer_u8(w, 0);
	writer_u8(w, a->kind);
	writer_host(w, false, a);
	if (!w->refused && looks_like_2_0(w->at))
		w->refused = true;
}

static void write_reply_2_0(struct writer *w, const struct wire_address *a)
{
	writer_u8(w, 0);
	writer_u8(w, a->kind);
	writer_host(w, false, a);
	writer_u16(w, a->port);
}

size_t epi_reply_write(uint8_t *out, size_t room, const struct epi_reply *m)
{
	struct writer w = writer_open(out, room);

	writer_u8(&w, V6);
	writer_u8(&w, m->code);
	if (m->version == EPI_EITHER)
		return write_either(&w);
	if (m->version == EPI_0_1)
		write_reply_0_1(&w, &m->bound);
	else
		write_reply_2_0(&w, &m->bound);
	writer_u16(&w, 0);
	return writer_end(&w);
}

/* ---- metadata ---- */

/* How long the sequence at P is, by its first byte, and what its second byte is at least and at
 * most (RFC 3629 section 4); 0: none begins so. */
static size_t utf8_length(uint8_t first, uint8_t *least, uint8_t *most)
{
	*least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	*most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

static bool utf8_valid(struct wire_span s)
{
	uint8_t least, most;
	size_t n;

	for (size_t i = 0; i < s.n; i += n) {
		n = utf8_length(s.at[i], &least, &most);
		if (!n || n > s.n - i)
			return false;
		if (n > 1 && (s.at[i + 1] < least || s.at[i + 1] > most))
			return false;
		for (size_t k = 2; k < n; k++)
			if ((s.at[i + k] & 0xc0) != 0x80)
				return false;
	}
	return true;
}

static bool read_metadata(struct wire_span data, struct epi_metadata *out)
{
	size_t n;

	if (data.n < 4)
		return false;
	n = wire_u16(data.at + 2);
	*out = (struct epi_metadata){ wire_u16(data.at), { data.at + 4, n } };
	return n <= data.n - 4 && utf8_valid(out->value);
}

bool epi_metadata_next(struct wire_span *rest, struct epi_metadata *out, enum wire_fault *fault)
{
	struct socks6_option option;

	while (socks6_option_next(rest, &option, fault)) {
		if (option.kind != EPI_METADATA)
			continue;
		if (read_metadata(option.data, out))
			return true;
		*fault = WIRE_FAULT_METADATA;
		return false;
	}
	return false;
}

size_t epi_metadata_write(uint8_t *out, size_t room, const struct epi_metadata *m)
{
	struct writer w = writer_open(out, room);

	if (m->value.n > UINT16_MAX || !utf8_valid(m->value))
		return 0;
	write_metadata(&w, m);
	return writer_end(&w);
}

/* ---- links ---- */

static bool userinfo_byte(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("-._~%!$&'()*+,;=", c));
}

static bool userinfo_valid(struct wire_span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!userinfo_byte(s.at[i]))
			return false;
	return true;
}

static const uint8_t *find(struct wire_span s, char c)
{
	return s.n ? memchr(s.at, c, s.n) : NULL;
}

static bool parse_userinfo(struct wire_span s, struct epi_link *out)
{
	const uint8_t *colon = find(s, ':');
	size_t n = colon ? (size_t)(colon - s.at) : s.n;

	out->user = (struct wire_span){ s.at, n };
	if (colon)
		out->password = (struct wire_span){ colon + 1, s.n - n - 1 };
	return n && userinfo_valid(out->user) && userinfo_valid(out->password);
}

bool epi_link_parse(struct wire_span text, struct epi_link *out)
{
	static const char scheme[] = "socksX://";
	const size_t n_scheme = sizeof(scheme) - 1;
	const uint8_t *at;

	memset(out, 0, sizeof(*out));
	if (text.n < n_scheme || memcmp(text.at, scheme, 5) || memcmp(text.at + 6, "://", 3))
		return false;
	if (text.at[5] != '5' && text.at[5] != '6')
		return false;
	out->version = (uint8_t)(text.at[5] - '0');
	text = (struct wire_span){ text.at + n_scheme, text.n - n_scheme };
	at = find(text, '@');
	if (at) {
		struct wire_span userinfo = { text.at, (size_t)(at - text.at) };

		if (!parse_userinfo(userinfo, out))
			return false;
		text = (struct wire_span){ at + 1, text.n - userinfo.n - 1 };
	}
	return wire_address_parse((const char *)text.at, text.n, &out->at);
}

static void write_userinfo(struct writer *w, const struct epi_link *l)
{
	if (!l->user.n) {
		w->refused |= l->password.n > 0;
		return;
	}
	w->refused |= !userinfo_valid(l->user) || !userinfo_valid(l->password);
	writer_span(w, l->user);
	if (l->password.n) {
		writer_u8(w, ':');
		writer_span(w, l->password);
	}
	writer_u8(w, '@');
}

/* Its text, if that reads as the same address. */
static void write_link_text(struct writer *w, const struct epi_link *l)
{
	char text[WIRE_TEXT_ROOM];
	size_t n = wire_address_text(&l->at, text, sizeof(text));
	struct wire_address again;

	w->refused |= l->version != 5 && l->version != 6;
	w->refused |= !wire_address_parse(text, n, &again) || !wire_address_same(&again, &l->at);
	writer_bytes(w, l->version == 5 ? "socks5://" : "socks6://", 9);
	write_userinfo(w, l);
	writer_bytes(w, text, n);
}

/* ---- chains ---- */

/* Decimal, at most MOST. */
static bool parse_number(struct wire_span s, size_t most, size_t *out)
{
	size_t value = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.at[i] < '0' || s.at[i] > '9')
			return false;
		value = value * 10 + (size_t)(s.at[i] - '0');
		if (value > most)
			return false;
	}
	*out = value;
	return s.n > 0;
}

struct chain_texts {
	struct wire_span index, length, links[EPI_MOST_LINKS];
};

static struct wire_span *text_of(struct chain_texts *t, uint16_t key)
{
	if (key == EPI_INDEX)
		return &t->index;
	if (key == EPI_LENGTH)
		return &t->length;
	if (key >= EPI_FIRST_LINK && key < EPI_FIRST_LINK + EPI_MOST_LINKS)
		return &t->links[key - EPI_FIRST_LINK];
	return NULL;
}

static enum wire_fault collect(struct wire_span options, struct chain_texts *t)
{
	struct epi_metadata m;
	struct wire_span *text;
	enum wire_fault fault;

	memset(t, 0, sizeof(*t));
	while (epi_metadata_next(&options, &m, &fault)) {
		text = text_of(t, m.key);
		if (!text)
			continue;
		if (text->at)
			return WIRE_FAULT_CHAIN;
		*text = m.value;
	}
	return fault;
}

static bool read_chain(const struct chain_texts *t, struct epi_chain *out)
{
	if (!parse_number(t->length, EPI_MOST_LINKS, &out->n))
		return false;
	if (!out->n)
		return true;
	if (!parse_number(t->index, out->n - 1, &out->index))
		return false;
	for (size_t i = 0; i < out->n; i++)
		if (!epi_link_parse(t->links[i], &out->links[i]))
			return false;
	return true;
}

enum wire_fault epi_chain_read(struct wire_span options, struct epi_chain *out)
{
	struct chain_texts texts;
	enum wire_fault fault = collect(options, &texts);

	memset(out, 0, sizeof(*out));
	if (fault || !texts.length.at)
		return fault;
	return read_chain(&texts, out) ? WIRE_FAULT_NONE : WIRE_FAULT_CHAIN;
}

static void write_number(struct writer *w, uint16_t key, size_t number)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%zu", number);

	write_metadata(w, &(struct epi_metadata){ key, { (const uint8_t *)text, (size_t)n } });
}

static void write_link(struct writer *w, uint16_t key, const struct epi_link *l)
{
	size_t option = writer_option(w, EPI_METADATA), text;

	writer_u16(w, key);
	writer_u16(w, 0);
	text = w->off;
	write_link_text(w, l);
	writer_put_u16(w, text - 2, (uint16_t)(w->off - text));
	writer_option_end(w, option);
}

/* In the prototype's order. */
size_t epi_chain_write(uint8_t *out, size_t room, const struct epi_chain *c)
{
	struct writer w = writer_open(out, room);

	if (!c->n || c->n > EPI_MOST_LINKS || c->index >= c->n)
		return 0;
	for (size_t i = 0; i < c->n; i++)
		write_link(&w, (uint16_t)(EPI_FIRST_LINK + i), &c->links[i]);
	write_number(&w, EPI_INDEX, c->index);
	write_number(&w, EPI_LENGTH, c->n);
	return writer_end(&w);
}

const struct epi_link *epi_chain_next(struct epi_chain *c)
{
	return c->index + 1 < c->n ? &c->links[++c->index] : NULL;
}

static void begin_chain(struct epi_chain *c)
{
	static const char root[] = "root";
	struct wire_address at = { .kind = WIRE_NAME,
				   .port = 1080,
				   .name = { (const uint8_t *)root, sizeof(root) - 1 } };

	c->n = 1;
	c->index = 0;
	c->links[0] = (struct epi_link){ .version = 6, .at = at };
}

bool epi_chain_detour(struct epi_chain *c, const struct epi_link *links, size_t n)
{
	struct epi_link *behind;

	if (!n)
		return true;
	if (n > EPI_MOST_LINKS - (c->n ? c->n : 1))
		return false;
	if (!c->n)
		begin_chain(c);
	behind = &c->links[c->index + 1];
	memmove(behind + n, behind, (c->n - c->index - 1) * sizeof(*behind));
	memcpy(behind, links, n * sizeof(*behind));
	c->n += n;
	return true;
}
