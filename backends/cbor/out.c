#include <config.h>

#include "backends/cbor/out.h"

#include <assert.h>
#include <cbor.h>
#include <math.h>
#include <string.h>

enum { SELF_DESCRIBED = 55799, NANO = 1000000000, DOUBLE_BITS = 53 };

/* No head, and no float with its head, is longer. */
enum { HEAD_SIZE = 9 };

static void put_head(struct sink *s, const unsigned char *head, size_t size)
{
	assert(size > 0 && size <= HEAD_SIZE);
	sink_put(s, head, size);
}

void cbor_put_self_described(struct sink *s)
{
	unsigned char head[HEAD_SIZE];

	put_head(s, head, cbor_encode_tag(SELF_DESCRIBED, head, sizeof(head)));
}

void cbor_put_null(struct sink *s)
{
	unsigned char head[HEAD_SIZE];

	put_head(s, head, cbor_encode_null(head, sizeof(head)));
}

void cbor_put_bool(struct sink *s, bool truth)
{
	unsigned char head[HEAD_SIZE];

	put_head(s, head, cbor_encode_bool(truth, head, sizeof(head)));
}

static void put_uint(struct sink *s, uint64_t value)
{
	unsigned char head[HEAD_SIZE];

	put_head(s, head, cbor_encode_uint(value, head, sizeof(head)));
}

/* The number -1 - VALUE. */
static void put_negative(struct sink *s, uint64_t value)
{
	unsigned char head[HEAD_SIZE];

	put_head(s, head, cbor_encode_negint(value, head, sizeof(head)));
}

void cbor_put_int(struct sink *s, int64_t value)
{
	if (value < 0)
		put_negative(s, (uint64_t) - (value + 1));
	else
		put_uint(s, (uint64_t)value);
}

void cbor_put_text(struct sink *s, const char *text)
{
	unsigned char head[HEAD_SIZE];
	size_t size = strlen(text);

	put_head(s, head, cbor_encode_string_start(size, head, sizeof(head)));
	sink_put(s, text, size);
}

void cbor_put_list(struct sink *s, size_t n)
{
	unsigned char head[HEAD_SIZE];

	put_head(s, head, cbor_encode_array_start(n, head, sizeof(head)));
}

void cbor_put_object(struct sink *s, size_t n)
{
	unsigned char head[HEAD_SIZE];

	put_head(s, head, cbor_encode_map_start(n, head, sizeof(head)));
}

/* Whether binary16 holds F as a normal number.  Its subnormals are multiples of 2^-24 below
 * 2^-14 and no multiple of 10^-9, so the plan never needs them. */
static bool fits_half(float f)
{
	uint32_t bits;

	memcpy(&bits, &f, sizeof(bits));
	return fabsf(f) >= 0x1p-14f && fabsf(f) <= 65504.0f && !(bits & 0x1fff);
}

static void put_float(struct sink *s, double value)
{
	unsigned char head[HEAD_SIZE];
	float single = (float)value;

	if ((double)single != value)
		put_head(s, head, cbor_encode_double(value, head, sizeof(head)));
	else if (!fits_half(single))
		put_head(s, head, cbor_encode_single(single, head, sizeof(head)));
	else
		put_head(s, head, cbor_encode_half(single, head, sizeof(head)));
}

void cbor_put_dec(struct sink *s, struct dec number)
{
	__int128 whole = number.nano / NANO;

	if (number.nano % NANO)
		put_float(s, dec_nearest(number));
	else if (whole >= 0 && whole <= (__int128)UINT64_MAX)
		put_uint(s, (uint64_t)whole);
	else if (whole < 0 && -1 - whole <= (__int128)UINT64_MAX)
		put_negative(s, (uint64_t)(-1 - whole));
	else
		put_float(s, dec_nearest(number));
}

int cbor_key_cmp(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);

	/* The head holds the length, so a shorter key has the smaller head. */
	return n != m ? (n < m ? -1 : 1) : memcmp(a, b, n);
}

static int bit_length(unsigned __int128 x)
{
	int n = 0;

	for (; x; x >>= 1)
		n++;
	return n;
}

double dec_nearest(struct dec number)
{
	unsigned __int128 m =
	    number.nano < 0 ? -(unsigned __int128)number.nano : (unsigned __int128)number.nano;
	unsigned __int128 q = m / NANO, rest = m % NANO;
	int exponent = 0, spare;
	bool up;

	if (!m)
		return 0;
	/* Divides on in binary until two more bits are there than a double keeps. */
	for (; bit_length(q) < DOUBLE_BITS + 2; exponent--) {
		rest *= 2;
		q = 2 * q + (rest >= NANO);
		rest -= rest >= NANO ? NANO : 0;
	}
	spare = bit_length(q) - DOUBLE_BITS;
	unsigned __int128 low = q & (((unsigned __int128)1 << spare) - 1);
	unsigned __int128 half = (unsigned __int128)1 << (spare - 1);

	q >>= spare;
	up = low > half || (low == half && (rest || (q & 1)));
	q += up;
	return copysign(ldexp((double)(uint64_t)q, exponent + spare), number.nano < 0 ? -1 : 1);
}
