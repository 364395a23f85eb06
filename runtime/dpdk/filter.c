#include <config.h>

#include "runtime/dpdk/filter_private.h"

/* Evaluation, straight from the words of the filter. */

static bool at_least(const uint32_t a[4], const uint32_t b[4])
{
	for (unsigned i = 0; i < 4; i++)
		if (a[i] != b[i])
			return a[i] > b[i];
	return true;
}

static bool in_address(const struct filter_range *r, const struct packet *p, const uint32_t at[4])
{
	uint32_t bit = r->family == 4 ? PACKET_IP4 : PACKET_IP6;

	return p->present & bit && at_least(at, r->lo) && at_least(r->hi, at);
}

static bool in_number(const struct filter_range *r, uint64_t value)
{
	return value >= ((uint64_t)r->lo[2] << 32 | r->lo[3]) &&
	       value <= ((uint64_t)r->hi[2] << 32 | r->hi[3]);
}

/* The value of a field that is no address; false: the packet has none. */
static bool field_value(const struct filter *f, const struct packet *p, uint64_t *v)
{
	uint32_t bits = PACKET_IP;

	switch (f->field) {
	case FIELD_ETH_SRC:
		*v = p->eth_src, bits = PACKET_ETH;
		break;
	case FIELD_ETH_DST:
		*v = p->eth_dst, bits = PACKET_ETH;
		break;
	case FIELD_ETH_TYPE:
		*v = p->eth_type, bits = PACKET_ETH;
		break;
	case FIELD_VLAN_ID:
		*v = p->vlan, bits = PACKET_VLAN;
		break;
	case FIELD_IP_PROTO:
		*v = p->proto;
		break;
	case FIELD_IP_DSCP:
		*v = p->dscp;
		break;
	case FIELD_IP_TTL:
		*v = p->ttl;
		break;
	case FIELD_IP_FRAG:
		*v = p->frag;
		break;
	case FIELD_L4_SPORT:
		*v = p->sport, bits = PACKET_L4;
		break;
	case FIELD_L4_DPORT:
		*v = p->dport, bits = PACKET_L4;
		break;
	case FIELD_TCP_FLAGS:
		*v = p->tcp_flags, bits = PACKET_TCP;
		break;
	case FIELD_ICMP_TYPE:
		*v = p->icmp_type, bits = PACKET_ICMP;
		break;
	case FIELD_ICMP_CODE:
		*v = p->icmp_code, bits = PACKET_ICMP;
		break;
	case FIELD_PORT_IN:
		*v = p->device;
		return true;
	case FIELD_TAG:
		*v = p->tags[f->tag];
		return p->tags[f->tag] != PACKET_NO_TAG;
	default:
		return false;
	}
	return p->present & bits;
}

static bool address_holds(const struct filter *f, const struct packet *p)
{
	const uint32_t *at = f->field == FIELD_IP_SRC ? p->src : p->dst;

	for (size_t i = 0; i < f->n_ranges; i++)
		if (in_address(&f->ranges[i], p, at))
			return true;
	return false;
}

static bool comparison_holds(const struct filter *f, const struct packet *p)
{
	uint64_t value;

	if (filter_is_wide(f->field))
		return address_holds(f, p);
	if (!field_value(f, p, &value))
		return false;
	for (size_t i = 0; i < f->n_ranges; i++)
		if (in_number(&f->ranges[i], value))
			return true;
	return false;
}

/* Whether any part comes out as WANTED. */
static bool any_part(const struct filter *f, const struct packet *p, bool wanted)
{
	for (size_t i = 0; i < f->n_parts; i++)
		if (filter_holds(f->parts[i], p) == wanted)
			return true;
	return false;
}

bool filter_holds(const struct filter *f, const struct packet *p)
{
	switch (f->kind) {
	case FILTER_TRUE:
		return true;
	case FILTER_FALSE:
		return false;
	case FILTER_IN:
		return comparison_holds(f, p);
	case FILTER_NOT:
		return !filter_holds(f->parts[0], p);
	case FILTER_AND:
		return !any_part(f, p, false);
	case FILTER_OR:
		return any_part(f, p, true);
	}
	return false;
}
