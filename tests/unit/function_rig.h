/* Bridging functions alone: made from settings, opened for connections of made-up flows. */
#ifndef EPIC_FUNCTION_RIG_H
#define EPIC_FUNCTION_RIG_H

#include "runtime/socks/function.h"
#include "runtime/socks/functions/rows.h"
#include "tests/unit/unit.h"

struct rig {
	const struct function_class *class;
	struct log log; /* to /dev/null unless changed before rig_make */
	struct function_site site;
	struct function *function;
	struct function_error error;
	char why[256]; /* of the last connection that was refused */
};

/* Before anything else. */
void rig_begin(struct rig *, const struct function_class *);
/* SETTINGS: JSON, or NULL.  False: rig.error. */
bool rig_make(struct rig *, const char *settings);
/* The same after a reload; the function of before is released. */
bool rig_reload(struct rig *, const char *settings);
void rig_end(struct rig *);

/* What makes refuses, with this error. */
void rig_refuses(const struct function_class *, const char *settings, const char *error);

/* Of APPLICATION, both ends as ADDRESS:PORT. */
struct function_facts rig_facts(const char *source, const char *destination,
				const char *application);
bool rig_open(struct rig *, const struct function_facts *, void **state);
void rig_close(struct rig *, void *state, uint64_t forward, uint64_t back);
/* A number of the status. */
double rig_count(struct rig *, const char *key);
bool rig_datagram(struct rig *, void *state, enum way, size_t n);

#endif
