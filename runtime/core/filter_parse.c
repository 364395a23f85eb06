/* Filter texts.
 *
 *	any        = all { "or" all }
 *	all        = one { "and" one }
 *	one        = "not" one | "(" any ")" | "true" | "false" | comparison
 *	comparison = FIELD "==" value | FIELD "in" ( member | "{" member { "," member } "}" )
 *	member     = value | value ".." value | PREFIX | WORD | STRING
 *
 * That is a little more than the canonical form: parentheses may stand anywhere, and operands in
 * any order. */
#include <config.h>

#include "runtime/core/filter.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum {
	MOST_TEXT = 1 << 20,
	MOST_DEPTH = 64,
	MOST_NODES = 1 << 16,
	NAME_ROOM = 256,
	VALUE_ROOM = 64
};

struct parser {
	const char *text, *at;
	const struct filter_names *names;
	struct filter_error *error;
	unsigned depth;
	size_t n_nodes;
};

enum value_kind { VALUE_NUMBER, VALUE_MAC, VALUE_ADDRESS, VALUE_DEVICE, VALUE_WORD, VALUE_NONE };

static const struct field_row {
	const char *name;
	enum filter_field field;
	enum value_kind kind;
	uint32_t most;
} rows[] = {
	{ "eth.src", FIELD_ETH_SRC, VALUE_MAC, 0 },
	{ "eth.dst", FIELD_ETH_DST, VALUE_MAC, 0 },
	{ "eth.type", FIELD_ETH_TYPE, VALUE_NUMBER, 65535 },
	{ "vlan.id", FIELD_VLAN_ID, VALUE_NUMBER, 4094 },
	{ "ip.src", FIELD_IP_SRC, VALUE_ADDRESS, 0 },
	{ "ip.dst", FIELD_IP_DST, VALUE_ADDRESS, 0 },
	{ "ip.proto", FIELD_IP_PROTO, VALUE_NUMBER, 255 },
	{ "ip.dscp", FIELD_IP_DSCP, VALUE_NUMBER, 63 },
	{ "ip.ttl", FIELD_IP_TTL, VALUE_NUMBER, 255 },
	{ "ip.frag", FIELD_IP_FRAG, VALUE_NUMBER, 1 },
	{ "l4.sport", FIELD_L4_SPORT, VALUE_NUMBER, 65535 },
	{ "l4.dport", FIELD_L4_DPORT, VALUE_NUMBER, 65535 },
	{ "tcp.flags", FIELD_TCP_FLAGS, VALUE_NUMBER, 255 },
	{ "icmp.type", FIELD_ICMP_TYPE, VALUE_NUMBER, 255 },
	{ "icmp.code", FIELD_ICMP_CODE, VALUE_NUMBER, 255 },
	{ "port.in", FIELD_PORT_IN, VALUE_DEVICE, 0 },
	{ "http.host", FIELD_TAG, VALUE_NONE, 0 },
	{ "tls.sni", FIELD_TAG, VALUE_NONE, 0 },
};

static struct filter *parse_any(struct parser *);

/* ---- characters ---- */

/* Characters, not bytes, of UTF-8. */
static size_t count_characters(const char *from, const char *to)
{
	size_t n = 0;

	for (; from < to; from++)
		n += (*from & 0xc0) != 0x80;
	return n;
}

static bool refuse(struct parser *p, const char *at, const char *what, const char *which)
{
	return filter_fail(p->error, "character %zu: %s%s%.100s%s",
			   count_characters(p->text, at) + 1, what, *which ? " '" : "", which,
			   *which ? "'" : "");
}

static struct filter *refuse_filter(struct parser *p, struct filter *f, const char *what)
{
	if (what)
		refuse(p, p->at, what, "");
	filter_free(f);
	return NULL;
}

static void skip_blanks(struct parser *p)
{
	while (*p->at == ' ')
		p->at++;
}

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

static bool take_sign(struct parser *p, const char *sign)
{
	skip_blanks(p);
	if (strncmp(p->at, sign, strlen(sign)))
		return false;
	p->at += strlen(sign);
	return true;
}

static bool take_word(struct parser *p, const char *word)
{
	size_t n = strlen(word);

	skip_blanks(p);
	if (strncmp(p->at, word, n) || is_name_char(p->at[n]) || p->at[n] == '.')
		return false;
	p->at += n;
	return true;
}

/* Characters of a name, with dots in it if DOTTED, and never two of them. */
static bool read_name(struct parser *p, bool dotted, char name[NAME_ROOM])
{
	const char *from;
	size_t n;

	skip_blanks(p);
	from = p->at;
	if (!isalpha((unsigned char)*from) && *from != '_')
		return refuse(p, from, dotted ? "a field is expected" : "a word is expected", "");
	while (is_name_char(*p->at) || (dotted && *p->at == '.' && is_name_char(p->at[1])))
		p->at++;
	n = (size_t)(p->at - from);
	if (n >= NAME_ROOM)
		return refuse(p, from, "the name is too long", "");
	memcpy(name, from, n);
	name[n] = '\0';
	return true;
}

