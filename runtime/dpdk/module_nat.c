/* Class "nat": many inside addresses behind a few external ones, IPv4, both directions.
 *
 *	mapping		endpoint-independent: an inside address and port has one external address
 *			and port, whatever it talks to (RFC 4787 REQ-1, RFC 5382 REQ-1)
 *	filtering	address and port dependent: only who was talked to may answer, by a
 *			session (RFC 4787 REQ-8 leaves it to the administrator; hole punching
 *			works, as both sides send)
 *	pooling		paired: an inside address always gets the same external one (REQ-2)
 *	ports		never two owners of one (REQ-3); parity is not kept; the choice begins at a
 *			keyed hash of the inside endpoint (RFC 6056, 3.3.3)
 *	hairpinning	supported (REQ-9)
 *	refresh		by packets of both directions (REQ-6)
 *	time-outs	`timeout`, by default the 120 s that RFC 4787 REQ-5 has as the least for
 *			UDP; RFC 5382 REQ-5 wants 7440 s for established TCP: who has long idle
 *			connections states it.  10 s after a reset or a FIN from each side
 *	ICMP		echo by identifier; errors with the packet that they quote (RFC 5508 REQ-3
 *			to 5), which neither prolong nor end a session (RFC 5382 REQ-10)
 *
 * Checksums are changed by the difference (RFC 1624); a UDP checksum of 0 stays 0.  Packets from
 * inside to inside pass as they are, as does what is not IP; from elsewhere only what has a session
 * goes on.  Later fragments, SCTP (whose checksum covers all bytes) and protocols without ports are
 * refused. */
#include <config.h>

#include <arpa/inet.h>
#include <stdlib.h>

#include <rte_cycles.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_jhash.h>
#include <rte_random.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "runtime/dpdk/config.h"
#include "runtime/dpdk/flow.h"
#include "runtime/dpdk/module.h"

enum { CLOSING_SECONDS = 10, MOST_EXTERNAL = 1024, PASS = -1 };

/* Spaces of ports that one external address has. */
enum space { SPACE_TCP, SPACE_UDP, SPACE_ECHO, N_SPACES };

/* The free ports of one space. */
struct ports {
	uint64_t free[1024]; /* a bit for each port */
	uint64_t words[16];  /* a bit for each word of `free` that is not 0 */
	uint32_t n_free;
};

struct external {
	uint32_t address;     /* host order */
	struct ports *spaces; /* N_SPACES of them */
};

struct mapping {
	uint32_t external; /* index */
	uint32_t n_sessions;
	uint16_t port; /* host order */
	uint8_t space;
};

/* Addresses and ports as they stand in packets. */
struct session {
	uint32_t mapping;
	uint32_t inside, outside; /* outside: the external address */
	uint16_t inside_port, outside_port;
	uint16_t address_change, port_change; /* of the checksums, outwards */
	uint8_t fins;                         /* bit per enum side: it has sent its FIN */
	bool over;
	bool hairpin; /* the other end is an external address of this NAT */
};

/* From which side; also the key of a session, and the zone of the key. */
enum side { INSIDE, OUTSIDE };
enum { ZONE_MAPPING = 2 };

enum { IPV6_PASS, IPV6_DROP };

struct nat {
	struct flow_table *sessions; /* keys: as it comes from inside, as it comes from outside */
	struct flow_table *mappings; /* key: the inside endpoint as source; never times out */
	struct address_set inside, outside;
	struct external *external;
	size_t n_external;
	struct number_range ports;
	uint64_t timeout, closing; /* cycles */
	size_t ipv6;
	uint32_t seed;
	uint64_t translated[2]; /* by side of the sender */
	uint64_t errors, hairpins, passed, refused, no_port, full;
};

/* What is known of one packet of a burst. */
struct look {
	struct rte_mbuf *m;
	struct flow_key *key;
	uint32_t found;
	int verdict;  /* PASS: not yet judged */
	uint8_t kind; /* enum flow_kind */
	uint8_t side; /* enum side */
	bool plain;   /* goes on as it is */
	struct flow_inner inner;
};

/* ---- ports ---- */

static void ports_give(struct ports *p, unsigned port)
{
	p->free[port / 64] |= UINT64_C(1) << port % 64;
	p->words[port / 4096] |= UINT64_C(1) << port / 64 % 64;
	p->n_free++;
}

