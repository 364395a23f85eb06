/* One thread's event loop: epoll, timers, and work that other threads hand over.
 *
 * Everything here belongs to the thread that runs the loop, except loop_post and loop_end.  Events
 * are level-triggered: what is not taken comes again. */
#ifndef EPIC_SOCKS_LOOP_H
#define EPIC_SOCKS_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct loop;

/* A file descriptor that is waited for.  The owner embeds it and keeps it alive until loop_forget
 * and the end of the batch (loop_later). */
struct watch {
	int fd;
	uint32_t events; /* EPOLLIN, EPOLLOUT; 0: only errors and hang-ups.  The loop's own */
	bool added;
	void (*ready)(struct watch *, uint32_t events);
};

/* Each is zeroed to begin. */
struct timer {
	struct timer *next, **link;
	uint64_t due; /* ms of loop_now */
	void (*ring)(struct timer *);
};

/* Work: of another thread (loop_post), or at the end of this batch of events (loop_later). */
struct work {
	struct work *next;
	void (*run)(struct work *);
};

struct loop *loop_open(void); /* NULL: errno says why */
void loop_close(struct loop *);
void loop_run(struct loop *); /* until loop_end */
void loop_end(struct loop *); /* from any thread, or a signal handler */

/* Begins to wait for EVENTS of watch->fd.  False: errno. */
bool loop_watch(struct loop *, struct watch *, uint32_t events);
/* Waits for others; costs a system call only if they differ. */
bool loop_events(struct loop *, struct watch *, uint32_t events);
/* Before the descriptor is closed.  No further call of ready(), not even in this batch. */
void loop_forget(struct loop *, struct watch *);
/* The same of a descriptor that is closed right after: the kernel forgets it by itself. */
void loop_forget_closing(struct loop *, struct watch *);
/* The descriptor lives on and nobody waits for it, until another watch takes it over by loop_watch,
 * which then costs a system call only if that one waits for other events. */
void loop_leave(struct loop *, struct watch *);
void loop_forget_left(struct loop *,
		      int fd); /* before it is closed without having been taken over */

/* Milliseconds, monotonic, of when this batch of events began. */
uint64_t loop_now(const struct loop *);
/* Rings once, MS from now or a little later; at most 49 days.  A timer that runs is set anew. */
void timer_set(struct loop *, struct timer *, uint32_t ms);
void timer_stop(struct timer *);
static inline bool timer_runs(const struct timer *t)
{
	return t->link != 0;
}

/* Runs before the loop waits again; objects are freed in it, since the same batch may hold further
 * events of theirs. */
void loop_later(struct loop *, struct work *);
/* From any thread: runs on the loop's thread soon.  WORK must be in no queue. */
void loop_post(struct loop *, struct work *);

#endif
