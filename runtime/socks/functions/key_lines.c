#include <config.h>

#include "runtime/socks/functions/key_lines.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define HEAD "epic-keys 1 "

enum { MOST_WORDS = 4, MOST_REASON = 120 };

size_t key_answer_write(const struct key_set *s, int64_t refresh, char out[KEY_ANSWER_ROOM])
{
	char hex[KEY_HEX_ROOM];
	int n = snprintf(out, KEY_ANSWER_ROOM, HEAD "ok %zu %" PRId64 "\n", s->n, refresh);

	for (size_t i = 0; i < s->n; i++) {
		key_hex_write(s->keys[i].bytes, hex);
		n += snprintf(out + n, (size_t)(KEY_ANSWER_ROOM - n), "key %u %" PRId64 " %s\n",
			      s->keys[i].id, s->keys[i].from, hex);
	}
	n += snprintf(out + n, (size_t)(KEY_ANSWER_ROOM - n), "end\n");
	OPENSSL_cleanse(hex, sizeof(hex));
	return (size_t)n;
}

size_t key_refusal_write(const char *why, char out[KEY_ANSWER_ROOM])
{
	return (size_t)snprintf(out, KEY_ANSWER_ROOM, HEAD "error %.*s\n", MOST_REASON, why);
}

/* ---- reading ---- */

struct reader {
	const char *at;
	size_t n;
	struct key_error *error;
};

struct word {
	const char *at;
	size_t n;
};

static enum key_answer bad(const struct reader *r, const char *why)
{
	snprintf(r->error->text, sizeof(r->error->text), "%s", why);
	return KEY_ANSWER_BAD;
}

static bool is_word(struct word w, const char *text)
{
	return w.n == strlen(text) && !memcmp(w.at, text, w.n);
}

/* The next line, without its LF. */
static enum key_answer read_line(struct reader *r, struct word *line)
{
	size_t most = r->n < KEY_LINE_MOST ? r->n : KEY_LINE_MOST;
	const char *end = most ? memchr(r->at, '\n', most) : NULL;

	if (!end)
		return r->n < KEY_LINE_MOST ? KEY_ANSWER_MORE
					    : bad(r, "the broker sent a line that is too long");
	*line = (struct word){ r->at, (size_t)(end - r->at) };
	r->n -= line->n + 1;
	r->at = end + 1;
	return KEY_ANSWER_DONE;
}

/* At single spaces.  Returns how many words there are; 0: more than MOST_WORDS. */
static size_t split(struct word line, struct word words[MOST_WORDS])
{
	size_t n = 0;

	while (n < MOST_WORDS) {
		const char *space = line.n ? memchr(line.at, ' ', line.n) : NULL;

		words[n].at = line.at;
		words[n].n = space ? (size_t)(space - line.at) : line.n;
		if (!space)
			return n + 1;
		line.at += words[n].n + 1;
		line.n -= words[n].n + 1;
		n++;
	}
	return 0;
}

static enum key_answer read_reason(const struct reader *r, struct word line)
{
	char text[MOST_REASON + 32] = "the broker refuses: ";
	size_t n = strlen(text);

	for (size_t i = 0; i < line.n && i < MOST_REASON; i++)
		text[n++] = line.at[i] >= ' ' && line.at[i] <= '~' ? line.at[i] : '?';
	text[n] = '\0';
	return bad(r, text);
}

static enum key_answer read_head(struct reader *r, int64_t *count, int64_t *refresh)
{
	static const char refusal[] = HEAD "error ";
	struct word line, words[MOST_WORDS];
	enum key_answer state = read_line(r, &line);
	const char *rest = HEAD;
	size_t n = strlen(rest);

	if (state != KEY_ANSWER_DONE)
		return state;
	if (line.n >= sizeof(refusal) - 1 && !memcmp(line.at, refusal, sizeof(refusal) - 1))
		return read_reason(r, (struct word){ line.at + sizeof(refusal) - 1,
						     line.n - sizeof(refusal) + 1 });
	if (line.n < n || memcmp(line.at, rest, n))
		return bad(r, "what answers is no key broker of version 1");
	line = (struct word){ line.at + n, line.n - n };
	if (split(line, words) != 3 || !is_word(words[0], "ok") ||
	    !key_number_read(words[1].at, words[1].n, KEYS_MOST, count) ||
	    !key_number_read(words[2].at, words[2].n, KEY_REFRESH_MOST, refresh) ||
	    *refresh < KEY_REFRESH_LEAST)
		return bad(r, "the broker's first line is wrong");
	return KEY_ANSWER_DONE;
}

static enum key_answer read_key(struct reader *r, struct key_set *set)
{
	struct word line, words[MOST_WORDS];
	struct shared_key key = { 0 };
	enum key_answer state = read_line(r, &line);

	if (state != KEY_ANSWER_DONE)
		return state;
	if (split(line, words) != 4 || !is_word(words[0], "key") ||
	    !key_id_read(words[1].at, words[1].n, &key.id) ||
	    !key_number_read(words[2].at, words[2].n, INT64_MAX / 2, &key.from) ||
	    !key_hex_read(words[3].at, words[3].n, key.bytes))
		return bad(r, "the broker sent a line that is no key");
	if (!key_set_add(set, &key, r->error))
		state = KEY_ANSWER_BAD;
	OPENSSL_cleanse(&key, sizeof(key));
	return state;
}

static enum key_answer read_keys(struct reader *r, struct key_set *set, int64_t *refresh)
{
	struct word line;
	int64_t count;
	enum key_answer state = read_head(r, &count, refresh);

	while (state == KEY_ANSWER_DONE && count-- > 0)
		state = read_key(r, set);
	if (state == KEY_ANSWER_DONE)
		state = read_line(r, &line);
	if (state == KEY_ANSWER_DONE && (!is_word(line, "end") || r->n))
		state = bad(r, "the broker's keys do not end in order");
	return state;
}

enum key_answer key_answer_read(const char *bytes, size_t n, struct key_set *set, int64_t *refresh,
				struct key_error *error)
{
	struct reader r = { bytes, n, error };
	enum key_answer state;

	set->n = 0;
	state = read_keys(&r, set, refresh);
	if (state != KEY_ANSWER_DONE)
		key_set_wipe(set);
	return state;
}

enum key_answer key_request_read(const char *bytes, size_t n)
{
	static const char request[] = KEY_REQUEST;
	size_t most = n < sizeof(request) - 1 ? n : sizeof(request) - 1;

	if (memcmp(bytes, request, most) || n > sizeof(request) - 1)
		return KEY_ANSWER_BAD;
	return most == sizeof(request) - 1 ? KEY_ANSWER_DONE : KEY_ANSWER_MORE;
}
