/* Rational numbers, the only numbers of the language until the solver.
 *
 * Kept reduced, the denominator positive.  Both parts have 127 bits; when an
 * operation does not fit, its operands are rounded to 62 bits behind the point (fewer
 * if they are large), which keeps far more digits than the plan prints. */
#ifndef EPIC_BASE_RAT_H
#define EPIC_BASE_RAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rat {
	__int128 num, den;
};

/* A number rounded half to even to a multiple of 10^-9, as the plan has it. */
struct dec {
	__int128 nano;
};

#define RAT_ZERO ((struct rat){ 0, 1 })
#define RAT_ONE ((struct rat){ 1, 1 })

struct rat rat_int(int64_t);
struct rat rat_uint(uint64_t);
struct rat rat_make(__int128 num, __int128 den); /* den != 0 */

struct rat rat_add(struct rat, struct rat);
struct rat rat_sub(struct rat, struct rat);
struct rat rat_mul(struct rat, struct rat);
struct rat rat_div(struct rat, struct rat); /* divisor != 0 */

int rat_cmp(struct rat, struct rat); /* as strcmp */
int rat_sign(struct rat);
bool rat_is_int(struct rat);
double rat_double(struct rat);

/* Reads digits with an optional fraction ("0.31"); underscores are skipped.
 * False if the number does not fit. */
bool rat_parse(const char *, size_t length, struct rat *);

struct dec rat_dec(struct rat);

enum { DEC_TEXT_SIZE = 48 };
/* Without exponent and without trailing zeros. */
const char *dec_text(struct dec, char buf[DEC_TEXT_SIZE]);
const char *rat_text(struct rat, char buf[DEC_TEXT_SIZE]);

#endif
