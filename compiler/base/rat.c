#include <config.h>

#include "compiler/base/rat.h"

#include <assert.h>
#include <string.h>

typedef unsigned __int128 u128;

enum { NANO = 1000000000 };

static u128 magnitude(__int128 x)
{
	return x < 0 ? -(u128)x : (u128)x;
}

static u128 gcd(u128 a, u128 b)
{
	while (b) {
		u128 t = a % b;

		a = b;
		b = t;
	}
	return a;
}

static int bit_length(u128 x)
{
	uint64_t high = (uint64_t)(x >> 64), low = (uint64_t)x;

	if (high)
		return 128 - __builtin_clzll(high);
	return low ? 64 - __builtin_clzll(low) : 0;
}

enum { KEPT = 62 }; /* bits, so that products of two fit */

/* The nearest multiple of a power of 2 with about KEPT bits in its numerator and no
 * more in its denominator.  Beyond 2^KEPT it saturates. */
static struct rat shorten(struct rat r)
{
	u128 num = magnitude(r.num), den = (u128)r.den, q = num / den, rest = num % den;
	int shift = 0;

	if (bit_length(num) <= KEPT && bit_length(den) <= KEPT)
		return r;
	for (; bit_length(q) < KEPT && shift < KEPT; shift++) {
		q = q << 1 | (rest >= den - rest);
		rest = rest >= den - rest ? rest - (den - rest) : rest << 1;
	}
	q += rest >= den - rest;
	if (bit_length(q) > KEPT)
		q = ((u128)1 << KEPT) - 1;
	return rat_make(r.num < 0 ? -(__int128)q : (__int128)q, (__int128)1 << shift);
}

struct rat rat_make(__int128 num, __int128 den)
{
	u128 g = gcd(magnitude(num), magnitude(den));

	assert(den != 0);
	if (den < 0) {
		num = -num;
		den = -den;
	}
	if (g > 1) {
		num /= (__int128)g;
		den /= (__int128)g;
	}
	return (struct rat){ num, den };
}

struct rat rat_int(int64_t i)
{
	return (struct rat){ i, 1 };
}

struct rat rat_uint(uint64_t i)
{
	return (struct rat){ (__int128)i, 1 };
}

/* What does not fit is shortened as it came: reduced crosswise, a part may be so much
 * smaller than the other that nothing of it would be left. */
struct rat rat_mul(struct rat a, struct rat b)
{
	for (;;) {
		struct rat x = rat_make(a.num, b.den), y = rat_make(b.num, a.den);
		__int128 num, den;

		if (!__builtin_mul_overflow(x.num, y.num, &num) && !__builtin_mul_overflow(x.den, y.den, &den))
			return rat_make(num, den);
		a = shorten(a);
		b = shorten(b);
	}
}

struct rat rat_div(struct rat a, struct rat b)
{
	assert(b.num != 0);
	return rat_mul(a, rat_make(b.den, b.num));
}

struct rat rat_add(struct rat a, struct rat b)
{
	for (;;) {
		__int128 g = (__int128)gcd((u128)a.den, (u128)b.den);
		__int128 x, y, num, den;

		if (!__builtin_mul_overflow(a.num, b.den / g, &x) &&
		    !__builtin_mul_overflow(b.num, a.den / g, &y) &&
		    !__builtin_add_overflow(x, y, &num) &&
		    !__builtin_mul_overflow(a.den, b.den / g, &den))
			return rat_make(num, den);
		a = shorten(a);
		b = shorten(b);
	}
}

struct rat rat_sub(struct rat a, struct rat b)
{
	return rat_add(a, (struct rat){ -b.num, b.den });
}

int rat_sign(struct rat r)
{
	return (r.num > 0) - (r.num < 0);
}

/* Compares a/b with c/d, all positive, by their continued fractions. */
static int compare_positive(u128 a, u128 b, u128 c, u128 d)
{
	int sign = 1;

	for (;;) {
		u128 p = a / b, q = c / d;

		if (p != q)
			return p < q ? -sign : sign;
		a %= b;
		c %= d;
		if (!a || !c)
			return !a && !c ? 0 : (!a ? -sign : sign);
		/* a/b < c/d iff b/a > d/c */
		u128 t = a;

		a = b;
		b = t;
		t = c;
		c = d;
		d = t;
		sign = -sign;
	}
}

int rat_cmp(struct rat a, struct rat b)
{
	int s = rat_sign(a), t = rat_sign(b);

	if (s != t)
		return s < t ? -1 : 1;
	if (s == 0)
		return 0;
	return s * compare_positive(magnitude(a.num), (u128)a.den, magnitude(b.num), (u128)b.den);
}

bool rat_is_int(struct rat r)
{
	return r.den == 1;
}

double rat_double(struct rat r)
{
	return (double)((long double)r.num / (long double)r.den);
}

bool rat_parse(const char *s, size_t length, struct rat *r)
{
	__int128 num = 0, den = 1;
	bool fraction = false;

	for (size_t i = 0; i < length; i++) {
		if (s[i] == '_')
			continue;
		if (s[i] == '.') {
			fraction = true;
			continue;
		}
		if (__builtin_mul_overflow(num, 10, &num) ||
		    __builtin_add_overflow(num, s[i] - '0', &num))
			return false;
		if (fraction && __builtin_mul_overflow(den, 10, &den))
			return false;
	}
	*r = rat_make(num, den);
	return true;
}

struct dec rat_dec(struct rat r)
{
	u128 den = (u128)r.den, whole = magnitude(r.num) / den, rest = magnitude(r.num) % den, nano;
	int excess = bit_length(den) - 96; /* so that times NANO fits */

	if (excess > 0) {
		rest >>= excess;
		den >>= excess;
	}
	rest *= NANO;
	nano = rest / den;
	rest %= den;
	if (2 * rest > den || (2 * rest == den && (nano & 1)))
		nano++;
	nano += whole * NANO;
	return (struct dec){ r.num < 0 ? -(__int128)nano : (__int128)nano };
}

const char *dec_text(struct dec d, char buf[DEC_TEXT_SIZE])
{
	u128 m = magnitude(d.nano), whole = m / NANO;
	unsigned fraction = (unsigned)(m % NANO);
	char *p = buf + DEC_TEXT_SIZE;
	int digits = 9;

	*--p = '\0';
	if (fraction) {
		for (; fraction % 10 == 0; fraction /= 10)
			digits--;
		for (; digits; digits--, fraction /= 10)
			*--p = (char)('0' + fraction % 10);
		*--p = '.';
	}
	do
		*--p = (char)('0' + (int)(whole % 10));
	while (whole /= 10);
	if (d.nano < 0)
		*--p = '-';
	return memmove(buf, p, strlen(p) + 1);
}

const char *rat_text(struct rat r, char buf[DEC_TEXT_SIZE])
{
	return dec_text(rat_dec(r), buf);
}
