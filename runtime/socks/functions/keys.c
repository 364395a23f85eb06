#include <config.h>

#include "runtime/socks/functions/keys.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

int64_t key_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_before(const struct shared_key *a, const struct shared_key *b)
{
	return a->from < b->from || (a->from == b->from && a->id < b->id);
}

bool key_set_add(struct key_set *s, const struct shared_key *key, struct key_error *error)
{
	size_t at = s->n;

	if (key_set_find(s, key->id)) {
		snprintf(error->text, sizeof(error->text), "key %u is there twice", key->id);
		return false;
	}
	if (s->n == KEYS_MOST) {
		snprintf(error->text, sizeof(error->text), "there are more than %d keys",
			 KEYS_MOST);
		return false;
	}
	for (; at && is_before(key, &s->keys[at - 1]); at--)
		s->keys[at] = s->keys[at - 1];
	s->keys[at] = *key;
	s->n++;
	return true;
}

void key_set_remove(struct key_set *s, uint32_t id)
{
	const struct shared_key *found = key_set_find(s, id);
	size_t at = found ? (size_t)(found - s->keys) : s->n;

	if (!found)
		return;
	for (; at + 1 < s->n; at++)
		s->keys[at] = s->keys[at + 1];
	s->n--;
	OPENSSL_cleanse(&s->keys[s->n], sizeof(s->keys[s->n]));
}

const struct shared_key *key_set_find(const struct key_set *s, uint32_t id)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->keys[i].id == id)
			return &s->keys[i];
	return NULL;
}

const struct shared_key *key_set_current(const struct key_set *s, int64_t now)
{
	for (size_t i = s->n; i-- > 0;)
		if (s->keys[i].from <= now)
			return &s->keys[i];
	return NULL;
}

const struct shared_key *key_set_next(const struct key_set *s, int64_t now)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->keys[i].from > now)
			return &s->keys[i];
	return NULL;
}

bool key_set_same(const struct key_set *a, const struct key_set *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->keys[i].id != b->keys[i].id || a->keys[i].from != b->keys[i].from ||
		    CRYPTO_memcmp(a->keys[i].bytes, b->keys[i].bytes, KEY_BYTES))
			return false;
	return true;
}

void key_set_wipe(struct key_set *s)
{
	OPENSSL_cleanse(s, sizeof(*s));
	s->n = 0;
}

/* ---- as text ---- */

bool key_number_read(const char *text, size_t n, int64_t most, int64_t *value)
{
	int64_t number = 0;

	if (!n || (n > 1 && text[0] == '0'))
		return false;
	for (size_t i = 0; i < n; i++) {
		int digit = text[i] - '0';

		if (digit < 0 || digit > 9 || number > (most - digit) / 10)
			return false;
		number = number * 10 + digit;
	}
	*value = number;
	return true;
}

bool key_id_read(const char *text, size_t n, uint32_t *id)
{
	int64_t number;

	if (!key_number_read(text, n, UINT32_MAX, &number))
		return false;
	*id = (uint32_t)number;
	return true;
}

/* All ones where LOW <= C <= HIGH, else 0; without a branch. */
static unsigned between(unsigned c, unsigned low, unsigned high)
{
	return ((low - 1 - c) & (c - high - 1)) >> 31 ? ~0U : 0U;
}

/* 16: no digit. */
static unsigned hex_digit(unsigned char c)
{
	unsigned ten = between(c, '0', '9'), small = between(c, 'a', 'f');
	unsigned large = between(c, 'A', 'F');

	return ((c - '0') & ten) | ((c - 'a' + 10U) & small) | ((c - 'A' + 10U) & large) |
	       (16U & ~(ten | small | large));
}

bool key_hex_read(const char *text, size_t n, uint8_t bytes[KEY_BYTES])
{
	unsigned bad = 0;

	if (n != 2 * KEY_BYTES)
		return false;
	for (size_t i = 0; i < KEY_BYTES; i++) {
		unsigned high = hex_digit((unsigned char)text[2 * i]);
		unsigned low = hex_digit((unsigned char)text[2 * i + 1]);

		bad |= (high | low) & 16;
		bytes[i] = (uint8_t)(high << 4 | (low & 15));
	}
	if (bad)
		OPENSSL_cleanse(bytes, KEY_BYTES);
	return !bad;
}

void key_hex_write(const uint8_t bytes[KEY_BYTES], char out[KEY_HEX_ROOM])
{
	for (size_t i = 0; i < 2 * KEY_BYTES; i++) {
		unsigned digit = bytes[i / 2] >> (i % 2 ? 0 : 4) & 15;

		out[i] = (char)(digit + '0' + (between(digit, 10, 15) & ('a' - '0' - 10)));
	}
	out[2 * KEY_BYTES] = '\0';
}

void key_time_write(int64_t ms, char out[KEY_TIME_ROOM])
{
	time_t seconds = ms / 1000;
	struct tm tm;
	size_t n;

	gmtime_r(&seconds, &tm);
	n = strftime(out, KEY_TIME_ROOM, "%Y-%m-%dT%H:%M:%S", &tm);
	if (ms % 1000)
		n += (size_t)snprintf(out + n, KEY_TIME_ROOM - n, ".%03u", (unsigned)(ms % 1000));
	snprintf(out + n, KEY_TIME_ROOM - n, "Z");
}

/* What stands in FORM's place of digits is added up; other characters must be FORM's own. */
static bool read_numbers(const char *text, const char *form, int numbers[7])
{
	int at = -1;
	char before = '\0';

	for (size_t i = 0; form[i]; before = form[i++]) {
		if (form[i] != '0') {
			if (text[i] != form[i])
				return false;
			continue;
		}
		if (text[i] < '0' || text[i] > '9')
			return false;
		if (before != '0')
			numbers[++at] = 0;
		numbers[at] = numbers[at] * 10 + (text[i] - '0');
	}
	return true;
}

bool key_time_read(const char *text, size_t n, int64_t *ms)
{
	static const char brief[] = "0000-00-00T00:00:00Z", full[] = "0000-00-00T00:00:00.000Z";
	int v[7] = { 0 };
	struct tm tm, again;
	time_t seconds;

	if (n == sizeof(brief) - 1 ? !read_numbers(text, brief, v)
				   : n != sizeof(full) - 1 || !read_numbers(text, full, v))
		return false;
	tm = (struct tm){ .tm_year = v[0] - 1900,
			  .tm_mon = v[1] - 1,
			  .tm_mday = v[2],
			  .tm_hour = v[3],
			  .tm_min = v[4],
			  .tm_sec = v[5] };
	again = tm;
	seconds = timegm(&again);
	if (seconds < 0 || again.tm_mon != tm.tm_mon || again.tm_mday != tm.tm_mday ||
	    again.tm_hour != tm.tm_hour || again.tm_min != tm.tm_min || again.tm_sec != tm.tm_sec)
		return false; /* the 30th of February */
	*ms = (int64_t)seconds * 1000 + v[6];
	return true;
}
