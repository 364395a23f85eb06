#include <config.h>

#include "runtime/socks/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

/* What a connection remembers of its last calls, in OpenSSL's slot for the application. */
enum {
	RECV_WANTS_OUT = 1,
	SEND_WANTS_IN = 2,
	SHAKE_WANTS_IN = 4,
	SHAKE_WANTS_OUT = 8,
	BROKEN = 16 /* OpenSSL allows no further call but SSL_free */
};

struct tls_side {
	SSL_CTX *context;
	bool checks; /* peers must show a certificate */
	atomic_uint holders;
};

/* ---- errors ---- */

__attribute__((format(printf, 2, 3))) static bool refuse(struct tls_error *error,
							 const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	ERR_clear_error();
	return false;
}

/* Of what OpenSSL reported first; the later ones only say who called whom. */
static const char *reason(void)
{
	unsigned long code = ERR_peek_error();
	const char *text = code ? ERR_reason_error_string(code) : NULL;

	return text ? text : "no reason was given";
}

static bool is_readable(const char *what, const char *path, struct tls_error *error)
{
	FILE *f = fopen(path, "re");
	int first = f ? getc(f) : EOF;
	int e = errno;
	bool fails = !f || (first == EOF && ferror(f));

	if (f)
		fclose(f);
	if (fails)
		return refuse(error, "%s %s: %s", what, path, strerror(e));
	if (first == EOF)
		return refuse(error, "%s %s: the file is empty", what, path);
	return true;
}

/* ---- sides ---- */

/* Nobody is asked on a terminal. */
static int no_passphrase(char *buffer, int room, int writing, void *arg)
{
	(void)buffer;
	(void)room;
	(void)writing;
	(void)arg;
	return -1;
}

static bool use_certificate(SSL_CTX *c, const char *path, struct tls_error *error)
{
	if (!is_readable("certificate", path, error))
		return false;
	if (SSL_CTX_use_certificate_chain_file(c, path) == 1)
		return true;
	return refuse(error, "certificate %s: no certificate in PEM form (%s)", path, reason());
}

static bool is_mismatch(unsigned long code)
{
	int r = ERR_GET_REASON(code);

	return ERR_GET_LIB(code) == ERR_LIB_X509 &&
	       (r == X509_R_KEY_VALUES_MISMATCH || r == X509_R_KEY_TYPE_MISMATCH);
}

static bool use_key(SSL_CTX *c, const struct tls_files *files, struct tls_error *error)
{
	const char *path = files->certificate_key;

	if (!path)
		return refuse(error, "certificate %s: its key is missing", files->certificate);
	if (!is_readable("key", path, error))
		return false;
	if (SSL_CTX_use_PrivateKey_file(c, path, SSL_FILETYPE_PEM) == 1 &&
	    SSL_CTX_check_private_key(c) == 1)
		return true;
	if (is_mismatch(ERR_peek_error()) || SSL_CTX_get0_privatekey(c))
		return refuse(error, "key %s: it does not fit the certificate %s", path,
			      files->certificate);
	return refuse(error, "key %s: no unencrypted private key in PEM form (%s)", path, reason());
}

static bool use_authority(SSL_CTX *c, bool server, const char *path, struct tls_error *error)
{
	int mode = SSL_VERIFY_PEER | (server ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0);

	if (!is_readable("authority", path, error))
		return false;
	if (SSL_CTX_load_verify_file(c, path) != 1)
		return refuse(error, "authority %s: no certificate in PEM form (%s)", path,
			      reason());
	if (server)
		SSL_CTX_set_client_CA_list(c, SSL_load_client_CA_file(path));
	SSL_CTX_set_verify(c, mode, NULL);
	return true;
}

/* Clocks may be wrong and certificates are renewed late: whoever checks it refuses it anyhow. */
static void warn_of_dates(SSL_CTX *c, const char *path, struct tls_error *error)
{
	const X509 *x = SSL_CTX_get0_certificate(c);

	if (x && X509_cmp_current_time(X509_get0_notAfter(x)) < 0)
		refuse(error, "certificate %s: it has expired", path);
	else if (x && X509_cmp_current_time(X509_get0_notBefore(x)) > 0)
		refuse(error, "certificate %s: it is not valid yet", path);
}

static bool context_fill(SSL_CTX *c, bool server, const struct tls_files *files,
			 struct tls_error *error)
{
	static const unsigned char id[] = "epic-socksd";

	SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
	SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_default_passwd_cb(c, no_passphrase);
	SSL_CTX_set_session_id_context(c, id, sizeof(id) - 1);
	if (server && !files->certificate)
		return refuse(error, "a TLS server needs a certificate");
	if (files->certificate &&
	    (!use_certificate(c, files->certificate, error) || !use_key(c, files, error)))
		return false;
	return !files->authority || use_authority(c, server, files->authority, error);
}

