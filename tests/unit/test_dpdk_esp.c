#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <nettle/gcm.h>

#include "tests/unit/packets.h"
#include "tests/unit/unit.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WATCHED 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define WATCHED 1
#endif
#ifdef WATCHED
#include <sanitizer/asan_interface.h>
#endif

extern const struct module_ops module_esp;

enum { ETHERNET = 14, SPI = 0xc0ffee01, MOST_CONFIG = 5 };

static const char short_key[] = "000102030405060708090a0b0c0d0e0f a0a1a2a3\n";
static const char long_key[] =
    "000102030405060708090A0B0C0D0E0F\n101112131415161718191a1b1c1d1e1f\n"
    "b0b1b2b3\n";

struct config {
	struct rplan_named_value at[MOST_CONFIG];
	size_t n;
	unsigned copy;
};

/* A file that holds TEXT, while the instance is opened. */
static void *esp_try(const char *text, const struct config *c, struct module_error *e)
{
	char path[] = "/tmp/epic-esp-XXXXXX", value[64];
	struct config with = *c;
	struct rplan_values config;
	struct module_spec spec = packets_spec("e", "esp");
	int fd = mkstemp(path);
	void *state;

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	snprintf(value, sizeof(value), "file:%s", path);
	with.at[with.n++] = packets_text("key", value);
	config = (struct rplan_values){ with.at, with.n };
	spec.config = &config;
	spec.copy = c->copy;
	state = module_esp.open(&spec, e);
	unlink(path);
	return state;
}

static struct config direction(const char *name, double spi)
{
	return (
	    struct config){ { packets_text("direction", name), packets_number("spi", spi) }, 2, 0 };
}