static bool ports_take_one(struct ports *p, unsigned port)
{
	uint64_t *word = &p->free[port / 64];

	if (!(*word >> port % 64 & 1))
		return false;
	*word &= ~(UINT64_C(1) << port % 64);
	if (!*word)
		p->words[port / 4096] &= ~(UINT64_C(1) << port / 64 % 64);
	p->n_free--;
	return true;
}

/* The first word from WORD on in which a port is free, or 1024. */
static unsigned next_word(const struct ports *p, unsigned word)
{
	uint64_t bits;

	if (word >= 1024)
		return 1024;
	bits = p->words[word / 64] & UINT64_MAX << word % 64;
	for (unsigned i = word / 64; i < 16; bits = i < 16 ? p->words[i] : 0)
		if (bits)
			return i * 64 + (unsigned)__builtin_ctzll(bits);
		else
			i++;
	return 1024;
}

/* The first free port from PORT on, or -1. */
static int next_port(const struct ports *p, unsigned port)
{
	unsigned word = port / 64;
	uint64_t bits = p->free[word] & UINT64_MAX << port % 64;

	if (!bits) {
		if ((word = next_word(p, word + 1)) == 1024)
			return -1;
		bits = p->free[word];
	}
	return (int)(word * 64 + (unsigned)__builtin_ctzll(bits));
}

/* At most 34 words are looked at. */
static int ports_take(struct ports *p, unsigned from)
{
	int port;

	if (!p->n_free)
		return -1;
	port = next_port(p, from);
	if (port < 0)
		port = next_port(p, 0);
	ports_take_one(p, (unsigned)port);
	return port;
}

static struct ports *ports_of(const struct nat *n, const struct mapping *m)
{
	return &n->external[m->external].spaces[m->space];
}

/* ---- opening ---- */

static void nat_close(void *state)
{
	struct nat *n = state;

	flow_table_close(n->sessions);
	flow_table_close(n->mappings);
	address_set_free(&n->inside);
	address_set_free(&n->outside);
	for (size_t i = 0; i < n->n_external; i++)
		free(n->external[i].spaces);
	free(n->external);
	free(n);
}

static bool open_set(const struct module_spec *spec, const char *name, const char *what,
		     struct address_set *set, struct module_error *e)
{
	struct prefixes given;
	bool made;

	if (!config_prefixes(spec, name, &given, e))
		return false;
	made = given.n && address_set_make(set, &given);
	if (!given.n)
		module_fail(e, "%s: a nat needs at least one %s", name, what);
	else if (!made)
		module_fail(e, "%s: no memory", name);
	prefixes_free(&given);
	return made;
}

static bool add_external(struct nat *n, uint32_t address)
{
	struct ports *spaces = calloc(N_SPACES, sizeof(*spaces));

	if (!spaces)
		return false;
	for (unsigned i = 0; i < N_SPACES; i++)
		for (uint32_t port = n->ports.lo; port <= n->ports.hi; port++)
			ports_give(&spaces[i], port);
	n->external[n->n_external++] = (struct external){ address, spaces };
	return true;
}

static bool check_external(const struct nat *n, struct module_error *e)
{
	uint64_t sum = 0;

	if (n->outside.n_v6)
		return module_fail(e, "external: a nat translates IPv4 only");
	for (size_t i = 0; i < n->outside.n_v4; i++)
		sum += (uint64_t)n->outside.v4[i].hi[3] - n->outside.v4[i].lo[3] + 1;
	if (sum > MOST_EXTERNAL)
		return module_fail(e, "external: a nat has at most %d addresses", MOST_EXTERNAL);
	return true;
}

static bool open_external(const struct module_spec *spec, struct nat *n, struct module_error *e)
{
	if (!open_set(spec, "external", "address", &n->outside, e) || !check_external(n, e))
		return false;
	if (!(n->external = calloc(MOST_EXTERNAL, sizeof(*n->external))))
		return module_fail(e, "external: no memory");
	for (size_t i = 0; i < n->outside.n_v4; i++) {
		const struct address_range *r = &n->outside.v4[i];

		for (uint64_t at = r->lo[3]; at <= r->hi[3]; at++) {
			if (address_set_has4(&n->inside, (uint32_t)at))
				return module_fail(e, "external: an address of it is also inside");
			if (!add_external(n, (uint32_t)at))
				return module_fail(e, "external: no memory");
		}
	}
	return true;
}