static struct tls_side *side_open(bool server, const struct tls_files *files,
				  struct tls_error *error)
{
	struct tls_side *side = calloc(1, sizeof(*side));

	error->text[0] = '\0';
	ERR_clear_error();
	if (side)
		side->context = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	if (!side || !side->context) {
		refuse(error, "memory is exhausted");
		free(side);
		return NULL;
	}
	atomic_init(&side->holders, 1);
	side->checks = files->authority != NULL;
	if (!context_fill(side->context, server, files, error)) {
		tls_drop(side);
		return NULL;
	}
	if (files->certificate)
		warn_of_dates(side->context, files->certificate, error);
	return side;
}

struct tls_side *tls_server(const struct tls_files *files, struct tls_error *error)
{
	return side_open(true, files, error);
}

struct tls_side *tls_client(const struct tls_files *files, struct tls_error *error)
{
	return side_open(false, files, error);
}

struct tls_side *tls_hold(struct tls_side *side)
{
	atomic_fetch_add(&side->holders, 1);
	return side;
}

void tls_drop(struct tls_side *side)
{
	if (!side || atomic_fetch_sub(&side->holders, 1) != 1)
		return;
	SSL_CTX_free(side->context);
	free(side);
}

/* ---- the state of a connection ---- */

static uintptr_t flags_of(const SSL *ssl)
{
	return (uintptr_t)SSL_get_app_data(ssl);
}

static void flags_change(SSL *ssl, uintptr_t off, uintptr_t on)
{
	uintptr_t now = flags_of(ssl), then = (now & ~off) | on;

	if (then != now)
		SSL_set_app_data(ssl, (char *)then);
}

static int broken_errno(int error, int e)
{
	if (error == SSL_ERROR_SYSCALL)
		return e ? e : ECONNRESET;
	if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		return ECONNRESET;
	return EPROTO;
}

/* After a call that gave RESULT, not above 0.  IN and OUT: the flags that say what it waits for. */
static ssize_t call_failed(SSL *ssl, int result, uintptr_t in, uintptr_t out)
{
	int e = errno, error = SSL_get_error(ssl, result);

	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
		flags_change(ssl, in | out, error == SSL_ERROR_WANT_READ ? in : out);
		return STREAM_AGAIN;
	}
	if (error == SSL_ERROR_ZERO_RETURN)
		return STREAM_END;
	flags_change(ssl, 0, BROKEN);
	errno = broken_errno(error, e);
	return STREAM_BROKEN;
}

static int call_length(size_t n)
{
	return n < INT_MAX ? (int)n : INT_MAX;
}

static bool is_broken(const SSL *ssl)
{
	if (!(flags_of(ssl) & BROKEN))
		return false;
	errno = ECONNRESET;
	return true;
}

static void call_begins(void)
{
	ERR_clear_error();
	errno = 0;
}

/* Full records come in series; behind a shorter one there is probably nothing yet. */
ssize_t tls_recv(SSL *ssl, void *to, size_t room)
{
	size_t got = 0;
	int n;

	if (is_broken(ssl))
		return STREAM_BROKEN;
	do {
		call_begins();
		n = SSL_read(ssl, (char *)to + got, call_length(room - got));
		got += n > 0 ? (size_t)n : 0;
	} while (n == SSL3_RT_MAX_PLAIN_LENGTH && room - got >= SSL3_RT_MAX_PLAIN_LENGTH);
	if (n > 0)
		flags_change(ssl, RECV_WANTS_OUT, 0);
	else if (!got)
		return call_failed(ssl, n, 0, RECV_WANTS_OUT);
	else
		call_failed(ssl, n, 0, RECV_WANTS_OUT); /* what is wrong is met again */
	return (ssize_t)got;
}

ssize_t tls_send(SSL *ssl, const void *from, size_t n)
{
	ssize_t step;
	int sent;

	if (!n)
		return 0;
	if (is_broken(ssl))
		return STREAM_BROKEN;
	call_begins();
	sent = SSL_write(ssl, from, call_length(n));
	if (sent > 0) {
		flags_change(ssl, SEND_WANTS_IN, 0);
		return sent;
	}
	step = call_failed(ssl, sent, SEND_WANTS_IN, 0);
	return step == STREAM_END ? STREAM_BROKEN : step;
}

uint32_t tls_wants(const SSL *ssl)
{
	uintptr_t flags = flags_of(ssl);

	return (flags & (SEND_WANTS_IN | SHAKE_WANTS_IN) ? (uint32_t)EPOLLIN : 0) |
	       (flags & (RECV_WANTS_OUT | SHAKE_WANTS_OUT) ? (uint32_t)EPOLLOUT : 0);
}

