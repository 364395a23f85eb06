/* A picture: what a view shows of a plan, before anybody writes it down.
 *
 * Views make items (boxes, lines, frames) with words for people and facts for machines; the files
 * near and fold take items away or put them together; forms (DOT, mermaid, json, html) write down
 * what is left.  All belongs to the picture and lives until pic_free. */
#ifndef EPIC_DOT_PICTURE_H
#define EPIC_DOT_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "runtime/plan/plan.h"

struct pic_fact {
	const char *key, *text;
	bool is_number;
	double number; /* in the unit that KEY ends with */
};

/* One thing that an item tells: a flow, a module, a task.  A bundle has many. */
struct pic_row {
	const char *title;
	const char *reason;              /* NULL: none */
	const struct rplan_place *place; /* in the policy; NULL: unknown */
	struct pic_fact *facts;
	size_t n_facts;
};

/* What pictures are filtered by. */
enum pic_tag { TAG_APPLICATION, TAG_CLASS, TAG_DOMAIN, TAG_STATUS, N_TAGS };
extern const char *const pic_tag_words[N_TAGS];

struct pic_texts {
	const char **at;
	size_t n;
};

struct pic_item;

struct pic_items {
	struct pic_item **at;
	size_t n;
};

/* A node, an edge or a cluster. */
struct pic_item {
	const char *id;             /* in DOT */
	const char *kind;           /* "endpoint", "module", "flow": the views' own words */
	const char *name;           /* canonical; "" if the policy has no name for it */
	const char *label;          /* the words of the drawing, without their looks */
	const char *dot;            /* attributes of DOT; statements in a cluster */
	const char *status;         /* a flow's or movement's, else NULL */
	struct pic_item *cluster;   /* of a node or cluster; NULL: none */
	struct pic_item *from, *to; /* of an edge */
	/* Of a card, the nodes on its way: flows are drawn as a card on a line.  Of an edge that
	 * several cards share, these cards. */
	struct pic_items via;
	struct pic_row *rows;
	size_t n_rows;
	struct pic_texts tags[N_TAGS];
	size_t count;     /* of items in it; 1: itself */
	size_t inside;    /* flows that a fold has swallowed */
	size_t order;     /* in which nodes and clusters were made */
	bool internal;    /* put in by the compiler */
	bool last_column; /* stands in one column with its like */
	bool hidden;
	bool changed;            /* by folding: needs other looks */
	struct pic_item *folded; /* into which */
	size_t distance;         /* from what is in focus */
};

struct picture {
	const struct rplan_plan *plan;
	const char *view;
	bool internal;      /* shows what the compiler put in */
	const char *more;   /* attributes of the graph, ", a=b" */
	const char *legend; /* in DOT */
	const char *(*make_legend)(
	    struct picture *);  /* of what is left; NULL: legend is as it is */
	struct pic_texts notes; /* what was left out */
	struct pic_items nodes, edges, clusters;
	size_t n_made;
	struct pic_texts owned;
	struct text *open;
};

struct picture *pic_new(const struct rplan_plan *, const char *view);
void pic_free(struct picture *);

/* The arguments behind FMT make the id. */
struct pic_item *pic_node(struct picture *, struct pic_item *cluster, const char *kind,
			  const char *name, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
struct pic_item *pic_cluster(struct picture *, struct pic_item *parent, const char *kind,
			     const char *name, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
struct pic_item *pic_edge(struct picture *, struct pic_item *from, struct pic_item *to,
			  const char *kind);

/* Text is written to what pic_write gives, and pic_take makes it the picture's.  One at a time. */
FILE *pic_write(struct picture *);
const char *pic_take(struct picture *);
const char *pic_text(struct picture *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

struct pic_row *pic_row(struct pic_item *, const char *title);
void pic_fact(struct pic_row *, const char *key, const char *text);
/* Key "rate_bps": the text is "2 Mbps", the number 2000000. */
void pic_number(struct picture *, struct pic_row *, const char *key, double);
void pic_names(struct picture *, struct pic_row *, const char *key, struct rplan_texts);
void pic_tag(struct pic_item *, enum pic_tag, const char *);
bool pic_has_tag(const struct pic_item *, enum pic_tag, const char *);
void pic_via(struct pic_item *, struct pic_item *);

/* Whether ITEM lies in the cluster, or in one of its own. */
bool pic_is_in(const struct pic_item *item, const struct pic_item *cluster);
/* Whether a card of that status is shown; NULL: one of several. */
bool pic_shows_status(const struct picture *, const char *status);
/* Hides clusters in which nothing is shown. */
void pic_hide_empty(struct picture *);

void pic_items_add(struct pic_items *, struct pic_item *);
void pic_texts_add(struct pic_texts *, const char *);

#endif
