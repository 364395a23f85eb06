/* What stream.c does not do by itself when a stream is under TLS; private to it. */
#ifndef EPIC_SOCKS_TLS_H
#define EPIC_SOCKS_TLS_H

#include "runtime/socks/stream.h"

ssize_t tls_recv(struct ssl_st *, void *, size_t);
ssize_t tls_send(struct ssl_st *, const void *, size_t);
uint32_t tls_wants(const struct ssl_st *);
bool tls_holds(const struct ssl_st *);
int tls_finish(struct ssl_st *); /* close_notify; as stream_finish */
void tls_free(struct ssl_st *);

#endif
