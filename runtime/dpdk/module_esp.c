/* ESP in transport mode (RFC 4303) with AES-GCM (RFC 4106): 32-bit sequence numbers, an ICV of 16
 * bytes, keys from a file.
 *
 *	direction	seal or open; required
 *	spi		256...2^32-1; required
 *	key		"file:PATH": a key of 16 or 32 bytes and 4 bytes of salt, in hexadecimal
 *			digits; required
 *	replay		window of `open` in packets, 32...65536, default 64
 *	sequence	the last number that was used before, default 0; a peer that still has its
 *			window refuses what is not above it
 *
 * A key is for one sealing instance, whatever its SPI: a nonce that two packets share gives both
 * away and the means to forge more.  Nothing that is left over from before a restart tells which
 * nonces were used, so that IVs count from a random start of 64 bits: two starts meet with a
 * probability of about 2^-31 as an instance seals at most 2^32 - 1 packets.  That bounds the harm
 *of restarts with one key and of two instances that were given one by mistake; it is no leave to do
 * so.  Copies of a pipeline would share key and sequence, and are refused.
 *
 * What cannot be sealed or opened is refused rather than let through: what is not IP, fragments
 * (reassemble them before), in `open` all that is not ESP.  Bytes behind the end of the IP packet
 * (padding of short frames) are cut off. */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>

#include "runtime/dpdk/cryptodev.h"
#include "runtime/dpdk/linear.h"
#include "runtime/dpdk/module.h"
#include "runtime/dpdk/symbol.h"

enum {
	SALT = 4,
	LONGEST_KEY = 32,
	ESP_HEADER = 16, /* SPI, sequence number, IV */
	ESP_TRAILER = 2, /* behind the padding */
	NO_NEXT_HEADER = 59
};

/* Which of the last sequence numbers came; one word more than the window has, RFC 6479. */
struct window {
	uint64_t *words;
	uint32_t n_words; /* a power of two */
	uint32_t size, top;
};

struct esp {
	struct crypto *crypto;
	bool seal;
	uint32_t spi, sequence;
	uint64_t iv;
	struct window window;
	uint8_t key[LONGEST_KEY + SALT];
	size_t n_key; /* without salt */
	uint64_t n_done, n_unauthentic, n_replayed, n_foreign, n_used_up;
};

/* ---- opening ---- */

static int digit_of(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* Returns the number of bytes, or 0 for what is no hexadecimal text of at most ROOM bytes. */
static size_t hex_read(const char *text, size_t length, uint8_t *bytes, size_t room)
{
	size_t n = 0; /* digits */

	for (size_t i = 0; i < length; i++) {
		if (strchr(" \t\r\n", text[i]))
			continue;
		if (digit_of(text[i]) < 0 || n / 2 >= room)
			return 0;
		bytes[n / 2] = (uint8_t)((n % 2 ? bytes[n / 2] << 4 : 0) | digit_of(text[i]));
		n++;
	}
	return n % 2 ? 0 : n / 2;
}

static ssize_t file_read(const char *path, char *text, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, room);

	if (fd >= 0)
		close(fd);
	return n;
}

/* Says nothing of what the file holds. */
static bool key_read(struct esp *s, const char *path, struct module_error *e)
{
	char text[256];
	ssize_t length = file_read(path, text, sizeof(text));
	size_t n = length < 0 ? 0 : hex_read(text, (size_t)length, s->key, sizeof(s->key));

	explicit_bzero(text, sizeof(text));
	if (length < 0)
		return module_fail(e, "key: cannot read %s: %s", path, strerror(errno));
	if (n != 16 + SALT && n != 32 + SALT)
		return module_fail(e, "key: %s does not hold 20 or 36 bytes in hexadecimal digits",
				   path);
	s->n_key = n - SALT;
	return true;
}

static bool key_open(struct esp *s, const struct module_spec *spec, struct module_error *e)
{
	char *path;
	bool fine;

	if (!config_value(spec, "key"))
		return module_fail(e, "key: which file holds the key?");
	if (!(path = config_file(spec, "key", e)))
		return false;
	fine = key_read(s, path, e);
	free(path);
	return fine;
}

