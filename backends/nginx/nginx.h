/* nginx.conf: a reverse proxy, mode stream or http (doc/language.md 6).
 *
 * nginx takes the file as it is: nginx -p FOLDER -c nginx.conf, as root or not.  Each
 * listener lets in the sources of its flow and nobody else.  In mode http with a
 * certificate, TLS is spoken on both sides; the server's certificate is not verified,
 * since a policy names no authority for it. */
#ifndef EPIC_BACKEND_NGINX_H
#define EPIC_BACKEND_NGINX_H

#include "backends/backend.h"

extern const struct backend backend_nginx;

#endif
