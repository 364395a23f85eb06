/* Messages: `Content-Length` framing over standard input and output, JSON-RPC 2.0. */
#include <config.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "compiler/base/text.h"
#include "compiler/tools/lsp.h"

enum { LARGEST_HEADER = 4096, LARGEST_MESSAGE = 256 << 20 };

void lsp_log(struct lsp *l, const char *fmt, ...)
{
	va_list args;

	if (!l->log)
		return;
	va_start(args, fmt);
	vfprintf(l->log, fmt, args);
	va_end(args);
	fputc('\n', l->log);
	fflush(l->log);
}

/* ---- members ---- */

const struct tree_node *json_member(const struct tree_node *n, const char *key)
{
	return n ? tree_member(n, key) : NULL;
}

bool json_text(const struct tree_node *n, const char *key, const char **text)
{
	struct tree_error error;

	return n && tree_text(n, key, text, &error);
}

bool json_integer(const struct tree_node *n, const char *key, int64_t low, int64_t high,
		  int64_t *value)
{
	struct tree_error error;

	return n && tree_integer(n, key, low, high, value, &error);
}

bool json_truth(const struct tree_node *n, const char *key, bool *value)
{
	struct tree_error error;

	return n && tree_truth(n, key, value, &error);
}

/* ---- in ---- */

/* A request that waits in the queue is answered with "cancelled" when its turn comes. */
static void cancel(struct lsp *l, const struct tree_node *id)
{
	for (size_t i = 0; id && i < l->n_queue; i++) {
		const struct tree_node *other =
		    l->queue[i].tree ? json_member(tree_root(l->queue[i].tree), "id") : NULL;

		if (!other || other->kind != id->kind)
			continue;
		if (id->kind == TREE_TEXT ? !strcmp(id->text, other->text)
					  : id->integer == other->integer)
			l->queue[i].cancelled = true;
	}
}

static void take_message(struct lsp *l, const char *bytes, size_t n)
{
	struct tree_error error;
	struct message m = { .tree = tree_read(bytes, n, &error) };
	const char *method;

	lsp_log(l, "<- %.*s", (int)(n < 2000 ? n : 2000), bytes);
	if (!m.tree)
		lsp_log(l, "-- no JSON: %s", error.text);
	else if (json_text(tree_root(m.tree), "method", &method) &&
		 !strcmp(method, "$/cancelRequest"))
		cancel(l, json_member(json_member(tree_root(m.tree), "params"), "id"));
	l->queue = xrealloc(l->queue, (l->n_queue + 1) * sizeof(m));
	l->queue[l->n_queue++] = m;
}

/* The length that a header block announces; -1: none that makes sense. */
static long announced(const char *header, size_t size)
{
	static const char name[] = "content-length:";
	const char *line = header, *end = header + size;

	while (line < end) {
		const char *next = memchr(line, '\n', (size_t)(end - line));

		if ((size_t)(end - line) > sizeof(name) &&
		    !strncasecmp(line, name, sizeof(name) - 1)) {
			char *rest;
			long n = strtol(line + sizeof(name) - 1, &rest, 10);

			return n >= 0 && n <= LARGEST_MESSAGE && (*rest == '\r' || *rest == '\n')
				   ? n
				   : -1;
		}
		if (!next)
			break;
		line = next + 1;
	}
	return -1;
}

static void drop_front(struct sink *s, size_t n)
{
	memmove(s->data, s->data + n, s->size - n + 1);
	s->size -= n;
}

/* False: no whole message is there.  What cannot be a header ends the talk, since nobody can say
 * where the next message begins. */
static bool take_one(struct lsp *l)
{
	char *end = l->in.size ? strstr(l->in.data, "\r\n\r\n") : NULL;
	size_t header;
	long n;

	if (!end && l->in.size <= LARGEST_HEADER)
		return false;
	header = end ? (size_t)(end - l->in.data) + 4 : 0;
	n = end ? announced(l->in.data, header) : -1;
	if (n < 0) {
		wire_error(l, NULL, RPC_PARSE_ERROR,
			   "a message begins with 'Content-Length: N' and an empty line");
		l->eof = true;
		return false;
	}
	if (l->in.size - header < (size_t)n)
		return false;
	take_message(l, l->in.data + header, (size_t)n);
	drop_front(&l->in, header + (size_t)n);
	return true;
}

static void read_input(struct lsp *l)
{
	char piece[1 << 16];
	ssize_t n = read(STDIN_FILENO, piece, sizeof(piece));

	if (n <= 0) {
		l->eof = n == 0 || (errno != EINTR && errno != EAGAIN);
		return;
	}
	sink_put(&l->in, piece, (size_t)n);
	while (take_one(l))
		;
}

bool wire_wait(struct lsp *l, int ms)
{
	struct pollfd fds[2] = { { STDIN_FILENO, POLLIN, 0 }, { l->deep.fd, POLLIN, 0 } };

	if (poll(fds, l->deep.child ? 2 : 1, ms) <= 0)
		return false;
	if (fds[1].revents)
		deep_read(l);
	if (fds[0].revents)
		read_input(l);
	return true;
}

/* ---- out ---- */

void wire_send(struct lsp *l, const struct sink *body)
{
	lsp_log(l, "-> %.*s", (int)(body->size < 2000 ? body->size : 2000), body->data);
	fprintf(l->run->out, "Content-Length: %zu\r\n\r\n", body->size);
	fwrite(body->data, 1, body->size, l->run->out);
	/* A client that went away ends the talk. */
	if (fflush(l->run->out))
		l->eof = true;
}

void sink_id(struct sink *s, const struct tree_node *id)
{
	if (id && id->kind == TREE_TEXT)
		sink_json(s, id->text);
	else if (id && id->kind == TREE_INTEGER)
		sink_printf(s, "%lld", (long long)id->integer);
	else
		sink_puts(s, "null");
}

void wire_result(struct lsp *l, const struct tree_node *id, const struct sink *result)
{
	struct sink s = { 0 };

	sink_puts(&s, "{\"jsonrpc\": \"2.0\", \"id\": ");
	sink_id(&s, id);
	sink_printf(&s, ", \"result\": %s}", result->size ? result->data : "null");
	wire_send(l, &s);
	sink_free(&s);
}

void wire_error(struct lsp *l, const struct tree_node *id, int code, const char *message)
{
	struct sink s = { 0 };

	sink_puts(&s, "{\"jsonrpc\": \"2.0\", \"id\": ");
	sink_id(&s, id);
	sink_printf(&s, ", \"error\": {\"code\": %d, \"message\": ", code);
	sink_json(&s, message);
	sink_puts(&s, "}}");
	wire_send(l, &s);
	sink_free(&s);
}