/* A number, an address or a MAC: up to what cannot be part of it, or `..`. */
static bool read_value(struct parser *p, char value[VALUE_ROOM])
{
	const char *from;
	size_t n;

	skip_blanks(p);
	from = p->at;
	while (isxdigit((unsigned char)*p->at) || *p->at == ':' || *p->at == '/' ||
	       (*p->at == '.' && p->at[1] != '.'))
		p->at++;
	n = (size_t)(p->at - from);
	if (!n || n >= VALUE_ROOM)
		return refuse(p, from, n ? "the value is too long" : "a value is expected", "");
	memcpy(value, from, n);
	value[n] = '\0';
	return true;
}

static bool read_escape(struct parser *p, char *c)
{
	static const char letters[] = "\"\\nt", meant[] = "\"\\\n\t";
	const char *letter = *p->at ? strchr(letters, *p->at) : NULL;

	if (!letter)
		return refuse(p, p->at, "no such escape", "");
	*c = meant[letter - letters];
	p->at++;
	return true;
}

static bool read_string(struct parser *p, char text[NAME_ROOM])
{
	const char *from = p->at;
	size_t n = 0;

	for (p->at++; *p->at != '"'; n++) {
		if (!*p->at)
			return refuse(p, from, "the string does not end", "");
		if (n == NAME_ROOM - 1)
			return refuse(p, from, "the string is too long", "");
		text[n] = *p->at++;
		if (text[n] == '\\' && !read_escape(p, &text[n]))
			return false;
	}
	p->at++;
	text[n] = '\0';
	return true;
}

/* ---- values ---- */

static bool number_of(const char *text, uint32_t most, uint32_t *value)
{
	*value = 0;
	if (!*text || strlen(text) > 5)
		return false;
	for (; *text; text++) {
		if (!isdigit((unsigned char)*text))
			return false;
		*value = *value * 10 + (uint32_t)(*text - '0');
	}
	return *value <= most;
}

static bool mac_of(const char *text, uint32_t words[4])
{
	uint64_t value = 0;

	for (int i = 0; i < 6; i++, text += 3) {
		char pair[3] = { text[0], text[0] ? text[1] : '\0', '\0' };

		if (!isxdigit((unsigned char)pair[0]) || !isxdigit((unsigned char)pair[1]) ||
		    text[2] != (i < 5 ? ':' : '\0'))
			return false;
		value = value << 8 | strtoul(pair, NULL, 16);
	}
	words[2] = (uint32_t)(value >> 32);
	words[3] = (uint32_t)value;
	return true;
}

/* Returns the family, 0: it is no address. */
static uint8_t address_of(const char *text, uint32_t words[4])
{
	uint32_t raw[4];

	memset(words, 0, 4 * sizeof(*words));
	if (inet_pton(AF_INET, text, raw) == 1) {
		words[3] = ntohl(raw[0]);
		return 4;
	}
	if (inet_pton(AF_INET6, text, raw) != 1)
		return 0;
	for (int i = 0; i < 4; i++)
		words[i] = ntohl(raw[i]);
	return 6;
}

static uint32_t word_mask(unsigned length, unsigned word)
{
	unsigned bits = length <= 32 * word ? 0 : length - 32 * word;

	return bits >= 32 ? UINT32_MAX : ~(UINT32_MAX >> bits);
}

/* The last address of the prefix; false: bits behind the length are set. */
static bool widen(struct filter_range *r)
{
	unsigned length = r->length + (r->family == 4 ? 96u : 0u);
	bool clean = true;

	for (unsigned i = 0; i < 4; i++) {
		uint32_t mask = word_mask(length, i);

		clean = clean && !(r->lo[i] & ~mask);
		r->hi[i] = r->lo[i] | ~mask;
	}
	return clean;
}

/* One address is the prefix of its whole length. */
bool filter_read_prefix(const char *text, struct filter_range *r)
{
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	uint32_t most, length;
	char address[VALUE_ROOM];

	if (n >= sizeof(address))
		return false;
	memcpy(address, text, n);
	address[n] = '\0';
	r->family = address_of(address, r->lo);
	length = most = r->family == 4 ? 32 : 128;
	if (!r->family || (slash && !number_of(slash + 1, most, &length)))
		return false;
	r->length = (uint8_t)length;
	return widen(r);
}

