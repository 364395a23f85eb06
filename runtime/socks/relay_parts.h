/* The parts of a relay, private to relay*.c.
 *
 * A way is a list of lanes: an external program cuts it, so that one lane ends in the program's
 * input and the next begins at its output.  A lane reads from its source only while nothing that it
 * read before waits: for its sink, for a meter, for a function.
 *
 * Whatever ends the relay sets `over`, after which nobody touches anything but what the caller
 * still has in hand; its memory lives until the loop's batch is done. */
#ifndef EPIC_SOCKS_RELAY_PARTS_H
#define EPIC_SOCKS_RELAY_PARTS_H

#include "runtime/socks/relay.h"

enum {
	NO_LANE = UINT16_MAX,
	CLIENT = 0, /* sides by number; behind them those of programs, input and output by turns */
	SERVER = 1,
	N_MAIN_SIDES = 2
};

/* Where bytes come from or go to. */
struct relay_side {
	struct watch watch; /* its descriptor stays when the stream is closed */
	struct stream stream;
	uint16_t number;
	uint16_t from, to;    /* lanes: that reads from it, that writes to it; or NO_LANE */
	uint16_t stage : 15;  /* of a program */
	uint16_t hung_up : 1; /* both directions are shut; watched only when there is to do */
};

struct relay_pipe;

struct relay_lane {
	struct bytes waits;      /* for the sink; while HEADING: read and not understood yet */
	struct relay_pipe *pipe; /* with bytes for the sink, or NULL */
	uint64_t moved;          /* to the sink */
	uint32_t skip;           /* so many of WAITS were sent */
	uint32_t in_a_row;       /* bytes that came without a small piece between them */
	uint16_t source, sink;   /* sides */
	uint16_t first, n;       /* stages by their place along the way */
	uint16_t n_ended;        /* the first of those, which have seen the end */
	bool back : 1;           /* the way */
	bool seen : 1;           /* stages have `bytes` or `admit` */
	bool no_splice : 1;
	bool heading : 1;  /* the head comes first */
	bool ended : 1;    /* the source did */
	bool finished : 1; /* the sink was told; or the way is given up */
	bool waiting : 1;  /* a function said FUNCTION_WAIT */
	bool metered : 1;  /* bytes wait for a meter */
	bool woken : 1;    /* its functions are to be called */
	bool rung : 1;     /* its meters are to be asked */
};

/* Of a stage with `admit`. */
struct relay_meter {
	struct relay *relay;
	struct timer timer;
	struct bytes waits[N_WAYS];
};

struct relay_wake;

struct relay_pool {
	struct loop *loop;
	uint8_t *buffer;         /* RELAY_CHUNK */
	struct bytes scratch[2]; /* between stages */
	struct relay_pipe *free; /* empty ones */
	size_t n_pipes;          /* free or in use */
	uint64_t dry;            /* ms of loop_now: none can be made before */
};

struct relay {
	struct relay_pool *pool;
	struct work over_work; /* calls DONE and frees the relay */
	struct timer idle;
	uint64_t active; /* ms of loop_now: when bytes moved last */
	enum relay_head (*head)(void *arg, const uint8_t *, size_t n, size_t *used);
	void (*done)(void *arg, enum relay_end, const char *why, struct stream *client);
	void *arg;
	char *why;
	struct stage *stages;
	struct relay_wake *wake;
	struct relay_meter *meters; /* one for each stage, or NULL */
	struct relay_lane *lanes;   /* of WAY_FORWARD in order, then of WAY_BACK */
	uint32_t idle_ms;
	uint16_t n_stages, n_sides, n_lanes;
	uint16_t n_forward; /* lanes */
	uint8_t result;     /* enum relay_end */
	bool over : 1;
	bool broken : 1; /* a side is gone; what it sent before it ended in order still goes on */
	struct relay_side sides[];
};

static inline enum way lane_way(const struct relay_lane *l)
{
	return l->back ? WAY_BACK : WAY_FORWARD;
}

static inline struct relay_lane *way_first(const struct relay *r, enum way way)
{
	return &r->lanes[way == WAY_BACK ? r->n_forward : 0];
}

static inline struct relay_lane *way_last(const struct relay *r, enum way way)
{
	return &r->lanes[(way == WAY_BACK ? r->n_lanes : r->n_forward) - 1];
}

static inline bool side_is_program(const struct relay_side *s)
{
	return s->number >= N_MAIN_SIDES;
}

/* ---- relay.c ---- */

/* WHY is copied; NULL: there is nothing to say. */
void relay_is_over(struct relay *, enum relay_end, const char *why);
/* The side cannot be read from or written to, or neither; ERROR as of errno. */
void side_is_broken(struct relay *, struct relay_side *, int error);
/* After bytes moved: waits for what each side needs now, ends what is done. */
void relay_settle(struct relay *);

/* ---- relay_lane.c ---- */

/* Moves what can be moved.  READABLE: the source has something to read. */
void lane_pump(struct relay *, struct relay_lane *, bool readable);
bool lane_may_read(const struct relay_lane *);
bool lane_has_unsent(const struct relay_lane *); /* something to send, if only the end */
/* Bytes that the source gave; the source's end. */
void lane_take(struct relay *, struct relay_lane *, const uint8_t *, size_t n);
void lane_source_ended(struct relay *, struct relay_lane *);
/* To the sink; what it does not take waits. */
void lane_put(struct relay *, struct relay_lane *, const uint8_t *, size_t n);
void lane_count(struct relay *, struct relay_lane *, size_t n); /* bytes of one reading */
/* What waits is dropped. */
void lane_drop(struct relay *, struct relay_lane *);

/* ---- relay_splice.c ---- */

bool splice_fits(const struct relay *, const struct relay_lane *);
/* Moves as much as there is.  False: not in this manner, nothing was read. */
bool splice_move(struct relay *, struct relay_lane *);
bool splice_flush(struct relay *, struct relay_lane *); /* true: the pipe is empty */
void splice_drop(struct relay *, struct relay_lane *);

/* ---- relay_stages.c ---- */

struct stage *lane_stage(const struct relay *, const struct relay_lane *, size_t place);
/* Through the lane's stages to its sink.  Also with no bytes: after an end, for RUNG. */
void stages_pass(struct relay *, struct relay_lane *, const uint8_t *, size_t n);
void stages_wake(struct relay *, struct relay_lane *); /* for WOKEN */
void meters_open(struct relay *);                      /* `meters` is zeroed */
void meters_close(struct relay *);
void meters_drop(struct relay *, enum way);
void wake_attach(struct relay *); /* wakes at once if that was wished before */
void wake_detach(struct relay *);

#endif
