#include <config.h>

#include "runtime/socks/dial.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum state { WAITS, IS_ASKED, IS_POSTED };

/* Owned by whoever has it: the queue, the thread that asks, then the loop. */
struct resolve {
	struct work work; /* first: posted */
	struct resolve *next, **link;
	struct resolver *resolver;
	struct loop *loop;
	resolve_done *done;
	void *arg;
	enum state state; /* guarded, and so is `cancelled` until it is posted */
	bool cancelled;
	enum outcome outcome;
	size_t n;
	struct wire_address found[RESOLVE_MOST];
	uint16_t port;
	char name[WIRE_MOST_NAME + 1];
};

/* Freed by the last of its threads, or by resolver_close. */
struct resolver {
	pthread_mutex_t lock;
	pthread_cond_t some; /* the queue has one, or it is over */
	bool over;
	unsigned users; /* threads, and one until resolver_close */
	size_t n_waiting;
	struct resolve *first, **last;
	struct resolve *asked; /* those that threads work on */
};

/* ---- lists ---- */

static void put(struct resolve **at, struct resolve *q)
{
	q->next = *at;
	q->link = at;
	if (q->next)
		q->next->link = &q->next;
	*at = q;
}

static void take(struct resolve *q)
{
	*q->link = q->next;
	if (q->next)
		q->next->link = q->link;
}

static void enqueue(struct resolver *r, struct resolve *q)
{
	put(r->last, q);
	r->last = &q->next;
	r->n_waiting++;
}

static void dequeue(struct resolver *r, struct resolve *q)
{
	if (r->last == &q->next)
		r->last = q->link;
	take(q);
	r->n_waiting--;
}

/* ---- asking ---- */

static enum outcome outcome_of(int error)
{
	switch (error) {
	case 0:
		return OUTCOME_OK;
	case EAI_NONAME:
	case EAI_NODATA:
	case EAI_ADDRFAMILY:
		return OUTCOME_NO_SUCH_NAME;
	case EAI_AGAIN: /* no name server answers, or it failed */
	case EAI_FAIL:
		return OUTCOME_HOST_UNREACHABLE;
	case EAI_MEMORY:
		return OUTCOME_BUSY;
	case EAI_SYSTEM:
		return errno ? outcome_from_errno(errno) : OUTCOME_FAILED;
	default:
		return OUTCOME_FAILED;
	}
}

/* The next one of FAMILY (not of it, if OTHER), or the end. */
static const struct addrinfo *skip(const struct addrinfo *a, int family, bool other)
{
	while (a && (a->ai_family == family) == other)
		a = a->ai_next;
	return a;
}

/* RFC 8305 section 4: the first address's family begins, then they alternate; what remains of the
 * longer list follows. */
static void interleave(struct resolve *q, const struct addrinfo *all)
{
	int family = all ? all->ai_family : AF_UNSPEC;
	const struct addrinfo *rows[] = { all, skip(all, family, true) };
	bool other = false;

	while (q->n < RESOLVE_MOST && (rows[0] || rows[1])) {
		const struct addrinfo **row = &rows[rows[other] ? other : !other];
		bool is_other = row == &rows[1];

		if (wire_address_from_sockaddr((*row)->ai_addr, (*row)->ai_addrlen,
					       &q->found[q->n]))
			q->found[q->n++].port = q->port;
		*row = skip((*row)->ai_next, family, is_other);
		other = !is_other;
	}
}

/* Without AI_ADDRCONFIG, which hides loopback addresses of a family that has no others: getaddrinfo
 * sorts what cannot be reached to the end, and a connection there fails at once. */
static void ask(struct resolve *q)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct addrinfo *all = NULL;

	errno = 0;
	q->outcome = outcome_of(getaddrinfo(q->name, NULL, &hints, &all));
	if (q->outcome != OUTCOME_OK)
		return;
	interleave(q, all);
	if (!q->n)
		q->outcome = OUTCOME_NO_SUCH_NAME;
	freeaddrinfo(all);
}

/* On the loop's thread. */
static void answer(struct work *w)
{
	struct resolve *q = (struct resolve *)w;

	if (!q->cancelled)
		q->done(q->arg, q->found, q->n, q->outcome);
	free(q);
}

