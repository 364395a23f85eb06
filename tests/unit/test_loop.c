#include <config.h>

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime/socks/loop.h"
#include "tests/unit/unit.h"

/* ---- timers ---- */

enum { TIMERS = 2000, LONGEST = 1500 };

struct alarm {
	struct timer timer;
	uint64_t due;
	bool stopped;
};

struct alarms {
	struct loop *loop;
	struct alarm at[TIMERS];
	int left, early, late, wrong;
};

static struct alarms *all;

static void alarm_rings(struct timer *t)
{
	struct alarm *a = (struct alarm *)t;

	all->early += loop_now(all->loop) < a->due;
	all->late += loop_now(all->loop) > a->due;
	all->wrong += a->stopped;
	if (!--all->left)
		loop_end(all->loop);
}

static void alarms_set(struct alarms *s)
{
	srand(7);
	for (int i = 0; i < TIMERS; i++) {
		uint32_t ms = (uint32_t)(rand() % LONGEST);

		s->at[i].timer.ring = alarm_rings;
		timer_set(s->loop, &s->at[i].timer, ms);
		s->at[i].due = loop_now(s->loop) + (ms ? ms : 1);
	}
	s->left = TIMERS;
	for (int i = 0; i < TIMERS; i += 3) {
		timer_stop(&s->at[i].timer);
		s->at[i].stopped = true;
		s->left--;
	}
}

static void timers_ring_when_due(void)
{
	all = calloc(1, sizeof(*all));
	all->loop = loop_open();
	alarms_set(all);
	loop_run(all->loop);
	CU_ASSERT_EQUAL(all->left, 0);
	CU_ASSERT_EQUAL(all->early, 0);
	CU_ASSERT_EQUAL(all->late, 0);
	CU_ASSERT_EQUAL(all->wrong, 0);
	for (int i = 0; i < TIMERS; i++)
		CU_ASSERT_FALSE(timer_runs(&all->at[i].timer));
	loop_close(all->loop);
	free(all);
}

/* ---- descriptors ---- */

struct reading {
	struct watch watch;
	struct loop *loop;
	int calls;
};

static void read_one(struct watch *w, uint32_t events)
{
	struct reading *r = (struct reading *)w;
	char c;

	r->calls++;
	if (!(events & EPOLLIN) || read(w->fd, &c, 1) != 1 || c == '.')
		loop_end(r->loop);
}

static void events_come_until_they_are_taken(void)
{
	struct loop *l = loop_open();
	struct reading r = { .loop = l };
	int ends[2];

	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	r.watch = (struct watch){ .fd = ends[0], .ready = read_one };
	CU_ASSERT_TRUE(loop_watch(l, &r.watch, EPOLLIN));
	CU_ASSERT_EQUAL(write(ends[1], "abc.", 4), 4);
	loop_run(l);
	CU_ASSERT_EQUAL(r.calls, 4);
	loop_forget(l, &r.watch);
	close(ends[0]);
	close(ends[1]);
	loop_close(l);
}

/* One watch closes the other's descriptor, whose event is in the same batch, and a new one gets its
 * number. */
struct killer {
	struct watch watch;
	struct loop *loop;
	struct reading *victim, *heir;
	int spare;
};

static void kill_other(struct watch *w, uint32_t events)
{
	struct killer *k = (struct killer *)w;
	int fd = k->victim->watch.fd;

	(void)events;
	if (k->victim->watch.added) {
		loop_forget_closing(k->loop, &k->victim->watch);
		close(fd);
		CU_ASSERT_EQUAL(dup(k->spare), fd);
		k->heir->watch.fd = fd;
		CU_ASSERT_TRUE(loop_watch(k->loop, &k->heir->watch, EPOLLIN));
	}
	loop_forget(k->loop, w);
	loop_end(k->loop);
}

