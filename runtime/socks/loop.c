#include <config.h>

#include "runtime/socks/loop.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
	BATCH = 256,
	NEAR_BITS = 8, /* the first wheel: a slot per millisecond */
	FAR_BITS = 6,  /* the others: a slot per turn of the wheel before */
	NEAR = 1 << NEAR_BITS,
	FAR = 1 << FAR_BITS,
	N_FAR = 4
};

/* What epoll knows of a descriptor.  Events name the descriptor and its turn, so that late ones of
 * a closed descriptor do not reach the next one with its number. */
struct slot {
	struct watch *watch;
	uint32_t turn, events;
	bool added;
};

struct loop {
	int epoll, bell;
	struct slot *slots; /* by descriptor */
	size_t n_slots;
	atomic_bool ending;
	uint64_t now; /* ms; all timers up to it have rung */
	struct epoll_event batch[BATCH];
	struct timer *near[NEAR];
	struct timer *far[N_FAR][FAR];
	/* Slots that hold timers, or did since their last turn. */
	uint64_t near_used[NEAR / 64], far_used[N_FAR];
	struct work *later;
	_Atomic(struct work *) posted; /* the latest first */
	struct watch bell_watch;
};

static uint64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- descriptors ---- */

static bool slots_reach(struct loop *l, int fd)
{
	size_t n = l->n_slots ? l->n_slots : 64;
	struct slot *slots;

	if ((size_t)fd < l->n_slots)
		return true;
	while (n <= (size_t)fd)
		n *= 2;
	slots = realloc(l->slots, n * sizeof(*slots));
	if (!slots)
		return false;
	memset(slots + l->n_slots, 0, (n - l->n_slots) * sizeof(*slots));
	l->slots = slots;
	l->n_slots = n;
	return true;
}

static bool slot_tell(struct loop *l, int fd, uint32_t events)
{
	struct slot *slot = &l->slots[fd];
	int deed = slot->added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	struct epoll_event e = { .events = events,
				 .data.u64 = (uint64_t)slot->turn << 32 | (uint32_t)fd };

	if (slot->added && slot->events == events)
		return true;
	if (epoll_ctl(l->epoll, deed, fd, &e))
		return false;
	slot->added = true;
	slot->events = events;
	return true;
}

bool loop_watch(struct loop *l, struct watch *w, uint32_t events)
{
	if (!slots_reach(l, w->fd) || !slot_tell(l, w->fd, events))
		return false;
	l->slots[w->fd].watch = w;
	w->events = events;
	w->added = true;
	return true;
}

bool loop_events(struct loop *l, struct watch *w, uint32_t events)
{
	return w->added && w->events == events ? true : loop_watch(l, w, events);
}

void loop_leave(struct loop *l, struct watch *w)
{
	if (w->added)
		l->slots[w->fd].watch = NULL;
	w->added = false;
}

void loop_forget_left(struct loop *l, int fd)
{
	if ((size_t)fd >= l->n_slots)
		return;
	l->slots[fd].added = false;
	l->slots[fd].turn++;
}

void loop_forget_closing(struct loop *l, struct watch *w)
{
	if (w->added)
		loop_forget_left(l, w->fd);
	loop_leave(l, w);
}

void loop_forget(struct loop *l, struct watch *w)
{
	if (w->added)
		epoll_ctl(l->epoll, EPOLL_CTL_DEL, w->fd, NULL);
	loop_forget_closing(l, w);
}

/* ---- timers ---- */

uint64_t loop_now(const struct loop *l)
{
	return l->now;
}

static void timer_link(struct timer **head, struct timer *t)
{
	t->next = *head;
	t->link = head;
	if (t->next)
		t->next->link = &t->next;
	*head = t;
}

/* In the slot whose turn comes when the timer is due, or when the wheel before begins the turn in
 * which it is: then it moves on to that wheel. */
static void timer_place(struct loop *l, struct timer *t)
{
	unsigned shift = NEAR_BITS, slot = (unsigned)(t->due % NEAR);
	int i = 0;

	if (t->due - l->now < NEAR) {
		l->near_used[slot / 64] |= (uint64_t)1 << slot % 64;
		timer_link(&l->near[slot], t);
		return;
	}
	while (i < N_FAR - 1 && t->due - l->now >= (uint64_t)FAR << shift) {
		i++;
		shift += FAR_BITS;
	}
	slot = (unsigned)(t->due >> shift) % FAR;
	l->far_used[i] |= (uint64_t)1 << slot;
	timer_link(&l->far[i][slot], t);
}

void timer_set(struct loop *l, struct timer *t, uint32_t ms)
{
	timer_stop(t);
	t->due = l->now + (ms ? ms : 1);
	timer_place(l, t);
}

void timer_stop(struct timer *t)
{
	if (!t->link)
		return;
	*t->link = t->next;
	if (t->next)
		t->next->link = t->link;
	t->link = NULL;
}

/* Takes a slot's timers off one by one, since each may stop others. */
static struct timer *slot_take(struct timer **slot)
{
	struct timer *t = *slot;

	if (t)
		timer_stop(t);
	return t;
}