/* The last session of a mapping gives its port back. */
static void leave_mapping(struct nat *n, uint32_t mapping)
{
	struct mapping *m = flow_value(n->mappings, mapping);

	if (--m->n_sessions)
		return;
	ports_give(ports_of(n, m), m->port);
	flow_remove(n->mappings, mapping);
}

static void session_ended(void *arg, uint32_t flow)
{
	struct nat *n = arg;
	const struct session *s = flow_value(n->sessions, flow);

	leave_mapping(n, s->mapping);
}

static bool open_tables(const struct module_spec *spec, struct nat *n, struct module_error *e)
{
	struct flow_config c = { .n_keys = 1, .value_size = sizeof(struct mapping) };
	double n_flows;

	if (!config_number(spec, "flows", 1, 1 << 24, 65536, &n_flows, e) ||
	    !config_time(spec, "timeout", 120, &n->timeout, e))
		return false;
	n->closing = RTE_MIN(n->timeout, CLOSING_SECONDS * spec->world->hz);
	c.n_flows = (uint32_t)n_flows;
	if (!(n->mappings = flow_table_open(&c, e)))
		return false;
	c.n_keys = 2;
	c.value_size = sizeof(struct session);
	c.longest = n->timeout;
	c.ended = session_ended;
	c.arg = n;
	return (n->sessions = flow_table_open(&c, e));
}

static bool open_all(const struct module_spec *spec, struct nat *n, struct module_error *e)
{
	static const char *const names[] = { "external", "inside", "ports", "flows",
					     "timeout",  "ipv6",   NULL };
	static const char *const ipv6[] = { [IPV6_PASS] = "pass", [IPV6_DROP] = "drop", NULL };

	n->ports = (struct number_range){ 1024, 65535 };
	n->seed = (uint32_t)rte_rand();
	return config_known(spec, names, e) && config_word(spec, "ipv6", ipv6, &n->ipv6, e) &&
	       config_range(spec, "ports", 1, 65535, &n->ports, e) &&
	       open_set(spec, "inside", "prefix", &n->inside, e) && open_external(spec, n, e) &&
	       open_tables(spec, n, e);
}

static void *nat_open(const struct module_spec *spec, struct module_error *e)
{
	struct nat *n = calloc(1, sizeof(*n));

	if (!n) {
		module_fail(e, "no memory");
		return NULL;
	}
	if (open_all(spec, n, e))
		return n;
	nat_close(n);
	return NULL;
}

/* ---- checksums ---- */

static uint16_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)(sum + (sum >> 16));
}

/* What replacing one by the other adds to a sum (RFC 1624, equation 3: ~m + m'). */
static uint16_t change16(uint16_t from, uint16_t to)
{
	return fold((uint32_t)(uint16_t)~from + to);
}

static uint16_t change32(uint32_t from, uint32_t to)
{
	return fold((uint32_t)change16((uint16_t)from, (uint16_t)to) +
		    change16((uint16_t)(from >> 16), (uint16_t)(to >> 16)));
}

static uint16_t changed(uint16_t checksum, uint16_t change)
{
	return (uint16_t)~fold((uint32_t)(uint16_t)~checksum + change);
}

