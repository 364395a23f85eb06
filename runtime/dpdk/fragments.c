#include <config.h>

#include "runtime/dpdk/fragments.h"

#include <stdlib.h>
#include <string.h>

#include <rte_ip.h>
#include <rte_jhash.h>
#include <rte_random.h>

enum { NONE = UINT32_MAX, LONGEST = 65535 };

struct piece {
	struct fragment f;
	uint32_t next; /* of the same packet, ascending by offset; or of the free ones */
};

/* A packet of which fragments are here, or which is refused until its time is up. */
struct datagram {
	struct fragment_key key;
	uint32_t first;       /* piece */
	uint32_t total, have; /* bytes; total: 0 until the last fragment is here */
	uint32_t n;
	bool refused;
	uint64_t since;
	uint32_t bucket, in_bucket; /* the next one there; or of the free ones */
	uint32_t older, younger;
};

struct fragments {
	struct piece *pieces;
	struct datagram *datagrams;
	uint32_t *buckets;
	uint32_t room;       /* of each of the three; a power of two */
	uint32_t most, held; /* pieces */
	uint32_t free_piece, free_datagram;
	uint32_t oldest, youngest;
	uint32_t seed; /* so that nobody can fill one bucket from outside */
	uint64_t cycles;
};

/* ---- the table ---- */

static void table_clear(struct fragments *t)
{
	for (uint32_t i = 0; i < t->room; i++) {
		t->buckets[i] = NONE;
		t->pieces[i].next = t->datagrams[i].in_bucket = i + 1 < t->room ? i + 1 : NONE;
	}
	t->free_piece = t->free_datagram = 0;
	t->oldest = t->youngest = NONE;
	t->held = 0;
}

struct fragments *fragments_open(size_t most, uint64_t cycles)
{
	struct fragments *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->most = (uint32_t)most;
	t->cycles = cycles;
	t->seed = (uint32_t)rte_rand();
	for (t->room = 1; t->room < t->most;)
		t->room *= 2;
	t->pieces = calloc(t->room, sizeof(*t->pieces));
	t->datagrams = calloc(t->room, sizeof(*t->datagrams));
	t->buckets = calloc(t->room, sizeof(*t->buckets));
	if (t->pieces && t->datagrams && t->buckets) {
		table_clear(t);
		return t;
	}
	t->oldest = NONE;
	fragments_close(t);
	return NULL;
}

void fragments_close(struct fragments *t)
{
	if (!t)
		return;
	for (uint32_t d = t->oldest; d != NONE; d = t->datagrams[d].younger)
		for (uint32_t i = t->datagrams[d].first; i != NONE; i = t->pieces[i].next)
			rte_pktmbuf_free(t->pieces[i].f.packet);
	free(t->pieces);
	free(t->datagrams);
	free(t->buckets);
	free(t);
}

static uint32_t bucket_of(const struct fragments *t, const struct fragment_key *key)
{
	return rte_jhash_32b((const uint32_t *)key, sizeof(*key) / 4, t->seed) & (t->room - 1);
}

_Static_assert(sizeof(struct fragment_key) == 40, "the key has no padding");

static struct datagram *table_find(struct fragments *t, const struct fragment_key *key)
{
	uint32_t d = t->buckets[bucket_of(t, key)];

	while (d != NONE && memcmp(&t->datagrams[d].key, key, sizeof(*key)))
		d = t->datagrams[d].in_bucket;
	return d == NONE ? NULL : &t->datagrams[d];
}

/* NULL: the table is full. */
static struct datagram *table_begin(struct fragments *t, const struct fragment_key *key,
				    uint64_t now)
{
	uint32_t index = t->free_datagram;
	struct datagram *d;

	if (index == NONE)
		return NULL;
	d = &t->datagrams[index];
	t->free_datagram = d->in_bucket;
	*d = (struct datagram){ .key = *key,
				.first = NONE,
				.since = now,
				.bucket = bucket_of(t, key),
				.older = t->youngest,
				.younger = NONE };
	d->in_bucket = t->buckets[d->bucket];
	t->buckets[d->bucket] = index;
	*(t->youngest == NONE ? &t->oldest : &t->datagrams[t->youngest].younger) = index;
	t->youngest = index;
	return d;
}

