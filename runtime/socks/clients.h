/* How many connections each client has: a limit, shared by threads. */
#ifndef EPIC_SOCKS_CLIENTS_H
#define EPIC_SOCKS_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/socks/wire.h"

struct clients;

/* MOST_EACH, MOST: 0 for no limit.  An IPv6 client is its /64. */
struct clients *clients_open(size_t most_each, size_t most);
void clients_close(struct clients *);
/* One more; false: it would be too many, nothing is counted. */
bool clients_enter(struct clients *, const struct wire_address *);
void clients_leave(struct clients *, const struct wire_address *);
size_t clients_count(struct clients *); /* connections of all */

#endif
