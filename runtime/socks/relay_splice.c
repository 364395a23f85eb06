#include <config.h>

#include "runtime/socks/relay_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	MOST_PIPES = 64, /* of a thread; relays that find none copy */
	PIPE_SIZE = 1 << 20,
	LEAST_PIPE = 65536, /* beyond pipe-user-pages-soft the kernel makes tiny ones */
	DRY_MS = 200        /* without trying again, when none could be made */
};

struct relay_pipe {
	struct relay_pipe *next;
	int out, in; /* as of pipe(2): read from the first */
	size_t n;
};

/* ---- pipes ---- */

static void pipe_close(struct relay_pool *pool, struct relay_pipe *p)
{
	close(p->in);
	close(p->out);
	free(p);
	pool->n_pipes--;
}

static bool pipe_large(int fd)
{
	for (int size = PIPE_SIZE; size >= LEAST_PIPE; size /= 4)
		if (fcntl(fd, F_SETPIPE_SZ, size) >= size)
			return true;
	return false;
}

static struct relay_pipe *pipe_open(struct relay_pool *pool)
{
	struct relay_pipe *p = malloc(sizeof(*p));
	int fds[2];

	if (!p)
		return NULL;
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK)) {
		free(p);
		return NULL;
	}
	*p = (struct relay_pipe){ .out = fds[0], .in = fds[1] };
	pool->n_pipes++;
	if (pipe_large(p->in))
		return p;
	pipe_close(pool, p);
	return NULL;
}

static struct relay_pipe *pipe_borrow(struct relay_pool *pool)
{
	struct relay_pipe *p = pool->free;

	if (p) {
		pool->free = p->next;
		return p;
	}
	if (pool->n_pipes == MOST_PIPES || loop_now(pool->loop) < pool->dry)
		return NULL;
	p = pipe_open(pool);
	if (!p)
		pool->dry = loop_now(pool->loop) + DRY_MS;
	return p;
}

static void pipe_return(struct relay_pool *pool, struct relay_pipe *p)
{
	p->next = pool->free;
	pool->free = p;
}

struct relay_pool *relay_pool_open(struct loop *loop)
{
	struct relay_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return NULL;
	pool->loop = loop;
	pool->buffer = malloc(RELAY_CHUNK);
	if (pool->buffer)
		return pool;
	free(pool);
	return NULL;
}

void relay_pool_close(struct relay_pool *pool)
{
	if (!pool)
		return;
	while (pool->free) {
		struct relay_pipe *p = pool->free;

		pool->free = p->next;
		pipe_close(pool, p);
	}
	bytes_free(&pool->scratch[0]);
	bytes_free(&pool->scratch[1]);
	free(pool->buffer);
	free(pool);
}

/* ---- lanes ---- */

bool splice_fits(const struct relay *r, const struct relay_lane *l)
{
	const struct relay_side *source = &r->sides[l->source], *sink = &r->sides[l->sink];

	return !l->seen && !l->no_splice && !l->heading && !side_is_program(source) &&
	       !side_is_program(sink) && !source->stream.tls && !sink->stream.tls;
}

static ssize_t move(int from, int to, size_t n)
{
	ssize_t moved;

	do
		moved = splice(from, NULL, to, NULL, n, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	while (moved < 0 && errno == EINTR);
	return moved;
}

/* The pipe is empty before, so that EAGAIN means that the socket is. */
bool splice_move(struct relay *r, struct relay_lane *l)
{
	struct relay_side *source = &r->sides[l->source];
	struct relay_pipe *p = pipe_borrow(r->pool);
	ssize_t n;

	if (!p)
		return false;
	n = move(source->stream.fd, p->in, PIPE_SIZE);
	if (n > 0) {
		p->n = (size_t)n;
		l->pipe = p;
		lane_count(r, l, (size_t)n);
		splice_flush(r, l);
		return true;
	}
	pipe_return(r->pool, p);
	if (n == 0) {
		lane_source_ended(r, l);
	} else if (errno == EINVAL || errno == ENOSYS || errno == ENOMEM) {
		l->no_splice = true;
		return false;
	} else if (errno != EAGAIN) {
		side_is_broken(r, source, errno);
	}
	return true;
}

bool splice_flush(struct relay *r, struct relay_lane *l)
{
	struct relay_side *sink = &r->sides[l->sink];
	struct relay_pipe *p = l->pipe;
	ssize_t n = move(p->out, sink->stream.fd, p->n);

	if (n < 0 && errno != EAGAIN) {
		side_is_broken(r, sink, errno);
		return false;
	}
	if (n <= 0)
		return false;
	p->n -= (size_t)n;
	l->moved += (uint64_t)n;
	r->active = loop_now(r->pool->loop);
	if (p->n)
		return false;
	l->pipe = NULL;
	pipe_return(r->pool, p);
	return true;
}

void splice_drop(struct relay *r, struct relay_lane *l)
{
	if (l->pipe)
		pipe_close(r->pool, l->pipe);
	l->pipe = NULL;
}