static bool window_open(struct window *w, uint32_t size)
{
	for (w->n_words = 1; w->n_words < size / 64 + 2;)
		w->n_words *= 2;
	w->size = size;
	w->words = calloc(w->n_words, sizeof(*w->words));
	return w->words;
}

static bool direction_read(struct esp *s, const struct module_spec *spec, struct module_error *e)
{
	const char *direction;

	if (!config_text(spec, "direction", "", &direction, e))
		return false;
	direction = symbol_of(direction);
	s->seal = !strcmp(direction, "seal");
	if (!s->seal && strcmp(direction, "open"))
		return module_fail(e, "direction: expected seal or open");
	if (s->seal && spec->copy)
		return module_fail(e, "direction seal: copies of the pipeline would use the same "
				      "sequence numbers with one key");
	return true;
}

static bool esp_configure(struct esp *s, const struct module_spec *spec, struct module_error *e)
{
	double spi, replay, sequence;

	if (!direction_read(s, spec, e))
		return false;
	if (!config_value(spec, "spi"))
		return module_fail(e, "spi: which security association is this?");
	if (!config_number(spec, "spi", 256, UINT32_MAX, 0, &spi, e) ||
	    !config_number(spec, "replay", 32, 65536, 64, &replay, e) ||
	    !config_number(spec, "sequence", 0, UINT32_MAX, 0, &sequence, e) ||
	    !key_open(s, spec, e))
		return false;
	s->spi = (uint32_t)spi;
	s->sequence = (uint32_t)sequence;
	if (getrandom(&s->iv, sizeof(s->iv), 0) != sizeof(s->iv))
		return module_fail(e, "no random numbers: %s", strerror(errno));
	if (!window_open(&s->window, (uint32_t)replay))
		return module_fail(e, "no memory");
	return (s->crypto = crypto_open(s->key, s->n_key, s->seal, e));
}

static void esp_close(void *state)
{
	struct esp *s = state;

	if (!s)
		return;
	crypto_close(s->crypto);
	free(s->window.words);
	explicit_bzero(s, sizeof(*s));
	free(s);
}

static void *esp_open(const struct module_spec *spec, struct module_error *e)
{
	struct esp *s = calloc(1, sizeof(*s));

	if (!s) {
		module_fail(e, "no memory");
		return NULL;
	}
	if (esp_configure(s, spec, e))
		return s;
	esp_close(s);
	return NULL;
}

/* ---- the window ---- */

static uint64_t *window_word(const struct window *w, uint32_t sequence)
{
	return &w->words[sequence / 64 & (w->n_words - 1)];
}

/* Whether the number may still come. */
static bool window_takes(const struct window *w, uint32_t sequence)
{
	if (sequence > w->top)
		return true;
	if (!sequence || w->top - sequence >= w->size)
		return false;
	return !(*window_word(w, sequence) >> sequence % 64 & 1);
}

/* Needs window_takes. */
static void window_mark(struct window *w, uint32_t sequence)
{
	if (sequence > w->top) {
		uint32_t words = sequence / 64 - w->top / 64;

		for (uint32_t i = 0; i < words && i < w->n_words; i++)
			*window_word(w, sequence - i * 64) = 0;
		w->top = sequence;
	}
	*window_word(w, sequence) |= 1ull << sequence % 64;
}

/* What OLD does not know any more counts as having come. */
static void window_adopt(struct window *w, const struct window *old)
{
	uint32_t size = w->size < old->top ? w->size : old->top;

	for (uint32_t i = size; i-- > 0;)
		if (!window_takes(old, old->top - i))
			window_mark(w, old->top - i);
}

/* ---- packets ---- */

/* Where in an IP packet ESP stands or will stand; offsets in the frame. */
struct place {
	uint32_t l3, at, end;
	uint32_t next; /* of the byte that names the protocol at `at` */
	bool v4;
};

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, (uint16_t)(value >> 16));
	put16(at + 2, (uint16_t)value);
}