static void late_events_of_a_closed_descriptor_reach_nobody(void)
{
	struct loop *l = loop_open();
	struct reading victim = { .loop = l }, heir = { .loop = l };
	struct killer killer = { .loop = l, .victim = &victim, .heir = &heir };
	int first[2], second[2], idle[2];

	CU_ASSERT_EQUAL_FATAL(pipe(first) | pipe(second) | pipe(idle), 0);
	killer.spare = idle[0];
	killer.watch = (struct watch){ .fd = first[0], .ready = kill_other };
	victim.watch = (struct watch){ .fd = second[0], .ready = read_one };
	heir.watch = (struct watch){ .ready = read_one };
	CU_ASSERT_TRUE(loop_watch(l, &killer.watch, EPOLLIN));
	CU_ASSERT_TRUE(loop_watch(l, &victim.watch, EPOLLIN));
	CU_ASSERT_EQUAL(write(first[1], "x", 1) + write(second[1], "y", 1), 2);
	loop_run(l);
	CU_ASSERT_EQUAL(victim.calls, 0);
	CU_ASSERT_EQUAL(heir.calls, 0);
	loop_forget(l, &heir.watch);
	close(heir.watch.fd);
	for (int i = 0; i < 2; i++) {
		close(first[i]);
		close(idle[i]);
	}
	close(second[1]);
	loop_close(l);
}

static void a_descriptor_is_handed_over_with_its_events(void)
{
	struct loop *l = loop_open();
	struct reading before = { .loop = l }, after = { .loop = l };
	int ends[2];

	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	before.watch = (struct watch){ .fd = ends[0], .ready = read_one };
	after.watch = before.watch;
	CU_ASSERT_TRUE(loop_watch(l, &before.watch, EPOLLIN));
	loop_leave(l, &before.watch);
	CU_ASSERT_TRUE(loop_watch(l, &after.watch, EPOLLIN));
	CU_ASSERT_EQUAL(write(ends[1], ".", 1), 1);
	loop_run(l);
	CU_ASSERT_EQUAL(before.calls, 0);
	CU_ASSERT_EQUAL(after.calls, 1);
	loop_forget(l, &after.watch);
	close(ends[0]);
	close(ends[1]);
	loop_close(l);
}

/* ---- work ---- */

enum { POSTS = 20000, THREADS = 2 };

struct post {
	struct work work;
	int number, thread;
};

struct posting {
	struct loop *loop;
	struct post *posts;
	int thread;
};

static int seen[THREADS], out_of_order;
static struct loop *posted_loop;

static void post_runs(struct work *w)
{
	struct post *p = (struct post *)w;

	out_of_order += p->number != seen[p->thread]++;
	if (seen[0] + seen[1] == POSTS * THREADS)
		loop_end(posted_loop);
}

static void *post_all(void *arg)
{
	struct posting *p = arg;

	for (int i = 0; i < POSTS; i++) {
		p->posts[i] = (struct post){ { NULL, post_runs }, i, p->thread };
		loop_post(p->loop, &p->posts[i].work);
	}
	return NULL;
}

static void work_of_other_threads_runs_in_its_order(void)
{
	struct posting p[THREADS];
	pthread_t threads[THREADS];

	posted_loop = loop_open();
	for (int i = 0; i < THREADS; i++) {
		p[i] = (struct posting){ posted_loop, calloc(POSTS, sizeof(struct post)), i };
		pthread_create(&threads[i], NULL, post_all, &p[i]);
	}
	loop_run(posted_loop);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		CU_ASSERT_EQUAL(seen[i], POSTS);
		free(p[i].posts);
	}
	CU_ASSERT_EQUAL(out_of_order, 0);
	loop_close(posted_loop);
}

int main(void)
{
	static const struct unit units[] = {
		{ "timers_ring_when_they_are_due_unless_stopped", timers_ring_when_due },
		{ "events_come_until_they_are_taken", events_come_until_they_are_taken },
		{ "late_events_of_a_closed_descriptor_reach_nobody",
		  late_events_of_a_closed_descriptor_reach_nobody },
		{ "a_descriptor_is_handed_over_with_its_events",
		  a_descriptor_is_handed_over_with_its_events },
		{ "work_of_other_threads_runs_in_its_order",
		  work_of_other_threads_runs_in_its_order },
	};

	return unit_main("loop", units, sizeof(units) / sizeof(*units));
}