/* One end of a range. */
static bool parse_end(struct parser *p, const struct field_row *row, uint32_t words[4],
		      uint8_t *family)
{
	char value[VALUE_ROOM];
	bool ok;

	skip_blanks(p);
	*family = 0;
	memset(words, 0, 4 * sizeof(*words));
	if (!read_value(p, value))
		return false;
	if (row->kind == VALUE_ADDRESS)
		ok = (*family = address_of(value, words));
	else if (row->kind == VALUE_MAC)
		ok = mac_of(value, words);
	else
		ok = number_of(value, row->most, &words[3]);
	return ok || refuse(p, p->at - strlen(value), "no value of the field:", value);
}

static bool is_prefix_next(const struct parser *p)
{
	const char *at = p->at + strspn(p->at, " ");

	return at[strspn(at, "0123456789abcdefABCDEF.:")] == '/';
}

static bool parse_prefix(struct parser *p, struct filter_range *r)
{
	char value[VALUE_ROOM];
	const char *from;

	if (!read_value(p, value))
		return false;
	from = p->at - strlen(value);
	return filter_read_prefix(value, r) || refuse(p, from, "this is no prefix", "");
}

static bool in_order(const struct filter_range *r)
{
	for (unsigned i = 0; i < 4; i++)
		if (r->lo[i] != r->hi[i])
			return r->lo[i] < r->hi[i];
	return true;
}

static bool parse_range(struct parser *p, const struct field_row *row, struct filter_range *r)
{
	const char *from;
	uint8_t family;

	skip_blanks(p);
	from = p->at;
	r->length = 255;
	if (!parse_end(p, row, r->lo, &r->family))
		return false;
	memcpy(r->hi, r->lo, sizeof(r->hi));
	if (!take_sign(p, "..")) {
		r->length = r->family == 4 ? 32 : r->family == 6 ? 128 : 255;
		return true;
	}
	if (!parse_end(p, row, r->hi, &family))
		return false;
	return (family == r->family && in_order(r)) ||
	       refuse(p, from, "the range is of two families, or its end is before its start", "");
}

static bool is_device(struct parser *p, const char *name, uint16_t *index)
{
	return p->names && p->names->device && p->names->device(p->names->arg, name, index);
}

static bool is_value(struct parser *p, uint8_t tag, const char *word, uint16_t *index)
{
	return p->names && p->names->value && p->names->value(p->names->arg, tag, word, index) &&
	       *index != FILTER_NO_VALUE;
}

/* A word or a string, which names a device or a value of a derived attribute.  *KNOWN: it can
 * occur; a device that no module has cannot. */
static bool parse_named(struct parser *p, const struct field_row *row, uint8_t tag,
			struct filter_range *r, bool *known)
{
	char word[NAME_ROOM];
	const char *from;
	uint16_t index;

	skip_blanks(p);
	from = p->at;
	if (*from == '"' ? !read_string(p, word) : !read_name(p, false, word))
		return false;
	*known =
	    row->kind == VALUE_DEVICE ? is_device(p, word, &index) : is_value(p, tag, word, &index);
	if (!*known)
		return row->kind == VALUE_DEVICE ||
		       refuse(p, from, "the attribute has no value", word);
	r->lo[3] = r->hi[3] = index;
	r->length = 255;
	return true;
}

/* ---- comparisons ---- */

static bool add_range(struct parser *p, struct filter *f, size_t *room,
		      const struct filter_range *r)
{
	struct filter_range *ranges = f->ranges;

	if (f->n_ranges == *room) {
		*room = *room ? 2 * *room : 1;
		ranges = realloc(ranges, *room * sizeof(*ranges));
		if (!ranges)
			return filter_fail(p->error, "out of memory");
		f->ranges = ranges;
	}
	f->ranges[f->n_ranges++] = *r;
	return true;
}

static bool parse_member(struct parser *p, const struct field_row *row, struct filter *f,
			 size_t *room)
{
	struct filter_range r = { 0 };
	bool known = true;

	if (row->kind == VALUE_DEVICE || row->kind == VALUE_WORD) {
		if (!parse_named(p, row, f->tag, &r, &known))
			return false;
	} else if (row->kind == VALUE_ADDRESS && is_prefix_next(p)) {
		if (!parse_prefix(p, &r))
			return false;
	} else if (!parse_range(p, row, &r)) {
		return false;
	}
	return !known || add_range(p, f, room, &r);
}

static bool parse_members(struct parser *p, const struct field_row *row, struct filter *f)
{
	size_t room = 0;

	if (!take_sign(p, "{"))
		return parse_member(p, row, f, &room);
	do {
		if (!parse_member(p, row, f, &room))
			return false;
	} while (take_sign(p, ","));
	return take_sign(p, "}") || refuse(p, p->at, "'}' is expected", "");
}

static const struct field_row *row_named(const char *name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	return NULL;
}