static void table_end(struct fragments *t, struct datagram *d)
{
	uint32_t index = (uint32_t)(d - t->datagrams), *at = &t->buckets[d->bucket];

	while (*at != index)
		at = &t->datagrams[*at].in_bucket;
	*at = d->in_bucket;
	*(d->older == NONE ? &t->oldest : &t->datagrams[d->older].younger) = d->younger;
	*(d->younger == NONE ? &t->youngest : &t->datagrams[d->younger].older) = d->older;
	d->in_bucket = t->free_datagram;
	t->free_datagram = index;
}

/* Before the piece *AT.  Needs a free one. */
static void piece_insert(struct fragments *t, struct datagram *d, uint32_t *at,
			 const struct fragment *f)
{
	uint32_t index = t->free_piece;

	t->free_piece = t->pieces[index].next;
	t->pieces[index] = (struct piece){ *f, *at };
	*at = index;
	t->held++;
	d->n++;
	d->have += f->length;
	if (!f->more)
		d->total = (uint32_t)f->offset + f->length;
}

/* Takes the first piece out of the table. */
static struct fragment piece_take(struct fragments *t, struct datagram *d)
{
	uint32_t index = d->first;
	struct piece *p = &t->pieces[index];

	d->first = p->next;
	p->next = t->free_piece;
	t->free_piece = index;
	t->held--;
	d->n--;
	return p->f;
}

/* ---- packets ---- */

static void datagram_drop(struct fragments *t, struct burst *b, struct datagram *d,
			  enum drop_reason why)
{
	while (d->first != NONE) {
		struct fragment f = piece_take(t, d);

		burst_unhold(b, f.packet);
		burst_drop(b, f.packet, why);
	}
}

/* Nothing more of it is taken until its time is up. */
static void datagram_refuse(struct fragments *t, struct burst *b, struct datagram *d)
{
	datagram_drop(t, b, d, DROP_REFUSED);
	d->refused = true;
}

enum fit { FITS, REPEATED, CONTRADICTS };

static bool is_repeated(const struct fragment *x, const struct fragment *y)
{
	return x->offset == y->offset && x->length == y->length && x->more == y->more &&
	       !memcmp(rte_pktmbuf_mtod_offset(x->packet, uint8_t *, x->data),
		       rte_pktmbuf_mtod_offset(y->packet, uint8_t *, y->data), x->length);
}

/* Finds in *AT where the fragment belongs.  That it comes twice is no overlap (RFC 8200, 4.5). */
static enum fit datagram_place(struct fragments *t, struct datagram *d, const struct fragment *f,
			       uint32_t **at)
{
	uint32_t end = (uint32_t)f->offset + f->length;

	for (*at = &d->first; **at != NONE; *at = &t->pieces[**at].next) {
		const struct fragment *other = &t->pieces[**at].f;

		if (is_repeated(f, other))
			return REPEATED;
		if (other->offset >= end)
			break;
		if ((uint32_t)other->offset + other->length > f->offset)
			return CONTRADICTS;
	}
	if (d->total && (!f->more || end > d->total))
		return CONTRADICTS;
	return !f->more && **at != NONE ? CONTRADICTS : FITS; /* something behind the last */
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void head_v4(struct rte_mbuf *m, const struct fragment *f, uint32_t total)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, void *, f->l3);
	uint16_t left = ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_DF_FLAG);

	ip->total_length = rte_cpu_to_be_16((uint16_t)(f->data - f->l3 + total));
	ip->fragment_offset = left;
	ip->hdr_checksum = 0;
	ip->hdr_checksum = (uint16_t)~rte_raw_cksum(ip, (size_t)(f->data - f->l3));
}

/* Takes the fragment header out. */
static void head_v6(struct rte_mbuf *m, const struct fragment *f, uint32_t total)
{
	const uint32_t size = RTE_IPV6_FRAG_HDR_SIZE;
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);

	frame[f->next] = frame[f->header];
	put16(frame + f->l3 + 4,
	      f->data - size - f->l3 - (uint32_t)sizeof(struct rte_ipv6_hdr) + total);
	memmove(frame + size, frame, f->header);
	rte_pktmbuf_adj(m, (uint16_t)size);
}

static bool head_has_room(const struct fragment *f, uint32_t total)
{
	return rte_pktmbuf_tailroom(f->packet) >= total - f->length &&
	       f->data - f->l3 + total <= LONGEST;
}

/* All is there: copies it behind the first fragment. */
static struct rte_mbuf *datagram_merge(struct fragments *t, struct burst *b, struct datagram *d)
{
	struct fragment head = piece_take(t, d);
	struct packet *known = packet_of(head.packet);

