/* The file of --functions: how the functions of a proxy are set up, beside the policy.
 *
 *	{
 *	  "settings": { "std.bridges.seal": { "keys": "/etc/epic/keys" } },
 *	  "classes":  { "hospital.anonymise": "exec" },
 *	  "links":    { "hospital.scanner": "socks6://127.0.0.1:9000" }
 *	}
 *
 * `settings` are the class's own, `classes` overrules the policy's socks-class, `links` says that
 *the function runs in another process, and where. */
#ifndef EPIC_SOCKS_SETTINGS_H
#define EPIC_SOCKS_SETTINGS_H

#include "runtime/core/json_read.h"
#include "runtime/socks/wire.h"

struct settings;
struct setup_error;

struct settings *settings_read(const char *path, struct setup_error *); /* NULL: *ERROR */
void settings_free(struct settings *);                                  /* NULL is fine */
/* Of the function NAME; NULL or false where nothing is said, or SETTINGS is NULL. */
const struct tree_node *settings_of(const struct settings *, const char *name);
const char *settings_class(const struct settings *, const char *name);
bool settings_link(const struct settings *, const char *name, struct wire_address *);
/* All names of functions in it; some more than once. */
size_t settings_count(const struct settings *);
const char *settings_name(const struct settings *, size_t i);

#endif