static uint16_t get16(const uint8_t *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static void put16(uint8_t *at, uint16_t value)
{
	memcpy(at, &value, sizeof(value));
}

/* ---- sessions ---- */

static enum space space_of(uint8_t proto)
{
	return proto == IPPROTO_TCP ? SPACE_TCP : proto == IPPROTO_UDP ? SPACE_UDP : SPACE_ECHO;
}

static struct flow_key mapping_key(const struct flow_key *inside)
{
	struct flow_key k = { .proto = inside->proto, .family = 4, .zone = ZONE_MAPPING };

	k.addr[0][3] = inside->addr[0][3];
	k.port[0] = inside->port[0];
	return k;
}

/* Adds a mapping whose port has been taken from its space, as yet without session. */
static uint32_t add_mapping(struct nat *n, const struct flow_key *key, const struct mapping *m)
{
	uint32_t flow = flow_add(n->mappings, key, rte_rdtsc() + INT64_MAX / 2);

	if (flow == FLOW_NONE)
		ports_give(ports_of(n, m), m->port);
	else
		*(struct mapping *)flow_value(n->mappings, flow) = *m;
	return flow;
}

static uint32_t new_mapping(struct nat *n, const struct flow_key *key)
{
	struct mapping m = { .external = key->addr[0][3] % (uint32_t)n->n_external,
			     .space = (uint8_t)space_of(key->proto) };
	uint32_t sum = rte_jhash(key, sizeof(*key), n->seed);
	int port = ports_take(ports_of(n, &m), n->ports.lo + sum % (n->ports.hi - n->ports.lo + 1));

	if (port < 0) {
		n->no_port++;
		return FLOW_NONE;
	}
	m.port = (uint16_t)port;
	return add_mapping(n, key, &m);
}

static uint32_t find_mapping(struct nat *n, const struct flow_key *inside, uint64_t now)
{
	struct flow_key key = mapping_key(inside);
	uint32_t found = flow_find(n->mappings, &key, now);

	return found == FLOW_NONE ? new_mapping(n, &key) : found >> 1;
}

static struct flow_key outside_key(const struct nat *n, const struct flow_key *inside,
				   const struct mapping *m)
{
	struct flow_key k = *inside;

	flow_flip(&k);
	k.zone = OUTSIDE;
	k.addr[1][3] = n->external[m->external].address;
	k.port[1] = m->port;
	if (m->space == SPACE_ECHO) /* the reply has the identifier of the request */
		k.port[0] = m->port;
	return k;
}

static void fill_session(const struct nat *n, struct session *s, const struct flow_key *keys)
{
	s->inside = htonl(keys[INSIDE].addr[0][3]);
	s->inside_port = htons(keys[INSIDE].port[0]);
	s->outside = htonl(keys[OUTSIDE].addr[1][3]);
	s->outside_port = htons(keys[OUTSIDE].port[1]);
	s->address_change = change32(s->inside, s->outside);
	s->port_change = change16(s->inside_port, s->outside_port);
	s->hairpin = address_set_has4(&n->outside, keys[INSIDE].addr[1][3]);
}

/* A packet from inside begins a session.  FLOW_NONE: a table or the ports are full. */
static uint32_t open_session(struct nat *n, const struct flow_key *inside, uint64_t now)
{
	uint32_t mapping = find_mapping(n, inside, now), flow;
	struct flow_key keys[2] = { *inside };
	struct mapping *m;
	struct session *s;

	if (mapping == FLOW_NONE)
		return FLOW_NONE;
	m = flow_value(n->mappings, mapping);
	m->n_sessions++;
	keys[OUTSIDE] = outside_key(n, inside, m);
	flow = flow_add(n->sessions, keys, now + n->timeout);
	if (flow == FLOW_NONE) {
		leave_mapping(n, mapping);
		return FLOW_NONE;
	}
	s = flow_value(n->sessions, flow);
	s->mapping = mapping;
	fill_session(n, s, keys);
	return flow;
}

static void follow_tcp(struct session *s, enum side side, uint8_t flags)
{
	if (flags & RTE_TCP_SYN_FLAG && side == INSIDE && s->over) {
		s->over = false; /* the same ports again, for a new connection */
		s->fins = 0;
	}
	if (flags & RTE_TCP_FIN_FLAG)
		s->fins |= (uint8_t)(1 << side);
	if (flags & RTE_TCP_RST_FLAG || s->fins == 3)
		s->over = true;
}

static void keep_session(struct nat *n, uint32_t flow, enum side side, const struct packet *p,
			 uint64_t now)
{
	struct session *s = flow_value(n->sessions, flow);

	if (p->proto == IPPROTO_TCP)
		follow_tcp(s, side, p->tcp_flags);
	flow_keep(n->sessions, flow, now + (s->over ? n->closing : n->timeout));
}

/* ---- rewriting ---- */

/* Layer 4 with its port (or identifier) at PORT_AT; ADDRESS is the change of the pseudo header. */
static void rewrite_l4(uint8_t *l4, uint8_t proto, unsigned port_at, uint16_t port,
		       uint16_t address, uint16_t ports)
{
	unsigned sum_at = proto == IPPROTO_TCP   ? offsetof(struct rte_tcp_hdr, cksum)
			  : proto == IPPROTO_UDP ? offsetof(struct rte_udp_hdr, dgram_cksum)
						 : offsetof(struct rte_icmp_hdr, icmp_cksum);
	uint16_t old = get16(l4 + sum_at);
	uint16_t sum =
	    changed(old, proto == IPPROTO_ICMP ? ports : fold((uint32_t)address + ports));

	put16(l4 + port_at, port);
	if (proto == IPPROTO_UDP)
		sum = !old ? 0 : sum ? sum : 0xffff;
	put16(l4 + sum_at, sum);
}

static unsigned port_offset(uint8_t proto, bool source)
{
	return proto == IPPROTO_ICMP ? offsetof(struct rte_icmp_hdr, icmp_ident) : source ? 0 : 2;
}

static uint32_t get_address(const struct rte_ipv4_hdr *ip, bool source)
{
	return source ? ip->src_addr : ip->dst_addr;
}

static void put_address(struct rte_ipv4_hdr *ip, bool source, uint32_t to, uint16_t change)
{
	if (source)
		ip->src_addr = to;
	else
		ip->dst_addr = to;
	ip->hdr_checksum = changed(ip->hdr_checksum, change);
}

/* A packet from inside gets another source, one from outside another destination. */
static void translate(struct rte_mbuf *m, const struct session *s, enum side side)
{
	struct packet *p = packet_of(m);
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, p->l3);
	bool source = side == INSIDE;
	uint16_t address = source ? s->address_change : (uint16_t)~s->address_change;
	uint16_t ports = source ? s->port_change : (uint16_t)~s->port_change;
	uint16_t port = source ? s->outside_port : s->inside_port;

	put_address(ip, source, source ? s->outside : s->inside, address);
	rewrite_l4(rte_pktmbuf_mtod_offset(m, uint8_t *, p->l4), p->proto,
		   port_offset(p->proto, source), port, address, ports);
	(source ? p->src : p->dst)[3] = ntohl(source ? s->outside : s->inside);
	if (p->proto != IPPROTO_ICMP)
		*(source ? &p->sport : &p->dport) = ntohs(port);
}

