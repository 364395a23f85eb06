/* What the files of the redirector share. */
#ifndef EPIC_SOCKS_REDIRECT_RULES_H
#define EPIC_SOCKS_REDIRECT_RULES_H

#include <stdbool.h>

enum { REDIRECT_ROUTES = 17744 }; /* number of the routing table for TPROXY */

bool redirect_table_valid(const char *name);

#endif