static void *esp_with(const char *key, struct config c)
{
	struct module_error e = { "" };
	void *state = esp_try(key, &c, &e);

	if (!state)
		UNIT_TEXT("", e.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(state);
	return state;
}

static void *sealer(const char *key)
{
	return esp_with(key, direction("seal", SPI));
}

static void *opener(const char *key)
{
	return esp_with(key, direction("open", SPI));
}

static uint64_t counter(const void *state, const char *name)
{
	struct module_counter c[MODULE_COUNTERS];
	size_t n = module_esp.counters(state, c);

	for (size_t i = 0; i < n; i++)
		if (!strcmp(c[i].name, name))
			return c[i].value;
	CU_FAIL("no such counter");
	return 0;
}

static bool pool_is_full(void)
{
	return rte_mempool_avail_count(packets_pool()) == packets_pool()->size;
}

static uint8_t *bytes_of(struct rte_mbuf *m)
{
	return rte_pktmbuf_mtod(m, uint8_t *);
}

static unsigned get16(const uint8_t *at)
{
	return at[0] * 256u + at[1];
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

/* One packet; it is there afterwards or NULL. */
static struct rte_mbuf *through(void *state, struct rte_mbuf *m, enum drop_reason why)
{
	struct burst *b = packets_burst(0);

	packets_run(&module_esp, state, b, &m, 1);
	m = b->n ? b->at[0] : NULL;
	CU_ASSERT_EQUAL(packets_dropped(b, why), !m);
	b->n = 0;
	packets_free(b);
	return m;
}

static struct rte_mbuf *copy_of(struct rte_mbuf *m)
{
	return packets_raw(bytes_of(m), m->data_len);
}

/* ---- the other implementation: RFC 4303 and 4106 by nettle ---- */

struct key {
	uint8_t bytes[32], salt[4];
	size_t n;
};

static struct key key_of(const char *text)
{
	struct key k = { .n = text == short_key ? 16 : 32 };

	for (unsigned i = 0; i < k.n; i++)
		k.bytes[i] = (uint8_t)i;
	for (unsigned i = 0; i < 4; i++)
		k.salt[i] = (uint8_t)((k.n == 16 ? 0xa0 : 0xb0) + i);
	return k;
}

/* Encrypts or decrypts SIZE bytes behind the 16 of an ESP header, in place; the tag to TAG. */
static void gcm(const struct key *k, bool seal, uint8_t *esp, size_t size, uint8_t *tag)
{
	struct gcm_aes128_ctx half;
	struct gcm_aes256_ctx whole;
	uint8_t nonce[12];

	memcpy(nonce, k->salt, 4);
	memcpy(nonce + 4, esp + 8, 8);
	if (k->n == 16) {
		gcm_aes128_set_key(&half, k->bytes);
		gcm_aes128_set_iv(&half, 12, nonce);
		gcm_aes128_update(&half, 8, esp);
		(seal ? gcm_aes128_encrypt : gcm_aes128_decrypt)(&half, size, esp + 16, esp + 16);
		gcm_aes128_digest(&half, 16, tag);
	} else {
		gcm_aes256_set_key(&whole, k->bytes);
		gcm_aes256_set_iv(&whole, 12, nonce);
		gcm_aes256_update(&whole, 8, esp);
		(seal ? gcm_aes256_encrypt : gcm_aes256_decrypt)(&whole, size, esp + 16, esp + 16);
		gcm_aes256_digest(&whole, 16, tag);
	}
}

static void mend_ip(uint8_t *ip)
{
	uint32_t sum = 0;

	put16(ip + 10, 0);
	for (unsigned i = 0; i < (ip[0] & 15) * 4u; i += 2)
		sum += get16(ip + i);
	sum = (sum & 0xffff) + (sum >> 16);
	put16(ip + 10, ~((sum & 0xffff) + (sum >> 16)) & 0xffff);
}

/* What sealing makes of the packet, by the other implementation, with padding PAD; NEXT in the
 * trailer, or -1 for what it should be. */
static struct rte_mbuf *sealed(struct rte_mbuf *m, const struct key *k, uint32_t sequence,
			       const uint8_t *pad, uint8_t n_pad, int next)
{
	uint8_t bytes[4096] = { 0 }, *ip = bytes + ETHERNET;
	bool v4 = bytes_of(m)[ETHERNET] >> 4 == 4;
	size_t head = ETHERNET + (v4 ? 20 : 40), n = m->data_len - head;
	uint8_t *esp = bytes + head, *end = esp + 16 + n;

	memcpy(bytes, bytes_of(m), head);
	put32(esp, SPI);
	put32(esp + 4, sequence);
	memcpy(esp + 8, "12345678", 8);
	put32(esp + 12, sequence);
	memcpy(esp + 16, bytes_of(m) + head, n);
	memcpy(end, pad, n_pad);
	end[n_pad] = n_pad;
	end[n_pad + 1] = next < 0 ? ip[v4 ? 9 : 6] : (uint8_t)next;
	gcm(k, true, esp, n + n_pad + 2, end + n_pad + 2);
	n = (size_t)(end + n_pad + 2 + 16 - bytes);
	put16(ip + (v4 ? 2 : 4), (unsigned)(n - ETHERNET - (v4 ? 0 : 40)));
	ip[v4 ? 9 : 6] = 50;
	if (v4)
		mend_ip(ip);
	return packets_raw(bytes, n);
}

static const uint8_t padding[] = { 1, 2, 3 };

static uint8_t padding_for(const struct rte_mbuf *m, int family)
{
	return (uint8_t)(-(m->data_len - (family == 4 ? 34u : 54u) + 2) & 3);
}

static const char letters[] = "the quick brown fox jumps over the lazy dog";

static struct rte_mbuf *plain(int family, uint16_t size)
{
	return packets_make(&(struct made){
	    .family = family, .size = size, .proto = 6, .tcp_flags = 16, .payload = letters });
}

/* ---- seal ---- */

static void sealed_packets_are_what_the_standards_say(const char *text, int family, uint16_t size)
{
	struct key k = key_of(text);
	struct rte_mbuf *m = plain(family, size), *before = copy_of(m);
	void *state = sealer(text);
	size_t head = ETHERNET + (family == 4 ? 20 : 40), n = size - head;
	uint8_t pad = padding_for(m, family), tag[16], *frame, sum[2];

	m = through(state, m, DROP_REFUSED);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	frame = bytes_of(m);
	CU_ASSERT_EQUAL(m->pkt_len, size + 16u + pad + 2 + 16);
	CU_ASSERT_EQUAL(packet_of(m)->proto, 50);
	CU_ASSERT_EQUAL(packet_of(m)->present & PACKET_L4, 0);
	CU_ASSERT_EQUAL(get16(frame + ETHERNET + (family == 4 ? 2 : 4)),
			m->pkt_len - ETHERNET - (family == 4 ? 0 : 40));
	CU_ASSERT_EQUAL(get32(frame + head), SPI);
	CU_ASSERT_EQUAL(get32(frame + head + 4), 1);
	gcm(&k, false, frame + head, n + pad + 2, tag);
	CU_ASSERT_EQUAL(memcmp(tag, frame + head + 16 + n + pad + 2, 16), 0);
	CU_ASSERT_EQUAL(memcmp(frame + head + 16, bytes_of(before) + head, n), 0);
	CU_ASSERT_EQUAL(memcmp(frame + head + 16 + n, padding, pad), 0);
	CU_ASSERT_EQUAL(frame[head + 16 + n + pad], pad);
	CU_ASSERT_EQUAL(frame[head + 16 + n + pad + 1], 6);
	if (family == 4) {
		memcpy(sum, frame + ETHERNET + 10, 2);
		mend_ip(frame + ETHERNET);
		CU_ASSERT_EQUAL(memcmp(sum, frame + ETHERNET + 10, 2), 0);
	}
	rte_pktmbuf_free(m);
	rte_pktmbuf_free(before);
	module_esp.close(state);
}

static void sealing_is_what_the_standards_say(void)
{
	for (uint16_t size = 74; size < 82; size++) {
		sealed_packets_are_what_the_standards_say(short_key, 4, size);
		sealed_packets_are_what_the_standards_say(long_key, 6, size);
	}
	sealed_packets_are_what_the_standards_say(long_key, 4, 1500);
	sealed_packets_are_what_the_standards_say(short_key, 6, 1500);
	CU_ASSERT_TRUE(pool_is_full());
}

static void numbers_ascend_and_no_iv_is_used_twice(void)
{
	void *state = sealer(short_key), *other = sealer(short_key);
	struct burst *b = packets_burst(0);
	uint8_t ivs[3][8] = { { 0 } }, last[8] = { 0 };

	for (unsigned round = 0; round < 10; round++) {
		struct rte_mbuf *m[BURST];

		for (unsigned i = 0; i < BURST; i++)
			m[i] = plain(4, (uint16_t)(70 + i));
		packets_run(&module_esp, state, b, m, BURST);
		CU_ASSERT_EQUAL_FATAL(b->n, BURST);
		for (unsigned i = 0; i < BURST; i++) {
			CU_ASSERT_EQUAL(get32(bytes_of(b->at[i]) + 38), round * BURST + i + 1);
			CU_ASSERT_NOT_EQUAL(memcmp(bytes_of(b->at[i]) + 42, last, 8), 0);
			memcpy(last, bytes_of(b->at[i]) + 42, 8);
		}
		memcpy(ivs[0], last, 8);
		rte_pktmbuf_free_bulk(b->at, b->n);
	}
	b->at[0] = plain(4, 70);
	b->n = 1;
	module_esp.run(other, b);
	CU_ASSERT_NOT_EQUAL(memcmp(bytes_of(b->at[0]) + 42, ivs[0], 4), 0); /* starts elsewhere */
	packets_free(b);
	module_esp.close(state);
	module_esp.close(other);
}

static void used_up_numbers_are_not_used_again(void)
{
	struct config c = direction("seal", SPI);
	struct rte_mbuf *m;
	void *state;

	c.at[c.n++] = packets_number("sequence", 4294967294.0);
	state = esp_with(short_key, c);
	m = through(state, plain(4, 80), DROP_REFUSED);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT_EQUAL(get32(bytes_of(m) + 38), UINT32_MAX);
	rte_pktmbuf_free(m);
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_PTR_NULL(through(state, plain(4, 80), DROP_REFUSED));
	CU_ASSERT_EQUAL(counter(state, "used_up"), 3);
	module_esp.close(state);
}

static void what_cannot_be_sealed_is_refused(void)
{
	uint8_t arp[60] = { [12] = 8, [13] = 6 };
	struct rte_mbuf *fragment = plain(4, 200), *narrow = plain(4, 200), *six;
	void *state = sealer(short_key);

	put16(bytes_of(fragment) + ETHERNET + 6, 0x2000);
	CU_ASSERT_PTR_NULL(through(state, fragment, DROP_REFUSED));
	CU_ASSERT_PTR_NULL(through(state, packets_raw(arp, 60), DROP_REFUSED));
	CU_ASSERT_PTR_NULL(through(state, plain(4, 2048 - 17), DROP_REFUSED)); /* no tail room */
	CU_ASSERT_PTR_NOT_NULL(rte_pktmbuf_prepend(narrow, 120));              /* no head room */
	memmove(bytes_of(narrow), bytes_of(narrow) + 120, 200);
	packet_parse(narrow);
	CU_ASSERT_PTR_NULL(through(state, narrow, DROP_REFUSED));
	six = plain(6, 200);
	bytes_of(six)[ETHERNET + 6] = 44;
	CU_ASSERT_PTR_NULL(through(state, six, DROP_REFUSED));
	six = plain(4, 200);
	put16(bytes_of(six) + ETHERNET + 2, 187);
	CU_ASSERT_PTR_NULL(through(state, six, DROP_MALFORMED));
	CU_ASSERT_EQUAL(counter(state, "sequence"), 0);
	module_esp.close(state);
	CU_ASSERT_TRUE(pool_is_full());
}

/* ---- open ---- */

static bool same(struct rte_mbuf *x, struct rte_mbuf *y)
{
	return x->pkt_len == y->pkt_len && !memcmp(bytes_of(x), bytes_of(y), x->pkt_len);
}

static void what_others_seal_is_opened(void)
{
	for (unsigned i = 0; i < 16; i++) {
		int family = i % 2 ? 4 : 6;
		const char *text = i % 4 < 2 ? short_key : long_key;
		struct key k = key_of(text);
		struct rte_mbuf *m = plain(family, (uint16_t)(80 + i)), *out;
		void *state = opener(text);

		out = through(state, sealed(m, &k, 77, padding, padding_for(m, family), -1),
			      DROP_REFUSED);
		CU_ASSERT_PTR_NOT_NULL_FATAL(out);
		CU_ASSERT_TRUE(same(m, out));
		CU_ASSERT_EQUAL(packet_of(out)->dport, 2000);
		rte_pktmbuf_free(out);
		rte_pktmbuf_free(m);
		module_esp.close(state);
	}
}

/* Options in IPv4; headers for each router before ESP and those for the destination behind. */
static struct rte_mbuf *with_headers(int family)
{
	struct rte_mbuf *m = plain(family, 300);
	uint8_t *frame, *ip;

	CU_ASSERT_PTR_NOT_NULL_FATAL(rte_pktmbuf_prepend(m, 16));
	frame = bytes_of(m);
	ip = frame + ETHERNET;
	memmove(frame, frame + 16, family == 4 ? 34 : 54);
	if (family == 4) {
		memset(ip + 20, 1, 16);
		ip[0] = 0x49;
		put16(ip + 2, 302);
		mend_ip(ip);
	} else {
		memcpy(ip + 40, "\x3c\0\1\4\0\0\0\0\x06\0\1\4\0\0\0\0", 16);
		ip[6] = 0;
		put16(ip + 4, 262);
	}
	packet_parse(m);
	return m;
}

static void opening_restores_what_was_sealed_byte_by_byte(void)
{
	void *seals = sealer(long_key), *opens = opener(long_key);

	for (unsigned i = 0; i < 200; i++) {
		int family = i % 2 ? 4 : 6;
		struct rte_mbuf *m =
		    i < 4 ? with_headers(family) : plain(family, (uint16_t)(74 + rand() % 1400));
		struct rte_mbuf *before = copy_of(m);

		if (i % 5 == 4 && family == 4) { /* a wrong sum stays wrong */
			bytes_of(m)[ETHERNET + 10] ^= 0x55;
			bytes_of(before)[ETHERNET + 10] ^= 0x55;
		}
		m = through(seals, m, DROP_REFUSED);
		CU_ASSERT_PTR_NOT_NULL_FATAL(m);
		if (i == 0) /* IPv6: behind the hop-by-hop options */
			CU_ASSERT_EQUAL(get32(bytes_of(m) + ETHERNET + 48), SPI);
		m = through(opens, m, DROP_REFUSED);
		CU_ASSERT_PTR_NOT_NULL_FATAL(m);
		CU_ASSERT_TRUE(same(m, before));
		rte_pktmbuf_free(m);
		rte_pktmbuf_free(before);
	}
	CU_ASSERT_EQUAL(counter(opens, "opened"), 200);
	module_esp.close(seals);
	module_esp.close(opens);
	CU_ASSERT_TRUE(pool_is_full());
}

static void each_changed_byte_is_found(void)
{
	struct key k = key_of(short_key);
	void *state = opener(short_key);
	struct rte_mbuf *m = plain(4, 80), *good = sealed(m, &k, 5, padding, padding_for(m, 4), -1);

	for (unsigned at = 34; at < good->data_len; at++) {
		struct rte_mbuf *bad = copy_of(good);

		bytes_of(bad)[at] ^= (uint8_t)(1 << at % 8);
		CU_ASSERT_PTR_NULL(through(state, bad, DROP_REFUSED));
	}
	CU_ASSERT_EQUAL(counter(state, "unauthentic"), good->data_len - 34u - 4);
	CU_ASSERT_EQUAL(counter(state, "foreign"), 4);                /* the SPI */
	CU_ASSERT_PTR_NULL(through(state, copy_of(m), DROP_REFUSED)); /* not sealed at all */
	good = through(state, good, DROP_REFUSED);
	CU_ASSERT_PTR_NOT_NULL_FATAL(good);
	CU_ASSERT_TRUE(same(good, m));
	rte_pktmbuf_free(good);
	rte_pktmbuf_free(m);
	module_esp.close(state);
	CU_ASSERT_TRUE(pool_is_full());
}

static void trailers_that_are_authentic_but_wrong_are_not_let_through(void)
{
	static const uint8_t zeros[255] = { 0 };
	struct key k = key_of(short_key);
	void *state = opener(short_key);
	struct rte_mbuf *m = plain(4, 80),
			*empty = packets_make(&(struct made){ .proto = 99, .size = 34 });
	struct rte_mbuf *lies;

	CU_ASSERT_PTR_NULL(through(state, sealed(m, &k, 1, zeros, 4, -1), DROP_MALFORMED));
	CU_ASSERT_PTR_NULL(through(state, sealed(m, &k, 2, padding, 0, 59), DROP_REFUSED));
	/* a padding longer than the packet: its length byte is the last of what was the padding */
	lies = sealed(empty, &k, 3, (const uint8_t[]){ 1, 2 }, 2, -1);
	gcm(&k, false, bytes_of(lies) + 34, 4, bytes_of(lies) + 54);
	bytes_of(lies)[34 + 16 + 2] = 200;
	gcm(&k, true, bytes_of(lies) + 34, 4, bytes_of(lies) + 54);
	CU_ASSERT_PTR_NULL(through(state, lies, DROP_MALFORMED));
	rte_pktmbuf_free(empty);
	rte_pktmbuf_free(m);
	module_esp.close(state);
	CU_ASSERT_TRUE(pool_is_full());
}

/* ---- replay ---- */

static bool takes(void *state, uint32_t sequence)
{
	struct key k = key_of(short_key);
	struct rte_mbuf *m = plain(4, 80), *out;

	out = through(state, sealed(m, &k, sequence, padding, padding_for(m, 4), -1), DROP_REFUSED);
	rte_pktmbuf_free(m);
	rte_pktmbuf_free(out);
	return out;
}

static void replayed_packets_are_refused(void)
{
	void *state = opener(short_key);

	CU_ASSERT_FALSE(takes(state, 0));
	CU_ASSERT_TRUE(takes(state, 1));
	CU_ASSERT_FALSE(takes(state, 1));
	CU_ASSERT_TRUE(takes(state, 64));
	CU_ASSERT_TRUE(takes(state, 2)); /* late, but within the window */
	CU_ASSERT_TRUE(takes(state, 66));
	CU_ASSERT_FALSE(takes(state, 2));
	CU_ASSERT_TRUE(takes(state, 3)); /* the last one within */
	CU_ASSERT_TRUE(takes(state, 1000000));
	CU_ASSERT_FALSE(takes(state, 1000000 - 64));
	CU_ASSERT_TRUE(takes(state, 1000000 - 63));
	CU_ASSERT_TRUE(takes(state, UINT32_MAX));
	CU_ASSERT_FALSE(takes(state, UINT32_MAX));
	CU_ASSERT_TRUE(takes(state, UINT32_MAX - 1));
	module_esp.close(state);
}

/* Against a table of all that came. */
static void any_window_is_kept(void)
{
	static const double sizes[] = { 32, 64, 100, 1024 };

	for (size_t i = 0; i < 4; i++) {
		struct config c = direction("open", SPI);
		bool came[8000] = { false };
		uint32_t top = 0;
		void *state;

		c.at[c.n++] = packets_number("replay", sizes[i]);
		state = esp_with(short_key, c);
		for (unsigned n = 0; n < 1500; n++) {
			uint32_t low = top > sizes[i] * 1.5 ? top - (uint32_t)(sizes[i] * 1.5) : 0;
			uint32_t s = rand() % 3 ? low + (uint32_t)rand() % (top + 10 - low)
						: top + (uint32_t)rand() % 10;
			bool due = s && !came[s] && (s > top || top - s < sizes[i]);

			if (s >= 7990)
				break;
			CU_ASSERT_EQUAL(takes(state, s), due);
			came[s] |= due;
			top = s > top ? s : top;
		}
		module_esp.close(state);
	}
}

static void two_copies_in_one_burst_are_one(void)
{
	struct key k = key_of(short_key);
	struct rte_mbuf *m = plain(4, 80), *twins[2];
	void *state = opener(short_key);
	struct burst *b = packets_burst(0);

	twins[0] = sealed(m, &k, 9, padding, padding_for(m, 4), -1);
	twins[1] = copy_of(twins[0]);
	packets_run(&module_esp, state, b, twins, 2);
	CU_ASSERT_EQUAL(b->n, 1);
	CU_ASSERT_EQUAL(packets_dropped(b, DROP_REFUSED), 1);
	CU_ASSERT_EQUAL(counter(state, "replayed"), 1);
	packets_free(b);
	rte_pktmbuf_free(m);
	module_esp.close(state);
}

/* A forged number must not move the window. */
static void forged_packets_do_not_move_the_window(void)
{
	struct key k = key_of(short_key), forged = k;
	struct rte_mbuf *m = plain(4, 80);
	void *state = opener(short_key);

	forged.bytes[3] ^= 1;
	CU_ASSERT_PTR_NULL(through(
	    state, sealed(m, &forged, 1u << 30, padding, padding_for(m, 4), -1), DROP_REFUSED));
	CU_ASSERT_TRUE(takes(state, 1));
	rte_pktmbuf_free(m);
	module_esp.close(state);
}

/* ---- a new plan ---- */

static void numbers_and_window_survive_a_new_plan(void)
{
	void *old = sealer(short_key), *new;
	struct rte_mbuf *m, *next;
	struct config c = direction("open", SPI);

	m = through(old, plain(4, 80), DROP_REFUSED);
	new = sealer(short_key);
	module_esp.adopt(new, old);
	module_esp.close(old);
	next = through(new, plain(4, 80), DROP_REFUSED);
	CU_ASSERT_EQUAL(get32(bytes_of(next) + 38), 2);
	CU_ASSERT_EQUAL(get32(bytes_of(next) + 46), get32(bytes_of(m) + 46) + 1); /* IV */
	rte_pktmbuf_free(m);
	rte_pktmbuf_free(next);
	module_esp.close(new);

	old = opener(short_key);
	c.at[c.n++] = packets_number("replay", 128);
	new = esp_with(short_key, c);
	CU_ASSERT_TRUE(takes(old, 500));
	CU_ASSERT_TRUE(takes(old, 490));
	module_esp.adopt(new, old);
	module_esp.close(old);
	CU_ASSERT_FALSE(takes(new, 500));
	CU_ASSERT_FALSE(takes(new, 490));
	CU_ASSERT_TRUE(takes(new, 491));
	CU_ASSERT_FALSE(takes(new, 400)); /* nobody knows any more whether it came */
	CU_ASSERT_TRUE(takes(new, 501));
	module_esp.close(new);
}

static void another_key_counts_for_itself(void)
{
	void *old = sealer(short_key), *new = sealer(long_key);
	struct rte_mbuf *m = through(old, plain(4, 80), DROP_REFUSED);

	rte_pktmbuf_free(m);
	module_esp.adopt(new, old);
	m = through(new, plain(4, 80), DROP_REFUSED);
	CU_ASSERT_EQUAL(get32(bytes_of(m) + 38), 1);
	rte_pktmbuf_free(m);
	module_esp.close(old);
	module_esp.close(new);
}

static void refused(const char *key, const struct config *c, const char *begin)
{
	struct module_error e = { "" };

	CU_ASSERT_PTR_NULL(esp_try(key, c, &e));
	CU_ASSERT_EQUAL(strncmp(e.text, begin, strlen(begin)), 0);
	CU_ASSERT_PTR_NULL(strstr(e.text, "00010203"));
}

static void wrong_configuration_is_refused_without_telling_the_key(void)
{
	struct config good = direction("seal", SPI), copy = good, bad = good;

	refused("00010203", &good, "key: ");
	refused("", &good, "key: ");
	refused("000102030405060708090a0b0c0d0e0fa0a1a2ag", &good, "key: ");
	refused("000102030405060708090a0b0c0d0e0fa0a1a2a3a", &good, "key: ");
	copy.copy = 1;
	refused(short_key, &copy, "direction seal: copies");
	bad.n = 1;
	refused(short_key, &bad, "spi: ");
	bad = direction("both", SPI);
	refused(short_key, &bad, "direction: ");
	bad = direction("seal", 255);
	refused(short_key, &bad, "spi: ");
}

/* ---- chance ---- */

static unsigned scaled(unsigned n)
{
	const char *scale = getenv("EPIC_TEST_SCALE");

	return scale && atoi(scale) > 1 ? n / (unsigned)atoi(scale) : n;
}

/* Whether a sanitizer sees reads behind the packet's end. */
static void watch(struct rte_mbuf *m, bool on)
{
#ifdef WATCHED
	if (on)
		__asan_poison_memory_region(bytes_of(m) + m->data_len, rte_pktmbuf_tailroom(m));
	else
		__asan_unpoison_memory_region(m->buf_addr, m->buf_len);
#else
	(void)m, (void)on;
#endif
}

static void mutate(struct rte_mbuf *m)
{
	unsigned n = (unsigned)rand() % 4;

	for (unsigned i = 0; i < n; i++)
		bytes_of(m)[(unsigned)rand() % (rand() % 2 ? 60 : m->data_len)] ^=
		    (uint8_t)(rand() % 3 ? 1 << rand() % 8 : rand());
	if (rand() % 8 == 0)
		rte_pktmbuf_trim(m, (uint16_t)(rand() % m->data_len));
	packet_parse(m);
}

static uint64_t all_dropped(const struct burst *b)
{
	uint64_t n = 0;

	for (unsigned why = 0; why < N_DROP_REASONS; why++)
		n += packets_dropped(b, why);
	return n;
}

static void mutated_packets_are_counted(bool seal)
{
	void *state = seal ? sealer(short_key) : opener(short_key), *first = sealer(short_key);
	struct burst *b = packets_burst(0), *before = packets_burst(0);
	uint64_t in = 0, out = 0;

	for (unsigned round = 0; round < scaled(50000) / 16; round++) {
		struct rte_mbuf *m[BURST];
		unsigned n = 1 + (unsigned)rand() % BURST;

		for (unsigned i = 0; i < n; i++)
			m[i] = plain(rand() % 2 ? 4 : 6, (uint16_t)(80 + rand() % 300));
		if (!seal) {
			packets_run(&module_esp, first, before, m, n);
			memcpy(m, before->at, n * sizeof(*m));
			before->n = 0;
		}
		for (unsigned i = 0; i < n; i++) {
			mutate(m[i]);
			watch(m[i], !seal); /* sealing writes there */
		}
		packets_run(&module_esp, state, b, m, n);
		for (unsigned i = 0; i < n; i++)
			watch(m[i], false);
		in += n;
		out += b->n;
		rte_pktmbuf_free_bulk(b->at, b->n);
		b->n = 0;
		CU_ASSERT_EQUAL(in, out + all_dropped(b));
	}
	CU_ASSERT(out > in / 10 && out < in);
	packets_free(b);
	packets_free(before);
	module_esp.close(state);
	module_esp.close(first);
	CU_ASSERT_TRUE(pool_is_full());
}

static void no_mutated_packet_is_lost(void)
{
	srand(4);
	mutated_packets_are_counted(true);
	mutated_packets_are_counted(false);
}

int main(void)
{
	static const struct unit units[] = {
		{ "sealing_is_what_the_standards_say", sealing_is_what_the_standards_say },
		{ "numbers_ascend_and_no_iv_is_used_twice",
		  numbers_ascend_and_no_iv_is_used_twice },
		{ "used_up_numbers_are_not_used_again", used_up_numbers_are_not_used_again },
		{ "what_cannot_be_sealed_is_refused", what_cannot_be_sealed_is_refused },
		{ "what_others_seal_is_opened", what_others_seal_is_opened },
		{ "opening_restores_what_was_sealed_byte_by_byte",
		  opening_restores_what_was_sealed_byte_by_byte },
		{ "each_changed_byte_is_found", each_changed_byte_is_found },
		{ "trailers_that_are_authentic_but_wrong_are_not_let_through",
		  trailers_that_are_authentic_but_wrong_are_not_let_through },
		{ "replayed_packets_are_refused", replayed_packets_are_refused },
		{ "any_window_is_kept", any_window_is_kept },
		{ "two_copies_in_one_burst_are_one", two_copies_in_one_burst_are_one },
		{ "forged_packets_do_not_move_the_window", forged_packets_do_not_move_the_window },
		{ "numbers_and_window_survive_a_new_plan", numbers_and_window_survive_a_new_plan },
		{ "another_key_counts_for_itself", another_key_counts_for_itself },
		{ "wrong_configuration_is_refused_without_telling_the_key",
		  wrong_configuration_is_refused_without_telling_the_key },
		{ "no_mutated_packet_is_lost", no_mutated_packet_is_lost },
	};

	packets_start("epic-esp");
	return unit_main("dpdk_esp", units, sizeof(units) / sizeof(*units));
}