/* False with *WHY for what is no whole IPv4 packet. */
static bool place_v4(const uint8_t *frame, uint32_t size, struct place *p, enum drop_reason *why)
{
	const uint8_t *ip = frame + p->l3;
	uint32_t header, total;

	*why = DROP_MALFORMED;
	if (p->l3 + sizeof(struct rte_ipv4_hdr) > size || ip[0] >> 4 != 4)
		return false;
	header = (ip[0] & 15) * 4u;
	total = get16(ip + 2);
	if (header < sizeof(struct rte_ipv4_hdr) || total < header || p->l3 + total > size)
		return false;
	p->at = p->l3 + header;
	p->end = p->l3 + total;
	p->next = p->l3 + offsetof(struct rte_ipv4_hdr, next_proto_id);
	*why = DROP_REFUSED;
	return !(get16(ip + 6) & 0x3fff);
}

/* ESP comes behind the headers that each router reads (RFC 4303, 3.1.1); options for the
 * destination only if a routing header follows them. */
static void place_behind(const uint8_t *frame, struct place *p)
{
	uint32_t next = p->next, at = p->at;

	while (frame[next] == IPPROTO_HOPOPTS || frame[next] == IPPROTO_ROUTING ||
	       frame[next] == IPPROTO_DSTOPTS) {
		bool settled = frame[next] != IPPROTO_DSTOPTS;

		if (at + 8 > p->end || at + (frame[at + 1] + 1) * 8u > p->end)
			return;
		next = at;
		at += (frame[at + 1] + 1) * 8u;
		if (settled) {
			p->next = next;
			p->at = at;
		}
	}
}

static bool place_v6(const uint8_t *frame, uint32_t size, struct place *p, enum drop_reason *why)
{
	const uint8_t *ip = frame + p->l3;

	*why = DROP_MALFORMED;
	if (p->l3 + sizeof(struct rte_ipv6_hdr) > size || ip[0] >> 4 != 6)
		return false;
	p->at = p->l3 + sizeof(struct rte_ipv6_hdr);
	p->end = p->at + get16(ip + 4);
	p->next = p->l3 + offsetof(struct rte_ipv6_hdr, proto);
	if (p->end > size)
		return false;
	place_behind(frame, p);
	*why = DROP_REFUSED;
	return frame[p->next] != IPPROTO_FRAGMENT;
}

/* Also makes the packet linear and cuts off what is behind its end. */
static bool place_find(struct rte_mbuf *m, struct place *p, enum drop_reason *why)
{
	const struct packet *known = packet_of(m);
	bool fine;

	*why = DROP_REFUSED;
	if (!packet_linear(m))
		return false;
	*p = (struct place){ .l3 = known->l3, .v4 = known->eth_type == RTE_ETHER_TYPE_IPV4 };
	if (!p->v4 && known->eth_type != RTE_ETHER_TYPE_IPV6)
		return false;
	fine = p->v4 ? place_v4(rte_pktmbuf_mtod(m, uint8_t *), m->data_len, p, why)
		     : place_v6(rte_pktmbuf_mtod(m, uint8_t *), m->data_len, p, why);
	if (fine)
		rte_pktmbuf_trim(m, (uint16_t)(m->data_len - p->end));
	return fine;
}

/* Replaces a word of the IPv4 header; a checksum that was wrong stays so (RFC 1624). */
static void v4_replace(uint8_t *ip, uint32_t offset, uint16_t value)
{
	uint32_t sum = (uint16_t)~get16(ip + 10) + (uint32_t)(uint16_t)~get16(ip + offset) + value;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	put16(ip + 10, (uint16_t)~sum);
	put16(ip + offset, value);
}

/* Writes the protocol and that the packet is GROWTH bytes longer. */
static void place_rewrite(uint8_t *frame, const struct place *p, int growth, uint8_t protocol)
{
	uint8_t *ip = frame + p->l3;

	if (p->v4) {
		v4_replace(ip, 2, (uint16_t)(get16(ip + 2) + growth));
		v4_replace(ip, 8, (uint16_t)(ip[8] << 8 | protocol));
	} else {
		put16(ip + 4, (uint16_t)(get16(ip + 4) + growth));
		frame[p->next] = protocol;
	}
}

