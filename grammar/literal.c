#include <config.h>

#include "grammar/parser.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "compiler/base/text.h"

static struct ast_expr *node(struct parser *p, enum ast_expr_kind kind, struct span span)
{
	struct ast_expr *e = arena_one(p->ctx->arena, struct ast_expr);

	e->kind = kind;
	e->span = span;
	return e;
}

static struct ast_expr *too_large(struct parser *p, struct span span, const char *s, size_t length)
{
	syntax_error(p, E0104, span, "%.*s is too large", (int)length, s);
	return node(p, AST_ERROR, span);
}

static struct ast_expr *impossible(struct parser *p, struct span span, const char *s, size_t length,
				   const char *what, const char *help)
{
	struct diag *d = syntax_error(p, E0106, span, "%.*s is not %s", (int)length, s, what);

	if (help)
		diag_help(&p->ctx->diags, d, "%s", help);
	return node(p, AST_ERROR, span);
}

static bool parse_uint64(const char *s, size_t length, uint64_t *value)
{
	unsigned base = 10;

	if (length > 2 && s[0] == '0' && s[1] == 'x') {
		base = 16;
		s += 2;
		length -= 2;
	}
	*value = 0;
	for (size_t i = 0; i < length; i++) {
		unsigned digit = isdigit((unsigned char)s[i]) ? (unsigned)(s[i] - '0') :
								(unsigned)(tolower(s[i]) - 'a' + 10);

		if (s[i] == '_')
			continue;
		if (__builtin_mul_overflow(*value, base, value) ||
		    __builtin_add_overflow(*value, digit, value))
			return false;
	}
	return true;
}

struct ast_expr *literal_int(struct parser *p, struct span span, const char *s, size_t length)
{
	struct ast_expr *e = node(p, AST_INT, span);
	uint64_t value;

	if (!parse_uint64(s, length, &value))
		return too_large(p, span, s, length);
	e->number.value = rat_uint(value);
	return e;
}

static bool parse_decimal(const char *s, size_t length, struct rat *value)
{
	static const uint64_t most = UINT64_MAX;

	return rat_parse(s, length, value) && rat_cmp(*value, rat_uint(most)) <= 0;
}

struct ast_expr *literal_float(struct parser *p, struct span span, const char *s, size_t length)
{
	struct ast_expr *e = node(p, AST_FLOAT, span);

	if (!parse_decimal(s, length, &e->number.value))
		return too_large(p, span, s, length);
	return e;
}

/* Units that differ in case only, or that people commonly write. */
static const char *meant_units(const char *text, size_t length)
{
	static const struct {
		const char *wrong, *meant;
	} common[] = {
		{ "m", "'ms' or 'min'" },     { "M", "'MB' or 'Mbps'" },
		{ "Mb", "'MB' or 'Mbps'" },   { "MBps", "'MB/s' or 'Mbps'" },
		{ "k", "'kB' or 'kpps'" },    { "K", "'KiB' or 'kB'" },
		{ "G", "'GB', 'Gbps' or 'GHz'" }, { "Gb", "'GB' or 'Gbps'" },
		{ "kb", "'kB' or 'kbps'" },   { "GBps", "'GB/s' or 'Gbps'" },
		{ "kBps", "'kB/s' or 'kbps'" }, { "sec", "'s'" },
		{ "b", "'B' or 'bps'" },      { "bit", "'bps'" },
		{ "bytes", "'B'" },	      { "byte", "'B'" },
		{ "cycle", "'cycles'" },      { "c", "'cycles'" },
	};

	for (size_t i = 0; i < sizeof(common) / sizeof(*common); i++)
		if (strlen(common[i].wrong) == length && !memcmp(common[i].wrong, text, length))
			return common[i].meant;
	return NULL;
}

