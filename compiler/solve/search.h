/* The search for the best cut of a net: branch and bound on its queues.
 *
 * A node of the search has decided some queues.  Its bound is a linear program in
 * which nothing ties a multiplier to the one before it where the queue is open; what
 * was decided is substituted, not weighed with a big constant, so that no answer
 * rests on a solver's idea of "nearly 0".  Answers are judged exactly. */
#ifndef EPIC_SOLVE_SEARCH_H
#define EPIC_SOLVE_SEARCH_H

#include "compiler/solve/cut.h"
#include "compiler/solve/demand.h"
#include "compiler/solve/scheduling.h"

/* A cut with workers: what the order of doc/language.md 5.5 compares. */
struct answer {
	const struct net *net;
	const struct demand *demand;
	const struct cut *cut;
	const uint32_t *worker; /* per task */
	struct rat *rates;      /* per stage and other traffic, within the band */
	const struct rat *service; /* per task, if they are known already; else NULL */
	bool judged;            /* `deviation` is known */
	struct rat deviation;
};

struct cut_search {
	struct arena *arena;
	const struct sched_options *options;
	bool tasks_first;
	struct answer *best;        /* NULL: none yet */
	const struct answer *rival; /* from another net; answers must deliver more of the named
				     * classes than it does.  NULL: there is none */
	uint64_t n_nodes;
	uint64_t most_nodes; /* 0: no limit */
	double started;      /* of the clock, seconds */
	bool stopped;        /* by limit or by who watches */
	bool cut_short;      /* some cut has too many placings to look at all */
	double reported;     /* when who watches was asked last */
	/* No cut that was not looked at is better than this: 0 and SIZE_MAX if all were. */
	double open_rate;  /* of the first stage */
	size_t open_tasks;
};

/* < 0: A comes before B, that is, A is better. */
int answer_compare(bool tasks_first, struct answer *, struct answer *);
/* Finds the deviation of an answer, once. */
void answer_judge(struct answer *);
/* Whether two answers of one cut deliver the same and are as close to the ratios. */
bool answer_level(struct answer *, const struct answer *);
/* Of placings that are level with an answer's takes the lexicographically first, if it
 * is found within a few thousand programs. */
void workers_settle(struct cut_search *, struct answer *);
/* Judges one cut, on the best workers for it, and keeps it if it is better than what
 * is known.  True: it is feasible. */
bool search_try(struct cut_search *, const struct demand *, const bool *root);
/* All cuts of a net.  ANY: stops at the first answer. */
void search_run(struct cut_search *, const struct demand *, bool any);

/* ---- shared by search.c and workers.c ---- */

/* Workers for a cut such that it is better than SEARCH's best; NULL: none such.
 * FEASIBLE: some workers were found that would do.  The answer lives in the arena. */
struct answer *workers_choose(struct cut_search *, struct arena *, const struct demand *, const struct cut *,
			      bool *feasible);
/* As strcmp: whether rates are behind, level with (to 1e-7) or ahead of an answer's. */
int rates_against(const double *rates, const struct answer *);
/* Whether they are ahead of the rival, if there is one. */
bool rates_beat_rival(const struct cut_search *, const double *rates);
double clock_now(void);
/* True: enough; polls the limit and who watches. */
bool search_enough(struct cut_search *);

#endif
