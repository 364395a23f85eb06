/* The rates seen, in the form in which a policy can use them.
 *
 *	edition 1;
 *	module rates;
 *	let voip-rate = 1234567pps;
 *	let voip-packet = 212B;
 *
 * Written to a file rates.epi beside the policy, `use rates;` makes them `rates.voip-rate` and
 * `rates.voip-packet`, for the properties `rate` and `packet` of a class. */
#ifndef EPIC_DPDK_RATES_H
#define EPIC_DPDK_RATES_H

#include <stdio.h>

#include "runtime/dpdk/stats.h"

/* For every class by name the packets per second that were of it since the plan is in force, and
 * their mean size where there were any; not for `rest` and `undecided`.  A class of another module
 * has `__` for each dot of its name, and one whose name begins with `_` has `class` in front.  What
 * devices missed was not seen.  False: no time has passed, or OUT failed. */
bool rates_write(const struct stats *, FILE *out);

#endif
