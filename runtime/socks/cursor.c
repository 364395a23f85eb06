#include <config.h>

#include "runtime/socks/cursor.h"

#include <string.h>

bool reader_bad(struct reader *r, enum wire_fault fault)
{
	r->fault = fault;
	return false;
}

static bool reader_need(struct reader *r, size_t n)
{
	if (r->n - r->off >= n)
		return true;
	r->off += n;
	r->more = true;
	return false;
}

bool reader_span(struct reader *r, size_t n, struct wire_span *out)
{
	if (!reader_need(r, n))
		return false;
	*out = (struct wire_span){ n ? r->at + r->off : NULL, n };
	r->off += n;
	return true;
}

bool reader_pass(struct reader *r, size_t n)
{
	struct wire_span skipped;

	return reader_span(r, n, &skipped);
}

bool reader_u8(struct reader *r, uint8_t *out)
{
	if (!reader_need(r, 1))
		return false;
	*out = r->at[r->off++];
	return true;
}

bool reader_u16(struct reader *r, uint16_t *out)
{
	if (!reader_need(r, 2))
		return false;
	*out = wire_u16(r->at + r->off);
	r->off += 2;
	return true;
}

bool reader_u64(struct reader *r, uint64_t *out)
{
	if (!reader_need(r, 8))
		return false;
	*out = (uint64_t)wire_u32(r->at + r->off) << 32 | wire_u32(r->at + r->off + 4);
	r->off += 8;
	return true;
}

bool reader_is(struct reader *r, uint8_t expected, enum wire_fault fault)
{
	uint8_t byte;

	if (!reader_u8(r, &byte))
		return false;
	return byte == expected || reader_bad(r, fault);
}

bool reader_kind(struct reader *r, uint8_t *kind)
{
	if (!reader_u8(r, kind))
		return false;
	return *kind == WIRE_IPV4 || *kind == WIRE_NAME || *kind == WIRE_IPV6 ||
	       reader_bad(r, WIRE_FAULT_ADDRESS_TYPE);
}

static size_t name_padding(size_t length)
{
	return (4 - (1 + length) % 4) % 4;
}

/* Draft section "Requests": padded by NUL characters, but not whether the length counts them.  Some
 * senders do count, some do not, so both kinds of padding are taken off.  What does not count and
 * is not NUL would be bytes of options or data: better no message than a wrong one. */
static bool reader_padding(struct reader *r, size_t length, struct wire_span *name)
{
	struct wire_span padding;

	if (!reader_span(r, name_padding(length), &padding))
		return false;
	for (size_t i = 0; i < padding.n; i++)
		if (padding.at[i])
			return reader_bad(r, WIRE_FAULT_PADDING);
	while (name->n && !name->at[name->n - 1])
		name->n--;
	return true;
}

static bool reader_name(struct reader *r, bool padded, struct wire_span *name)
{
	uint8_t length;

	if (!reader_u8(r, &length) || !reader_span(r, length, name))
		return false;
	if (padded && !reader_padding(r, length, name))
		return false;
	return wire_name_valid(*name) || reader_bad(r, WIRE_FAULT_NAME);
}

bool reader_host(struct reader *r, bool padded, struct wire_address *a)
{
	size_t n = a->kind == WIRE_IPV4 ? 4 : 16;
	struct wire_span ip;

	if (a->kind == WIRE_NAME)
		return reader_name(r, padded, &a->name);
	if (!reader_span(r, n, &ip))
		return false;
	memcpy(a->ip, ip.at, n);
	return true;
}

enum wire_state reader_end(struct reader *r, enum wire_fault *fault, size_t *used)
{
	*fault = r->fault;
	*used = r->off;
	if (r->fault) {
		*used = 0;
		return WIRE_BAD;
	}
	if (!r->more)
		return WIRE_DONE;
	if (*used < r->least)
		*used = r->least;
	return WIRE_MORE;
}

void writer_bytes(struct writer *w, const void *bytes, size_t n)
{
	if (w->refused || n > w->room - w->off) {
		w->refused = true;
		return;
	}
	if (n)
		memcpy(w->at + w->off, bytes, n);
	w->off += n;
}

void writer_span(struct writer *w, struct wire_span s)
{
	writer_bytes(w, s.at, s.n);
}

void writer_u8(struct writer *w, uint8_t value)
{
	writer_bytes(w, &value, 1);
}

void writer_u16(struct writer *w, uint16_t value)
{
	writer_bytes(w, (uint8_t[]){ (uint8_t)(value >> 8), (uint8_t)value }, 2);
}

void writer_u32(struct writer *w, uint32_t value)
{
	writer_u16(w, (uint16_t)(value >> 16));
	writer_u16(w, (uint16_t)value);
}

void writer_u64(struct writer *w, uint64_t value)
{
	writer_u32(w, (uint32_t)(value >> 32));
	writer_u32(w, (uint32_t)value);
}

static void writer_zeros(struct writer *w, size_t n)
{
	for (; n; n--)
		writer_u8(w, 0);
}

/* The length counts the padding: all known readers take that alike. */
static void writer_name(struct writer *w, bool padded, struct wire_span name)
{
	size_t padding = padded ? name_padding(name.n) : 0;

	writer_u8(w, (uint8_t)(name.n + padding));
	writer_span(w, name);
	writer_zeros(w, padding);
}

void writer_host(struct writer *w, bool padded, const struct wire_address *a)
{
	if (!wire_address_valid(a))
		w->refused = true;
	else if (a->kind == WIRE_NAME)
		writer_name(w, padded, a->name);
	else
		writer_bytes(w, a->ip, a->kind == WIRE_IPV4 ? 4 : 16);
}

size_t writer_option(struct writer *w, uint16_t kind)
{
	size_t option = w->off;

	writer_u16(w, kind);
	writer_u16(w, 0);
	return option;
}

void writer_option_end(struct writer *w, size_t option)
{
	writer_zeros(w, (4 - (w->off - option) % 4) % 4);
	if (w->off - option > UINT16_MAX)
		w->refused = true;
	writer_put_u16(w, option + 2, (uint16_t)(w->off - option));
}

void writer_put_u16(struct writer *w, size_t off, uint16_t value)
{
	if (w->refused)
		return;
	w->at[off] = (uint8_t)(value >> 8);
	w->at[off + 1] = (uint8_t)value;
}

size_t writer_end(const struct writer *w)
{
	return w->refused ? 0 : w->off;
}

uint16_t wire_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

uint32_t wire_u32(const uint8_t *p)
{
	return (uint32_t)wire_u16(p) << 16 | wire_u16(p + 2);
}