/* The quoted packet went the other way; of its layer 4 perhaps only 8 bytes are there. */
static void rewrite_quoted(uint8_t *l3, uint8_t *l4, const uint8_t *end, const struct session *s,
			   enum side side)
{
	struct rte_ipv4_hdr *ip = (void *)l3;
	bool source = side == OUTSIDE;
	uint32_t to = source ? s->inside : s->outside;
	uint16_t port = source ? s->inside_port : s->outside_port;
	uint16_t address = change32(get_address(ip, source), to);
	uint8_t *port_at = l4 + port_offset(ip->next_proto_id, source);

	put_address(ip, source, to, address);
	if (ip->next_proto_id == IPPROTO_TCP && end - l4 < 18)
		put16(port_at, port);
	else
		rewrite_l4(l4, ip->next_proto_id, (unsigned)(port_at - l4), port, address,
			   change16(get16(port_at), port));
}

/* An ICMP error: its own address on this side and the quoted packet.  The error's checksum covers
 * the quoted bytes; they begin at an even place of it, so their sums tell the difference. */
static void translate_error(const struct look *k, const struct session *s)
{
	struct packet *p = packet_of(k->m);
	uint8_t *bytes = rte_pktmbuf_mtod(k->m, uint8_t *);
	struct rte_ipv4_hdr *ip = (void *)(bytes + p->l3);
	uint8_t *l3 = bytes + k->inner.l3, *sum_at = bytes + p->l4 + 2;
	size_t n = k->inner.end - k->inner.l3;
	bool source = k->side == INSIDE;
	uint32_t to = source ? s->outside : s->inside;
	uint16_t before = rte_raw_cksum(l3, n);

	rewrite_quoted(l3, bytes + k->inner.l4, bytes + k->inner.end, s, (enum side)k->side);
	put16(sum_at, changed(get16(sum_at), change16(before, rte_raw_cksum(l3, n))));
	put_address(ip, source, to, change32(get_address(ip, source), to));
	(source ? p->src : p->dst)[3] = ntohl(to);
}

/* ---- packets ---- */

