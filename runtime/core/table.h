/* Tables for people and for grep.
 *
 * Columns are added first, then the cells row by row.  One table has two forms: drawn, with
 * columns as wide as they must be and names cut in the middle where the width does not do; and as
 * lines `TITLE key=value key=value`, with plain numbers. */
#ifndef EPIC_CORE_TABLE_H
#define EPIC_CORE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/core/text.h"

enum table_align { TABLE_LEFT, TABLE_RIGHT };

struct table;

/* NULL: memory is exhausted; the other functions then do nothing.  Texts are copied. */
struct table *table_new(const char *title);
void table_free(struct table *); /* NULL is fine */

/* KEY is for the lines, HEAD for the drawing. */
void table_column(struct table *, const char *key, const char *head, enum table_align);
/* The next cell; a row ends when it has as many as there are columns. */
void table_text(struct table *, const char *); /* NULL: nothing */
void table_none(struct table *);
void table_number(struct table *, double);       /* "1.23 M" */
void table_time(struct table *, double seconds); /* "12.3 us" */
void table_share(struct table *, double share);  /* "12.3 %" */
void table_bar(struct table *, double share);    /* "[###..] 61 %" */
size_t table_rows(const struct table *);

/* WIDTH 0: as wide as it gets.  A table without rows is not drawn. */
void table_draw(const struct table *, size_t width, struct text *);
void table_lines(const struct table *, struct text *);

/* ---- its parts ---- */

/* With three digits and a unit: "0", "12", "0.123", "1.23 k", "45.6 M". */
void text_si(struct text *, double);
/* At most WIDTH characters of S, the middle left out for a `~`. */
void text_cut(struct text *, const char *s, size_t width);

#endif
