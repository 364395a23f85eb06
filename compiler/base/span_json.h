/* A span as machines read it (doc/cli.md, "JSON diagnostic"). */
#ifndef EPIC_BASE_SPAN_JSON_H
#define EPIC_BASE_SPAN_JSON_H

#include "compiler/base/sink.h"
#include "compiler/base/source.h"

/* {"file", "start", "end", "label"}; LABEL may be NULL. */
void span_json(struct sink *, const struct sources *, struct span, const char *label);

#endif