static struct ast_expr *unknown_unit(struct parser *p, struct span span, const char *s, size_t length,
				     size_t digits)
{
	char *text = arena_strndup(p->ctx->arena, s + digits, length - digits);
	const char *meant = meant_units(text, strlen(text));
	struct nearest near = nearest_to(text);
	struct span unit = { span.source, span.start + (uint32_t)digits, span.end };
	struct diag *d = syntax_error(p, E0103, span, "there is no unit '%s'", text);

	for (size_t i = 0; unit_at(i); i++) {
		if (!strcasecmp(unit_at(i)->text, text)) {
			near.name = unit_at(i)->text;
			break;
		}
		nearest_try(&near, unit_at(i)->text);
	}
	if (meant) {
		diag_help(&p->ctx->diags, d, "did you mean %s?", meant);
	} else if (near.name) {
		diag_help(&p->ctx->diags, d, "did you mean '%s'?", near.name);
		diag_fix(&p->ctx->diags, d, MAYBE_INCORRECT, unit, near.name, "write %.*s%s",
			 (int)digits, s, near.name);
	}
	return node(p, AST_ERROR, span);
}

struct ast_expr *literal_quantity(struct parser *p, struct span span, const char *s, size_t length)
{
	struct ast_expr *e = node(p, AST_QUANTITY, span);
	size_t digits = strspn(s, "0123456789_.");

	/* An underscore belongs to the unit unless a digit follows. */
	while (digits && s[digits - 1] == '_')
		digits--;
	e->number.unit = unit_find(s + digits, length - digits);
	if (!e->number.unit)
		return unknown_unit(p, span, s, length, digits);
	if (!parse_decimal(s, digits, &e->number.value) ||
	    rat_cmp(rat_mul(e->number.value, e->number.unit->scale), rat_uint(UINT64_MAX)) > 0)
		return too_large(p, span, s, length);
	return e;
}

static void report_host_bits(struct parser *p, struct span span, const char *s, size_t length,
			     struct prefix prefix)
{
	char buf[ADDR_TEXT_SIZE];
	struct diag *d = syntax_error(p, E0105, span, "%.*s has bits set behind its length", (int)length, s);
	const char *cleared;

	prefix.bits = prefix_first(prefix);
	cleared = arena_strdup(p->ctx->arena, prefix_text(prefix, buf));
	diag_fix(&p->ctx->diags, d, MACHINE_APPLICABLE, span, cleared, "write %s", cleared);
}

struct ast_expr *literal_addr(struct parser *p, struct span span, const char *s, size_t length)
{
	struct ast_expr *e = node(p, AST_ADDR, span);

	if (memchr(s, '%', length))
		return impossible(p, span, s, length, "an address of a policy: it has a zone", "leave out '%' and what follows");
	if (memchr(s, ':', length) && memchr(s, '.', length))
		return impossible(p, span, s, length, "an address: an IPv6 address is written without an IPv4 part",
				  "write the IPv4 address by itself, or eight groups of hexadecimal digits");
	if (!prefix_parse(s, length, &e->addr))
		return impossible(p, span, s, length, memchr(s, '/', length) ? "a prefix" : "an address",
				  memchr(s, ':', length) ?
					  "IPv6 has eight groups of hexadecimal digits, '::' once for zeros, and lengths from 0 to 128" :
					  "IPv4 has four numbers from 0 to 255, and lengths from 0 to 32");
	if (e->addr.is_prefix && prefix_first(e->addr) != e->addr.bits) {
		report_host_bits(p, span, s, length, e->addr);
		e->kind = AST_ERROR;
	}
	return e;
}

struct ast_expr *literal_mac(struct parser *p, struct span span, const char *s, size_t length)
{
	struct ast_expr *e = node(p, AST_MAC, span);

	for (size_t i = 0; i < length; i += 3)
		e->mac = e->mac << 8 | strtoul((char[]){ s[i], s[i + 1], 0 }, NULL, 16);
	return e;
}

struct ast_expr *literal_service(struct parser *p, struct span span, const char *s, size_t length)
{
	static const struct {
		const char *word;
		uint8_t number;
	} protocols[] = { { "tcp", 6 }, { "udp", 17 }, { "sctp", 132 } };
	struct ast_expr *e = node(p, AST_SERVICE, span);
	const char *slash = memchr(s, '/', length);
	size_t word = length - (size_t)(slash + 1 - s);
	uint64_t port;