	burst_unhold(b, head.packet);
	while (d->first != NONE) {
		struct fragment f = piece_take(t, d);

		memcpy(rte_pktmbuf_append(head.packet, f.length),
		       rte_pktmbuf_mtod_offset(f.packet, uint8_t *, f.data), f.length);
		if (packet_of(f.packet)->arrived < known->arrived)
			known->arrived = packet_of(f.packet)->arrived;
		burst_unhold(b, f.packet);
		burst_drop(b, f.packet, DROP_MERGED);
	}
	(head.key.family == 4 ? head_v4 : head_v6)(head.packet, &head, d->total);
	table_end(t, d);
	return head.packet;
}

/* The whole packet if it is one now. */
static struct rte_mbuf *datagram_try(struct fragments *t, struct burst *b, struct datagram *d)
{
	if (!d->total || d->have < d->total)
		return NULL;
	if (head_has_room(&t->pieces[d->first].f, d->total))
		return datagram_merge(t, b, d);
	datagram_refuse(t, b, d);
	return NULL;
}

/* Whether the fragment by itself may be one. */
static bool is_plausible(const struct fragment *f)
{
	return f->length && (!f->more || f->length % 8 == 0) &&
	       (uint32_t)f->offset + f->length <= LONGEST;
}

/* Whether it and what is in front of it fit in one mbuf. */
static bool has_room(const struct fragment *f)
{
	uint32_t room = f->packet->buf_len;

	return f->data + (uint32_t)f->offset + f->length <= room;
}

static struct rte_mbuf *datagram_add(struct fragments *t, struct burst *b, struct datagram *d,
				     const struct fragment *f)
{
	uint32_t *at;
	enum fit fit;

	if (d->refused || d->n >= FRAGMENTS_OF_ONE || !has_room(f))
		fit = CONTRADICTS;
	else
		fit = datagram_place(t, d, f, &at);
	if (fit != FITS) {
		burst_drop(b, f->packet, DROP_REFUSED);
		if (fit == CONTRADICTS)
			datagram_refuse(t, b, d);
		return NULL;
	}
	if (t->held >= t->most) {
		burst_drop(b, f->packet, DROP_FULL);
		return NULL;
	}
	burst_hold(b, f->packet);
	piece_insert(t, d, at, f);
	return datagram_try(t, b, d);
}

struct rte_mbuf *fragments_add(struct fragments *t, struct burst *b, const struct fragment *f)
{
	struct datagram *d;

	if (!is_plausible(f)) {
		burst_drop(b, f->packet, DROP_MALFORMED);
		return NULL;
	}
	if (!f->offset && !f->more) { /* by itself, whatever waits (RFC 6946) */
		head_v6(f->packet, f, f->length);
		return f->packet;
	}
	d = table_find(t, &f->key);
	if (!d && t->held < t->most)
		d = table_begin(t, &f->key, b->now);
	if (d)
		return datagram_add(t, b, d, f);
	burst_drop(b, f->packet, DROP_FULL);
	return NULL;
}

void fragments_expire(struct fragments *t, struct burst *b)
{
	while (fragments_due(t) <= b->now) {
		struct datagram *d = &t->datagrams[t->oldest];

		datagram_drop(t, b, d, DROP_EXPIRED);
		table_end(t, d);
	}
}

uint64_t fragments_due(const struct fragments *t)
{
	return t->oldest == NONE ? UINT64_MAX : t->datagrams[t->oldest].since + t->cycles;
}

size_t fragments_held(const struct fragments *t)
{
	return t->held;
}

static void datagram_move(struct fragments *t, struct fragments *old, struct datagram *from)
{
	struct datagram *d = table_begin(t, &from->key, from->since);
	uint32_t *at = &d->first;

	d->refused = from->refused;
	while (from->first != NONE) {
		struct fragment f = piece_take(old, from);

		piece_insert(t, d, at, &f);
		at = &t->pieces[*at].next;
	}
	table_end(old, from);
}

/* Where the old table has more room it is kept, as all that it holds has to go somewhere. */
void fragments_adopt(struct fragments *t, struct fragments *old)
{
	if (old->room > t->room) {
		struct fragments empty = *t;

		*t = *old;
		t->most = empty.most;
		t->cycles = empty.cycles;
		*old = empty;
		return;
	}
	while (old->oldest != NONE)
		datagram_move(t, old, &old->datagrams[old->oldest]);
}
