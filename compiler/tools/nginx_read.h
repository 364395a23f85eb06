/* Reads the syntax of nginx: words, quotes, comments, blocks. */
#ifndef EPIC_TOOLS_NGINX_READ_H
#define EPIC_TOOLS_NGINX_READ_H

#include <stddef.h>

#include "compiler/base/arena.h"
#include "compiler/base/sink.h"

struct nginx_directive {
	const char *const *words; /* the name first, without quotes */
	size_t n_words;
	size_t line, end;           /* where it begins, and where its block ends */
	struct nginx_directive *at; /* its block */
	size_t n;
};

/* The whole file as a directive without words.  NULL: *LINE and *WHY say what is wrong. */
const struct nginx_directive *nginx_read(struct arena *, const struct sink *, size_t *line,
					 const char **why);
/* The I-th word; "" if there are fewer. */
const char *nginx_word(const struct nginx_directive *, size_t i);
/* "listen 10.0.0.1:80 ssl" */
const char *nginx_text(struct arena *, const struct nginx_directive *);

#endif