static void job_nonce(const struct esp *s, struct crypto_job *j, const uint8_t *header)
{
	memcpy(j->nonce, s->key + s->n_key, SALT);
	memcpy(j->nonce + SALT, header + 8, 8);
}

/* ---- seal ---- */

static void seal_header(struct esp *s, uint8_t *header)
{
	uint64_t iv = rte_cpu_to_be_64(s->iv++);

	put32(header, s->spi);
	put32(header + 4, ++s->sequence);
	memcpy(header + 8, &iv, sizeof(iv));
}

static void seal_trailer(uint8_t *at, uint32_t padding, uint8_t protocol)
{
	for (uint32_t i = 0; i < padding; i++)
		at[i] = (uint8_t)(i + 1);
	at[padding] = (uint8_t)padding;
	at[padding + 1] = protocol;
}

/* Makes room in front of the payload and behind it, and fills in all but the encryption. */
static void seal_grow(struct esp *s, const struct place *p, uint32_t padding, struct crypto_job *j)
{
	uint32_t length = p->end - p->at, behind = padding + ESP_TRAILER + CRYPTO_ICV;
	uint8_t *frame = (uint8_t *)rte_pktmbuf_prepend(j->packet, ESP_HEADER);
	uint8_t *tail = (uint8_t *)rte_pktmbuf_append(j->packet, (uint16_t)behind);

	memmove(frame, frame + ESP_HEADER, p->at);
	seal_trailer(tail, padding, frame[p->next]);
	seal_header(s, frame + p->at);
	place_rewrite(frame, p, (int)(ESP_HEADER + behind), IPPROTO_ESP);
	j->aad = p->at;
	j->text = p->at + ESP_HEADER;
	j->length = length + padding + ESP_TRAILER;
	job_nonce(s, j, frame + p->at);
}

static bool seal_prepare(struct esp *s, struct place *p, struct crypto_job *j,
			 enum drop_reason *why)
{
	uint32_t padding, growth;

	if (!place_find(j->packet, p, why))
		return false;
	*why = DROP_REFUSED;
	padding = -(p->end - p->at + ESP_TRAILER) & 3;
	growth = ESP_HEADER + padding + ESP_TRAILER + CRYPTO_ICV;
	if (rte_pktmbuf_headroom(j->packet) < ESP_HEADER ||
	    rte_pktmbuf_tailroom(j->packet) < growth - ESP_HEADER ||
	    p->end - p->l3 + growth > UINT16_MAX)
		return false;
	if (s->sequence == UINT32_MAX) {
		s->n_used_up++;
		return false;
	}
	seal_grow(s, p, padding, j);
	return true;
}

/* ---- open ---- */

static bool open_prepare(struct esp *s, struct place *p, struct crypto_job *j,
			 enum drop_reason *why)
{
	const uint8_t *frame;
	uint32_t length;

	if (!place_find(j->packet, p, why))
		return false;
	frame = rte_pktmbuf_mtod(j->packet, const uint8_t *);
	length = p->end - p->at;
	*why = DROP_MALFORMED;
	if (frame[p->next] == IPPROTO_ESP &&
	    (length < ESP_HEADER + ESP_TRAILER + CRYPTO_ICV || length % 4))
		return false;
	*why = DROP_REFUSED;
	if (frame[p->next] != IPPROTO_ESP || get32(frame + p->at) != s->spi) {
		s->n_foreign++;
		return false;
	}
	if (!window_takes(&s->window, get32(frame + p->at + 4))) {
		s->n_replayed++;
		return false;
	}
	j->aad = p->at;
	j->text = p->at + ESP_HEADER;
	j->length = length - ESP_HEADER - CRYPTO_ICV;
	job_nonce(s, j, frame + p->at);
	return true;
}

/* Whether the padding is what RFC 4303, 2.4 prescribes. */
static bool padding_is_right(const uint8_t *text, uint32_t length, uint32_t padding)
{
	if (padding + ESP_TRAILER > length)
		return false;
	for (uint32_t i = 0; i < padding; i++)
		if (text[length - ESP_TRAILER - padding + i] != i + 1)
			return false;
	return true;
}

