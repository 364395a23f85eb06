/* The one door to Graphviz. */
#ifndef EPIC_DOT_RENDER_H
#define EPIC_DOT_RENDER_H

#include <stddef.h>

/* Lays out the graph DOT and draws it in a FORMAT of Graphviz ("svg").  The result is the
 * caller's, to be given to free; NULL: Graphviz failed, and has said why on standard error. */
char *render(const char *dot, const char *format, size_t *size);

#endif
