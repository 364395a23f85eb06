/* Ways to write a picture down. */
#ifndef EPIC_DOT_FORM_H
#define EPIC_DOT_FORM_H

#include "backends/dot/picture.h"

/* WITH_IDS: what Graphviz draws gets the ids of the items, for those who look it up. */
void form_dot(FILE *, const struct picture *, bool with_ids);
/* A flowchart of mermaid. */
void form_mermaid(FILE *, const struct picture *);
/* "epic.graph/1" of doc/pictures.md.  No `<` is in it, so that it can stand in a page. */
void form_json(FILE *, const struct picture *);
/* A page that needs nothing else; SVG is the drawing, from form_dot with ids. */
void form_html(FILE *, const struct picture *, const char *svg);

/* The texts of page.css and page.js, from sources that are made of them when the program is built.
 */
extern const char page_css[], page_js[];

#endif