/* The field that a comparison begins with; NULL: the plan has none of that name. */
static const struct field_row *parse_field(struct parser *p, uint8_t *tag)
{
	static const struct field_row derived = { "", FIELD_TAG, VALUE_WORD, 0 };
	const struct field_row *row;
	char name[NAME_ROOM];
	const char *from;

	skip_blanks(p);
	from = p->at;
	if (!read_name(p, true, name))
		return NULL;
	row = row_named(name);
	if (!row && p->names && p->names->tag && p->names->tag(p->names->arg, name, tag) &&
	    *tag < FILTER_TAGS)
		return &derived;
	if (row && row->kind != VALUE_NONE)
		return row;
	refuse(p, from, row ? "this needs a function that derives it:" : "packets have no field",
	       name);
	return NULL;
}

static struct filter *parse_comparison(struct parser *p)
{
	uint8_t tag = 0;
	const struct field_row *row = parse_field(p, &tag);
	struct filter *f = row ? filter_new(FILTER_IN) : NULL;
	size_t room = 0;

	if (!f)
		return row ? refuse_filter(p, NULL, "out of memory") : NULL;
	f->field = row->field;
	f->tag = tag;
	if (take_sign(p, "=="))
		return parse_member(p, row, f, &room) ? f : refuse_filter(p, f, NULL);
	if (take_word(p, "in"))
		return parse_members(p, row, f) ? f : refuse_filter(p, f, NULL);
	return refuse_filter(p, f, "'==' or 'in' is expected");
}

/* ---- connectives ---- */

static bool add_part(struct parser *p, struct filter *f, size_t *room, struct filter *part)
{
	const struct filter **parts = f->parts;

	if (part && f->n_parts == *room) {
		*room = *room ? 2 * *room : 4;
		parts = realloc(parts, *room * sizeof(*parts));
		if (!parts) {
			filter_free(part);
			return filter_fail(p->error, "out of memory");
		}
		f->parts = parts;
	}
	if (part)
		f->parts[f->n_parts++] = part;
	return part;
}

static struct filter *parse_not(struct parser *p);

static struct filter *parse_one(struct parser *p)
{
	struct filter *f;

	skip_blanks(p);
	if (p->depth >= MOST_DEPTH)
		return refuse_filter(p, NULL, "the filter is nested too deeply");
	if (p->n_nodes++ >= MOST_NODES)
		return refuse_filter(p, NULL, "the filter has too many parts");
	if (take_word(p, "true"))
		return filter_new(FILTER_TRUE);
	if (take_word(p, "false"))
		return filter_new(FILTER_FALSE);
	if (take_word(p, "not"))
		return parse_not(p);
	if (!take_sign(p, "("))
		return parse_comparison(p);
	p->depth++;
	f = parse_any(p);
	p->depth--;
	if (f && !take_sign(p, ")"))
		return refuse_filter(p, f, "')' is expected");
	return f;
}

static struct filter *parse_not(struct parser *p)
{
	struct filter *f = filter_new(FILTER_NOT), *part;
	size_t room = 0;

	p->depth++;
	part = f ? parse_one(p) : NULL;
	p->depth--;
	return f && add_part(p, f, &room, part) ? f : refuse_filter(p, f, NULL);
}

/* Operands that WORD joins; only one of them: itself. */
static struct filter *parse_joined(struct parser *p, enum filter_kind kind, const char *word,
				   struct filter *(*operand)(struct parser *))
{
	struct filter *first = operand(p), *f;
	size_t room = 0;

	if (!first || !take_word(p, word))
		return first;
	f = filter_new(kind);
	if (!f || !add_part(p, f, &room, first)) {
		if (!f)
			filter_free(first);
		return refuse_filter(p, f, "out of memory");
	}
	do {
		if (!add_part(p, f, &room, operand(p)))
			return refuse_filter(p, f, NULL);
	} while (take_word(p, word));
	return f;
}

static struct filter *parse_all(struct parser *p)
{
	return parse_joined(p, FILTER_AND, "and", parse_one);
}

static struct filter *parse_any(struct parser *p)
{
	return parse_joined(p, FILTER_OR, "or", parse_all);
}

const struct filter *filter_parse(const char *text, const struct filter_names *names,
				  struct filter_error *error)
{
	struct parser p = { .text = text, .at = text, .names = names, .error = error };
	struct filter *f;

	filter_fail(error, "out of memory");
	if (strnlen(text, MOST_TEXT + 1) > MOST_TEXT) {
		filter_fail(error, "the filter is longer than %d characters", MOST_TEXT);
		return NULL;
	}
	f = parse_any(&p);
	skip_blanks(&p);
	return f && *p.at ? refuse_filter(&p, f, "'and', 'or' or the end is expected") : f;
}
