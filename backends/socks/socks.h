/* chains.txt: the chain table of a SOCKS proxy, for people and diffs; the runtime reads
 * the same table from the plan. */
#ifndef EPIC_BACKEND_SOCKS_H
#define EPIC_BACKEND_SOCKS_H

#include "backends/backend.h"

extern const struct backend backend_socks;

#endif
