/* nginx.conf: a reverse proxy, mode stream or http. */
#ifndef EPIC_BACKEND_NGINX_H
#define EPIC_BACKEND_NGINX_H

#include "backends/backend.h"

extern const struct backend backend_nginx;

#endif