static int verdict_of_kind(const struct look *k, const struct packet *p)
{
	switch ((enum flow_kind)k->kind) {
	case FLOW_PORTS:
		return p->proto == IPPROTO_SCTP ? DROP_REFUSED : PASS;
	case FLOW_ECHO: /* requests go out, replies come in */
		return p->icmp_type == (k->side == INSIDE ? 8 : 0) ? PASS : DROP_REFUSED;
	case FLOW_ERROR:
		return PASS; /* has a session or not */
	case FLOW_BROKEN:
		return DROP_MALFORMED;
	case FLOW_ALIEN:
	case FLOW_FRAGMENT:
	case FLOW_BARE:
		break;
	}
	return DROP_REFUSED;
}

/* What is not IPv4 is not translated. */
static void look_at_alien(const struct nat *n, struct look *k, const struct packet *p)
{
	k->plain = true;
	if (p->present & PACKET_IP6)
		k->verdict = n->ipv6 == IPV6_PASS ? PASS : DROP_REFUSED;
	else if (p->eth_type == RTE_ETHER_TYPE_IPV4)
		k->verdict = DROP_MALFORMED;
}

static void look_at(const struct nat *n, struct look *k)
{
	const struct packet *p = packet_of(k->m);

	memset(k->key, 0, sizeof(*k->key));
	k->verdict = PASS;
	k->plain = false;
	if (!(p->present & PACKET_IP4)) {
		look_at_alien(n, k, p);
		return;
	}
	k->side = address_set_has4(&n->inside, p->src[3]) ? INSIDE : OUTSIDE;
	if (k->side == INSIDE && address_set_has4(&n->inside, p->dst[3])) {
		k->plain = true;
		return;
	}
	k->kind = (uint8_t)flow_key_of(k->m, k->key, &k->inner);
	if (k->kind == FLOW_ERROR)
		flow_flip(k->key);
	k->key->zone = k->side;
	k->verdict = verdict_of_kind(k, p);
}

/* To an external address, from behind one: comes back in at once. */
static int hairpin(struct nat *n, struct rte_mbuf *m, uint64_t now)
{
	struct flow_inner inner;
	struct flow_key key;
	uint32_t found;

	if (flow_key_of(m, &key, &inner) != FLOW_PORTS)
		return DROP_REFUSED;
	key.zone = OUTSIDE;
	if ((found = flow_find(n->sessions, &key, now)) == FLOW_NONE)
		return DROP_REFUSED;
	keep_session(n, found >> 1, OUTSIDE, packet_of(m), now);
	translate(m, flow_value(n->sessions, found >> 1), OUTSIDE);
	n->hairpins++;
	return PASS;
}

/* The session of a packet that has none that was found for the burst; FLOW_NONE: see *VERDICT. */
static uint32_t session_of(struct nat *n, const struct look *k, uint64_t now, int *verdict)
{
	uint32_t found = flow_find(n->sessions, k->key, now);
	bool is_reset = packet_of(k->m)->tcp_flags & RTE_TCP_RST_FLAG;

	if (found != FLOW_NONE)
		return found >> 1;
	*verdict = DROP_REFUSED;
	if (k->side == OUTSIDE || k->kind == FLOW_ERROR || is_reset)
		return FLOW_NONE;
	*verdict = DROP_FULL;
	return open_session(n, k->key, now);
}

static int handle(struct nat *n, const struct look *k, uint64_t now)
{
	uint32_t flow = k->found >> 1;
	const struct session *s;
	int verdict = PASS;

	if (k->found == FLOW_NONE && (flow = session_of(n, k, now, &verdict)) == FLOW_NONE)
		return verdict;
	s = flow_value(n->sessions, flow);
	if (k->kind == FLOW_ERROR) {
		translate_error(k, s);
		n->errors++;
		return PASS;
	}
	keep_session(n, flow, (enum side)k->side, packet_of(k->m), now);
	translate(k->m, s, (enum side)k->side);
	n->translated[k->side]++;
	return s->hairpin && k->side == INSIDE ? hairpin(n, k->m, now) : PASS;
}

static int judge(struct nat *n, const struct look *k, uint64_t now)
{
	int verdict = k->verdict;

	if (verdict == PASS && !k->plain)
		verdict = handle(n, k, now);
	n->passed += verdict == PASS && k->plain;
	n->refused += verdict == DROP_REFUSED;
	n->full += verdict == DROP_FULL;
	return verdict;
}

