/* Reads the statements of a BESS script: as much of Python as backends/bess writes.
 *
 *	NAME = CLASS(ARGUMENTS)
 *	NAME.METHOD(ARGUMENTS)
 *
 * Arguments are numbers, texts, names, lists and objects; how they are spaced, quoted and spread
 * over lines does not matter. */
#ifndef EPIC_TOOLS_SCRIPT_READ_H
#define EPIC_TOOLS_SCRIPT_READ_H

#include <stdbool.h>
#include <stddef.h>

#include "compiler/base/arena.h"
#include "compiler/base/sink.h"

struct script_argument {
	const char *name;  /* NULL: by its place */
	const char *value; /* in one spelling */
};

struct script_statement {
	size_t line;
	const char *object; /* what is assigned, or whose method is called */
	const char *callee; /* the class, or the method */
	bool assigns;
	struct script_argument *at; /* those by place first, then by name */
	size_t n;
};

struct script {
	struct script_statement *at;
	size_t n, cap;
	size_t bad_line; /* not 0: this line is no such statement */
};

struct script script_read(struct arena *, const struct sink *);
/* The value of an argument; NULL: it is not given. */
const char *script_argument(const struct script_statement *, const char *name);
const char *script_text(struct arena *, const struct script_statement *);

#endif
