/* A connected TCP socket that does not block, as it is or under TLS: the only file that speaks
 * OpenSSL for connections is tls.c.  The process must ignore SIGPIPE, since OpenSSL and splice do
 * not know MSG_NOSIGNAL.
 *
 * Under TLS bytes may be left in OpenSSL that epoll does not know: after EPOLLIN read until
 * STREAM_AGAIN. */
#ifndef EPIC_SOCKS_STREAM_H
#define EPIC_SOCKS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct ssl_st;

struct stream {
	int fd; /* -1: none */
	struct ssl_st *tls;
};

enum { STREAM_END = 0, STREAM_AGAIN = -1, STREAM_BROKEN = -2 };

/* > 0: bytes; else one of the above; errno is set for STREAM_BROKEN.  TLS without close_notify
 * before the end is STREAM_BROKEN: it may be cut. */
ssize_t stream_recv(struct stream *, void *, size_t);
ssize_t stream_send(struct stream *, const void *, size_t);
/* What epoll must wait for beside the obvious: EPOLLOUT if receiving wants to write and so on; 0
 * for plain streams. */
uint32_t stream_wants(const struct stream *);
bool stream_holds(const struct stream *); /* bytes, or an end, that epoll does not know */
/* No more bytes to the other side: close_notify, then FIN.  1: done; STREAM_AGAIN: there is no room
 * for close_notify yet, once more when the socket can be written; STREAM_BROKEN. */
int stream_finish(struct stream *);
void stream_close(struct stream *); /* fd becomes -1 */
void stream_reset(struct stream *); /* with RST */
/* Low delay (no Nagle); keep-alive probes.  Errors do not matter.  Accepted sockets have both from
 * their listener. */
void stream_hurry(int fd);
void stream_keep_alive(int fd);

/* ---- TLS 1.2 and 1.3 ---- */

struct tls_side; /* shared by threads */

struct tls_error {
	char text[256];
};

struct tls_files {
	const char *certificate, *certificate_key; /* paths, PEM; NULL: none */
	const char
	    *authority; /* peers must show a certificate of this authority; NULL: any or none */
};

/* NULL: *ERROR says which file and why; else it is empty, or a warning about a certificate that is
 * not valid today.  A server needs a certificate.  Keys are read once; a reload makes a new side.
 * A client accepts whatever certificate the authority signed whose names include the address or
 * name it asked for, or, between proxies that know each other by the authority alone, any (NAME
 * NULL below). */
struct tls_side *tls_server(const struct tls_files *, struct tls_error *);
struct tls_side *tls_client(const struct tls_files *, struct tls_error *);
struct tls_side *tls_hold(struct tls_side *);
void tls_drop(struct tls_side *); /* NULL is fine */

/* Puts the stream under TLS; then stream_shake until it is no longer STREAM_AGAIN.  CLIENT_NAME:
 * of the server, for SNI and the check. */
bool stream_tls_accept(struct stream *, struct tls_side *);
bool stream_tls_connect(struct stream *, struct tls_side *, const char *client_name);
/* 1: done; STREAM_AGAIN; STREAM_BROKEN: *ERROR says why. */
int stream_shake(struct stream *, struct tls_error *);
/* The subject of the peer's verified certificate, as one line; false: none was shown. */
bool stream_peer(const struct stream *, char *buf, size_t room);

#endif