	for (size_t i = 0; i < 3; i++)
		if (strlen(protocols[i].word) == word && !memcmp(slash + 1, protocols[i].word, word))
			e->service.protocol = protocols[i].number;
	if (!e->service.protocol)
		return impossible(p, span, s, length, "a service: the protocols are tcp, udp and sctp", NULL);
	if (!parse_uint64(s, (size_t)(slash - s), &port) || port > 65535)
		return impossible(p, span, s, length, "a service: ports end at 65535", NULL);
	e->service.port = (uint16_t)port;
	return e;
}

struct ast_expr *literal_turned_service(struct parser *p, struct span span, const char *s, size_t length)
{
	size_t word = strcspn(s, "/");
	const char *meant = arena_printf(p->ctx->arena, "%.*s/%.*s", (int)(length - word - 1), s + word + 1, (int)word, s);
	struct diag *d = syntax_error(p, E0106, span, "%.*s is not a service: the port stands before the protocol",
				      (int)length, s);

	diag_fix(&p->ctx->diags, d, MACHINE_APPLICABLE, span, meant, "write %s", meant);
	return node(p, AST_ERROR, span);
}

static bool date_exists(int year, int month, int day)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return year >= 1 && month >= 1 && month <= 12 && day >= 1 &&
	       day <= days[month - 1] + (month == 2 && leap);
}

struct ast_expr *literal_date(struct parser *p, struct span span, const char *s, size_t length)
{
	struct ast_expr *e = node(p, AST_DATE, span);
	int year = atoi(s), month = atoi(s + 5), day = atoi(s + 8);

	if (!date_exists(year, month, day))
		return impossible(p, span, s, length, "a day of the calendar", NULL);
	e->date = (uint32_t)(year * 10000 + month * 100 + day);
	return e;
}

static char *put_utf8(char *p, unsigned long code)
{
	if (code < 0x80) {
		*p++ = (char)code;
		return p;
	}
	if (code < 0x800) {
		*p++ = (char)(0xc0 | code >> 6);
	} else {
		if (code < 0x10000) {
			*p++ = (char)(0xe0 | code >> 12);
		} else {
			*p++ = (char)(0xf0 | code >> 18);
			*p++ = (char)(0x80 | (code >> 12 & 0x3f));
		}
		*p++ = (char)(0x80 | (code >> 6 & 0x3f));
	}
	*p++ = (char)(0x80 | (code & 0x3f));
	return p;
}

/* Reads "u{1F600}" at *S; false if it is no character. */
static bool unicode_escape(const char **s, const char *end, char **out)
{
	const char *close = memchr(*s, '}', (size_t)(end - *s));
	unsigned long code;
	char *stop;

	if ((*s)[1] != '{' || !close || close - *s < 3 || close - *s > 8)
		return false;
	code = strtoul(*s + 2, &stop, 16);
	if (stop != close || !isxdigit((unsigned char)(*s)[2]) || code == 0 || code > 0x10ffff ||
	    (code >= 0xd800 && code <= 0xdfff))
		return false;
	*out = put_utf8(*out, code);
	*s = close + 1;
	return true;
}

static bool escape(const char **s, const char *end, char **out)
{
	static const char letters[] = "\"\\nt", meant[] = "\"\\\n\t";
	const char *found = strchr(letters, **s);

	if (**s == 'u')
		return unicode_escape(s, end, out);
	if (!found || !*found)
		return false;
	*(*out)++ = meant[found - letters];
	++*s;
	return true;
}

struct ast_expr *literal_string(struct parser *p, struct span span, const char *text, size_t length)
{
	struct ast_expr *e = node(p, AST_STRING, span);
	char *copy = arena_alloc(p->ctx->arena, length), *out = copy;
	const char *s = text + 1, *end = text + length - 1;

	e->text = copy;
	while (s < end) {
		uint32_t at = span.start + (uint32_t)(s - text);

		if (*s != '\\') {
			*out++ = *s++;
			continue;
		}
		s++;
		if (escape(&s, end, &out))
			continue;
		syntax_error(p, E0107, (struct span){ span.source, at, at + 2 },
			     "there is no escape '\\%c'; a string knows \\\" \\\\ \\n \\t and \\u{1F600}", *s);
		e->kind = AST_ERROR;
		s++;
	}
	return e;
}
