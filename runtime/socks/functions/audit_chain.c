#include <config.h>

#include "runtime/socks/functions/audit_chain.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "runtime/core/json_read.h"

/* ---- hashes ---- */

static void put_hex(const uint8_t *bytes, char out[AUDIT_HEX + 1])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < AUDIT_HEX / 2; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[AUDIT_HEX] = '\0';
}

void audit_sha256(const void *bytes, size_t n, char out[AUDIT_HEX + 1])
{
	uint8_t hash[SHA256_DIGEST_LENGTH];

	SHA256(bytes, n, hash);
	put_hex(hash, out);
}

static bool authenticate(const struct audit_key *key, const char *bytes, size_t n,
			 char out[AUDIT_HEX + 1])
{
	uint8_t mac[EVP_MAX_MD_SIZE];

	if (!HMAC(EVP_sha256(), key->bytes, (int)key->n, (const uint8_t *)bytes, n, mac, NULL))
		return false;
	put_hex(mac, out);
	return true;
}

/* ---- writing ---- */

void audit_chain_begin(struct audit_chain *c, const struct audit_key *key)
{
	*c = (struct audit_chain){ .key = key && key->n ? key : NULL };
	memset(c->hash, '0', AUDIT_HEX);
}

bool audit_chain_add(struct audit_chain *c, struct text *out, const char *time, const char *event,
		     const char *members)
{
	size_t begin = out->n;
	char hash[AUDIT_HEX + 1];
	bool ok = !out->failed;

	text_printf(out,
		    "{\"seq\":%" PRIu64 ",\"previous\":\"%s\",\"time\":\"%s\",\"event\":\"%s\"%s",
		    c->sequence + 1, c->hash, time, event, members);
	if (c->key && !out->failed) {
		ok = authenticate(c->key, out->at + begin, out->n - begin, hash);
		text_printf(out, ",\"mac\":\"%s\"", hash);
	}
	if (!out->failed)
		audit_sha256(out->at + begin, out->n - begin, hash);
	text_printf(out, ",\"hash\":\"%s\"}\n", hash);
	if (out->failed || !ok || out->n - begin > AUDIT_MOST_LINE) {
		out->failed = false;
		out->n = begin;
		return false;
	}
	c->sequence++;
	memcpy(c->hash, hash, sizeof(hash));
	return true;
}

/* ---- the form of a line ---- */

struct words {
	const char *at;
	size_t n;
};

static bool skip(struct words *w, const char *text)
{
	size_t n = strlen(text);

	if (w->n < n || memcmp(w->at, text, n))
		return false;
	w->at += n;
	w->n -= n;
	return true;
}

static bool number(struct words *w, uint64_t *value)
{
	const char *begin = w->at;

	for (*value = 0; w->n && *w->at >= '0' && *w->at <= '9'; w->at++, w->n--) {
		if (*value > (UINT64_MAX - 9) / 10)
			return false;
		*value = *value * 10 + (uint64_t)(*w->at - '0');
	}
	return w->at > begin && *begin != '0';
}

static bool hex(struct words *w, char out[AUDIT_HEX + 1])
{
	if (w->n < AUDIT_HEX)
		return false;
	memcpy(out, w->at, AUDIT_HEX);
	out[AUDIT_HEX] = '\0';
	w->at += AUDIT_HEX;
	w->n -= AUDIT_HEX;
	return strspn(out, "0123456789abcdef") == AUDIT_HEX;
}

/* Up to the quotation mark; at most ROOM - 1 characters. */
static bool word(struct words *w, char *out, size_t room)
{
	const char *end = w->n ? memchr(w->at, '"', w->n) : NULL;
	size_t n = end ? (size_t)(end - w->at) : room;

	if (n >= room)
		return false;
	memcpy(out, w->at, n);
	out[n] = '\0';
	w->at += n;
	w->n -= n;
	return true;
}

static bool read_head(struct words *w, struct audit_line *out)
{
	char time[64];

	return skip(w, "{\"seq\":") && number(w, &out->sequence) && skip(w, ",\"previous\":\"") &&
	       hex(w, out->previous) && skip(w, "\",\"time\":\"") && word(w, time, sizeof(time)) &&
	       skip(w, "\",\"event\":\"") && word(w, out->event, sizeof(out->event)) &&
	       skip(w, "\"");
}

/* The last member of *N bytes: NAME with a hash, in front of END; *N becomes what is before it. */
static bool read_tail(const char *line, size_t *n, const char *name, const char *end,
		      char out[AUDIT_HEX + 1])
{
	size_t length = strlen(name) + AUDIT_HEX + strlen(end);
	struct words w;

	if (*n < length)
		return false;
	w = (struct words){ line + (*n - length), length };
	if (!skip(&w, name) || !hex(&w, out) || !skip(&w, end))
		return false;
	*n -= length;
	return true;
}

bool audit_line_read(const char *line, size_t n, struct audit_line *out)
{
	struct words w;

	*out = (struct audit_line){ 0 };
	if (n >= AUDIT_MOST_LINE || memchr(line, '\0', n) ||
	    !read_tail(line, &n, ",\"hash\":\"", "\"}", out->hash))
		return false;
	out->n_hashed = n;
	if (!read_tail(line, &n, ",\"mac\":\"", "\"", out->mac))
		out->mac[0] = '\0';
	out->n_authentic = n;
	w = (struct words){ line, n };
	return read_head(&w, out);
}

