/* What functions share when they read their settings.
 *
 * SETTINGS may be NULL: there are none.  A member that is missing leaves the value alone.  False:
 * *ERROR names the member by its path. */
#ifndef EPIC_SOCKS_FUNCTION_SETTINGS_H
#define EPIC_SOCKS_FUNCTION_SETTINGS_H

#include "runtime/core/json_read.h"
#include "runtime/socks/function.h"
#include "runtime/socks/prefix.h"

/* KEYS end with NULL; other members are errors. */
bool settings_only(const struct tree_node *settings, const char *const *keys, struct tree_error *);
bool settings_truth(const struct tree_node *settings, const char *key, bool *, struct tree_error *);
bool settings_integer(const struct tree_node *settings, const char *key, int64_t low, int64_t high,
		      int64_t *, struct tree_error *);
bool settings_text(const struct tree_node *settings, const char *key, const char **,
		   struct tree_error *);
/* One of the NAMES, which end with NULL; *WHICH is its index. */
bool settings_choice(const struct tree_node *settings, const char *key, const char *const *names,
		     size_t *which, struct tree_error *);
bool settings_prefix(const struct tree_node *settings, const char *key, struct prefix *,
		     struct tree_error *);

struct prefixes {
	struct prefix *at;
	size_t n;
};

bool settings_prefixes(const struct tree_node *settings, const char *key, struct prefixes *,
		       struct tree_error *);
bool prefixes_hold(const struct prefixes *, const struct wire_address *);

enum { SETTINGS_MOST_PORTS = 32 };

struct ports {
	struct {
		uint16_t low, high;
	} at[SETTINGS_MOST_PORTS];
	size_t n;
};

/* `443,8000-8999`. */
bool settings_ports(const struct tree_node *settings, const char *key, struct ports *,
		    struct tree_error *);
bool ports_hold(const struct ports *, uint16_t port);

/* Always NULL, with *ERROR. */
void *settings_refuse(const char *what, struct function_error *);

/* The address without its port. */
enum { SETTINGS_HOST_ROOM = 64 };
const char *settings_host(const struct wire_address *, char out[SETTINGS_HOST_ROOM]);

#endif