static void nat_run(void *state, struct burst *b)
{
	struct nat *n = state;
	struct flow_key keys[BURST];
	struct look looks[BURST];
	uint32_t found[BURST];
	unsigned n_kept = 0;

	flow_advance(n->sessions, b->now);
	for (unsigned i = 0; i < b->n; i++) {
		looks[i].m = b->at[i];
		looks[i].key = &keys[i];
		look_at(n, &looks[i]);
	}
	flow_lookup(n->sessions, keys, b->n, b->now, found);
	for (unsigned i = 0; i < b->n; i++) {
		int verdict;

		looks[i].found = found[i];
		verdict = judge(n, &looks[i], b->now);
		if (verdict == PASS)
			b->at[n_kept++] = b->at[i];
		else
			burst_drop(b, b->at[i], (enum drop_reason)verdict);
	}
	b->n = n_kept;
}

/* ---- other plans ---- */

static uint32_t external_index(const struct nat *n, uint32_t address)
{
	uint32_t i = 0;

	while (i < n->n_external && n->external[i].address != address)
		i++;
	return i;
}

/* The mapping of the old plan, with the same external address and port; FLOW_NONE: the new plan
 * has another address for it, or the port is not there any more. */
static uint32_t same_mapping(struct nat *n, const struct flow_key *keys, uint64_t now)
{
	struct flow_key key = mapping_key(&keys[INSIDE]);
	struct mapping m = { .external = external_index(n, keys[OUTSIDE].addr[1][3]),
			     .port = keys[OUTSIDE].port[1],
			     .space = (uint8_t)space_of(key.proto) };
	uint32_t found = flow_find(n->mappings, &key, now);

	if (found != FLOW_NONE)
		return found >> 1;
	if (m.external == n->n_external || !ports_take_one(ports_of(n, &m), m.port))
		return FLOW_NONE;
	return add_mapping(n, &key, &m);
}

static void adopt_session(struct nat *n, const struct nat *from, uint32_t flow, uint64_t now)
{
	const struct flow_key keys[2] = { *flow_key(from->sessions, flow, INSIDE),
					  *flow_key(from->sessions, flow, OUTSIDE) };
	uint32_t mapping, copy;
	struct session *s;

	if (!address_set_has4(&n->inside, keys[INSIDE].addr[0][3]))
		return;
	if ((mapping = same_mapping(n, keys, now)) == FLOW_NONE)
		return;
	((struct mapping *)flow_value(n->mappings, mapping))->n_sessions++;
	copy = flow_copy(n->sessions, from->sessions, flow, now, n->timeout);
	if (copy == FLOW_NONE) {
		leave_mapping(n, mapping);
		return;
	}
	s = flow_value(n->sessions, copy);
	s->mapping = mapping;
	s->hairpin = address_set_has4(&n->outside, keys[INSIDE].addr[1][3]);
}

static void nat_adopt(void *state, void *old)
{
	struct nat *n = state, *from = old;
	uint64_t now = rte_rdtsc();

	n->seed = from->seed;
	for (uint32_t i = 0; (i = flow_next(from->sessions, i)) != FLOW_NONE; i++)
		adopt_session(n, from, i, now);
}

static size_t nat_counters(const void *state, struct module_counter *to)
{
	const struct nat *n = state;
	const struct module_counter all[] = {
		{ "flows", flow_count(n->sessions) },
		{ "mappings", flow_count(n->mappings) },
		{ "translated_out", n->translated[INSIDE] },
		{ "translated_in", n->translated[OUTSIDE] },
		{ "errors", n->errors },
		{ "hairpins", n->hairpins },
		{ "passed", n->passed },
		{ "refused", n->refused },
		{ "expired", flow_expired(n->sessions) },
		{ "full", n->full },
		{ "no_port", n->no_port },
	};

	memcpy(to, all, sizeof(all));
	return RTE_DIM(all);
}

const struct module_ops module_nat = {
	.class = "nat",
	.summary = "translates inside addresses and ports to external ones, and back",
	.open = nat_open,
	.close = nat_close,
	.run = nat_run,
	.adopt = nat_adopt,
	.counters = nat_counters,
};
