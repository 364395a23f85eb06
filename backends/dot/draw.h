/* Drawings of a plan.  Each view makes a picture, whose items carry their looks in the DOT
 * language; render.c alone speaks Graphviz.
 *
 * No view says a thing by colour alone: lines differ in their style and carry words as well. */
#ifndef EPIC_DOT_DRAW_H
#define EPIC_DOT_DRAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "backends/dot/picture.h"
#include "runtime/plan/plan.h"

void draw_areas(struct picture *);
void draw_flows(struct picture *);
void draw_pipelines(struct picture *);
void draw_tasks(struct picture *);
void draw_schedulers(struct picture *);

/* ---- what views share ---- */

#define INK "#1f2933"
#define PALE_INK "#5b6770"
#define PAPER "#f6f8fa"
#define FRAME "#b8c2cc"
#define GREEN "#17743a"
#define BLUE "#1d5fc4"
#define RED "#bf2330"

/* How a flow of one status is drawn. */
struct look {
	const char *status; /* as in the plan */
	const char *colour;
	const char *style;  /* of the line */
	const char *sample; /* the line, drawn with characters */
	const char *legend;
};
const struct look *look_of(const char *status); /* never NULL */

/* The legend explains what the drawing has and nothing else. */
void draw_legend_open(FILE *);
void draw_legend_row(FILE *, const char *colour, const char *sample, const char *meaning);
void draw_legend_close(FILE *);
/* A row for cards of several outcomes, if any is shown. */
void draw_mixed_row(FILE *, const struct picture *);
/* The attributes tooltip and labeltooltip of an edge of a pipeline. */
void put_edge_tooltip(FILE *, const struct rplan_edge *);
/* Its filter in small print for an HTML-like label; nothing if all packets meet it. */
void put_filter(FILE *, const char *when);
/* The same for machines, with the classes that take it. */
void tell_edge(struct picture *, struct pic_item *, const struct rplan_edge *);
/* And a module of a pipeline; CLASS NULL: with all classes that pass it. */
void tell_module(struct picture *, struct pic_item *, const struct rplan_module *,
		 const char *class);
/* A flow, as a row of the item. */
void tell_flow(struct picture *, struct pic_item *, const struct rplan_flow *);
/* A node of a domain. */
void tell_node(struct picture *, struct pic_item *, const char *name);
/* A box that says that there is nothing to see. */
void draw_nothing(struct picture *, const char *words);

/* ---- words ---- */

/* Text for an HTML-like label, from any bytes a plan may hold. */
void put_html(FILE *, const char *text);
void put_html_n(FILE *, const char *text, size_t size);
/* The same in lines of about WIDTH characters, broken at blanks, each followed by a break to the
 * left; what does not fit into LINES lines is cut, with an ellipsis. */
void put_wrapped(FILE *, const char *text, size_t width, size_t lines);
/* "key-management, segmentation" from canonical names, wrapped likewise. */
void put_tails(FILE *, struct rplan_texts names, size_t width, size_t lines);
/* A quoted string of DOT in which a backslash is just that; a line feed stays one. */
void put_quoted(FILE *, const char *text);
/* "2.5 Mpps" from 2500000 and "pps". */
void put_rate(FILE *, double, const char *unit);
/* "220 ms" from microseconds. */
void put_time(FILE *, double us);
/* Up to three digits behind the point, no trailing zeros. */
void put_number(FILE *, double);

/* Number of letters to change to make A of B (Levenshtein), for short words. */
size_t distance(const char *a, const char *b);

const char *name_tail(const char *name); /* the last component */
size_t name_domain(const char *name);    /* the length of all before it, without the dot */

/* ---- memory and sets ---- */

/* Zeroed; ends the program with exit code 5 if there is none left. */
void *draw_alloc(size_t n, size_t size);
void *draw_realloc(void *, size_t n, size_t size);

/* Collects a text in memory; text_take closes it and gives the text to the caller, who frees it. */
struct text {
	FILE *to;
	char *bytes;
	size_t size;
};
void text_open(struct text *);
char *text_take(struct text *);

/* Sorted names without repetition, which stay where they are. */
struct names {
	const char **at;
	size_t n;
};
void names_add(struct names *, const char *);
void names_sort(struct names *);
size_t names_find(const struct names *, const char *); /* after names_sort; SIZE_MAX: not there */
void names_free(struct names *);

#endif