/* The packet is authentic: takes everything off that sealing added. */
static bool open_finish(struct esp *s, const struct place *p, const struct crypto_job *j,
			enum drop_reason *why)
{
	uint8_t *frame = rte_pktmbuf_mtod(j->packet, uint8_t *);
	uint8_t *text = frame + j->text;
	uint32_t padding = text[j->length - 2], behind = padding + ESP_TRAILER + CRYPTO_ICV;
	uint8_t protocol = text[j->length - 1];

	*why = DROP_REFUSED;
	if (!window_takes(&s->window, get32(frame + p->at + 4))) { /* twice in one burst */
		s->n_replayed++;
		return false;
	}
	window_mark(&s->window, get32(frame + p->at + 4));
	if (protocol == NO_NEXT_HEADER) /* made up to hide how much is sent */
		return false;
	*why = DROP_MALFORMED;
	if (!padding_is_right(text, j->length, padding))
		return false;
	place_rewrite(frame, p, -(int)(ESP_HEADER + behind), protocol);
	memmove(frame + ESP_HEADER, frame, p->at);
	rte_pktmbuf_adj(j->packet, ESP_HEADER);
	rte_pktmbuf_trim(j->packet, (uint16_t)behind);
	return true;
}

/* ---- both ---- */

/* Whether the packet goes on. */
static bool esp_finish(struct esp *s, struct burst *b, const struct place *p,
		       const struct crypto_job *j)
{
	enum drop_reason why = DROP_REFUSED;

	if (j->lost) {
		burst_gone(b, j->packet, DROP_REFUSED);
		return false;
	}
	if (!j->done)
		s->n_unauthentic++;
	if (!j->done || (!s->seal && !open_finish(s, p, j, &why))) {
		burst_drop(b, j->packet, why);
		return false;
	}
	s->n_done++;
	packet_parse(j->packet);
	return true;
}

static void esp_run(void *state, struct burst *b)
{
	struct crypto_job jobs[BURST];
	struct place places[BURST];
	struct esp *s = state;
	unsigned n = 0, out = 0;

	for (unsigned i = 0; i < b->n; i++) {
		enum drop_reason why;

		jobs[n].packet = b->at[i];
		if (s->seal ? seal_prepare(s, &places[n], &jobs[n], &why)
			    : open_prepare(s, &places[n], &jobs[n], &why))
			n++;
		else
			burst_drop(b, b->at[i], why);
	}
	if (n)
		crypto_run(s->crypto, jobs, n);
	for (unsigned i = 0; i < n; i++)
		if (esp_finish(s, b, &places[i], &jobs[i]))
			b->at[out++] = jobs[i].packet;
	b->n = out;
}

/* A security association goes on counting; another key or SPI is another one. */
static void esp_adopt(void *state, void *from)
{
	struct esp *s = state;
	const struct esp *old = from;

	if (s->seal != old->seal || s->spi != old->spi || s->n_key != old->n_key ||
	    memcmp(s->key, old->key, s->n_key + SALT))
		return;
	if (s->sequence < old->sequence)
		s->sequence = old->sequence;
	s->iv = old->iv;
	window_adopt(&s->window, &old->window);
}

static size_t esp_counters(const void *state, struct module_counter *c)
{
	const struct esp *s = state;
	size_t n = 0;

	c[n++] = (struct module_counter){ s->seal ? "sealed" : "opened", s->n_done };
	if (s->seal) {
		c[n++] = (struct module_counter){ "sequence", s->sequence };
		c[n++] = (struct module_counter){ "used_up", s->n_used_up };
		return n;
	}
	c[n++] = (struct module_counter){ "unauthentic", s->n_unauthentic };
	c[n++] = (struct module_counter){ "replayed", s->n_replayed };
	c[n++] = (struct module_counter){ "foreign", s->n_foreign };
	return n;
}

const struct module_ops module_esp = {
	.class = "esp",
	.summary = "ESP in transport mode with AES-GCM",
	.open = esp_open,
	.close = esp_close,
	.run = esp_run,
	.adopt = esp_adopt,
	.counters = esp_counters,
};