/* ---- members of the few lines that are about the log itself ---- */

bool audit_line_after(const char *line, size_t n, char name[AUDIT_NAME])
{
	struct tree_error error;
	struct tree *t = tree_read(line, n, &error);
	const char *after = "";

	if (!t)
		return false;
	if (!tree_text(tree_root(t), "after", &after, &error) || strlen(after) >= AUDIT_NAME ||
	    strchr(after, '/'))
		after = "";
	snprintf(name, AUDIT_NAME, "%s", after);
	tree_free(t);
	return *name;
}

static bool explains_cut(const struct audit_reader *r, const char *line, size_t n)
{
	struct tree_error error;
	struct tree *t = tree_read(line, n, &error);
	const char *hash = "";
	int64_t bytes = 0;
	bool ok = t && tree_integer(tree_root(t), "cut_bytes", 1, INT64_MAX, &bytes, &error) &&
		  tree_text(tree_root(t), "cut_sha256", &hash, &error) &&
		  (uint64_t)bytes == r->n_cut && !strcmp(hash, r->cut_hash);

	tree_free(t);
	return ok;
}

/* ---- reading ---- */

void audit_reader_begin(struct audit_reader *r, const struct audit_key *key, const char *file,
			struct text *report)
{
	*r = (struct audit_reader){ .file = file, .report = report };
	audit_chain_begin(&r->chain, key);
}

void audit_reader_fault(struct audit_reader *r, const char *format, ...)
{
	char what[512];
	va_list args;

	r->n_faults++;
	if (!r->report || r->n_faults > AUDIT_MOST_FAULTS)
		return;
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	text_printf(r->report, "%s: line %" PRIu64 " %s\n", r->file, r->line, what);
}

static void check_hashes(struct audit_reader *r, const char *line, const struct audit_line *l)
{
	char hash[AUDIT_HEX + 1];

	audit_sha256(line, l->n_hashed, hash);
	if (strcmp(hash, l->hash)) {
		audit_reader_fault(r, "was changed: its hash is %.16s.., not %.16s..", hash,
				   l->hash);
		return;
	}
	if (!r->chain.key) {
		r->n_unchecked += l->mac[0] != '\0';
		return;
	}
	if (!l->mac[0])
		audit_reader_fault(r, "has no authentication code");
	else if (!authenticate(r->chain.key, line, l->n_authentic, hash) ||
		 CRYPTO_memcmp(hash, l->mac, AUDIT_HEX))
		audit_reader_fault(r, "was not written with this key");
}

static void check_place(struct audit_reader *r, const struct audit_line *l)
{
	uint64_t expected = r->chain.sequence + 1;

	if (r->lost || (r->any_start && !r->chain.sequence && l->sequence > 1))
		return;
	if (l->sequence > expected)
		audit_reader_fault(r, "has number %" PRIu64 ": %" PRIu64 " before it %s missing",
				   l->sequence, l->sequence - expected,
				   l->sequence - expected > 1 ? "are" : "is");
	else if (l->sequence < expected)
		audit_reader_fault(r,
				   "has number %" PRIu64 " and stands behind %" PRIu64
				   ": it was moved or added",
				   l->sequence, r->chain.sequence);
	else if (strcmp(l->previous, r->chain.hash))
		audit_reader_fault(r, "does not follow the one before it, which was replaced");
}

static void check_seek(struct audit_reader *r, const struct audit_line *l)
{
	if (r->seek && l->sequence == r->seek && strcmp(l->hash, r->seek_hash))
		audit_reader_fault(r, "is not the one that the head file names");
}

static void take_cut(struct audit_reader *r, const char *line, size_t n)
{
	if (r->cut)
		audit_reader_fault(r, "is no line of an audit log");
	r->cut = true;
	r->n_cut = n;
	audit_sha256(line, n, r->cut_hash);
}

static void end_cut(struct audit_reader *r, const struct audit_line *l, const char *line, size_t n)
{
	bool explained = !strcmp(l->event, "repair") && explains_cut(r, line, n);

	r->cut = false;
	if (explained) {
		r->n_repairs++;
		return;
	}
	r->line--;
	audit_reader_fault(r, "is cut, or no line of an audit log");
	r->line++;
	r->lost = true;
}

void audit_reader_line(struct audit_reader *r, const char *line, size_t n, bool ended)
{
	struct audit_line l;

	r->line++;
	if (!ended || !audit_line_read(line, n, &l)) {
		take_cut(r, line, n);
		return;
	}
	if (r->cut)
		end_cut(r, &l, line, n);
	check_hashes(r, line, &l);
	check_place(r, &l);
	check_seek(r, &l);
	r->lost = false;
	r->n_connections += !strcmp(l.event, "open");
	r->chain.sequence = l.sequence;
	memcpy(r->chain.hash, l.hash, sizeof(l.hash));
}

void audit_reader_end(struct audit_reader *r)
{
	if (r->cut)
		audit_reader_fault(r, "is cut, or no line of an audit log");
	if (r->seek > r->chain.sequence)
		audit_reader_fault(r, "is the last; %" PRIu64 " behind it %s missing",
				   r->seek - r->chain.sequence,
				   r->seek - r->chain.sequence > 1 ? "are" : "is");
}