/* The end or an error that OpenSSL has met already, too. */
bool tls_holds(const SSL *ssl)
{
	return SSL_pending(ssl) > 0 || SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN ||
	       flags_of(ssl) & BROKEN;
}

/* OpenSSL tells nothing before the handshake is done, and there is nothing that could be cut. */
int tls_finish(SSL *ssl)
{
	int result;

	if (is_broken(ssl))
		return STREAM_BROKEN;
	if (!SSL_is_init_finished(ssl))
		return 1;
	call_begins();
	result = SSL_shutdown(ssl);
	return result >= 0 ? 1 : (int)call_failed(ssl, result, 0, 0);
}

void tls_free(SSL *ssl)
{
	SSL_free(ssl);
	ERR_clear_error();
}

/* ---- handshakes ---- */

static SSL *connection_open(struct stream *s, struct tls_side *side)
{
	SSL *ssl;

	ERR_clear_error();
	ssl = SSL_new(side->context);
	if (ssl && SSL_set_fd(ssl, s->fd) == 1)
		return ssl;
	SSL_free(ssl);
	ERR_clear_error();
	return NULL;
}

bool stream_tls_accept(struct stream *s, struct tls_side *side)
{
	s->tls = connection_open(s, side);
	if (s->tls)
		SSL_set_accept_state(s->tls);
	return s->tls != NULL;
}

static bool is_literal(const char *name)
{
	uint8_t ip[16];

	return inet_pton(AF_INET, name, ip) == 1 || inet_pton(AF_INET6, name, ip) == 1;
}

static bool connection_names(SSL *ssl, const struct tls_side *side, const char *name)
{
	X509_VERIFY_PARAM *checks = SSL_get0_param(ssl);

	if (is_literal(name))
		return !side->checks || X509_VERIFY_PARAM_set1_ip_asc(checks, name) == 1;
	if (SSL_set_tlsext_host_name(ssl, name) != 1)
		return false;
	X509_VERIFY_PARAM_set_hostflags(checks, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return !side->checks || X509_VERIFY_PARAM_set1_host(checks, name, 0) == 1;
}

bool stream_tls_connect(struct stream *s, struct tls_side *side, const char *client_name)
{
	SSL *ssl = connection_open(s, side);

	if (!ssl)
		return false;
	SSL_set_connect_state(ssl);
	if (client_name && !connection_names(ssl, side, client_name)) {
		tls_free(ssl);
		return false;
	}
	s->tls = ssl;
	return true;
}

static void tell_failure(const SSL *ssl, struct tls_error *error, int e)
{
	long verdict = SSL_get_verify_result(ssl);

	if (verdict != X509_V_OK && ERR_GET_LIB(ERR_peek_error()) == ERR_LIB_SSL)
		refuse(error, "the peer's certificate is refused: %s",
		       X509_verify_cert_error_string(verdict));
	else if (ERR_peek_error())
		refuse(error, "TLS: %s", reason());
	else
		refuse(error, "TLS: %s", strerror(e));
}

int stream_shake(struct stream *s, struct tls_error *error)
{
	ssize_t step;
	int result;

	call_begins();
	result = SSL_do_handshake(s->tls);
	if (result == 1) {
		flags_change(s->tls, SHAKE_WANTS_IN | SHAKE_WANTS_OUT, 0);
		return 1;
	}
	step = call_failed(s->tls, result, SHAKE_WANTS_IN, SHAKE_WANTS_OUT);
	if (step == STREAM_AGAIN)
		return STREAM_AGAIN;
	tell_failure(s->tls, error, step == STREAM_END ? ECONNRESET : errno);
	return STREAM_BROKEN;
}

static bool print_subject(const X509 *x, char *buf, size_t room)
{
	BIO *text = BIO_new(BIO_s_mem());
	int n = -1;

	if (text && X509_NAME_print_ex(text, X509_get_subject_name(x), 0, XN_FLAG_RFC2253) >= 0)
		n = BIO_read(text, buf, (int)room - 1);
	BIO_free(text);
	if (n < 0)
		return false;
	buf[n] = '\0';
	return true;
}

bool stream_peer(const struct stream *s, char *buf, size_t room)
{
	const X509 *x;

	if (!s->tls || !room || SSL_get_verify_result(s->tls) != X509_V_OK ||
	    SSL_get_verify_mode(s->tls) == SSL_VERIFY_NONE)
		return false;
	x = SSL_get0_peer_certificate(s->tls);
	return x && print_subject(x, buf, room);
}