/* ---- threads ---- */

static void resolver_free(struct resolver *r)
{
	pthread_cond_destroy(&r->some);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

/* Unlocks. */
static void leave(struct resolver *r)
{
	bool last = --r->users == 0;

	pthread_mutex_unlock(&r->lock);
	if (last)
		resolver_free(r);
}

/* Under the lock, which is open while the name is asked for.  Posted under it too: who cancels
 * afterwards may close the loop. */
static void work_on(struct resolver *r, struct resolve *q)
{
	dequeue(r, q);
	put(&r->asked, q);
	q->state = IS_ASKED;
	pthread_mutex_unlock(&r->lock);
	ask(q);
	pthread_mutex_lock(&r->lock);
	take(q);
	if (q->cancelled) {
		free(q);
		return;
	}
	q->state = IS_POSTED;
	loop_post(q->loop, &q->work);
}

static void *thread(void *arg)
{
	struct resolver *r = arg;

	pthread_mutex_lock(&r->lock);
	while (!r->over) {
		if (r->first)
			work_on(r, r->first);
		else
			pthread_cond_wait(&r->some, &r->lock);
	}
	leave(r);
	return NULL;
}

/* Signals are for the program's own threads. */
static void begin_threads(struct resolver *r, unsigned n)
{
	sigset_t all, before;
	pthread_t id;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (unsigned i = 0; i < n && !pthread_create(&id, NULL, thread, r); i++) {
		pthread_detach(id);
		r->users++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct resolver *resolver_open(unsigned threads)
{
	struct resolver *r = calloc(1, sizeof(*r));
	bool some;

	if (!r)
		return NULL;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->some, NULL);
	r->last = &r->first;
	r->users = 1;
	pthread_mutex_lock(&r->lock);
	begin_threads(r, threads ? threads : 1);
	some = r->users > 1;
	pthread_mutex_unlock(&r->lock);
	if (some)
		return r;
	resolver_free(r);
	errno = EAGAIN;
	return NULL;
}

void resolver_close(struct resolver *r)
{
	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	r->over = true;
	while (r->first) {
		struct resolve *q = r->first;

		dequeue(r, q);
		free(q);
	}
	for (struct resolve *q = r->asked; q; q = q->next)
		q->cancelled = true;
	pthread_cond_broadcast(&r->some);
	leave(r);
}

/* ---- questions ---- */

/* Under the lock. */
static bool hand_in(struct resolver *r, struct resolve *q)
{
	if (r->n_waiting >= RESOLVE_QUEUE)
		return false;
	enqueue(r, q);
	pthread_cond_signal(&r->some);
	return true;
}

/* What needs no asking. */
static bool known(struct resolve *q, const struct wire_address *name)
{
	if (name->kind == WIRE_NAME && wire_name_valid(name->name)) {
		memcpy(q->name, name->name.at, name->name.n);
		return false;
	}
	q->n = name->kind != WIRE_NAME;
	q->found[0] = *name;
	q->outcome = q->n ? OUTCOME_OK : OUTCOME_NO_SUCH_NAME;
	return true;
}

struct resolve *resolve_start(struct resolver *r, struct loop *loop,
			      const struct wire_address *name, resolve_done *done, void *arg)
{
	struct resolve *q = calloc(1, sizeof(*q));
	bool asks;

	if (!q)
		return NULL;
	q->work.run = answer;
	q->resolver = r;
	q->loop = loop;
	q->done = done;
	q->arg = arg;
	q->port = name->port;
	q->outcome = OUTCOME_BUSY;
	asks = !known(q, name);
	pthread_mutex_lock(&r->lock);
	asks = asks && hand_in(r, q);
	if (!asks)
		q->state = IS_POSTED;
	pthread_mutex_unlock(&r->lock);
	if (!asks)
		loop_later(loop, &q->work);
	return q;
}

void resolve_cancel(struct resolve *q)
{
	struct resolver *r = q->resolver;
	bool waits;

	pthread_mutex_lock(&r->lock);
	waits = q->state == WAITS;
	if (waits)
		dequeue(r, q);
	q->cancelled = true;
	pthread_mutex_unlock(&r->lock);
	if (waits)
		free(q);
}