static void far_spread(struct loop *l, int wheel, unsigned slot)
{
	struct timer *all = l->far[wheel][slot], *t;

	l->far[wheel][slot] = NULL;
	l->far_used[wheel] &= ~((uint64_t)1 << slot);
	if (all)
		all->link = &all;
	while ((t = slot_take(&all)))
		timer_place(l, t);
}

static void wheels_turn(struct loop *l)
{
	unsigned shift = NEAR_BITS;

	for (int i = 0; i < N_FAR; i++, shift += FAR_BITS) {
		if (l->now & (((uint64_t)1 << shift) - 1))
			return;
		far_spread(l, i, (unsigned)(l->now >> shift) % FAR);
	}
}

static bool near_none(const struct loop *l)
{
	return !(l->near_used[0] | l->near_used[1] | l->near_used[2] | l->near_used[3]);
}

static bool far_none(const struct loop *l)
{
	return !(l->far_used[0] | l->far_used[1] | l->far_used[2] | l->far_used[3]);
}

static void near_ring(struct loop *l)
{
	unsigned slot = (unsigned)(l->now % NEAR);
	struct timer *t;

	l->near_used[slot / 64] &= ~((uint64_t)1 << slot % 64);
	while ((t = slot_take(&l->near[slot])))
		t->ring(t);
}

/* Goes on to where a timer may be, at most to UNTIL. */
static void timers_step(struct loop *l, uint64_t until)
{
	uint64_t turn = (l->now | (NEAR - 1)) + 1;

	if (!near_none(l))
		l->now++;
	else if (far_none(l) || turn > until)
		l->now = until;
	else
		l->now = turn;
}

static void timers_ring(struct loop *l)
{
	uint64_t until = clock_ms();

	while (l->now < until) {
		timers_step(l, until);
		wheels_turn(l);
		near_ring(l);
	}
}

/* Until the next near timer, or until the near wheel comes round. */
static int timers_wait(const struct loop *l)
{
	int turn = (int)(NEAR - l->now % NEAR);

	if (near_none(l))
		return far_none(l) ? -1 : turn;
	for (int ms = 1; ms < turn; ms++) {
		unsigned slot = (unsigned)(l->now + (uint64_t)ms) % NEAR;

		if (l->near_used[slot / 64] >> slot % 64 & 1)
			return ms;
	}
	return turn;
}

/* ---- work ---- */

void loop_later(struct loop *l, struct work *w)
{
	w->next = l->later;
	l->later = w;
}

static void later_run(struct loop *l)
{
	while (l->later) {
		struct work *w = l->later;

		l->later = w->next;
		w->run(w);
	}
}

static void bell_ring(struct loop *l)
{
	uint64_t one = 1;

	/* It fails only if the bell rings already. */
	if (write(l->bell, &one, sizeof(one)) < 0)
		return;
}

void loop_post(struct loop *l, struct work *w)
{
	struct work *head = atomic_load(&l->posted);

	do
		w->next = head;
	while (!atomic_compare_exchange_weak(&l->posted, &head, w));
	if (!head)
		bell_ring(l);
}

static void posted_run(struct watch *watch, uint32_t events)
{
	struct loop *l = (struct loop *)((char *)watch - offsetof(struct loop, bell_watch));
	struct work *w, *in_order = NULL;
	uint64_t count;

	(void)events;
	if (read(l->bell, &count, sizeof(count)) < 0)
		return;
	for (w = atomic_exchange(&l->posted, NULL); w;) {
		struct work *next = w->next;

		w->next = in_order;
		in_order = w;
		w = next;
	}
	while ((w = in_order)) {
		in_order = w->next;
		w->run(w);
	}
}

/* ---- the loop ---- */

struct loop *loop_open(void)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->now = clock_ms();
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	l->bell_watch = (struct watch){ .fd = l->bell, .ready = posted_run };
	if (l->epoll >= 0 && l->bell >= 0 && loop_watch(l, &l->bell_watch, EPOLLIN))
		return l;
	loop_close(l);
	return NULL;
}

void loop_close(struct loop *l)
{
	int e = errno;

	if (!l)
		return;
	later_run(l);
	if (l->epoll >= 0)
		close(l->epoll);
	if (l->bell >= 0)
		close(l->bell);
	free(l->slots);
	free(l);
	errno = e;
}

void loop_end(struct loop *l)
{
	atomic_store(&l->ending, true);
	bell_ring(l);
}

static void event_pass(struct loop *l, const struct epoll_event *e)
{
	struct slot *slot = &l->slots[(uint32_t)e->data.u64];

	if (slot->watch && slot->turn == e->data.u64 >> 32)
		slot->watch->ready(slot->watch, e->events);
}

void loop_run(struct loop *l)
{
	while (!atomic_load(&l->ending)) {
		int n;

		later_run(l);
		n = epoll_wait(l->epoll, l->batch, BATCH, timers_wait(l));
		timers_ring(l);
		for (int i = 0; i < n; i++)
			event_pass(l, &l->batch[i]);
	}
	later_run(l);
	atomic_store(&l->ending, false);
}
